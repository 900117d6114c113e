//! Whether the calendar names only what the other files know.

use super::{At, Checked, Index};
use crate::programme::files::{CALENDAR, ORDERS, PROVIDERS, PUPILS, SCHOOLS, SESSIONS};
use crate::programme::{Action, Actor, Buyer, Deed, LegalCode, OrderCode, Programme, ProviderCode, StatementCode};

pub(super) fn check_calendar(programme: &Programme, lines: &[u64], index: &mut Index<'_>) -> Checked {
    let mut earlier = None;
    for (action, line) in programme.calendar.iter().zip(lines) {
        let at = At { file: CALENDAR, line: *line };
        at.ensure(earlier <= Some(action.at), || format!("{} is before the line above", action.at))?;
        earlier = Some(action.at);
        match action.actor {
            Actor::School(code) => check_school(at, "actor", code, index)?,
            Actor::Provider(code) => check_provider(at, "actor", code, index)?,
            Actor::Operator | Actor::Clock => {}
        }
        check_deed(at, action, index)?;
    }
    Ok(())
}

fn check_school(at: At, column: &'static str, code: LegalCode, index: &Index<'_>) -> Checked {
    if index.schools.contains_key(&code) { Ok(()) } else { Err(at.unknown(column, code, SCHOOLS)) }
}

fn check_provider(at: At, column: &'static str, code: ProviderCode, index: &Index<'_>) -> Checked {
    if index.providers.contains_key(&code) { Ok(()) } else { Err(at.unknown(column, code, PROVIDERS)) }
}

fn check_deed(at: At, action: &Action, index: &mut Index<'_>) -> Checked {
    let deed = &action.deed;
    if let Some(session) = deed.session()
        && !index.sessions.contains_key(&session)
    {
        return Err(at.unknown("session", session, SESSIONS));
    }
    // What the ledger must refuse never becomes an order, so orders.csv does not list it.
    let opens = matches!(deed, Deed::Propose { .. } | Deed::Request { .. });
    if !(opens && action.expect_rejection.is_some())
        && let Some(order) = deed.order()
    {
        check_order(at, order, index)?;
    }
    if let Some(stranger) = deed.pupils().iter().find(|code| !index.pupils.contains(code)) {
        return Err(at.unknown("register code", stranger, PUPILS));
    }
    check_settlement(at, deed, index)
}

fn check_order(at: At, code: OrderCode, index: &Index<'_>) -> Checked {
    if index.orders.contains(&code) { Ok(()) } else { Err(at.unknown("order", code, ORDERS)) }
}

/// Statements and money name parties and earlier statements.
fn check_settlement(at: At, deed: &Deed, index: &mut Index<'_>) -> Checked {
    match deed {
        Deed::RecordSchoolMoney { school, amount_cents: _ } => check_school(at, "school", *school, index),
        Deed::IssueStatement { statement, provider, buyer, orders, replaces, .. } => {
            check_provider(at, "provider", *provider, index)?;
            if let Buyer::School(code) = buyer {
                check_school(at, "buyer", *code, index)?;
            }
            orders.iter().try_for_each(|order| check_order(at, *order, index))?;
            if let Some(replaced) = replaces {
                check_statement(at, *replaced, index)?;
            }
            index.statements.insert(*statement);
            Ok(())
        }
        Deed::AcceptStatement { statement } | Deed::ContestStatement { statement } => {
            check_statement(at, *statement, index)
        }
        Deed::Propose { .. }
        | Deed::Request { .. }
        | Deed::Confirm { .. }
        | Deed::Decline { .. }
        | Deed::ProposeChange { .. }
        | Deed::AcceptChange { .. }
        | Deed::RefuseChange { .. }
        | Deed::Swap { .. }
        | Deed::Drop { .. }
        | Deed::Cancel { .. }
        | Deed::ReportDelivery { .. }
        | Deed::ConfirmAttendance { .. }
        | Deed::ProposeAmendment { .. }
        | Deed::AcceptAmendment { .. }
        | Deed::Nothing { .. }
        | Deed::EndYear => Ok(()),
    }
}

fn check_statement(at: At, code: StatementCode, index: &Index<'_>) -> Checked {
    if index.statements.contains(&code) {
        Ok(())
    } else {
        Err(at.unknown("statement", code, "the lines before in calendar.jsonl"))
    }
}
