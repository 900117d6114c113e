//! Another time or other pupils, proposed to the provider.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Scope;
use keis_ledger::ids::{OrderId, PupilId, SessionId};
use keis_ledger::operation::{Change, MAX_PUPILS, OrderAction};
use keis_ledger::record::LineState;
use keis_registry::permission::Permission;
use keis_wallet::client::PupilWallet;
use warp::http::StatusCode;

use super::acts::{adding, can, too_late};
use super::look::{SessionLook, deadline, order_label, span};
use super::new_order::standing_labels;
use super::roll::{self, ClassKey, Names, pupil_label};
use super::rules::{Act, Wanted, clash, fit};
use super::{Desk, Signing, Standing, order_path, sign};
use crate::call::{Answer, Call, Fields, page_with};
use crate::catalogue::SessionEntry;
use crate::frame::{Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

#[derive(Template)]
#[template(path = "school/change.html")]
struct ChangePage {
    f: Frame,
    id: OrderId,
    label: String,
    look: SessionLook,
    until: String,
    sessions: Vec<SessionOption>,
    lines: Vec<Tick>,
    classes: Vec<ClassOption>,
    candidates: Vec<Tick>,
    error: Option<String>,
}

struct SessionOption {
    id: String,
    label: String,
    text: String,
    chosen: bool,
}

/// A box to tick.
pub(super) struct Tick {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) note: String,
    pub(super) ticked: bool,
    pub(super) enabled: bool,
}

/// A class to look at.
pub(super) struct ClassOption {
    pub(super) key: String,
    pub(super) label: String,
    pub(super) chosen: bool,
}

/// What a form asks for.
struct Asked {
    session: Option<SessionId>,
    drop: BTreeSet<u16>,
    add: BTreeSet<PupilId>,
}

impl Asked {
    fn of(fields: &Fields) -> Result<Self, Trouble> {
        Ok(Self {
            session: fields.parse("session")?,
            drop: fields.each("drop")?.into_iter().collect(),
            add: fields.each("add")?.into_iter().collect(),
        })
    }
}

pub(super) async fn form(site: Arc<Site>, call: Call) -> Answer {
    let desk = Desk::open(&site, &call, Permission::PlaceOrder).await?;
    let found = desk.order(&site, call.part(0)?).await?;
    if !can(&desk, &found, Act::ProposeChange) {
        return too_late(&call, &found).await;
    }
    let asked = Asked::of(&call.query)?;
    show(&site, &call, &desk, &found, &asked, None).await
}

/// Classes of the school, the one that is looked at marked.
pub(super) async fn class_options(
    site: &Arc<Site>,
    w: &Words,
    desk: &Desk,
    chosen: Option<&ClassKey>,
) -> Result<Vec<ClassOption>, Trouble> {
    let all = site.registry.classes(&desk.acting.actor(), desk.school).await?;
    let option = |summary: keis_registry::people::ClassSummary| {
        let key = ClassKey { branch: summary.branch, class: summary.class };
        ClassOption { key: key.to_string(), label: key.label(w), chosen: chosen == Some(&key) }
    };
    Ok(all.into_iter().map(option).collect())
}

/// The pupils of a class as boxes to tick; who cannot take part, with the reason.
pub(super) async fn candidates(
    site: &Arc<Site>,
    w: &Words,
    desk: &Desk,
    wallets: &BTreeMap<PupilId, PupilWallet>,
    class: Option<&ClassKey>,
    wanted: &Wanted,
    ticked: &BTreeSet<PupilId>,
) -> Result<Vec<Tick>, Trouble> {
    let Some(class) = class else { return Ok(Vec::new()) };
    let members = roll::class(site, desk, wallets, class).await?;
    let tick = |member: roll::Member| {
        let fit = fit(member.wallet.as_ref(), wanted);
        let id = member.wallet.as_ref().map(|wallet| wallet.pupil);
        Tick {
            value: id.map(|id| id.to_string()).unwrap_or_default(),
            label: pupil_label(w, &member.card),
            note: if fit.fits() { w.money(&member.balance()) } else { w.text(fit.key()) },
            ticked: fit.fits() && id.is_some_and(|id| ticked.contains(&id)),
            enabled: fit.fits(),
        }
    };
    Ok(members.into_iter().map(tick).collect())
}

/// For whom an order's places are.
pub(super) async fn wanted(site: &Arc<Site>, desk: &Desk, found: &Standing) -> Result<Wanted, Trouble> {
    let order = &found.view.order;
    let offer = site.catalogue.find_service(order.service).await?.ok_or(Trouble::NotFound)?;
    let grades = offer.terms.grades;
    Ok(Wanted { school: desk.school, grades, start: order.start, end: order.end, but: None })
}

async fn show(
    site: &Arc<Site>,
    call: &Call,
    desk: &Desk,
    found: &Standing,
    asked: &Asked,
    error: Option<String>,
) -> Answer {
    let order = &found.view.order;
    let f = call.frame(site, Section::Orders, call.words().text("school-change-title")).await?;
    let f = f.with_scripts(&["page.js"]);
    let look = SessionLook::of(site, call.lang, found.view.year, order).await?;
    let class: Option<ClassKey> = call.query.get("class").or(call.form.get("class")).and_then(|text| text.parse().ok());
    let wallets = roll::wallets(site, desk).await?;
    let names = Names::of_order(site, desk, found.view.year, order).await?;
    let lines = names.in_order(f.w, order).into_iter().filter_map(|index| {
        let line = &order.lines[usize::from(index)];
        (line.state == LineState::Booked).then(|| Tick {
            value: index.to_string(),
            label: names.label(f.w, &line.pupil),
            note: String::new(),
            ticked: asked.drop.contains(&index),
            enabled: true,
        })
    });
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shown = ChangePage {
        id: found.view.id,
        label: order_label(site, call.lang, found.view.id, order.session),
        look,
        until: deadline(f.w, desk.now, order.start.before(order.rules.free_change)),
        sessions: sessions(site, f.w, desk, found, &wallets, asked.session),
        lines: lines.collect(),
        classes: class_options(site, f.w, desk, class.as_ref()).await?,
        candidates: {
            let wanted = wanted(site, desk, found).await?;
            candidates(site, f.w, desk, &wallets, class.as_ref(), &wanted, &asked.add).await?
        },
        error,
        f,
    };
    page_with(status, &shown)
}

/// Other sessions of the service that have room for everybody.
fn sessions(
    site: &Arc<Site>,
    w: &Words,
    desk: &Desk,
    found: &Standing,
    wallets: &BTreeMap<PupilId, PupilWallet>,
    chosen: Option<SessionId>,
) -> Vec<SessionOption> {
    let order = &found.view.order;
    let booked: Vec<PupilId> =
        order.lines.iter().filter(|line| line.state == LineState::Booked).map(|line| line.pupil).collect();
    let busy = |session: &SessionEntry| {
        let elsewhere = |pupil: &&PupilId| {
            let wallet = wallets.get(*pupil);
            let bookings = wallet.map(|wallet| wallet.bookings.as_slice()).unwrap_or_default();
            clash(bookings, Some(found.view.id), session.start, session.end).is_some()
        };
        booked.iter().filter(elsewhere).count()
    };
    let all = site.catalogue.sessions_of(order.service, found.view.year);
    let fitting = all.into_iter().filter(|session| {
        session.id != order.session && session.takes_orders(desk.now) && usize::from(session.free) >= booked.len()
    });
    let option = |session: Arc<SessionEntry>| {
        let place = crate::catalogue::names::place(w, session.place);
        let mut text = format!("{}, {place}", span(w, session.start, session.end));
        let busy = busy(&session);
        if busy > 0 {
            text = format!("{text} – {}", w.count("school-busy-then", busy));
        }
        SessionOption {
            id: session.id.to_string(),
            label: site.catalogue.label(session.id, w.lang()),
            text,
            chosen: chosen == Some(session.id),
        }
    };
    fitting.map(option).collect()
}

pub(super) async fn submit(site: Arc<Site>, call: Call) -> Answer {
    let desk = Desk::open(&site, &call, Permission::PlaceOrder).await?;
    let found = desk.order(&site, call.part(0)?).await?;
    if !can(&desk, &found, Act::ProposeChange) {
        return too_late(&call, &found).await;
    }
    let asked = Asked::of(&call.form)?;
    let w = call.words();
    if let Some(fault) = fault(&found, &asked) {
        return show(&site, &call, &desk, &found, &asked, Some(w.text(fault))).await;
    }
    let wallets = roll::wallets(&site, &desk).await?;
    if asked.add.iter().any(|pupil| !wallets.contains_key(pupil)) {
        return Err(Trouble::NotFound);
    }
    let mut pupils: Vec<PupilId> = found.view.order.lines.iter().map(|line| line.pupil).collect();
    pupils.extend(&asked.add);
    let names = Names::of(&site, &desk, found.view.year, &pupils).await?;
    site.catalogue.ensure(found.view.year, [found.view.order.session]).await?;
    let mut labels = standing_labels(&site, call.lang, &found.view, &names);
    labels.extend(asked.add.iter().map(|pupil| (pupil.to_string(), names.label(w, pupil))));
    if let Some(session) = asked.session {
        site.catalogue.find_session(found.view.year, session).await?.ok_or(Trouble::NotFound)?;
        labels.push((session.to_string(), site.catalogue.label(session, call.lang)));
    }
    let add: Vec<PupilId> = asked.add.into_iter().collect();
    let balances = wallets.iter().map(|(id, wallet)| (*id, wallet.balance)).collect();
    let mut warnings = vec![w.text("school-change-waits")];
    warnings.extend(adding(w, &found.view.order, &balances, &add));
    let change = Change::Booking { session: asked.session, drop: asked.drop.into_iter().collect(), add };
    let signing = Signing {
        title: w.text("school-sign-change"),
        operations: vec![found.act(OrderAction::ProposeChange(change))],
        labels,
        scope: Scope::Order,
        next: order_path(found.view.id),
        warnings,
    };
    sign(&site, &call, &desk, signing).await
}

/// What keeps a change from being proposed.
fn fault(found: &Standing, asked: &Asked) -> Option<&'static str> {
    let order = &found.view.order;
    let booked = |index: &u16| order.lines.get(usize::from(*index)).is_some_and(|line| line.state == LineState::Booked);
    let standing = order.lines.iter().filter(|line| line.state == LineState::Booked).count();
    let same = asked.session.is_none_or(|session| session == order.session);
    if same && asked.drop.is_empty() && asked.add.is_empty() {
        return Some("school-fault-no-change");
    }
    if !asked.drop.iter().all(booked) {
        return Some("school-fault-line-gone");
    }
    if standing + asked.add.len() == asked.drop.len() {
        return Some("school-fault-nobody-left");
    }
    (order.lines.len() + asked.add.len() > MAX_PUPILS).then_some("school-fault-too-many-lines")
}
