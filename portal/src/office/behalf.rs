//! Acts for somebody who phones or writes: signed by the office's key, marked on the receipt, told to the party. Who called is not
//! kept; why and by which way is.

use std::sync::Arc;

use askama::Template;
use keis_ledger::crypto::PublicKey;
use keis_ledger::operation::{Operation, Party, WalletOperation};
use keis_ledger::record::OrderState;
use keis_registry::keys::KeyState;
use keis_registry::log::{Entry, append};
use keis_registry::notices::{NoticeKind, notify};
use keis_registry::outbox::{self, New, Office, OutboxId};
use keis_registry::page::Page;
use keis_registry::permission::{Body, Permission};
use keis_wallet::client::OrderView;

use super::acts;
use super::body::{self, KeyRow};
use super::forms::{Builder, Problems};
use crate::call::{Acting, Answer, Call, Fields, page, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::order_state;
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// Bodies of each kind that a search shows.
const FOUND: u32 = 10;
/// Orders that the page of a party shows.
const ORDERS: usize = 100;
/// Ways in which somebody asks.
const CHANNELS: [&str; 3] = ["phone", "letter", "visit"];
/// Reasons for which an officer acts.
const REASONS: [&str; 4] = ["no-device", "lost-key", "outage", "other"];

/// What somebody can be helped with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// Cancel an order.
    Cancel,
    /// Take an order on, for a provider.
    Confirm,
    /// Refuse an order, for a provider.
    Decline,
    /// Report a delivery, for a provider.
    Report,
    /// Confirm attendance, for a school.
    Attendance,
}

impl Act {
    /// Its name in addresses and message keys.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Confirm => "confirm",
            Self::Decline => "decline",
            Self::Report => "report",
            Self::Attendance => "attendance",
        }
    }

    /// The act of a name.
    pub(super) fn of(name: &str) -> Option<Self> {
        let all = [Self::Cancel, Self::Confirm, Self::Decline, Self::Report, Self::Attendance];
        all.into_iter().find(|act| act.name() == name)
    }

    /// Whether pupils are ticked.
    pub(super) fn ticks(self) -> bool {
        match self {
            Self::Report | Self::Attendance => true,
            Self::Cancel | Self::Confirm | Self::Decline => false,
        }
    }
}

/// What can be done for a party with an order that stands so.
pub(super) fn possible(party: Party, state: OrderState, ended: bool) -> Vec<Act> {
    let school = match party {
        Party::School(_) => true,
        Party::Provider(_) => false,
        Party::Pupil(_, _) => return Vec::new(),
    };
    match state {
        OrderState::Requested if school => vec![Act::Cancel],
        OrderState::Requested => vec![Act::Confirm, Act::Decline],
        OrderState::Confirmed if !school && ended => vec![Act::Report],
        OrderState::Confirmed if school && ended => Vec::new(),
        OrderState::Confirmed => vec![Act::Cancel],
        OrderState::Delivered if school => vec![Act::Attendance],
        OrderState::Proposed
        | OrderState::Delivered
        | OrderState::Attended
        | OrderState::AttendedAutomatically
        | OrderState::Settled
        | OrderState::Declined
        | OrderState::Lapsed
        | OrderState::CancelledFree
        | OrderState::CancelledLate
        | OrderState::CancelledByProvider
        | OrderState::CancelledForceMajeure
        | OrderState::Disputed
        | OrderState::Reversed => Vec::new(),
    }
}

/// A school or provider that was found.
struct Found {
    id: String,
    name: String,
    code: String,
}

#[derive(Template)]
#[template(path = "office/behalf.html")]
struct SearchPage {
    f: Frame,
    q: String,
    schools: Vec<Found>,
    providers: Vec<Found>,
}

/// An order of the party.
struct OrderRow {
    id: String,
    session: String,
    pupils: String,
    other: String,
    state: String,
    acts: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "office/behalf_body.html")]
struct PartyPage {
    f: Frame,
    id: String,
    is_school: bool,
    orders: Vec<OrderRow>,
    cut: bool,
    keys: Vec<KeyRow>,
    channels: Vec<(String, String)>,
    reasons: Vec<(String, String)>,
}

/// Ways and reasons with their words.
fn named(w: &Words, prefix: &str, names: &[&str]) -> Vec<(String, String)> {
    names.iter().map(|name| ((*name).to_owned(), w.text(&format!("{prefix}-{name}")))).collect()
}

/// Adds the fields that say how and why somebody asked.
pub(super) fn ask<'a>(w: &'static Words, builder: Builder<'a>) -> Builder<'a> {
    builder
        .group(Some("office-behalf-why"))
        .select("channel", "office-behalf-channel", named(w, "office-channel", &CHANNELS))
        .select("reason", "office-behalf-reason", named(w, "office-behalf-reason", &REASONS))
        .tick("verified", "office-behalf-verified")
}

/// What the log keeps of how and why somebody asked.
pub(super) fn why(fields: &Fields, problems: &mut Problems) -> Option<String> {
    let of = |all: &'static [&'static str]| move |text: &str| all.iter().find(|name| **name == text).copied();
    let channel = problems.need(fields, "channel", "office-error-choice", of(&CHANNELS));
    let reason = problems.need(fields, "reason", "office-error-choice", of(&REASONS));
    if !fields.ticked("verified") {
        problems.add("verified", "office-behalf-not-verified");
    }
    Some(format!("by {}, {}", channel?, reason?))
}

/// Asks the ledger on a party's behalf, notes it in the log and tells the party: all or nothing.
pub(super) async fn enqueue(
    site: &Arc<Site>,
    acting: &Acting,
    party: Party,
    new: New,
    (subject, why): (&str, &str),
) -> Result<OutboxId, Trouble> {
    let actor = acting.actor();
    let purpose = new.purpose;
    let mut work = site.registry.begin().await?;
    let id = outbox::enqueue(&mut work, &actor, new.on_behalf(party)).await?;
    notify(&mut work, party, NoticeKind::OfficerActed, subject).await?;
    append(&mut work, Entry::new(&actor, "acted on behalf", subject).detail(format!("{purpose}, {why}, {id}"))).await?;
    work.commit().await?;
    Ok(id)
}

/// GET /office/behalf
pub(super) async fn search(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::ActOnBehalf).await?;
    let q = call.query.get("q").unwrap_or_default().to_owned();
    let (mut schools, mut providers) = (Vec::new(), Vec::new());
    if !q.is_empty() {
        let found = site.registry.schools(&q, &Page::first(FOUND)).await?.items.into_iter();
        schools = found.map(|body| Found { id: body.id.to_string(), name: body.name, code: body.code }).collect();
        let found = site.registry.providers(&q, &Page::first(FOUND)).await?.items.into_iter();
        providers = found.map(|body| Found { id: body.id.to_string(), name: body.name, code: body.code }).collect();
    }
    let f = call.frame(&site, Section::Office, call.words().text("office-behalf-title")).await?;
    page(&SearchPage { f, q, schools, providers })
}

/// Orders of a party in a state, the earliest session first.
async fn orders(site: &Arc<Site>, party: Party, state: OrderState) -> Result<Vec<OrderView>, Trouble> {
    let year = site.programme().await?.year;
    Ok(match party {
        Party::School(id) => site.client.school_orders(id, year, Some(state), None).await?.items,
        Party::Provider(id) => site.client.provider_orders(id, year, Some(state), None).await?.items,
        Party::Pupil(_, _) => Vec::new(),
    })
}

/// GET /office/behalf/{body}
pub(super) async fn show(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::ActOnBehalf).await?;
    let w = call.words();
    let party = body::party(&call)?;
    let now = site.now().await?;
    let mut found = Vec::new();
    for state in [OrderState::Requested, OrderState::Confirmed, OrderState::Delivered] {
        found.extend(orders(&site, party, state).await?);
    }
    found.sort_by_key(|view| (view.order.start, view.id));
    let cut = found.len() > ORDERS;
    found.truncate(ORDERS);
    let year = site.programme().await?.year;
    site.catalogue.ensure(year, found.iter().map(|view| view.order.session)).await?;
    let mut rows = Vec::new();
    for view in &found {
        rows.push(row(&site, &call, party, view, now).await?);
    }
    let wallet = body::wallet(&site, party).await?;
    let keys = wallet.map(|(_, _, keys)| body::key_rows(w, now, &keys)).unwrap_or_default();
    let name = acts::party_name(&site, party).await?;
    let body: Body = call.part(0)?;
    let f = call.frame(&site, Section::Office, w.with1("office-behalf-of", "name", &name)).await?;
    page(&PartyPage {
        f,
        id: body.to_string(),
        is_school: matches!(party, Party::School(_)),
        orders: rows,
        cut,
        keys: keys.into_iter().filter(|key| key.active).collect(),
        channels: named(w, "office-channel", &CHANNELS),
        reasons: named(w, "office-behalf-reason", &REASONS),
    })
}

async fn row(
    site: &Arc<Site>,
    call: &Call,
    party: Party,
    view: &OrderView,
    now: keis_ledger::time::Timestamp,
) -> Result<OrderRow, Trouble> {
    let w = call.words();
    let order = &view.order;
    let other = match party {
        Party::School(_) => Party::Provider(order.provider),
        Party::Provider(_) | Party::Pupil(_, _) => Party::School(order.school),
    };
    let acts = possible(party, order.state, now >= order.end).into_iter();
    Ok(OrderRow {
        id: view.id.to_string(),
        session: site.catalogue.label(order.session, call.lang),
        pupils: w.count("count-pupils", order.lines.len()),
        other: acts::party_name(site, other).await?,
        state: order_state::words(w, order.state),
        acts: acts.map(|act| (act.name(), w.text(&format!("office-behalf-{}", act.name())))).collect(),
    })
}

/// POST /office/behalf/{body}/key
pub(super) async fn revoke_key(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::ActOnBehalf).await?;
    let party = body::party(&call)?;
    let body: Body = call.part(0)?;
    let key: PublicKey = call.form.need("key")?;
    let mut problems = Problems::default();
    let Some(why) = why(&call.form, &mut problems).filter(|_| problems.is_empty()) else {
        return Err(Trouble::Malformed("office-behalf-not-verified"));
    };
    let wallet = body::wallet(&site, party).await?;
    if !wallet.is_some_and(|(_, _, keys)| keys.iter().any(|bound| bound.key == key)) {
        return Err(Trouble::NotFound);
    }
    let w = call.words();
    if let Some(id) = request_of(&site, &acting, key).await? {
        site.registry.revoke_key(&acting.actor(), id).await.map_err(Trouble::internal)?;
        let mut work = site.registry.begin().await?;
        append(&mut work, Entry::new(&acting.actor(), "acted on behalf", id).detail(format!("revoke_key, {why}")))
            .await?;
        work.commit().await?;
        call.flash(Flash::good(w.text("office-key-revoked-flash"))).await?;
    } else {
        let new = New::of(Office::Operator, "revoke_key", Operation::Wallet(WalletOperation::RevokeKey { key }));
        let id = enqueue(&site, &acting, party, new, (&body.to_string(), &why)).await?;
        acts::settle(&site, &call, id, &w.text("office-key-revoked-flash")).await?;
    }
    redirect(&format!("/office/behalf/{body}"))
}

/// The request by which a key came to be, if it was asked for here.
async fn request_of(
    site: &Arc<Site>,
    acting: &Acting,
    key: PublicKey,
) -> Result<Option<keis_registry::ids::KeyId>, Trouble> {
    let mut page = Page::first(Page::MOST);
    loop {
        let listed = site.registry.key_requests(&acting.actor(), KeyState::Active, &page).await?;
        if let Some(found) = listed.items.iter().find(|known| known.key == key) {
            return Ok(Some(found.id));
        }
        match listed.next {
            None => return Ok(None),
            after => page.after = after,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keis_ledger::ids::{ProviderId, SchoolId};

    #[test]
    fn each_side_is_helped_with_its_own() {
        let (school, provider) = (Party::School(SchoolId([1; 16])), Party::Provider(ProviderId([2; 16])));
        for (party, state, ended, acts) in [
            (school, OrderState::Requested, false, vec![Act::Cancel]),
            (provider, OrderState::Requested, false, vec![Act::Confirm, Act::Decline]),
            (school, OrderState::Confirmed, false, vec![Act::Cancel]),
            (school, OrderState::Confirmed, true, vec![]),
            (provider, OrderState::Confirmed, true, vec![Act::Report]),
            (school, OrderState::Delivered, true, vec![Act::Attendance]),
            (provider, OrderState::Delivered, true, vec![]),
            (school, OrderState::Settled, true, vec![]),
        ] {
            assert_eq!(possible(party, state, ended), acts, "{party:?} {state:?} {ended}");
        }
    }

    #[test]
    fn how_and_why_are_kept_and_nothing_else() {
        let fields = |pairs: &[(&str, &str)]| {
            Fields(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        let mut problems = Problems::default();
        let good = fields(&[("channel", "phone"), ("reason", "lost-key"), ("verified", "yes"), ("caller", "Jonas")]);
        assert_eq!(why(&good, &mut problems).as_deref(), Some("by phone, lost-key"));
        assert!(problems.is_empty());
        let wrong = fields(&[("channel", "Jonas called"), ("reason", "other")]);
        assert_eq!(why(&wrong, &mut problems), None);
        assert_eq!(problems.0, [("channel", "office-error-choice"), ("verified", "office-behalf-not-verified")]);
    }
}
