//! Keys of one person on several devices: a second one, one brought back from its recovery sheet, one revoked; and sessions:
//! signing out ends them, other sites cannot use them.

use keis_ledger::ids::SchoolId;
use keis_ledger::record::OrderState;
use keis_tests::browser::{Browser, WebDriver};
use keis_tests::house::House;
use keis_tests::wait::turn;
use serde_json::json;

use crate::hands::{
    PASSPHRASE, PUPILS, approve_keys, choose_pupils, key_in_force, links, make_key, new_order, shown, sign, texts,
};

const NO_KEY: &str = "This browser holds no valid key of yours.";

/// Goes as far as the signing page with an order of one pupil.
async fn asks_for_an_order(browser: &Browser) {
    new_order(browser).await;
    choose_pupils(browser, 1).await;
    browser.click("button[data-intent='order.request']").await;
}

/// Orders for one pupil; returns the order's page.
async fn orders(browser: &Browser) -> String {
    asks_for_an_order(browser).await;
    sign(browser, "signing-on-a-device").await;
    browser.hear("waits for the provider").await;
    browser.path().await
}

/// The school's keys of this portal's people that the ledger takes now.
async fn keys_in_force(house: &House, school: SchoolId) -> usize {
    let (ledger, year) = (house.ledger(), house.year().await);
    let now = ledger.status().await.expect("the gateways answer").clock;
    let wallet =
        ledger.school_wallet(school, year).await.expect("the gateways answer").expect("the school has a wallet");
    wallet.keys.iter().filter(|key| key.from <= now && now < key.until).count()
}

async fn device(driver: &WebDriver, house: &House) -> Browser {
    let browser = driver.browser(&house.url).await;
    browser.sign_in("coordinator").await;
    browser
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_device_a_recovered_key_and_a_revoked_one() {
    let _turn = turn().await;
    let house = House::open(PUPILS).await;
    let driver = WebDriver::start().await;
    let officer = driver.browser(&house.url).await;
    officer.sign_in("officer").await;
    let office = device(&driver, &house).await;
    let code = make_key(&office, "office computer").await;
    approve_keys(&officer).await;
    key_in_force(&office).await;
    let school = house.order(&orders(&office).await).await.order.school;
    let before = keys_in_force(&house, school).await;

    // The second device knows of the first one's key and cannot use it; with its own, both order.
    let laptop = device(&driver, &house).await;
    laptop.open("wallet").await;
    laptop.hear("on another device").await;
    asks_for_an_order(&laptop).await;
    laptop.hear(NO_KEY).await;
    make_key(&laptop, "laptop at home").await;
    approve_keys(&officer).await;
    let both = async || {
        laptop.open("wallet").await;
        (texts(&laptop, "tr[data-key] .badge.good").await.len() == 2).then_some(())
    };
    keis_tests::wait::until("both keys are in force", crate::hands::PATIENCE, both).await;
    laptop.assert_accessible().await;
    laptop.picture("two-keys").await;
    assert_eq!(keys_in_force(&house, school).await, before + 1);
    let of_laptop = orders(&laptop).await;
    orders(&office).await;

    // The first computer is gone: its key comes back from the sheet, and continues what another key began.
    let replacement = device(&driver, &house).await;
    recovers(&replacement, &code).await;
    replacement.open(&format!("{}/cancel", of_laptop.split('?').next().expect("a path").trim_start_matches('/'))).await;
    replacement.click("main form button.danger").await;
    sign(&replacement, "signing-with-a-recovered-key").await;
    assert_eq!(house.order(&of_laptop).await.order.state, OrderState::CancelledFree);
    assert_eq!(keys_in_force(&house, school).await, before + 1, "a recovered key is no new key");

    // The owner revokes it, while it is about to sign elsewhere.
    asks_for_an_order(&office).await;
    shown(&office, "#sign-form").await;
    revokes(&laptop, "office computer").await;
    assert_eq!(keys_in_force(&house, school).await, before);
    let placed = placed(&house, school).await;
    office.fill("#sign-passphrase", PASSPHRASE).await;
    office.click("#sign-button").await;
    office.hear("It is signed by a key that is not yours or not valid.").await;
    office.picture("signed-with-a-revoked-key").await;
    for device in [&office, &replacement] {
        asks_for_an_order(device).await;
        device.hear(NO_KEY).await;
        assert!(!device.see("#sign-form").await.is_displayed().await.expect("the form is there"));
    }
    assert_eq!(self::placed(&house, school).await, placed, "a revoked key has ordered");
    orders(&laptop).await;
    for browser in [laptop, replacement, officer] {
        browser.assert_quiet().await;
        browser.close().await.expect("the browser ends");
    }
    office.close().await.expect("the browser ends");
    house.close().await;
}

/// How many orders the school has.
async fn placed(house: &House, school: SchoolId) -> usize {
    let orders = house.ledger().all_school_orders(school, house.year().await, None).await;
    orders.expect("the gateways answer").len()
}

/// Types the code of a recovery sheet into a fresh browser: first with a slip, which the page finds.
async fn recovers(browser: &Browser, code: &[String]) {
    browser.open("wallet/recover").await;
    browser.fill("#key-label", "new office computer").await;
    browser.fill("#key-passphrase", PASSPHRASE).await;
    browser.fill("#key-repeat", PASSPHRASE).await;
    let mut slip = code.to_vec();
    let last = if slip[4].ends_with('7') { "8" } else { "7" };
    slip[4].replace_range(4.., last);
    browser.fill("#key-code", &slip.join(" ")).await;
    browser.click("#key-button").await;
    browser.hear("There is a mistake in group 5 of the code.").await;
    browser.assert_accessible().await;
    browser.picture("slip-in-a-recovery-code").await;
    browser.fill("#key-code", &code.join(" ").to_lowercase()).await;
    browser.click("#key-button").await;
    browser.hear("Keys that the culture passport knows").await;
    browser.hear("in this browser").await;
}

/// Revokes the key of a device, by a signature of this browser's own.
async fn revokes(browser: &Browser, label: &str) {
    browser.open("wallet").await;
    browser.click(&format!("button[name=sign][aria-label*='{label}']")).await;
    let said = sign(browser, "signing-a-revocation").await;
    assert!(said.contains(label), "{said}");
    for key in texts(browser, "tr[data-key]").await {
        assert_eq!(key.contains("revoked"), key.contains(label), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_out_ends_a_session_and_another_site_cannot_use_it() {
    let _turn = turn().await;
    let house = House::open(PUPILS).await;
    let driver = WebDriver::start().await;
    let browser = device(&driver, &house).await;
    browser.open("school/classes").await;
    let classes = links(&browser, "main a[href^='/school/class?']").await;
    browser.open(classes[0].trim_start_matches('/')).await;
    let class = browser.path().await;
    let names = texts(&browser, "main tbody tr th").await;
    assert!(!names.is_empty(), "{}", browser.text().await);

    // A page of another address of this machine, to which the browser gives the same cookies.
    let gateway = format!("{}/v1/status", house.gateways[0].trim_end_matches('/'));
    browser.client.goto(&gateway).await.expect("a gateway answers");
    let forge = "const form = document.createElement('form'); form.method = 'post'; form.action = arguments[0]; \
        document.body.append(form); form.submit()";
    let target = json!(format!("{}signout", house.url));
    browser.client.execute(forge, vec![target]).await.expect("the form is sent");
    browser.hear("The request came from another site, so it was not carried out.").await;
    browser.open(class.trim_start_matches('/')).await;
    browser.hear(&names[0]).await;

    let kept = browser.client.get_named_cookie("__Host-keis").await.expect("a session has its cookie");
    browser.press("Sign out").await;
    browser.hear("You are signed out").await;
    browser.client.back().await.expect("there is a page before");
    browser.hear("People of the trial network").await;
    nothing_of(&browser, &names).await;
    // Whoever kept the cookie has nothing either: the session itself is gone.
    browser.client.add_cookie(kept).await.expect("a cookie can be put back");
    browser.open(class.trim_start_matches('/')).await;
    browser.hear("People of the trial network").await;
    nothing_of(&browser, &names).await;
    browser.close().await.expect("the browser ends");
    house.close().await;
}

async fn nothing_of(browser: &Browser, names: &[String]) {
    let text = browser.text().await;
    let shown = names.iter().find(|name| text.contains(name.as_str()));
    assert!(shown.is_none(), "{shown:?} is shown to nobody in particular:\n{text}");
}
