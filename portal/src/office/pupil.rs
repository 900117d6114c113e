//! Looking one pupil up by the register's exact code, for a reason that the log keeps.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Year;
use keis_registry::log::{Entry, append};
use keis_registry::people::{PupilRecord, Standing};
use keis_registry::permission::Permission;
use warp::http::StatusCode;

use super::forms::{Builder, Control, Form, Problems};
use crate::call::{Acting, Answer, Call, Fields, page_with};
use crate::frame::{Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// Reasons for which a pupil may be looked up.
const REASONS: [&str; 5] = ["request", "complaint", "erasure", "error", "audit"];

/// What was found.
struct Found {
    person: String,
    facts: Vec<(String, String)>,
    erasable: bool,
}

#[derive(Template)]
#[template(path = "office/pupil.html")]
struct PupilPage {
    f: Frame,
    form: Form,
    found: Option<Found>,
    asked: bool,
}

/// GET /office/pupil
pub(super) async fn form(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::ActOnBehalf).await?;
    shown(&site, &call, &Fields::default(), &Problems::default(), None).await
}

async fn shown(
    site: &Arc<Site>,
    call: &Call,
    fields: &Fields,
    problems: &Problems,
    found: Option<Option<Found>>,
) -> Answer {
    let w = call.words();
    let reasons = REASONS.map(|reason| (reason.to_owned(), w.text(&format!("office-reason-{reason}")))).to_vec();
    let form = Builder::new(w, "/office/pupil", "office-pupil-find", fields, problems)
        .line("code", "office-pupil-code")
        .select("reason", "office-pupil-reason", reasons)
        .line("case", "office-pupil-case")
        .done();
    let f = call.frame(site, Section::People, w.text("office-pupil-title")).await?;
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let asked = found.is_some();
    page_with(status, &PupilPage { f, form, found: found.flatten(), asked })
}

/// What the log keeps of why: a reason of the list and the number of the case, never a name.
pub(super) fn reason(fields: &Fields, problems: &mut Problems, reasons: &[&str]) -> Option<String> {
    let case = |text: &str| {
        let fits = text.len() <= 40 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-/.".contains(&byte));
        (fits && text.bytes().any(|byte| byte.is_ascii_digit())).then(|| text.to_owned())
    };
    let reason = problems
        .need(fields, "reason", "office-error-choice", |text| reasons.iter().find(|known| **known == text).copied());
    let case = problems.need(fields, "case", "office-error-case", case);
    Some(format!("{}, case {}", reason?, case?))
}

/// POST /office/pupil
pub(super) async fn find(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::ActOnBehalf).await?;
    let mut problems = Problems::default();
    let code =
        problems.need(&call.form, "code", "office-error-code", |text| (text.len() <= 40).then(|| text.to_owned()));
    let reason = reason(&call.form, &mut problems, &REASONS);
    let (Some(code), Some(reason)) = (code, reason) else {
        return shown(&site, &call, &call.form, &problems, None).await;
    };
    let year = current_year(&site).await?;
    let found = site.registry.find_pupil(&acting.actor(), &code, year).await?;
    note(&site, &acting, found.as_ref(), &reason).await?;
    let found = match found {
        Some(record) => Some(facts(&site, &call, year, &record).await?),
        None => None,
    };
    let mut fields = call.form.clone();
    fields.0.retain(|(name, _)| name != "code");
    shown(&site, &call, &fields, &Problems::default(), Some(found)).await
}

/// The year of orders; the calendar's while none was opened.
pub(super) async fn current_year(site: &Arc<Site>) -> Result<Year, Trouble> {
    match site.programme().await {
        Ok(programme) => Ok(programme.year),
        Err(Trouble::NotFound) => {
            let now = site.now().await?;
            let year = crate::words::Lang::Lt.words().local(&now).year();
            Ok(Year(u16::try_from(year).unwrap_or_default()))
        }
        Err(trouble) => Err(trouble),
    }
}

async fn note(site: &Arc<Site>, acting: &Acting, found: Option<&PupilRecord>, reason: &str) -> Result<(), Trouble> {
    let mut work = site.registry.begin().await?;
    let subject = found.map_or_else(|| "nobody".to_owned(), |record| record.card.person.to_string());
    append(&mut work, Entry::new(&acting.actor(), "pupil looked up", subject).detail(reason)).await?;
    Ok(work.commit().await?)
}

/// Key of the words for whether somebody is in the register.
fn standing_key(standing: Standing) -> &'static str {
    match standing {
        Standing::Enrolled => "office-pupil-enrolled",
        Standing::Left => "office-pupil-left",
        Standing::Erased => "office-erased",
    }
}

async fn facts(site: &Arc<Site>, call: &Call, year: Year, record: &PupilRecord) -> Result<Found, Trouble> {
    let w: &Words = call.words();
    let card = &record.card;
    let school = super::acts::party_name(site, keis_ledger::operation::Party::School(card.school)).await?;
    let mut facts = vec![
        (w.text("office-pupil-name"), format!("{} {}", card.given_name, card.family_name)),
        (w.text("office-pupil-school"), school),
        (w.text("office-pupil-class"), card.class.clone()),
        (w.text("office-state"), format!("{}, {}", w.text(standing_key(record.standing)), w.date(&record.since))),
    ];
    if let Some(wallet) = card.wallet {
        facts.push((w.with1("office-pupil-wallet", "year", &year.to_string()), wallet.to_string()));
        if let Some(held) = site.client.pupil_wallet(year, wallet).await? {
            facts.push((w.text("office-pupil-balance"), w.money(&held.balance)));
            facts.push((w.text("office-pupil-bookings"), w.number(held.bookings.len())));
        }
    } else {
        facts.push((w.with1("office-pupil-wallet", "year", &year.to_string()), w.text("office-wallet-not-open")));
    }
    Ok(Found { person: card.person.to_string(), facts, erasable: record.standing != Standing::Erased })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(reason_given: &str, case: &str) -> Option<String> {
        let fields = Fields(vec![("reason".to_owned(), reason_given.to_owned()), ("case".to_owned(), case.to_owned())]);
        let mut problems = Problems::default();
        reason(&fields, &mut problems, &REASONS).filter(|_| problems.is_empty())
    }

    #[test]
    fn the_log_keeps_a_reason_and_a_case_but_no_name() {
        assert_eq!(noted("request", "2028/A-17").as_deref(), Some("request, case 2028/A-17"));
        assert_eq!(noted("curiosity", "17"), None);
        assert_eq!(noted("request", "Jonas"), None);
        assert_eq!(noted("request", "Jonas Jonaitis 17"), None);
        assert_eq!(noted("request", ""), None);
    }
}
