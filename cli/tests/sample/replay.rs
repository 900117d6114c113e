//! A second reading of the rules, from the files alone: replays the calendar and says where every order ends.
//!
//! Slow and plain on purpose. It shares no code with the simulation that wrote the calendar.

mod effects;
mod faults;

use std::collections::{BTreeMap, BTreeSet};

use keis_cli::programme::{
    Action, Actor, Awaited, BookedLines, Buyer, Change, ChangeKind, Deed, LegalCode, Month, Order, OrderCode, OrderEnd,
    Programme, Provider, ProviderCode, PupilChange, RegisterCode, RejectionReason, Service, ServiceCode, Session,
    SessionCode, StatementCode, UtcInstant,
};

type Faults = BTreeSet<RejectionReason>;

struct Wallet {
    school: LegalCode,
    grade: u8,
    enrolled: bool,
    cents: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Proposed,
    Requested,
    Confirmed,
    Delivered,
    Ended(OrderEnd),
}

#[derive(Clone, Copy)]
struct Line {
    state: u32,
    school: u32,
}

struct Standing {
    school: LegalCode,
    session: SessionCode,
    requested: usize,
    stage: Stage,
    automatic: bool,
    reported_at: UtcInstant,
    lines: BTreeMap<RegisterCode, Line>,
    proposed_change: Option<(Actor, Change)>,
    proposed_absent: Option<(Actor, Vec<RegisterCode>)>,
    absent: BTreeSet<RegisterCode>,
    late: usize,
    captured: Line,
    accrued_in: Option<Month>,
    accepted: BTreeSet<Buyer>,
}

struct Statement {
    provider: ProviderCode,
    buyer: Buyer,
    orders: Vec<OrderCode>,
    open: bool,
}

pub struct Replay<'a> {
    programme: &'a Programme,
    services: BTreeMap<ServiceCode, &'a Service>,
    sessions: BTreeMap<SessionCode, &'a Session>,
    providers: BTreeMap<ProviderCode, &'a Provider>,
    wallets: BTreeMap<RegisterCode, Wallet>,
    school_money: BTreeMap<LegalCode, u32>,
    minted: u64,
    returned: u64,
    orders: BTreeMap<OrderCode, Standing>,
    booked: BTreeMap<RegisterCode, BTreeSet<OrderCode>>,
    seats: BTreeMap<SessionCode, usize>,
    waiting: BTreeSet<OrderCode>,
    due: BTreeSet<(UtcInstant, OrderCode)>,
    accrued: BTreeMap<Month, BTreeSet<OrderCode>>,
    statements: BTreeMap<StatementCode, Statement>,
    ended: bool,
}

impl<'a> Replay<'a> {
    pub fn new(programme: &'a Programme) -> Self {
        let amount = programme.parameters.amount_per_pupil_cents;
        let wallets: BTreeMap<_, _> = programme
            .pupils
            .iter()
            .map(|pupil| {
                let wallet = Wallet { school: pupil.school_code, grade: pupil.grade, enrolled: true, cents: amount };
                (pupil.register_code, wallet)
            })
            .collect();
        Self {
            programme,
            services: programme.services.iter().map(|service| (service.service_code, service)).collect(),
            sessions: programme.sessions.iter().map(|session| (session.session_code, session)).collect(),
            providers: programme.providers.iter().map(|provider| (provider.provider_code, provider)).collect(),
            minted: wallets.len() as u64 * u64::from(amount),
            returned: 0,
            wallets,
            school_money: BTreeMap::new(),
            orders: BTreeMap::new(),
            booked: BTreeMap::new(),
            seats: BTreeMap::new(),
            waiting: BTreeSet::new(),
            due: BTreeSet::new(),
            accrued: BTreeMap::new(),
            statements: BTreeMap::new(),
            ended: false,
        }
    }

    /// Replays everything and compares every end.
    pub fn run(mut self) {
        let mut changes = self.programme.pupil_changes.iter().peekable();
        for action in &self.programme.calendar {
            while let Some(change) = changes.next_if(|change| change.at <= action.at) {
                self.clock(change.at);
                self.change(change);
            }
            self.clock(action.at);
            self.apply(action);
        }
        self.compare_ends();
        self.compare_money();
    }

    fn compare_ends(&self) {
        assert_eq!(self.orders.len(), self.programme.orders.len(), "orders that the ledger knows");
        for expected in &self.programme.orders {
            let order = &self.orders[&expected.order_code];
            let Stage::Ended(end) = order.stage else {
                panic!("{} was left at {:?}", expected.order_code, order.stage)
            };
            let attended = matches!(end, OrderEnd::Attended | OrderEnd::AttendedAutomatically | OrderEnd::Settled);
            let full = if attended { order.lines.len() - order.absent.len() } else { 0 };
            let replayed = Order {
                order_code: expected.order_code,
                session_code: order.session,
                school_code: order.school,
                requested_pupils: u16::try_from(order.requested).unwrap(),
                expected_state: end,
                automatic: order.automatic,
                full_lines: u16::try_from(full).unwrap(),
                absent_lines: u16::try_from(order.absent.len()).unwrap(),
                late_lines: u16::try_from(order.late).unwrap(),
                state_cents: order.captured.state,
                school_cents: order.captured.school,
            };
            assert_eq!(&replayed, expected);
        }
    }

    fn compare_money(&self) {
        let wallets: u64 = self.wallets.values().map(|wallet| u64::from(wallet.cents)).sum();
        let schools: u64 = self.school_money.values().copied().map(u64::from).sum();
        let captured: u64 =
            self.orders.values().map(|order| u64::from(order.captured.state) + u64::from(order.captured.school)).sum();
        assert_eq!(self.minted, wallets + schools + captured + self.returned, "money is conserved");
    }

    /// Deadlines that have passed, of orders that still wait for them.
    fn clock(&mut self, now: UtcInstant) {
        while let Some((due, code)) = self.due.first().copied().filter(|(due, _)| *due <= now) {
            self.due.pop_first();
            let order = &self.orders[&code];
            match order.stage {
                Stage::Requested => self.end(code, OrderEnd::Lapsed, 0),
                Stage::Delivered if self.attendance_deadline(order) == due => {
                    self.orders.get_mut(&code).unwrap().automatic = true;
                    self.attend(code, due);
                }
                Stage::Delivered | Stage::Proposed | Stage::Confirmed | Stage::Ended(_) => {}
            }
        }
    }

    fn attendance_deadline(&self, order: &Standing) -> UtcInstant {
        let parameters = &self.programme.parameters;
        parameters.after_working_days(order.reported_at, parameters.rules.attendance_working_days)
    }

    fn change(&mut self, change: &PupilChange) {
        let code = change.register_code;
        let booked = self.booked.get(&code).cloned().unwrap_or_default();
        match change.kind {
            ChangeKind::Arrived => {
                let cents = self.programme.parameters.amount_per_pupil_cents;
                self.minted += u64::from(cents);
                let wallet =
                    Wallet { school: change.school_code.unwrap(), grade: change.grade.unwrap(), enrolled: true, cents };
                assert!(self.wallets.insert(code, wallet).is_none(), "{code} arrives once");
            }
            ChangeKind::Left => {
                assert!(booked.is_empty(), "{code} leaves with booked lines");
                let wallet = self.wallets.get_mut(&code).unwrap();
                wallet.enrolled = false;
                self.returned += u64::from(std::mem::take(&mut wallet.cents));
            }
            ChangeKind::Moved => {
                if change.booked_lines == Some(BookedLines::Release) {
                    booked.iter().for_each(|order| self.take_off(*order, code, 0));
                }
                let wallet = self.wallets.get_mut(&code).unwrap();
                assert_ne!(Some(wallet.school), change.school_code, "a move leads elsewhere");
                wallet.school = change.school_code.unwrap();
                wallet.grade = change.grade.unwrap();
            }
        }
    }

    fn apply(&mut self, action: &Action) {
        let faults = self.faults(action);
        let expected: Faults = action.expect_rejection.into_iter().collect();
        assert_eq!(faults, expected, "{action:?}");
        if faults.is_empty() {
            self.perform(action);
        }
    }

    fn service_of(&self, session: SessionCode) -> &'a Service {
        self.services[&self.sessions[&session].service_code]
    }

    fn perform(&mut self, action: &Action) {
        match &action.deed {
            Deed::Propose { order, session, pupils } => self.open(action, *order, *session, pupils),
            Deed::Request { order, session, pupils, from_proposal, .. } => {
                assert_eq!(self.orders.contains_key(order), *from_proposal, "{order} was proposed");
                if !from_proposal {
                    self.open(action, *order, *session, pupils);
                }
                pupils.iter().for_each(|pupil| self.book(*order, *pupil));
                self.set_stage(*order, Stage::Requested, action.at);
            }
            Deed::Confirm { order } => self.set_stage(*order, Stage::Confirmed, action.at),
            Deed::Decline { order } => self.end(*order, OrderEnd::Declined, 0),
            Deed::ProposeChange { order, change } => {
                let standing = self.orders.get_mut(order).unwrap();
                standing.proposed_change = Some((action.actor, change.clone()));
            }
            Deed::AcceptChange { order } => self.accept_change(*order, action.at),
            Deed::RefuseChange { order } => {
                self.orders.get_mut(order).unwrap().proposed_change = None;
            }
            Deed::Swap { order, from, to } => {
                self.take_off(*order, *from, 0);
                self.add(*order, *to);
            }
            Deed::Drop { order, pupils } => {
                let share = if self.is_late(*order, action.at) { self.late_cents(*order) } else { 0 };
                for pupil in pupils {
                    self.take_off(*order, *pupil, share);
                    self.orders.get_mut(order).unwrap().late += usize::from(share > 0);
                }
            }
            Deed::Cancel { order } => self.cancel(*order, action),
            Deed::ReportDelivery { order, absent } => {
                self.set_stage(*order, Stage::Delivered, action.at);
                self.orders.get_mut(order).unwrap().absent = absent.iter().copied().collect();
            }
            Deed::ConfirmAttendance { order, added, .. } => {
                added.iter().for_each(|pupil| self.add(*order, *pupil));
                self.attend(*order, action.at);
            }
            Deed::ProposeAmendment { order, absent } => {
                let standing = self.orders.get_mut(order).unwrap();
                standing.proposed_absent = Some((action.actor, absent.clone()));
            }
            Deed::AcceptAmendment { order } => self.amend(*order, action.at),
            Deed::RecordSchoolMoney { school, amount_cents } => {
                *self.school_money.entry(*school).or_default() += amount_cents;
                self.minted += u64::from(*amount_cents);
            }
            Deed::IssueStatement { .. } => self.issue(&action.deed),
            Deed::AcceptStatement { statement } => self.accept(*statement),
            Deed::ContestStatement { statement } => {
                self.statements.get_mut(statement).unwrap().open = false;
            }
            Deed::Nothing { order, awaited } => {
                let order = &self.orders[order];
                match awaited {
                    Awaited::Lapse => assert_eq!(order.stage, Stage::Ended(OrderEnd::Lapsed)),
                    Awaited::AutomaticAttendance => assert!(order.automatic, "{action:?}"),
                }
            }
            Deed::EndYear => {
                assert!(self.waiting.is_empty(), "nothing is open when the year ends");
                self.ended = true;
            }
        }
    }
}
