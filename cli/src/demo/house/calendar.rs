//! The rules of a year moved to another one.

use anyhow::Context;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use keis_ledger::parameters::ProgrammeParameters;
use keis_ledger::time::{Day, Offset, Timestamp};

/// The same rules so many years later: the same days of the calendar, in local time.
pub(super) fn shifted(parameters: &ProgrammeParameters, years: i16) -> anyhow::Result<ProgrammeParameters> {
    let zone = TimeZone::get("Europe/Vilnius").context("the time zone of the programme")?;
    let moved = |at: Timestamp| -> anyhow::Result<Timestamp> {
        let local = instant(at)?.to_zoned(zone.clone()).checked_add(years.years())?;
        Ok(Timestamp(u64::try_from(local.timestamp().as_millisecond())?))
    };
    let mut next = parameters.clone();
    next.window_from = moved(parameters.window_from)?;
    next.window_until = moved(parameters.window_until)?;
    next.register_until = moved(parameters.register_until)?;
    let epoch = Date::constant(1970, 1, 1);
    let day = |day: &Day| -> anyhow::Result<Day> {
        let date = epoch.checked_add(i64::from(day.0).days())?.checked_add(years.years())?;
        Ok(Day(u32::try_from(date.since(epoch)?.get_days())?))
    };
    next.calendar.holidays = parameters.calendar.holidays.iter().map(day).collect::<Result<_, _>>()?;
    next.calendar.offsets = offsets(&zone, next.window_from, next.window_until)?;
    Ok(next)
}

/// Offsets of local time that hold from one instant to another.
fn offsets(zone: &TimeZone, from: Timestamp, until: Timestamp) -> anyhow::Result<Vec<Offset>> {
    let last = instant(until)?;
    let offset = |at: jiff::Timestamp, from: Timestamp| -> anyhow::Result<Offset> {
        Ok(Offset { from, minutes: u16::try_from(zone.to_offset(at).seconds() / 60)? })
    };
    let mut offsets = vec![offset(instant(from)?, from)?];
    for change in zone.following(instant(from)?).take_while(|change| change.timestamp() < last) {
        let at = Timestamp(u64::try_from(change.timestamp().as_millisecond())?);
        offsets.push(offset(change.timestamp(), at)?);
    }
    Ok(offsets)
}

fn instant(at: Timestamp) -> anyhow::Result<jiff::Timestamp> {
    Ok(jiff::Timestamp::from_millisecond(i64::try_from(at.0)?)?)
}
