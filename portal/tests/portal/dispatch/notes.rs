//! Credit notes about reversals on their way to the buyer's system. The ledger names none of them and stands still when one is kept,
//! so they are found in the registry.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use keis_ledger::ids::Commitment;
use keis_ledger::money::Cents;
use keis_ledger::operation::{Buyer, Operation, SettlementOperation};
use keis_ledger::record::StatementState;
use keis_ledger::time::Timestamp;
use keis_portal::dispatch::{Finder, Http, Kept};
use keis_portal::settings::{Dispatch as Way, DispatchKind};
use keis_registry::dispatch::{self, DispatchState, NewDispatch, Pulse};
use keis_registry::documents::Reversal;
use keis_registry::invoices::PaperKind;
use keis_registry::{Page, outbox};

use crate::bills_support::YEAR;
use crate::bills_support::stage::SYSTEM;
use crate::dispatch::receiver::Receiver;
use crate::dispatch::scene::PACE;
use crate::publish::{Desk, cases};

const REVERSAL: Reversal = Reversal { height: 12, index: 3 };

/// Time that the test moves.
struct Clock(AtomicU64);

impl Clock {
    fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }
}

impl Pulse for Clock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }

    fn jitter(&self, pause: Duration) -> Duration {
        pause
    }
}

fn finder(desk: &Desk) -> Finder {
    Finder::new(desk.stage.site.registry.clone(), desk.stage.site.site.client.clone())
}

async fn look(finder: &Finder) -> u64 {
    finder.look().await.expect("ledger and registry are read")
}

/// An invoice that is queued, and the note about a reversal of a part of it, which is kept and queued while the ledger stands still.
async fn queued(desk: &Desk) -> (NewDispatch, NewDispatch) {
    let (site, provider) = (&desk.stage.site, desk.stage.site.provider.id);
    let (statement, made) = desk.ready(5, provider).await;
    desk.attach(statement, &made);
    let following = finder(desk);
    assert_eq!(look(&following).await, 1, "the invoice");
    desk.stage.ledger.shelf().statements.get_mut(&statement).expect("it was put").1.credited = Cents::new(3_333);
    assert_eq!(look(&following).await, 0, "nobody has made the note yet");
    let note = site.registry.keep_credit_note(&SYSTEM, &desk.note(statement, &made, Some(REVERSAL))).await;
    let note = note.expect("it is kept").commitments.file;
    assert_eq!((look(&following).await, look(&following).await), (1, 0), "the note, once");
    let document = |kind, file: Commitment| NewDispatch { kind, year: YEAR, statement, provider, file };
    let note = document(PaperKind::CreditNote(cases::order(2)), note);
    (document(PaperKind::Invoice, made.commitments.file), note)
}

/// The bytes of a document, as the registry keeps them.
async fn kept(desk: &Desk, of: &NewDispatch) -> Vec<u8> {
    let found = desk.stage.site.registry.document(&SYSTEM, of.year, of.statement, &of.file).await;
    found.expect("the registry reads").expect("it is kept").bytes
}

async fn history(seed: u64) {
    let desk = Desk::new().await;
    let (invoice, note) = queued(&desk).await;
    let (registry, client) = (&desk.stage.site.registry, &desk.stage.site.site.client);
    let receiver = Receiver::start(seed, true).await;
    let way = Way {
        request_seconds: 5,
        look_up: seed.is_multiple_of(2),
        ..Way::new(DispatchKind::Http, receiver.address.clone())
    };
    let clock = Clock(AtomicU64::new(4_000_000_000_000));
    let step = async || {
        // Every time somebody else, as after a restart.
        let (carrier, papers) =
            (Http::new(&way).expect("an address"), Kept::new(registry.clone(), client.clone(), true));
        dispatch::step(registry, &carrier, &papers, &PACE, &clock).await.expect("the registry works");
        assert_eq!(look(&finder(&desk)).await, 0, "seed {seed}: it is queued once");
    };
    for _ in 0..16 {
        step().await;
        clock.pass(31);
    }
    receiver.inside().wild = false;
    for _ in 0..4 {
        step().await;
        clock.pass(61);
    }
    let (invoice_id, note_id) = (invoice.message().to_string(), note.message().to_string());
    for (id, of) in [(&invoice_id, &invoice), (&note_id, &note)] {
        let arrived = receiver.inside().inbox.get(id).map(|(bytes, _)| bytes.clone());
        assert_eq!(arrived, Some(kept(&desk, of).await), "seed {seed}");
    }
    let (posts, others) = {
        let inside = receiver.inside();
        let posts = inside.asked.iter().filter(|asked| asked.method == "POST");
        let posts: Vec<(String, String)> = posts
            .map(|asked| (asked.headers["idempotency-key"].clone(), asked.headers["document-kind"].clone()))
            .collect();
        (posts, inside.inbox.len())
    };
    assert_eq!(others, 2, "seed {seed}: each has one id");
    assert_eq!(posts[0], (invoice_id, "invoice".to_owned()), "seed {seed}: a note follows its invoice");
    assert!(posts.iter().any(|post| *post == (note_id.clone(), "credit_note".to_owned())), "seed {seed}: {posts:?}");

    // The receiver approves the first document and refuses the second one: what it says of a note moves nothing on the ledger.
    let state = async |of: &NewDispatch| {
        registry.dispatch(&SYSTEM, of.message()).await.expect("the registry reads").expect("it is queued").state
    };
    assert_eq!(state(&invoice).await, DispatchState::Approved, "seed {seed}");
    let told = registry.answers_aside(&SYSTEM, &Page::first(Page::MOST)).await.expect("the registry reads").items;
    let why: Vec<Option<&str>> = told.iter().map(|(row, _)| row.why.as_deref()).collect();
    assert_eq!(why, [Some("credit_note")], "seed {seed}");
    let wished = outbox::list(registry, None, &Page::first(Page::MOST)).await.expect("the registry reads").items;
    let wished: Vec<&Operation> = wished.iter().map(|row| &row.operation).collect();
    let approve = Operation::Settlement(SettlementOperation::Approve { year: YEAR, statement: invoice.statement });
    assert_eq!(wished, [&approve], "seed {seed}");
    desk.stage.site.shutdown().await;
}

#[tokio::test]
async fn through_a_receiver_that_loses_and_repeats_a_note_about_a_reversal_arrives_once_after_its_invoice() {
    for seed in 0..6 {
        history(seed).await;
    }
}

#[tokio::test]
async fn a_note_about_what_a_school_pays_or_whose_invoice_never_went_stays_here() {
    let desk = Desk::new().await;
    let provider = desk.stage.site.provider.id;
    let school = desk.stage.school();
    for (number, buyer, state) in
        [(6, school, StatementState::InvoiceAttached), (7, Buyer::Programme, StatementState::Paid)]
    {
        let (statement, made) = desk.ready(number, provider).await;
        desk.attach(statement, &made);
        let mut shelf = desk.stage.ledger.shelf();
        let (record, bill) = shelf.statements.get_mut(&statement).expect("it was put");
        (record.buyer, record.state, bill.credited) = (buyer, state, Cents::new(3_333));
        drop(shelf);
        let following = finder(&desk);
        assert_eq!(look(&following).await, 0, "{buyer:?}");
        let new = desk.note(statement, &made, Some(REVERSAL));
        let new = keis_registry::documents::NewCreditNote {
            number: keis_registry::documents::NumberWish::Given(cases::text(&format!("KR-{number}"))),
            ..new
        };
        desk.stage.site.registry.keep_credit_note(&SYSTEM, &new).await.expect("it is kept");
        assert_eq!(look(&following).await, 0, "{buyer:?}");
        assert_eq!(look(&finder(&desk)).await, 0, "{buyer:?}");
    }
    desk.stage.site.shutdown().await;
}
