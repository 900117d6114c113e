//! An example of every operation. They are values of the ledger's own types, so that none can fall behind them.

mod settlement;

use keis_ledger::chain::Height;
use keis_ledger::classifiers::{
    ArtField, Fact, Facts, Grades, Place, Scope, Scopes, Score, ServiceKind, VatCategory, Year,
};
use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::{
    DecisionId, DocumentId, EntityId, Nullifier, OrderId, ProviderId, PupilId, SchoolId, ServiceId, SessionId,
    StatementId,
};
use keis_ledger::money::{BasisPoints, Cents};
use keis_ledger::operation::{
    CatalogueOperation, Change, FundsOperation, GovernanceOperation, KeyGrant, Measure, NewProvider, NewPupil,
    NewSchool, Operation, OrderAction, Party, PupilMove, ServiceTerms, SessionOffer, WalletOperation,
};
use keis_ledger::parameters::{ArrivalAmount, ProgrammeParameters};
use keis_ledger::time::{Calendar, Day, Offset, Span, Timestamp};
use keis_wallet::random::new_id;

/// An operation to fill in.
#[derive(Debug, Clone)]
pub struct Example {
    /// Its name on the command line.
    pub name: &'static str,
    /// Who sends it, and for what.
    pub about: &'static str,
    /// The operation.
    pub operation: Operation,
}

const YEAR: Year = Year(2027);
const SCHOOL: SchoolId = SchoolId([0x11; 16]);
const PROVIDER: ProviderId = ProviderId([0x22; 16]);
const SERVICE: ServiceId = ServiceId([0x33; 16]);
const SESSION: SessionId = SessionId([0x44; 16]);
const ORDER: OrderId = OrderId([0x55; 16]);
const DECISION: DecisionId = DecisionId([0xdd; 16]);
const STATEMENT: StatementId = StatementId([0x66; 16]);
const PUPIL: PupilId = PupilId([0x77; 16]);
const OTHER_PUPIL: PupilId = PupilId([0x78; 16]);
const ENTITY: EntityId = EntityId([0x88; 16]);
const KEY: PublicKey = PublicKey([0x99; 32]);
/// Midnight that begins 2027 in Vilnius.
const NEW_YEAR: Timestamp = Timestamp(1_798_754_400_000);
const MINUTE: Span = Span(60_000);

const fn euros(euros: u64) -> Cents {
    Cents::new(euros * 100)
}

/// Every example, in the order of a year.
pub fn examples() -> Vec<Example> {
    [funds(), wallets(), catalogue(), orders(), settlement::settlement(), together()].concat()
}

fn example(name: &'static str, about: &'static str, operation: Operation) -> Example {
    Example { name, about, operation }
}

fn funds() -> Vec<Example> {
    let of = |name, about, operation| example(name, about, Operation::Funds(operation));
    let open = FundsOperation::OpenYear {
        year: YEAR,
        parameters: parameters(),
        budget: euros(5_600_000),
        reserve: euros(100_000),
    };
    vec![
        of("open-year", "budget holder: opens a year, mints budget and reserve", open),
        of(
            "allocate",
            "operator: gives pupils their money of the year",
            FundsOperation::Allocate { year: YEAR, pupils: vec![PUPIL, OTHER_PUPIL] },
        ),
        of(
            "record-school-money",
            "operator: records what a school paid in",
            FundsOperation::RecordSchoolMoney { year: YEAR, school: SCHOOL, amount: euros(500) },
        ),
        of("end-year", "budget holder: ends a year", FundsOperation::EndYear { year: YEAR }),
        of("seal-year", "budget holder: seals an ended year for good", FundsOperation::SealYear { year: YEAR }),
    ]
}

fn wallets() -> Vec<Example> {
    let of = |name, about, operation| example(name, about, Operation::Wallet(operation));
    let school = NewSchool { school: new_id(SchoolId), entity: ENTITY, place: Place::Municipality(58) };
    let pupil = NewPupil { pupil: new_id(PupilId), nullifier: Nullifier([0xaa; 32]), school: SCHOOL, grade: 5 };
    let grant = KeyGrant {
        key: KEY,
        party: Party::School(SCHOOL),
        scopes: Scopes::of(&[Scope::Propose, Scope::Order, Scope::Attendance]),
        cap: euros(1_000),
        from: NEW_YEAR,
        until: NEW_YEAR.after(Span::days(365)),
    };
    let party = Party::School(SCHOOL);
    vec![
        of("open-schools", "operator: opens schools' wallets", WalletOperation::OpenSchools { schools: vec![school] }),
        of(
            "open-providers",
            "operator: opens providers' wallets",
            WalletOperation::OpenProviders {
                providers: vec![NewProvider { provider: new_id(ProviderId), entity: ENTITY }],
            },
        ),
        of(
            "open-pupils",
            "operator: opens pupils' wallets of a year",
            WalletOperation::OpenPupils { year: YEAR, pupils: vec![pupil] },
        ),
        of("bind-keys", "operator: gives keys to wallets", WalletOperation::BindKeys { grants: vec![grant] }),
        of("revoke-key", "operator, or the key's owner: ends its use now", WalletOperation::RevokeKey { key: KEY }),
        of(
            "move-pupil",
            "operator: moves a pupil to another school",
            WalletOperation::MovePupil { year: YEAR, pupil: PUPIL, school: SCHOOL, grade: 6, keep_lines: true },
        ),
        of(
            "move-pupils",
            "operator: moves pupils to other schools or grades, all or none",
            WalletOperation::MovePupils {
                year: YEAR,
                moves: vec![PupilMove { pupil: PUPIL, school: SCHOOL, grade: 6 }],
                keep_lines: true,
            },
        ),
        of(
            "revoke-all-keys",
            "operator: ends every key of a party, after a loss",
            WalletOperation::RevokeAllKeys { party },
        ),
        of("suspend-wallet", "operator: stops new orders of or to a wallet", WalletOperation::Suspend { party }),
        of("reinstate-wallet", "operator: ends a suspension", WalletOperation::Reinstate { party }),
        of("close-wallet", "operator: closes a wallet for good", WalletOperation::Close { party }),
    ]
}

fn catalogue() -> Vec<Example> {
    let of = |name, about, operation| example(name, about, Operation::Catalogue(operation));
    let terms = ServiceTerms {
        field: ArtField::Theatre,
        kind: ServiceKind::Performance,
        grades: Grades { from: 5, until: 8 },
        price: Cents::new(1_250),
        capacity: 60,
        vat: VatCategory::ExemptCulture,
        venues: vec![Place::Municipality(58)],
        from: NEW_YEAR,
        until: NEW_YEAR.after(Span::days(340)),
        document: DocumentId([0xbb; 32]),
    };
    let start = NEW_YEAR.after(Span::days(60)).after(Span(600 * MINUTE.0));
    let offer =
        SessionOffer { start, end: start.after(Span(90 * MINUTE.0)), place: Place::Municipality(58), capacity: 60 };
    vec![
        of(
            "publish",
            "operator: publishes an approved service",
            CatalogueOperation::Publish { service: new_id(ServiceId), provider: PROVIDER, terms: terms.clone() },
        ),
        of(
            "amend",
            "operator: publishes a service's next version",
            CatalogueOperation::Amend { service: SERVICE, terms },
        ),
        of(
            "suspend-service",
            "operator: stops new orders of a service",
            CatalogueOperation::Suspend { service: SERVICE },
        ),
        of("reinstate-service", "operator: ends a suspension", CatalogueOperation::Reinstate { service: SERVICE }),
        of(
            "withdraw",
            "operator or provider: takes a service out of the catalogue",
            CatalogueOperation::Withdraw { service: SERVICE },
        ),
        of(
            "open-session",
            "provider: offers a time and place",
            CatalogueOperation::OpenSession { year: YEAR, session: new_id(SessionId), service: SERVICE, offer },
        ),
        of(
            "amend-session",
            "provider: changes a session without orders",
            CatalogueOperation::AmendSession { year: YEAR, session: SESSION, offer },
        ),
        of(
            "close-session",
            "provider: takes no more orders into a session",
            CatalogueOperation::CloseSession { year: YEAR, session: SESSION },
        ),
    ]
}

fn orders() -> Vec<Example> {
    let of = |name, about, order, action| example(name, about, Operation::Order { year: YEAR, order, action });
    let pupils = vec![PUPIL, OTHER_PUPIL];
    let request = OrderAction::Request {
        session: SESSION,
        pupils: pupils.clone(),
        price: Cents::new(1_250),
        school_money: Cents::ZERO,
    };
    let booking = Change::Booking { session: Some(SESSION), drop: vec![1], add: vec![OTHER_PUPIL] };
    let attended = OrderAction::ConfirmAttendance { absent: vec![1], added: vec![] };
    vec![
        of(
            "propose",
            "teacher: proposes an order to the school",
            new_id(OrderId),
            OrderAction::Propose { session: SESSION, pupils },
        ),
        of("request", "school: orders a session for pupils, holds the money", new_id(OrderId), request),
        of("confirm", "provider: takes an order on", ORDER, OrderAction::Confirm),
        of("decline", "provider: does not take an order on", ORDER, OrderAction::Decline),
        of(
            "propose-change",
            "school or provider: another session or other pupils",
            ORDER,
            OrderAction::ProposeChange(booking),
        ),
        of(
            "amend-attendance",
            "school or provider: other attendance, after it was confirmed",
            ORDER,
            OrderAction::ProposeChange(Change::Attendance { absent: vec![0] }),
        ),
        of("accept-change", "the other side: accepts it", ORDER, OrderAction::AcceptChange),
        of("drop-change", "either side: refuses it or takes it back", ORDER, OrderAction::DropChange),
        of("swap", "school: puts other pupils into lines", ORDER, OrderAction::Swap { lines: vec![(0, OTHER_PUPIL)] }),
        of("drop-lines", "school: drops lines", ORDER, OrderAction::DropLines { lines: vec![1] }),
        of("cancel", "school or provider: ends an order", ORDER, OrderAction::Cancel),
        of("report-delivery", "provider: it took place", ORDER, OrderAction::ReportDelivery { absent: vec![1] }),
        of("confirm-attendance", "school: who was there", ORDER, attended),
        of("dispute", "school or provider: freezes what is due of an order", ORDER, OrderAction::Dispute),
        of("withdraw-dispute", "who raised it: takes it back", ORDER, OrderAction::WithdrawDispute),
    ]
}

/// What is said of orders afterwards, and what institutions decide together.
fn together() -> Vec<Example> {
    let of = |name, about, operation| example(name, about, Operation::Governance(operation));
    let rate = Operation::Rate {
        year: YEAR,
        order: ORDER,
        score: Score::new(5).expect("a score written here is 1 to 5"),
        facts: Facts::of(&[Fact::TookPlace, Fact::OnTime]),
    };
    let propose = GovernanceOperation::Propose {
        decision: new_id(DecisionId),
        measure: Measure::SwitchProtocol { version: 2, height: Height(90_000) },
        until: NEW_YEAR.after(Span::days(30)),
    };
    vec![
        example("rate", "school or pupil: how an order was", rate),
        of("propose-measure", "institution: proposes a measure (easier: keis governance propose)", propose),
        of("approve-measure", "another institution: votes for it", GovernanceOperation::Approve { decision: DECISION }),
        of("withdraw-measure", "its proposer: takes it back", GovernanceOperation::Withdraw { decision: DECISION }),
    ]
}

/// Rules of a year; the holidays are to be completed.
pub(crate) fn parameters() -> ProgrammeParameters {
    let share = |points| BasisPoints::new(points).expect("a share written here is below the whole");
    ProgrammeParameters {
        amount_per_pupil: euros(14),
        register_until: NEW_YEAR.after(Span::days(31)),
        arrivals: ArrivalAmount::ProRata,
        window_from: NEW_YEAR,
        window_until: NEW_YEAR.after(Span::days(349)),
        hold_expiry: Span::days(10),
        free_change: Span::days(5),
        free_cancel: Span::days(5),
        late_share: share(5_000),
        absence_share: share(10_000),
        minimum_share: share(0),
        attendance_days: 5,
        settlement_period: Span::days(28),
        own_key_grades: Grades { from: 9, until: 12 },
        calendar: Calendar {
            // 1 January, 16 February and 11 March 2027, in days since 1970.
            holidays: vec![Day(20_819), Day(20_865), Day(20_888)],
            offsets: vec![
                Offset { from: NEW_YEAR, minutes: 120 },
                Offset { from: Timestamp(1_806_195_600_000), minutes: 180 },
                Offset { from: Timestamp(1_824_944_400_000), minutes: 120 },
            ],
        },
    }
}
