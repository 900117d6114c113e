//! What changes the chain itself: other validators, and a year that leaves the state.

use keis_ledger::chain::Validator;
use keis_ledger::ids::DecisionId;
use keis_ledger::operation::{FundsOperation, GovernanceOperation, Measure, Operation};
use keis_ledger::time::Span;

use super::{INSTITUTIONS, Trial, YEAR, budget_holder, day, id, secret};

impl Trial {
    /// The first validator's institution votes by a new key from the next block on: three institutions agree.
    pub fn hand_over(&mut self) {
        self.seal();
        let mut validators = self.tip.network_record().validators.as_slice().to_vec();
        if let Some(first) = validators.first_mut() {
            *first = Validator { key: secret("consensus", (INSTITUTIONS + 1).into()).public(), ..first.clone() };
        }
        let decision = DecisionId(id("decision", 1));
        let measure = Measure::SetValidators { validators, admitted: Vec::new() };
        let until = self.tip.time.after(Span::days(1));
        let propose = GovernanceOperation::Propose { decision, measure, until };
        self.submit(&secret("governance", 2), Operation::Governance(propose));
        for institution in 2..=3 {
            let approve = GovernanceOperation::Approve { decision };
            self.submit(&secret("governance", 2 * institution), Operation::Governance(approve));
        }
        self.seal();
    }

    /// The year ends, its free money returns, and one leaf takes the place of its records. Nothing of it may wait.
    pub fn end(&mut self) {
        self.at(day(354));
        self.submit(&budget_holder(), Operation::Funds(FundsOperation::EndYear { year: YEAR }));
        self.seal();
        self.submit(&budget_holder(), Operation::Funds(FundsOperation::SealYear { year: YEAR }));
        self.seal();
    }
}
