//! A provider's sessions: a month as a calendar and as a list.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Year;
use keis_ledger::time::Timestamp;
use keis_registry::permission::Permission;
use keis_wallet::client::OwnSession;

use super::month::Month;
use super::{Own, own};
use crate::call::{Answer, Call, page};
use crate::catalogue::names;
use crate::frame::{Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::{Lang, Words};

#[derive(Template)]
#[template(path = "provider/sessions.html")]
struct Sessions {
    f: Frame,
    month: String,
    previous: String,
    next: String,
    weekdays: Vec<String>,
    weeks: Vec<Vec<Option<Cell>>>,
    rows: Vec<Row>,
    count: String,
}

/// A day of the calendar.
struct Cell {
    day: String,
    date: String,
    /// Whether a session can still be offered on it.
    ahead: bool,
    /// Places in the list of rows.
    sessions: Vec<usize>,
}

/// A session of the month.
struct Row {
    href: String,
    day: String,
    time: String,
    weekday: String,
    title: String,
    place: String,
    taken: String,
    open: bool,
    past: bool,
}

/// The provider's sessions of a year, by their beginning; none of a year that was never opened.
pub(super) async fn of_year(site: &Site, own: &Own, year: Year) -> Result<Vec<OwnSession>, Trouble> {
    if !site.years().await?.iter().any(|known| known.year == year) {
        return Ok(Vec::new());
    }
    let mut all = Vec::new();
    for house in own.houses(site).await? {
        all.extend(site.client.all_provider_sessions(house, year).await?);
    }
    all.sort_by_key(|one| (one.session.offer.start, one.id));
    Ok(all)
}

async fn row(site: &Site, lang: Lang, own: &OwnSession, now: Timestamp) -> Result<Row, Trouble> {
    let (w, offer) = (lang.words(), &own.session.offer);
    site.catalogue.find_service(own.session.service).await?;
    Ok(Row {
        href: format!("/provider/sessions/{}?year={}", own.id, own.year),
        day: w.date(&offer.start),
        time: format!("{}–{}", w.time(&offer.start), w.time(&offer.end)),
        weekday: w.weekday_date(&offer.start),
        title: site.catalogue.title(own.session.service, lang),
        place: names::place(w, offer.place),
        taken: format!("{} / {}", own.session.booked, offer.capacity),
        open: own.session.open,
        past: offer.start <= now,
    })
}

fn weeks(month: Month, rows: &[Row], today: jiff::civil::Date) -> Vec<Vec<Option<Cell>>> {
    let cell = |day: jiff::civil::Date| {
        let date = day.to_string();
        let of_day = rows.iter().enumerate().filter(|(_, row)| row.day == date);
        Cell {
            day: day.day().to_string(),
            ahead: today <= day,
            sessions: of_day.map(|(place, _)| place).collect(),
            date,
        }
    };
    let weeks = month.weeks();
    weeks.into_iter().map(|week| week.into_iter().map(|day| day.map(cell)).collect()).collect()
}

fn name(w: &Words, month: Month) -> String {
    w.with(&format!("provider-month-{}", month.number()), &[("year", &month.year().to_string())])
}

pub(super) async fn sessions(site: Arc<Site>, call: Call) -> Answer {
    let own = own(&call, Permission::OfferSessions).await?;
    let (w, now) = (call.words(), site.now().await?);
    let asked = call.query.get("month").and_then(|text| text.parse().ok());
    let month = asked.unwrap_or_else(|| Month::of(&w.local(&now)));
    let all = of_year(&site, &own, Year(month.year())).await?;
    let mut rows = Vec::new();
    for one in all.iter().filter(|one| month.has(&w.local(&one.session.offer.start))) {
        rows.push(row(&site, call.lang, one, now).await?);
    }
    let f = call.frame(&site, Section::Sessions, w.text("provider-sessions")).await?;
    page(&Sessions {
        f,
        month: name(w, month),
        previous: month.previous().to_string(),
        next: month.next().to_string(),
        weekdays: (1..=7).map(|day| w.text(&format!("weekday-{day}"))).collect(),
        weeks: weeks(month, &rows, w.local(&now).date()),
        count: w.count("count-sessions", rows.len()),
        rows,
    })
}
