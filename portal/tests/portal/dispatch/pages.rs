//! What officers and a provider see, and what is found on the ledger.

use keis_ledger::classifiers::Year;
use keis_ledger::ids::{Commitment, StatementId};
use keis_ledger::operation::Buyer;
use keis_ledger::record::{Invoice, StatementState};
use keis_portal::dispatch::{Finder, Kept};
use keis_portal::settings::{Dispatch as Way, DispatchKind};
use keis_portal::words::LANGS;
use keis_registry::dispatch::{
    self, Answer, Batch, Carrier, DispatchState, Item, Message, NewDispatch, NotNow, Pace, Papers, SendOutcome, Told,
    Verdict,
};
use keis_registry::ids::MessageId;
use keis_registry::invoices::PaperKind;
use keis_registry::{Actor, Page};

use crate::bills_support::stage::{Stage, id, says};
use crate::support::SiteOptions;

const SYSTEM: Actor = Actor::System("test");

/// Takes nothing, and tells what it was given to tell.
struct Mute(Vec<Answer>);

#[async_trait::async_trait]
impl Carrier for Mute {
    async fn send(&self, _: &Message) -> Result<SendOutcome, NotNow> {
        Ok(SendOutcome::Refused("status_422".to_owned()))
    }

    async fn known(&self, _: MessageId) -> Result<Option<bool>, NotNow> {
        Ok(None)
    }

    async fn answers(&self, _: &str) -> Result<Batch, NotNow> {
        let item = |answer: &Answer| Item { source: String::new(), told: Told::Answer(answer.clone()) };
        Ok(Batch { items: self.0.iter().map(item).collect(), cursor: String::new(), more: false })
    }

    async fn taken(&self, _: &Batch) -> Result<(), NotNow> {
        Ok(())
    }
}

fn file(number: u8) -> Commitment {
    Commitment([number; 32])
}

/// A statement of the stage with an invoice of its own.
fn attach(stage: &Stage, number: u8, buyer: Buyer, state: StatementState) -> StatementId {
    let statement = stage.put(number, buyer, 5_000, state);
    let mut shelf = stage.ledger.shelf();
    let (_, bill) = shelf.statements.get_mut(&statement).expect("it was put");
    if let Some(invoice) = &mut bill.invoice {
        *invoice = Invoice { file: file(number), ..*invoice };
    }
    statement
}

fn document(stage: &Stage, number: u8) -> NewDispatch {
    let provider = stage.site.provider.id;
    NewDispatch { kind: PaperKind::Invoice, year: Year(2026), statement: id(number), provider, file: file(number) }
}

async fn stage() -> Stage {
    let stage = Stage::new().await;
    for (number, state) in [
        (1, StatementState::InvoiceAttached),
        (2, StatementState::Approved),
        (3, StatementState::Accepted),
        (4, StatementState::Paid),
    ] {
        attach(&stage, number, Buyer::Programme, state);
    }
    let school = stage.school();
    attach(&stage, 5, school, StatementState::InvoiceAttached);
    stage
}

#[tokio::test]
async fn invoices_of_the_programme_are_found_once() {
    let stage = stage().await;
    let registry = &stage.site.registry;
    let finder = Finder::new(registry.clone(), stage.site.site.client.clone());
    assert_eq!(finder.look().await.expect("the ledger is read"), 2);
    assert_eq!(finder.look().await.expect("the ledger stands still"), 0);
    attach(&stage, 6, Buyer::Programme, StatementState::InvoiceAttached);
    assert_eq!(finder.look().await.expect("the ledger is read"), 1);
    let again = Finder::new(registry.clone(), stage.site.site.client.clone());
    assert_eq!(again.look().await.expect("the ledger is read"), 0, "after a restart they are known");
    let listed = registry.dispatches(&SYSTEM, None, &Page::default()).await.expect("the registry works").items;
    let mut found: Vec<NewDispatch> = listed.iter().map(|row| row.of).collect();
    found.sort_by_key(|new| new.statement);
    assert_eq!(found, [1, 2, 6].map(|number| document(&stage, number)));
    let kept = Kept::new(registry.clone(), stage.site.site.client.clone(), true);
    let bill = kept.bill(Year(2026), id(2)).await.expect("the ledger is read").expect("it is there");
    assert_eq!((bill.state, bill.invoice, bill.open.get()), (StatementState::Approved, Some(file(2)), 5_000));
    let sealed = kept.bill(crate::bills_support::SEALED, id(2)).await.expect("the ledger is read");
    assert!(sealed.is_none(), "a sealed year has no statements");
}

/// One document that was refused by the carrier, one refused by the buyer, and an answer of a stranger.
async fn told(stage: &Stage) -> (NewDispatch, NewDispatch) {
    let (site, registry) = (&stage.site.site, &stage.site.registry);
    Finder::new(registry.clone(), site.client.clone()).look().await.expect("the ledger is read");
    let (dead, refused) = (document(stage, 2), document(stage, 1));
    let reason = Some("Neteisingas sutarties numeris <b>".to_owned());
    let answer = |id: &str, message: MessageId| Answer {
        id: id.to_owned(),
        message: message.to_string(),
        verdict: Verdict::Rejected,
        reason: reason.clone(),
        payment: None,
    };
    let carrier = Mute(vec![answer("1", refused.message()), answer("2", MessageId([9; 16]))]);
    let kept = Kept::new(registry.clone(), site.client.clone(), true);
    for _ in 0..2 {
        dispatch::step(registry, &carrier, &kept, &Pace::default(), &dispatch::Machine).await.expect("it works");
    }
    (dead, refused)
}

#[tokio::test]
async fn officers_see_what_waits_and_act_on_it() {
    let stage = stage().await;
    let (dead, refused) = told(&stage).await;
    for browser in [stage.operator().await, stage.budget_holder().await] {
        let list = browser.get("/office/dispatch").await;
        assert_eq!(list.status, 200, "{}", list.text);
        says(&list, "dispatch-off");
        says(&list, "dispatch-state-dead");
        says(&list, "dispatch-trouble-no-document");
        says(&list, "dispatch-why-unknown-message");
        assert!(list.text.contains("Neteisingas sutarties numeris &#60;b&#62;"), "{}", list.text);
        assert!(!list.text.contains(">dispatch-"), "a message is missing: {}", list.text);
        let filtered = browser.get("/office/dispatch?state=rejected").await;
        assert!(filtered.text.contains(&refused.message().to_string()));
        assert!(!filtered.text.contains(&format!("/office/dispatch/{}", dead.message())), "{}", filtered.text);
        let page = browser.get(&format!("/office/dispatch/{}", refused.message())).await;
        assert_eq!(page.status, 200, "{}", page.text);
        says(&page, "dispatch-became-wished");
        assert_eq!(browser.get(&format!("/office/dispatch/{}", MessageId([7; 16]))).await.status, 404);
    }
    let registry = &stage.site.registry;
    let state = async |new: &NewDispatch| {
        registry.dispatch(&SYSTEM, new.message()).await.expect("the registry works").expect("it is there").state
    };
    let officer = stage.operator().await;
    assert!(officer.get("/office").await.says("dispatch-title"));
    let at = |new: &NewDispatch, act: &str| format!("/office/dispatch/{}/{act}", new.message());
    assert_eq!(officer.post(&at(&dead, "give-up"), &[]).await.status, 400, "nothing without the box");
    assert_eq!(officer.post(&at(&dead, "give-up"), &[("sure", "yes")]).await.status, 303);
    assert_eq!(state(&dead).await, DispatchState::GivenUp);
    assert_eq!(officer.post(&at(&dead, "retry"), &[]).await.status, 303);
    assert_eq!(state(&dead).await, DispatchState::Leaving);
    assert_eq!(officer.post(&at(&refused, "retry"), &[]).await.status, 400, "it was answered");
    let seq = registry.answers_aside(&SYSTEM, &Page::default()).await.expect("the registry works").items[0].0.seq;
    let answer = |act: &str| format!("/office/dispatch/answers/{seq}/{act}");
    assert_eq!(officer.post(&answer("take-up"), &[]).await.status, 303);
    assert!(officer.get("/office/dispatch").await.says("dispatch-still-aside"));
    assert_eq!(officer.post(&answer("dismiss"), &[]).await.status, 303);
    assert_eq!(officer.post(&answer("dismiss"), &[]).await.status, 400, "it was put away");
    says(&officer.get("/office/dispatch").await, "dispatch-aside-none");
}

#[tokio::test]
async fn a_provider_reads_why_its_invoice_was_refused_and_others_do_not() {
    let stage = stage().await;
    let (dead, refused) = told(&stage).await;
    let staff = stage.site.signed_in("provider_staff").await;
    let at = |new: &NewDispatch| format!("/provider/refused/{}", new.statement);
    let page = staff.get(&at(&refused)).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains("Neteisingas sutarties numeris &#60;b&#62;"), "{}", page.text);
    assert!(page.text.contains(&format!("/provider/statements/{}?year=2026", refused.statement)));
    let statement = format!("/provider/statements/{}?year=2026", refused.statement);
    assert!(!staff.get(&statement).await.text.contains(&at(&refused)), "the invoice is attached still");
    stage.ledger.shelf().statements.get_mut(&refused.statement).expect("it was put").0.state = StatementState::Accepted;
    assert!(staff.get(&statement).await.text.contains(&at(&refused)));
    let party = keis_ledger::operation::Party::Provider(stage.site.provider.id);
    let notices = stage.site.registry.notices(party, &Page::default()).await.expect("the registry works").items;
    assert_eq!(notices[0].subject, refused.statement.to_string(), "a notice leads there");
    assert_eq!(staff.get(&at(&dead)).await.status, 404);
    assert_eq!(staff.get("/office/dispatch").await.status, 403);
    assert_eq!(staff.post(&format!("/office/dispatch/{}/retry", dead.message()), &[]).await.status, 403);
    for person in ["coordinator", "teacher", "officer"] {
        let other = stage.site.signed_in(person).await;
        assert_eq!(other.get(&at(&refused)).await.status, 403, "{person}");
    }
    assert_eq!(stage.site.signed_in("coordinator").await.get("/office/dispatch").await.status, 403);
}

#[tokio::test]
async fn where_a_way_is_set_the_page_says_nothing_of_its_lack() {
    let options = SiteOptions { dispatch: Some(Way::new(DispatchKind::Folder, "sabis")), ..SiteOptions::default() };
    let site = crate::support::start(options).await;
    let page = site.signed_in("officer").await.get("/office/dispatch").await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(!page.says("dispatch-off"));
    says(&page, "dispatch-empty");
}

#[test]
fn every_state_and_every_reason_has_words() {
    let states = DispatchState::ALL.map(|state| format!("state-{}", state.to_string().replace('_', "-")));
    let verdicts = Verdict::ALL.map(|verdict| format!("says-{verdict}"));
    let became = ["noted", "pending", "wished", "done", "aside", "dismissed"].map(|one| format!("became-{one}"));
    let whys = [
        "unknown-message",
        "id-reused",
        "payment-unsound",
        "reference-used",
        "contradicts",
        "credit-note",
        "no-statement",
        "settled",
        "not-attached",
        "above-open",
        "payer-elsewhere",
        "given-up",
        "unreadable",
    ];
    let troubles =
        ["unreachable", "timeout", "no-token", "cut-off", "folder", "papers", "no-document", "not-wanted", "other"];
    let whys = whys.map(|one| format!("why-{one}"));
    let troubles = troubles.map(|one| format!("trouble-{one}"));
    for lang in LANGS {
        for key in states.iter().chain(&verdicts).chain(&became).chain(&whys).chain(&troubles) {
            assert!(lang.words().has(&format!("dispatch-{key}")), "{key}");
        }
    }
}
