//! A new order: pupils of any classes for one session, what it costs and whom, and what follows from it.

mod sum;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Scope;
use keis_ledger::ids::{OrderId, PupilId, SessionId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{Operation, OrderAction};
use keis_ledger::record::OrderState;
use keis_registry::permission::Permission;
use keis_wallet::client::PupilWallet;
use warp::http::StatusCode;

use super::look::{self, SessionLook, order_labels};
use super::roll::{self, ClassKey, Member, Names};
use super::rules::{Fit, Wanted, fit};
use super::{Desk, Signing, classes, order_path, sign};
use crate::call::{Answer, Call, Fields, page_with, redirect};
use crate::catalogue::{Offer, SessionEntry};
use crate::frame::{Flash, Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::{Lang, Words};
use sum::{Sum, parse_euro};

/// Most pupils that an address names.
const MOST_IN_ADDRESS: usize = 60;

#[derive(Template)]
#[template(path = "school/new.html")]
struct NewPage {
    f: Frame,
    look: SessionLook,
    session: SessionId,
    session_label: String,
    order: OrderId,
    takes_up: bool,
    price: Cents,
    price_text: String,
    grades: String,
    free: u16,
    free_text: String,
    blocked: Option<String>,
    choices: Vec<ClassChoice>,
    classes: Vec<ClassBlock>,
    sum: Sum,
    facts: Vec<(String, String)>,
    warnings: Vec<String>,
    errors: Vec<Fault>,
    may_order: bool,
}

/// A class that can be shown.
struct ClassChoice {
    key: String,
    label: String,
    shown: bool,
}

/// A class that is shown.
struct ClassBlock {
    label: String,
    rows: Vec<PupilRow>,
}

struct PupilRow {
    id: String,
    label: String,
    name: String,
    balance: Cents,
    left: String,
    reason: String,
    reason_href: String,
    enabled: bool,
    ticked: bool,
}

/// What is wrong, and beside which field.
pub(super) struct Fault {
    pub(super) field: &'static str,
    pub(super) text: String,
}

/// What was chosen so far.
struct Choice {
    session: Arc<SessionEntry>,
    offer: Arc<Offer>,
    order: OrderId,
    takes_up: bool,
    shown: BTreeSet<ClassKey>,
    /// Classes of which everybody who fits is to be ticked.
    whole: BTreeSet<ClassKey>,
    ticked: BTreeSet<PupilId>,
    school_money: Option<String>,
}

/// Everything that the page tells, with the pupils who were ticked and fit.
struct Table {
    choices: Vec<ClassChoice>,
    classes: Vec<ClassBlock>,
    ticked: BTreeMap<PupilId, Cents>,
    labels: Vec<(String, String)>,
}

pub(super) async fn form(site: Arc<Site>, call: Call) -> Answer {
    let desk = Desk::open(&site, &call, Permission::ProposeOrder).await?;
    let Some(choice) = choice(&site, &call, &desk, &call.query, true).await? else {
        call.flash(Flash::bad(call.words().text("school-choose-session"))).await?;
        return redirect("/services");
    };
    show(&site, &call, &desk, choice, StatusCode::OK, |_, _| Vec::new()).await
}

pub(super) async fn submit(site: Arc<Site>, call: Call) -> Answer {
    let desk = Desk::open(&site, &call, Permission::ProposeOrder).await?;
    let mut choice = choice(&site, &call, &desk, &call.form, false).await?.ok_or(Trouble::NotFound)?;
    match call.form.get("step") {
        Some("order") if desk.may(Permission::PlaceOrder) => ask(&site, &call, &desk, choice, true).await,
        Some("propose") => ask(&site, &call, &desk, choice, false).await,
        Some("order") => Err(Trouble::Forbidden),
        step => {
            if step == Some("whole") {
                let before: BTreeSet<ClassKey> = keys(call.form.all("shown"));
                choice.whole = choice.shown.difference(&before).cloned().collect();
            }
            choice.school_money = None;
            show(&site, &call, &desk, choice, StatusCode::OK, |_, _| Vec::new()).await
        }
    }
}

fn keys<'a>(texts: impl Iterator<Item = &'a str>) -> BTreeSet<ClassKey> {
    texts.filter_map(|text| text.parse().ok()).collect()
}

/// What a query or form chose; none when it names no session.
async fn choice(
    site: &Arc<Site>,
    call: &Call,
    desk: &Desk,
    fields: &Fields,
    first: bool,
) -> Result<Option<Choice>, Trouble> {
    let order: Option<OrderId> = fields.parse("order")?;
    let proposal = match order {
        Some(order) => find_proposal(site, desk, order, first).await?,
        None => None,
    };
    let session: Option<SessionId> = fields.parse("session")?.or(proposal.as_ref().map(|(session, _)| *session));
    let Some(session) = session else { return Ok(None) };
    let found = site.catalogue.find_session(desk.year, session).await?;
    let (session, offer) = found.ok_or(Trouble::NotFound)?;
    let mut ticked: BTreeSet<PupilId> = fields.each("pupil")?.into_iter().collect();
    let mut shown = keys(fields.all("class"));
    if first && ticked.is_empty() {
        let before = match &proposal {
            Some((_, pupils)) => pupils.clone(),
            None => classes::chosen(call).await?,
        };
        ticked.extend(before);
    }
    if first && !ticked.is_empty() {
        let ticked: Vec<PupilId> = ticked.iter().copied().collect();
        let names = Names::of(site, desk, desk.year, &ticked).await?;
        shown.extend(ticked.iter().filter_map(|pupil| names.card(pupil)).map(ClassKey::of));
    }
    Ok(Some(Choice {
        session,
        offer,
        order: order.map_or_else(sum::draw_order, Ok)?,
        takes_up: proposal.is_some(),
        shown,
        whole: BTreeSet::new(),
        ticked,
        school_money: fields.get("school_money").map(str::to_owned),
    }))
}

/// A teacher's proposal that is to be taken up. Only a page that begins with one must find it.
async fn find_proposal(
    site: &Arc<Site>,
    desk: &Desk,
    id: OrderId,
    must: bool,
) -> Result<Option<(SessionId, Vec<PupilId>)>, Trouble> {
    match desk.order(site, id).await {
        Ok(found) if found.view.order.state == OrderState::Proposed && found.view.year == desk.year => {
            let order = found.view.order;
            Ok(Some((order.session, order.lines.iter().map(|line| line.pupil).collect())))
        }
        Ok(_) => Err(Trouble::NotFound),
        Err(Trouble::NotFound) if !must => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// Pupils of the classes that are shown.
async fn table(site: &Arc<Site>, desk: &Desk, w: &Words, choice: &Choice) -> Result<Table, Trouble> {
    let wanted = Wanted {
        school: desk.school,
        grades: choice.offer.terms.grades,
        start: choice.session.start,
        end: choice.session.end,
        but: None,
    };
    let wallets: BTreeMap<PupilId, PupilWallet> = roll::wallets(site, desk).await?;
    let summaries = site.registry.classes(&desk.acting.actor(), desk.school).await?;
    let mut table = Table { choices: vec![], classes: vec![], ticked: BTreeMap::new(), labels: vec![] };
    for summary in summaries {
        let key = ClassKey { branch: summary.branch, class: summary.class };
        let shown = choice.shown.contains(&key);
        let label = key.label(w);
        table.choices.push(ClassChoice { key: key.to_string(), label: label.clone(), shown });
        if !shown {
            continue;
        }
        let mut rows = Vec::new();
        for member in roll::class(site, desk, &wallets, &key).await? {
            let row = row(w, choice, &wanted, &member, choice.whole.contains(&key));
            if let (true, Some(wallet)) = (row.ticked, &member.wallet) {
                table.ticked.insert(wallet.pupil, wallet.balance);
                table.labels.push((row.id.clone(), row.label.clone()));
            }
            rows.push(row);
        }
        table.classes.push(ClassBlock { label, rows });
    }
    Ok(table)
}

fn row(w: &Words, choice: &Choice, wanted: &Wanted, member: &Member, whole: bool) -> PupilRow {
    let fit = fit(member.wallet.as_ref(), wanted);
    let id = member.wallet.as_ref().map(|wallet| wallet.pupil);
    let reason = if fit.fits() { String::new() } else { w.text(fit.key()) };
    let reason_href = match fit {
        Fit::Elsewhere(order) => order_path(order),
        Fit::Fits | Fit::NoWallet | Fit::Suspended | Fit::Closed | Fit::Moved | Fit::Grade => String::new(),
    };
    PupilRow {
        id: id.map(|id| id.to_string()).unwrap_or_default(),
        label: roll::pupil_label(w, &member.card),
        name: format!("{} {}", member.card.family_name, member.card.given_name),
        balance: member.balance(),
        left: w.money(&member.balance()),
        reason,
        reason_href,
        enabled: fit.fits(),
        ticked: fit.fits() && (whole || id.is_some_and(|id| choice.ticked.contains(&id))),
    }
}

async fn show(
    site: &Arc<Site>,
    call: &Call,
    desk: &Desk,
    choice: Choice,
    status: StatusCode,
    faults: impl FnOnce(&Table, &Sum) -> Vec<Fault>,
) -> Answer {
    let title = if choice.takes_up { "school-take-up-title" } else { "school-new-title" };
    let f = call.frame(site, Section::Orders, call.words().text(title)).await?;
    let mut f = f.with_scripts(&["page.js", "school.js"]);
    f.other_lang_href = again(&choice, f.lang.other());
    let table = table(site, desk, f.w, &choice).await?;
    let sum = sum_of(site, desk, f.w, &choice, &table).await?;
    let errors = faults(&table, &sum);
    let Choice { session, offer, order, takes_up, .. } = &choice;
    let look = SessionLook {
        service: offer.id,
        title: offer.title.of(f.lang).to_owned(),
        provider: offer.provider_name.clone(),
        when: look::span(f.w, session.start, session.end),
        place: crate::catalogue::names::place(f.w, session.place),
    };
    let shown = NewPage {
        look,
        session: session.id,
        session_label: site.catalogue.label(session.id, f.lang),
        order: *order,
        takes_up: *takes_up,
        price: offer.terms.price,
        price_text: f.w.money(&offer.terms.price),
        grades: sum::grades(f.w, offer.terms.grades),
        free: session.free,
        free_text: f.w.count("count-places", session.free),
        blocked: sum::blocked(f.w, desk, session, offer),
        facts: sum::deadlines(f.w, desk, session),
        warnings: sum::warnings(f.w, desk, session, offer.terms.price, table.ticked.len()),
        may_order: desk.may(Permission::PlaceOrder),
        choices: table.choices,
        classes: table.classes,
        sum,
        errors,
        f,
    };
    page_with(status, &shown)
}

/// The address of what was chosen so far, in a language; of a long list of pupils the classes alone.
fn again(choice: &Choice, lang: Lang) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("session", &choice.session.id.to_string());
    if choice.takes_up {
        query.append_pair("order", &choice.order.to_string());
    }
    query.extend_pairs(choice.shown.iter().map(|key| ("class", key.to_string())));
    if choice.ticked.len() <= MOST_IN_ADDRESS {
        query.extend_pairs(choice.ticked.iter().map(|pupil| ("pupil", pupil.to_string())));
    }
    query.append_pair("lang", lang.code());
    format!("/school/orders/new?{}", query.finish())
}

async fn sum_of(site: &Arc<Site>, desk: &Desk, w: &Words, choice: &Choice, table: &Table) -> Result<Sum, Trouble> {
    let wallet = site.client.school_wallet(desk.school, desk.year).await?;
    let purse = wallet.map_or(Cents::ZERO, |wallet| wallet.purse);
    let balances: Vec<Cents> = table.ticked.values().copied().collect();
    Ok(Sum::of(w, choice.offer.terms.price, &balances, purse, choice.school_money.as_deref()))
}

/// Asks for the signature, or tells what keeps it back.
async fn ask(site: &Arc<Site>, call: &Call, desk: &Desk, choice: Choice, order: bool) -> Answer {
    let w = call.words();
    let found = table(site, desk, w, &choice).await?;
    let sum = sum_of(site, desk, w, &choice, &found).await?;
    let mut faults = faults(w, desk, &choice, &found, &sum, order);
    if order && let Some(cap) = sum::cap(site, call, desk).await?.filter(|cap| sum.exceeds(*cap)) {
        let text = w.with("school-fault-cap", &[("cap", &w.money(&cap)), ("total", &sum.total)]);
        faults.push(Fault { field: "pupils", text });
    }
    if !faults.is_empty() {
        return show(site, call, desk, choice, StatusCode::UNPROCESSABLE_ENTITY, |_, _| faults).await;
    }
    let pupils: Vec<PupilId> = found.ticked.keys().copied().collect();
    let (session, price) = (choice.session.id, choice.offer.terms.price);
    let school_money = parse_euro(choice.school_money.as_deref().unwrap_or("0")).unwrap_or(Cents::ZERO);
    let (action, scope, title) = if order {
        let request = OrderAction::Request { session, pupils, price, school_money };
        (request, Scope::Order, "school-sign-request")
    } else {
        (OrderAction::Propose { session, pupils }, Scope::Propose, "school-sign-propose")
    };
    let mut labels = found.labels;
    labels.extend(new_labels(site, w.lang(), &choice));
    classes::forget_chosen(call).await?;
    let signing = Signing {
        title: w.text(title),
        operations: vec![Operation::Order { year: desk.year, order: choice.order, action }],
        labels,
        scope,
        next: order_path(choice.order),
        warnings: sum::warnings(w, desk, &choice.session, price, found.ticked.len()),
    };
    sign(site, call, desk, signing).await
}

fn new_labels(site: &Arc<Site>, lang: Lang, choice: &Choice) -> Vec<(String, String)> {
    let session = choice.session.id;
    vec![
        (choice.order.to_string(), look::order_label(site, lang, choice.order, session)),
        (session.to_string(), site.catalogue.label(session, lang)),
        (choice.offer.id.to_string(), site.catalogue.title(choice.offer.id, lang)),
    ]
}

/// What keeps an order from being asked for.
fn faults(w: &Words, desk: &Desk, choice: &Choice, table: &Table, sum: &Sum, order: bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut fault = |field, text: String| faults.push(Fault { field, text });
    if let Some(blocked) = sum::blocked(w, desk, &choice.session, &choice.offer) {
        fault("pupils", blocked);
    }
    let lost: Vec<&PupilId> = choice.ticked.iter().filter(|pupil| !table.ticked.contains_key(pupil)).collect();
    if !lost.is_empty() {
        fault("pupils", w.count("school-fault-lost", lost.len()));
    }
    if table.ticked.is_empty() {
        fault("pupils", w.text("school-none-chosen"));
    }
    if table.ticked.len() > keis_ledger::operation::MAX_PUPILS {
        fault("pupils", w.count("school-fault-too-many", keis_ledger::operation::MAX_PUPILS));
    }
    if order && table.ticked.len() > usize::from(choice.session.free) {
        fault("pupils", w.count("school-fault-full", choice.session.free));
    }
    if order {
        sum.faults(w, choice.school_money.as_deref()).into_iter().for_each(|text| fault("school-money", text));
    }
    faults
}

/// Names of an order's own things and of the session it is for; used where an order stands already.
pub(super) fn standing_labels(
    site: &Arc<Site>,
    lang: Lang,
    view: &keis_wallet::client::OrderView,
    names: &Names,
) -> Vec<(String, String)> {
    let mut labels = order_labels(site, lang, view.id, &view.order);
    labels.extend(names.labels(lang.words(), view.id, &view.order));
    labels
}
