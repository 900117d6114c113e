//! What the rules allow and somebody should look at all the same. Every flag has its measure and its limit; none is a proof
//! of anything. No flag names a pupil.

use std::collections::BTreeMap;

use keis_ledger::classifiers::{Place, Year};
use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::{ProviderId, PupilId, SessionId};
use keis_ledger::money::{Amounts, Cents};
use keis_ledger::parameters::ProgrammeParameters;
use keis_ledger::record::{LineState, Order, Session};
use keis_ledger::time::{Calendar, Day, Span, Timestamp};
use serde::Serialize;

use crate::collect::Collector;

/// Most cases that are listed; all are counted.
const MOST_CASES: usize = 50;
const MINUTE: u64 = 60_000;

/// From where on something is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Least minutes between two visits of a pupil in different places.
    pub minutes_between: u64,
    /// Orders that a share is judged from.
    pub least_orders: u64,
    /// Largest share of a provider's year in December, in hundredths of a per cent.
    pub december_share: u64,
    /// Largest share of a coordinator's orders with one provider.
    pub one_provider_share: u64,
    /// Largest share of attendance that nobody confirmed.
    pub automatic_share: u64,
    /// Most lines a day of one provider that spend a pupil's whole year.
    pub whole_wallets_a_day: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            minutes_between: 30,
            least_orders: 10,
            december_share: 3_000,
            one_provider_share: 9_000,
            automatic_share: 5_000,
            whole_wallets_a_day: 100,
        }
    }
}

/// A flag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Anomaly {
    /// Stable name of the measure.
    pub code: &'static str,
    /// What is measured and in what unit.
    pub measure: &'static str,
    /// Cases beyond it are told; absent where every case has its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Cases in all.
    pub found: u64,
    /// The cases, the largest first; at most fifty.
    pub cases: Vec<Case>,
}

/// Something beyond a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Case {
    /// Ids of what it is about.
    pub about: Vec<String>,
    /// What was measured.
    pub value: u64,
    /// Beyond which it is told.
    pub limit: u64,
}

/// That a pupil attended an order's session; so small since there is one for each line of a year.
struct Visit {
    pupil: PupilId,
    /// Index among the occasions.
    occasion: u32,
}

/// What pupils attended.
struct Occasion {
    start: Timestamp,
    end: Timestamp,
    place: Option<Place>,
    session: SessionId,
}

/// A year's orders, as far as flags need them.
pub(crate) struct Observations {
    year: Year,
    calendar: Calendar,
    whole_wallet: Cents,
    visits: Vec<Visit>,
    occasions: Vec<Occasion>,
    sessions: BTreeMap<SessionId, (u64, u64)>,
    months: BTreeMap<ProviderId, (u64, u128, u128)>,
    keys: BTreeMap<PublicKey, BTreeMap<ProviderId, u64>>,
    whole_wallets: BTreeMap<(ProviderId, Day), u64>,
}

impl Observations {
    pub(crate) fn new(year: Year, parameters: &ProgrammeParameters) -> Self {
        Self {
            year,
            calendar: parameters.calendar.clone(),
            whole_wallet: parameters.amount_per_pupil,
            visits: Vec::new(),
            occasions: Vec::new(),
            sessions: BTreeMap::new(),
            months: BTreeMap::new(),
            keys: BTreeMap::new(),
            whole_wallets: BTreeMap::new(),
        }
    }

    /// Notes an order with its session.
    pub(crate) fn order(&mut self, order: &Order, session: Option<&Session>) {
        let attended: Vec<_> = order.lines.iter().filter(|line| line.state == LineState::Attended).collect();
        *self.keys.entry(order.orderer_key).or_default().entry(order.provider).or_default() += 1;
        if attended.is_empty() {
            return;
        }
        let capacity = session.map_or(u64::MAX, |session| u64::from(session.offer.capacity));
        self.sessions.entry(order.session).or_insert((0, capacity)).0 += attended.len() as u64;
        let day = self.calendar.day(order.start);
        let earned: u128 = attended.iter().map(|line| cents(&line.due)).sum();
        let (orders, all, december) = self.months.entry(order.provider).or_default();
        *orders += 1;
        *all += earned;
        if month(day) == 12 {
            *december += earned;
        }
        let whole = attended.iter().filter(|line| cents(&line.due) >= u128::from(self.whole_wallet.get())).count();
        if whole > 0 {
            *self.whole_wallets.entry((order.provider, day)).or_default() += whole as u64;
        }
        let place = session.map(|session| session.offer.place);
        let occasion =
            u32::try_from(self.occasions.len()).expect("a year has fewer orders than a chain has transactions");
        self.occasions.push(Occasion { start: order.start, end: order.end, place, session: order.session });
        self.visits.extend(attended.iter().map(|line| Visit { pupil: line.pupil, occasion }));
    }

    /// Judges what was noted.
    pub(crate) fn anomalies(mut self, limits: &Limits, collector: &Collector) -> Vec<Anomaly> {
        let when = |visit: &Visit| {
            let occasion = &self.occasions[visit.occasion as usize];
            (occasion.start, occasion.end, visit.occasion)
        };
        let pupil = |visit: &Visit| u128::from_be_bytes(visit.pupil.0);
        self.visits
            .sort_unstable_by(|one, other| pupil(one).cmp(&pupil(other)).then_with(|| when(one).cmp(&when(other))));
        vec![
            self.twice(),
            self.hurried(limits),
            self.crowded(),
            self.december(limits),
            self.one_provider(limits),
            self.automatic(limits, collector),
            self.whole_wallets(limits),
        ]
    }

    /// What a pupil attended one after the other.
    fn pairs(&self) -> impl Iterator<Item = (&Occasion, &Occasion)> {
        let of_one = self.visits.windows(2).filter(|pair| pair[0].pupil == pair[1].pupil);
        let occasion = |visit: &Visit| &self.occasions[visit.occasion as usize];
        of_one.map(move |pair| (occasion(&pair[0]), occasion(&pair[1])))
    }

    fn twice(&self) -> Anomaly {
        let cases = self.pairs().filter(|(one, other)| other.start < one.end);
        let cases = cases.map(|(one, other)| Case {
            about: vec![one.session.to_string(), other.session.to_string()],
            value: (one.end.0 - other.start.0).div_ceil(MINUTE),
            limit: 0,
        });
        told("pupil_in_two_places", "minutes in which a pupil attended two sessions at once", Some(0), cases.collect())
    }

    fn hurried(&self, limits: &Limits) -> Anomaly {
        let least = Span(limits.minutes_between * MINUTE);
        let cases = self.pairs().filter(|(one, other)| {
            one.end <= other.start && other.start < one.end.after(least) && one.place != other.place
        });
        let cases = cases.map(|(one, other)| Case {
            about: vec![one.session.to_string(), other.session.to_string()],
            value: (other.start.0 - one.end.0) / MINUTE,
            limit: limits.minutes_between,
        });
        let measure = "minutes between two sessions of a pupil in different municipalities";
        told("pupil_hurried", measure, Some(limits.minutes_between), cases.collect())
    }

    fn crowded(&self) -> Anomaly {
        let cases = self.sessions.iter().filter(|(_, (attended, capacity))| attended > capacity);
        let cases = cases.map(|(session, (attended, capacity))| Case {
            about: vec![session.to_string()],
            value: *attended,
            limit: *capacity,
        });
        told("attendance_above_capacity", "pupils who attended a session, beside its capacity", None, cases.collect())
    }

    fn december(&self, limits: &Limits) -> Anomaly {
        let cases = self.months.iter().filter(|(_, (orders, ..))| *orders >= limits.least_orders);
        let cases = cases.map(|(provider, (_, all, december))| Case {
            about: vec![provider.to_string()],
            value: share(*december, *all),
            limit: limits.december_share,
        });
        let measure = "share of a provider's earnings in December, in hundredths of a per cent, from ten orders on";
        told("december_spike", measure, Some(limits.december_share), beyond(cases))
    }

    fn one_provider(&self, limits: &Limits) -> Anomaly {
        let cases = self.keys.iter().filter_map(|(key, providers)| {
            let all: u64 = providers.values().sum();
            let (provider, most) = providers.iter().max_by_key(|(_, orders)| **orders)?;
            (all >= limits.least_orders).then(|| Case {
                about: vec![key.to_string(), provider.to_string()],
                value: share(u128::from(*most), u128::from(all)),
                limit: limits.one_provider_share,
            })
        });
        let measure =
            "share of a coordinator key's orders with one provider, in hundredths of a per cent, from ten orders on";
        told("one_key_one_provider", measure, Some(limits.one_provider_share), beyond(cases))
    }

    fn automatic(&self, limits: &Limits, collector: &Collector) -> Anomaly {
        let of_year = collector.confirmations.iter().filter(|((year, _), _)| *year == self.year);
        let cases = of_year.filter_map(|((_, provider), seen)| {
            let all = seen.automatic + seen.by_orderer;
            (all >= limits.least_orders).then(|| Case {
                about: vec![provider.to_string()],
                value: share(u128::from(seen.automatic), u128::from(all)),
                limit: limits.automatic_share,
            })
        });
        let measure = "share of a provider's orders whose attendance nobody confirmed, in hundredths of a per cent, from ten \
            orders on";
        told("automatic_confirmations", measure, Some(limits.automatic_share), beyond(cases))
    }

    fn whole_wallets(&self, limits: &Limits) -> Anomaly {
        let cases = self.whole_wallets.iter().map(|((provider, day), lines)| Case {
            about: vec![provider.to_string(), date(*day)],
            value: *lines,
            limit: limits.whole_wallets_a_day.saturating_sub(1),
        });
        let measure = "lines of one provider and day that spend a pupil's whole money of the year";
        told("whole_wallets_in_a_day", measure, Some(limits.whole_wallets_a_day), beyond(cases))
    }
}

fn beyond(cases: impl Iterator<Item = Case>) -> Vec<Case> {
    cases.filter(|case| case.value > case.limit).collect()
}

fn told(code: &'static str, measure: &'static str, limit: Option<u64>, mut cases: Vec<Case>) -> Anomaly {
    cases.sort_by(|a, b| b.value.cmp(&a.value).then_with(|| a.about.cmp(&b.about)));
    let found = cases.len() as u64;
    cases.truncate(MOST_CASES);
    Anomaly { code, measure, limit, found, cases }
}

fn cents(amounts: &Amounts) -> u128 {
    u128::from(amounts.state.get()) + u128::from(amounts.school.get())
}

/// In hundredths of a per cent, half up.
fn share(part: u128, whole: u128) -> u64 {
    let rounded = (part * 10_000 + whole / 2).checked_div(whole).unwrap_or_default();
    u64::try_from(rounded).unwrap_or(u64::MAX)
}

fn civil(day: Day) -> Option<jiff::civil::Date> {
    jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().try_days(day.0).ok()?).ok()
}

fn month(day: Day) -> i8 {
    civil(day).map_or(0, jiff::civil::Date::month)
}

fn date(day: Day) -> String {
    civil(day).map_or_else(|| day.0.to_string(), |date| date.to_string())
}
