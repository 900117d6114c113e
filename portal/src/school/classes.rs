//! Classes with their money, a class by name, and pupils chosen for a service that is still to be found.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use keis_ledger::ids::{OrderId, PupilId, SessionId};
use keis_ledger::money::Cents;
use keis_ledger::record::Booking;
use keis_registry::permission::Permission;
use keis_wallet::client::PupilWallet;

use super::Desk;
use super::roll::{self, ClassKey, Member};
use crate::call::{Answer, Call, page, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::{Lang, Words};

/// Where the session keeps pupils who were ticked before a service was found.
const CHOSEN: &str = "school-chosen";
/// Most pupils that are kept: as many as an order can have.
const MOST_CHOSEN: usize = keis_ledger::operation::MAX_PUPILS;

#[derive(Template)]
#[template(path = "school/classes.html")]
struct ClassesPage {
    f: Frame,
    rows: Vec<ClassRow>,
    total: ClassRow,
}

struct ClassRow {
    label: String,
    href: String,
    pupils: usize,
    left: String,
    unreached: usize,
}

pub(super) async fn classes(site: Arc<Site>, call: Call) -> Answer {
    let desk = Desk::open(&site, &call, Permission::SeeClasses).await?;
    let f = call.frame(&site, Section::Classes, call.words().text("school-classes-title")).await?;
    let wallets = roll::wallets(&site, &desk).await?;
    let classes = roll::school(&site, &desk, &wallets).await?;
    let row = |label: String, href: String, members: &[&Member]| ClassRow {
        label,
        href,
        pupils: members.len(),
        left: f.w.money(&left(members.iter().copied())),
        unreached: members.iter().filter(|member| member.last(desk.now).is_none()).count(),
    };
    let rows = classes.iter().map(|(key, _, members)| {
        let members: Vec<&Member> = members.iter().collect();
        row(key.label(f.w), key.href(), &members)
    });
    let rows = rows.collect();
    let everybody: Vec<&Member> = classes.iter().flat_map(|(_, _, members)| members).collect();
    let total = row(f.w.text("school-all-classes"), String::new(), &everybody);
    page(&ClassesPage { rows, total, f })
}

/// Money left of all these.
pub(super) fn left<'m>(members: impl Iterator<Item = &'m Member>) -> Cents {
    members.map(Member::balance).fold(Cents::ZERO, |sum, balance| sum.checked_add(balance).unwrap_or(sum))
}

#[derive(Template)]
#[template(path = "school/class.html")]
struct ClassPage {
    f: Frame,
    class: String,
    count: String,
    left: String,
    rows: Vec<MemberRow>,
    can_order: bool,
    /// A printed list says whose it is and of which day.
    school: String,
    today: String,
}

/// A pupil in a table.
pub(super) struct MemberRow {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) name: String,
    pub(super) left: String,
    pub(super) last: String,
    pub(super) next: String,
    pub(super) note: String,
}

pub(super) async fn class(site: Arc<Site>, call: Call) -> Answer {
    let desk = Desk::open(&site, &call, Permission::SeeClasses).await?;
    let key = ClassKey { branch: call.query.need("branch")?, class: call.query.need("class")? };
    let wallets = roll::wallets(&site, &desk).await?;
    let members = roll::class(&site, &desk, &wallets, &key).await?;
    if members.is_empty() {
        return Err(Trouble::NotFound);
    }
    let visits = Visits::of(&site, &desk).await?;
    let class = key.label(call.words());
    let title = call.words().with1("school-class-title", "class", &class);
    let f = call.frame(&site, Section::Classes, title).await?.with_scripts(&["page.js", "school.js"]);
    let rows = members.iter().map(|member| member_row(&site, f.w, &desk, &visits, member)).collect();
    let shown = ClassPage {
        class,
        count: f.w.count("count-pupils", members.len()),
        left: f.w.money(&left(members.iter())),
        rows,
        can_order: desk.may(Permission::ProposeOrder),
        school: site.registry.school(desk.school).await?.map(|school| school.name).unwrap_or_default(),
        today: f.w.date(&desk.now),
        f,
    };
    page(&shown)
}

pub(super) fn member_row(site: &Arc<Site>, w: &Words, desk: &Desk, visits: &Visits, member: &Member) -> MemberRow {
    let lang = w.lang();
    let visit = |booking: Option<&Booking>| booking.map_or_else(String::new, |one| visits.label(site, lang, one));
    let note = match &member.wallet {
        None => w.text("school-fit-no-wallet"),
        Some(PupilWallet { allocated: false, .. }) => w.text("school-not-allocated"),
        Some(_) => String::new(),
    };
    MemberRow {
        id: member.wallet.as_ref().map(|wallet| wallet.pupil.to_string()).unwrap_or_default(),
        label: roll::pupil_label(w, &member.card),
        name: format!("{} {}", member.card.family_name, member.card.given_name),
        left: w.money(&member.balance()),
        last: visit(member.last(desk.now)),
        next: visit(member.next(desk.now)),
        note,
    }
}

/// Which session each order of the school is for.
pub(super) struct Visits(BTreeMap<OrderId, SessionId>);

impl Visits {
    pub(super) async fn of(site: &Arc<Site>, desk: &Desk) -> Result<Self, Trouble> {
        let orders = desk.orders(site, desk.year).await?;
        let sessions: BTreeMap<OrderId, SessionId> =
            orders.into_iter().map(|view| (view.id, view.order.session)).collect();
        site.catalogue.ensure(desk.year, sessions.values().copied()).await?;
        Ok(Self(sessions))
    }

    /// A booking as people read it; its time alone when the order is another school's.
    pub(super) fn label(&self, site: &Arc<Site>, lang: Lang, booking: &Booking) -> String {
        match self.0.get(&booking.order) {
            Some(session) => site.catalogue.label(*session, lang),
            None => lang.words().date_time(&booking.start),
        }
    }
}

/// Remembers pupils who were ticked, and goes on to the catalogue or to the session that is already chosen.
pub(super) async fn choose(site: Arc<Site>, call: Call) -> Answer {
    let desk = Desk::open(&site, &call, Permission::ProposeOrder).await?;
    let ticked: Vec<PupilId> = call.form.each("pupil")?;
    let wallets = roll::wallets(&site, &desk).await?;
    let own: Vec<PupilId> = ticked.into_iter().filter(|id| wallets.contains_key(id)).take(MOST_CHOSEN).collect();
    if own.is_empty() {
        call.flash(Flash::bad(call.words().text("school-none-chosen"))).await?;
        return redirect("/school/classes");
    }
    call.flash(Flash::good(call.words().count("school-chosen", own.len()))).await?;
    call.session.insert(CHOSEN, &own).await.map_err(Trouble::internal)?;
    match call.form.parse::<SessionId>("session")? {
        Some(session) => redirect(&format!("/school/orders/new?session={session}")),
        None => redirect("/services"),
    }
}

/// Pupils who were ticked before.
pub(super) async fn chosen(call: &Call) -> Result<Vec<PupilId>, Trouble> {
    Ok(call.session.get(CHOSEN).await.map_err(Trouble::internal)?.unwrap_or_default())
}

/// Nobody is ticked any more: the order was asked for.
pub(super) async fn forget_chosen(call: &Call) -> Result<(), Trouble> {
    call.session.remove::<Vec<PupilId>>(CHOSEN).await.map(|_| ()).map_err(Trouble::internal)
}
