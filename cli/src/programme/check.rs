//! Whether the files of a folder hold together: references, ranges, counts. Says the file and line of the first fault.

mod calendar;

use std::collections::{BTreeMap, BTreeSet};

use super::files::{KIND, ORDERS, PARAMETERS, PROVIDERS, PUPIL_CHANGES, PUPILS, SCHOOLS, SERVICES, SESSIONS};
use super::{
    ChangeKind, ClassName, LegalCode, OrderCode, Programme, ProgrammeError, Provider, ProviderCode, ProviderKind,
    PupilChange, RegisterCode, School, Service, ServiceCode, Session, SessionCode, StatementCode,
};

/// The line on which each record of a file begins.
pub(super) struct Lines<'a> {
    pub(super) parameters: &'a str,
    pub(super) schools: Vec<u64>,
    pub(super) pupils: Vec<u64>,
    pub(super) pupil_changes: Vec<u64>,
    pub(super) providers: Vec<u64>,
    pub(super) services: Vec<u64>,
    pub(super) sessions: Vec<u64>,
    pub(super) orders: Vec<u64>,
    pub(super) calendar: Vec<u64>,
}

type Checked = Result<(), ProgrammeError>;

/// A place in a file, for the errors of one record.
#[derive(Clone, Copy)]
struct At {
    file: &'static str,
    line: u64,
}

impl At {
    fn unknown(self, column: &'static str, value: impl ToString, target: &'static str) -> ProgrammeError {
        let Self { file, line } = self;
        ProgrammeError::UnknownReference { file, line, column, value: value.to_string(), target }
    }

    fn unfitting(self, problem: String) -> ProgrammeError {
        ProgrammeError::Unfitting { file: self.file, line: self.line, problem }
    }

    /// Refuses with `problem` unless it holds.
    fn ensure(self, holds: bool, problem: impl FnOnce() -> String) -> Checked {
        if holds { Ok(()) } else { Err(self.unfitting(problem())) }
    }
}

/// What the records of one file are known by.
fn index<'a, T, K: Ord + ToString>(
    file: &'static str,
    column: &'static str,
    records: &'a [T],
    lines: &[u64],
    key: impl Fn(&T) -> K,
) -> Result<BTreeMap<K, &'a T>, ProgrammeError> {
    let mut known = BTreeMap::new();
    for (record, line) in records.iter().zip(lines) {
        let code = key(record);
        let value = code.to_string();
        if known.insert(code, record).is_some() {
            return Err(ProgrammeError::Duplicate { file, line: *line, column, value });
        }
    }
    Ok(known)
}

struct Index<'a> {
    schools: BTreeMap<LegalCode, &'a School>,
    providers: BTreeMap<ProviderCode, &'a Provider>,
    services: BTreeMap<ServiceCode, &'a Service>,
    sessions: BTreeMap<SessionCode, &'a Session>,
    pupils: BTreeSet<RegisterCode>,
    orders: BTreeSet<OrderCode>,
    statements: BTreeSet<StatementCode>,
}

pub(super) fn check(programme: &Programme, lines: &Lines<'_>) -> Checked {
    check_parameters(programme, lines.parameters)?;
    let mut index = Index {
        schools: index(SCHOOLS, "school_code", &programme.schools, &lines.schools, |s| s.school_code)?,
        providers: index(PROVIDERS, "provider_code", &programme.providers, &lines.providers, |p| p.provider_code)?,
        services: index(SERVICES, "service_code", &programme.services, &lines.services, |s| s.service_code)?,
        sessions: index(SESSIONS, "session_code", &programme.sessions, &lines.sessions, |s| s.session_code)?,
        pupils: BTreeSet::new(),
        orders: BTreeSet::new(),
        statements: BTreeSet::new(),
    };
    check_pupils(programme, &lines.pupils, &mut index)?;
    check_changes(programme, &lines.pupil_changes, &mut index)?;
    check_offers(programme, lines, &index)?;
    check_orders(programme, &lines.orders, &mut index)?;
    calendar::check_calendar(programme, &lines.calendar, &mut index)?;
    check_counts(programme, lines.parameters)
}

fn check_parameters(programme: &Programme, text: &str) -> Checked {
    let line_of = |name: &str| {
        let begins = |line: &&str| line.trim_start().starts_with(name);
        text.lines().zip(1..).find(|(line, _)| begins(line)).map_or(1, |(_, number)| number)
    };
    let parameters = &programme.parameters;
    let at = |name: &str| At { file: PARAMETERS, line: line_of(name) };
    at("year").ensure((2000..=9999).contains(&parameters.year), || {
        format!("year {} is no year of the programme", parameters.year)
    })?;
    at("kind").ensure(parameters.kind == KIND, || format!("kind {:?} is not {KIND:?}", parameters.kind))?;
    at("end").ensure(parameters.window.start < parameters.window.end, || {
        format!("the window ends at {} before it starts", parameters.window.end)
    })?;
    at("[[offsets]]").ensure(parameters.offsets.is_sorted_by_key(|offset| offset.from), || {
        "offsets are not in the order of time".to_owned()
    })?;
    for (name, share) in
        [("late_share_bp", parameters.rules.late_share_bp), ("absence_share_bp", parameters.rules.absence_share_bp)]
    {
        at(name).ensure(share <= 10_000, || format!("{name} {share} is more than 10000"))?;
    }
    Ok(())
}

fn check_counts(programme: &Programme, text: &str) -> Checked {
    let found = programme.counts().named();
    for ((name, expected), (_, found)) in programme.parameters.counts.named().into_iter().zip(found) {
        if expected != found {
            let line = text
                .lines()
                .zip(1..)
                .find(|(line, _)| line.split('=').next().is_some_and(|key| key.trim() == name))
                .map_or(1, |(_, number)| number);
            return Err(ProgrammeError::Count { line, column: name, expected, found });
        }
    }
    Ok(())
}

fn check_pupils(programme: &Programme, lines: &[u64], index: &mut Index<'_>) -> Checked {
    for (pupil, line) in programme.pupils.iter().zip(lines) {
        let at = At { file: PUPILS, line: *line };
        check_seat(at, &index.schools, (pupil.school_code, pupil.branch, pupil.class, pupil.grade))?;
        if !index.pupils.insert(pupil.register_code) {
            return Err(second(at, pupil.register_code));
        }
    }
    Ok(())
}

fn second(at: At, code: RegisterCode) -> ProgrammeError {
    let At { file, line } = at;
    ProgrammeError::Duplicate { file, line, column: "register_code", value: code.to_string() }
}

/// Whether a pupil can sit in this class of this school.
fn check_seat(
    at: At,
    schools: &BTreeMap<LegalCode, &School>,
    (school_code, branch, class, grade): (LegalCode, u8, ClassName, u8),
) -> Checked {
    let school = schools.get(&school_code).ok_or_else(|| at.unknown("school_code", school_code, SCHOOLS))?;
    at.ensure(branch <= school.branches, || format!("branch {branch} of a school with {} branches", school.branches))?;
    at.ensure((1..=12).contains(&grade), || format!("grade {grade} is not 1 to 12"))?;
    at.ensure(class.grade() == grade, || format!("class {class} is not of grade {grade}"))
}

fn check_changes(programme: &Programme, lines: &[u64], index: &mut Index<'_>) -> Checked {
    let mut earlier = None;
    for (change, line) in programme.pupil_changes.iter().zip(lines) {
        let at = At { file: PUPIL_CHANGES, line: *line };
        at.ensure(earlier <= Some(change.at), || format!("{} is before the line above", change.at))?;
        earlier = Some(change.at);
        match change.kind {
            ChangeKind::Arrived => {
                check_destination(at, change, index)?;
                at.ensure(change.given_name.is_some() && change.family_name.is_some(), || {
                    "an arrival needs a given_name and a family_name".to_owned()
                })?;
                if !index.pupils.insert(change.register_code) {
                    return Err(second(at, change.register_code));
                }
            }
            ChangeKind::Moved => {
                check_known(at, change.register_code, index)?;
                check_destination(at, change, index)?;
                at.ensure(change.booked_lines.is_some(), || {
                    "a move must say in booked_lines whether they stay".to_owned()
                })?;
            }
            ChangeKind::Left => check_known(at, change.register_code, index)?,
        }
    }
    Ok(())
}

fn check_known(at: At, code: RegisterCode, index: &Index<'_>) -> Checked {
    if index.pupils.contains(&code) { Ok(()) } else { Err(at.unknown("register_code", code, PUPILS)) }
}

fn check_destination(at: At, change: &PupilChange, index: &Index<'_>) -> Checked {
    match (change.school_code, change.branch, change.class, change.grade, change.place) {
        (Some(school), Some(branch), Some(class), Some(grade), Some(_)) => {
            check_seat(at, &index.schools, (school, branch, class, grade))
        }
        _ => Err(at.unfitting("needs school_code, branch, place, class and grade".to_owned())),
    }
}

fn check_offers(programme: &Programme, lines: &Lines<'_>, index: &Index<'_>) -> Checked {
    for (provider, line) in programme.providers.iter().zip(&lines.providers) {
        let of_code = match provider.provider_code {
            ProviderCode::Legal(_) => ProviderKind::Legal,
            ProviderCode::Natural(_) => ProviderKind::Natural,
        };
        At { file: PROVIDERS, line: *line }
            .ensure(provider.kind == of_code, || format!("kind does not fit the code {}", provider.provider_code))?;
    }
    for (service, line) in programme.services.iter().zip(&lines.services) {
        check_service(At { file: SERVICES, line: *line }, service, index)?;
    }
    for (session, line) in programme.sessions.iter().zip(&lines.sessions) {
        let at = At { file: SESSIONS, line: *line };
        let service = index
            .services
            .get(&session.service_code)
            .ok_or_else(|| at.unknown("service_code", session.service_code, SERVICES))?;
        at.ensure(service.venues.places().contains(&session.place), || {
            format!("place {} is no venue of {}", session.place, session.service_code)
        })?;
        at.ensure(session.start < session.end, || format!("ends at {} before it starts", session.end))?;
        at.ensure(session.capacity > 0, || "capacity 0 seats nobody".to_owned())?;
    }
    Ok(())
}

fn check_service(at: At, service: &Service, index: &Index<'_>) -> Checked {
    if !index.providers.contains_key(&service.provider_code) {
        return Err(at.unknown("provider_code", service.provider_code, PROVIDERS));
    }
    at.ensure(service.price_cents > 0, || "price_cents 0 is no price".to_owned())?;
    let (from, to) = (service.grade_from, service.grade_to);
    at.ensure(1 <= from && from <= to && to <= 12, || format!("grades {from} to {to} are not within 1 to 12"))?;
    let (min, max) = (service.min_group, service.max_group);
    at.ensure(1 <= min && min <= max, || format!("groups of {min} to {max} hold nobody"))?;
    at.ensure(service.valid_from <= service.valid_until, || {
        format!("valid until {} before it begins", service.valid_until)
    })
}

fn check_orders(programme: &Programme, lines: &[u64], index: &mut Index<'_>) -> Checked {
    for (order, line) in programme.orders.iter().zip(lines) {
        let at = At { file: ORDERS, line: *line };
        if !index.sessions.contains_key(&order.session_code) {
            return Err(at.unknown("session_code", order.session_code, SESSIONS));
        }
        if !index.schools.contains_key(&order.school_code) {
            return Err(at.unknown("school_code", order.school_code, SCHOOLS));
        }
        at.ensure(order.requested_pupils > 0, || "requested_pupils 0 orders for nobody".to_owned())?;
        if !index.orders.insert(order.order_code) {
            let At { file, line } = at;
            let value = order.order_code.to_string();
            return Err(ProgrammeError::Duplicate { file, line, column: "order_code", value });
        }
    }
    Ok(())
}
