//! What each action needs in order to be allowed.

use super::*;

impl<'a> Replay<'a> {
    /// Every rule that the action breaks: rejections must have one cause.
    pub(super) fn faults(&self, action: &Action) -> Faults {
        let mut faults = Faults::new();
        let mut ensure = |holds: bool, reason: RejectionReason| {
            if !holds {
                faults.insert(reason);
            }
        };
        let by_provider =
            |order: &Standing| action.actor == Actor::Provider(self.service_of(order.session).provider_code);
        let by_school = |order: &Standing| action.actor == Actor::School(order.school);
        let start = |order: &Standing| self.sessions[&order.session].start;
        match &action.deed {
            Deed::Request { session, pupils, school_cents, .. } => {
                return self.request_faults(action, *session, pupils, *school_cents);
            }
            Deed::Propose { session, pupils, .. } => {
                return self.request_faults(action, *session, pupils, u32::MAX);
            }
            Deed::Confirm { order } | Deed::Decline { order } => {
                let order = &self.orders[order];
                ensure(by_provider(order), RejectionReason::WrongActor);
                ensure(order.stage == Stage::Requested, RejectionReason::TooLate);
            }
            Deed::ProposeChange { order, .. } => {
                let order = &self.orders[order];
                ensure(by_provider(order) || by_school(order), RejectionReason::WrongActor);
                let days = i64::from(self.programme.parameters.rules.free_change_days);
                let free = action.at.plus_days(days) < start(order);
                ensure(order.stage == Stage::Confirmed && free, RejectionReason::TooLate);
            }
            Deed::AcceptChange { order } | Deed::RefuseChange { order } => {
                let order = &self.orders[order];
                let (proposer, _) = order.proposed_change.as_ref().expect("a change was proposed");
                let other = *proposer != action.actor && (by_provider(order) || by_school(order));
                ensure(other, RejectionReason::WrongActor);
            }
            Deed::Swap { order, .. } | Deed::Drop { order, .. } => {
                let order = &self.orders[order];
                ensure(by_school(order), RejectionReason::WrongActor);
                let before = action.at < start(order) && order.stage == Stage::Confirmed;
                ensure(before, RejectionReason::TooLate);
            }
            Deed::Cancel { order } => {
                let order = &self.orders[order];
                ensure(by_provider(order) || by_school(order), RejectionReason::WrongActor);
                let stands = matches!(order.stage, Stage::Requested | Stage::Confirmed);
                ensure(stands && action.at < start(order), RejectionReason::TooLate);
            }
            Deed::ReportDelivery { order, .. } => {
                let order = &self.orders[order];
                ensure(by_provider(order), RejectionReason::WrongActor);
                assert!(order.stage == Stage::Confirmed && self.sessions[&order.session].end <= action.at);
            }
            Deed::ConfirmAttendance { order, absent, .. } => {
                let order = &self.orders[order];
                ensure(by_school(order), RejectionReason::WrongActor);
                ensure(order.stage == Stage::Delivered, RejectionReason::TooLate);
                assert!(
                    absent.iter().copied().eq(order.absent.iter().copied()) || {
                        absent.iter().copied().collect::<BTreeSet<_>>() == order.absent
                    }
                );
            }
            Deed::ProposeAmendment { order, .. } => {
                let order = &self.orders[order];
                ensure(by_provider(order) || by_school(order), RejectionReason::WrongActor);
                assert!(matches!(order.stage, Stage::Ended(OrderEnd::Attended)));
            }
            Deed::AcceptAmendment { order } => {
                let order = &self.orders[order];
                let (proposer, _) = order.proposed_absent.as_ref().expect("an amendment was proposed");
                let other = *proposer != action.actor && (by_provider(order) || by_school(order));
                ensure(other, RejectionReason::WrongActor);
            }
            Deed::RecordSchoolMoney { .. } | Deed::IssueStatement { .. } | Deed::EndYear => {
                ensure(action.actor == Actor::Operator, RejectionReason::WrongActor);
            }
            Deed::AcceptStatement { statement } | Deed::ContestStatement { statement } => {
                let statement = &self.statements[statement];
                ensure(action.actor == Actor::Provider(statement.provider), RejectionReason::WrongActor);
                assert!(statement.open, "{action:?} answers an open statement");
            }
            Deed::Nothing { .. } => assert_eq!(action.actor, Actor::Clock),
        }
        faults
    }

    pub(super) fn request_faults(
        &self,
        action: &Action,
        code: SessionCode,
        pupils: &[RegisterCode],
        school_cents: u32,
    ) -> Faults {
        let mut faults = Faults::new();
        let (session, service) = (self.sessions[&code], self.service_of(code));
        let Actor::School(school) = action.actor else { panic!("a school requests: {action:?}") };
        if session.start <= action.at {
            faults.insert(RejectionReason::TooLate);
        }
        if self.providers[&service.provider_code].controlling_code == Some(school) {
            faults.insert(RejectionReason::RelatedProvider);
        }
        let parameters = &self.programme.parameters;
        assert!(!self.ended && session.end <= parameters.window.end, "{action:?} within the year");
        for at in [action.at, session.start] {
            let day = parameters.local_day(at);
            assert!(service.valid_from <= day && day <= service.valid_until, "{action:?} while approved");
        }
        let group = usize::from(service.min_group)..=usize::from(service.max_group);
        assert!(group.contains(&pupils.len()), "{action:?}: a group of {}", pupils.len());
        assert_eq!(pupils.iter().collect::<BTreeSet<_>>().len(), pupils.len(), "each pupil once");
        let mut short = 0;
        for pupil in pupils {
            let wallet = &self.wallets[pupil];
            assert!((service.grade_from..=service.grade_to).contains(&wallet.grade), "{action:?}: grades");
            if !wallet.enrolled || wallet.school != school {
                faults.insert(RejectionReason::NotEnrolled);
            }
            if self.is_elsewhere(*pupil, session, None) {
                faults.insert(RejectionReason::Clash);
            }
            short += service.price_cents.saturating_sub(wallet.cents);
        }
        if self.seats.get(&code).copied().unwrap_or(0) + pupils.len() > usize::from(session.capacity) {
            faults.insert(RejectionReason::SessionFull);
        }
        let school_has = self.school_money.get(&school).copied().unwrap_or(0);
        if short > school_cents || short > school_has {
            faults.insert(RejectionReason::NoMoney);
        }
        if school_cents != u32::MAX && faults.is_empty() {
            assert_eq!(short, school_cents, "{action:?} names what the school adds");
        }
        faults
    }

    pub(super) fn is_elsewhere(&self, pupil: RegisterCode, session: &Session, except: Option<OrderCode>) -> bool {
        self.booked.get(&pupil).into_iter().flatten().filter(|order| Some(**order) != except).any(|order| {
            let other = self.sessions[&self.orders[order].session];
            other.start < session.end && session.start < other.end
        })
    }
}
