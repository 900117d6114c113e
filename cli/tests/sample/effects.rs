//! What each action does to lines, seats, money and statements.

use super::*;

impl<'a> Replay<'a> {
    pub(super) fn open(&mut self, action: &Action, code: OrderCode, session: SessionCode, pupils: &[RegisterCode]) {
        let Actor::School(school) = action.actor else { panic!("a school orders") };
        let standing = Standing {
            school,
            session,
            requested: pupils.len(),
            stage: Stage::Proposed,
            automatic: false,
            reported_at: action.at,
            lines: BTreeMap::new(),
            proposed_change: None,
            proposed_absent: None,
            absent: BTreeSet::new(),
            late: 0,
            captured: Line { state: 0, school: 0 },
            accrued_in: None,
            accepted: BTreeSet::new(),
        };
        assert!(self.orders.insert(code, standing).is_none(), "{code} is new");
        self.waiting.insert(code);
    }

    pub(super) fn set_stage(&mut self, code: OrderCode, stage: Stage, at: UtcInstant) {
        let days = i64::from(self.programme.parameters.rules.hold_expiry_days);
        let order = self.orders.get_mut(&code).unwrap();
        order.stage = stage;
        match stage {
            Stage::Requested => {
                let start = self.sessions[&order.session].start;
                self.due.insert((at.plus_days(days).min(start), code));
            }
            Stage::Delivered => {
                order.reported_at = at;
                let deadline = self.attendance_deadline(&self.orders[&code]);
                self.due.insert((deadline, code));
            }
            Stage::Proposed | Stage::Confirmed | Stage::Ended(_) => {}
        }
    }

    pub(super) fn book(&mut self, code: OrderCode, pupil: RegisterCode) {
        let order = self.orders.get_mut(&code).unwrap();
        let price = self.services[&self.sessions[&order.session].service_code].price_cents;
        let wallet = self.wallets.get_mut(&pupil).unwrap();
        let state = price.min(wallet.cents);
        wallet.cents -= state;
        if price > state {
            let purse = self.school_money.get_mut(&order.school).expect("the school has money");
            *purse = purse.checked_sub(price - state).expect("the school has enough");
        }
        assert!(order.lines.insert(pupil, Line { state, school: price - state }).is_none());
        *self.seats.entry(order.session).or_default() += 1;
        self.booked.entry(pupil).or_default().insert(code);
    }

    /// Adds a pupil to a standing order; the sample adds only who can come and pay.
    pub(super) fn add(&mut self, code: OrderCode, pupil: RegisterCode) {
        let order = &self.orders[&code];
        let (session, service) = (self.sessions[&order.session], self.service_of(order.session));
        let wallet = &self.wallets[&pupil];
        assert!(wallet.enrolled && wallet.school == order.school && wallet.cents >= service.price_cents);
        assert!((service.grade_from..=service.grade_to).contains(&wallet.grade));
        assert!(!self.is_elsewhere(pupil, session, Some(code)), "{pupil} is free for {code}");
        assert!(order.lines.len() < usize::from(service.max_group), "{code} has room");
        assert!(self.seats[&order.session] < usize::from(session.capacity), "{code} has seats");
        self.book(code, pupil);
    }

    /// Takes a pupil off; `cost` stays, the rest returns, the school's part first.
    pub(super) fn take_off(&mut self, code: OrderCode, pupil: RegisterCode, cost: u32) {
        let order = self.orders.get_mut(&code).unwrap();
        let line = order.lines.remove(&pupil).expect("the pupil is on the order");
        let session = order.session;
        self.settle_line(code, pupil, line, cost);
        *self.seats.get_mut(&session).unwrap() -= 1;
        let group = usize::from(self.service_of(session).min_group);
        assert!(self.orders[&code].lines.len() >= group.min(1), "a group is left");
    }

    pub(super) fn settle_line(&mut self, code: OrderCode, pupil: RegisterCode, line: Line, cost: u32) {
        let order = self.orders.get_mut(&code).unwrap();
        let back = line.state + line.school - cost;
        let to_school = back.min(line.school);
        let to_pupil = back - to_school;
        order.captured.state += line.state - to_pupil;
        order.captured.school += line.school - to_school;
        self.wallets.get_mut(&pupil).unwrap().cents += to_pupil;
        *self.school_money.entry(order.school).or_default() += to_school;
        self.booked.get_mut(&pupil).unwrap().remove(&code);
    }

    pub(super) fn is_late(&self, code: OrderCode, at: UtcInstant) -> bool {
        let order = &self.orders[&code];
        let days = i64::from(self.programme.parameters.rules.free_cancel_days);
        order.stage == Stage::Confirmed && at.plus_days(days) >= self.sessions[&order.session].start
    }

    pub(super) fn share(&self, code: OrderCode, basis_points: u16) -> u32 {
        let price = self.service_of(self.orders[&code].session).price_cents;
        (price * u32::from(basis_points) + 5_000) / 10_000
    }

    pub(super) fn late_cents(&self, code: OrderCode) -> u32 {
        self.share(code, self.programme.parameters.rules.late_share_bp)
    }

    /// Ends the order with every line costing the same.
    pub(super) fn end(&mut self, code: OrderCode, end: OrderEnd, cost: u32) {
        let order = self.orders.get_mut(&code).unwrap();
        order.stage = Stage::Ended(end);
        let (session, lines) = (order.session, order.lines.clone());
        for (pupil, line) in lines {
            self.settle_line(code, pupil, line, cost);
            *self.seats.get_mut(&session).unwrap() -= 1;
        }
        self.waiting.remove(&code);
    }

    pub(super) fn cancel(&mut self, code: OrderCode, action: &Action) {
        if matches!(action.actor, Actor::Provider(_)) {
            self.end(code, OrderEnd::CancelledByProvider, 0);
        } else if self.is_late(code, action.at) {
            let cost = self.late_cents(code);
            self.end(code, OrderEnd::CancelledLate, cost);
            let month = self.programme.parameters.local_day(action.at).month();
            let order = self.orders.get_mut(&code).unwrap();
            order.late = order.lines.len();
            order.accrued_in = Some(month);
            self.accrued.entry(month).or_default().insert(code);
        } else {
            self.end(code, OrderEnd::CancelledFree, 0);
        }
    }

    pub(super) fn accept_change(&mut self, code: OrderCode, at: UtcInstant) {
        assert!(!self.is_late(code, at), "{code} changes while that is free");
        let (_, change) = self.orders.get_mut(&code).unwrap().proposed_change.take().unwrap();
        match change {
            Change::Pupils { add, drop } => {
                drop.into_iter().for_each(|pupil| self.take_off(code, pupil, 0));
                add.into_iter().for_each(|pupil| self.add(code, pupil));
            }
            Change::Session(to) => {
                let from = self.orders[&code].session;
                let session = self.sessions[&to];
                assert_eq!(session.service_code, self.sessions[&from].service_code, "the same service");
                assert!(session.start > at);
                let pupils: Vec<_> = self.orders[&code].lines.keys().copied().collect();
                assert!(pupils.iter().all(|pupil| !self.is_elsewhere(*pupil, session, Some(code))));
                *self.seats.get_mut(&from).unwrap() -= pupils.len();
                let seats = self.seats.entry(to).or_default();
                *seats += pupils.len();
                assert!(*seats <= usize::from(session.capacity));
                self.orders.get_mut(&code).unwrap().session = to;
            }
        }
    }

    pub(super) fn attend(&mut self, code: OrderCode, at: UtcInstant) {
        let month = self.programme.parameters.local_day(at).month();
        let price = self.service_of(self.orders[&code].session).price_cents;
        let absence = self.share(code, self.programme.parameters.rules.absence_share_bp);
        let order = self.orders.get_mut(&code).unwrap();
        let end = if order.automatic { OrderEnd::AttendedAutomatically } else { OrderEnd::Attended };
        order.stage = Stage::Ended(end);
        order.accrued_in = Some(month);
        self.accrued.entry(month).or_default().insert(code);
        let (lines, absent) = (order.lines.clone(), order.absent.clone());
        assert!(absent.iter().all(|pupil| lines.contains_key(pupil)), "{code}: absent pupils are on it");
        for (pupil, line) in lines {
            self.settle_line(code, pupil, line, if absent.contains(&pupil) { absence } else { price });
        }
        self.waiting.remove(&code);
    }

    pub(super) fn amend(&mut self, code: OrderCode, at: UtcInstant) {
        let month = self.programme.parameters.local_day(at).month();
        let absence = self.share(code, self.programme.parameters.rules.absence_share_bp);
        let order = self.orders.get_mut(&code).unwrap();
        assert_eq!(order.accrued_in, Some(month), "{code} is amended before its statement");
        let (_, absent) = order.proposed_absent.take().unwrap();
        for pupil in absent {
            if self.orders.get_mut(&code).unwrap().absent.insert(pupil) {
                let order = self.orders.get_mut(&code).unwrap();
                let line = order.lines[&pupil];
                order.captured.state -= line.state;
                order.captured.school -= line.school;
                self.booked.entry(pupil).or_default().insert(code);
                self.settle_line(code, pupil, line, absence);
            }
        }
    }

    pub(super) fn owed(&self, code: OrderCode, buyer: Buyer) -> u32 {
        let order = &self.orders[&code];
        match buyer {
            Buyer::State => order.captured.state,
            Buyer::School(school) if school == order.school => order.captured.school,
            Buyer::School(_) => 0,
        }
    }

    pub(super) fn issue(&mut self, deed: &Deed) {
        let Deed::IssueStatement { statement, provider, buyer, period, orders, amount_cents, replaces } = deed else {
            panic!("an issued statement")
        };
        let owed: Vec<OrderCode> = self
            .accrued
            .get(period)
            .into_iter()
            .flatten()
            .filter(|code| {
                let session = self.orders[code].session;
                self.service_of(session).provider_code == *provider && self.owed(**code, *buyer) > 0
            })
            .copied()
            .collect();
        assert_eq!(orders.iter().copied().collect::<BTreeSet<_>>(), owed.iter().copied().collect());
        let sum: u64 = owed.iter().map(|code| u64::from(self.owed(*code, *buyer))).sum();
        assert_eq!(sum, *amount_cents, "{statement} sums up");
        if let Some(replaced) = replaces {
            assert!(!self.statements[replaced].open, "{replaced} was contested");
        }
        let issued = Statement { provider: *provider, buyer: *buyer, orders: owed, open: true };
        assert!(self.statements.insert(*statement, issued).is_none(), "{statement} is new");
    }

    pub(super) fn accept(&mut self, code: StatementCode) {
        let statement = self.statements.get_mut(&code).unwrap();
        statement.open = false;
        let (buyer, orders) = (statement.buyer, statement.orders.clone());
        for code in orders {
            let order = self.orders.get_mut(&code).unwrap();
            order.accepted.insert(buyer);
            let school = Buyer::School(order.school);
            let settled = (order.captured.state == 0 || order.accepted.contains(&Buyer::State))
                && (order.captured.school == 0 || order.accepted.contains(&school));
            let attended = matches!(order.stage, Stage::Ended(OrderEnd::Attended | OrderEnd::AttendedAutomatically));
            if settled && attended {
                order.stage = Stage::Ended(OrderEnd::Settled);
            }
        }
    }
}
