//! A provider's pages: who may see what, and that a form asks exactly for what it says.

mod bill;
mod dispute;
mod invoicing;
mod odd;
mod own_note;
mod reversal;
mod succession;
mod versions;

use crate::market::{DAY, HOUR, Market, SERVICE, YEAR, act, bytes, follow, id, order, past, pupils, service, session};
use crate::support::ledger::NOW;
use crate::support::{Browser, Page, TestSite};
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{OrderId, ProviderId, PupilId, ServiceId, SessionId, StatementId};
use keis_ledger::money::{Amounts, Cents};
use keis_ledger::operation::{
    Buyer, CatalogueOperation, Change, Operation, OrderAction, SessionOffer, SettlementOperation,
};
use keis_ledger::receipt::{Kind, Subject};
use keis_ledger::record::{LineState, OrderState, PendingChange, Session, Side, Statement, StatementState};
use keis_ledger::time::Timestamp;
use keis_portal::words::{LANGS, Lang};
use keis_registry::Actor;
use serde_json::Value;

const NAMES: [(&str, &str, &str); 3] =
    [("Ąžuolas", "Marcinkevičius", "5a"), ("Ieva", "Petraitytė", "5a"), ("Ona", "Žemaitė", "6b")];

/// A site with a provider's market: three pupils of its school, a session ahead and one that is over.
struct Stage {
    site: TestSite,
    market: Market,
    pupils: Vec<PupilId>,
}

fn ahead() -> SessionId {
    SessionId(bytes(1))
}

fn over() -> SessionId {
    SessionId(bytes(2))
}

impl Stage {
    async fn new() -> Self {
        let market = Market::start().await;
        let site = market.site().await;
        let mut pupils = pupils(&site, &NAMES).await;
        pupils.sort_unstable();
        {
            let mut book = market.book();
            book.services.insert(SERVICE, service(site.provider.id, "Šviesos spektaklis", "A play of light"));
            book.sessions.insert(ahead(), session(SERVICE, 10 * DAY, 3));
            book.sessions.insert(over(), past());
        }
        follow(&site).await;
        Self { site, market, pupils }
    }

    /// Puts an order there and answers its id.
    fn put(&self, number: u16, at: SessionId, state: OrderState) -> OrderId {
        self.put_of(number, at, state, self.site.provider.id)
    }

    fn put_of(&self, number: u16, at: SessionId, state: OrderState, provider: ProviderId) -> OrderId {
        let mut book = self.market.book();
        let joined = book.sessions[&at].clone();
        let made = order(self.site.school.id, provider, (at, &joined), &self.pupils, state);
        book.orders.insert(id(number), made);
        id(number)
    }

    async fn staff(&self) -> Browser {
        self.site.signed_in("provider_staff").await
    }
}

async fn page(browser: &Browser, path: &str) -> Page {
    let page = browser.get(path).await;
    assert_eq!(page.status, 200, "{path}: {}", page.text);
    for key in ["provider-", "public-", "order-", "count-", "statement-"] {
        assert!(!page.text.contains(&format!(">{key}")), "{path}: a message is missing: {key}");
    }
    assert_eq!(page.text.matches("<h1").count(), 1, "{path}");
    page
}

#[tokio::test]
async fn every_page_speaks_both_languages_and_shows_what_waits() {
    let stage = Stage::new().await;
    let request = stage.put(1, ahead(), OrderState::Requested);
    let report = stage.put(2, over(), OrderState::Confirmed);
    stage.put(3, ahead(), OrderState::Confirmed);
    let delivered = stage.put(4, over(), OrderState::Delivered);
    let statement = statement(&stage);
    let subject = Subject { order: Some(request), year: Some(YEAR), ..Subject::default() };
    stage.market.change(Kind::OrderRequested, subject, |_| {});
    let staff = stage.staff().await;
    for lang in LANGS {
        let w = lang.words();
        for (path, says) in [
            ("/provider".to_owned(), w.text("provider-reports-why")),
            ("/provider/sessions".to_owned(), w.text("provider-calendar")),
            ("/provider/sessions/new".to_owned(), w.text("provider-which-service")),
            (format!("/provider/sessions/new?service={SERVICE}"), w.text("provider-days-hint")),
            (format!("/provider/sessions/{}", ahead()), w.text("provider-close-warning")),
            ("/provider/requests".to_owned(), w.text("provider-answer-how")),
            ("/provider/requests?show=upcoming".to_owned(), stage.site.school.name.clone()),
            ("/provider/requests?show=settled".to_owned(), w.text("provider-none-here")),
            (format!("/provider/orders/{request}"), w.text("event-order_requested")),
            (format!("/provider/orders/{delivered}"), w.text("order-delivered")),
            (format!("/provider/orders/{report}/report"), w.text("provider-report-how")),
            (format!("/provider/orders/{report}/print"), w.text("provider-attendance-list")),
            ("/provider/statements".to_owned(), w.text("provider-sum-waiting")),
            (format!("/provider/statements/{statement}"), w.text("provider-contest-warning")),
        ] {
            let mark = if path.contains('?') { '&' } else { '?' };
            let page = page(&staff, &format!("{path}{mark}lang={}", lang.code())).await;
            assert!(page.text.contains(&says.replace('\'', "&#39;")), "{path}: {says}: {}", page.text);
            println!("{path} {}: {} bytes", lang.code(), page.text.len());
        }
    }
    let home = page(&staff, "/provider?lang=lt").await;
    assert!(home.text.contains("123,45"), "what was earned is shown");
    stage.site.shutdown().await;
}

fn accepted(stage: &Stage) -> StatementId {
    let made = statement(stage);
    stage.market.book().statements.get_mut(&made).expect("it is there").state = StatementState::Accepted;
    made
}

fn statement(stage: &Stage) -> StatementId {
    let made = StatementId(bytes(1));
    let settled = stage.put(9, over(), OrderState::Attended);
    let mut book = stage.market.book();
    let order = book.orders.get_mut(&settled).expect("it was put there");
    order.programme_statement = Some(made);
    for (line, state) in order.lines.iter_mut().zip([LineState::Attended, LineState::Absent, LineState::Attended]) {
        line.state = state;
        line.due = Amounts { state: Cents::new(500), school: Cents::ZERO };
    }
    book.statements.insert(
        made,
        Statement {
            provider: stage.site.provider.id,
            buyer: Buyer::Programme,
            orders: vec![settled],
            total: Cents::new(1_500),
            balance: Cents::new(1_500),
            state: StatementState::Issued,
            issued: NOW,
        },
    );
    made
}

#[tokio::test]
async fn nobody_else_gets_in() {
    let stage = Stage::new().await;
    let own = stage.put(1, ahead(), OrderState::Confirmed);
    let foreign = stage.put_of(2, ahead(), OrderState::Confirmed, ProviderId([0xEE; 16]));
    let other = ServiceId([6; 16]);
    {
        let mut book = stage.market.book();
        book.services.insert(other, service(ProviderId([0xEE; 16]), "Kita", "Other"));
        book.sessions.insert(SessionId(bytes(3)), session(other, DAY, 0));
    }
    let paths = [
        "/provider".to_owned(),
        "/provider/sessions".to_owned(),
        "/provider/requests".to_owned(),
        "/provider/statements".to_owned(),
        format!("/provider/orders/{own}"),
        format!("/provider/orders/{own}/print"),
    ];
    let nobody = stage.site.browser();
    for path in &paths {
        let page = nobody.get(path).await;
        assert_eq!(page.status, 303, "{path}");
        assert!(page.location().path().starts_with("/signin"));
    }
    for person in ["coordinator", "teacher", "officer", "budget_officer"] {
        let browser = stage.site.signed_in(person).await;
        for path in &paths {
            assert!([403, 404].contains(&browser.get(path).await.status), "{person}: {path}");
        }
        let answer = [("act", "confirm"), ("order", &own.to_string())];
        assert_eq!(browser.post("/provider/requests/answer", &answer).await.status, 403, "{person}");
    }
    let staff = stage.staff().await;
    for path in ["", "/report", "/attendance", "/print"] {
        assert_eq!(staff.get(&format!("/provider/orders/{foreign}{path}")).await.status, 404, "{path}");
    }
    let foreign_id = foreign.to_string();
    for path in ["change", "accept", "drop", "cancel", "report", "attendance"] {
        let form = [("order", foreign_id.as_str()), ("session", &ahead().to_string())];
        assert_eq!(staff.post(&format!("/provider/orders/{foreign}/{path}"), &form).await.status, 404, "{path}");
    }
    assert_eq!(
        staff.post("/provider/requests/answer", &[("act", "confirm"), ("order", &foreign_id)]).await.status,
        404
    );
    assert_eq!(staff.get(&format!("/provider/sessions/{}", SessionId(bytes(3)))).await.status, 404);
    assert_eq!(staff.get(&format!("/provider/sessions/new?service={other}")).await.status, 404);
    assert_eq!(staff.get(&format!("/provider/statements/{}", StatementId([1; 16]))).await.status, 404);
    stage.site.shutdown().await;
}

#[tokio::test]
async fn names_are_shown_from_confirmation_on_and_logged() {
    let stage = Stage::new().await;
    let request = stage.put(1, ahead(), OrderState::Requested);
    let confirmed = stage.put(2, ahead(), OrderState::Confirmed);
    let cancelled = stage.put(3, ahead(), OrderState::CancelledLate);
    let staff = stage.staff().await;
    for hidden in [request, cancelled] {
        let shown = page(&staff, &format!("/provider/orders/{hidden}")).await;
        assert!(shown.says("provider-names-later") && !shown.text.contains("Ieva"));
        assert_eq!(staff.get(&format!("/provider/orders/{hidden}/print")).await.status, 303);
    }
    let shown = page(&staff, &format!("/provider/orders/{confirmed}")).await;
    assert!(shown.text.contains("Ąžuolas M.") && shown.text.contains("Ieva P.") && shown.text.contains("Ona Ž."));
    assert!(!shown.text.contains("Petraitytė"), "a provider needs no family names");
    for pupil in &stage.pupils {
        assert!(!shown.text.contains(&pupil.to_string()), "no wallet is named");
    }
    let log = stage.site.registry.log_entries(&Actor::System("test"), &keis_registry::Page::first(50)).await;
    let log = log.expect("the log is read");
    let read = log.items.iter().filter(|entry| entry.action.contains("names read"));
    assert_eq!(read.count(), 1);
    stage.site.shutdown().await;
}

#[tokio::test]
async fn requests_are_answered_many_at_once() {
    let stage = Stage::new().await;
    let ids = [1, 2, 3].map(|number| stage.put(number, ahead(), OrderState::Requested).to_string());
    let staff = stage.staff().await;
    let list = page(&staff, "/provider/requests").await;
    assert_eq!(list.text.matches("name=\"order\"").count(), 3);
    let mut form: Vec<(&str, &str)> = ids.iter().map(|id| ("order", id.as_str())).collect();
    form.push(("act", "confirm"));
    let sheet = staff.post("/provider/requests/answer", &form).await;
    assert_eq!(sheet.asked(), [1, 2, 3].map(|number| act(number, OrderAction::Confirm)));
    assert!(sheet.label(&ids[0]).starts_with(&stage.site.school.name), "{}", sheet.label(&ids[0]));
    let sheet = staff.post("/provider/requests/answer", &[("order", &ids[1]), ("act", "decline")]).await;
    assert_eq!(sheet.asked(), [act(2, OrderAction::Decline)]);
    let none = staff.post("/provider/requests/answer", &[("act", "confirm")]).await;
    let none = staff.follow(none).await;
    assert!(none.says("provider-nothing-ticked"));
    stage.market.book().orders.get_mut(&id(2)).expect("it is there").state = OrderState::Lapsed;
    let late = staff.post("/provider/requests/answer", &[("order", &ids[1]), ("act", "confirm")]).await;
    assert!(staff.follow(late).await.says("provider-no-longer-waits"));
    assert_eq!(staff.post("/provider/requests/answer", &[("order", &ids[0]), ("act", "eat")]).await.status, 400);
    stage.site.shutdown().await;
}

#[tokio::test]
async fn delivery_is_reported_and_attendance_corrected_by_line() {
    let stage = Stage::new().await;
    let report = stage.put(1, over(), OrderState::Confirmed).to_string();
    let attended = stage.put(2, over(), OrderState::Attended).to_string();
    let early = stage.put(3, ahead(), OrderState::Confirmed).to_string();
    stage.market.book().orders.get_mut(&id(1)).expect("it is there").lines[1].state = LineState::Dropped;
    let staff = stage.staff().await;
    let form = page(&staff, &format!("/provider/orders/{report}/report")).await;
    assert_eq!(form.text.matches("name=\"absent\"").count(), 2, "who was dropped is not ticked");
    let path = format!("/provider/orders/{report}/report");
    let sheet = staff.post(&path, &[("order", &report), ("absent", "2"), ("absent", "0")]).await;
    assert_eq!(sheet.asked(), [act(1, OrderAction::ReportDelivery { absent: vec![0, 2] })]);
    assert!(sheet.label(format!("{report}/0")).contains(", "), "a line has name and class");
    let all = staff.post(&path, &[("order", &report)]).await;
    assert_eq!(all.asked(), [act(1, OrderAction::ReportDelivery { absent: Vec::new() })]);
    for wrong in ["1", "3", "x", "-1"] {
        assert_eq!(staff.post(&path, &[("order", &report), ("absent", wrong)]).await.status, 400, "{wrong}");
    }
    let path = format!("/provider/orders/{attended}/attendance");
    let sheet = staff.post(&path, &[("order", &attended), ("absent", "1")]).await;
    assert_eq!(sheet.asked(), [act(2, OrderAction::ProposeChange(Change::Attendance { absent: vec![1] }))]);
    let early = staff.get(&format!("/provider/orders/{early}/report")).await;
    assert_eq!(early.status, 303, "it has not taken place");
    stage.site.shutdown().await;
}

#[tokio::test]
async fn changes_are_proposed_and_answered() {
    let stage = Stage::new().await;
    let own = stage.put(1, ahead(), OrderState::Confirmed).to_string();
    let other = SessionId(bytes(7));
    let full = SessionId(bytes(8));
    let about = Subject { year: Some(YEAR), service: Some(SERVICE), ..Subject::default() };
    stage.market.change(Kind::SessionOpened, about, |book| {
        book.sessions.insert(other, session(SERVICE, 11 * DAY, 0));
        book.sessions.insert(full, session(SERVICE, 11 * DAY, 28));
    });
    stage.site.site.catalogue.until(|catalogue| catalogue.session(full).is_some()).await;
    let staff = stage.staff().await;
    let path = format!("/provider/orders/{own}");
    let shown = page(&staff, &path).await;
    assert!(shown.text.contains(&other.to_string()) && !shown.text.contains(&full.to_string()));
    let change = [("order", own.as_str()), ("session", &other.to_string())];
    let sheet = staff.post(&format!("{path}/change"), &change).await;
    let booking = |session| Change::Booking { session: Some(session), drop: Vec::new(), add: Vec::new() };
    assert_eq!(sheet.asked(), [act(1, OrderAction::ProposeChange(booking(other)))]);
    let mismatch = [("order", id(9).to_string()), ("session", other.to_string())];
    let mismatch = mismatch.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(staff.post(&format!("{path}/change"), &mismatch).await.status, 400);
    let theirs = PendingChange { by: Side::Orderer, change: booking(other) };
    stage.market.book().orders.get_mut(&id(1)).expect("it is there").change = Some(theirs);
    assert!(page(&staff, &path).await.says("provider-change-theirs"));
    let order = [("order", own.as_str())];
    assert_eq!(staff.post(&format!("{path}/accept"), &order).await.asked(), [act(1, OrderAction::AcceptChange)]);
    assert_eq!(staff.post(&format!("{path}/drop"), &order).await.asked(), [act(1, OrderAction::DropChange)]);
    let twice = staff.post(&format!("{path}/change"), &change).await;
    assert!(staff.follow(twice).await.says("provider-too-late"), "a change waits already");
    let sheet = staff.post(&format!("{path}/cancel"), &order).await;
    assert_eq!(sheet.asked(), [act(1, OrderAction::Cancel)]);
    assert!(sheet.text.contains("15,00"), "what is lost is told: {}", sheet.text);
    stage.site.shutdown().await;
}

#[tokio::test]
async fn sessions_are_offered_for_several_days_and_judged_before_signing() {
    let stage = Stage::new().await;
    let staff = stage.staff().await;
    let service = SERVICE.to_string();
    let form = |changes: &[(&'static str, &'static str)]| {
        let mut form = vec![("start", "10:30"), ("minutes", "90"), ("place", "LT-15"), ("capacity", "25")];
        form.retain(|(name, _)| !changes.iter().any(|(other, _)| other == name));
        form.extend_from_slice(changes);
        form
    };
    let with = |fields: Vec<(&'static str, &'static str)>| {
        let mut all = vec![("service", service.clone())];
        all.extend(fields.into_iter().map(|(name, value)| (name, value.to_owned())));
        all
    };
    let post = async |fields| {
        let all = with(fields);
        let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
        staff.post("/provider/sessions/new", &all).await
    };
    let sheet = post(form(&[("date", "2026-03-02"), ("date", ""), ("date", "2026-04-01")])).await;
    let w = Lang::Lt.words();
    let offers = sheet.asked().into_iter().map(|operation| {
        let Operation::Catalogue(CatalogueOperation::OpenSession { year, service, offer, .. }) = operation else {
            panic!("{operation:?}")
        };
        assert_eq!((year, service), (Year(2026), SERVICE));
        (w.date_time(&offer.start), w.time(&offer.end), offer.place.to_string(), offer.capacity)
    });
    // On 29 March the clocks change: the local time of day stays.
    let offer = |start: &str| (start.to_owned(), "12:00".to_owned(), "LT-15".to_owned(), 25);
    assert_eq!(offers.collect::<Vec<_>>(), [offer("2026-03-02 10:30"), offer("2026-04-01 10:30")]);
    for (changes, key) in [
        (form(&[]), "provider-wrong-date"),
        (form(&[("date", "2026-02-09")]), "provider-date-past"),
        (form(&[("date", "2026-12-31")]), "provider-date-outside"),
        (form(&[("date", "2026-03-02"), ("date", "2026-03-02")]), "provider-same-date"),
        (form(&[("date", "2026-03-02"), ("start", "25:00")]), "provider-wrong-time"),
        (form(&[("date", "2026-03-02"), ("minutes", "0")]), "provider-wrong-minutes"),
        (form(&[("date", "2026-03-02"), ("place", "LT-01")]), "provider-wrong-place"),
        (form(&[("date", "2026-03-02"), ("capacity", "31")]), "provider-wrong-capacity"),
    ] {
        let refused = post(changes).await;
        assert_eq!(refused.status, 422, "{key}");
        assert!(refused.says(key) && refused.says("provider-form-wrong"), "{key}: {}", refused.text);
    }
    stage.site.shutdown().await;
}

#[tokio::test]
async fn a_session_is_changed_while_empty_and_closed_at_any_time() {
    let stage = Stage::new().await;
    let staff = stage.staff().await;
    let (taken, empty) = (ahead().to_string(), SessionId(bytes(5)));
    stage.market.book().sessions.insert(empty, session(SERVICE, 12 * DAY, 0));
    let shown = page(&staff, &format!("/provider/sessions/{taken}")).await;
    assert!(!shown.says("provider-amend") && shown.says("provider-close"));
    let shown = page(&staff, &format!("/provider/sessions/{empty}")).await;
    assert!(shown.says("provider-amend") && shown.text.contains("value=\"2026-02-22\""));
    let path = format!("/provider/sessions/{empty}");
    let form = [("date", "2026-02-23"), ("start", "09:00"), ("minutes", "60"), ("place", "LT-57"), ("capacity", "12")];
    let [operation] = &staff.post(&format!("{path}/amend"), &form).await.asked()[..] else { panic!("one operation") };
    let Operation::Catalogue(CatalogueOperation::AmendSession { session, offer, .. }) = operation else {
        panic!("{operation:?}")
    };
    assert_eq!((*session, offer.capacity), (empty, 12));
    let wrong = [("date", "rytoj"), ("start", "09:00"), ("minutes", "60"), ("place", "LT-57"), ("capacity", "12")];
    assert_eq!(staff.post(&format!("{path}/amend"), &wrong).await.status, 422);
    let sheet = staff.post(&format!("{path}/close"), &[]).await;
    let close = CatalogueOperation::CloseSession { year: YEAR, session: empty };
    assert_eq!(sheet.asked(), [Operation::Catalogue(close)]);
    stage.site.shutdown().await;
}

#[tokio::test]
async fn statements_are_accepted_or_contested_once() {
    let stage = Stage::new().await;
    let made = statement(&stage);
    let staff = stage.staff().await;
    let shown = page(&staff, &format!("/provider/statements/{made}")).await;
    assert!(shown.text.contains("15,00"));
    let path = format!("/provider/statements/{made}/answer");
    let id = made.to_string();
    let answer = |act| [("statement", id.as_str()), ("act", act)];
    let accept = SettlementOperation::Accept { year: YEAR, statement: made };
    assert_eq!(staff.post(&path, &answer("accept")).await.asked(), [Operation::Settlement(accept)]);
    let contest = SettlementOperation::Contest { year: YEAR, statement: made };
    assert_eq!(staff.post(&path, &answer("contest")).await.asked(), [Operation::Settlement(contest)]);
    assert_eq!(staff.post(&path, &answer("eat")).await.status, 400);
    stage.market.book().statements.get_mut(&made).expect("it is there").state = StatementState::Accepted;
    let again = staff.post(&path, &answer("accept")).await;
    assert!(staff.follow(again).await.says("provider-statement-answered"));
    stage.site.shutdown().await;
}
