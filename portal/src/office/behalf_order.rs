//! One order of a party that an officer acts for: what was asked for, who was there, a new order.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use keis_ledger::ids::{OrderId, PupilId, SchoolId, SessionId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{Operation, OrderAction, Party};
use keis_ledger::record::{LineState, Standing};
use keis_registry::outbox::{New, Office};
use keis_registry::people::PupilCard;
use keis_registry::permission::{Body, Permission};
use keis_wallet::client::{OrderView, PupilWallet};
use keis_wallet::random::new_id;
use warp::http::StatusCode;

use super::behalf::{self, Act};
use super::forms::{Builder, Control, Form, Problems, money};
use super::{acts, body};
use crate::call::{Acting, Answer, Call, Fields, page_with, redirect};
use crate::catalogue::{Filter, Offer, SessionEntry};
use crate::frame::{Frame, Section};
use crate::order_state;
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// Sessions of a service that are offered to choose from.
const SESSIONS: usize = 20;

#[derive(Template)]
#[template(path = "office/behalf_order.html")]
struct ActPage {
    f: Frame,
    body: String,
    facts: Vec<(String, String)>,
    warning: Option<String>,
    form: Form,
}

/// A session to choose.
struct Choice {
    href: String,
    label: String,
    free: String,
}

#[derive(Template)]
#[template(path = "office/behalf_new.html")]
struct NewPage {
    f: Frame,
    body: String,
    q: String,
    sessions: Vec<Choice>,
    session: Option<String>,
    session_label: String,
    facts: Vec<(String, String)>,
    classes: Vec<(String, String, bool)>,
    form: Option<Form>,
}

/// The order of an address, if it is the party's.
async fn order(site: &Arc<Site>, call: &Call, party: Party) -> Result<OrderView, Trouble> {
    let id: OrderId = call.part(1)?;
    let year = site.programme().await?.year;
    let view = site.client.order_lines(year, id).await?.ok_or(Trouble::NotFound)?;
    let its_own = match party {
        Party::School(school) => view.order.school == school && view.order.orderer == party,
        Party::Provider(provider) => view.order.provider == provider,
        Party::Pupil(_, _) => false,
    };
    if its_own { Ok(view) } else { Err(Trouble::NotFound) }
}

async fn names(site: &Arc<Site>, acting: &Acting, view: &OrderView) -> Result<BTreeMap<PupilId, PupilCard>, Trouble> {
    let pupils: Vec<PupilId> = view.order.lines.iter().map(|line| line.pupil).collect();
    Ok(site.registry.pupils_by_wallet(&acting.actor(), view.year, &pupils).await?)
}

fn called(w: &Words, card: Option<&PupilCard>) -> String {
    card.map_or_else(
        || w.text("office-erased"),
        |card| format!("{} {}, {}", card.family_name, card.given_name, card.class),
    )
}

/// GET /office/behalf/{body}/order/{order}
pub(super) async fn attendance_form(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::ActOnBehalf).await?;
    let act = call.query.get("act").and_then(Act::of).ok_or(Trouble::NotFound)?;
    let view = order(&site, &call, body::party(&call)?).await?;
    let mut fields = Fields::default();
    for (index, line) in view.order.lines.iter().enumerate() {
        if line.state == LineState::Booked {
            fields.0.push(("present".to_owned(), index.to_string()));
        }
    }
    asked(&site, &call, &acting, (&view, act), &fields, &Problems::default()).await
}

async fn asked(
    site: &Arc<Site>,
    call: &Call,
    acting: &Acting,
    (view, act): (&OrderView, Act),
    fields: &Fields,
    problems: &Problems,
) -> Answer {
    let w = call.words();
    let party = body::party(call)?;
    let now = site.now().await?;
    if !behalf::possible(party, view.order.state, now >= view.order.end).contains(&act) {
        return Err(Trouble::Malformed("rejection-order_state_wrong"));
    }
    let order = &view.order;
    site.catalogue.ensure(view.year, [order.session]).await?;
    let body: Body = call.part(0)?;
    let action = format!("/office/behalf/{body}/order/{}", view.id);
    let mut builder = Builder::new(w, action, &format!("office-behalf-{}", act.name()), fields, problems);
    builder = builder.hidden("act", act.name());
    if act.ticks() {
        let names = names(site, acting, view).await?;
        let booked = order.lines.iter().enumerate().filter(|(_, line)| line.state == LineState::Booked);
        let choices = booked.map(|(index, line)| (index.to_string(), called(w, names.get(&line.pupil))));
        builder = builder.group(None).ticks("present", "office-behalf-present", choices.collect());
    }
    let form = behalf::ask(w, builder).done();
    let late = now >= order.start.before(order.rules.free_cancel);
    let is_school = matches!(party, Party::School(_));
    let warning = (act == Act::Cancel && late && is_school)
        .then(|| w.with1("office-behalf-late", "share", &crate::public::terms::share(w, order.rules.late_share)));
    let facts = vec![
        (w.text("office-behalf-session"), site.catalogue.label(order.session, call.lang)),
        (w.text("office-behalf-school"), acts::party_name(site, Party::School(order.school)).await?),
        (w.text("office-behalf-provider"), acts::party_name(site, Party::Provider(order.provider)).await?),
        (w.text("office-behalf-pupils"), w.count("count-pupils", order.lines.len())),
        (w.text("office-service-price"), w.money(&order.price)),
        (w.text("office-state"), order_state::words(w, order.state)),
    ];
    let f = call.frame(site, Section::Office, w.text(&format!("office-behalf-{}-title", act.name()))).await?;
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    page_with(status, &ActPage { f, body: body.to_string(), facts, warning, form })
}

/// Lines whose pupils were not ticked.
fn absent(view: &OrderView, fields: &Fields) -> Result<Vec<u16>, Trouble> {
    let present: Vec<u16> = fields.each("present")?;
    let booked = view.order.lines.iter().enumerate().filter(|(_, line)| line.state == LineState::Booked);
    let indexes = booked.filter_map(|(index, _)| u16::try_from(index).ok());
    Ok(indexes.filter(|index| !present.contains(index)).collect())
}

/// POST /office/behalf/{body}/order/{order}
pub(super) async fn act(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::ActOnBehalf).await?;
    let party = body::party(&call)?;
    let act = call.form.get("act").and_then(Act::of).ok_or(Trouble::NotFound)?;
    let view = order(&site, &call, party).await?;
    let mut problems = Problems::default();
    let Some(why) = behalf::why(&call.form, &mut problems).filter(|_| problems.is_empty()) else {
        return asked(&site, &call, &acting, (&view, act), &call.form, &problems).await;
    };
    let now = site.now().await?;
    if !behalf::possible(party, view.order.state, now >= view.order.end).contains(&act) {
        return Err(Trouble::Malformed("rejection-order_state_wrong"));
    }
    let action = match act {
        Act::Cancel => OrderAction::Cancel,
        Act::Confirm => OrderAction::Confirm,
        Act::Decline => OrderAction::Decline,
        Act::Report => OrderAction::ReportDelivery { absent: absent(&view, &call.form)? },
        Act::Attendance => OrderAction::ConfirmAttendance { absent: absent(&view, &call.form)?, added: Vec::new() },
    };
    let operation = Operation::Order { year: view.year, order: view.id, action };
    let new = New::of(Office::Operator, "order_on_behalf", operation);
    let id = behalf::enqueue(&site, &acting, party, new, (&view.id.to_string(), &why)).await?;
    acts::settle(&site, &call, id, &call.words().text("office-behalf-done")).await?;
    let body: Body = call.part(0)?;
    redirect(&format!("/office/behalf/{body}"))
}

fn school(call: &Call) -> Result<SchoolId, Trouble> {
    match body::party(call)? {
        Party::School(school) => Ok(school),
        Party::Provider(_) | Party::Pupil(_, _) => Err(Trouble::NotFound),
    }
}

/// GET /office/behalf/{body}/new: a session is searched for and chosen, then classes, then pupils.
pub(super) async fn form(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::ActOnBehalf).await?;
    new_page(&site, &call, &acting, &call.query, &Problems::default()).await
}

async fn new_page(site: &Arc<Site>, call: &Call, acting: &Acting, fields: &Fields, problems: &Problems) -> Answer {
    let w = call.words();
    let school = school(call)?;
    let body: Body = call.part(0)?;
    let q = fields.get("q").unwrap_or_default().to_owned();
    let name = acts::party_name(site, Party::School(school)).await?;
    let mut shown = NewPage {
        f: call.frame(site, Section::Office, w.with1("office-behalf-new-title", "name", &name)).await?,
        body: body.to_string(),
        q,
        sessions: Vec::new(),
        session: None,
        session_label: String::new(),
        facts: Vec::new(),
        classes: Vec::new(),
        form: None,
    };
    match fields.parse::<SessionId>("session")? {
        None => shown.sessions = sessions(site, call, body, &shown.q).await?,
        Some(session) => {
            let (entry, offer) = chosen(site, session).await?;
            shown.session = Some(session.to_string());
            shown.session_label = site.catalogue.label(session, call.lang);
            shown.facts = vec![
                (w.text("office-service-price"), w.money(&offer.terms.price)),
                (w.text("office-behalf-free"), w.count("count-places", entry.free)),
            ];
            let wanted: Vec<&str> = fields.all("class").collect();
            let all = site.registry.classes(&acting.actor(), school).await?;
            let key = |class: &keis_registry::people::ClassSummary| format!("{}:{}", class.branch, class.class);
            let label = |class: &keis_registry::people::ClassSummary| {
                format!("{}, {}", class.class, w.count("count-pupils", class.pupils))
            };
            shown.classes =
                all.iter().map(|class| (key(class), label(class), wanted.contains(&key(class).as_str()))).collect();
            if !wanted.is_empty() {
                let pupils = pupils(site, acting, school, &entry, &offer, &wanted).await?;
                shown.form = Some(order_form(call, body, fields, problems, &pupils));
            }
        }
    }
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    page_with(status, &shown)
}

async fn chosen(site: &Arc<Site>, session: SessionId) -> Result<(Arc<SessionEntry>, Arc<Offer>), Trouble> {
    let year = site.programme().await?.year;
    site.catalogue.find_session(year, session).await?.ok_or(Trouble::NotFound)
}

async fn sessions(site: &Arc<Site>, call: &Call, body: Body, q: &str) -> Result<Vec<Choice>, Trouble> {
    if q.is_empty() {
        return Ok(Vec::new());
    }
    let programme = site.programme().await?;
    let filter = Filter { text: q.to_owned(), only_open: true, now: programme.now, ..Filter::default() };
    let mut choices = Vec::new();
    for hit in site.catalogue.search(&filter, call.lang, 1).items {
        let all = site.catalogue.sessions_of(hit.offer.id, programme.year);
        for entry in all.iter().filter(|entry| entry.takes_orders(programme.now)) {
            choices.push(Choice {
                href: format!("/office/behalf/{body}/new?session={}", entry.id),
                label: site.catalogue.label(entry.id, call.lang),
                free: call.words().count("count-places", entry.free),
            });
        }
        if choices.len() >= SESSIONS {
            break;
        }
    }
    choices.truncate(SESSIONS);
    Ok(choices)
}

/// A pupil who could take part.
struct Candidate {
    card: PupilCard,
    wallet: PupilWallet,
}

/// Pupils of the classes whom the ledger would let take part, by name.
async fn pupils(
    site: &Arc<Site>,
    acting: &Acting,
    school: SchoolId,
    entry: &SessionEntry,
    offer: &Offer,
    classes: &[&str],
) -> Result<Vec<Candidate>, Trouble> {
    let wallets = site.client.all_school_pupils(school, entry.year).await?;
    let wallets: BTreeMap<PupilId, PupilWallet> = wallets.into_iter().map(|wallet| (wallet.pupil, wallet)).collect();
    let mut found = Vec::new();
    for class in classes {
        let (branch, name) = class.split_once(':').ok_or(Trouble::Malformed("trouble-field"))?;
        let branch = branch.parse().map_err(|_| Trouble::Malformed("trouble-field"))?;
        for card in site.registry.class(&acting.actor(), school, branch, name, entry.year).await? {
            let Some(wallet) = card.wallet.and_then(|wallet| wallets.get(&wallet)) else { continue };
            if suits(wallet, entry, offer) {
                found.push(Candidate { wallet: wallet.clone(), card });
            }
        }
    }
    Ok(found)
}

fn suits(wallet: &PupilWallet, entry: &SessionEntry, offer: &Offer) -> bool {
    let clash = wallet.bookings.iter().any(|booking| booking.start < entry.end && entry.start < booking.end);
    wallet.standing == Standing::Active && offer.terms.grades.has(wallet.grade) && !clash
}

fn order_form(call: &Call, body: Body, fields: &Fields, problems: &Problems, pupils: &[Candidate]) -> Form {
    let w = call.words();
    let choice = |one: &Candidate| {
        (one.wallet.pupil.to_string(), format!("{} ({})", called(w, Some(&one.card)), w.money(&one.wallet.balance)))
    };
    let action = format!("/office/behalf/{body}/new");
    let mut builder = Builder::new(w, action, "office-behalf-place", fields, problems);
    builder = builder.hidden("session", fields.get("session").unwrap_or_default());
    for class in fields.all("class") {
        builder = builder.hidden("class", class);
    }
    builder = builder
        .group(None)
        .ticks("pupil", "office-behalf-who", pupils.iter().map(choice).collect())
        .number("school-money", "office-behalf-school-money");
    behalf::ask(w, builder).done()
}

/// What the school must add for these pupils.
fn shortfall(price: Cents, balances: impl Iterator<Item = Cents>) -> Option<Cents> {
    balances.map(|balance| price.saturating_sub(balance)).try_fold(Cents::ZERO, Cents::checked_add)
}

/// POST /office/behalf/{body}/new
pub(super) async fn place(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::ActOnBehalf).await?;
    let school = school(&call)?;
    let session: SessionId = call.form.need("session")?;
    let (entry, offer) = chosen(&site, session).await?;
    let classes: Vec<&str> = call.form.all("class").collect();
    let candidates = pupils(&site, &acting, school, &entry, &offer, &classes).await?;
    let mut problems = Problems::default();
    let mut wanted: Vec<PupilId> = call.form.each("pupil")?;
    wanted.sort_unstable();
    wanted.dedup();
    let balance_of =
        |pupil: &PupilId| candidates.iter().find(|one| one.wallet.pupil == *pupil).map(|one| one.wallet.balance);
    let balances: Option<Vec<Cents>> = wanted.iter().map(balance_of).collect();
    if wanted.is_empty() {
        problems.add("pupil", "office-behalf-nobody");
    } else if balances.is_none() {
        problems.add("pupil", "office-behalf-pupil-changed");
    } else if wanted.len() > usize::from(entry.free) {
        problems.add("pupil", "rejection-session_full");
    }
    let school_money = match call.form.get("school-money") {
        None => Some(Cents::ZERO),
        Some(_) => problems.need(&call.form, "school-money", "office-error-money", money),
    };
    let price = offer.terms.price;
    let missing = balances.and_then(|balances| shortfall(price, balances.into_iter()));
    if let (Some(missing), Some(given)) = (missing, school_money)
        && missing > given
    {
        problems.add("school-money", "rejection-school_money_exceeded");
    }
    let why = behalf::why(&call.form, &mut problems);
    let (Some(school_money), Some(why)) = (school_money, why.filter(|_| problems.is_empty())) else {
        return new_page(&site, &call, &acting, &call.form, &problems).await;
    };
    let order = new_id(OrderId);
    let action = OrderAction::Request { session, pupils: wanted, price, school_money };
    let new = New::of(Office::Operator, "order_on_behalf", Operation::Order { year: entry.year, order, action });
    let id = behalf::enqueue(&site, &acting, Party::School(school), new, (&order.to_string(), &why)).await?;
    acts::settle(&site, &call, id, &call.words().text("office-behalf-placed")).await?;
    let body: Body = call.part(0)?;
    redirect(&format!("/office/behalf/{body}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_school_adds_what_its_pupils_lack() {
        let balances = [Cents::new(1_000), Cents::new(300), Cents::ZERO];
        assert_eq!(shortfall(Cents::new(500), balances.into_iter()), Some(Cents::new(700)));
        assert_eq!(shortfall(Cents::new(u64::MAX), balances.into_iter()), None);
    }
}
