//! A year of lawful orders that somebody should look at: each flag is told, with its measure.

use keis_audit::trial::{self, Size, Trial, YEAR, class_pupils, day, id, operator, secret};
use keis_audit::{Anomaly, Options, audit};
use keis_ledger::classifiers::{ArtField, Grades, Place, ServiceKind, VatCategory};
use keis_ledger::ids::{DocumentId, OrderId, ProviderId, PupilId, ServiceId, SessionId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{CatalogueOperation, Operation, OrderAction, ServiceTerms, SessionOffer};
use keis_ledger::time::{Span, Timestamp};

const SIZE: Size = Size { classes: 20, pupils: 6, rounds: 0, block: 50 };
const HOUR: u64 = 3_600_000;
const WHOLE: Cents = Cents::new(1_400);
const CHEAP: Cents = Cents::new(100);
/// 10 December 2026, midnight UTC.
const DECEMBER: u32 = 343;

fn publish(trial: &mut Trial, number: u32, price: Cents) {
    let terms = ServiceTerms {
        field: ArtField::Circus,
        kind: ServiceKind::Performance,
        grades: Grades { from: 1, until: 12 },
        price,
        capacity: 500,
        vat: VatCategory::Standard,
        venues: vec![Place::Municipality(13), Place::Municipality(57)],
        from: trial::NEW_YEAR,
        until: day(353),
        document: DocumentId([u8::try_from(number).expect("small"); 32]),
    };
    let (service, provider) = (ServiceId(id("odd service", number)), ProviderId(id("provider", 0)));
    trial.submit(&operator(), Operation::Catalogue(CatalogueOperation::Publish { service, provider, terms }));
}

fn open(trial: &mut Trial, number: u32, place: u8, start: Timestamp, length: u64) {
    let (session, service) = (SessionId(id("odd session", number)), ServiceId(id("odd service", number)));
    let place = Place::Municipality(place);
    let offer = SessionOffer { start, end: start.after(Span(length)), place, capacity: 500 };
    let opening = CatalogueOperation::OpenSession { year: YEAR, session, service, offer };
    trial.submit(&secret("provider", 0), Operation::Catalogue(opening));
}

fn act(trial: &mut Trial, role: &str, order: u32, action: OrderAction) {
    let order = OrderId(id("odd order", order));
    trial.submit(&secret(role, 0), Operation::Order { year: YEAR, order, action });
}

fn request(trial: &mut Trial, order: u32, session: u32, pupils: Vec<PupilId>, price: Cents, school_money: u64) {
    let session = SessionId(id("odd session", session));
    let request = OrderAction::Request { session, pupils, price, school_money: Cents::new(school_money) };
    act(trial, "school", order, request);
    act(trial, "provider", order, OrderAction::Confirm);
}

fn odd_year() -> Trial {
    let mut trial = Trial::opened(SIZE);
    publish(&mut trial, 1, CHEAP);
    publish(&mut trial, 2, WHOLE);
    let ten = day(DECEMBER).after(Span(10 * HOUR));
    open(&mut trial, 1, 13, ten.before(Span(2 * HOUR)), 2 * HOUR - 600_000);
    open(&mut trial, 2, 57, ten, HOUR);
    trial.at(day(330));
    let first = class_pupils(SIZE, 0);
    request(&mut trial, 100, 1, first[..3].to_vec(), CHEAP, 0);
    for class in 0..SIZE.classes {
        let school_money = if class == 0 { 300 } else { 0 };
        request(&mut trial, class, 2, class_pupils(SIZE, class), WHOLE, school_money);
    }
    trial.at(day(DECEMBER + 1));
    for order in (0..SIZE.classes).chain([100]) {
        act(&mut trial, "provider", order, OrderAction::ReportDelivery { absent: Vec::new() });
        if order >= 12 {
            act(&mut trial, "school", order, OrderAction::ConfirmAttendance { absent: Vec::new(), added: Vec::new() });
        }
    }
    trial.at(day(DECEMBER + 15));
    trial
}

#[test]
fn every_flag_is_told_with_its_measure() {
    let trial = odd_year();
    let export = trial.export();
    let report = audit(export.as_slice(), trial.genesis(), &Options::default(), |_| {}).expect("memory can be read");
    assert!(report.is_sound(), "{:?}", report.fault);
    let anomalies = &report.years[0].anomalies;
    let told = |code: &str| -> &Anomaly { anomalies.iter().find(|one| one.code == code).expect("every flag is told") };
    let first = |code: &str| told(code).cases.first().map(|case| (case.value, case.limit));

    assert_eq!((told("pupil_hurried").found, first("pupil_hurried")), (3, Some((10, 30))));
    assert_eq!(first("december_spike"), Some((10_000, 3_000)));
    assert_eq!(first("one_key_one_provider"), Some((10_000, 9_000)));
    // Twelve of twenty-one.
    assert_eq!(first("automatic_confirmations"), Some((5_714, 5_000)));
    assert_eq!(first("whole_wallets_in_a_day"), Some((120, 99)));
    assert_eq!(told("whole_wallets_in_a_day").cases[0].about[1], "2026-12-10");
    // The rules keep these from happening; an audit looks all the same.
    for never in ["pupil_in_two_places", "attendance_above_capacity"] {
        assert_eq!((told(never).found, &told(never).cases), (0, &Vec::new()), "{never}");
    }
    let page = report.html(keis_audit::Language::English);
    assert!(page.contains("100.00\u{a0}%") && page.contains("57.14\u{a0}%"), "shares are told in per cent");
}
