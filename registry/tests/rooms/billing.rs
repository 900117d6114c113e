//! What invoices name: who sets and sees it; documents that are drawn once, numbered once, recognised and erased.

use std::num::NonZeroU32;

use futures::future::join_all;
use jiff::civil::date;
use keis_einvoice::{
    Account, Address, Buyer as BuyerParty, Certificate, Contact, Country, CreditHeading, CreditLine, Credited,
    Endpoint, Facts, Heading, Iban, Identity, Line, Period, Programme, RateStep, Seller, Settlement, Text, VatNumber,
    VatRates, VatRegistration,
};
use keis_ledger::classifiers::VatCategory;
use keis_ledger::ids::{Commitment, OrderId, ProviderId, StatementId};
use keis_ledger::money::{BasisPoints, Cents};
use keis_ledger::operation::Buyer;
use keis_registry::billing::{BillingError, ProgrammePart, SchoolDetails, SellerDetails, Terms};
use keis_registry::documents::{DocumentError, Kept, NewCreditNote, NewInvoice, NewReceived, NumberWish, Reversal};
use keis_registry::erasure::Circumstances;
use keis_registry::invoices::PaperKind;
use keis_registry::permission::{Permission, Role};
use keis_registry::{Page, Registry, RegistryError};

use crate::scene::{CERTIFICATE, PROVIDER, SCHOOL, SYSTEM, Scene, YEAR, scene};
use crate::support::{both, holds};

const STREET: &str = "Žalgirio g. 5-12";
const SERIES: &str = "LNB";

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn address() -> Address {
    Address {
        street: Some(text(STREET)),
        city: text("Šiauliai"),
        post_code: None,
        country: Country::new("LT").unwrap(),
    }
}

fn details(series: Option<&str>) -> SellerDetails {
    SellerDetails {
        address: Some(address()),
        contact: Some(Contact { name: Some(text("Rūta Žukaitė")), telephone: None, mail: None }),
        series: series.map(text),
        ..SellerDetails::default()
    }
}

fn rates() -> VatRates {
    let points = |points| BasisPoints::new(points).unwrap();
    VatRates::new(vec![RateStep { from: date(2020, 1, 1), standard: points(2_100), reduced: points(900) }]).unwrap()
}

fn buyer() -> BuyerParty {
    BuyerParty {
        code: text("190757374"),
        name: text("Biblioteka"),
        address: address(),
        endpoint: Endpoint::legal_code("190757374").unwrap(),
        vat: None,
    }
}

fn order(number: u8) -> OrderId {
    OrderId([number; 16])
}

fn statement(number: u8) -> StatementId {
    StatementId([number; 16])
}

/// Facts of a statement with one order of ten euro and one of five.
fn facts(id: StatementId, identity: Identity) -> Facts {
    let line = |number: u8, gross| Line {
        order: order(number),
        title: text("Spektaklis"),
        supplied: date(2026, 3, 2),
        pupils: NonZeroU32::new(3).unwrap(),
        gross: Cents::new(gross),
        vat: VatCategory::Standard,
    };
    let lines = vec![line(1, 1_000), line(2, 500)];
    let period = Period { from: date(2026, 3, 1), until: date(2026, 3, 31) };
    Facts {
        settlement: Settlement { statement: id, total: Cents::new(1_500), period, lines },
        seller: Seller {
            identity,
            name: text("Lėlių teatras"),
            trading_name: None,
            address: address(),
            endpoint: Endpoint::legal_code("300000017").unwrap(),
            contact: None,
            registrations: vec![],
            account: Account { iban: Iban::new("LT121000011101001000").unwrap(), bic: None, holder: None },
        },
        buyer: buyer(),
        programme: Programme { reference: Some(text("KP")), order: None, contract: None, terms: None, rates: rates() },
        heading: Heading { number: text("0"), issued: date(2026, 4, 2), due: date(2026, 5, 2), note: None },
    }
}

fn legal(id: StatementId) -> Facts {
    facts(id, Identity::Legal(text(PROVIDER)))
}

fn invoice(provider: ProviderId, facts: Facts, number: NumberWish) -> NewInvoice {
    NewInvoice { year: YEAR, provider, buyer: Buyer::Programme, number, facts }
}

async fn with_series(scene: &Scene, provider: ProviderId) {
    scene.registry.set_seller_details(&SYSTEM, provider, &details(Some(SERIES)), None).await.unwrap();
}

async fn kept(registry: &Registry, id: StatementId, file: Commitment) -> Kept {
    registry.document(&SYSTEM, YEAR, id, &file).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_provider_sets_its_details_and_officers_its_taxation() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        let staff = scene.user("staff", Role::ProviderStaff, Some(PROVIDER)).await.actor();
        let other = scene.user("other", Role::ProviderStaff, Some(CERTIFICATE)).await.actor();
        let officer = scene.officer().await.actor();
        let none = registry.seller_file(&staff, scene.provider).await.unwrap();
        assert_eq!((none.details.clone(), none.next), (SellerDetails::default(), 1));
        registry.set_seller_details(&staff, scene.provider, &details(Some(SERIES)), Some(77)).await.unwrap();
        registry.set_seller_details(&officer, scene.provider, &details(Some(SERIES)), None).await.unwrap();
        let low = registry.set_seller_details(&staff, scene.provider, &details(Some(SERIES)), Some(76)).await;
        assert!(matches!(low, Err(BillingError::NumberGiven { least: 77 })), "{low:?}");
        let long = registry.set_seller_details(&staff, scene.provider, &details(Some(&"s".repeat(41))), None).await;
        assert!(matches!(long, Err(BillingError::SeriesLong)), "{long:?}");
        let refused = registry.set_seller_details(&other, scene.provider, &details(None), None).await;
        assert!(matches!(refused, Err(BillingError::Registry(RegistryError::Denied(_)))), "{refused:?}");
        assert!(matches!(registry.seller_file(&other, scene.provider).await, Err(RegistryError::Denied(_))));

        let registered =
            |from, until| VatRegistration { number: VatNumber::new("LT100001234512").unwrap(), from, until };
        let ours = [registered(date(2020, 1, 1), Some(date(2025, 12, 31))), registered(date(2026, 6, 1), None)];
        let denied = registry.set_vat_registrations(&staff, scene.provider, &ours).await;
        assert!(matches!(denied, Err(BillingError::Registry(RegistryError::Denied(Permission::ManageBodies)))));
        registry.set_vat_registrations(&officer, scene.provider, &ours).await.unwrap();
        let both_at_once = [registered(date(2020, 1, 1), None), registered(date(2026, 6, 1), None)];
        let wrong = registry.set_vat_registrations(&officer, scene.provider, &both_at_once).await;
        assert!(matches!(wrong, Err(BillingError::RegistrationsOverlap)), "{wrong:?}");
        let file = registry.seller_file(&staff, scene.provider).await.unwrap();
        assert_eq!((file.details, file.registrations, file.next), (details(Some(SERIES)), ours.to_vec(), 77));

        // The import calls the provider not registered.
        let apart = registry.vat_disagreements(&officer, date(2026, 7, 1)).await.unwrap();
        assert_eq!(apart.iter().map(|one| one.id).collect::<Vec<_>>(), [scene.provider]);
        assert!(registry.vat_disagreements(&officer, date(2026, 2, 1)).await.unwrap().is_empty());
        assert!(!holds(&place.bytes().await, STREET.as_bytes()), "an address stands in a file");
        let actions = scene.actions().await;
        for action in ["details for invoices set", "registrations for VAT set", "details for invoices read"] {
            assert!(actions.iter().any(|one| one == action), "{action}: {actions:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_programme_and_schools_are_buyers() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        let officer = scene.officer().await.actor();
        let coordinator = scene.user("coordinator", Role::Coordinator, Some(SCHOOL)).await.actor();
        assert_eq!(registry.programme_billing().await.unwrap(), Default::default());
        let reference = Some(text("KP"));
        let terms = Terms { reference, order: None, contract: None, payment: None, days_due: 30 };
        for part in [
            ProgrammePart::Buyer(buyer()),
            ProgrammePart::Terms(terms.clone()),
            ProgrammePart::Rates(rates()),
            ProgrammePart::Answering(buyer().endpoint),
        ] {
            let denied = registry.set_programme_billing(&coordinator, &part).await;
            assert!(matches!(denied, Err(BillingError::Registry(RegistryError::Denied(Permission::ManageYear)))));
            registry.set_programme_billing(&officer, &part).await.unwrap();
            registry.set_programme_billing(&officer, &part).await.unwrap();
        }
        let bare = ProgrammePart::Terms(Terms { reference: None, ..terms.clone() });
        let refused = registry.set_programme_billing(&officer, &bare).await;
        assert!(matches!(refused, Err(BillingError::ReferenceMissing)), "{refused:?}");
        let set = registry.programme_billing().await.unwrap();
        assert_eq!((set.buyer, set.terms, set.rates), (Some(buyer()), Some(terms), Some(rates())));
        assert_eq!(set.answering, Some(buyer().endpoint));

        let school = SchoolDetails { address: address(), endpoint: None, vat: None };
        assert!(registry.set_school_billing(&coordinator, scene.school, &school).await.is_err());
        registry.set_school_billing(&officer, scene.school, &school).await.unwrap();
        assert_eq!(registry.school_billing(scene.school).await.unwrap(), Some(school));
        assert_eq!(registry.school_billing(scene.other).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_document_is_drawn_once_and_recognised() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        let staff = scene.user("staff", Role::ProviderStaff, Some(PROVIDER)).await.actor();
        let other = scene.user("other", Role::ProviderStaff, Some(CERTIFICATE)).await.actor();
        let wish = invoice(scene.provider, legal(statement(1)), NumberWish::Next);
        let missing = registry.keep_invoice(&staff, &wish).await;
        assert!(matches!(missing, Err(DocumentError::SeriesMissing)), "{missing:?}");
        with_series(&scene, scene.provider).await;
        let offered = registry.offered_number(&staff, scene.provider, statement(1)).await.unwrap();
        assert_eq!(offered, Some(text("LNB-000001")));

        // Killed between keeping and signing, somebody makes it again: the same number, the same bytes, the same commitments.
        let first = registry.keep_invoice(&staff, &wish).await.unwrap();
        assert_eq!((first.number.as_str(), first.file.name.as_str()), ("LNB-000001", "LNB-000001.xml"));
        assert_eq!(registry.keep_invoice(&staff, &wish).await.unwrap(), first);
        assert_eq!(registry.documents(&staff, YEAR, statement(1)).await.unwrap().len(), 1);
        let later = Heading { issued: date(2026, 4, 3), ..legal(statement(1)).heading };
        let later = invoice(scene.provider, Facts { heading: later, ..legal(statement(1)) }, NumberWish::Next);
        let second = registry.keep_invoice(&staff, &later).await.unwrap();
        assert_eq!(second.number, first.number, "what was made ready and not signed is offered again");
        assert_ne!(second.commitments.file, first.commitments.file);
        let found = kept(registry, statement(1), first.commitments.file).await;
        assert!(first.file.is_of(&found.bytes), "another draft replaced nothing");
        assert_eq!(found.invoice().unwrap().unwrap().to_xml(), found.bytes);
        assert_eq!((found.issued, found.buyer, found.kind), (date(2026, 4, 2), Buyer::Programme, PaperKind::Invoice));
        let due = found.facts.as_ref().unwrap().heading.due;
        let files = [first.commitments.file, Commitment([8; 32])];
        let days = registry.due_days(&SYSTEM, YEAR, &files).await.unwrap();
        assert_eq!(days.into_iter().collect::<Vec<_>>(), [(first.commitments.file, due)]);
        assert!(registry.due_days(&staff, YEAR, &files).await.is_err());

        let next = registry.keep_invoice(&staff, &invoice(scene.provider, legal(statement(2)), NumberWish::Next)).await;
        assert_eq!(next.unwrap().number, "LNB-000002");
        let taken = NumberWish::Given(text("LNB-000002"));
        let taken = registry.keep_invoice(&staff, &invoice(scene.provider, legal(statement(3)), taken)).await;
        assert!(matches!(taken, Err(DocumentError::NumberTaken)), "{taken:?}");
        let given = NumberWish::Given(text("LNB-000003"));
        registry.keep_invoice(&staff, &invoice(scene.provider, legal(statement(3)), given)).await.unwrap();
        let next = registry.keep_invoice(&staff, &invoice(scene.provider, legal(statement(4)), NumberWish::Next)).await;
        assert_eq!(next.unwrap().number, "LNB-000004", "a number that was given by hand is passed over");

        let recognised = registry.recognised(&SYSTEM, &found.bytes).await.unwrap();
        assert_eq!((recognised.len(), recognised[0].statement), (1, statement(1)));
        assert_eq!((recognised[0].commitments, recognised[0].number.as_str()), (first.commitments, "LNB-000001"));
        let mut changed = found.bytes.clone();
        let at = changed.iter().rposition(|byte| *byte == b'1').unwrap();
        changed[at] = b'2';
        for strange in [&changed[..], b"%PDF", b"<Invoice/>"] {
            assert!(registry.recognised(&SYSTEM, strange).await.unwrap().is_empty());
        }
        assert!(
            registry.recognised(&other, &found.bytes).await.unwrap().is_empty(),
            "who may not see it is told nothing"
        );
        let denied = registry.document(&other, YEAR, statement(1), &first.commitments.file).await;
        assert!(matches!(denied, Err(RegistryError::Denied(Permission::SeeStatements))));

        let page = registry.documents_of(&SYSTEM, YEAR, &Page::first(3)).await.unwrap();
        assert_eq!(page.items.len(), 3);
        let rest = registry.documents_of(&SYSTEM, YEAR, &Page { after: page.next, limit: 3 }).await.unwrap();
        assert_eq!((rest.items.len(), rest.next), (2, None));
        assert!(registry.documents_of(&staff, YEAR, &Page::first(3)).await.is_err());
        assert!(!holds(&place.bytes().await, b"Spektaklis"), "a document stands in a file");
    })
    .await;
}

#[tokio::test]
async fn a_number_is_given_once_however_many_ask() {
    both(async |place| {
        let scene = scene(&place).await;
        with_series(&scene, scene.provider).await;
        let registry = &scene.registry;
        let provider = scene.provider;
        let make = async |id: u8| {
            let wish = invoice(provider, legal(statement(id)), NumberWish::Next);
            registry.keep_invoice(&SYSTEM, &wish).await.unwrap().number
        };
        let mut numbers = join_all((1..=8).map(make)).await;
        numbers.sort();
        let all: Vec<String> = (1..=8).map(|number| format!("LNB-{number:06}")).collect();
        assert_eq!(numbers, all);
        // All of one statement at once are one document.
        let same = join_all((0..8).map(|_| make(9))).await;
        assert!(same.iter().all(|number| number == "LNB-000009"), "{same:?}");
        assert_eq!(registry.documents(&SYSTEM, YEAR, statement(9)).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_credit_note_follows_its_invoice() {
    both(async |place| {
        let scene = scene(&place).await;
        with_series(&scene, scene.provider).await;
        let registry = &scene.registry;
        let wish = invoice(scene.provider, legal(statement(1)), NumberWish::Next);
        let made = registry.keep_invoice(&SYSTEM, &wish).await.unwrap();
        let credit = |before: &[Credited], gross| NewCreditNote {
            year: YEAR,
            statement: statement(1),
            provider: scene.provider,
            buyer: Buyer::Programme,
            order: order(1),
            invoice: made.commitments.file,
            number: NumberWish::Next,
            heading: CreditHeading { number: text("0"), issued: date(2026, 4, 9), reason: Some(text("Sirgo")) },
            before: before.to_vec(),
            credits: vec![CreditLine { order: order(1), gross: Cents::new(gross), pupils: NonZeroU32::MIN }],
            reversal: None,
        };
        let first = registry.keep_credit_note(&SYSTEM, &credit(&[], 400)).await.unwrap();
        assert_eq!(first.number, "LNB-000002");
        let again = registry.keep_credit_note(&SYSTEM, &credit(&[], 300)).await.unwrap();
        assert_eq!(again.number, first.number, "it was not signed, so nothing is credited yet");
        let before = [Credited { order: order(1), gross: Cents::new(300) }];
        let second = registry.keep_credit_note(&SYSTEM, &credit(&before, 700)).await.unwrap();
        assert_eq!(second.number, "LNB-000003");
        for number in ["LNB-000001", "LNB-000002"] {
            let given = NewCreditNote { number: NumberWish::Given(text(number)), ..credit(&before, 700) };
            let taken = registry.keep_credit_note(&SYSTEM, &given).await;
            assert!(matches!(taken, Err(DocumentError::NumberTaken)), "{number}: {taken:?}");
        }
        let above = registry.keep_credit_note(&SYSTEM, &credit(&before, 701)).await;
        assert!(matches!(above, Err(DocumentError::Invoice(_))), "{above:?}");
        let foreign = NewCreditNote { invoice: Commitment([9; 32]), ..credit(&[], 400) };
        let foreign = registry.keep_credit_note(&SYSTEM, &foreign).await;
        assert!(matches!(foreign, Err(DocumentError::NotDrawn)), "{foreign:?}");
        let found = kept(registry, statement(1), second.commitments.file).await;
        assert_eq!(found.kind, PaperKind::CreditNote(order(1)));
        assert_eq!(found.credit_note().unwrap().unwrap().to_xml(), found.bytes);

        // A reversal has one note, with a number of its own.
        let reversal = Some(Reversal { height: 90, index: 1 });
        let reversed = NewCreditNote { reversal, ..credit(&before, 700) };
        let third = registry.keep_credit_note(&SYSTEM, &reversed).await.unwrap();
        assert_eq!(third.number, "LNB-000004", "the one that was only made ready has another");
        assert_eq!(registry.keep_credit_note(&SYSTEM, &reversed).await.unwrap(), third);
        let heading = CreditHeading { issued: date(2026, 4, 10), ..reversed.heading.clone() };
        let twice = registry.keep_credit_note(&SYSTEM, &NewCreditNote { heading, ..reversed }).await;
        assert!(matches!(twice, Err(DocumentError::ReversalNoted)), "{twice:?}");
        assert_eq!(kept(registry, statement(1), third.commitments.file).await.reversal, reversal);

        // A provider's own is kept as it is, under the number that stands on it.
        let own = NewReceived {
            kind: PaperKind::Invoice,
            year: YEAR,
            statement: statement(7),
            provider: scene.provider,
            buyer: Buyer::School(scene.school),
            name: "own.xml".to_owned(),
            bytes: kept(registry, statement(1), made.commitments.file).await.bytes,
            reversal: None,
        };
        let taken = registry.keep_received(&SYSTEM, &own).await;
        assert!(matches!(taken, Err(DocumentError::NumberTaken)), "{taken:?}");
        let of_natural = NewReceived { provider: scene.natural, ..own };
        let received = registry.keep_received(&SYSTEM, &of_natural).await.unwrap();
        let found = kept(registry, statement(7), received.commitments.file).await;
        assert_eq!((found.facts, found.number, found.buyer), (None, made.number, Buyer::School(scene.school)));
        let long = NewReceived { bytes: vec![b' '; 4 * 1024 * 1024 + 1], ..of_natural };
        assert!(matches!(registry.keep_received(&SYSTEM, &long).await, Err(DocumentError::TooLong(_))));
    })
    .await;
}

#[tokio::test]
async fn an_erased_persons_documents_are_gone() {
    both(async |place| {
        let scene = scene(&place).await;
        with_series(&scene, scene.natural).await;
        let registry = &scene.registry;
        let identity = Identity::Natural(Certificate::new(CERTIFICATE).unwrap());
        let wish = invoice(scene.natural, facts(statement(1), identity), NumberWish::Next);
        let made = registry.keep_invoice(&SYSTEM, &wish).await.unwrap();
        let bytes = kept(registry, statement(1), made.commitments.file).await.bytes;
        assert_eq!(registry.recognised(&SYSTEM, &bytes).await.unwrap().len(), 1);
        let person = registry.provider(scene.natural).await.unwrap().unwrap().person.unwrap();
        registry.erase(&SYSTEM, person, Circumstances::default()).await.unwrap();
        assert!(registry.document(&SYSTEM, YEAR, statement(1), &made.commitments.file).await.unwrap().is_none());
        assert!(registry.recognised(&SYSTEM, &bytes).await.unwrap().is_empty());
        assert!(registry.documents_of(&SYSTEM, YEAR, &Page::default()).await.unwrap().items.is_empty());
        assert_eq!(registry.seller_file(&SYSTEM, scene.natural).await.unwrap().details, SellerDetails::default());
        let file = place.bytes().await;
        assert!(!holds(&file, &made.commitments.file.0), "a commitment stands in a file");
        let again = registry.keep_invoice(&SYSTEM, &wish).await;
        assert!(matches!(again, Err(DocumentError::Registry(RegistryError::BodyUnknown(_)))), "{again:?}");
    })
    .await;
}
