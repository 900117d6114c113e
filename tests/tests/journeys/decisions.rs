//! Two institutions decide a dispute: officers make keys, governance appoints them, one proposes how the money is split, the other
//! agrees, and the order is resolved.

use keis_cli::found::governance_key;
use keis_ledger::ids::DecisionId;
use keis_ledger::money::Cents;
use keis_ledger::record::OrderState;
use keis_tests::browser::{Browser, WebDriver};
use keis_tests::house::House;
use keis_tests::program;
use keis_tests::wait::turn;

use crate::hands::{PUPILS, key_in_force, make_key, sign, texts, with_key};

/// Runs what the page of keys says, with the key of one institution, and lets two others vote for it.
async fn appoint(house: &House, officer: &Browser) {
    officer.hear("waits to be appointed").await;
    officer.assert_accessible().await;
    officer.picture("a-key-to-be-appointed").await;
    let told = texts(officer, "main section code").await;
    let key = |number| house.home.join(governance_key(number)).to_str().expect("a path of text").to_owned();
    let gateway = house.gateways[0].clone();
    let said = |word: &str| match word {
        "--wallet" => "--key".to_owned(),
        "governance.wallet" => key(1),
        "https://GATEWAY" => gateway.clone(),
        other => other.to_owned(),
    };
    let words = told.first().expect("the page says a command").split_whitespace().skip(1).map(said);
    let proposed = program::keis(words.chain(["--yes".to_owned()])).await.well();
    let decision = proposed.err.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let decision: DecisionId = decision.into_iter().find_map(|word| word.parse().ok()).expect("the decision's number");
    for number in [2, 3] {
        let vote =
            ["governance", "approve", &decision.to_string(), "--key", &key(number), "--gateway", &gateway, "--yes"];
        program::keis(vote).await.well();
    }
    key_in_force(officer).await;
    officer.hear("in force until").await;
}

/// An officer with a key that governance has appointed.
pub async fn seated(driver: &WebDriver, house: &House, person: &str) -> Browser {
    let officer = driver.browser(&house.url).await;
    officer.sign_in(person).await;
    make_key(&officer, &format!("desk of {person}")).await;
    appoint(house, &officer).await;
    officer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_institutions_decide_a_dispute() {
    let _turn = turn().await;
    let house = House::open(PUPILS).await;
    let driver = WebDriver::start().await;
    let officer = seated(&driver, &house, "officer").await;
    let budget = seated(&driver, &house, "budget-officer").await;

    let coordinator = with_key(&driver, &officer, &house.url, "coordinator").await;
    coordinator.open("school/orders?state=delivered").await;
    coordinator.click("main a[href^='/school/orders/ord_']").await;
    let order = coordinator.path().await.split('?').next().expect("a path").to_owned();
    coordinator.open(&format!("{}/dispute", order.trim_start_matches('/'))).await;
    coordinator.click("form[data-intent='order.dispute'] button").await;
    sign(&coordinator, "signing-a-dispute").await;
    let disputed = house.order(&order).await.order;
    assert_eq!(disputed.state, OrderState::Disputed);

    // It stands on the officer's start page, from which it is decided line by line.
    officer.open("office?lang=en").await;
    officer.hear("Disputed orders that wait for a decision").await;
    officer.assert_accessible().await;
    officer.picture("disputes-on-the-work-list").await;
    officer.click("main a[href^='/office/decisions/resolve/']").await;
    officer.press("one half").await;
    officer.assert_accessible().await;
    officer.picture("a-dispute-to-be-decided").await;
    officer.follow("form[data-intent='measure.resolve'] button").await;
    let said = sign(&officer, "signing-a-decision").await;
    assert!(said.contains("Propose: decide a dispute"), "{said}");
    officer.hear("Your institution has agreed already.").await;
    officer.assert_accessible().await;
    officer.picture("a-decision-that-waits").await;
    let decision = officer.path().await;
    assert_eq!(house.order(&order).await.order.state, OrderState::Disputed, "one institution decides nothing");

    // The other institution's officer reads it in words, and agrees.
    budget.open("office/decisions?lang=en").await;
    budget.press("Decide a dispute").await;
    assert_eq!(budget.path().await.split('?').next(), decision.split('?').next());
    budget.assert_accessible().await;
    budget.press("Agree").await;
    sign(&budget, "signing-a-vote").await;
    budget.hear("carried out").await;
    budget.picture("a-decision-carried-out").await;
    let resolved = house.order(&order).await.order;
    assert_eq!(resolved.state, OrderState::Attended);
    for (before, after) in disputed.lines.iter().zip(&resolved.lines) {
        let frozen = before.escrow.total().expect("a sum");
        assert_eq!(after.due.total().expect("a sum"), Cents::new(frozen.get() / 2));
        assert!(after.escrow.is_zero(), "{after:?}");
    }
    coordinator.open(order.trim_start_matches('/')).await;
    coordinator.hear("The dispute was decided").await;
    for browser in [coordinator, budget, officer] {
        browser.assert_quiet().await;
        browser.close().await.expect("the browser ends");
    }
    house.close().await;
}
