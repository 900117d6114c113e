//! From an action of the calendar to the transaction that asks for it.

use keis_ledger::crypto::SecretKey;
use keis_ledger::ids::OrderId;
use keis_ledger::money::Cents;
use keis_ledger::operation::{
    Buyer, Change, FundsOperation, NewPupil, Operation, OrderAction, Party, SettlementOperation, WalletOperation,
};
use keis_ledger::ids::Nullifier;
use keis_wallet::random::new_id;

use super::book::Book;
use crate::programme::{self, Action, Actor, BookedLines, ChangeKind, Deed, OrderCode, PupilChange};

/// What to send, and who signs it.
pub(super) struct Wish {
    pub(super) signer: SecretKey,
    pub(super) operation: Operation,
}

/// Keys of the officers who act in the demo.
pub(super) struct Officers {
    pub(super) operator: SecretKey,
    pub(super) budget_holder: SecretKey,
}

/// The transaction of an action; none where only time passes.
pub(super) fn wish(book: &mut Book, officers: &Officers, action: &Action) -> anyhow::Result<Option<Wish>> {
    let signer = |book: &Book| signer(book, officers, action);
    Ok(match order_action(book, &action.deed)? {
        Some((order, deed)) => {
            let operation = Operation::Order { year: book.year, order, action: deed };
            Some(Wish { signer: signer(book)?, operation })
        }
        None => match other_operation(book, &action.deed)? {
            Some(operation) => Some(Wish { signer: signer(book)?, operation }),
            None => None,
        },
    })
}

fn signer(book: &Book, officers: &Officers, action: &Action) -> anyhow::Result<SecretKey> {
    let unknown = || anyhow::anyhow!("{} acts, but is not in the files", action.actor);
    Ok(match action.actor {
        Actor::School(code) => {
            let school = book.schools.get(&code).ok_or_else(unknown)?;
            if matches!(action.deed, Deed::Propose { .. }) { school.teacher.clone() } else { school.coordinator.clone() }
        }
        Actor::Provider(code) => book.providers.get(&code).ok_or_else(unknown)?.staff.clone(),
        Actor::Operator if matches!(action.deed, Deed::EndYear) => officers.budget_holder.clone(),
        Actor::Operator | Actor::Clock => officers.operator.clone(),
    })
}

fn order_action(book: &mut Book, deed: &Deed) -> anyhow::Result<Option<(OrderId, OrderAction)>> {
    let (code, action) = match deed {
        Deed::Propose { order, session, pupils } => {
            (*order, OrderAction::Propose { session: book.sessions[session], pupils: book.sorted(pupils).1 })
        }
        Deed::Request { order, session, pupils, from_proposal: _, school_cents } => {
            let action = OrderAction::Request {
                session: book.sessions[session],
                pupils: book.sorted(pupils).1,
                price: Cents::new(book.prices[session].into()),
                school_money: Cents::new((*school_cents).into()),
            };
            (*order, action)
        }
        Deed::Confirm { order } => (*order, OrderAction::Confirm),
        Deed::Decline { order } => (*order, OrderAction::Decline),
        Deed::ProposeChange { order, change } => (*order, OrderAction::ProposeChange(booking_change(book, *order, change))),
        Deed::AcceptChange { order } | Deed::AcceptAmendment { order } => (*order, OrderAction::AcceptChange),
        Deed::RefuseChange { order } => (*order, OrderAction::DropChange),
        Deed::Swap { order, from, to } => {
            let line = book.lines(*order, &[*from])[0];
            (*order, OrderAction::Swap { lines: vec![(line, book.pupil(*to))] })
        }
        Deed::Drop { order, pupils } => (*order, OrderAction::DropLines { lines: book.lines(*order, pupils) }),
        Deed::Cancel { order } => (*order, OrderAction::Cancel),
        Deed::ReportDelivery { order, absent } => {
            (*order, OrderAction::ReportDelivery { absent: book.lines(*order, absent) })
        }
        Deed::ConfirmAttendance { order, absent, added } => {
            let absent = book.lines(*order, absent);
            (*order, OrderAction::ConfirmAttendance { absent, added: book.sorted(added).1 })
        }
        Deed::ProposeAmendment { order, absent } => {
            (*order, OrderAction::ProposeChange(Change::Attendance { absent: book.lines(*order, absent) }))
        }
        Deed::RecordSchoolMoney { .. }
        | Deed::IssueStatement { .. }
        | Deed::AcceptStatement { .. }
        | Deed::ContestStatement { .. }
        | Deed::Nothing { .. }
        | Deed::EndYear => return Ok(None),
    };
    Ok(Some((book.order(code), action)))
}

fn booking_change(book: &mut Book, order: OrderCode, change: &programme::Change) -> Change {
    match change {
        programme::Change::Session(session) => {
            Change::Booking { session: Some(book.sessions[session]), drop: Vec::new(), add: Vec::new() }
        }
        programme::Change::Pupils { add, drop } => {
            Change::Booking { session: None, drop: book.lines(order, drop), add: book.sorted(add).1 }
        }
    }
}

fn other_operation(book: &mut Book, deed: &Deed) -> anyhow::Result<Option<Operation>> {
    let year = book.year;
    let statement = match deed {
        Deed::RecordSchoolMoney { school, amount_cents } => {
            let (school, amount) = (book.schools[school].id, Cents::new((*amount_cents).into()));
            return Ok(Some(Operation::Funds(FundsOperation::RecordSchoolMoney { year, school, amount })));
        }
        Deed::EndYear => return Ok(Some(Operation::Funds(FundsOperation::EndYear { year }))),
        Deed::IssueStatement { statement, provider, buyer, orders, .. } => {
            let mut orders: Vec<OrderId> = orders.iter().map(|order| book.order(*order)).collect();
            orders.sort_unstable();
            let buyer = match buyer {
                programme::Buyer::State => Buyer::Programme,
                programme::Buyer::School(code) => Buyer::School(book.schools[code].id),
            };
            let (statement, provider) = (book.statement(*statement), book.providers[provider].id);
            SettlementOperation::Issue { year, statement, provider, buyer, orders }
        }
        Deed::AcceptStatement { statement } => SettlementOperation::Accept { year, statement: book.statement(*statement) },
        Deed::ContestStatement { statement } => {
            SettlementOperation::Contest { year, statement: book.statement(*statement) }
        }
        _ => return Ok(None),
    };
    Ok(Some(Operation::Settlement(statement)))
}

/// Follows, in the parties' own lists of lines, an action that the ledger took.
pub(super) fn follow(book: &mut Book, deed: &Deed) {
    match deed {
        Deed::Propose { order, pupils, .. } | Deed::Request { order, pupils, .. } => {
            let (sorted, _) = book.sorted(pupils);
            book.order_lines(*order).pupils = sorted;
        }
        Deed::ProposeChange { order, change: programme::Change::Pupils { add, .. } } => {
            let (sorted, _) = book.sorted(add);
            book.order_lines(*order).to_add = sorted;
        }
        Deed::AcceptChange { order } => {
            let lines = book.order_lines(*order);
            let added = std::mem::take(&mut lines.to_add);
            lines.pupils.extend(added);
        }
        Deed::RefuseChange { order } => book.order_lines(*order).to_add.clear(),
        Deed::Swap { order, from, to } => {
            let lines = &mut book.order_lines(*order).pupils;
            if let Some(line) = lines.iter().rposition(|pupil| pupil == from) {
                lines[line] = *to;
            }
        }
        Deed::ConfirmAttendance { order, added, .. } => {
            let (sorted, _) = book.sorted(added);
            book.order_lines(*order).pupils.extend(sorted);
        }
        _ => {}
    }
}

/// The transactions of a change in the register, in their order.
pub(super) fn register_change(book: &mut Book, change: &PupilChange) -> anyhow::Result<Vec<Operation>> {
    let year = book.year;
    let pupil = book.pupil(change.register_code);
    let place = || {
        let school = change.school_code.and_then(|code| book.schools.get(&code)).map(|school| school.id);
        school.zip(change.grade).ok_or_else(|| anyhow::anyhow!("a change of {:?} lacks its school or grade", change.kind))
    };
    Ok(match change.kind {
        ChangeKind::Arrived => {
            let (school, grade) = place()?;
            let new = NewPupil { pupil, nullifier: new_id(Nullifier), school, grade };
            vec![
                Operation::Wallet(WalletOperation::OpenPupils { year, pupils: vec![new] }),
                Operation::Funds(FundsOperation::Allocate { year, pupils: vec![pupil] }),
            ]
        }
        ChangeKind::Left => vec![Operation::Wallet(WalletOperation::Close { party: Party::Pupil(year, pupil) })],
        ChangeKind::Moved => {
            let (school, grade) = place()?;
            let keep_lines = change.booked_lines != Some(BookedLines::Release);
            vec![Operation::Wallet(WalletOperation::MovePupil { year, pupil, school, grade, keep_lines })]
        }
    })
}
