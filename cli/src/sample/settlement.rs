//! Monthly statements per provider and buyer, and what providers answer.

use std::collections::BTreeMap;

use crate::programme::{Actor, Buyer, Day, Deed, Month, StatementCode};

use super::mirror::Stage;
use super::schedule::Event;
use super::year::Year;

/// What accrued and what was stated.
#[derive(Default)]
pub(super) struct Settlement {
    /// Orders by month, provider and buyer.
    accrued: BTreeMap<(Month, usize, Buyer), Vec<usize>>,
    statements: Vec<Statement>,
    /// Whether an order that the clock confirmed waits in a statement that nobody answers.
    automatic_unanswered: bool,
    /// Whether an order that its school confirmed waits in a statement that stays contested.
    confirmed_contested: bool,
}

#[derive(Clone)]
struct Statement {
    code: StatementCode,
    provider: usize,
    buyer: Buyer,
    period: Month,
    orders: Vec<usize>,
    amount_cents: u64,
}

/// What a provider does with a statement.
enum Answer {
    Accept,
    ContestThenAccept,
    Contest,
    Nothing,
}

/// Earlier statements end well.
const FIRST_CONTESTED: usize = 10;

/// Most are accepted; at fixed places in the row some are not, so that each answer occurs in every sample.
fn answer_to(position: usize) -> Answer {
    match position % 200 {
        31 => Answer::Contest,
        57 => Answer::Nothing,
        place if place % 40 == 7 => Answer::ContestThenAccept,
        _ => Answer::Accept,
    }
}

impl Year {
    /// Statements come at the first of the month, before anybody works.
    pub(super) fn plan_statements(&mut self) {
        for number in 1..=12 {
            let month = Day::new(self.parameters.year, number, 1).month();
            let at = self.parameters.instant(month.first_day_after(), 6, 0);
            self.schedule.add(at, Event::IssueStatements(month));
        }
    }

    /// The order's money is owed from now on: a line of the month's statements.
    pub(super) fn accrue(&mut self, order: usize) {
        let month = self.parameters.local_day(self.now).month();
        let provider = self.provider_of(order);
        let (state_cents, school_cents) = self.orders[order].captured();
        let school = Buyer::School(self.schools[self.orders[order].school].school_code);
        for (buyer, cents) in [(Buyer::State, state_cents), (school, school_cents)] {
            if cents > 0 {
                self.orders[order].open_statements += 1;
                self.settlement.accrued.entry((month, provider, buyer)).or_default().push(order);
            }
        }
    }

    pub(super) fn issue_statements(&mut self, month: Month) {
        let accrued = std::mem::take(&mut self.settlement.accrued);
        for ((period, provider, buyer), orders) in accrued {
            assert!(period == month, "what accrues in {period} is stated at its end, not with {month}");
            // An amendment may have returned all of a buyer's part.
            let (owed, nothing): (Vec<usize>, Vec<usize>) =
                orders.into_iter().partition(|order| self.owed_cents(*order, buyer) > 0);
            nothing.into_iter().for_each(|order| self.close_statement_of(order));
            if owed.is_empty() {
                continue;
            }
            let amount_cents = owed.iter().map(|order| self.owed_cents(*order, buyer)).sum();
            let position = self.issue(
                Statement { code: self.next_statement_code(), provider, buyer, period, orders: owed, amount_cents },
                None,
            );
            let answer = self.choose_answer(position);
            self.plan_answer(position, answer);
        }
    }

    /// The first chances leave both kinds of attended orders unsettled, so that every sample ends with some.
    fn choose_answer(&mut self, position: usize) -> Answer {
        let attended = |automatic: bool| {
            self.settlement.statements[position].orders.iter().any(|order| {
                let order = &self.orders[*order];
                order.stage == Stage::Attended && order.automatic == automatic
            })
        };
        let (some_automatic, some_confirmed) = (attended(true), attended(false));
        let settlement = &mut self.settlement;
        if some_automatic && !settlement.automatic_unanswered {
            settlement.automatic_unanswered = true;
            Answer::Nothing
        } else if some_confirmed && position >= FIRST_CONTESTED && !settlement.confirmed_contested {
            settlement.confirmed_contested = true;
            Answer::Contest
        } else {
            answer_to(position)
        }
    }

    fn plan_answer(&mut self, position: usize, answer: Answer) {
        match answer {
            Answer::Accept => {
                let at = self.later(1..=5);
                self.schedule.add(at, Event::AcceptStatement(position));
            }
            Answer::ContestThenAccept => {
                let contested = self.later(1..=2);
                self.schedule.add(contested, Event::ContestStatement(position));
                self.schedule.add(contested.plus_days(3), Event::ReissueStatement(position));
            }
            Answer::Contest => {
                let at = self.later(1..=2);
                self.schedule.add(at, Event::ContestStatement(position));
            }
            Answer::Nothing => {}
        }
    }

    fn next_statement_code(&self) -> StatementCode {
        StatementCode(u32::try_from(self.settlement.statements.len() + 1).expect("six digits"))
    }

    fn owed_cents(&self, order: usize, buyer: Buyer) -> u64 {
        let (state_cents, school_cents) = self.orders[order].captured();
        match buyer {
            Buyer::State => u64::from(state_cents),
            Buyer::School(_) => u64::from(school_cents),
        }
    }

    fn issue(&mut self, statement: Statement, replaces: Option<StatementCode>) -> usize {
        let deed = Deed::IssueStatement {
            statement: statement.code,
            provider: self.providers[statement.provider].provider_code,
            buyer: statement.buyer,
            period: statement.period,
            orders: statement.orders.iter().map(|order| self.orders[*order].code).collect(),
            amount_cents: statement.amount_cents,
            replaces,
        };
        self.act(Actor::Operator, deed);
        self.settlement.statements.push(statement);
        self.settlement.statements.len() - 1
    }

    pub(super) fn accept_statement(&mut self, position: usize) {
        let statement = self.settlement.statements[position].clone();
        self.act(self.provider_actor(statement.provider), Deed::AcceptStatement { statement: statement.code });
        statement.orders.into_iter().for_each(|order| self.close_statement_of(order));
    }

    /// An attended order is settled with the last of its statements; a late cancellation stays one.
    fn close_statement_of(&mut self, order: usize) {
        let order = &mut self.orders[order];
        order.open_statements =
            order.open_statements.checked_sub(1).expect("one statement a buyer and month is accepted once");
        if order.open_statements == 0 && order.stage == Stage::Attended {
            order.stage = Stage::Settled;
        }
    }

    pub(super) fn contest_statement(&mut self, position: usize) {
        let statement = &self.settlement.statements[position];
        let (provider, code) = (statement.provider, statement.code);
        self.act(self.provider_actor(provider), Deed::ContestStatement { statement: code });
    }

    /// The same amounts again, explained: the provider accepts.
    pub(super) fn reissue_statement(&mut self, position: usize) {
        let contested = self.settlement.statements[position].clone();
        let replaced = contested.code;
        let again = Statement { code: self.next_statement_code(), ..contested };
        let position = self.issue(again, Some(replaced));
        let at = self.later(1..=3);
        self.schedule.add(at, Event::AcceptStatement(position));
    }
}
