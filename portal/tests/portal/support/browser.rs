//! A browser without scripts: cookies by address, forms, redirects only when asked to follow them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use keis_ledger::codec;
use keis_ledger::operation::Operation;
use keis_portal::words::Lang;
use serde_json::Value;
use url::Url;
use warp::http::HeaderMap;

/// What a browser shows.
#[derive(Debug, Clone)]
pub struct Page {
    pub url: Url,
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Page {
    /// Kept where `KEIS_PAGES` names a folder, for who wants to look at pages.
    fn keep(&self) {
        let Ok(folder) = std::env::var("KEIS_PAGES") else { return };
        if !self.text.starts_with("<!") {
            return;
        }
        let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
        let place = format!("{}-{}", self.url.path(), self.url.query().unwrap_or_default());
        let name: String = place.chars().map(plain).take(120).collect();
        let file = format!("{folder}/{}-{name}-{}.html", self.status, blake3::hash(self.text.as_bytes()).to_hex());
        std::fs::write(file, &self.text).expect("the folder can be written");
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Where it sends the browser.
    pub fn location(&self) -> Url {
        self.url.join(self.header("location")).unwrap_or_else(|error| panic!("{}: {error}", self.header("location")))
    }

    /// What the page must say, by the message's key, in Lithuanian, as it stands in HTML.
    pub fn says(&self, key: &str) -> bool {
        let words = Lang::Lt.words().text(key);
        let escaped = words.replace('&', "&#38;").replace('"', "&#34;").replace('\'', "&#39;");
        assert!(Lang::Lt.words().has(key), "{key}");
        self.text.contains(&escaped)
    }

    /// The value of a hidden input.
    pub fn hidden(&self, name: &str) -> String {
        let part = self.text.split(&format!("name=\"{name}\" value=\"")).nth(1);
        let part = part.unwrap_or_else(|| panic!("{name}: {}", self.text));
        part.split('"').next().expect("it ends").to_owned()
    }

    /// What a signing page gives its script.
    pub fn sheet(&self) -> Value {
        assert_eq!(self.status, 200, "{}: {}", self.url, self.text);
        let data = self.text.split("id=\"sign-data\">").nth(1).expect("a signing page").split("</script>").next();
        serde_json::from_str(data.expect("the block ends")).expect("it is JSON")
    }

    /// What a signing page wants signed.
    pub fn asked(&self) -> Vec<Operation> {
        let one = |one: &Value| {
            let bytes = hex::decode(one["bytes"].as_str().expect("a text")).expect("hexadecimal digits");
            codec::decode(&bytes).expect("an operation")
        };
        self.sheet()["operations"].as_array().expect("a list").iter().map(one).collect()
    }

    /// What a signing page calls an id.
    pub fn label(&self, id: impl ToString) -> String {
        self.sheet()["dictionary"][id.to_string()].as_str().unwrap_or_default().to_owned()
    }
}

/// A browser.
pub struct Browser {
    base: Url,
    http: reqwest::Client,
    cookies: Mutex<BTreeMap<(String, String), String>>,
}

impl Browser {
    pub fn new(base: &str) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        Self::over(base, reqwest::Client::builder())
    }

    pub fn over(base: &str, http: reqwest::ClientBuilder) -> Self {
        let http = http.redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { base: base.parse().expect("an address"), http, cookies: Mutex::default() }
    }

    pub fn url(&self, path: &str) -> Url {
        self.base.join(path).expect("an address")
    }

    /// The value of a cookie of the site.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().expect("no test panics with it").get(&(origin(&self.base), name.to_owned())).cloned()
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        let place = (origin(&self.base), name.to_owned());
        self.cookies.lock().expect("no test panics with it").insert(place, value.to_owned());
    }

    pub async fn get(&self, path: &str) -> Page {
        self.send(self.http.get(self.url(path))).await
    }

    /// Sends a form as a browser does that stands on a page of the same site.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Page {
        let url = self.url(path);
        let from = origin(&url);
        self.post_from(path, form, &[("origin", &from), ("sec-fetch-site", "same-origin")]).await
    }

    /// Sends a form with other headers.
    pub async fn post_from(&self, path: &str, form: &[(&str, &str)], headers: &[(&str, &str)]) -> Page {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.http.post(self.url(path)).header("content-type", "application/x-www-form-urlencoded");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.send(request.body(body)).await
    }

    /// Sends a form with a file, or without one.
    pub async fn post_file(&self, path: &str, form: &[(&str, &str)], file: Option<(&str, &[u8])>) -> Page {
        let mut body = Vec::new();
        for (name, value) in form {
            let part = format!("--m-1\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let (name, bytes) = file.unwrap_or_default();
        let head = format!("--m-1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n--m-1--\r\n");
        let (url, kind) = (self.url(path), "multipart/form-data; boundary=m-1");
        let from = origin(&url);
        let request = self.http.post(url).header("content-type", kind).header("origin", from);
        self.send(request.header("sec-fetch-site", "same-origin").body(body)).await
    }

    /// Follows redirects to their end.
    pub async fn follow(&self, page: Page) -> Page {
        let mut page = page;
        for _ in 0..20 {
            if !(300..400).contains(&page.status) {
                return page;
            }
            page = self.get(page.location().as_str()).await;
        }
        panic!("redirects do not end: {}", page.url)
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Page {
        let request = request.build().expect("a request");
        let place = origin(request.url());
        let kept = {
            let cookies = self.cookies.lock().expect("no test panics with it");
            let own = cookies.iter().filter(|((origin, _), _)| *origin == place);
            own.map(|((_, name), value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
        };
        let mut request = request;
        if !kept.is_empty() {
            request.headers_mut().insert("cookie", kept.parse().expect("cookies are text"));
        }
        let url = request.url().clone();
        let response = self.http.execute(request).await.unwrap_or_else(|error| panic!("{url}: {error:?}"));
        for cookie in response.headers().get_all("set-cookie") {
            self.keep(&place, cookie.to_str().expect("cookies are text"));
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let page = Page { url, status, headers, text: response.text().await.expect("a text") };
        page.keep();
        page
    }

    fn keep(&self, place: &str, cookie: &str) {
        let mut parts = cookie.split(';').map(str::trim);
        let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("a cookie has a value");
        let gone = parts.any(|part| {
            let part = part.to_ascii_lowercase();
            part == "max-age=0" || part.contains("1970")
        });
        let mut cookies = self.cookies.lock().expect("no test panics with it");
        let key = (place.to_owned(), name.to_owned());
        if gone || value.is_empty() {
            cookies.remove(&key)
        } else {
            cookies.insert(key, value.to_owned())
        };
    }

    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}
