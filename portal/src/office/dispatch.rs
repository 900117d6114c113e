//! Invoices on their way to the buyer's system: what waits, what was answered, what needs an officer.

use std::sync::Arc;

use askama::Template;
use keis_registry::Actor;
use keis_registry::dispatch::{AnswerRow, AnswerStanding, Dispatch, DispatchError, DispatchState, Verdict};
use keis_registry::ids::MessageId;
use keis_registry::invoices::PaperKind;
use keis_registry::outbox;
use keis_registry::page::Page;
use keis_registry::permission::{Permission, Role};

use super::{ROWS, acts};
use crate::call::{Answer, Call, page, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::route::{Route, get, post};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// The routes.
pub(super) fn routes(site: &Arc<Site>) -> Vec<Route> {
    vec![
        get(site, "/office/dispatch", list),
        get(site, "/office/dispatch/{message}", show),
        post(site, "/office/dispatch/{message}/retry", retry),
        post(site, "/office/dispatch/{message}/give-up", give_up),
        post(site, "/office/dispatch/answers/{seq}/take-up", take_up),
        post(site, "/office/dispatch/answers/{seq}/dismiss", dismiss),
    ]
}

/// Officers of both offices: the buyer's word concerns who approves and who pays.
fn officer(call: &Call) -> Result<Actor, Trouble> {
    let user = call.user()?;
    let may = |role: Role| role.may(Permission::SeeStatements) && role.may(Permission::RecordPayments);
    if user.grants.iter().any(|grant| may(grant.role)) { Ok(Actor::User(user.id)) } else { Err(Trouble::Forbidden) }
}

fn trouble(error: DispatchError) -> Trouble {
    match error {
        DispatchError::Unknown(_) => Trouble::NotFound,
        DispatchError::AnswerUnknown(_) | DispatchError::StateWrong { .. } => {
            Trouble::Malformed("dispatch-state-wrong")
        }
        DispatchError::Registry(error) => error.into(),
    }
}

/// A document of the table.
struct Row {
    id: MessageId,
    kind: String,
    provider: String,
    statement: String,
    state: String,
    class: &'static str,
    why: Option<String>,
    changed: String,
    may_retry: bool,
    may_give_up: bool,
}

/// An answer.
struct Told {
    seq: u64,
    at: String,
    says: String,
    /// What became of it, or why it was put aside.
    became: String,
    class: &'static str,
    /// In the buyer's words.
    words: Option<String>,
    message: Option<MessageId>,
    named: String,
    may_take_up: bool,
}

/// A state to choose, with how many documents are in it.
struct Tab {
    href: String,
    label: String,
    current: bool,
}

#[derive(Template)]
#[template(path = "office/dispatch.html")]
struct ListPage {
    f: Frame,
    off: bool,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    next: Option<String>,
    aside: Vec<Told>,
    more_aside: Option<String>,
}

#[derive(Template)]
#[template(path = "office/dispatch_document.html")]
struct DocumentPage {
    f: Frame,
    row: Row,
    facts: Vec<(String, String)>,
    answers: Vec<Told>,
}

/// How much of it waits for an officer, in words; none when nothing does.
pub(super) async fn waiting(site: &Arc<Site>, call: &Call, actor: &Actor) -> Result<Option<String>, Trouble> {
    let (counts, aside) = site.registry.dispatch_counts(actor).await?;
    let dead = counts.iter().find(|(state, _)| *state == DispatchState::Dead).map_or(0, |(_, count)| *count);
    let w = call.words();
    let told = |dead: String, aside: String| w.with("dispatch-waiting", &[("dead", &dead), ("aside", &aside)]);
    Ok((dead + aside > 0).then(|| told(w.number(dead), w.number(aside))))
}

fn class(state: DispatchState) -> &'static str {
    match state {
        DispatchState::Waiting | DispatchState::Leaving | DispatchState::Sent | DispatchState::Received => "wait",
        DispatchState::Approved | DispatchState::Paid => "good",
        DispatchState::Rejected | DispatchState::Dead => "bad",
        DispatchState::GivenUp => "",
    }
}

/// Why the last attempt brought nothing, in words.
fn why(w: &Words, trouble: &str) -> String {
    if let Some(status) = trouble.strip_prefix("status_") {
        return w.with1("dispatch-trouble-status", "status", status);
    }
    let key = format!("dispatch-trouble-{}", trouble.replace('_', "-"));
    w.text(if w.has(&key) { &key } else { "dispatch-trouble-other" })
}

async fn look(site: &Site, w: &Words, of: &Dispatch) -> Result<Row, Trouble> {
    let name = site.registry.provider(of.of.provider).await?.map(|provider| provider.name);
    let untouched = match of.state {
        DispatchState::Waiting | DispatchState::Leaving => of.attempts > 0,
        DispatchState::Dead | DispatchState::GivenUp => true,
        DispatchState::Sent
        | DispatchState::Received
        | DispatchState::Rejected
        | DispatchState::Approved
        | DispatchState::Paid => false,
    };
    Ok(Row {
        id: of.id,
        kind: w.text(match of.of.kind {
            PaperKind::Invoice => "dispatch-invoice",
            PaperKind::CreditNote(_) => "dispatch-credit-note",
        }),
        provider: name.unwrap_or_else(|| of.of.provider.to_string()),
        statement: format!("/office/bills/{}/{}", of.of.year, of.of.statement),
        state: w.text(&format!("dispatch-state-{}", of.state.to_string().replace('_', "-"))),
        class: class(of.state),
        why: of.trouble.as_deref().map(|trouble| why(w, trouble)),
        changed: w.date_time(&of.changed),
        may_retry: untouched,
        may_give_up: of.state == DispatchState::Waiting || of.state == DispatchState::Dead,
    })
}

/// What an answer says: the verdict, and of a payment how much, when and by which reference.
async fn says(site: &Site, w: &Words, actor: &Actor, row: &AnswerRow) -> Result<String, Trouble> {
    let verdict = w.text(&format!("dispatch-says-{}", row.verdict));
    let (Some(amount), Some(reference)) = (row.amount, row.reference) else { return Ok(verdict) };
    let opened = site.registry.opened_marks(actor, &[reference]).await?;
    let reference = opened.get(&reference).cloned().unwrap_or_default();
    Ok(format!("{verdict}: {}, {}, {reference}", w.money(&amount), row.day.as_deref().unwrap_or_default()))
}

/// Why an answer was put aside, in words.
fn put_aside(w: &Words, why: &str) -> String {
    let key = format!("dispatch-why-{}", why.replace('_', "-"));
    if w.has(&key) { w.text(&key) } else { w.text("dispatch-why-unreadable") }
}

async fn told(
    site: &Site,
    w: &Words,
    actor: &Actor,
    (row, words): (AnswerRow, Option<String>),
) -> Result<Told, Trouble> {
    let is_aside = row.standing == AnswerStanding::Aside;
    let mut became = match row.why.as_deref().filter(|_| is_aside) {
        Some(why) => put_aside(w, why),
        None => w.text(&format!("dispatch-became-{}", row.standing)),
    };
    if let (AnswerStanding::Wished, Some(id)) = (row.standing, row.wish)
        && let Some(wish) = outbox::get(&site.registry, id).await?
    {
        let state = w.text(&acts::state_key(wish.state));
        let refused = wish.rejection.as_ref().map(|_| acts::reason(w, &wish)).unwrap_or_default();
        became = format!("{became} ({state}) {refused}");
    }
    Ok(Told {
        seq: row.seq,
        at: w.date_time(&row.taken),
        says: says(site, w, actor, &row).await?,
        became,
        class: if is_aside { "bad" } else { "" },
        words,
        message: row.dispatch,
        named: row.named.clone().unwrap_or_default(),
        may_take_up: is_aside && row.verdict != Verdict::Unreadable,
    })
}

/// GET /office/dispatch
async fn list(site: Arc<Site>, call: Call) -> Answer {
    let actor = officer(&call)?;
    let w = call.words();
    let state: Option<DispatchState> = call.query.parse("state")?;
    let wanted = Page { after: call.query.parse("after")?, limit: ROWS };
    let listed = site.registry.dispatches(&actor, state, &wanted).await?;
    let (counts, _) = site.registry.dispatch_counts(&actor).await?;
    let tab = |(of, count): &(DispatchState, u64)| {
        let name = w.text(&format!("dispatch-state-{}", of.to_string().replace('_', "-")));
        Tab {
            href: format!("/office/dispatch?state={of}"),
            label: format!("{name} ({})", w.number(*count)),
            current: state == Some(*of),
        }
    };
    let tabs = counts.iter().map(tab).collect();
    let mut rows = Vec::new();
    for of in &listed.items {
        rows.push(look(&site, w, of).await?);
    }
    let of_state = state.map_or(String::new(), |state| format!("&state={state}"));
    let next = listed.next.map(|after| format!("/office/dispatch?after={after}{of_state}"));
    let from = Page { after: call.query.parse("aside")?, limit: ROWS };
    let answers = site.registry.answers_aside(&actor, &from).await?;
    let mut aside = Vec::new();
    for answer in answers.items {
        aside.push(told(&site, w, &actor, answer).await?);
    }
    let more_aside = answers.next.map(|after| format!("/office/dispatch?aside={after}"));
    let off = site.settings.dispatch.is_none();
    let f = call.frame(&site, Section::Bills, w.text("dispatch-title")).await?;
    page(&ListPage { f, off, tabs, rows, next, aside, more_aside })
}

/// GET /office/dispatch/{message}
async fn show(site: Arc<Site>, call: Call) -> Answer {
    let actor = officer(&call)?;
    let w = call.words();
    let id: MessageId = call.part(0)?;
    let of = site.registry.dispatch(&actor, id).await?.ok_or(Trouble::NotFound)?;
    let row = look(&site, w, &of).await?;
    let mut facts = Vec::new();
    let mut fact = |key: &str, value: String| facts.push((w.text(key), value));
    fact("dispatch-queued", w.date_time(&of.queued));
    if let Some(left) = &of.left {
        fact("dispatch-left", w.date_time(left));
    }
    fact("dispatch-attempts", w.number(u64::from(of.attempts)));
    if of.state == DispatchState::Leaving || of.state == DispatchState::Waiting && of.attempts > 0 {
        fact("dispatch-next", w.date_time(&of.next_at));
    }
    let mut answers = Vec::new();
    for answer in site.registry.answers_about(&actor, id).await? {
        answers.push(told(&site, w, &actor, answer).await?);
    }
    let f = call.frame(&site, Section::Bills, w.text("dispatch-document")).await?;
    page(&DocumentPage { f, row, facts, answers })
}

async fn done(call: &Call, key: &str) -> Answer {
    call.flash(Flash::good(call.words().text(key))).await?;
    redirect("/office/dispatch")
}

/// POST /office/dispatch/{message}/retry
async fn retry(site: Arc<Site>, call: Call) -> Answer {
    let actor = officer(&call)?;
    site.registry.retry_dispatch(&actor, call.part(0)?).await.map_err(trouble)?;
    done(&call, "dispatch-retried").await
}

/// POST /office/dispatch/{message}/give-up
async fn give_up(site: Arc<Site>, call: Call) -> Answer {
    let actor = officer(&call)?;
    if !call.form.ticked("sure") {
        return Err(Trouble::Malformed("dispatch-sure-missing"));
    }
    site.registry.give_up_dispatch(&actor, call.part(0)?).await.map_err(trouble)?;
    done(&call, "dispatch-given-up").await
}

/// POST /office/dispatch/answers/{seq}/take-up
async fn take_up(site: Arc<Site>, call: Call) -> Answer {
    let actor = officer(&call)?;
    let standing = site.registry.take_up_answer(&actor, call.part(0)?).await.map_err(trouble)?;
    match standing {
        AnswerStanding::Aside => {
            call.flash(Flash::bad(call.words().text("dispatch-still-aside"))).await?;
            redirect("/office/dispatch")
        }
        AnswerStanding::Noted
        | AnswerStanding::Pending
        | AnswerStanding::Wished
        | AnswerStanding::Done
        | AnswerStanding::Dismissed => done(&call, "dispatch-taken-up").await,
    }
}

/// POST /office/dispatch/answers/{seq}/dismiss
async fn dismiss(site: Arc<Site>, call: Call) -> Answer {
    let actor = officer(&call)?;
    site.registry.dismiss_answer(&actor, call.part(0)?).await.map_err(trouble)?;
    done(&call, "dispatch-dismissed").await
}
