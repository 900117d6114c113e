//! The year as it is lived: events in order of time, each of which may act, move money in the mirror and plan what follows.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use indicatif::ProgressBar;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::programme::{
    Action, Actor, Day, Deed, Order, OrderCode, OrderEnd, Parameters, PlaceCode, Programme, Provider, Pupil,
    PupilChange, RegisterCode, RejectionReason, School, Service, Session, SessionCode, UtcInstant,
};

use super::ground::{Class, Ground};
use super::mirror::{Mirror, OrderMirror, PupilMirror, Stage};
use super::rules;
use super::schedule::{self, Event, Schedule};
use super::settlement::Settlement;
use super::size::Size;
use super::story::{self, Story};

/// A service and who provides it, by position.
pub(super) struct OfferedService {
    pub(super) record: Service,
    pub(super) provider: usize,
}

/// A session and who sits in it.
pub(super) struct HeldSession {
    pub(super) record: Session,
    pub(super) service: usize,
    pub(super) seats_taken: usize,
}

/// The year while it is lived.
pub(super) struct Year {
    pub(super) parameters: Parameters,
    pub(super) rng: ChaCha8Rng,
    pub(super) now: UtcInstant,
    pub(super) schedule: Schedule,
    pub(super) schools: Vec<School>,
    pub(super) classes: Vec<Class>,
    /// A teacher's proposal waits for the coordinator: nobody else plans with these pupils.
    pub(super) locked_until: Vec<UtcInstant>,
    pub(super) classes_of_school: Vec<Vec<usize>>,
    pub(super) providers: Vec<Provider>,
    pub(super) services: Vec<OfferedService>,
    pub(super) services_by_place: BTreeMap<PlaceCode, Vec<usize>>,
    /// Services of providers that a school controls.
    pub(super) related_services: BTreeMap<usize, Vec<usize>>,
    pub(super) sessions: Vec<HeldSession>,
    pub(super) orders: Vec<OrderMirror>,
    pub(super) mirror: Mirror,
    pub(super) settlement: Settlement,
    pub(super) seed: u64,
    register: Vec<Pupil>,
    pub(super) codes: Vec<RegisterCode>,
    last_order: u32,
    pub(super) pupil_changes: Vec<PupilChange>,
    calendar: Vec<Action>,
}

impl Year {
    pub(super) fn new(ground: Ground, size: Size, seed: u64) -> Self {
        let parameters = rules::parameters(size, seed);
        let Ground { schools, classes, pupils, providers, services } = ground;
        let services = offered(services, &providers);
        let mut classes_of_school = vec![Vec::new(); schools.len()];
        let mut mirrored: Vec<PupilMirror> = Vec::with_capacity(pupils.len());
        for (position, class) in classes.iter().enumerate() {
            classes_of_school[class.school].push(position);
            let wallet = || PupilMirror::enrolled(class.school, position, parameters.amount_per_pupil_cents);
            mirrored.extend(class.pupils.iter().map(|_| wallet()));
        }
        let (services_by_place, related_services) = indexed(&services, &providers, &schools);
        Self {
            // The ground was made from the seed itself; the year throws other dice.
            rng: ChaCha8Rng::seed_from_u64(seed ^ 0x6b65_6973_2079_6561),
            now: parameters.window.start,
            schedule: Schedule::default(),
            locked_until: vec![parameters.window.start; classes.len()],
            mirror: Mirror { pupils: mirrored, school_cents: vec![0; schools.len()] },
            codes: pupils.iter().map(|pupil| pupil.register_code).collect(),
            register: pupils,
            classes_of_school,
            services_by_place,
            related_services,
            parameters,
            schools,
            classes,
            providers,
            services,
            sessions: Vec::with_capacity(size.deliveries * 3 / 2),
            orders: Vec::with_capacity(size.deliveries * 3 / 2),
            settlement: Settlement::default(),
            seed,
            last_order: 0,
            pupil_changes: Vec::new(),
            calendar: Vec::new(),
        }
    }

    /// Lives the year from the first story to the last statement.
    pub(super) fn live(mut self, size: Size, progress: &ProgressBar) -> Programme {
        let stories = story::deal(size, &mut self.rng);
        progress.set_length(stories.len() as u64);
        for (story, day) in stories {
            let at = self.first_moment(story, day);
            self.schedule.add(at, Event::Begin { story, attempt: 0 });
        }
        self.plan_statements();
        let end_of_year = self.parameters.instant(Day::new(2027, 12, 31), 12, 0);
        self.schedule.add(end_of_year, Event::EndYear);
        self.offer_spare_sessions(size.deliveries / 10);
        while let Some((at, event)) = self.schedule.next() {
            self.now = at;
            if matches!(event, Event::Begin { attempt: 0, .. }) {
                progress.inc(1);
            }
            self.handle(event);
        }
        self.finish()
    }

    /// The register's news comes before office hours, so that none of a day's actions is older.
    pub(super) fn first_moment(&mut self, story: Story, day: Day) -> UtcInstant {
        if is_register_news(story) {
            let minute = self.rng.random_range(0..60);
            return self.parameters.instant(day, 6, minute);
        }
        schedule::office_hours(&self.parameters, self.parameters.working_day_from(day), &mut self.rng)
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Begin { story, attempt } => self.begin(story, attempt),
            Event::JoinSession { session, other_school, attempt } => {
                self.join_session(session, other_school, attempt);
            }
            Event::Request(order) => self.request_proposed(order),
            Event::Answer(order) => self.answer(order),
            Event::Lapse(order) => self.lapse(order),
            Event::AnswerTooLate(order) => self.answer_too_late(order),
            Event::Withdraw(order) | Event::Cancel(order) => self.cancel(order),
            Event::ProposeChange(order) => self.propose_change(order),
            Event::AnswerChange(order) => self.answer_change(order),
            Event::Swap(order) => self.swap(order),
            Event::Drop(order) => self.drop_pupils(order),
            Event::FillAgain(order) => self.request_full_session(order),
            Event::Report(order) => self.report(order),
            Event::ConfirmAttendance(order) => self.confirm_attendance(order),
            Event::AutomaticAttendance(order) => self.attend_automatically(order),
            Event::ProposeAmendment(order) => self.propose_amendment(order),
            Event::AcceptAmendment(order) => self.accept_amendment(order),
            Event::IssueStatements(month) => self.issue_statements(month),
            Event::AcceptStatement(statement) => self.accept_statement(statement),
            Event::ContestStatement(statement) => self.contest_statement(statement),
            Event::ReissueStatement(statement) => self.reissue_statement(statement),
            Event::EndYear => self.act(Actor::Operator, Deed::EndYear),
        }
    }

    /// Sessions that nobody orders belong to every catalogue.
    fn offer_spare_sessions(&mut self, count: usize) {
        for _ in 0..count {
            let service = self.rng.random_range(0..self.services.len());
            let day = self.parameters.working_day_from(Day::new(2027, 2, 1).plus(self.rng.random_range(0..120)));
            let record = &self.services[service].record;
            if (record.valid_from..=record.valid_until).contains(&day) {
                let capacity = record.max_group;
                self.open_session(service, day, capacity);
            }
        }
    }

    /// Adds a session of one to three hours on this day.
    pub(super) fn open_session(&mut self, service: usize, day: Day, capacity: u16) -> usize {
        let start = self.parameters.instant(day, self.rng.random_range(9..=12), self.rng.random_range(0..4) * 15);
        let length = self.rng.random_range(4..=12) * 900;
        self.add_session(service, start, length, capacity)
    }

    pub(super) fn add_session(&mut self, service: usize, start: UtcInstant, length: i64, capacity: u16) -> usize {
        let record = &self.services[service].record;
        let places = record.venues.places();
        let place = places[self.rng.random_range(0..places.len())];
        let position = self.sessions.len();
        self.sessions.push(HeldSession {
            record: Session {
                session_code: SessionCode(u32::try_from(position + 1).expect("six digits")),
                service_code: record.service_code,
                start,
                end: start.plus_seconds(length),
                place,
                capacity,
            },
            service,
            seats_taken: 0,
        });
        position
    }

    pub(super) fn session_day(&self, session: usize) -> Day {
        self.parameters.local_day(self.sessions[session].record.start)
    }

    pub(super) fn seats_left(&self, session: usize) -> usize {
        let session = &self.sessions[session];
        usize::from(session.record.capacity).saturating_sub(session.seats_taken)
    }

    pub(super) fn later(&mut self, days: RangeInclusive<i64>) -> UtcInstant {
        schedule::later(&self.parameters, self.now, days, &mut self.rng)
    }

    pub(super) fn next_order_code(&mut self) -> OrderCode {
        self.last_order += 1;
        OrderCode(self.last_order)
    }

    pub(super) fn act(&mut self, actor: Actor, deed: Deed) {
        self.calendar.push(Action { at: self.now, actor, deed, expect_rejection: None });
    }

    pub(super) fn act_in_vain(&mut self, actor: Actor, deed: Deed, reason: RejectionReason) {
        self.calendar.push(Action { at: self.now, actor, deed, expect_rejection: Some(reason) });
    }

    pub(super) fn school_actor(&self, school: usize) -> Actor {
        Actor::School(self.schools[school].school_code)
    }

    pub(super) fn provider_of(&self, order: usize) -> usize {
        self.services[self.sessions[self.orders[order].session].service].provider
    }

    pub(super) fn provider_actor(&self, provider: usize) -> Actor {
        Actor::Provider(self.providers[provider].provider_code)
    }

    pub(super) fn codes_of(&self, pupils: impl IntoIterator<Item = u32>) -> Vec<RegisterCode> {
        pupils.into_iter().map(|pupil| self.codes[pupil as usize]).collect()
    }

    fn finish(self) -> Programme {
        let orders = self.orders.iter().map(|order| self.expected(order)).collect();
        let mut programme = Programme {
            parameters: self.parameters,
            schools: self.schools,
            pupils: self.register,
            pupil_changes: self.pupil_changes,
            providers: self.providers,
            services: self.services.into_iter().map(|service| service.record).collect(),
            sessions: self.sessions.into_iter().map(|session| session.record).collect(),
            orders,
            calendar: self.calendar,
        };
        programme.parameters.counts = programme.counts();
        programme
    }

    /// Where the order ended.
    fn expected(&self, order: &OrderMirror) -> Order {
        let expected_state = match order.stage {
            Stage::Declined => OrderEnd::Declined,
            Stage::Lapsed => OrderEnd::Lapsed,
            Stage::CancelledFree => OrderEnd::CancelledFree,
            Stage::CancelledLate => OrderEnd::CancelledLate,
            Stage::CancelledByProvider => OrderEnd::CancelledByProvider,
            Stage::Attended if order.automatic => OrderEnd::AttendedAutomatically,
            Stage::Attended => OrderEnd::Attended,
            Stage::Settled => OrderEnd::Settled,
            Stage::Proposed | Stage::Requested | Stage::Confirmed | Stage::Delivered => {
                unreachable!("{} was left at {:?}: every story has an end", order.code, order.stage)
            }
        };
        let attended = matches!(order.stage, Stage::Attended | Stage::Settled);
        let lines = if attended { order.lines.len() } else { 0 };
        let late = if order.stage == Stage::CancelledLate { order.lines.len() } else { order.dropped_late.len() };
        let count = |length: usize| u16::try_from(length).expect("at most a group");
        let (state_cents, school_cents) = order.captured();
        Order {
            order_code: order.code,
            session_code: self.sessions[order.session].record.session_code,
            school_code: self.schools[order.school].school_code,
            requested_pupils: count(order.requested_pupils),
            expected_state,
            automatic: order.automatic,
            full_lines: count(lines - order.absent.len()),
            absent_lines: count(order.absent.len()),
            late_lines: count(late),
            state_cents,
            school_cents,
        }
    }
}

fn is_register_news(story: Story) -> bool {
    matches!(story, Story::Arrival | Story::Leaving | Story::Moving | Story::MovingBooked(_))
}

fn offered(services: Vec<Service>, providers: &[Provider]) -> Vec<OfferedService> {
    let positions: BTreeMap<_, _> =
        providers.iter().enumerate().map(|(position, provider)| (provider.provider_code, position)).collect();
    services.into_iter().map(|record| OfferedService { provider: positions[&record.provider_code], record }).collect()
}

type ServicesBy<K> = BTreeMap<K, Vec<usize>>;

/// Services by place, and by the school that controls their provider.
fn indexed(
    services: &[OfferedService],
    providers: &[Provider],
    schools: &[School],
) -> (ServicesBy<PlaceCode>, ServicesBy<usize>) {
    let mut by_place: ServicesBy<PlaceCode> = BTreeMap::new();
    let mut related: ServicesBy<usize> = BTreeMap::new();
    for (position, service) in services.iter().enumerate() {
        for place in service.record.venues.places() {
            by_place.entry(*place).or_default().push(position);
        }
        let controlling = providers[service.provider].controlling_code;
        if let Some(school) = schools.iter().position(|school| Some(school.school_code) == controlling) {
            related.entry(school).or_default().push(position);
        }
    }
    (by_place, related)
}
