//! The catalogue: loading, searching, following the ledger's events.

use std::sync::Arc;
use std::time::Duration;

use crate::market::{DAY, HOUR, Market, YEAR, bytes, service, session};
use crate::support::ledger::NOW;
use keis_ledger::classifiers::{ArtField, Place};
use keis_ledger::ids::{ProviderId, ServiceId, SessionId};
use keis_ledger::money::Cents;
use keis_ledger::receipt::{Kind, Subject};
use keis_ledger::record::Standing;
use keis_ledger::time::Timestamp;
use keis_portal::catalogue::{Catalogue, Filter, PER_PAGE, Sort};
use keis_portal::words::Lang;
use keis_registry::{MasterKey, Registry};
use keis_wallet::client::{Client, Policy};

const PROVIDER: ProviderId = ProviderId([9; 16]);

fn services(number: u16) -> ServiceId {
    ServiceId(bytes(number))
}

fn sessions(number: u16) -> SessionId {
    SessionId(bytes(number))
}

/// A catalogue over a market, with the folder of its registry.
async fn start(market: &Market) -> (Catalogue, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("registry.sqlite").display());
    let registry = Registry::open(&url, &MasterKey::generate()).await.expect("the registry opens");
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = Client::new(&[&market.address], Policy { attempts: 2, ..Policy::default() }).expect("a client");
    (Catalogue::start(client, registry), folder)
}

async fn until(catalogue: &Catalogue, holds: impl Fn(&Catalogue) -> bool) {
    let waiting = catalogue.until(holds);
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("the catalogue follows");
}

/// A market of four services with one session each, the first the latest.
async fn small() -> Market {
    let market = Market::start().await;
    let titles = [("Šokio žingsnis", "A dance step"), ("Teatro naktis", "Theatre night"), ("Žydintis miškas", "Wood")];
    let mut book = market.book();
    for (number, (lt, en)) in (1..).zip(titles) {
        book.services.insert(services(number), service(PROVIDER, lt, en));
        let ahead = session(services(number), DAY * u64::from(10 - number), 10 * number);
        book.sessions.insert(sessions(number), ahead);
    }
    let mut other = service(ProviderId([8; 16]), "Ąžuolo dirbtuvės", "Oak workshop");
    other.terms.field = ArtField::VisualArts;
    other.terms.price = Cents::new(250);
    book.services.insert(services(4), other);
    drop(book);
    market
}

fn now() -> Filter {
    Filter { now: NOW, ..Filter::default() }
}

fn titles(catalogue: &Catalogue, filter: &Filter) -> Vec<String> {
    let found = catalogue.search(filter, Lang::Lt, 1);
    assert_eq!(found.total, found.items.len());
    found.items.into_iter().map(|hit| hit.offer.title.lt.clone()).collect()
}

#[tokio::test]
async fn all_pages_are_loaded_with_titles_and_sessions() {
    let market = Market::start().await;
    {
        let mut book = market.book();
        for number in 1..=60 {
            book.services.insert(services(number), service(PROVIDER, &format!("Nr. {number}"), ""));
            book.sessions.insert(sessions(number), session(services(number), DAY, 3));
        }
    }
    let (catalogue, _folder) = start(&market).await;
    until(&catalogue, Catalogue::ready).await;
    assert_eq!(catalogue.size(), 60);
    assert_eq!((catalogue.year(YEAR).sessions, catalogue.year(YEAR).taken), (60, 180));
    let first = catalogue.search(&now(), Lang::En, 1);
    assert_eq!((first.total, first.items.len(), first.pages), (60, PER_PAGE, 3));
    let last = catalogue.search(&now(), Lang::En, 99);
    assert_eq!((last.page, last.items.len()), (3, 10));
    let label = catalogue.label(sessions(7), Lang::Lt);
    assert_eq!(label, "2026-02-11 12:00, Nr. 7, Vilniaus m. sav.");
    assert_eq!(catalogue.label(sessions(999), Lang::Lt), sessions(999).to_string());
}

#[tokio::test]
async fn search_folds_letters_endings_and_both_languages() {
    let (catalogue, _folder) = start(&small().await).await;
    until(&catalogue, Catalogue::ready).await;
    for (text, wanted) in [
        ("sokis", "Šokio žingsnis"),
        ("ZYDINTIS", "Žydintis miškas"),
        ("oak", "Ąžuolo dirbtuvės"),
        ("azuolas", "Ąžuolo dirbtuvės"),
        ("vaizduojamieji", "Ąžuolo dirbtuvės"),
    ] {
        let filter = Filter { text: text.to_owned(), ..now() };
        assert_eq!(titles(&catalogue, &filter), [wanted], "{text}");
    }
    // All are theatre but one. Whose title says so comes first; then those with a session that an order could join.
    let theatre = titles(&catalogue, &Filter { text: "teatras".to_owned(), ..now() });
    assert_eq!(theatre, ["Teatro naktis", "Šokio žingsnis", "Žydintis miškas"]);
    assert!(titles(&catalogue, &Filter { text: "opera".to_owned(), ..now() }).is_empty());
}

#[tokio::test]
async fn filters_narrow_and_orders_hold() {
    let (catalogue, _folder) = start(&small().await).await;
    until(&catalogue, Catalogue::ready).await;
    let by = |sort| Filter { sort, ..now() };
    // The third session is full, so its service has none that an order could join.
    assert_eq!(titles(&catalogue, &by(Sort::Soonest))[..2], ["Teatro naktis", "Šokio žingsnis"]);
    // Lithuanian order: ą stands with a, š after s, ž last.
    let sorted = ["Ąžuolo dirbtuvės", "Šokio žingsnis", "Teatro naktis", "Žydintis miškas"];
    assert_eq!(titles(&catalogue, &by(Sort::Title)), sorted);
    assert_eq!(titles(&catalogue, &by(Sort::Price))[0], "Ąžuolo dirbtuvės");
    let narrow = |change: fn(&mut Filter)| {
        let mut filter = now();
        change(&mut filter);
        titles(&catalogue, &filter).len()
    };
    assert_eq!(narrow(|filter| filter.field = Some(ArtField::VisualArts)), 1);
    assert_eq!(narrow(|filter| filter.grade = Some(9)), 0);
    assert_eq!(narrow(|filter| filter.grade = Some(8)), 4);
    assert_eq!(narrow(|filter| filter.place = Some(Place::Municipality(1))), 0);
    assert_eq!(narrow(|filter| filter.price_up_to = Some(Cents::new(499))), 1);
    assert_eq!(narrow(|filter| filter.provider = Some(PROVIDER)), 3);
    assert_eq!(narrow(|filter| filter.only_open = true), 2);
    assert_eq!(narrow(|filter| filter.free_places = Some(15)), 1);
    assert_eq!(narrow(|filter| filter.from = Some(Timestamp(NOW.0 + 8 * DAY + 1))), 1);
    assert_eq!(narrow(|filter| filter.until = Some(Timestamp(NOW.0 + 8 * DAY))), 0);
    assert_eq!(narrow(|filter| filter.now = Timestamp(NOW.0 + 8 * DAY)), 4);
    let later = Filter { only_open: true, now: Timestamp(NOW.0 + 8 * DAY), ..Filter::default() };
    assert_eq!(titles(&catalogue, &later), ["Šokio žingsnis"]);
    assert_eq!(catalogue.upcoming(NOW, 9).len(), 2);
    assert_eq!(catalogue.upcoming(NOW, 1)[0].1.title.en, "Theatre night");
}

#[tokio::test]
async fn what_changes_is_followed_through_cut_streams() {
    let market = small().await;
    let (catalogue, _folder) = start(&market).await;
    until(&catalogue, Catalogue::ready).await;
    let about = |number| Subject {
        year: Some(YEAR),
        service: Some(services(number)),
        session: Some(sessions(number)),
        ..Subject::default()
    };
    for round in 0..3u16 {
        let booked = 20 + round;
        market.change(Kind::OrderRequested, about(1), |book| {
            book.sessions.get_mut(&sessions(1)).expect("it is there").booked = booked;
        });
        until(&catalogue, |catalogue| catalogue.session(sessions(1)).is_some_and(|one| one.booked() == booked)).await;
        market.cut();
    }
    market.change(Kind::ServicePublished, about(5), |book| {
        book.services.insert(services(5), service(PROVIDER, "Nauja", "New"));
    });
    market.change(Kind::SessionOpened, about(5), |book| {
        book.sessions.insert(sessions(5), session(services(5), HOUR, 0));
    });
    until(&catalogue, |catalogue| !catalogue.sessions_of(services(5), YEAR).is_empty()).await;
    assert_eq!(titles(&catalogue, &now())[0], "Nauja");
    market.change(Kind::SessionAmended, about(5), |book| {
        book.sessions.insert(sessions(5), session(services(5), 20 * DAY, 0));
    });
    let moved = Timestamp(NOW.0 + 20 * DAY);
    until(&catalogue, |catalogue| catalogue.session(sessions(5)).is_some_and(|one| one.start == moved)).await;
    assert_eq!(catalogue.sessions_of(services(5), YEAR).len(), 1);
    assert_eq!(titles(&catalogue, &now())[2], "Nauja");
    market.change(Kind::ServiceSuspended, about(5), |book| {
        book.services.get_mut(&services(5)).expect("it is there").standing = Standing::Suspended;
    });
    until(&catalogue, |catalogue| catalogue.size() == 4).await;
    let kept = catalogue.service(services(5)).expect("standing orders still name it");
    assert!(!kept.is_active());
    assert_eq!(catalogue.services_of(PROVIDER, Lang::Lt).len(), 4);
}

#[tokio::test]
async fn what_is_not_offered_is_found_when_asked_for() {
    let market = small().await;
    {
        let mut book = market.book();
        let mut closed = service(PROVIDER, "Buvusi", "Former");
        closed.standing = Standing::Closed;
        book.services.insert(services(6), closed);
        book.sessions.insert(sessions(6), session(services(6), HOUR, 2));
        let undescribed = crate::market::Service { document: None, ..service(PROVIDER, "", "") };
        book.services.insert(services(7), undescribed);
    }
    let (catalogue, _folder) = start(&market).await;
    until(&catalogue, Catalogue::ready).await;
    assert_eq!(catalogue.service(services(6)), None);
    catalogue.ensure(YEAR, [sessions(6), sessions(1)]).await.expect("the gateway answers");
    assert_eq!(catalogue.label(sessions(6), Lang::En), "2026-02-10 13:00, Former, Vilnius city");
    assert!(titles(&catalogue, &now()).iter().all(|title| title != "Buvusi"));
    let missing = catalogue.find_session(YEAR, sessions(999)).await.expect("the gateway answers");
    assert_eq!(missing, None);
    let undescribed: Arc<_> = catalogue.service(services(7)).expect("it may be ordered");
    assert!(!undescribed.described);
    assert_eq!(undescribed.title.of(Lang::En), services(7).to_string());
}
