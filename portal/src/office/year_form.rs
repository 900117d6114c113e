//! The form that opens a year: prefilled from the latest year's rules, read back into the ledger's parameters. Pure.

use jiff::civil::{self, Weekday};
use jiff::{ToSpan, tz::TimeZone};
use keis_ledger::classifiers::{Grades, Year};
use keis_ledger::money::Cents;
use keis_ledger::parameters::{ArrivalAmount, ProgrammeParameters};
use keis_ledger::time::{Calendar, Day, Offset, Span, Timestamp};
use keis_wallet::client::YearParameters;

use super::forms::{Builder, Form, Problems, money, number, share, written};
use crate::call::Fields;
use crate::words::Words;

/// Zone of the programme's days.
const ZONE: &str = "Europe/Vilnius";
/// Fixed public holidays, month and day.
const HOLIDAYS: [(i8, i8); 12] =
    [(1, 1), (2, 16), (3, 11), (5, 1), (6, 24), (7, 6), (8, 15), (11, 1), (11, 2), (12, 24), (12, 25), (12, 26)];
/// A day in milliseconds.
const DAY: u64 = 24 * 60 * 60 * 1000;

/// A year as the form describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewYear {
    /// The year.
    pub(crate) year: Year,
    /// Its rules.
    pub(crate) parameters: ProgrammeParameters,
    /// For the pupils of the register's day.
    pub(crate) budget: Cents,
    /// For pupils who arrive later.
    pub(crate) reserve: Cents,
}

/// What the form holds before anybody touched it: last year's rules, moved on by a year; the programme's custom when there is
/// no year yet. `pupils` is how many stand in the registry.
pub(crate) fn prefilled(latest: Option<&YearParameters>, this_year: u16, pupils: u64) -> Fields {
    let year = latest.map_or(this_year, |latest| latest.year.0.saturating_add(1));
    let rules = latest.map(|latest| &latest.parameters);
    let whole = |days: Option<Span>, custom: u64| days.map_or(custom, |span| span.0.div_ceil(DAY)).to_string();
    let percent = |points: Option<u16>, custom: u16| written(u64::from(points.unwrap_or(custom)));
    let amount = rules.map_or(Cents::new(1_400), |rules| rules.amount_per_pupil);
    let mut fields = Vec::new();
    let mut put = |name: &str, value: String| fields.push((name.to_owned(), value));
    put("year", year.to_string());
    put("amount", written(amount.get()));
    put("pupils", pupils.to_string());
    put("reserve", written(amount.checked_mul(pupils.div_ceil(100)).map_or(0, Cents::get)));
    put("from", format!("{year}-01-01"));
    put("until", format!("{year}-12-20"));
    put("register", format!("{year}-01-31"));
    put("arrivals", arrivals_name(rules.map_or(ArrivalAmount::ProRata, |rules| rules.arrivals)).to_owned());
    put("hold", whole(rules.map(|rules| rules.hold_expiry), 5));
    put("change", whole(rules.map(|rules| rules.free_change), 3));
    put("cancel", whole(rules.map(|rules| rules.free_cancel), 5));
    put("late", percent(rules.map(|rules| rules.late_share.get()), 5_000));
    put("absence", percent(rules.map(|rules| rules.absence_share.get()), 10_000));
    put("minimum", percent(rules.map(|rules| rules.minimum_share.get()), 0));
    put("attendance", rules.map_or(5, |rules| rules.attendance_days).to_string());
    put("settlement", whole(rules.map(|rules| rules.settlement_period), 21));
    put("grade-from", rules.map_or(9, |rules| rules.own_key_grades.from).to_string());
    put("grade-until", rules.map_or(12, |rules| rules.own_key_grades.until).to_string());
    let days: Vec<String> =
        i16::try_from(year).map(holidays).unwrap_or_default().iter().map(civil::Date::to_string).collect();
    put("holidays", days.join("\n"));
    Fields(fields)
}

/// The form with what was filled in and what is wrong with it.
pub(crate) fn form(w: &'static Words, fields: &Fields, problems: &Problems) -> Form {
    let arrivals = ["full", "pro_rata", "none"];
    let arrivals = arrivals.map(|name| (name.to_owned(), w.text(&format!("office-arrivals-{name}")))).to_vec();
    Builder::new(w, "/office/year/open", "office-year-open-button", fields, problems)
        .group(Some("office-year-money"))
        .number("year", "office-year-year")
        .number("amount", "office-year-amount")
        .number("pupils", "office-year-pupils")
        .number("reserve", "office-year-reserve")
        .group(Some("office-year-window"))
        .date("from", "office-year-from")
        .date("until", "office-year-until")
        .date("register", "office-year-register")
        .select("arrivals", "office-year-arrivals", arrivals)
        .group(Some("office-year-deadlines"))
        .number("hold", "office-year-hold")
        .number("change", "office-year-change")
        .number("cancel", "office-year-cancel")
        .number("attendance", "office-year-attendance")
        .number("settlement", "office-year-settlement")
        .group(Some("office-year-shares"))
        .number("late", "office-year-late")
        .number("absence", "office-year-absence")
        .number("minimum", "office-year-minimum")
        .group(Some("office-year-others"))
        .number("grade-from", "office-year-grade-from")
        .number("grade-until", "office-year-grade-until")
        .area("holidays", "office-year-holidays", 16)
        .done()
}

/// Reads the form.
pub(crate) fn read(fields: &Fields) -> Result<NewYear, Problems> {
    let mut problems = Problems::default();
    let read = read_fields(fields, &mut problems);
    match read {
        Some(new) if problems.is_empty() => {
            if new.parameters.is_sound() {
                return Ok(new);
            }
            problems.add("", "rejection-parameters_unsound");
            Err(problems)
        }
        Some(_) | None => Err(problems),
    }
}

fn read_fields(fields: &Fields, problems: &mut Problems) -> Option<NewYear> {
    let days = |text: &str| number::<u32>(text).filter(|days| *days <= 365).map(Span::days);
    let year = problems.need(fields, "year", "office-error-year", |text| {
        number::<u16>(text).filter(|year| (2000..10_000).contains(year))
    });
    let amount = problems.need(fields, "amount", "office-error-money", positive);
    let pupils =
        problems.need(fields, "pupils", "office-error-number", |text| number::<u64>(text).filter(|pupils| *pupils > 0));
    let reserve = problems.need(fields, "reserve", "office-error-money", money);
    let from = problems.need(fields, "from", "office-error-date", midnight);
    let until = problems.need(fields, "until", "office-error-date", midnight_after);
    let register = problems.need(fields, "register", "office-error-date", midnight_after);
    let arrivals = problems.need(fields, "arrivals", "office-error-choice", arrivals);
    let hold = problems.need(fields, "hold", "office-error-days", |text| days(text).filter(|span| span.0 > 0));
    let change = problems.need(fields, "change", "office-error-days", days);
    let cancel = problems.need(fields, "cancel", "office-error-days", days);
    let late = problems.need(fields, "late", "office-error-share", share);
    let absence = problems.need(fields, "absence", "office-error-share", share);
    let minimum = problems.need(fields, "minimum", "office-error-share", share);
    let attendance = problems
        .need(fields, "attendance", "office-error-attendance", |text| number::<u16>(text).filter(|days| *days <= 60));
    let settlement = problems.need(fields, "settlement", "office-error-days", days);
    let grade = |text: &str| number::<u8>(text).filter(|grade| (1..=12).contains(grade));
    let own = (
        problems.need(fields, "grade-from", "office-error-grade", grade),
        problems.need(fields, "grade-until", "office-error-grade", grade),
    );
    if own.0.zip(own.1).is_some_and(|(from, until)| from > until) {
        problems.add("grade-until", "office-error-grades");
    }
    if from.zip(until).is_some_and(|(from, until)| from >= until) {
        problems.add("until", "office-error-order");
    }
    if register.zip(until).is_some_and(|(register, until)| register >= until) {
        problems.add("register", "office-error-register");
    }
    let holidays = holiday_list(fields.get("holidays").unwrap_or_default());
    if holidays.is_none() {
        problems.add("holidays", "office-error-holidays");
    }
    let budget = amount?.checked_mul(pupils?);
    if budget.is_none() {
        problems.add("pupils", "rejection-amount_too_large");
    }
    let year = year?;
    let parameters = ProgrammeParameters {
        amount_per_pupil: amount?,
        register_until: register?,
        arrivals: arrivals?,
        window_from: from?,
        window_until: until?,
        hold_expiry: hold?,
        free_change: change?,
        free_cancel: cancel?,
        late_share: late?,
        absence_share: absence?,
        minimum_share: minimum?,
        attendance_days: attendance?,
        settlement_period: settlement?,
        own_key_grades: Grades { from: own.0?, until: own.1? },
        calendar: Calendar { holidays: holidays?, offsets: offsets(i16::try_from(year).ok()?) },
    };
    Some(NewYear { year: Year(year), parameters, budget: budget?, reserve: reserve? })
}

fn positive(text: &str) -> Option<Cents> {
    money(text).filter(|amount| !amount.is_zero())
}

fn arrivals(text: &str) -> Option<ArrivalAmount> {
    [ArrivalAmount::Full, ArrivalAmount::ProRata, ArrivalAmount::None]
        .into_iter()
        .find(|some| arrivals_name(*some) == text)
}

/// As the ledger writes it.
pub(crate) fn arrivals_name(arrivals: ArrivalAmount) -> &'static str {
    match arrivals {
        ArrivalAmount::Full => "full",
        ArrivalAmount::ProRata => "pro_rata",
        ArrivalAmount::None => "none",
    }
}

fn zone() -> TimeZone {
    TimeZone::get(ZONE).expect("the zones are compiled in")
}

/// The instant at which a local day begins.
pub(crate) fn midnight(text: &str) -> Option<Timestamp> {
    begin(text.parse().ok()?)
}

/// The instant at which a local day ends.
pub(crate) fn midnight_after(text: &str) -> Option<Timestamp> {
    begin(text.parse::<civil::Date>().ok()?.tomorrow().ok()?)
}

fn begin(day: civil::Date) -> Option<Timestamp> {
    let millis = day.to_zoned(zone()).ok()?.timestamp().as_millisecond();
    u64::try_from(millis).ok().map(Timestamp)
}

/// Days of a list, one a line, as the ledger counts them.
fn holiday_list(text: &str) -> Option<Vec<Day>> {
    let mut days = Vec::new();
    for line in text.split([',', '\n', ' ', '\r']).filter(|part| !part.is_empty()) {
        let day: civil::Date = line.parse().ok()?;
        let since = day.since(civil::date(1970, 1, 1)).ok()?.get_days();
        days.push(Day(u32::try_from(since).ok()?));
    }
    days.sort_unstable();
    days.dedup();
    (days.len() <= 100).then_some(days)
}

/// Public holidays of a year by law, and the first day of the next, to which deadlines may run.
pub(crate) fn holidays(year: i16) -> Vec<civil::Date> {
    let fixed = HOLIDAYS.iter().filter_map(|(month, day)| civil::Date::new(year, *month, *day).ok());
    let easter = easter(year);
    let first_sunday = |month| civil::date(year, month, 1).nth_weekday_of_month(1, Weekday::Sunday).ok();
    let moving = [easter, easter.and_then(|day| day.tomorrow().ok()), first_sunday(5), first_sunday(6)];
    let next = civil::Date::new(year.saturating_add(1), 1, 1).ok();
    let mut all: Vec<civil::Date> = fixed.chain(moving.into_iter().flatten()).chain(next).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Easter Sunday of the Gregorian calendar.
fn easter(year: i16) -> Option<civil::Date> {
    let year = i32::from(year);
    let golden = year % 19;
    let (century, rest) = (year / 100, year % 100);
    let epact = (19 * golden + century - century / 4 - (century - (century + 8) / 25 + 1) / 3 + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (rest / 4) - epact - rest % 4) % 7;
    let late = (golden + 11 * epact + 22 * weekday) / 451;
    let number = epact + weekday - 7 * late + 114;
    civil::Date::new(i16::try_from(year).ok()?, i8::try_from(number / 31).ok()?, i8::try_from(number % 31 + 1).ok()?)
        .ok()
}

/// Offsets of local time that a year's deadlines meet.
fn offsets(year: i16) -> Vec<Offset> {
    let zone = zone();
    let start =
        civil::date(year, 1, 1).to_zoned(zone.clone()).expect("every year of four digits has a first day").timestamp();
    let end = start + (24 * 500).hours();
    let minutes = |at: jiff::Timestamp| u16::try_from(zone.to_offset(at).seconds() / 60).unwrap_or_default();
    let instant = |at: jiff::Timestamp| Timestamp(u64::try_from(at.as_millisecond()).unwrap_or_default());
    let mut offsets = vec![Offset { from: instant(start), minutes: minutes(start) }];
    let changes = zone.following(start).map(|change| change.timestamp()).take_while(|at| *at < end);
    for at in changes {
        let next = Offset { from: instant(at), minutes: minutes(at) };
        if offsets.last().is_some_and(|last| last.minutes != next.minutes) {
            offsets.push(next);
        }
    }
    offsets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Lang;

    fn changed(name: &str, value: &str) -> Result<NewYear, Problems> {
        let mut fields = prefilled(None, 2028, 349_500);
        fields.0.iter_mut().filter(|(key, _)| key == name).for_each(|(_, old)| value.clone_into(old));
        read(&fields)
    }

    #[test]
    fn what_is_prefilled_makes_a_year() {
        let new = read(&prefilled(None, 2028, 349_500)).unwrap();
        assert_eq!(new.year, Year(2028));
        assert_eq!(new.budget, Cents::new(1_400 * 349_500));
        assert!(new.parameters.is_sound());
        let w = Lang::Lt.words();
        assert_eq!(w.date_time(&new.parameters.window_from), "2028-01-01 00:00");
        assert_eq!(w.date_time(&new.parameters.window_until), "2028-12-21 00:00");
    }

    #[test]
    fn the_next_year_takes_the_last_ones_rules() {
        let first = changed("late", "25").unwrap();
        let latest = YearParameters {
            year: first.year,
            state: keis_ledger::record::YearState::Open,
            parameters: first.parameters.clone(),
        };
        let next = read(&prefilled(Some(&latest), 2028, 10)).unwrap();
        assert_eq!(next.year, Year(2029));
        assert_eq!(next.parameters.late_share.get(), 2_500);
        assert_eq!(next.budget, Cents::new(14_000));
    }

    #[test]
    fn each_mistake_is_told_beside_its_field() {
        for (name, value, key) in [
            ("year", "28", "office-error-year"),
            ("amount", "0", "office-error-money"),
            ("pupils", "many", "office-error-number"),
            ("from", "2028-13-01", "office-error-date"),
            ("until", "2027-12-20", "office-error-order"),
            ("register", "2028-12-24", "office-error-register"),
            ("arrivals", "half", "office-error-choice"),
            ("hold", "0", "office-error-days"),
            ("late", "101", "office-error-share"),
            ("attendance", "61", "office-error-attendance"),
            ("grade-from", "13", "office-error-grade"),
            ("holidays", "2028-02-30", "office-error-holidays"),
            ("reserve", "", "office-error-empty"),
        ] {
            let problems = changed(name, value).unwrap_err();
            assert!(problems.0.contains(&(name, key)), "{name}={value}: {problems:?}");
        }
    }

    #[test]
    fn holidays_follow_the_law() {
        let days: Vec<String> = holidays(2028).iter().map(civil::Date::to_string).collect();
        for day in ["2028-04-16", "2028-04-17", "2028-05-07", "2028-06-04", "2028-12-26", "2029-01-01"] {
            assert!(days.contains(&day.to_owned()), "{day} of {days:?}");
        }
        let easters: Vec<String> = [2026, 2027, 2030].iter().map(|year| easter(*year).unwrap().to_string()).collect();
        assert_eq!(easters, ["2026-04-05", "2027-03-28", "2030-04-21"]);
    }

    #[test]
    fn local_time_changes_twice_a_year() {
        let minutes: Vec<u16> = offsets(2028).iter().map(|offset| offset.minutes).collect();
        assert_eq!(minutes, [120, 180, 120, 180]);
        assert_eq!(Lang::Lt.words().date_time(&offsets(2028)[1].from), "2028-03-26 04:00");
    }
}
