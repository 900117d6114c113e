//! Rejections of disputes, of what two persons decide about money and parties, and of what moves many at once.

use keis_ledger::classifiers::Scope;
use keis_ledger::ids::PupilId;
use keis_ledger::money::Cents;
use keis_ledger::operation::{
    ClosureScope, FundsOperation, GovernanceOperation, Measure, Operation, OrderAction, Party, PupilMove, ServiceTerms,
    SessionOffer, WalletOperation,
};
use keis_ledger::record::{Exceptions, OrderState};
use keis_ledger::rejection::Rejection;
use keis_ledger::time::Span;

use super::pairs::{assert_pair, leaked};
use super::support::governance::decision;
use super::support::stage::*;
use super::support::{BUDGET_HOLDER, OPERATOR, World, day};
use super::{Hits, after, many_pupil, many_pupils};

const TWO: [u8; 2] = [OPERATOR, BUDGET_HOLDER];

fn proposed(measure: Measure) -> Operation {
    Operation::Governance(GovernanceOperation::Propose { decision: decision(7), measure, until: day(75) })
}

pub fn hit(hits: &mut Hits) {
    let stage = hits.stage.clone();
    let backwards = force_majeure(day(61), day(60), ClosureScope::Everything);
    hits.hit(&stage, OPERATOR, proposed(backwards), Rejection::MeasureUnsound);
    let disputed = after(&hits.attended, &[(SCHOOL, dispute(1))]);
    hits.hit(&disputed, OPERATOR, proposed(resolve(1, &[0])), Rejection::SplitUnsound { line: 1 });
    let withdrawn = after(&disputed, &[(SCHOOL, withdraw_dispute(1))]);
    hits.hit(&withdrawn, SCHOOL, dispute(1), Rejection::DisputeSpent);
    let mut full = stage.clone();
    for number in 0..Exceptions::MOST as u8 {
        full.decided(20 + number, &TWO, &extend(day(70), day(71), Span::days(1)));
    }
    let most = u32::try_from(Exceptions::MOST).expect("few");
    let another = extend(day(70), day(71), Span::days(1));
    hits.hit(&full, OPERATOR, proposed(another), Rejection::TooManyExceptions { most });
    let (crowd, moves) = crowd(&stage);
    let all = WalletOperation::MovePupils { year: YEAR, moves: moves.clone(), keep_lines: false };
    hits.hit(&crowd, OPERATOR, wallet(all), Rejection::TooManyBookings { most: 250 });
    after(&crowd, &[(OPERATOR, wallet(WalletOperation::MovePupils { year: YEAR, moves, keep_lines: true }))]);
}

/// So many pupils with a booking each that one batch may not drop them all.
fn crowd(stage: &World) -> (World, Vec<PupilMove>) {
    let pupils: Vec<PupilId> = (0..251).map(many_pupil).collect();
    let mut rich = grant(50, Party::School(school(1)), &[Scope::Order]);
    rich.cap = Cents::new(u64::MAX);
    let request =
        OrderAction::Request { session: session(9), pupils: pupils.clone(), price: PRICE, school_money: Cents::ZERO };
    let world = after(
        stage,
        &[
            (OPERATOR, open_pupils(many_pupils(251))),
            (OPERATOR, Operation::Funds(FundsOperation::Allocate { year: YEAR, pupils: pupils.clone() })),
            (OPERATOR, bind(vec![rich])),
            (OPERATOR, publish(9, 1, ServiceTerms { capacity: 300, ..terms() })),
            (PROVIDER, open_session(9, 9, SessionOffer { capacity: 300, ..offer(60) })),
            (50, on_order(9, request)),
        ],
    );
    let one = |pupil: &PupilId| PupilMove { pupil: *pupil, school: school(2), grade: 6 };
    (world, pupils.iter().map(one).collect())
}

#[test]
fn of_two_broken_rules_of_a_remedy_the_first_is_named() {
    let mut requested = World::founded();
    staged(&mut requested);
    let delivered = leaked({
        let mut world = requested.clone();
        bring(&mut world, OrderState::Delivered);
        world
    });
    bring(&mut requested, OrderState::Requested);
    let struck = leaked({
        let mut world = requested.clone();
        world.decided(1, &TWO, &force_majeure(day(60), day(61), ClosureScope::Everything));
        world
    });
    let requested = leaked(requested);
    let spent = leaked(after(delivered, &[(SCHOOL, dispute(1)), (SCHOOL, withdraw_dispute(1))]));
    let disputed = leaked(after(delivered, &[(SCHOOL, dispute(1))]));
    let elsewhere = |split: &[u64]| {
        let split = split.iter().map(|amount| Cents::new(*amount)).collect();
        proposed(Measure::Resolve { year: keis_ledger::classifiers::Year(2030), order: order(9), split })
    };
    let pairs = vec![
        (requested, OTHER_SCHOOL, dispute(1), "NotYours", SCHOOL, dispute(1), "OrderStateWrong"),
        (requested, READER, dispute(9), "ScopeMissing", SCHOOL, dispute(9), "OrderUnknown"),
        (struck, OTHER_SCHOOL, cancel(1), "NotYours", SCHOOL, cancel(1), "SessionClosed"),
        (struck, SCHOOL, attend(1, &[], &[]), "SessionClosed", SCHOOL, attend(9, &[], &[]), "OrderUnknown"),
        (spent, OTHER_PROVIDER, dispute(1), "NotYours", SCHOOL, dispute(1), "DisputeSpent"),
        (disputed, PROVIDER, withdraw_dispute(1), "NotYours", SCHOOL, attend(1, &[], &[]), "OrderStateWrong"),
        (disputed, OPERATOR, elsewhere(&[]), "ListEmpty", OPERATOR, elsewhere(&[1]), "YearUnknown"),
        (
            disputed,
            OPERATOR,
            proposed(resolve(9, &[1])),
            "OrderUnknown",
            OPERATOR,
            proposed(resolve(1, &[1])),
            "SplitUnsound",
        ),
        (
            disputed,
            OPERATOR,
            proposed(reverse(1, &[9])),
            "OrderStateWrong",
            OPERATOR,
            proposed(reverse(1, &[1, 1])),
            "ListNotAscending",
        ),
        (
            requested,
            OPERATOR,
            promote(&[99], 9, 6, true),
            "SchoolUnknown",
            OPERATOR,
            promote(&[99], 1, 6, true),
            "PupilUnknown",
        ),
    ];
    for (world, who, both, earlier, other, one, later) in pairs {
        if super::rank(earlier) < super::rank(later) {
            assert_pair((world, who, both, earlier, other, one, later));
        } else {
            assert_pair((world, other, one, later, who, both, earlier));
        }
    }
}
