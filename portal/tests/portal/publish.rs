//! The folder of invoices that the operator's node serves: what comes into it, when, and what never does.

#[path = "../../../registry/einvoice/tests/einvoice/cases.rs"]
#[allow(dead_code, reason = "made for the judge of e-invoices")]
pub(crate) mod cases;

use std::fs;
use std::path::{Path, PathBuf};

use crate::bills_support::YEAR;
use crate::bills_support::stage::{SYSTEM, Stage, key};
use keis_einvoice::{CreditHeading, CreditLine};
use keis_ledger::ids::{Commitment, ProviderId, StatementId};
use keis_ledger::money::Cents;
use keis_ledger::operation::Buyer;
use keis_ledger::record::{Invoice, StatementState};
use keis_portal::billing::publish::Publisher;
use keis_registry::bodies::{self, NewProvider, ProviderKind};
use keis_registry::documents::{Made, NewCreditNote, NewInvoice, NumberWish, Reversal};
use keis_wallet::client::{Client, Policy};
use tempfile::TempDir;

/// A site over a year's books, and a folder to be filled.
pub(crate) struct Desk {
    pub(crate) stage: Stage,
    folder: TempDir,
}

impl Desk {
    pub(crate) async fn new() -> Self {
        Self { stage: Stage::new().await, folder: tempfile::tempdir().expect("a folder") }
    }

    /// A publisher that has just been started.
    fn publisher(&self) -> Publisher {
        let client = Client::new(&[&self.stage.ledger.address], Policy::default()).expect("an address");
        Publisher::new(self.folder.path().to_owned(), client, self.stage.site.registry.clone())
    }

    /// An invoice of a statement that is ready and not attached.
    pub(crate) async fn ready(&self, number: u8, provider: ProviderId) -> (StatementId, Made) {
        let statement = self.stage.put(number, Buyer::Programme, 79_436, StatementState::Accepted);
        let mut facts = cases::mixed();
        facts.settlement.statement = statement;
        let number = NumberWish::Given(cases::text(&format!("KP-{number}")));
        let new = NewInvoice { year: YEAR, provider, buyer: Buyer::Programme, number, facts };
        (statement, self.stage.site.registry.keep_invoice(&SYSTEM, &new).await.expect("it is kept"))
    }

    pub(crate) fn attach(&self, statement: StatementId, made: &Made) {
        let invoice = Invoice { file: made.commitments.file, number: made.commitments.number, by: key(9) };
        let mut shelf = self.stage.ledger.shelf();
        let (record, bill) = shelf.statements.get_mut(&statement).expect("the statement was put");
        (record.state, bill.invoice) = (StatementState::InvoiceAttached, Some(invoice));
    }

    /// A credit note of 33.33 euro about the invoice's second order.
    pub(crate) fn note(&self, statement: StatementId, of: &Made, reversal: Option<Reversal>) -> NewCreditNote {
        let order = cases::order(2);
        NewCreditNote {
            year: YEAR,
            statement,
            provider: self.stage.site.provider.id,
            buyer: Buyer::Programme,
            order,
            invoice: of.commitments.file,
            number: NumberWish::Given(cases::text("KR-1")),
            heading: CreditHeading { number: cases::text("0"), ..cases::credit_heading("KR-1") },
            before: Vec::new(),
            credits: vec![CreditLine { order, gross: Cents::new(3_333), pupils: cases::pupils(1) }],
            reversal,
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("the folder can be read") {
                let path = entry.expect("an entry").path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files.sort();
        files
    }

    fn place(&self, statement: StatementId, file: Commitment, ending: &str) -> PathBuf {
        self.folder.path().join(YEAR.to_string()).join(statement.to_string()).join(format!("{file}.{ending}"))
    }
}

async fn round(publisher: &mut Publisher) -> u64 {
    publisher.round().await.expect("a round ends")
}

fn written(file: &Path) -> std::time::SystemTime {
    fs::metadata(file).and_then(|known| known.modified()).expect("the file is there")
}

#[tokio::test]
async fn an_invoice_comes_once_the_ledger_has_it_and_stays_as_it_is() {
    let desk = Desk::new().await;
    let (statement, made) = desk.ready(1, desk.stage.site.provider.id).await;
    let mut publisher = desk.publisher();
    assert_eq!((round(&mut publisher).await, desk.files().len()), (0, 0));
    desk.attach(statement, &made);
    assert_eq!(round(&mut publisher).await, 1);
    let places = ["html", "pdf", "xml"].map(|ending| desk.place(statement, made.commitments.file, ending));
    assert_eq!(desk.files(), places);
    let kept = desk.stage.site.registry.document(&SYSTEM, YEAR, statement, &made.commitments.file).await;
    let kept = kept.expect("the registry answers").expect("it is kept");
    assert_eq!(fs::read(&places[2]).expect("the XML"), kept.bytes);
    assert!(fs::read(&places[1]).expect("the PDF").starts_with(b"%PDF-"));
    assert!(String::from_utf8(fs::read(&places[0]).expect("the page")).expect("UTF-8").contains("<html lang=\"lt\">"));

    let before = written(&places[2]);
    drop(desk.stage.ledger.shelf());
    assert_eq!(round(&mut publisher).await, 0);
    assert_eq!(round(&mut desk.publisher()).await, 0);
    assert_eq!(written(&places[2]), before);
    // Killed between two of its files, or down while it was attached: the next start does what is missing.
    fs::remove_file(&places[2]).expect("the XML goes");
    assert_eq!(round(&mut desk.publisher()).await, 1);
    assert_eq!(desk.files(), places);
}

#[tokio::test]
async fn another_draft_and_a_natural_person_s_invoice_never_come() {
    let desk = Desk::new().await;
    let registry = &desk.stage.site.registry;
    let natural = NewProvider {
        code: "1234567".into(),
        kind: ProviderKind::Natural,
        name: "Ąžuolas Ėmužis".into(),
        place: keis_ledger::classifiers::Place::Municipality(57),
        vat_registered: false,
        controlling_code: None,
    };
    let mut work = registry.begin().await.expect("the registry answers");
    let person = bodies::put_provider(&mut work, &natural).await.expect("it is kept").body.id;
    work.commit().await.expect("it is kept");
    let (statement, made) = desk.ready(2, person).await;
    desk.stage.ledger.shelf().statements.get_mut(&statement).expect("it was put").0.provider = person;
    desk.attach(statement, &made);
    // A draft of a statement to which another document is attached.
    let (other, draft) = desk.ready(3, desk.stage.site.provider.id).await;
    let elsewhere = Commitment([77; 32]);
    desk.attach(
        other,
        &Made {
            commitments: keis_registry::invoices::PaperCommitments { file: elsewhere, ..draft.commitments },
            ..draft
        },
    );
    assert_eq!((round(&mut desk.publisher()).await, desk.files()), (0, Vec::new()));
}

#[tokio::test]
async fn a_credit_note_follows_its_credit() {
    let desk = Desk::new().await;
    let provider = desk.stage.site.provider.id;
    let (statement, made) = desk.ready(4, provider).await;
    desk.attach(statement, &made);
    let mut publisher = desk.publisher();
    assert_eq!(round(&mut publisher).await, 1);
    let new = desk.note(statement, &made, None);
    let note = desk.stage.site.registry.keep_credit_note(&SYSTEM, &new).await.expect("it is kept");
    drop(desk.stage.ledger.shelf());
    assert_eq!(round(&mut publisher).await, 0);
    desk.stage.ledger.shelf().statements.get_mut(&statement).expect("it was put").1.credited = Cents::new(3_333);
    assert_eq!(round(&mut publisher).await, 1);
    assert!(desk.place(statement, note.commitments.file, "xml").exists());
    assert!(desk.place(statement, made.commitments.file, "xml").exists());
}

#[tokio::test]
async fn a_note_about_a_reversal_comes_as_soon_as_it_is_kept_and_lies_at_its_reversal() {
    let desk = Desk::new().await;
    let (statement, made) = desk.ready(5, desk.stage.site.provider.id).await;
    desk.attach(statement, &made);
    desk.stage.ledger.shelf().statements.get_mut(&statement).expect("it was put").1.credited = Cents::new(3_333);
    let mut publisher = desk.publisher();
    assert_eq!((round(&mut publisher).await, round(&mut publisher).await), (1, 0));
    let new = desk.note(statement, &made, Some(Reversal { height: 12, index: 3 }));
    let note = desk.stage.site.registry.keep_credit_note(&SYSTEM, &new).await.expect("it is kept");
    assert_eq!(round(&mut publisher).await, 1, "the ledger stands still");
    let place = desk.folder.path().join(YEAR.to_string()).join(statement.to_string()).join("12.3");
    for ending in ["html", "pdf", "xml"] {
        assert!(place.join(format!("{}.{ending}", note.commitments.file)).exists(), "{ending}");
    }
    let before = desk.files();
    drop(desk.stage.ledger.shelf());
    assert_eq!((round(&mut publisher).await, round(&mut desk.publisher()).await), (0, 0));
    assert_eq!(desk.files(), before);
}
