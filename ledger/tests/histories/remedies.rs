//! What goes wrong in a history, and what institutions decide about it.

use super::*;

impl Story {
    /// Disputes, and what two persons decide.
    pub(super) fn remedied(&mut self) -> (u8, Operation) {
        let open = |id: &DecisionId| {
            self.world.tip.state.get::<Decision>(*id).is_some_and(|one| one.state == DecisionState::Open)
        };
        self.decisions.retain(open);
        if !self.decisions.is_empty() && self.dice.chance(50) {
            let decision = self.dice.one(&self.decisions.clone());
            let operation = GovernanceOperation::Approve { decision };
            return (self.dice.one(&[OPERATOR, BUDGET_HOLDER, BUDGET_HOLDER]), Operation::Governance(operation));
        }
        if self.dice.chance(40) {
            return self.disputed();
        }
        let decision = DecisionId(self.new_id());
        let until = self.world.next_time().after(Span::days(1 + self.dice.below(20) as u32));
        let measure = self.measure();
        let operation = GovernanceOperation::Propose { decision, measure, until };
        (self.dice.one(&[OPERATOR, OPERATOR, BUDGET_HOLDER]), Operation::Governance(operation))
    }

    /// Parameters of the year and of the network change while orders flow.
    pub(super) fn governed(&mut self) -> (u8, Operation) {
        let waits = |id: &DecisionId| {
            let decision = self.world.tip.state.get::<Decision>(*id);
            decision
                .is_some_and(|one| one.state == DecisionState::Open && one.measure.threshold() == Threshold::TwoThirds)
        };
        let waiting = self.decisions.iter().rev().take(40).copied().find(waits);
        let who = vote(1 + self.dice.below(4) as u8);
        if let Some(decision) = waiting {
            return (who, Operation::Governance(GovernanceOperation::Approve { decision }));
        }
        let now = self.world.get::<YearRecord>(YEAR).parameters.clone();
        let measure = if self.dice.chance(80) {
            let any = any_parameters(&mut self.dice);
            let (amount_per_pupil, arrivals) = (now.amount_per_pupil, now.arrivals);
            let parameters = ProgrammeParameters { amount_per_pupil, arrivals, ..any };
            Measure::SetProgrammeParameters { year: YEAR, parameters }
        } else {
            steps(self.dice.one(&[1, 2, 64]))
        };
        let until = self.world.next_time().after(Span::days(20));
        let decision = DecisionId(self.new_id());
        (who, Operation::Governance(GovernanceOperation::Propose { decision, measure, until }))
    }

    /// One of the orders of these states, or any.
    pub(super) fn an_order(&mut self, states: &[OrderState]) -> Option<(OrderId, Order)> {
        let get = |id: &OrderId| self.world.tip.state.get::<Order>((YEAR, *id)).cloned();
        let all: Vec<(OrderId, Order)> =
            self.orders.iter().rev().take(90).filter_map(|id| Some((*id, get(id)?))).collect();
        let fit: Vec<&(OrderId, Order)> = all.iter().filter(|(_, order)| states.contains(&order.state)).collect();
        let from = if fit.is_empty() || self.dice.chance(5) { all.iter().collect() } else { fit };
        if from.is_empty() { None } else { Some(from[self.dice.below(from.len())].clone()) }
    }

    pub(super) fn disputed(&mut self) -> (u8, Operation) {
        let states = [
            OrderState::Delivered,
            OrderState::Attended,
            OrderState::AttendedAutomatically,
            OrderState::Disputed,
            OrderState::Disputed,
        ];
        let wanted = [self.dice.one(&states)];
        let Some((order, now)) = self.an_order(&wanted) else { return self.ordered() };
        let orderer = if now.school == school(2) { OTHER_SCHOOL } else { SCHOOL };
        let giver = if now.provider == provider(2) { OTHER_PROVIDER } else { PROVIDER };
        let withdraws = now.state == OrderState::Disputed && self.dice.chance(80);
        let action = if withdraws { OrderAction::WithdrawDispute } else { OrderAction::Dispute };
        (self.dice.one(&[orderer, giver]), Operation::Order { year: YEAR, order, action })
    }

    pub(super) fn measure(&mut self) -> Measure {
        let now = self.world.next_time();
        let mut instant = |days: u32| now.after(Span(self.dice.next() % Span::days(days).0));
        let (one, other) = (instant(20), instant(20));
        let (from, until) = (one.min(other), one.max(other));
        match self.dice.below(20) {
            0..8 => self.resolution(),
            8..14 => self.reversal(),
            14..16 => {
                let scopes = [
                    ClosureScope::Everything,
                    ClosureScope::Place(offer(60).place),
                    ClosureScope::Provider(provider(2)),
                    ClosureScope::Service(service(1)),
                ];
                Measure::ForceMajeure { year: YEAR, from, until, scope: self.dice.one(&scopes) }
            }
            16..19 => Measure::Extend { year: YEAR, from, until, by: Span(self.dice.next() % Span::days(4).0) },
            _ if self.dice.chance(30) => {
                let pairs = [
                    (Party::School(school(2)), Party::School(school(1))),
                    (Party::Provider(provider(2)), Party::Provider(provider(1))),
                ];
                let (from, to) = self.dice.one(&pairs);
                let years = if self.dice.chance(50) && to == Party::School(school(1)) { vec![YEAR] } else { vec![] };
                Measure::Succeed { from, to, years }
            }
            _ => self.resolution(),
        }
    }

    pub(super) fn resolution(&mut self) -> Measure {
        let Some((order, now)) = self.an_order(&[OrderState::Disputed]) else {
            return Measure::Resolve { year: YEAR, order: OrderId([0; 16]), split: vec![PRICE] };
        };
        let amount = |line: &Line| {
            let held = line.escrow.total().expect("it can be counted").get();
            let most = if line.state == LineState::Dropped || self.dice.chance(70) { held } else { PRICE.get() };
            Cents::new(self.dice.next() % (most + 1))
        };
        let split = now.lines.iter().map(amount).collect();
        Measure::Resolve { year: YEAR, order, split }
    }

    pub(super) fn reversal(&mut self) -> Measure {
        let states =
            [OrderState::Attended, OrderState::AttendedAutomatically, OrderState::Settled, OrderState::CancelledLate];
        let Some((order, now)) = self.an_order(&states) else { return self.resolution() };
        let owing = |(index, line): (u16, &Line)| (!line.due.is_zero()).then_some(index);
        let owing: Vec<u16> = (0..).zip(&now.lines).filter_map(owing).collect();
        let percent = self.dice.one(&[40, 100]);
        Measure::Reverse { year: YEAR, order, lines: self.dice.some(&owing, percent) }
    }
}

/// What must have happened in some history, beside every state of an order.
pub const KINDS: [Kind; 10] = [
    Kind::OrderDisputed,
    Kind::DisputeWithdrawn,
    Kind::DisputeResolved,
    Kind::OrderReversed,
    Kind::ForceMajeureDeclared,
    Kind::OrderStruck,
    Kind::ForceMajeureEnded,
    Kind::DeadlinesExtended,
    Kind::DeadlinePostponed,
    Kind::PartySucceeded,
];
