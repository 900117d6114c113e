//! From an action of the calendar to the transaction that asks for it.

use keis_ledger::crypto::SecretKey;
use keis_ledger::ids::{InstitutionId, Nullifier, OrderId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{
    Buyer, Change, FundsOperation, NewPupil, Operation, OrderAction, Party, SettlementOperation, WalletOperation,
};
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
    /// Another officer of the operator, appointed by the institutions: pays what the first has approved.
    pub(super) accountant: SecretKey,
    pub(super) budget_holder: SecretKey,
    /// The operator's institution.
    pub(super) operator_institution: InstitutionId,
    /// A governance key of each institution.
    pub(super) governance: Vec<SecretKey>,
}

/// The transaction of an action; none where only time passes.
pub(super) fn wish(book: &mut Book, officers: &Officers, action: &Action) -> anyhow::Result<Option<Wish>> {
    let Some(operation) = operation(book, &action.deed) else { return Ok(None) };
    Ok(Some(Wish { signer: signer(book, officers, action)?, operation }))
}

fn signer(book: &Book, officers: &Officers, action: &Action) -> anyhow::Result<SecretKey> {
    let unknown = || anyhow::anyhow!("{} acts, but is not in the files", action.actor);
    Ok(match action.actor {
        Actor::School(code) => {
            let school = book.schools.get(&code).ok_or_else(unknown)?;
            if matches!(action.deed, Deed::Propose { .. }) {
                school.teacher.clone()
            } else {
                school.coordinator.clone()
            }
        }
        Actor::Provider(code) => book.providers.get(&code).ok_or_else(unknown)?.staff.clone(),
        Actor::Operator if matches!(action.deed, Deed::EndYear) => officers.budget_holder.clone(),
        Actor::Operator | Actor::Clock => officers.operator.clone(),
    })
}

fn operation(book: &mut Book, deed: &Deed) -> Option<Operation> {
    let year = book.year;
    Some(match deed {
        Deed::Propose { order, session, pupils } => {
            let action = OrderAction::Propose { session: book.sessions[session], pupils: book.sorted(pupils).1 };
            book.act(*order, action)
        }
        Deed::Request { order, session, pupils, from_proposal: _, school_cents } => {
            let action = OrderAction::Request {
                session: book.sessions[session],
                pupils: book.sorted(pupils).1,
                price: Cents::new(book.prices[session].into()),
                school_money: Cents::new((*school_cents).into()),
            };
            book.act(*order, action)
        }
        Deed::Confirm { order } => book.act(*order, OrderAction::Confirm),
        Deed::Decline { order } => book.act(*order, OrderAction::Decline),
        Deed::ProposeChange { order, change } => {
            let change = booking_change(book, *order, change);
            book.act(*order, OrderAction::ProposeChange(change))
        }
        Deed::AcceptChange { order } | Deed::AcceptAmendment { order } => book.act(*order, OrderAction::AcceptChange),
        Deed::RefuseChange { order } => book.act(*order, OrderAction::DropChange),
        Deed::Swap { order, from, to } => {
            let lines = vec![(book.lines(*order, &[*from])[0], book.pupil(*to))];
            book.act(*order, OrderAction::Swap { lines })
        }
        Deed::Drop { order, pupils } => {
            let lines = book.lines(*order, pupils);
            book.act(*order, OrderAction::DropLines { lines })
        }
        Deed::Cancel { order } => book.act(*order, OrderAction::Cancel),
        Deed::ReportDelivery { order, absent } => {
            let absent = book.lines(*order, absent);
            book.act(*order, OrderAction::ReportDelivery { absent })
        }
        Deed::ConfirmAttendance { order, absent, added } => {
            let (absent, added) = (book.lines(*order, absent), book.sorted(added).1);
            book.act(*order, OrderAction::ConfirmAttendance { absent, added })
        }
        Deed::ProposeAmendment { order, absent } => {
            let absent = book.lines(*order, absent);
            book.act(*order, OrderAction::ProposeChange(Change::Attendance { absent }))
        }
        Deed::RecordSchoolMoney { school, amount_cents } => {
            let (school, amount) = (book.schools[school].id, Cents::new((*amount_cents).into()));
            Operation::Funds(FundsOperation::RecordSchoolMoney { year, school, amount })
        }
        Deed::IssueStatement { statement, provider, buyer, orders, .. } => {
            let mut orders: Vec<OrderId> = orders.iter().map(|order| book.order(*order)).collect();
            orders.sort_unstable();
            let buyer = match buyer {
                programme::Buyer::State => Buyer::Programme,
                programme::Buyer::School(code) => Buyer::School(book.schools[code].id),
            };
            let (statement, provider) = (book.statement(*statement), book.providers[provider].id);
            Operation::Settlement(SettlementOperation::Issue { year, statement, provider, buyer, orders })
        }
        Deed::AcceptStatement { statement } => {
            Operation::Settlement(SettlementOperation::Accept { year, statement: book.statement(*statement) })
        }
        Deed::ContestStatement { statement } => {
            Operation::Settlement(SettlementOperation::Contest { year, statement: book.statement(*statement) })
        }
        Deed::EndYear => Operation::Funds(FundsOperation::EndYear { year }),
        Deed::Nothing { .. } => return None,
    })
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
        Deed::ProposeChange { change: programme::Change::Session(_), .. }
        | Deed::Confirm { .. }
        | Deed::Decline { .. }
        | Deed::Drop { .. }
        | Deed::Cancel { .. }
        | Deed::ReportDelivery { .. }
        | Deed::ProposeAmendment { .. }
        | Deed::AcceptAmendment { .. }
        | Deed::RecordSchoolMoney { .. }
        | Deed::IssueStatement { .. }
        | Deed::AcceptStatement { .. }
        | Deed::ContestStatement { .. }
        | Deed::Nothing { .. }
        | Deed::EndYear => {}
    }
}

/// The transactions of a change in the register, in their order.
pub(super) fn register_change(book: &mut Book, change: &PupilChange) -> anyhow::Result<Vec<Operation>> {
    let year = book.year;
    let pupil = book.pupil(change.register_code);
    let place = || {
        let school = change.school_code.and_then(|code| book.schools.get(&code)).map(|school| school.id);
        school
            .zip(change.grade)
            .ok_or_else(|| anyhow::anyhow!("a change of {:?} lacks its school or grade", change.kind))
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
