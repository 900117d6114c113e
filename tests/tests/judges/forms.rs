//! Hostile values in every form, in every parameter of an address and in every part of a path, as every role: no fault of the
//! server, nothing of it in a page but as text, no way out of the site; and nothing that was kept comes back otherwise.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use futures::stream::{self, StreamExt};
use keis_tests::address::{kind, leaves, varies};
use keis_tests::house::House;
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Response, redirect};

use crate::html::{Form, Tag, forms, links, tags};

/// Most kinds of pages of a role, as for the judge of pages.
const MOST_KINDS: usize = 80;
/// Requests under way at once.
const AT_ONCE: usize = 4;
/// Whose pages there are; none for who is not signed in.
const ROLES: [Option<&str>; 6] =
    [None, Some("coordinator"), Some("teacher"), Some("provider"), Some("officer"), Some("budget-officer")];
/// A word that no page has: as an element, an attribute, a host or a field of the head it must never stand.
const MARK: &str = "keisprobe";

/// Texts that were dangerous somewhere, each with the mark where it would show.
fn hostile() -> Vec<String> {
    let mut texts: Vec<String> = [
        "\"'><keisprobe keisprobe=1><script>keisprobe()</script>",
        "x\" onfocus=\"keisprobe()\" keisprobe=\"1",
        "x' keisprobe='1' -- ' OR '1'='1'; DROP TABLE persons; --",
        "</textarea></title></script><keisprobe>",
        "\u{0}\u{1}\u{8}\u{1b}[31m\r\nkeisprobe: 1\r\n\r\n<keisprobe>",
        "javascript:keisprobe()",
        "//keisprobe.example/",
        "/\\keisprobe.example/",
        "https://keisprobe.example/",
        "{{7*7}}${7*7}<%= 7*7 %>../../../../etc/passwd%00%0d%0akeisprobe: 1",
        "\u{202e}\u{200b}\u{feff}\u{fffe}𝕂e\u{301}\u{301}\u{301}ИИ漢字🎭",
        "-1",
        "99999999999999999999999999",
        "NaN",
        "",
    ]
    .map(ToOwned::to_owned)
    .into();
    // As long as the head of a request may be, written out.
    texts.push("ž<keisprobe>".repeat(1_000));
    texts
}

/// Somebody without a browser.
pub(crate) struct Visitor {
    http: Client,
    url: String,
    cookie: Option<String>,
}

/// One request that may do harm.
#[derive(Debug, Clone)]
struct Probe {
    posts: bool,
    address: String,
    /// Type and bytes.
    body: Option<(String, Vec<u8>)>,
}

impl Visitor {
    fn new(house: &House) -> Self {
        // The tree enables two providers of rustls, so one must be named; another part of the program may have done it.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = Client::builder().no_proxy().redirect(redirect::Policy::none()).build();
        let http = http.expect("a client can be made on this machine");
        Self { http, url: house.url.trim_end_matches('/').to_owned(), cookie: None }
    }

    /// A sample person with a session.
    pub(crate) async fn signed_in(house: &House, person: &str) -> Self {
        let mut visitor = Self::new(house);
        let enter = visitor.http.post(format!("{}/signin/simulated", visitor.url));
        let form = format!("person={person}&next=%2F");
        let answer = enter.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form).send().await;
        let answer = answer.expect("the portal answers");
        let cookie = answer.headers().get(SET_COOKIE).and_then(|cookie| cookie.to_str().ok());
        let cookie = cookie.and_then(|cookie| cookie.split(';').next());
        visitor.cookie = Some(cookie.unwrap_or_else(|| panic!("{person} is not let in: {answer:?}")).to_owned());
        visitor
    }

    /// The session's cookie.
    pub(crate) fn cookie(&self) -> &str {
        self.cookie.as_deref().expect("somebody who is signed in")
    }

    async fn send(&self, probe: &Probe) -> Response {
        let url = format!("{}{}", self.url, probe.address);
        let mut request = if probe.posts { self.http.post(url) } else { self.http.get(url) };
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        if let Some((kind, body)) = &probe.body {
            request = request.header(CONTENT_TYPE, kind).body(body.clone());
        }
        request.send().await.unwrap_or_else(|error| panic!("{probe:?} is not answered: {error:?}"))
    }

    async fn page(&self, address: &str) -> Vec<Tag> {
        let probe = Probe { posts: false, address: address.to_owned(), body: None };
        let answer = self.send(&probe).await;
        tags(&answer.text().await.unwrap_or_default())
    }

    /// One address of every kind that links lead to, with the page's tags.
    async fn crawl(&self) -> BTreeMap<String, (String, Vec<Tag>)> {
        let mut known = BTreeMap::new();
        let mut ahead = VecDeque::from(["/".to_owned(), "/signin".to_owned(), "/office".to_owned()]);
        while let Some(address) = ahead.pop_front() {
            let kind = kind(&address);
            if known.contains_key(&kind) || address.starts_with("/assets/") || leaves(&address) {
                continue;
            }
            let tags = self.page(&address).await;
            ahead.extend(links(&tags));
            known.insert(kind, (address, tags));
            assert!(known.len() <= MOST_KINDS, "too many kinds of pages: {:#?}", known.keys());
        }
        known
    }
}

fn encoded(text: &str) -> String {
    // Every byte is written out, so that nothing on the way makes another text of it.
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The requests of a form, each with one hostile value.
fn of_form(form: &Form, texts: &[String]) -> Vec<Probe> {
    let none = [(String::new(), String::new())];
    let buttons = if form.buttons.is_empty() { &none[..] } else { &form.buttons };
    let mut probes = Vec::new();
    for button in buttons {
        let pressed = Some(button.clone()).filter(|(name, _)| !name.is_empty());
        let fields: Vec<(String, String)> = form.fields.iter().cloned().chain(pressed).collect();
        // Of a list of pupils to tick one is enough.
        let mut names = BTreeSet::new();
        for place in (0..fields.len()).filter(|place| names.insert(fields[*place].0.clone())).collect::<Vec<_>>() {
            for text in texts {
                let mut fields = fields.clone();
                text.clone_into(&mut fields[place].1);
                probes.push(sent(form, &fields));
            }
        }
    }
    probes
}

fn sent(form: &Form, fields: &[(String, String)]) -> Probe {
    let pairs = fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    let plain = pairs.collect::<Vec<_>>().join("&");
    let (posts, action) = (form.posts, form.action.clone());
    if !posts {
        let path = action.split('?').next().unwrap_or_default();
        return Probe { posts, address: format!("{path}?{plain}"), body: None };
    }
    if !form.is_multipart {
        return Probe {
            posts,
            address: action,
            body: Some(("application/x-www-form-urlencoded".to_owned(), plain.into())),
        };
    }
    let part = |(name, value): &(String, String)| {
        let file = if name == "file" { "; filename=\"<keisprobe>.csv\"\r\ncontent-type: text/csv" } else { "" };
        format!("--{MARK}-part\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n")
    };
    let body = fields.iter().map(part).collect::<String>() + &format!("--{MARK}-part--\r\n");
    Probe { posts, address: action, body: Some((format!("multipart/form-data; boundary={MARK}-part"), body.into())) }
}

/// The requests of an address, each with one hostile value in its query or its path.
fn of_address(address: &str, texts: &[String]) -> Vec<Probe> {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let mut probes = Vec::new();
    let mut add = |address: String| probes.push(Probe { posts: false, address, body: None });
    for text in texts.iter().filter(|text| !text.is_empty() && text.len() < 1_000) {
        let pairs: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).collect();
        for place in 0..pairs.len() {
            let mut pairs: Vec<String> = pairs.iter().map(|pair| (*pair).to_owned()).collect();
            let name = pairs[place].split('=').next().unwrap_or_default().to_owned();
            pairs[place] = format!("{name}={}", encoded(text));
            add(format!("{path}?{}", pairs.join("&")));
        }
        let parts: Vec<&str> = path.split('/').collect();
        for place in (0..parts.len()).filter(|place| varies(parts[*place])) {
            let mut parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
            parts[place] = encoded(text);
            add(format!("{}?{query}", parts.join("/")));
        }
    }
    probes
}

/// What in a page came in as a value and stands there as something else than text.
fn marked(tags: &[Tag]) -> Option<&Tag> {
    let leads_out = |value: &str| {
        let value = value.trim().to_ascii_lowercase();
        let own = value.starts_with('/') && !value.starts_with("//") && !value.starts_with("/\\");
        !own && (value.starts_with("javascript:") || value.contains("keisprobe.example"))
    };
    tags.iter().find(|tag| {
        let named = tag.name.contains(MARK) || tag.attributes.iter().any(|(name, _)| name.contains(MARK));
        let leads = ["href", "src", "action", "formaction"].iter().any(|name| tag.get(name).is_some_and(leads_out));
        named || leads || tag.attributes.iter().any(|(name, _)| name.starts_with("on"))
    })
}

/// What is wrong with an answer.
async fn fault(answer: Response) -> Option<String> {
    let (status, headers) = (answer.status(), answer.headers().clone());
    if status.is_server_error() {
        return Some(format!("{status}"));
    }
    if headers.contains_key(MARK) {
        return Some("a field of the head was made".to_owned());
    }
    let location = headers.get(LOCATION).map(|location| String::from_utf8_lossy(location.as_bytes()).into_owned());
    let stays = |to: &str| to.starts_with('/') && !to.starts_with("//") && !to.starts_with("/\\");
    if let Some(location) = location.filter(|location| !stays(location)) {
        return Some(format!("it leads to {location}"));
    }
    if !headers
        .get("content-security-policy")
        .is_some_and(|policy| policy.as_bytes().starts_with(b"default-src 'none'"))
    {
        return Some("it has no content policy".to_owned());
    }
    let is_page = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let text = answer.text().await.unwrap_or_default();
    let tags = if is_page { tags(&text) } else { Vec::new() };
    marked(&tags).map(|tag| format!("{tag:?}"))
}

/// Every request of a role, once of each kind of form and address.
fn probes(pages: &BTreeMap<String, (String, Vec<Tag>)>, texts: &[String]) -> (usize, Vec<Probe>) {
    let mut kinds = BTreeMap::new();
    for (address, tags) in pages.values() {
        for form in forms(tags).into_iter().filter(|form| !leaves(&form.action)) {
            let names: Vec<&String> = form.fields.iter().map(|(name, _)| name).collect();
            kinds.entry(format!("{} {names:?}", kind(&form.action))).or_insert_with(|| of_form(&form, texts));
        }
        kinds.entry(kind(address)).or_insert_with(|| of_address(address, texts));
    }
    (kinds.len(), kinds.into_values().flatten().collect())
}

/// Probes every form as every role.
pub(crate) async fn probe(house: &House) {
    let (texts, mut faults) = (hostile(), Vec::new());
    for role in ROLES {
        let visitor = match role {
            Some(person) => Visitor::signed_in(house, person).await,
            None => Visitor::new(house),
        };
        let (kinds, probes) = probes(&visitor.crawl().await, &texts);
        let count = probes.len();
        let sent = stream::iter(probes).map(async |probe| (fault(visitor.send(&probe).await).await, probe));
        let found: Vec<(Option<String>, Probe)> = sent.buffer_unordered(AT_ONCE).collect().await;
        faults.extend(found.into_iter().filter_map(|(fault, probe)| Some((fault?, probe))).map(|(fault, probe)| {
            let body = probe.body.map(|(_, body)| String::from_utf8_lossy(&body).chars().take(300).collect::<String>());
            format!("{role:?} {fault}: {} {body:?}", probe.address.chars().take(300).collect::<String>())
        }));
        let after = visitor.crawl().await;
        for (address, tags) in after.values() {
            faults.extend(marked(tags).map(|tag| format!("{role:?} afterwards at {address}: {tag:?}")));
        }
        let stays = after.values().any(|(_, tags)| forms(tags).iter().any(|form| form.action == "/signout"));
        assert_eq!(stays, role.is_some(), "{role:?} was signed out by a probe, and the rest proves nothing");
        println!("{}: {kinds} kinds of forms and addresses, {count} probes", role.unwrap_or("nobody"));
        assert!(count > 100, "{role:?} has only {count} probes");
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
