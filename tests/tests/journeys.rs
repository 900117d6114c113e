//! What the portal is for, in a browser, over four validators: a key is made and approved, a class is ordered for, a provider
//! answers, attendance is ticked, a statement accepted; by keyboard alone; and with a server that lies.

use std::time::Duration;

use fantoccini::Locator;
use fantoccini::key::Key;
use keis_tests::browser::{Browser, WebDriver};
use keis_tests::house::House;
use keis_tests::swap::Swapper;
use keis_tests::wait::turn;
use serde_json::json;

const PUPILS: usize = 600;
const PASSPHRASE: &str = "thirteen quiet horses at noon";

/// Makes a key in the browser and copies its recovery code, as the page demands.
async fn make_key(browser: &Browser, label: &str) {
    browser.open("wallet/new?lang=en").await;
    browser.fill("#key-label", label).await;
    browser.fill("#key-passphrase", PASSPHRASE).await;
    browser.fill("#key-repeat", PASSPHRASE).await;
    browser.click("#key-button").await;
    shown(browser, "#sheet").await;
    let script = "const asked = Number(document.querySelector('#sheet-asked').textContent.match(/\\d+/)[0]); \
        return document.querySelectorAll('#sheet-code li')[asked - 1].textContent";
    let group = browser.client.execute(script, Vec::new()).await.expect("the sheet is shown");
    browser.assert_accessible().await;
    browser.picture("recovery-sheet").await;
    browser.fill("#sheet-group", group.as_str().expect("a group of the code")).await;
    browser.click("#sheet-button").await;
    browser.hear(label).await;
}

/// Waits until an element that a script shows is there to be seen.
async fn shown(browser: &Browser, css: &str) {
    let script = format!(
        "const found = document.querySelector('{css}'); return !!found && !found.hidden && found.offsetParent !== null"
    );
    let seen = async || browser.client.execute(&script, Vec::new()).await.ok().filter(|shown| *shown == json!(true));
    keis_tests::wait::until(css, Duration::from_secs(45), seen).await;
}

/// An officer approves all keys that wait.
async fn approve_keys(officer: &Browser) {
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

/// A person with a key that may be used.
async fn with_key(driver: &WebDriver, officer: &Browser, house: &str, person: &str) -> Browser {
    let browser = driver.browser(house).await;
    browser.sign_in(person).await;
    make_key(&browser, &format!("laptop of {person}")).await;
    approve_keys(officer).await;
    browser
}

/// Signs what the signing page shows; returns what it said.
async fn sign(browser: &Browser, name: &str) -> String {
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
async fn new_order(browser: &Browser) {
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

async fn links(browser: &Browser, css: &str) -> Vec<String> {
    let script = format!("return [...document.querySelectorAll(\"{css}\")].map(a => a.getAttribute('href'))");
    let found = browser.client.execute(&script, Vec::new()).await.expect("the page answers");
    let mut links: Vec<String> = serde_json::from_value(found).expect("addresses");
    links.dedup();
    links
}

/// Ticks pupils of the first class that has any who can go.
async fn choose_pupils(browser: &Browser, count: usize) -> Vec<String> {
    for class in 0..20 {
        let boxes = browser.client.find_all(Locator::Css("#classes input[name=class]")).await.expect("classes");
        let Some(one) = boxes.get(class) else { break };
        if !one.is_selected().await.expect("a box") {
            one.click().await.expect("a box can be ticked");
        }
        browser.click("button[name=step][value=show]").await;
        browser.see("#pupils").await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_school_orders_a_provider_delivers_and_both_see_it() {
    let _turn = turn().await;
    let house = House::open(PUPILS).await;
    let driver = WebDriver::start().await;
    let officer = driver.browser(&house.url).await;
    officer.sign_in("officer").await;
    let coordinator = with_key(&driver, &officer, &house.url, "coordinator").await;

    // The class is chosen, the page says in words what is signed, the order stands on the ledger.
    new_order(&coordinator).await;
    let names = choose_pupils(&coordinator, 3).await;
    coordinator.picture("order-form").await;
    coordinator.click("button[data-intent='order.request']").await;
    let said = sign(&coordinator, "signing-an-order").await;
    assert!(names.iter().all(|name| said.contains(name.as_str())), "{names:?} are not all in:\n{said}");
    assert!(said.contains('€'), "no price is told:\n{said}");
    coordinator.hear("waits for the provider").await;
    let order = coordinator.path().await;
    coordinator.picture("order").await;

    // A requested order is cancelled again, without charge.
    coordinator
        .open(&format!("{}/cancel?lang=en", order.split('?').next().expect("a path").trim_start_matches('/')))
        .await;
    coordinator.click("main form button.danger").await;
    sign(&coordinator, "signing-a-cancellation").await;
    coordinator.hear("cancelled without charge").await;

    // Attendance of a visit that the provider has reported.
    coordinator.open("school/orders?state=delivered&lang=en").await;
    coordinator.click("main a[href^='/school/orders/ord_']").await;
    coordinator.click("main a[href$='/attendance']").await;
    coordinator.click("button[data-intent='order.confirm_attendance']").await;
    sign(&coordinator, "signing-attendance").await;
    coordinator.hear("attendance confirmed").await;

    // The provider confirms in bulk, reports, and accepts a statement.
    let provider = with_key(&driver, &officer, &house.url, "provider-2").await;
    provider.open("provider/requests?lang=en").await;
    let boxes = provider.client.find_all(Locator::Css("tbody input[name=order]")).await.expect("requests");
    assert!(!boxes.is_empty(), "no request waits:\n{}", provider.text().await);
    for one in &boxes {
        one.click().await.expect("a request can be ticked");
    }
    provider.click("button[data-intent='order.confirm']").await;
    sign(&provider, "signing-confirmations").await;
    provider.open("provider?lang=en").await;
    let reports = links(&provider, "main a[href*='/report']").await;
    if let Some(report) = reports.first() {
        provider.open(report.trim_start_matches('/')).await;
        provider.click("main form button").await;
        sign(&provider, "signing-a-report").await;
    }
    provider.open("provider/statements?lang=en").await;
    provider.click("main a[href*='/provider/statements/stm_']").await;
    provider.click("button[data-intent='settlement.accept']").await;
    sign(&provider, "signing-a-statement").await;
    provider.hear("accepted").await;

    // Nothing is between registry and ledger but the keys with which the demo lived before the doors opened, and the log is
    // whole.
    let home = house.home.join("portal");
    let home = home.to_str().expect("a path of text");
    let compared =
        keis_tests::program::keis(["registry", "reconcile", "--home", home, "--year", "2027", "--json"]).await;
    let report: serde_json::Value = serde_json::from_str(&compared.out).expect("the report is JSON");
    let counts = report["counts"].as_object().expect("counts by kind");
    let kinds: Vec<&str> = counts.keys().map(String::as_str).collect();
    assert_eq!((compared.code(), kinds), (3, vec!["key_unknown"]), "{compared:?}");
    assert_eq!(report["wallets"], json!(PUPILS));
    let log = keis_tests::program::keis(["registry", "log", "--home", home]).await.well();
    assert!(log.out.contains("The log is whole"), "{}", log.out);
    for browser in [coordinator, provider, officer] {
        browser.assert_quiet().await;
        browser.close().await.expect("the browser ends");
    }
    house.close().await;
}

/// Presses a key where the focus is.
async fn press(browser: &Browser, key: &str) {
    let focused = browser.client.active_element().await.expect("something has the focus");
    focused.send_keys(key).await.expect("a key can be pressed");
}

/// Moves on with the tabulator until the focus is on an element.
async fn tab_to(browser: &Browser, css: &str) {
    for _ in 0..200 {
        press(browser, &Key::Tab.to_string()).await;
        let script = format!("return document.activeElement.matches(\"{css}\")");
        if browser.client.execute(&script, Vec::new()).await.expect("the page answers") == json!(true) {
            return;
        }
    }
    panic!("the tabulator does not lead to {css} at {}", browser.path().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_can_be_placed_by_keyboard_and_a_swapped_one_is_refused() {
    let _turn = turn().await;
    let house = House::open(PUPILS).await;
    let driver = WebDriver::start().await;
    let officer = driver.browser(&house.url).await;
    officer.sign_in("officer").await;
    let coordinator = with_key(&driver, &officer, &house.url, "coordinator").await;

    new_order(&coordinator).await;
    let form = coordinator.path().await;
    coordinator.open(form.trim_start_matches('/')).await;
    tab_to(&coordinator, "#classes input[name=class]").await;
    press(&coordinator, " ").await;
    tab_to(&coordinator, "button[name=step][value=show]").await;
    press(&coordinator, &Key::Enter.to_string()).await;
    coordinator.see("#pupils input[name=pupil]").await;
    tab_to(&coordinator, "#pupils input[name=pupil]").await;
    press(&coordinator, " ").await;
    tab_to(&coordinator, "button[data-intent='order.request']").await;
    press(&coordinator, &Key::Enter.to_string()).await;
    shown(&coordinator, "#sign-form").await;
    tab_to(&coordinator, "#sign-passphrase").await;
    press(&coordinator, PASSPHRASE).await;
    press(&coordinator, &Key::Enter.to_string()).await;
    coordinator.see(".flash.good").await;
    coordinator.hear("waits for the provider").await;
    coordinator.close().await.expect("the browser ends");

    // The same page, from a server that asks the browser to sign something else.
    let swapper = Swapper::before(&house.url).await;
    let coordinator = with_key(&driver, &officer, &swapper.url, "coordinator").await;
    new_order(&coordinator).await;
    choose_pupils(&coordinator, 2).await;
    swapper.lie();
    coordinator.click("button[data-intent='order.request']").await;
    shown(&coordinator, "#sign-refused").await;
    assert!(swapper.lied() > 0, "the page did not pass through the lying server");
    let form = coordinator.client.execute("return document.querySelector('#sign-form').hidden", Vec::new()).await;
    assert_eq!(form.expect("the page answers"), json!(true), "what differs from the wish can be signed");
    coordinator.picture("swapped-order").await;
    coordinator.close().await.expect("the browser ends");
    officer.close().await.expect("the browser ends");
    house.close().await;
}
