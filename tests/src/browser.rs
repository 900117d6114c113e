//! A browser as people use it: Debian's Chromium, driven through its WebDriver.

use std::process::Stdio;
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How long a page may take to show what it must.
const PATIENCE: Duration = Duration::from_secs(45);
/// Where `tests/web/prepare.sh` puts the judge of accessibility.
const AXE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/web/node_modules/axe-core/axe.min.js");
/// The rules of WCAG 2.2 AA, and what axe-core knows beside them as good practice.
const RULES: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/// The WebDriver's process.
pub struct WebDriver {
    _child: Child,
    address: String,
}

impl WebDriver {
    /// Starts it on a free port.
    pub async fn start() -> Self {
        let mut child = Command::new("chromedriver")
            .args(["--port=0", "--log-level=SEVERE"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver can be run: Debian has it in the package chromium-driver");
        let mut lines = BufReader::new(child.stdout.take().expect("the output is piped")).lines();
        let port = async {
            loop {
                let line = lines.next_line().await.expect("the output can be read").expect("chromedriver runs");
                if let Some((_, port)) = line.rsplit_once("successfully on port ") {
                    return port.trim_end_matches('.').to_owned();
                }
            }
        };
        let port = tokio::time::timeout(PATIENCE, port).await.expect("chromedriver tells its port");
        Self { _child: child, address: format!("http://127.0.0.1:{port}") }
    }

    /// A browser with an empty profile: nobody is signed in, no key is kept.
    pub async fn browser(&self, url: &str) -> Browser {
        self.sized(url, 1280, 900).await
    }

    /// A browser with a window of this size.
    pub async fn sized(&self, url: &str, width: u32, height: u32) -> Browser {
        self.started(url, (width, height), None).await
    }

    /// A small telephone: 360 pixels wide, touched instead of clicked.
    pub async fn phone(&self, url: &str) -> Browser {
        let metrics = json!({ "width": 360, "height": 740, "pixelRatio": 2.0, "touch": true, "mobile": true });
        self.started(url, (360, 740), Some(json!({ "deviceMetrics": metrics }))).await
    }

    async fn started(&self, url: &str, (width, height): (u32, u32), phone: Option<Value>) -> Browser {
        let profile = tempfile::tempdir().expect("a temporary folder");
        let arguments = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--lang=lt".to_owned(),
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let mut capabilities = Map::new();
        let mut options = json!({ "args": arguments });
        if let Some(phone) = phone {
            options["mobileEmulation"] = phone;
        }
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        capabilities.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
        let connector = hyper_util::client::legacy::connect::HttpConnector::new();
        let mut builder = ClientBuilder::new(connector);
        builder.capabilities(capabilities);
        let client = builder.connect(&self.address).await.expect("a browser starts");
        Browser { client, url: url.to_owned(), driver: self.address.clone(), _profile: profile }
    }
}

/// A browser that somebody sits at.
pub struct Browser {
    /// The WebDriver's session.
    pub client: Client,
    url: String,
    driver: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Opens an address of the site, without its leading slash.
    pub async fn open(&self, path: &str) {
        let address = format!("{}{path}", self.url);
        self.client.goto(&address).await.unwrap_or_else(|error| panic!("{address}: {error}"));
    }

    /// The path and query of the page.
    pub async fn path(&self) -> String {
        let url = self.client.current_url().await.expect("the page has an address");
        url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    }

    /// Waits for an element.
    pub async fn see(&self, css: &str) -> Element {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        match found {
            Ok(element) => element,
            Err(error) => panic!("no {css} at {}: {error}\n{}", self.path().await, self.text().await),
        }
    }

    /// Whether an element is there now.
    pub async fn has(&self, css: &str) -> bool {
        match self.client.find(Locator::Css(css)).await {
            Ok(_) => true,
            Err(error) if error.is_no_such_element() => false,
            Err(error) => panic!("{css}: {error}"),
        }
    }

    /// Clicks an element.
    pub async fn click(&self, css: &str) {
        self.scrolled(self.see(css).await).await.click().await.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// Clicks an element that leads to another page, or to this one anew, and waits until that is there.
    pub async fn follow(&self, css: &str) {
        let mark = "document.documentElement.dataset.left = 'yes'";
        self.client.execute(mark, Vec::new()).await.expect("the page answers");
        self.click(css).await;
        let arrived = "return document.readyState === 'complete' && !document.documentElement.dataset.left";
        let look =
            async || self.client.execute(arrived, Vec::new()).await.ok().filter(|arrived| *arrived == json!(true));
        crate::wait::until(css, PATIENCE, look).await;
    }

    /// Clicks a link or button by what it says.
    pub async fn press(&self, words: &str) {
        let path = format!("//*[self::a or self::button or self::summary][contains(normalize-space(.), \"{words}\")]");
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::XPath(&path)).await;
        let found = match found {
            Ok(found) => found,
            Err(error) => panic!("nothing says {words:?} at {}: {error}\n{}", self.path().await, self.text().await),
        };
        self.scrolled(found).await.click().await.unwrap_or_else(|error| panic!("{words}: {error}"));
    }

    async fn scrolled(&self, element: Element) -> Element {
        let argument = serde_json::to_value(&element).expect("an element is data");
        let scroll = "arguments[0].scrollIntoView({block: 'center'})";
        self.client.execute(scroll, vec![argument]).await.expect("the page scrolls");
        element
    }

    /// Chooses an option of a list by its value.
    pub async fn choose(&self, css: &str, value: &str) {
        let list = self.see(css).await;
        list.select_by_value(value).await.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// Sets a field whose typing depends on the browser's country, such as a time.
    pub async fn set(&self, css: &str, value: &str) {
        self.see(css).await;
        let script = "const field = document.querySelector(arguments[0]); field.value = arguments[1]; \
            field.dispatchEvent(new Event('input', { bubbles: true })); return field.value";
        let set = self.client.execute(script, vec![json!(css), json!(value)]).await.expect("the page answers");
        assert_eq!(set, json!(value), "{css} does not take it");
    }

    /// Types into a field, in place of what is there.
    pub async fn fill(&self, css: &str, text: &str) {
        let field = self.see(css).await;
        field.clear().await.unwrap_or_else(|error| panic!("{css}: {error}"));
        field.send_keys(text).await.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// What the page says.
    pub async fn text(&self) -> String {
        match self.client.find(Locator::Css("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(error) => error.to_string(),
        }
    }

    /// Waits until the page says something.
    pub async fn hear(&self, words: &str) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let text = self.text().await;
            if text.contains(words) {
                return;
            }
            let path = self.path().await;
            assert!(tokio::time::Instant::now() < deadline, "{path} does not say {words:?}:\n{text}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Signs in as a sample person of the trial network, in English.
    pub async fn sign_in(&self, person: &str) {
        self.open("signin?lang=en").await;
        self.click(&format!("button[name=person][value=\"{person}\"]")).await;
        self.see("header .user").await;
    }

    /// What the judge of accessibility finds on the page.
    pub async fn violations(&self) -> Vec<String> {
        let axe = std::fs::read_to_string(AXE);
        let axe = axe.unwrap_or_else(|error| panic!("{AXE}: {error}; run `sh tests/web/prepare.sh`"));
        self.client.execute(&axe, Vec::new()).await.expect("the judge loads");
        let run = "const done = arguments[arguments.length - 1]; \
            axe.run(document, {runOnly: arguments[0]}).then(found => done(found.violations), error => done(String(error)))";
        let found = self.client.execute_async(run, vec![json!(RULES)]).await.expect("the judge judges");
        let violations = found.as_array().unwrap_or_else(|| panic!("the judge failed: {found}"));
        let path = self.path().await;
        violations.iter().map(|violation| format!("{path}: {}", tell(violation))).collect()
    }

    /// Panics when the judge of accessibility finds anything on the page.
    pub async fn assert_accessible(&self) {
        let found = self.violations().await;
        assert!(found.is_empty(), "not accessible:\n{}", found.join("\n"));
    }

    /// How many pixels the page is wider than the window.
    pub async fn too_wide(&self) -> i64 {
        let script = "return document.documentElement.scrollWidth - window.innerWidth";
        let width = self.client.execute(script, Vec::new()).await.expect("the page answers");
        width.as_i64().expect("a number").max(0)
    }

    /// Shows the page as it is printed (`print`) or again on the screen (`screen`).
    pub async fn media(&self, media: &str) {
        let command = json!({ "cmd": "Emulation.setEmulatedMedia", "params": { "media": media } });
        self.driven("goog/cdp/execute", &command).await;
    }

    /// The page as a printer gets it, as PDF in base 64.
    pub async fn printed(&self) -> String {
        let sheet = json!({ "page": { "width": 21.0, "height": 29.7 } });
        self.driven("print", &sheet).await.as_str().expect("a PDF").to_owned()
    }

    /// Asks the driver for what fantoccini has no word for.
    async fn driven(&self, what: &str, body: &Value) -> Value {
        let session = self.client.session_id().await.expect("the session is there").expect("the session has an id");
        let address = format!("{}/session/{session}/{what}", self.driver);
        let asked = crate::door::http().post(address).json(body).send().await;
        let mut answer: Value = asked.expect("the driver answers").json().await.expect("the driver answers JSON");
        assert!(answer["value"]["error"].is_null(), "{what}: {answer}");
        answer["value"].take()
    }

    /// What the browser complained of since it was last asked: a script failed, the content policy was broken. A form that is
    /// shown again with what is wrong with it (status 422) is nothing to complain of.
    pub async fn complaints(&self) -> Vec<String> {
        let told = self.driven("se/log", &json!({ "type": "browser" })).await;
        let entries = told.as_array().map(Vec::as_slice).unwrap_or_default();
        let path = self.path().await;
        let form = |entry: &Value| entry["message"].as_str().is_some_and(|text| text.contains("status of 422"));
        let severe = entries.iter().filter(|entry| entry["level"] == "SEVERE" && !form(entry));
        severe.map(|entry| format!("{path}: {}", entry["message"])).collect()
    }

    /// Panics when the browser has complained.
    pub async fn assert_quiet(&self) {
        let complaints = self.complaints().await;
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }

    /// A picture of the page, kept where `KEIS_PICTURES` names a folder.
    pub async fn picture(&self, name: &str) {
        let Ok(folder) = std::env::var("KEIS_PICTURES") else { return };
        let height = self.client.execute("return document.documentElement.scrollHeight", Vec::new()).await;
        let height = height.ok().and_then(|height| height.as_u64()).unwrap_or(900).clamp(600, 4000);
        let (width, old) = self.client.get_window_size().await.expect("a window has a size");
        let whole = u32::try_from(height).expect("a clamped height") + 120;
        self.client.set_window_size(u32::try_from(width).expect("a width"), whole).await.expect("the window grows");
        let picture = self.client.screenshot().await.expect("a picture is taken");
        let back =
            self.client.set_window_size(u32::try_from(width).expect("a width"), u32::try_from(old).expect("a height"));
        back.await.expect("the window shrinks");
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        std::fs::write(format!("{folder}/{name}.png"), picture).expect("the picture can be written");
    }

    /// Ends the browser.
    pub async fn close(self) -> Result<(), CmdError> {
        self.client.close().await
    }
}

fn tell(violation: &Value) -> String {
    let nodes = violation["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let places: Vec<&str> = nodes.iter().filter_map(|node| node["html"].as_str()).take(3).collect();
    format!("{}: {} ({} places) {places:?}", violation["id"], violation["help"], nodes.len())
}
