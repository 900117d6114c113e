//! A provider offers a session in its calendar, a school orders it, the provider cannot and declines: the school sees it and
//! has its money back.

use std::collections::BTreeMap;

use keis_ledger::ids::{PupilId, ServiceId, SessionId};
use keis_ledger::money::Cents;
use keis_ledger::record::OrderState;
use keis_tests::browser::{Browser, WebDriver};
use keis_tests::house::House;
use keis_tests::wait::turn;

use crate::hands::{PUPILS, choose_pupils, sign, texts, until_at, with_key};

/// Offers a session on the last day of the next month; returns the service and the session, as the ledger has them.
async fn offers(house: &House, provider: &Browser) -> (ServiceId, SessionId) {
    provider.open("provider/sessions").await;
    provider.press("Next month").await;
    let days = texts(provider, "td a.day").await;
    assert!(days.len() >= 28, "a month of {} days", days.len());
    provider.click("table.month tbody tr:last-child td:nth-last-child(1 of :has(a.day)) a.day").await;
    provider.click("main a[href^='/provider/sessions/new?service=']").await;
    let date = provider.see("#date").await.prop("value").await.expect("a field").expect("the day of the calendar");
    let service = provider.see("input[name=service]").await.prop("value").await.expect("a field").expect("a service");
    let service: ServiceId = service.parse().expect("a service's id");
    provider.set("#start", "10:30").await;
    provider.fill("#minutes", "0").await;
    provider.press("Go on to sign").await;
    provider.hear("Write the length in minutes, at most seven days.").await;
    provider.assert_accessible().await;
    provider.fill("#minutes", "75").await;
    provider.fill("#capacity", "12").await;
    provider.picture("new-session").await;
    provider.press("Go on to sign").await;
    let said = sign(provider, "signing-a-session").await;
    assert!(said.contains(&format!("{date} 10:30")) && said.contains("12"), "{said}");
    // The calendar of that month shows it, empty.
    let seen = texts(provider, "td:has(a.day) li").await;
    assert!(seen.iter().any(|one| one.starts_with("10:30–11:45") && one.ends_with("0 / 12")), "{seen:?}");
    provider.assert_accessible().await;
    provider.picture("calendar").await;
    let sessions = house.ledger().sessions(service, house.year().await).await.expect("the gateways answer");
    let offered = sessions.expect("a service on the ledger").sessions.into_iter().max_by_key(|session| session.start);
    let offered = offered.expect("a session was offered");
    assert_eq!((offered.capacity, offered.free, offered.end.0 - offered.start.0), (12, 12, 75 * 60_000));
    (service, offered.id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_offers_a_session_and_declines_a_request_for_it() {
    let _turn = turn().await;
    let house = House::open(PUPILS).await;
    let driver = WebDriver::start().await;
    let officer = driver.browser(&house.url).await;
    officer.sign_in("officer").await;
    let provider = with_key(&driver, &officer, &house.url, "provider-2").await;
    let (service, session) = offers(&house, &provider).await;

    // The school finds it in the catalogue and orders.
    let coordinator = with_key(&driver, &officer, &house.url, "coordinator").await;
    let order_it = format!("main a[href='/school/orders/new?session={session}']");
    until_at(&coordinator, &format!("services/{service}"), &order_it).await;
    coordinator.click(&order_it).await;
    choose_pupils(&coordinator, 2).await;
    let year = house.year().await;
    let school = house.ledger();
    coordinator.click("button[data-intent='order.request']").await;
    sign(&coordinator, "signing-for-a-new-session").await;
    coordinator.hear("waits for the provider").await;
    let order = coordinator.path().await;
    let requested = house.order(&order).await.order;
    assert_eq!((requested.session, requested.lines.len()), (session, 2));
    let balances = async || {
        let wallets = school.all_school_pupils(requested.school, year).await.expect("the gateways answer");
        let ours = wallets.into_iter().filter(|wallet| requested.lines.iter().any(|line| line.pupil == wallet.pupil));
        ours.map(|wallet| (wallet.pupil, wallet.balance)).collect::<BTreeMap<PupilId, Cents>>()
    };
    let held = balances().await;

    // The provider cannot: this one request is declined, others wait on.
    provider.open("provider/requests").await;
    let waiting = texts(&provider, "tbody tr").await.len();
    let id = house.order(&order).await.id;
    provider.click(&format!("input[name=order][value='{id}']")).await;
    provider.click("button[data-intent='order.decline']").await;
    let said = sign(&provider, "signing-a-refusal").await;
    assert!(said.contains("Decline an order"), "{said}");
    assert_eq!(texts(&provider, "tbody tr").await.len(), waiting - 1, "{}", provider.text().await);

    // The coordinator is told, the money is where it was.
    coordinator.open(order.trim_start_matches('/')).await;
    coordinator.hear("The provider did not take the order, the money has returned.").await;
    coordinator.assert_accessible().await;
    coordinator.picture("a-declined-order").await;
    let declined = house.order(&order).await.order;
    assert_eq!(declined.state, OrderState::Declined);
    for (pupil, after) in balances().await {
        let line = requested.lines.iter().find(|line| line.pupil == pupil).expect("a pupil of the order");
        assert_eq!(held[&pupil].checked_add(line.held.state), Some(after), "{pupil}");
    }
    let free =
        house.ledger().session(year, session).await.expect("the gateways answer").expect("the session stands").free;
    assert_eq!(free, 12);
    for browser in [coordinator, provider, officer] {
        browser.assert_quiet().await;
        browser.close().await.expect("the browser ends");
    }
    house.close().await;
}
