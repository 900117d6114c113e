//! What people do in all journeys: make a key, have it approved, choose a session and pupils, sign.

use std::time::Duration;

use fantoccini::Locator;
use keis_tests::browser::{Browser, WebDriver};
use keis_tests::wait::until;
use serde_json::json;

/// Pupils of the sample: two schools.
pub const PUPILS: usize = 600;
/// The passphrase of every key.
pub const PASSPHRASE: &str = "thirteen quiet horses at noon";
/// How long something that a script or another page does may take.
pub const PATIENCE: Duration = Duration::from_secs(45);

/// Makes a key in the browser and copies its recovery code, as the page demands. Returns the code, as the sheet shows it.
pub async fn make_key(browser: &Browser, label: &str) -> Vec<String> {
    browser.open("wallet/new?lang=en").await;
    browser.fill("#key-label", label).await;
    browser.fill("#key-passphrase", PASSPHRASE).await;
    browser.fill("#key-repeat", PASSPHRASE).await;
    browser.click("#key-button").await;
    shown(browser, "#sheet").await;
    let code = texts(browser, "#sheet-code li").await;
    let asked = browser.see("#sheet-asked").await.text().await.expect("a label has text");
    let digits: String = asked.chars().filter(char::is_ascii_digit).collect();
    let number: usize = digits.parse().expect("the number of a group");
    browser.assert_accessible().await;
    browser.picture("recovery-sheet").await;
    browser.fill("#sheet-group", &code[number - 1]).await;
    browser.click("#sheet-button").await;
    browser.see("tr[data-key]").await;
    browser.hear(label).await;
    code
}

/// What each of these elements says.
pub async fn texts(browser: &Browser, css: &str) -> Vec<String> {
    let script = format!("return [...document.querySelectorAll(\"{css}\")].map(one => one.textContent.trim())");
    let found = browser.client.execute(&script, Vec::new()).await.expect("the page answers");
    serde_json::from_value(found).expect("texts")
}

/// Looks at an address again and again until it shows an element.
pub async fn until_at(browser: &Browser, address: &str, css: &str) {
    let look = async || {
        browser.open(address).await;
        browser.has(css).await.then_some(())
    };
    until(&format!("{css} at {address}"), PATIENCE, look).await;
}

/// Waits until an element that a script shows is there to be seen.
pub async fn shown(browser: &Browser, css: &str) {
    let script = format!(
        "const found = document.querySelector('{css}'); return !!found && !found.hidden && found.offsetParent !== null"
    );
    let seen = async || browser.client.execute(&script, Vec::new()).await.ok().filter(|shown| *shown == json!(true));
    until(css, PATIENCE, seen).await;
}

/// An officer approves all keys that wait.
pub async fn approve_keys(officer: &Browser) {
    loop {
        officer.open("office/keys?lang=en").await;
        let waiting = officer.client.find(Locator::Css("tbody a[href^='/office/keys/']")).await;
        let Ok(waiting) = waiting else { return };
        waiting.click().await.expect("the key's page opens");
        officer.click("form[action$='/approve'] input[type=checkbox]").await;
        officer.click("form[action$='/approve'] button").await;
        officer.see(".flash.good").await;
    }
}

/// Waits until a key that this browser holds is on the ledger.
pub async fn key_in_force(browser: &Browser) {
    until_at(browser, "wallet", "tr[data-key] .badge.good").await;
}

/// A person with a key that may be used.
pub async fn with_key(driver: &WebDriver, officer: &Browser, house: &str, person: &str) -> Browser {
    let browser = driver.browser(house).await;
    browser.sign_in(person).await;
    make_key(&browser, &format!("laptop of {person}")).await;
    approve_keys(officer).await;
    key_in_force(&browser).await;
    browser
}

/// Signs what the signing page shows; returns what it said.
pub async fn sign(browser: &Browser, name: &str) -> String {
    shown(browser, "#sign-form").await;
    browser.assert_accessible().await;
    browser.picture(name).await;
    let said = browser.see("#sign-entries").await.text().await.expect("the entries have text");
    browser.fill("#sign-passphrase", PASSPHRASE).await;
    browser.click("#sign-button").await;
    browser.see(".flash.good").await;
    said
}

/// The page of a new order for the first service with a session that fits, found through the catalogue.
pub async fn new_order(browser: &Browser) {
    browser.open("services?lang=en").await;
    let services = links(browser, "a[href^='/services/srv_']").await;
    for service in services {
        browser.open(service.trim_start_matches('/')).await;
        let sessions = links(browser, "a[href^='/school/orders/new?session=']").await;
        // The last session is weeks away: nothing is late.
        let Some(session) = sessions.last() else { continue };
        browser.open(&format!("{}&lang=en", session.trim_start_matches('/'))).await;
        let open = browser.has("button[data-intent='order.request'], button[data-intent='order.propose']").await;
        if open {
            return;
        }
    }
    panic!("no service has a session to order");
}

pub async fn links(browser: &Browser, css: &str) -> Vec<String> {
    let script = format!("return [...document.querySelectorAll(\"{css}\")].map(a => a.getAttribute('href'))");
    let found = browser.client.execute(&script, Vec::new()).await.expect("the page answers");
    let mut links: Vec<String> = serde_json::from_value(found).expect("addresses");
    links.dedup();
    links
}

/// Ticks pupils of the first class that has any who can go.
pub async fn choose_pupils(browser: &Browser, count: usize) -> Vec<String> {
    for class in 0..20 {
        let boxes = browser.client.find_all(Locator::Css("#classes input[name=class]")).await.expect("classes");
        let Some(one) = boxes.get(class) else { break };
        if !one.is_selected().await.expect("a box") {
            one.click().await.expect("a box can be ticked");
        }
        browser.follow("button[name=step][value=show]").await;
        let pupils =
            browser.client.find_all(Locator::Css("#pupils input[name=pupil]:not(:disabled)")).await.expect("pupils");
        if pupils.len() < count {
            continue;
        }
        let mut names = Vec::new();
        for pupil in &pupils[..count] {
            pupil.click().await.expect("a pupil can be ticked");
            names.push(pupil.attr("data-label").await.expect("a box").expect("a pupil's box has a label"));
        }
        return names;
    }
    panic!("no class has {count} pupils who can go:\n{}", browser.text().await);
}
