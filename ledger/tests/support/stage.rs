//! A programme year with two schools, two providers and a few pupils, and short names for what happens in it.

use keis_ledger::classifiers::{ArtField, Grades, Place, Scope, Scopes, ServiceKind, VatCategory, Year};
use keis_ledger::ids::{
    DocumentId, EntityId, Nullifier, OrderId, ProviderId, PupilId, SchoolId, ServiceId, SessionId, StatementId,
};
use keis_ledger::money::{BasisPoints, Cents};
use keis_ledger::operation::{
    Buyer, CatalogueOperation, Change, ClosureScope, FundsOperation, KeyGrant, Measure, NewProvider, NewPupil,
    NewSchool, Operation, OrderAction, Party, PupilMove, ServiceTerms, SessionOffer, SettlementOperation,
    WalletOperation,
};
use keis_ledger::parameters::{ArrivalAmount, ProgrammeParameters};
use keis_ledger::record::{Order, OrderState};
use keis_ledger::time::{Calendar, Day, Offset, Span, Timestamp};

use super::{BUDGET_HOLDER, NEW_YEAR, OPERATOR, World, day, secret};

pub const YEAR: Year = Year(2026);

/// Keys, by the number of their secret.
pub const SCHOOL: u8 = 10;
pub const TEACHER: u8 = 11;
pub const OTHER_SCHOOL: u8 = 12;
pub const PROVIDER: u8 = 20;
pub const OTHER_PROVIDER: u8 = 21;
pub const PUPIL: u8 = 30;
pub const READER: u8 = 40;

/// Pupils 1 to 6 are at school 1, the rest at school 2; pupil 6 has a key, [`PUPIL`].
pub const PUPILS: u8 = 8;
pub const GROWN: u8 = 6;

pub const PRICE: Cents = Cents::new(1_000);

pub fn pupil(number: u8) -> PupilId {
    PupilId([number; 16])
}

pub fn pupils(numbers: &[u8]) -> Vec<PupilId> {
    numbers.iter().map(|number| pupil(*number)).collect()
}

pub fn school(number: u8) -> SchoolId {
    SchoolId([number; 16])
}

pub fn provider(number: u8) -> ProviderId {
    ProviderId([number; 16])
}

pub fn service(number: u8) -> ServiceId {
    ServiceId([number; 16])
}

pub fn session(number: u8) -> SessionId {
    SessionId([number; 16])
}

pub fn order(number: u8) -> OrderId {
    OrderId([number; 16])
}

pub fn statement(number: u8) -> StatementId {
    StatementId([number; 16])
}

pub fn parameters() -> ProgrammeParameters {
    let half = BasisPoints::new(5_000).expect("half");
    ProgrammeParameters {
        amount_per_pupil: Cents::new(1_400),
        register_until: day(1),
        arrivals: ArrivalAmount::ProRata,
        window_from: NEW_YEAR,
        window_until: day(353),
        hold_expiry: Span::days(5),
        free_change: Span::days(2),
        free_cancel: Span::days(4),
        late_share: half,
        absence_share: half,
        minimum_share: BasisPoints::new(6_000).expect("a share"),
        attendance_days: 5,
        settlement_period: Span::days(14),
        own_key_grades: Grades { from: 9, until: 12 },
        calendar: Calendar {
            holidays: vec![Day(20_454), Day(20_500)],
            offsets: vec![Offset { from: Timestamp(0), minutes: 120 }, Offset { from: day(87), minutes: 180 }],
        },
    }
}

pub fn terms() -> ServiceTerms {
    ServiceTerms {
        field: ArtField::Theatre,
        kind: ServiceKind::Workshop,
        grades: Grades { from: 1, until: 12 },
        price: PRICE,
        capacity: 30,
        vat: VatCategory::ExemptCulture,
        venues: vec![Place::Municipality(13), Place::Municipality(57)],
        from: NEW_YEAR,
        until: day(353),
        document: DocumentId([9; 32]),
    }
}

/// Two hours from ten in the morning on a day of 2026.
pub fn offer(on: u32) -> SessionOffer {
    let start = day(on).after(Span(10 * 3_600_000));
    SessionOffer { start, end: start.after(Span(2 * 3_600_000)), place: Place::Municipality(57), capacity: 5 }
}

pub fn new_pupil(number: u8) -> NewPupil {
    NewPupil {
        pupil: pupil(number),
        nullifier: Nullifier([number; 32]),
        school: school(if number <= GROWN { 1 } else { 2 }),
        grade: if number < GROWN { 5 } else { 10 },
    }
}

pub fn new_school(number: u8) -> NewSchool {
    NewSchool { school: school(number), entity: EntityId([number; 16]), place: Place::Municipality(number) }
}

pub fn new_provider(number: u8) -> NewProvider {
    NewProvider { provider: provider(number), entity: EntityId([100 + number; 16]) }
}

pub fn grant(number: u8, party: Party, scopes: &[Scope]) -> KeyGrant {
    KeyGrant {
        key: secret(number).public(),
        party,
        scopes: Scopes::of(scopes),
        cap: Cents::new(10_000),
        from: Timestamp(0),
        until: day(400),
    }
}

pub fn bind(mut grants: Vec<KeyGrant>) -> Operation {
    grants.sort_by_key(|grant| grant.key);
    Operation::Wallet(WalletOperation::BindKeys { grants })
}

pub fn open_year(year: Year, parameters: ProgrammeParameters, budget: u64, reserve: u64) -> Operation {
    let (budget, reserve) = (Cents::new(budget), Cents::new(reserve));
    Operation::Funds(FundsOperation::OpenYear { year, parameters, budget, reserve })
}

pub fn allocate(numbers: &[u8]) -> Operation {
    Operation::Funds(FundsOperation::Allocate { year: YEAR, pupils: pupils(numbers) })
}

pub fn school_money(number: u8, amount: u64) -> Operation {
    let (school, amount) = (school(number), Cents::new(amount));
    Operation::Funds(FundsOperation::RecordSchoolMoney { year: YEAR, school, amount })
}

pub fn end_year() -> Operation {
    Operation::Funds(FundsOperation::EndYear { year: YEAR })
}

pub fn open_pupils(pupils: Vec<NewPupil>) -> Operation {
    Operation::Wallet(WalletOperation::OpenPupils { year: YEAR, pupils })
}

pub fn wallet(operation: WalletOperation) -> Operation {
    Operation::Wallet(operation)
}

pub fn catalogue(operation: CatalogueOperation) -> Operation {
    Operation::Catalogue(operation)
}

pub fn publish(number: u8, by: u8, terms: ServiceTerms) -> Operation {
    catalogue(CatalogueOperation::Publish { service: service(number), provider: provider(by), terms })
}

pub fn open_session(number: u8, of: u8, offer: SessionOffer) -> Operation {
    catalogue(CatalogueOperation::OpenSession { year: YEAR, session: session(number), service: service(of), offer })
}

pub fn on_order(number: u8, action: OrderAction) -> Operation {
    Operation::Order { year: YEAR, order: order(number), action }
}

pub fn propose(number: u8, at: u8, numbers: &[u8]) -> Operation {
    on_order(number, OrderAction::Propose { session: session(at), pupils: pupils(numbers) })
}

/// A request at the usual price with some of the school's own money.
pub fn request(number: u8, at: u8, numbers: &[u8], school_money: u64) -> Operation {
    let (session, pupils) = (session(at), pupils(numbers));
    on_order(number, OrderAction::Request { session, pupils, price: PRICE, school_money: Cents::new(school_money) })
}

pub fn confirm(number: u8) -> Operation {
    on_order(number, OrderAction::Confirm)
}

pub fn decline(number: u8) -> Operation {
    on_order(number, OrderAction::Decline)
}

pub fn cancel(number: u8) -> Operation {
    on_order(number, OrderAction::Cancel)
}

pub fn change(number: u8, to: Option<u8>, drop: &[u16], add: &[u8]) -> Operation {
    let change = Change::Booking { session: to.map(session), drop: drop.to_vec(), add: pupils(add) };
    on_order(number, OrderAction::ProposeChange(change))
}

pub fn amend_attendance(number: u8, absent: &[u16]) -> Operation {
    on_order(number, OrderAction::ProposeChange(Change::Attendance { absent: absent.to_vec() }))
}

pub fn accept_change(number: u8) -> Operation {
    on_order(number, OrderAction::AcceptChange)
}

pub fn drop_change(number: u8) -> Operation {
    on_order(number, OrderAction::DropChange)
}

pub fn swap(number: u8, lines: &[(u16, u8)]) -> Operation {
    on_order(number, OrderAction::Swap { lines: lines.iter().map(|(line, new)| (*line, pupil(*new))).collect() })
}

pub fn drop_lines(number: u8, lines: &[u16]) -> Operation {
    on_order(number, OrderAction::DropLines { lines: lines.to_vec() })
}

pub fn report(number: u8, absent: &[u16]) -> Operation {
    on_order(number, OrderAction::ReportDelivery { absent: absent.to_vec() })
}

pub fn attend(number: u8, absent: &[u16], added: &[u8]) -> Operation {
    on_order(number, OrderAction::ConfirmAttendance { absent: absent.to_vec(), added: pupils(added) })
}

pub fn dispute(number: u8) -> Operation {
    on_order(number, OrderAction::Dispute)
}

pub fn withdraw_dispute(number: u8) -> Operation {
    on_order(number, OrderAction::WithdrawDispute)
}

/// What the provider receives of each line, in cents.
pub fn resolve(number: u8, split: &[u64]) -> Measure {
    let split = split.iter().map(|amount| Cents::new(*amount)).collect();
    Measure::Resolve { year: YEAR, order: order(number), split }
}

pub fn reverse(number: u8, lines: &[u16]) -> Measure {
    Measure::Reverse { year: YEAR, order: order(number), lines: lines.to_vec() }
}

pub fn force_majeure(from: Timestamp, until: Timestamp, scope: ClosureScope) -> Measure {
    Measure::ForceMajeure { year: YEAR, from, until, scope }
}

pub fn extend(from: Timestamp, until: Timestamp, by: Span) -> Measure {
    Measure::Extend { year: YEAR, from, until, by }
}

pub fn succeed(from: Party, to: Party, years: &[Year]) -> Measure {
    Measure::Succeed { from, to, years: years.to_vec() }
}

pub fn promote(numbers: &[u8], school_number: u8, grade: u8, keep_lines: bool) -> Operation {
    let one = |number: &u8| PupilMove { pupil: pupil(*number), school: school(school_number), grade };
    wallet(WalletOperation::MovePupils { year: YEAR, moves: numbers.iter().map(one).collect(), keep_lines })
}

pub fn issue(number: u8, of: u8, buyer: Buyer, orders: &[u8]) -> Operation {
    let orders = orders.iter().map(|number| order(*number)).collect();
    let (statement, provider) = (statement(number), provider(of));
    Operation::Settlement(SettlementOperation::Issue { year: YEAR, statement, provider, buyer, orders })
}

pub fn accept(number: u8) -> Operation {
    Operation::Settlement(SettlementOperation::Accept { year: YEAR, statement: statement(number) })
}

pub fn contest(number: u8) -> Operation {
    Operation::Settlement(SettlementOperation::Contest { year: YEAR, statement: statement(number) })
}

/// A year in its first days: eight pupils with 14.00 each, school 1 with 30.00 of its own, service 1 at 10.00 with
/// sessions 1 to 4 on days 60, 67, 74 and 60 (an hour later), and service 2 of the other provider with session 5 on day 60.
pub fn staged(world: &mut World) {
    staged_with(world, parameters());
}

/// The stage under other parameters of the year.
pub fn staged_with(world: &mut World, parameters: ProgrammeParameters) {
    let mut does = |who: u8, operation: Operation| {
        world.submit(who, operation).expect("the stage can be set");
    };
    does(BUDGET_HOLDER, open_year(YEAR, parameters, 1_000_000, 1_000_000));
    does(OPERATOR, wallet(WalletOperation::OpenSchools { schools: vec![new_school(1), new_school(2)] }));
    does(OPERATOR, wallet(WalletOperation::OpenProviders { providers: vec![new_provider(1), new_provider(2)] }));
    does(OPERATOR, open_pupils((1..=PUPILS).map(new_pupil).collect()));
    let everything = [Scope::Propose, Scope::Order, Scope::Attendance, Scope::Settlement];
    does(
        OPERATOR,
        bind(vec![
            grant(SCHOOL, Party::School(school(1)), &everything),
            grant(TEACHER, Party::School(school(1)), &[Scope::Propose]),
            grant(OTHER_SCHOOL, Party::School(school(2)), &everything),
            grant(PROVIDER, Party::Provider(provider(1)), &everything),
            grant(OTHER_PROVIDER, Party::Provider(provider(2)), &everything),
            grant(PUPIL, Party::Pupil(YEAR, pupil(GROWN)), &everything),
            grant(READER, Party::School(school(1)), &[Scope::Read]),
        ]),
    );
    does(OPERATOR, allocate(&(1..=PUPILS).collect::<Vec<_>>()));
    does(OPERATOR, school_money(1, 3_000));
    does(OPERATOR, publish(1, 1, terms()));
    does(OPERATOR, publish(2, 2, terms()));
    for (number, on) in [(1, 60), (2, 67), (3, 74)] {
        does(PROVIDER, open_session(number, 1, offer(on)));
    }
    let mut overlapping = offer(60);
    overlapping.start = overlapping.start.after(Span(3_600_000));
    overlapping.end = overlapping.end.after(Span(3_600_000));
    does(PROVIDER, open_session(4, 1, overlapping));
    does(OTHER_PROVIDER, open_session(5, 2, offer(60)));
    world.at(day(2));
}

/// The stage with an order of pupils 1 to 3 of school 1 in session 1, brought to a state on the way to settlement.
pub fn with_order(state: OrderState) -> World {
    let mut world = World::founded();
    staged(&mut world);
    bring(&mut world, state);
    world
}

/// Brings order 1 to a state on the way to settlement.
pub fn bring(world: &mut World, state: OrderState) {
    let way: [(OrderState, u8, Operation, u32); 5] = [
        (OrderState::Requested, SCHOOL, request(1, 1, &[1, 2, 3], 0), 57),
        (OrderState::Confirmed, PROVIDER, confirm(1), 57),
        (OrderState::Delivered, PROVIDER, report(1, &[]), 61),
        (OrderState::Attended, SCHOOL, attend(1, &[], &[]), 61),
        (OrderState::Settled, OPERATOR, issue(1, 1, Buyer::Programme, &[1]), 61),
    ];
    for (reached, who, operation, on) in way {
        world.at(day(on).before(Span(if on == 57 { 20 * 86_400_000 } else { 0 })));
        world.submit(who, operation).expect("the order goes its way");
        if reached == OrderState::Settled {
            world.submit(PROVIDER, accept(1)).expect("the provider agrees");
        }
        assert_eq!(world.get::<Order>((YEAR, order(1))).state, reached);
        if reached == state {
            return;
        }
    }
}
