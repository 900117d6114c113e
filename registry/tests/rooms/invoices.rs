//! Papers of statements: commitments that are equal for equal things, opened by both parties and who keeps the books, and gone
//! with the person.

use keis_ledger::ids::{OrderId, ProviderId, StatementId};
use keis_ledger::operation::Buyer;
use keis_ledger::record::Invoice;
use keis_registry::erasure::Circumstances;
use keis_registry::invoices::{FileMark, NewPaper, PaperKind};
use keis_registry::permission::{Permission, Role};
use keis_registry::witnesses::{self, Holder, WitnessKind};
use keis_registry::{Actor, Registry, RegistryError};

use crate::scene::{CERTIFICATE, OTHER_SCHOOL, PROVIDER, SCHOOL, SYSTEM, YEAR, scene};
use crate::support::{both, holds};

const STATEMENT: StatementId = StatementId([41; 16]);
const NUMBER: &str = "LT-2026 Nr. 77";
const NAME: &str = "saskaita-77.pdf";

fn paper(provider: ProviderId, buyer: Buyer) -> NewPaper {
    NewPaper {
        kind: PaperKind::Invoice,
        year: YEAR,
        statement: STATEMENT,
        provider,
        buyer,
        number: NUMBER.to_owned(),
        file: FileMark::of(NAME, b"%PDF an invoice"),
    }
}

async fn denied(registry: &Registry, actor: &Actor) -> bool {
    let answer = registry.papers(actor, YEAR, STATEMENT).await;
    matches!(answer, Err(RegistryError::Denied(Permission::SeeStatements)))
}

#[tokio::test]
async fn equal_papers_of_a_provider_have_equal_commitments_and_open() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        let staff = scene.user("staff", Role::ProviderStaff, Some(PROVIDER)).await.actor();
        let new = paper(scene.provider, Buyer::Programme);
        let first = registry.keep_paper(&staff, &new).await.unwrap();
        let spaced = NewPaper { number: format!("  {} ", NUMBER.replace(' ', "  ")), ..new.clone() };
        assert_eq!(registry.keep_paper(&staff, &spaced).await.unwrap(), first);
        assert_ne!(first.file, first.number);
        let natural = registry.keep_paper(&SYSTEM, &paper(scene.natural, Buyer::Programme)).await.unwrap();
        assert_ne!(natural.number, first.number, "another provider's number is another number");
        let note = NewPaper { kind: PaperKind::CreditNote(OrderId([1; 16])), ..new.clone() };
        let note = registry.keep_paper(&staff, &note).await.unwrap();
        assert_ne!(note.file, first.file, "a file is an invoice or a credit note");

        let attached = Invoice { file: first.file, number: first.number, by: keis_ledger::crypto::PublicKey([1; 32]) };
        let found = registry.invoice(&SYSTEM, YEAR, STATEMENT, &attached).await.unwrap().unwrap();
        assert_eq!((found.number.as_str(), found.file.name.as_str(), found.file.size), (NUMBER, NAME, 15));
        assert!(found.file.is_of(b"%PDF an invoice") && !found.file.is_of(b"%PDF another"));
        let other = Invoice { file: first.number, ..attached };
        assert!(registry.invoice(&SYSTEM, YEAR, STATEMENT, &other).await.unwrap().is_none());
        assert_eq!(registry.papers(&SYSTEM, YEAR, STATEMENT).await.unwrap().len(), 3);
        let actions = scene.actions().await;
        assert!(actions.contains(&"paper of a statement kept".to_owned()), "{actions:?}");
        assert!(actions.contains(&"papers of a statement read".to_owned()), "{actions:?}");
        let bytes = place.bytes().await;
        assert!(!holds(&bytes, NUMBER.as_bytes()) && !holds(&bytes, NAME.as_bytes()), "a number stands in a file");
    })
    .await;
}

#[tokio::test]
async fn papers_are_for_their_parties_and_the_keepers_of_the_books() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        let new = paper(scene.provider, Buyer::School(scene.school));
        let staff = scene.user("staff", Role::ProviderStaff, Some(PROVIDER)).await.actor();
        let other_staff = scene.user("other staff", Role::ProviderStaff, Some(CERTIFICATE)).await.actor();
        let officer = scene.officer().await.actor();
        let budget = scene.user("budget", Role::BudgetOfficer, None).await.actor();
        let coordinator = scene.user("coordinator", Role::Coordinator, Some(SCHOOL)).await.actor();
        let other_school = scene.user("other coordinator", Role::Coordinator, Some(OTHER_SCHOOL)).await.actor();
        let teacher = scene.user("teacher", Role::Teacher, Some(SCHOOL)).await.actor();
        for stranger in [&other_staff, &coordinator, &officer] {
            let refused = registry.keep_paper(stranger, &new).await;
            assert!(matches!(refused, Err(RegistryError::Denied(Permission::AcceptStatements))), "{refused:?}");
        }
        registry.keep_paper(&staff, &new).await.unwrap();
        for reader in [&staff, &officer, &budget, &coordinator] {
            assert_eq!(registry.papers(reader, YEAR, STATEMENT).await.unwrap().len(), 1);
        }
        for stranger in [&other_staff, &other_school, &teacher] {
            assert!(denied(registry, stranger).await);
        }
    })
    .await;
}

#[tokio::test]
async fn a_natural_persons_papers_go_with_the_person() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        let kept = registry.keep_paper(&SYSTEM, &paper(scene.natural, Buyer::Programme)).await.unwrap();
        let legal = registry.keep_paper(&SYSTEM, &paper(scene.provider, Buyer::Programme)).await.unwrap();
        let mut work = registry.begin().await.unwrap();
        let reference = witnesses::keep(&mut work, Holder::Bank, WitnessKind::BankReference, "AB 12").await.unwrap();
        work.commit().await.unwrap();
        let person = registry.provider(scene.natural).await.unwrap().unwrap().person.unwrap();
        registry.erase(&SYSTEM, person, Circumstances::default()).await.unwrap();
        let papers = registry.papers(&SYSTEM, YEAR, STATEMENT).await.unwrap();
        assert_eq!(papers.iter().map(|paper| paper.commitments).collect::<Vec<_>>(), [legal]);
        let mut reader = registry.reader().await.unwrap();
        let vault = registry.vault();
        let asked = [kept.file, kept.number, legal.number, reference];
        let opened = witnesses::opened(&mut reader, vault, &asked).await.unwrap();
        drop(reader);
        assert_eq!(opened.len(), 2, "{opened:?}");
        assert_eq!(opened[&reference], "AB 12");
        let bytes = place.bytes().await;
        assert!(!holds(&bytes, &kept.file.0) && !holds(&bytes, &kept.number.0), "a commitment stands in a file");
        let again = registry.keep_paper(&SYSTEM, &paper(scene.natural, Buyer::Programme)).await;
        assert!(matches!(again, Err(RegistryError::BodyUnknown(_))), "{again:?}");
    })
    .await;
}

#[test]
fn a_files_mark_is_what_other_programs_show() {
    let mark = FileMark::of(" a\u{7}bc.pdf ", b"abc");
    assert_eq!(mark.hash_text(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!((mark.name.as_str(), mark.size), ("abc.pdf", 3));
}

#[test]
fn what_people_write_in_two_ways_is_one_thing() {
    let cases = [
        (WitnessKind::PaymentAccount, " lt12 1000 0111\t0100 1000", "LT121000011101001000"),
        (WitnessKind::InvoiceNumber, " LNB  12 ", "LNB 12"),
        (WitnessKind::BankReference, "ab\u{a0}1", "ab 1"),
    ];
    for (kind, written, one) in cases {
        assert_eq!(kind.normal(written), one);
    }
    let names: std::collections::BTreeSet<_> = WitnessKind::ALL.into_iter().map(WitnessKind::name).collect();
    assert_eq!(names.len(), WitnessKind::ALL.len());
}
