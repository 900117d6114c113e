//! Scenarios: steps in words, each with who signs, what is asked, and what comes of it.

use keis_ledger::operation::{Operation, Party};
use keis_ledger::receipt::Kind;
use keis_ledger::record::{OrderState, YearRecord};
use keis_ledger::rejection::Rejection;
use keis_ledger::time::Timestamp;

use super::stage::YEAR;
use super::{World, money};

/// What a step must come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Done(Kind, Option<OrderState>),
    Refused(Rejection),
    /// Nobody does anything; these clock steps take place.
    Steps(Vec<(Kind, Option<OrderState>)>),
}

/// One step.
pub struct Step {
    says: &'static str,
    at: Option<Timestamp>,
    who: u8,
    behalf: Option<Party>,
    operation: Option<Operation>,
    outcome: Outcome,
    money: Option<&'static str>,
}

/// A transaction that takes effect.
pub fn does(says: &'static str, who: u8, operation: impl Into<Operation>, kind: Kind) -> Step {
    let operation = Some(operation.into());
    Step { says, at: None, who, behalf: None, operation, outcome: Outcome::Done(kind, None), money: None }
}

/// A transaction that is refused.
pub fn refused(says: &'static str, who: u8, operation: impl Into<Operation>, rejection: Rejection) -> Step {
    let operation = Some(operation.into());
    Step { says, at: None, who, behalf: None, operation, outcome: Outcome::Refused(rejection), money: None }
}

/// Time goes by, and the clock does this to orders.
pub fn passes(says: &'static str, at: Timestamp, steps: &[(Kind, OrderState)]) -> Step {
    let steps = steps.iter().map(|(kind, state)| (*kind, Some(*state))).collect();
    Step { says, at: Some(at), who: 0, behalf: None, operation: None, outcome: Outcome::Steps(steps), money: None }
}

impl Step {
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }

    pub fn behalf(mut self, party: Party) -> Self {
        self.behalf = Some(party);
        self
    }

    /// The order's state afterwards, as the receipt says.
    pub fn order(mut self, state: OrderState) -> Self {
        if let Outcome::Done(_, order) = &mut self.outcome {
            *order = Some(state);
        }
        self
    }

    /// The year's money afterwards, but for budget and reserve.
    pub fn money(mut self, words: &'static str) -> Self {
        self.money = Some(words);
        self
    }
}

/// Walks through the steps.
pub fn check(world: &mut World, steps: impl IntoIterator<Item = Step>) {
    for step in steps {
        if let Some(at) = step.at {
            world.at(at);
        }
        let outcome = match step.operation {
            None => {
                let steps = world.tick();
                Outcome::Steps(steps.iter().map(|one| (one.receipt.kind, one.receipt.subject.order_state)).collect())
            }
            Some(operation) => match world.submit_for(step.who, step.behalf, operation) {
                Err(rejection) => Outcome::Refused(rejection),
                Ok(full) => {
                    assert_eq!(full.receipt.on_behalf, step.behalf.is_some(), "{}", step.says);
                    let asked = matches!(step.outcome, Outcome::Done(_, Some(_)));
                    Outcome::Done(full.receipt.kind, full.receipt.subject.order_state.filter(|_| asked))
                }
            },
        };
        assert_eq!(outcome, step.outcome, "{}", step.says);
        if let Some(words) = step.money {
            assert_eq!(spread(world), words, "{}", step.says);
        }
    }
}

fn spread(world: &World) -> String {
    let year = world.get::<YearRecord>(YEAR);
    let mut totals = [year.state_money, year.school_money];
    (totals[0].budget, totals[0].reserve) = Default::default();
    money::words(&totals)
}
