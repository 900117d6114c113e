//! A teacher with a telephone and the coordinator: a proposal that is taken up, attendance by touch, and what they print.

use std::collections::BTreeSet;

use fantoccini::Locator;
use keis_ledger::receipt::Kind;
use keis_ledger::record::{LineState, OrderState};
use keis_tests::browser::{Browser, WebDriver};
use keis_tests::house::House;
use keis_tests::wait::turn;
use serde_json::json;

use crate::hands::{
    PUPILS, approve_keys, choose_pupils, key_in_force, links, make_key, new_order, shown, sign, texts, with_key,
};

/// Nothing of the page lies beside the telephone's screen.
async fn fits(phone: &Browser) {
    assert_eq!(phone.too_wide().await, 0, "{} is wider than the telephone", phone.path().await);
}

/// A teacher without a key asks for a signature, and is told what to do instead.
async fn is_told_to_make_a_key(phone: &Browser) {
    new_order(phone).await;
    choose_pupils(phone, 1).await;
    phone.click("button[data-intent='order.propose']").await;
    shown(phone, "#sign-no-key").await;
    phone.hear("This browser holds no valid key of yours.").await;
    phone.hear("Nothing was signed.").await;
    phone.assert_accessible().await;
    fits(phone).await;
    phone.picture("phone-without-a-key").await;
    phone.click("#sign-no-key a[href='/wallet/new']").await;
    phone.see("#key-form").await;
}

/// Ticks on a telephone who was there: one more was absent than the provider reported. Returns the places of the absent.
async fn ticks_attendance(phone: &Browser) -> BTreeSet<u16> {
    phone.open("school/orders?state=delivered").await;
    phone.click("main a[href^='/school/orders/ord_']").await;
    phone.click("main a[href$='/attendance']").await;
    phone.see("input[name=present]").await;
    fits(phone).await;
    phone.assert_accessible().await;
    phone.picture("phone-attendance").await;
    let boxes = phone.client.find_all(Locator::Css("input[name=present]")).await.expect("boxes");
    let mut absent = BTreeSet::new();
    let mut further = 1;
    for one in boxes {
        let was_there = one.is_selected().await.expect("a box");
        if was_there && further > 0 {
            further -= 1;
            let label = one.find(Locator::XPath("./ancestor::label")).await.expect("a box stands in its label");
            label.click().await.expect("a name can be touched");
        }
        if !one.is_selected().await.expect("a box") {
            let place = one.attr("value").await.expect("a box").expect("a box has a value");
            absent.insert(place.parse().expect("a line's place"));
        }
    }
    phone.follow("button[name=step][value=sum]").await;
    phone.hear(&format!("Absent: {} pupil", absent.len())).await;
    phone.click("button[data-intent='order.confirm_attendance']").await;
    shown(phone, "#sign-form").await;
    fits(phone).await;
    sign(phone, "phone-signing-attendance").await;
    phone.hear("attendance confirmed").await;
    absent
}

/// The page is a sheet for the printer: nothing of the site around it, every row there.
async fn prints(browser: &Browser, rows: usize, name: &str) {
    browser.media("print").await;
    let seen = "return [...document.querySelectorAll(arguments[0])].filter(one => one.checkVisibility()).length";
    let around = "header.site, footer.site, .simulated, .actions, .no-print, button, input[type=checkbox]";
    let around = browser.client.execute(seen, vec![json!(around)]).await.expect("the page answers");
    assert_eq!(around, json!(0), "{name} prints what is for the screen");
    let printed = browser.client.execute(seen, vec![json!("main tbody tr")]).await.expect("the page answers");
    assert_eq!(printed, json!(rows), "{name}");
    browser.picture(name).await;
    let paper = browser.printed().await;
    assert!(paper.starts_with("JVBERi"), "{name} is no PDF");
    browser.media("screen").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_teacher_proposes_and_ticks_on_a_telephone_and_the_coordinator_orders_and_prints() {
    let _turn = turn().await;
    let house = House::open(PUPILS).await;
    let driver = WebDriver::start().await;
    let officer = driver.browser(&house.url).await;
    officer.sign_in("officer").await;
    let phone = driver.phone(&house.url).await;
    phone.sign_in("teacher").await;
    is_told_to_make_a_key(&phone).await;
    make_key(&phone, "my telephone").await;
    approve_keys(&officer).await;
    key_in_force(&phone).await;

    // A proposal holds neither money nor places, and the teacher cannot do more.
    new_order(&phone).await;
    fits(&phone).await;
    let names = choose_pupils(&phone, 3).await;
    fits(&phone).await;
    phone.picture("phone-order-form").await;
    assert!(!phone.has("button[data-intent='order.request']").await, "a teacher is offered to order");
    phone.click("button[data-intent='order.propose']").await;
    let said = sign(&phone, "phone-signing-a-proposal").await;
    assert!(names.iter().all(|name| said.contains(name.as_str())), "{names:?} are not all in:\n{said}");
    phone.hear("The coordinator must order or drop it until").await;
    fits(&phone).await;
    let order = phone.path().await;
    let proposed = house.order(&order).await.order;
    assert_eq!(proposed.state, OrderState::Proposed);
    assert!(proposed.lines.iter().all(|line| line.state == LineState::Proposed && line.held.state.is_zero()));

    // The coordinator finds it on the start page and orders what the teacher chose.
    let coordinator = with_key(&driver, &officer, &house.url, "coordinator").await;
    let path = order.split('?').next().expect("a path");
    coordinator.open("school").await;
    coordinator.hear("A teacher proposed it.").await;
    coordinator.click(&format!("main a[href='{path}']")).await;
    coordinator.click("main a[href^='/school/orders/new?order=']").await;
    coordinator.hear("A teacher proposed this visit.").await;
    let ticked = texts(&coordinator, "#pupils li:has(input[name=pupil]:checked) label").await;
    assert_eq!(ticked.len(), names.len(), "{ticked:?}");
    coordinator.picture("taking-up-a-proposal").await;
    coordinator.click("button[data-intent='order.request']").await;
    sign(&coordinator, "signing-a-proposal-taken-up").await;
    coordinator.hear("waits for the provider").await;
    assert_eq!(coordinator.path().await.split('?').next(), Some(path), "the order is another one");
    let requested = house.order(&order).await.order;
    assert_eq!(requested.state, OrderState::Requested);
    let pupils =
        |order: &keis_ledger::record::Order| order.lines.iter().map(|line| line.pupil).collect::<BTreeSet<_>>();
    assert_eq!(pupils(&requested), pupils(&proposed));
    let held = requested.lines.iter().all(|line| !line.held.state.is_zero() || !line.held.school.is_zero());
    assert!(held, "no money is held: {requested:?}");
    let kinds: Vec<Kind> = house.history(&order).await.iter().map(|receipt| receipt.kind).collect();
    assert_eq!(kinds, [Kind::OrderProposed, Kind::OrderRequested]);

    let absent = ticks_attendance(&phone).await;
    let visited = house.order(&phone.path().await).await.order;
    assert_eq!(visited.state, OrderState::Attended);
    let marked = (0..).zip(&visited.lines).filter(|(_, line)| line.state == LineState::Absent).map(|(place, _)| place);
    assert_eq!(marked.collect::<BTreeSet<u16>>(), absent);

    // What is taken along on paper: the visit's sheet and a class's list.
    coordinator.open(&format!("{}/print", path.trim_start_matches('/'))).await;
    coordinator.hear("List of pupils and attendance sheet").await;
    prints(&coordinator, names.len(), "print-attendance-sheet").await;
    coordinator.open("school/classes").await;
    let classes = links(&coordinator, "main a[href^='/school/class?']").await;
    coordinator.open(classes[0].trim_start_matches('/')).await;
    let pupils = texts(&coordinator, "main tbody tr").await.len();
    assert!(pupils > 5, "a class of {pupils}");
    prints(&coordinator, pupils, "print-class").await;
    for browser in [coordinator, phone, officer] {
        browser.assert_quiet().await;
        browser.close().await.expect("the browser ends");
    }
    house.close().await;
}
