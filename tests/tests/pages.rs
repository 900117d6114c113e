//! Every page of the portal, as every role sees it, in both languages: accessible by the judge's rules, quiet in the browser's
//! console, narrow enough for a phone.

use std::collections::{BTreeSet, VecDeque};

use keis_tests::address::{kind, leaves};
use keis_tests::browser::{Browser, WebDriver};
use keis_tests::house::House;
use keis_tests::wait::turn;
use serde_json::json;

/// Pupils of the sample: two schools.
const PUPILS: usize = 600;
/// Most kinds of pages of a role; more would mean that the crawl does not recognise a kind.
const MOST_KINDS: usize = 80;
/// Width of a small phone.
const PHONE: u32 = 360;
/// Width and height of a window on a desk.
const DESK: (u32, u32) = (1280, 900);

/// Links of the site on this page.
async fn links(browser: &Browser) -> Vec<String> {
    let script = "return [...document.querySelectorAll('a[href]')].map(a => new URL(a.href)) \
        .filter(url => url.origin === location.origin && !url.hash).map(url => url.pathname + url.search)";
    let found = browser.client.execute(script, Vec::new()).await.expect("the page answers");
    let found = found.as_array().cloned().unwrap_or_default();
    found.iter().filter_map(|link| link.as_str()).map(ToOwned::to_owned).collect()
}

fn in_language(address: &str, lang: &str) -> String {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let others: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("lang=")).collect();
    let others = others.iter().map(|pair| format!("{pair}&")).collect::<String>();
    format!("{}?{others}lang={lang}", path.trim_start_matches('/'))
}

/// The elements that reach furthest to the right.
async fn widest(browser: &Browser) -> String {
    let script = "return [...document.querySelectorAll('body *')].filter(one => !one.closest('.table-wrap') \
        && one.getBoundingClientRect().right > window.innerWidth + 0.5).slice(0, 3).map(one => one.outerHTML.slice(0, 120))";
    browser.client.execute(script, Vec::new()).await.expect("the page answers").to_string()
}

/// By how much the open page is wider than a phone.
async fn too_wide(browser: &Browser) -> Option<String> {
    browser.client.set_window_size(PHONE, DESK.1).await.expect("the window shrinks");
    // The page is laid out anew some time after the window is smaller.
    let script = "const [most, done] = arguments; const look = () => innerWidth <= most \
        ? done(document.documentElement.scrollWidth - innerWidth) : requestAnimationFrame(look); look();";
    let width =
        browser.client.execute_async(script, vec![json!(PHONE)]).await.expect("the page is as narrow as a phone");
    let width = width.as_i64().expect("a number");
    let fault = match width {
        1.. => Some(format!("{width} pixels wider than a phone: {}", widest(browser).await)),
        _ => None,
    };
    browser.client.set_window_size(DESK.0, DESK.1).await.expect("the window grows");
    fault
}

/// Judges one address of every kind that links lead to, in both languages, for who is signed in; returns how many kinds there
/// were, and what is wrong with them.
async fn judge(driver: &WebDriver, house: &House, person: Option<&str>) -> (usize, Vec<String>) {
    let browser = driver.sized(&house.url, DESK.0, DESK.1).await;
    if let Some(person) = person {
        browser.sign_in(person).await;
    }
    let (mut known, mut faults) = (BTreeSet::new(), Vec::new());
    let mut ahead = VecDeque::from(["/".to_owned()]);
    while let Some(address) = ahead.pop_front() {
        let kind = kind(&address);
        if address.starts_with("/assets/") || leaves(&address) || !known.insert(kind.clone()) {
            continue;
        }
        assert!(known.len() <= MOST_KINDS, "too many kinds of pages: {known:#?}");
        let name: String =
            kind.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
        for lang in ["en", "lt"] {
            browser.open(&in_language(&address, lang)).await;
            let shown = browser.client.execute("return document.documentElement.lang", Vec::new()).await;
            assert_eq!(shown.expect("the page answers"), json!(lang), "{address}");
            faults.extend(browser.violations().await);
            faults.extend(browser.complaints().await);
            browser.picture(&format!("{}{name}-{lang}", person.unwrap_or("public"))).await;
        }
        ahead.extend(links(&browser).await);
        faults.extend(too_wide(&browser).await.map(|fault| format!("{address} is {fault}")));
    }
    browser.close().await.expect("the browser ends");
    (known.len(), faults)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_accessible_quiet_and_narrow() {
    let _turn = turn().await;
    let house = House::open(PUPILS).await;
    let driver = WebDriver::start().await;
    let people = [
        (None, 4),
        (Some("coordinator"), 12),
        (Some("teacher"), 10),
        (Some("provider"), 10),
        (Some("officer"), 12),
        (Some("budget-officer"), 5),
    ];
    let mut faults = Vec::new();
    for (person, least) in people {
        let (pages, wrong) = judge(&driver, &house, person).await;
        println!("{}: {pages} kinds of pages", person.unwrap_or("nobody"));
        assert!(pages >= least, "{person:?} finds only {pages} kinds of pages");
        faults.extend(wrong);
    }
    house.close().await;
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
