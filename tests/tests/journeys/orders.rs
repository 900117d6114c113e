//! The main way: a school orders, a provider delivers, both see it; the same by keyboard alone; and with a server that lies.

use fantoccini::Locator;
use fantoccini::key::Key;
use keis_ledger::record::OrderState;
use keis_tests::browser::{Browser, WebDriver};
use keis_tests::house::House;
use keis_tests::swap::Swapper;
use keis_tests::wait::turn;
use serde_json::json;

use crate::hands::{PASSPHRASE, PUPILS, choose_pupils, links, new_order, shown, sign, with_key};

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
    let on_ledger = house.order(&order).await;
    assert_eq!((on_ledger.order.state, on_ledger.order.lines.len()), (OrderState::Requested, 3));

    // A requested order is cancelled again, without charge.
    coordinator
        .open(&format!("{}/cancel?lang=en", order.split('?').next().expect("a path").trim_start_matches('/')))
        .await;
    coordinator.click("main form button.danger").await;
    sign(&coordinator, "signing-a-cancellation").await;
    coordinator.hear("cancelled without charge").await;
    assert_eq!(house.order(&order).await.order.state, OrderState::CancelledFree);

    // Attendance of a visit that the provider has reported.
    coordinator.open("school/orders?state=delivered&lang=en").await;
    coordinator.click("main a[href^='/school/orders/ord_']").await;
    coordinator.click("main a[href$='/attendance']").await;
    coordinator.click("button[data-intent='order.confirm_attendance']").await;
    sign(&coordinator, "signing-attendance").await;
    coordinator.hear("attendance confirmed").await;
    let visited = coordinator.path().await;
    assert_eq!(house.order(&visited).await.order.state, OrderState::Attended);

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
