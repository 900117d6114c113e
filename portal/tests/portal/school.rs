//! A school's pages: who may see and do what, and that a form asks exactly for what it says.

mod afterwards;
mod refusing;

use crate::market::{DAY, HOUR, Market, SERVICE, YEAR, act, bytes, follow, id, order, past, pupils, service, session};
use crate::support::ledger::NOW;
use crate::support::{Browser, Page, TestSite};
use keis_ledger::ids::{OrderId, PupilId, SchoolId, SessionId};
use keis_ledger::money::{Amounts, Cents};
use keis_ledger::operation::{Change, Operation, OrderAction};
use keis_ledger::receipt::{Kind, Subject};
use keis_ledger::record::{LineState, OrderState, PendingChange, Side};
use keis_ledger::time::Timestamp;
use keis_portal::words::{LANGS, Lang};
use keis_registry::Actor;
use serde_json::{Value, json};

const NAMES: [(&str, &str, &str); 5] = [
    ("Jonas", "Žukas", "6b"),
    ("Ieva", "Česnaitė", "5a"),
    ("Marius", "Ąžuolas", "5a"),
    ("Ona", "Žemaitė", "6b"),
    ("Adas", "Butkus", "5a"),
];

/// A site with five pupils of its school and three sessions of one service.
struct Stage {
    site: TestSite,
    market: Market,
    /// By name: Ąžuolas, Butkus, Česnaitė of 5a; Žemaitė, Žukas of 6b.
    pupils: Vec<PupilId>,
}

fn ahead() -> SessionId {
    SessionId(bytes(1))
}

fn over() -> SessionId {
    SessionId(bytes(2))
}

fn later() -> SessionId {
    SessionId(bytes(3))
}

fn soon() -> SessionId {
    SessionId(bytes(4))
}

impl Stage {
    async fn new() -> Self {
        let market = Market::start().await;
        let site = market.site().await;
        let pupils = pupils(&site, &NAMES).await;
        {
            let mut book = market.book();
            book.purse = 10_000;
            book.services.insert(SERVICE, service(site.provider.id, "Šviesos spektaklis", "A play of light"));
            book.sessions.insert(ahead(), session(SERVICE, 10 * DAY, 3));
            book.sessions.insert(later(), session(SERVICE, 20 * DAY, 0));
            book.sessions.insert(soon(), session(SERVICE, DAY, 0));
            book.sessions.insert(over(), past());
            for (number, pupil) in pupils.iter().enumerate() {
                book.pupils.push(json!({
                    "pupil": pupil, "school": site.school.id, "grade": 5, "standing": "active", "allocated": true,
                    "balance": if number == 1 { 120 } else { 1_400 }, "bookings": [],
                }));
            }
        }
        follow(&site).await;
        Self { site, market, pupils }
    }

    /// Puts an order of the first three pupils there and answers its id.
    fn put(&self, number: u16, at: SessionId, state: OrderState) -> OrderId {
        self.put_of(number, at, state, self.site.school.id)
    }

    fn put_of(&self, number: u16, at: SessionId, state: OrderState, school: SchoolId) -> OrderId {
        let mut book = self.market.book();
        let joined = book.sessions[&at].clone();
        let mut made = order(school, self.site.provider.id, (at, &joined), &self.pupils[..3], state);
        for line in &mut made.lines {
            line.escrow = Amounts { state: Cents::new(500), school: Cents::ZERO };
        }
        book.orders.insert(id(number), made);
        id(number)
    }

    fn change(&self, number: u16, by: Side, change: Change) {
        let mut book = self.market.book();
        book.orders.get_mut(&id(number)).expect("it was put there").change = Some(PendingChange { by, change });
    }

    async fn coordinator(&self) -> Browser {
        self.site.signed_in("coordinator").await
    }
}

async fn page(browser: &Browser, path: &str) -> Page {
    let page = browser.get(path).await;
    assert_eq!(page.status, 200, "{path}: {}", page.text);
    well_made(&page);
    page
}

/// One heading, no message missing, every box with a label, no id twice.
fn well_made(page: &Page) {
    let text = &page.text;
    for key in ["school-", "order-", "count-"] {
        assert!(!text.contains(&format!(">{key}")), "{}: a message is missing: {key}", page.url);
    }
    assert_eq!(text.matches("<h1").count(), 1, "{}", page.url);
    assert!(!text.contains(" style=") && !text.contains(" onclick"), "{}", page.url);
    let mut ids: Vec<&str> =
        text.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap_or_default()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "{}: an id stands twice", page.url);
}

#[tokio::test]
async fn every_page_speaks_both_languages() {
    let stage = Stage::new().await;
    let proposed = stage.put(1, ahead(), OrderState::Proposed);
    let requested = stage.put(2, ahead(), OrderState::Requested);
    let confirmed = stage.put(3, ahead(), OrderState::Confirmed);
    let delivered = stage.put(4, over(), OrderState::Delivered);
    let attended = stage.put(5, over(), OrderState::Attended);
    let late = stage.put(6, soon(), OrderState::Confirmed);
    stage.change(2, Side::Provider, Change::Booking { session: Some(later()), drop: vec![0], add: vec![] });
    let subject = Subject { order: Some(requested), year: Some(YEAR), ..Subject::default() };
    stage.market.change(Kind::OrderRequested, subject, |_| {});
    let browser = stage.coordinator().await;
    for lang in LANGS {
        let w = lang.words();
        for (path, says) in [
            ("/school".to_owned(), w.text("school-waits-proposal")),
            ("/school/classes".to_owned(), w.text("school-all-classes")),
            ("/school/class?branch=0&class=5a".to_owned(), "Česnaitė Ieva".to_owned()),
            ("/school/unreached".to_owned(), "Žemaitė Ona".to_owned()),
            ("/school/unreached?unbooked=1".to_owned(), w.text("school-only-unbooked")),
            ("/school/orders".to_owned(), w.text("order-delivered")),
            ("/school/orders?state=settled".to_owned(), w.text("school-no-orders")),
            (format!("/school/orders/new?session={}", ahead()), w.text("school-which-classes")),
            (format!("/school/orders/new?session={}&class=0%3A5a", ahead()), "Butkus Adas".to_owned()),
            (format!("/school/orders/new?order={proposed}"), w.text("school-take-up-intro")),
            (format!("/school/orders/{proposed}"), w.text("school-act-take-up")),
            (format!("/school/orders/{requested}"), w.text("school-change-provider")),
            (format!("/school/orders/{requested}"), w.text("event-order_requested")),
            (format!("/school/orders/{confirmed}"), w.text("school-act-cancel")),
            (format!("/school/orders/{delivered}"), w.text("school-act-attendance")),
            (format!("/school/orders/{attended}"), w.text("school-act-amend")),
            (format!("/school/orders/{confirmed}/change"), w.text("school-change-session")),
            (format!("/school/orders/{confirmed}/change?class=0%3A6b"), "Žukas Jonas".to_owned()),
            (format!("/school/orders/{confirmed}/pupils"), w.text("school-pupils-legend")),
            (format!("/school/orders/{confirmed}/pupils?step=swap&line=0&class=0%3A6b"), "Žukas Jonas".to_owned()),
            (format!("/school/orders/{confirmed}/pupils?step=drop&line=0"), w.text("school-drop-free")),
            (format!("/school/orders/{late}/pupils?step=drop&line=0"), w.money(&Cents::new(250))),
            (format!("/school/orders/{confirmed}/cancel"), w.text("school-keep")),
            (format!("/school/orders/{late}/cancel"), w.money(&Cents::new(750))),
            (format!("/school/orders/{delivered}/attendance"), w.text("school-added-legend")),
            (format!("/school/orders/{attended}/attendance"), w.text("school-amend-intro")),
            (format!("/school/orders/{confirmed}/print"), w.text("school-column-signature")),
        ] {
            let mark = if path.contains('?') { '&' } else { '?' };
            let page = page(&browser, &format!("{path}{mark}lang={}", lang.code())).await;
            assert!(page.text.contains(&says), "{path}: {says}: {}", page.text);
            println!("{path} {}: {} bytes", lang.code(), page.text.len());
        }
    }
    stage.site.shutdown().await;
}

#[tokio::test]
async fn another_school_and_other_roles_see_nothing() {
    let stage = Stage::new().await;
    let foreign = stage.put_of(1, ahead(), OrderState::Confirmed, stage.site.other_school.id);
    let own = stage.put(2, ahead(), OrderState::Confirmed);
    let nobody = stage.site.browser();
    for path in ["/school", "/school/classes", "/school/orders", "/school/unreached"] {
        assert_eq!(nobody.get(path).await.status, 303, "{path}");
        for person in ["provider_staff", "officer", "budget_officer"] {
            assert_eq!(stage.site.signed_in(person).await.get(path).await.status, 403, "{person}: {path}");
        }
    }
    let coordinator = stage.coordinator().await;
    for path in ["", "/change", "/pupils", "/cancel", "/attendance", "/print"] {
        assert_eq!(coordinator.get(&format!("/school/orders/{foreign}{path}")).await.status, 404, "{path}");
    }
    for path in ["change", "pupils", "cancel", "attendance", "answer"] {
        let form = [("order", foreign.to_string()), ("step", "accept".to_owned())];
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(coordinator.post(&format!("/school/orders/{foreign}/{path}"), &form).await.status, 404, "{path}");
    }
    assert_eq!(coordinator.get(&format!("/school/orders/new?order={foreign}")).await.status, 404);
    let teacher = stage.site.signed_in("teacher").await;
    for path in ["change", "pupils", "cancel"] {
        assert_eq!(teacher.get(&format!("/school/orders/{own}/{path}")).await.status, 403, "{path}");
        assert_eq!(teacher.post(&format!("/school/orders/{own}/{path}"), &[]).await.status, 403, "{path}");
    }
    let shown = page(&teacher, &format!("/school/orders/{own}")).await;
    assert!(shown.says("school-told-coordinator") && !shown.says("school-act-cancel"));
    stage.site.shutdown().await;
}

/// The form of a new order with these pupils.
fn new_order<'a>(pupils: &'a [String], session: &'a str, money: &'a str, step: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![("session", session), ("order", "ord_000000000000000000000000000000aa")];
    form.extend([("class", "0:5a"), ("class", "0:6b"), ("school_money", money), ("step", step)]);
    form.extend(pupils.iter().map(|pupil| ("pupil", pupil.as_str())));
    form
}

#[tokio::test]
async fn an_order_asks_for_the_pupils_the_price_and_the_school_money_that_the_form_shows() {
    let stage = Stage::new().await;
    let coordinator = stage.coordinator().await;
    let session = ahead().to_string();
    let pupils: Vec<String> = [2, 0, 1].map(|index: usize| stage.pupils[index].to_string()).to_vec();
    let shown = coordinator.post("/school/orders/new", &new_order(&pupils, &session, "", "sum")).await;
    well_made(&shown);
    // Three at 5.00, of whom one has 1.20 left: 3.80 are lacking.
    let money = Lang::Lt.words();
    assert!(shown.text.contains(&money.money(&Cents::new(1_500))) && shown.text.contains("value=\"3,80\""));
    let refused = coordinator.post("/school/orders/new", &new_order(&pupils, &session, "3,79", "order")).await;
    assert_eq!(refused.status, 422);
    well_made(&refused);
    assert!(refused.text.contains("role=\"alert\"") && refused.text.contains("school-money-error"));
    let signing = coordinator.post("/school/orders/new", &new_order(&pupils, &session, "3,80", "order")).await;
    let mut ascending = stage.pupils[..3].to_vec();
    ascending.sort_unstable();
    let request = OrderAction::Request {
        session: ahead(),
        pupils: ascending,
        price: Cents::new(500),
        school_money: Cents::new(380),
    };
    assert_eq!(signing.asked(), [act(0xaa, request)]);
    assert_eq!(signing.label(stage.pupils[0]), "Ąžuolas Marius, 5a");
    assert!(signing.label(ahead()).contains("Šviesos spektaklis"));
    assert_eq!(signing.sheet()["next"], format!("/school/orders/{}", id(0xaa)));
    stage.market.book().purse = 379;
    let lacking = coordinator.post("/school/orders/new", &new_order(&pupils, &session, "3,80", "order")).await;
    assert_eq!(lacking.status, 422);
    stage.site.shutdown().await;
}

#[tokio::test]
async fn what_the_ledger_would_refuse_is_not_asked_for() {
    let stage = Stage::new().await;
    let coordinator = stage.coordinator().await;
    let session = ahead().to_string();
    let one = [stage.pupils[0].to_string()];
    let post = async |pupils: &[String], session: &str, money: &str, step: &str| {
        coordinator.post("/school/orders/new", &new_order(pupils, session, money, step)).await
    };
    assert_eq!(post(&[], &session, "0", "order").await.status, 422, "nobody is ticked");
    let stranger = [PupilId([9; 16]).to_string()];
    assert_eq!(post(&stranger, &session, "0", "order").await.status, 422, "a pupil of nobody's");
    assert_eq!(post(&one, &session, "-3", "order").await.status, 422, "no sum");
    assert_eq!(post(&one, &over().to_string(), "0", "order").await.status, 422, "it has begun");
    assert_eq!(post(&one, &SessionId([9; 16]).to_string(), "0", "order").await.status, 404, "no session");
    assert_eq!(post(&one, "nonsense", "0", "order").await.status, 400, "no id");
    stage.market.book().pupils[0]["bookings"] =
        json!([{ "order": id(7), "start": NOW.0 + 10 * DAY, "end": NOW.0 + 10 * DAY + 1 }]);
    let clash = post(&one, &session, "0", "order").await;
    assert_eq!(clash.status, 422, "the pupil is elsewhere");
    assert!(clash.says("school-fit-elsewhere") && clash.text.contains(&id(7).to_string()), "the other order is named");
    stage.market.book().pupils[3]["grade"] = json!(9);
    let other = [stage.pupils[3].to_string()];
    let grade = post(&other, &session, "0", "order").await;
    assert!(grade.status == 422 && grade.says("school-fit-grade"));
    stage.site.shutdown().await;
}

#[tokio::test]
async fn a_teacher_proposes_and_the_coordinator_takes_it_up() {
    let stage = Stage::new().await;
    let teacher = stage.site.signed_in("teacher").await;
    let session = ahead().to_string();
    let pupils = [stage.pupils[0].to_string()];
    let signing = teacher.post("/school/orders/new", &new_order(&pupils, &session, "0", "propose")).await;
    let propose = OrderAction::Propose { session: ahead(), pupils: vec![stage.pupils[0]] };
    assert_eq!(signing.asked(), [act(0xaa, propose)]);
    let ordering = teacher.post("/school/orders/new", &new_order(&pupils, &session, "0", "order")).await;
    assert_eq!(ordering.status, 403, "a teacher does not order");
    let proposal = stage.put(1, ahead(), OrderState::Proposed);
    let coordinator = stage.coordinator().await;
    let form = page(&coordinator, &format!("/school/orders/new?order={proposal}")).await;
    assert_eq!(form.text.matches("checked data-label").count(), 3, "the proposal's pupils are ticked");
    assert!(form.text.contains(&format!("name=\"order\" value=\"{proposal}\"")), "the proposal's id is kept");
    stage.site.shutdown().await;
}

#[tokio::test]
async fn pupils_ticked_in_a_class_are_ticked_in_the_order() {
    let stage = Stage::new().await;
    let coordinator = stage.coordinator().await;
    let (own, foreign) = (stage.pupils[3].to_string(), PupilId([9; 16]).to_string());
    let sent = coordinator.post("/school/chosen", &[("pupil", &own), ("pupil", &foreign)]).await;
    assert_eq!((sent.status, sent.location().path()), (303, "/services"));
    let form = page(&coordinator, &format!("/school/orders/new?session={}", ahead())).await;
    assert_eq!(form.text.matches("checked data-label").count(), 1);
    assert!(form.text.contains("Žemaitė Ona") && !form.text.contains("Butkus"), "only the class of who was ticked");
    let nobody = coordinator.post("/school/chosen", &[]).await;
    assert_eq!(nobody.location().path(), "/school/classes");
    stage.site.shutdown().await;
}

#[tokio::test]
async fn changes_of_an_order_ask_for_what_the_forms_say() {
    let stage = Stage::new().await;
    let coordinator = stage.coordinator().await;
    let own = stage.put(1, ahead(), OrderState::Confirmed);
    let post =
        async |path: &str, form: &[(&str, &str)]| coordinator.post(&format!("/school/orders/{own}/{path}"), form).await;
    let (session, added) = (later().to_string(), stage.pupils[4].to_string());
    let change = post("change", &[("session", &session), ("drop", "1"), ("add", &added)]).await;
    let booking = Change::Booking { session: Some(later()), drop: vec![1], add: vec![stage.pupils[4]] };
    assert_eq!(change.asked(), [act(1, OrderAction::ProposeChange(booking))]);
    assert_eq!(change.label(format!("{own}/1")), "Butkus Adas, 5a");
    for (form, why) in [
        (vec![("session", "")], "nothing changes"),
        (vec![("drop", "0"), ("drop", "1"), ("drop", "2")], "nobody is left"),
        (vec![("drop", "7")], "there is no such line"),
    ] {
        assert_eq!(post("change", &form).await.status, 422, "{why}");
    }
    let swap = format!("0:{added}");
    let swapped = post("pupils", &[("step", "swap"), ("swap", ""), ("swap", &swap)]).await;
    assert_eq!(swapped.asked(), [act(1, OrderAction::Swap { lines: vec![(0, stage.pupils[4])] })]);
    let twice = format!("1:{added}");
    let refused = post("pupils", &[("step", "swap"), ("swap", &twice), ("swap", &swap)]).await;
    assert_eq!(refused.status, 422, "one pupil in two places");
    let dropped = post("pupils", &[("step", "drop"), ("line", "2"), ("line", "0")]).await;
    assert_eq!(dropped.asked(), [act(1, OrderAction::DropLines { lines: vec![0, 2] })]);
    let all = post("pupils", &[("step", "drop"), ("line", "0"), ("line", "1"), ("line", "2")]).await;
    assert_eq!(all.status, 422, "one must stay");
    let cancelled = post("cancel", &[]).await;
    assert_eq!(cancelled.asked(), [act(1, OrderAction::Cancel)]);
    stage.site.shutdown().await;
}

#[tokio::test]
async fn a_change_of_the_provider_is_answered() {
    let stage = Stage::new().await;
    let coordinator = stage.coordinator().await;
    let own = stage.put(1, ahead(), OrderState::Confirmed);
    let path = format!("/school/orders/{own}/answer");
    let nothing = coordinator.post(&path, &[("step", "accept")]).await;
    assert_eq!((nothing.status, nothing.location().path()), (303, format!("/school/orders/{own}").as_str()));
    stage.change(1, Side::Provider, Change::Booking { session: Some(later()), drop: vec![], add: vec![] });
    let accepted = coordinator.post(&path, &[("step", "accept")]).await;
    assert_eq!(accepted.asked(), [act(1, OrderAction::AcceptChange)]);
    let refused = coordinator.post(&path, &[("step", "refuse")]).await;
    assert_eq!(refused.asked(), [act(1, OrderAction::DropChange)]);
    let teacher = stage.site.signed_in("teacher").await;
    assert_eq!(teacher.post(&path, &[("step", "accept")]).await.status, 403);
    stage.market.book().pupils[1]["bookings"] =
        json!([{ "order": id(7), "start": NOW.0 + 20 * DAY, "end": NOW.0 + 20 * DAY + 1 }]);
    let shown = page(&coordinator, &format!("/school/orders/{own}")).await;
    assert!(shown.text.contains("Butkus Adas, 5a</strong>") || shown.text.contains("Butkus Adas, 5a.</strong>"));
    stage.site.shutdown().await;
}

#[tokio::test]
async fn attendance_is_ticked_by_name() {
    let stage = Stage::new().await;
    let own = stage.put(1, over(), OrderState::Delivered);
    {
        let mut book = stage.market.book();
        let order = book.orders.get_mut(&own).expect("it was put there");
        for (line, state) in order.lines.iter_mut().zip([LineState::Attended, LineState::Absent, LineState::Attended]) {
            line.state = state;
        }
    }
    let teacher = stage.site.signed_in("teacher").await;
    let path = format!("/school/orders/{own}/attendance");
    let form = page(&teacher, &path).await;
    assert_eq!(form.text.matches("\" checked>").count(), 2, "the provider's report is the default");
    let added = stage.pupils[4].to_string();
    let ticked = [("present", "1"), ("present", "2"), ("class", "0:6b"), ("added", added.as_str())];
    let again = teacher.post(&path, &[&ticked[..], &[("step", "sum")]].concat()).await;
    well_made(&again);
    // Two and one beside at 5.00, one absent at half of it.
    assert!(again.text.contains(&Lang::Lt.words().money(&Cents::new(1_750))), "{}", again.text);
    let signing = teacher.post(&path, &[&ticked[..], &[("step", "sign")]].concat()).await;
    let confirm = OrderAction::ConfirmAttendance { absent: vec![0], added: vec![stage.pupils[4]] };
    assert_eq!(signing.asked(), [act(1, confirm)]);
    stage.market.book().orders.get_mut(&own).expect("it was put there").state = OrderState::Attended;
    let amended = teacher.post(&path, &[("present", "0"), ("step", "sign")]).await;
    let change = Change::Attendance { absent: vec![1, 2] };
    assert_eq!(amended.asked(), [act(1, OrderAction::ProposeChange(change))]);
    stage.market.book().orders.get_mut(&own).expect("it was put there").state = OrderState::Confirmed;
    let early = teacher.get(&path).await;
    assert_eq!(early.location().path(), format!("/school/orders/{own}"), "it was not reported yet");
    stage.site.shutdown().await;
}

#[tokio::test]
async fn an_order_that_can_no_longer_be_changed_says_so() {
    let stage = Stage::new().await;
    let coordinator = stage.coordinator().await;
    let own = stage.put(1, ahead(), OrderState::Settled);
    for path in ["change", "pupils", "cancel", "attendance"] {
        let sent = coordinator.get(&format!("/school/orders/{own}/{path}")).await;
        assert_eq!((sent.status, sent.location().path()), (303, format!("/school/orders/{own}").as_str()), "{path}");
        let told = coordinator.follow(sent).await;
        assert!(told.says("school-no-longer"), "{path}");
    }
    stage.site.shutdown().await;
}
