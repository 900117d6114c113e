//! Whether the calendar names only what the other files know.

use super::{At, Checked, Index};
use crate::programme::files::{CALENDAR, ORDERS, PROVIDERS, PUPILS, SCHOOLS, SESSIONS};
use crate::programme::{
    Action, Actor, Buyer, Change, Deed, LegalCode, OrderCode, Programme, ProviderCode,
    RegisterCode, SessionCode, StatementCode,
};

pub(super) fn check_calendar(
    programme: &Programme,
    lines: &[u64],
    index: &mut Index<'_>,
) -> Checked {
    let mut earlier = None;
    for (action, line) in programme.calendar.iter().zip(lines) {
        let at = At {
            file: CALENDAR,
            line: *line,
        };
        at.ensure(earlier <= Some(action.at), || {
            format!("{} is before the line above", action.at)
        })?;
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
    if index.schools.contains_key(&code) {
        Ok(())
    } else {
        Err(at.unknown(column, code, SCHOOLS))
    }
}

fn check_provider(at: At, column: &'static str, code: ProviderCode, index: &Index<'_>) -> Checked {
    if index.providers.contains_key(&code) {
        Ok(())
    } else {
        Err(at.unknown(column, code, PROVIDERS))
    }
}

fn check_deed(at: At, action: &Action, index: &mut Index<'_>) -> Checked {
    let session_known = |code: &SessionCode| {
        if index.sessions.contains_key(code) {
            Ok(())
        } else {
            Err(at.unknown("session", code, SESSIONS))
        }
    };
    let order_known = |code: &OrderCode| {
        if index.orders.contains(code) {
            Ok(())
        } else {
            Err(at.unknown("order", code, ORDERS))
        }
    };
    let pupils_known = |lists: &[&[RegisterCode]]| {
        let stranger = lists
            .iter()
            .flat_map(|list| list.iter())
            .find(|code| !index.pupils.contains(code));
        stranger.map_or(Ok(()), |code| {
            Err(at.unknown("register code", code, PUPILS))
        })
    };
    match &action.deed {
        Deed::Propose {
            order,
            session,
            pupils,
        }
        | Deed::Request {
            order,
            session,
            pupils,
            ..
        } => {
            session_known(session)?;
            // What the ledger must refuse never becomes an order, so orders.csv does not list it.
            if action.expect_rejection.is_none() {
                order_known(order)?;
            }
            pupils_known(&[pupils.as_slice()])
        }
        Deed::Confirm { order }
        | Deed::Decline { order }
        | Deed::AcceptChange { order }
        | Deed::RefuseChange { order }
        | Deed::Cancel { order }
        | Deed::AcceptAmendment { order }
        | Deed::Nothing { order, awaited: _ } => order_known(order),
        Deed::ProposeChange { order, change } => {
            order_known(order)?;
            match change {
                Change::Session(session) => session_known(session),
                Change::Pupils { add, drop } => pupils_known(&[add.as_slice(), drop.as_slice()]),
            }
        }
        Deed::Swap { order, from, to } => {
            order_known(order)?;
            pupils_known(&[&[*from, *to]])
        }
        Deed::Drop {
            order,
            pupils: named,
        }
        | Deed::ReportDelivery {
            order,
            absent: named,
        }
        | Deed::ProposeAmendment {
            order,
            absent: named,
        } => {
            order_known(order)?;
            pupils_known(&[named.as_slice()])
        }
        Deed::ConfirmAttendance {
            order,
            absent,
            added,
        } => {
            order_known(order)?;
            pupils_known(&[absent.as_slice(), added.as_slice()])
        }
        Deed::RecordSchoolMoney {
            school,
            amount_cents: _,
        } => check_school(at, "school", *school, index),
        Deed::IssueStatement {
            statement,
            provider,
            buyer,
            orders,
            replaces,
            ..
        } => {
            check_provider(at, "provider", *provider, index)?;
            if let Buyer::School(code) = buyer {
                check_school(at, "buyer", *code, index)?;
            }
            orders.iter().try_for_each(order_known)?;
            if let Some(replaced) = replaces {
                check_statement(at, *replaced, index)?;
            }
            index.statements.insert(*statement);
            Ok(())
        }
        Deed::AcceptStatement { statement } | Deed::ContestStatement { statement } => {
            check_statement(at, *statement, index)
        }
        Deed::EndYear => Ok(()),
    }
}

fn check_statement(at: At, code: StatementCode, index: &Index<'_>) -> Checked {
    if index.statements.contains(&code) {
        Ok(())
    } else {
        Err(at.unknown("statement", code, "the lines before in calendar.jsonl"))
    }
}
