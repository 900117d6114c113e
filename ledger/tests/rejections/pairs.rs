//! Of two broken rules the one that stands first is named: for each pair one transaction that breaks both, and one that breaks
//! the later alone.

use keis_ledger::classifiers::{Place, Scope, Year};
use keis_ledger::money::Cents;
use keis_ledger::operation::{
    Buyer, CatalogueOperation, FundsOperation, NewPupil, Operation, OrderAction, Party, SettlementOperation,
    WalletOperation,
};
use keis_ledger::record::OrderState;

use super::support::rejections::{name, rank};
use super::support::stage::*;
use super::support::{BUDGET_HOLDER, OPERATOR, World, secret};
use super::{after, at, one_pupil, priced, settlement, suspend};

/// One transaction that breaks two rules, and one that breaks the later alone.
pub type Pair = (&'static World, u8, Operation, &'static str, u8, Operation, &'static str);

pub fn assert_pair((world, who, both, earlier, other, one, later): Pair) {
    assert!(rank(earlier) < rank(later), "{earlier} stands before {later}");
    let answer = |who: u8, operation: &Operation| {
        let rejection = world.clone().submit(who, operation.clone()).expect_err("it breaks a rule");
        name(&rejection)
    };
    assert_eq!(answer(who, &both), earlier, "{earlier} comes before {later}: {both:?}");
    assert_eq!(answer(other, &one), later, "{one:?}");
}

pub fn leaked(world: World) -> &'static World {
    Box::leak(Box::new(world))
}

/// Order 1 is requested, pupil 8 is suspended, session 3 is closed, key 50 has a cap of a cent.
fn crossed() -> World {
    let mut capped = grant(50, Party::School(school(1)), &[Scope::Order]);
    capped.cap = Cents::new(1);
    let close_session = catalogue(CatalogueOperation::CloseSession { year: YEAR, session: session(3) });
    let mut world = World::founded();
    staged(&mut world);
    bring(&mut world, OrderState::Requested);
    after(&world, &[(OPERATOR, suspend(one_pupil(8))), (PROVIDER, close_session), (OPERATOR, bind(vec![capped]))])
}

#[test]
fn of_two_broken_rules_of_an_order_the_first_is_named() {
    let w = leaked(crossed());
    let in_2030 = |numbers: &[u8]| Operation::Order {
        year: Year(2030),
        order: order(2),
        action: OrderAction::Propose { session: session(1), pupils: pupils(numbers) },
    };
    let pairs: Vec<Pair> = vec![
        (w, PROVIDER, request(2, 1, &[], 0), "NotPermitted", SCHOOL, request(2, 1, &[], 0), "ListEmpty"),
        (w, TEACHER, request(2, 1, &[], 0), "ScopeMissing", SCHOOL, request(2, 1, &[], 0), "ListEmpty"),
        (w, SCHOOL, in_2030(&[2, 1]), "ListNotAscending", SCHOOL, in_2030(&[1, 2]), "YearUnknown"),
        (w, SCHOOL, request(2, 99, &[99], 0), "PupilUnknown", SCHOOL, request(2, 99, &[4], 0), "SessionUnknown"),
        (w, SCHOOL, request(1, 99, &[4], 0), "SessionUnknown", SCHOOL, request(1, 1, &[4], 0), "IdTaken"),
        (w, SCHOOL, request(1, 1, &[8], 0), "IdTaken", SCHOOL, request(2, 1, &[8], 0), "WalletSuspended"),
        (w, SCHOOL, request(2, 3, &[8], 0), "WalletSuspended", SCHOOL, request(2, 3, &[4], 0), "SessionClosed"),
        (w, SCHOOL, priced(2, 3, &[4], 1), "SessionClosed", SCHOOL, priced(2, 2, &[4], 1), "PriceDiffers"),
        (w, SCHOOL, priced(2, 2, &[7], 1), "PriceDiffers", SCHOOL, request(2, 2, &[7], 0), "NotEnrolled"),
        (w, SCHOOL, request(2, 4, &[1, 7], 0), "NotEnrolled", SCHOOL, request(2, 4, &[1], 0), "PupilElsewhere"),
        (
            w,
            SCHOOL,
            request(2, 1, &[1, 4, 5], 0),
            "PupilElsewhere",
            SCHOOL,
            request(2, 1, &[4, 5, 6], 0),
            "SessionFull",
        ),
        (w, 50, request(2, 1, &[4, 5, 6], 0), "SessionFull", 50, request(2, 2, &[4], 0), "CapExceeded"),
        (w, 50, request(2, 2, &[1], 0), "CapExceeded", SCHOOL, request(2, 2, &[1], 0), "SchoolMoneyExceeded"),
        (w, OTHER_PROVIDER, confirm(99), "OrderUnknown", OTHER_PROVIDER, confirm(1), "NotYours"),
        (w, OTHER_PROVIDER, report(1, &[]), "NotYours", PROVIDER, report(1, &[]), "OrderStateWrong"),
        (w, PROVIDER, report(99, &[2, 1]), "ListNotAscending", PROVIDER, report(99, &[]), "OrderUnknown"),
        (w, SCHOOL, attend(99, &[], &[99]), "PupilUnknown", SCHOOL, attend(99, &[], &[]), "OrderUnknown"),
        (w, SCHOOL, attend(1, &[], &[8]), "WalletSuspended", SCHOOL, attend(1, &[], &[4]), "OrderStateWrong"),
        (w, SCHOOL, swap(99, &[]), "ListEmpty", SCHOOL, swap(99, &[(0, 4)]), "OrderUnknown"),
        (w, SCHOOL, swap(99, &[(0, 99)]), "PupilUnknown", SCHOOL, swap(99, &[(0, 4)]), "OrderUnknown"),
        (w, SCHOOL, swap(1, &[(9, 8)]), "WalletSuspended", SCHOOL, swap(1, &[(9, 7)]), "LineUnknown"),
        (w, SCHOOL, swap(1, &[(9, 7)]), "LineUnknown", SCHOOL, swap(1, &[(0, 7)]), "NotEnrolled"),
        (w, SCHOOL, drop_lines(99, &[1, 1]), "ListNotAscending", SCHOOL, drop_lines(99, &[1]), "OrderUnknown"),
        (
            w,
            OTHER_SCHOOL,
            change(1, Some(99), &[], &[]),
            "SessionUnknown",
            OTHER_SCHOOL,
            change(1, None, &[], &[]),
            "NotYours",
        ),
        (
            w,
            OTHER_SCHOOL,
            change(1, Some(5), &[], &[]),
            "NotYours",
            SCHOOL,
            change(1, Some(5), &[], &[]),
            "SessionOfOtherService",
        ),
        (
            w,
            SCHOOL,
            change(1, None, &[0, 1, 2, 9], &[]),
            "LineUnknown",
            SCHOOL,
            change(1, None, &[0, 1, 2], &[]),
            "NoLineLeft",
        ),
    ];
    pairs.into_iter().for_each(assert_pair);
}

#[test]
fn of_two_broken_rules_of_an_order_on_its_way_the_first_is_named() {
    let requested = crossed();
    let pending = leaked(after(&requested, &[(PROVIDER, change(1, Some(3), &[0], &[]))]));
    let confirmed = leaked(after(&requested, &[(PROVIDER, confirm(1))]));
    let late = leaked(at(confirmed, offer(60).start));
    let over = leaked(at(confirmed, offer(60).end));
    let with_pupil =
        leaked(after(&requested, &[(PROVIDER, change(1, Some(3), &[], &[5])), (OPERATOR, suspend(one_pupil(5)))]));
    let pairs: Vec<Pair> = vec![
        (pending, SCHOOL, change(1, None, &[], &[]), "ChangePending", SCHOOL, accept_change(1), "SessionClosed"),
        (with_pupil, SCHOOL, accept_change(1), "WalletSuspended", PROVIDER, accept_change(1), "ChangeOwn"),
        (confirmed, PROVIDER, report(1, &[9]), "TooEarly", SCHOOL, drop_lines(1, &[9]), "LineUnknown"),
        (late, SCHOOL, drop_lines(1, &[0, 1, 2, 9]), "TooLate", SCHOOL, drop_change(1), "ChangeMissing"),
        (over, SCHOOL, report(1, &[9]), "NotYours", PROVIDER, report(1, &[9]), "LineUnknown"),
    ];
    for pair in pairs.into_iter().filter(|pair| rank(pair.3) < rank(pair.6)) {
        assert_pair(pair);
    }
    let first = |world: &World, who: u8, operation: Operation| {
        name(&world.clone().submit(who, operation).expect_err("it breaks a rule"))
    };
    assert_eq!(first(pending, SCHOOL, accept_change(1)), "SessionClosed");
    assert_eq!(first(late, SCHOOL, drop_lines(1, &[0, 1, 2, 9])), "TooLate");
    assert_eq!(first(late, SCHOOL, change(1, None, &[], &[])), "ChangeEmpty");
}

#[test]
fn of_two_broken_rules_of_the_other_groups_the_first_is_named() {
    let w = leaked(crossed());
    let a = leaked(with_order(OrderState::Attended));
    let mut odd = parameters();
    odd.window_until = odd.window_from;
    let funds = |operation| Operation::Funds(operation);
    let allocated =
        |year: u16, number: u8| funds(FundsOperation::Allocate { year: Year(year), pupils: pupils(&[number]) });
    let pupil_in =
        |year: u16, new: NewPupil| wallet(WalletOperation::OpenPupils { year: Year(year), pupils: vec![new] });
    let small = |number: u8| NewPupil { grade: 0, ..new_pupil(number) };
    let homeless = |number: u8| NewPupil { school: school(99), ..new_pupil(number) };
    let revoke = |number: u8| wallet(WalletOperation::RevokeKey { key: secret(number).public() });
    let mut unsound = terms();
    unsound.capacity = 0;
    let mut away = offer(60);
    away.place = Place::Municipality(1);
    let mut far_away = away;
    (far_away.start, far_away.end) = (offer(360).start, offer(360).end);
    let mut nobody = away;
    nobody.capacity = 0;
    let mut huge = away;
    huge.capacity = u16::MAX;
    let accept_in =
        |year: u16| Operation::Settlement(SettlementOperation::Accept { year: Year(year), statement: statement(9) });
    let empty = |schools| wallet(WalletOperation::OpenSchools { schools });
    let pairs: Vec<Pair> = vec![
        (w, SCHOOL, empty(vec![]), "NotPermitted", OPERATOR, empty(vec![]), "ListEmpty"),
        (
            w,
            BUDGET_HOLDER,
            open_year(YEAR, odd.clone(), 0, 0),
            "AmountZero",
            BUDGET_HOLDER,
            open_year(YEAR, odd.clone(), 1, 0),
            "ParametersUnsound",
        ),
        (
            w,
            BUDGET_HOLDER,
            open_year(YEAR, odd, 1, 0),
            "ParametersUnsound",
            BUDGET_HOLDER,
            open_year(YEAR, parameters(), 1, 0),
            "YearExists",
        ),
        (w, OPERATOR, allocated(2030, 99), "YearUnknown", OPERATOR, allocated(2026, 99), "PupilUnknown"),
        (w, OPERATOR, pupil_in(2030, small(9)), "ItemUnsound", OPERATOR, pupil_in(2030, new_pupil(9)), "YearUnknown"),
        (
            w,
            OPERATOR,
            pupil_in(2030, homeless(1)),
            "YearUnknown",
            OPERATOR,
            pupil_in(2026, homeless(1)),
            "SchoolUnknown",
        ),
        (w, OPERATOR, pupil_in(2026, homeless(1)), "SchoolUnknown", OPERATOR, pupil_in(2026, new_pupil(1)), "IdTaken"),
        (
            w,
            OPERATOR,
            pupil_in(2026, new_pupil(1)),
            "IdTaken",
            OPERATOR,
            pupil_in(2026, NewPupil { pupil: pupil(9), ..new_pupil(1) }),
            "NullifierUsed",
        ),
        (w, READER, revoke(99), "ScopeMissing", SCHOOL, revoke(99), "TargetKeyUnknown"),
        (w, OTHER_SCHOOL, revoke(99), "TargetKeyUnknown", OTHER_SCHOOL, revoke(TEACHER), "NotYours"),
        (w, OPERATOR, publish(1, 99, unsound), "TermsUnsound", OPERATOR, publish(1, 99, terms()), "ProviderUnknown"),
        (w, OPERATOR, publish(1, 99, terms()), "ProviderUnknown", OPERATOR, publish(1, 1, terms()), "IdTaken"),
        (
            w,
            PROVIDER,
            open_session(1, 99, nobody),
            "OfferUnsound",
            PROVIDER,
            open_session(1, 99, away),
            "ServiceUnknown",
        ),
        (w, PROVIDER, open_session(1, 1, huge), "OfferUnsound", PROVIDER, open_session(1, 1, away), "IdTaken"),
        (w, OTHER_PROVIDER, open_session(1, 1, away), "IdTaken", OTHER_PROVIDER, open_session(9, 1, away), "NotYours"),
        (
            w,
            OTHER_PROVIDER,
            open_session(9, 1, far_away),
            "NotYours",
            PROVIDER,
            open_session(9, 1, far_away),
            "OutsideWindow",
        ),
        (
            w,
            PROVIDER,
            open_session(9, 1, far_away),
            "OutsideWindow",
            PROVIDER,
            open_session(9, 1, away),
            "VenueNotOffered",
        ),
        (w, PROVIDER, accept_in(2030), "YearUnknown", PROVIDER, accept_in(2026), "StatementUnknown"),
        (
            a,
            OPERATOR,
            issue(1, 99, Buyer::Programme, &[99]),
            "ProviderUnknown",
            OPERATOR,
            issue(1, 1, Buyer::Programme, &[99]),
            "OrderUnknown",
        ),
        (
            a,
            OPERATOR,
            issue(1, 2, Buyer::Programme, &[1, 99]),
            "OrderUnknown",
            OPERATOR,
            issue(1, 2, Buyer::Programme, &[1]),
            "NotYours",
        ),
        (
            w,
            OPERATOR,
            issue(1, 2, Buyer::Programme, &[1]),
            "NotYours",
            OPERATOR,
            issue(1, 1, Buyer::Programme, &[1]),
            "OrderStateWrong",
        ),
    ];
    pairs.into_iter().for_each(assert_pair);
}

#[test]
fn of_two_broken_rules_of_settlement_and_rating_the_first_is_named() {
    settlement::pairs();
}
