//! Statements: what is to be paid for which orders, by whom; accepted or contested.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use futures::stream::{self, StreamExt, TryStreamExt};
use keis_ledger::classifiers::{Scope, Year};
use keis_ledger::ids::StatementId;
use keis_ledger::money::{Cents, Source};
use keis_ledger::operation::{Buyer, Operation, SettlementOperation};
use keis_ledger::record::{LineState, StatementState};
use keis_registry::permission::Permission;
use keis_wallet::client::{OrderView, StatementView};

use super::bill::{self, BillLook};
use super::owed::{self, Owed};
use super::{INTENT, Own, Sheet, own, reversed, rows, rules, sign};
use crate::call::{Answer, Call, page, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::public::listing::{PageLink, page_links};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// Rows on a page.
const PER_PAGE: usize = 50;
/// Orders that are asked for at a time.
const AT_ONCE: usize = 8;

#[derive(Template)]
#[template(path = "provider/statements.html")]
struct Statements {
    f: Frame,
    years: Vec<(Year, bool)>,
    year: Year,
    list: Vec<Row>,
    sums: Vec<Sum>,
    pages: Vec<PageLink>,
    range: String,
    caption: String,
    owed: Owed,
    /// Whether details for invoices may be set.
    details: bool,
}

/// A statement in a list.
pub(super) struct Row {
    pub(super) href: String,
    pub(super) issued: String,
    pub(super) buyer: String,
    pub(super) orders: String,
    pub(super) total: String,
    pub(super) state: String,
    pub(super) mood: &'static str,
}

impl Row {
    /// What the signing page calls the statement.
    pub(super) fn label(&self) -> String {
        format!("{}, {}, {}, {}", self.buyer, self.issued, self.orders, self.total)
    }
}

/// Money of one source in statements, by state.
struct Sum {
    source: String,
    waiting: String,
    accepted: String,
}

#[derive(Template)]
#[template(path = "provider/statement.html")]
struct StatementPage {
    f: Frame,
    id: StatementId,
    year: Year,
    row: Row,
    source: String,
    waiting: bool,
    bill: Option<BillLook>,
    list: Vec<OrderLine>,
    pages: Vec<PageLink>,
    range: String,
    caption: String,
}

struct OrderLine {
    href: String,
    when: String,
    title: String,
    school: String,
    attended: usize,
    absent: usize,
    due: String,
    /// Where money of the order may be given back.
    credit: Option<String>,
    /// Where the credit note about a reversal is made.
    reversed: Option<String>,
}

/// Who pays a statement, in words.
pub(super) async fn buyer(site: &Site, w: &Words, buyer: Buyer) -> Result<String, Trouble> {
    match buyer {
        Buyer::Programme => Ok(w.text("provider-buyer-programme")),
        Buyer::School(id) => {
            let school = site.registry.school(id).await?;
            Ok(school.map_or_else(|| id.to_string(), |school| school.name))
        }
    }
}

/// Where a statement stands, in words and as a colour.
pub(super) fn state(w: &Words, view: &StatementView) -> (String, &'static str) {
    match view.statement.state {
        StatementState::Issued => (w.text("statement-issued"), "wait"),
        StatementState::Accepted => (w.text("statement-accepted"), "good"),
        StatementState::Contested => (w.text("statement-contested"), "bad"),
        StatementState::InvoiceAttached => (w.text("statement-invoice_attached"), "wait"),
        StatementState::Approved if view.statement.balance < view.statement.total => {
            (w.text("provider-part-paid"), "wait")
        }
        StatementState::Approved => (w.text("statement-approved"), "good"),
        StatementState::Paid => (w.text("statement-paid"), "good"),
        StatementState::Reconciled => (w.text("statement-reconciled"), "good"),
        StatementState::Credited => (w.text("statement-credited"), "bad"),
    }
}

/// A statement as a row.
pub(super) async fn row(site: &Site, w: &Words, view: &StatementView) -> Result<Row, Trouble> {
    let statement = &view.statement;
    let (state, mood) = state(w, view);
    Ok(Row {
        href: format!("/provider/statements/{}?year={}", view.id, view.year),
        issued: w.date(&statement.issued),
        buyer: buyer(site, w, statement.buyer).await?,
        orders: w.count("count-orders", statement.orders.len()),
        total: w.money(&statement.total),
        state,
        mood,
    })
}

fn sums(w: &Words, all: &[StatementView]) -> Vec<Sum> {
    let mut sums: BTreeMap<(Source, bool), Cents> = BTreeMap::new();
    for view in all {
        let state = view.statement.state;
        if state == StatementState::Contested {
            continue;
        }
        let accepted = state.is_accepted();
        let sum = sums.entry((view.statement.buyer.source(), accepted)).or_default();
        *sum = sum.checked_add(view.statement.total).unwrap_or(*sum);
    }
    let of = |source, accepted| w.money(&sums.get(&(source, accepted)).copied().unwrap_or_default());
    let one = |source| Sum { source: source_name(w, source), waiting: of(source, false), accepted: of(source, true) };
    Source::ALL.into_iter().map(one).collect()
}

fn source_name(w: &Words, source: Source) -> String {
    match source {
        Source::State => w.text("provider-source-state"),
        Source::School => w.text("provider-source-school"),
    }
}

pub(super) async fn statements(site: Arc<Site>, call: Call) -> Answer {
    let own = own(&call, Permission::SeeStatements).await?;
    let w = call.words();
    let (year, years) = site.asked_year(&call).await?;
    let mut all = of_year(&site, &own, year).await?;
    let waits = |view: &StatementView| match view.statement.state {
        StatementState::Issued => 0,
        StatementState::Accepted => 1,
        StatementState::Contested
        | StatementState::InvoiceAttached
        | StatementState::Approved
        | StatementState::Paid
        | StatementState::Reconciled
        | StatementState::Credited => 2,
    };
    all.sort_by_key(|view| (waits(view), std::cmp::Reverse(view.statement.issued), view.id));
    let pages = all.len().div_ceil(PER_PAGE).max(1);
    let number = call.query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).clamp(1, pages);
    let mut list = Vec::new();
    for view in all.iter().skip((number - 1) * PER_PAGE).take(PER_PAGE) {
        list.push(row(&site, w, view).await?);
    }
    let range = w.with("public-page-of", &[("page", &number.to_string()), ("pages", &pages.to_string())]);
    let f = call.frame(&site, Section::Statements, w.text("provider-statements")).await?;
    page(&Statements {
        f,
        years,
        year,
        owed: owed::of_year(&site, w, &own, year).await?,
        sums: sums(w, &all),
        caption: w.count("provider-count-statements", all.len()),
        list,
        pages: page_links(&call, number, pages),
        range,
        details: own.acting.role.may(Permission::AcceptStatements),
    })
}

/// Statements of a year, also those of providers in whose place this one stands.
pub(super) async fn of_year(site: &Site, own: &Own, year: Year) -> Result<Vec<StatementView>, Trouble> {
    let mut all = Vec::new();
    for house in own.houses(site).await? {
        all.extend(site.client.all_provider_statements(house, year).await?);
    }
    Ok(all)
}

/// The provider's statement in whichever year it is; of the query's year alone when it names one.
pub(super) async fn find(site: &Site, call: &Call, own: &Own) -> Result<StatementView, Trouble> {
    let id: StatementId = call.part(0)?;
    let years = match call.query.parse::<u16>("year")? {
        Some(year) => vec![Year(year)],
        None => site.years().await?.iter().rev().map(|known| known.year).collect(),
    };
    for year in years {
        if let Some(found) = site.client.statement(year, id).await? {
            let ours = own.stands_for(site, found.statement.provider).await?;
            return if ours { Ok(found) } else { Err(Trouble::NotFound) };
        }
    }
    Err(Trouble::NotFound)
}

fn count(view: &OrderView, state: LineState) -> usize {
    view.order.lines.iter().filter(|line| line.state == state).count()
}

pub(super) async fn statement(site: Arc<Site>, call: Call) -> Answer {
    let own = own(&call, Permission::SeeStatements).await?;
    let view = find(&site, &call, &own).await?;
    let (w, ids) = (call.words(), &view.statement.orders);
    let pages = ids.len().div_ceil(PER_PAGE).max(1);
    let number = call.query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).clamp(1, pages);
    let shown: Vec<_> = ids.iter().copied().skip((number - 1) * PER_PAGE).take(PER_PAGE).collect();
    let asked = stream::iter(shown).map(|id| site.client.order_lines(view.year, id)).buffered(AT_ONCE);
    let orders: Vec<OrderView> = asked.try_filter_map(async |found| Ok(found)).try_collect().await?;
    let credits = view.statement.state.is_accepted() && own.acting.role.may(Permission::AcceptStatements);
    let listed = rows::rows(&site, call.lang, &orders).await?;
    let source = view.statement.buyer.source();
    let line = |(listed, order): (rows::OrderRow, &OrderView)| OrderLine {
        href: listed.href,
        when: listed.when,
        title: listed.title,
        school: listed.school,
        attended: count(order, LineState::Attended),
        absent: count(order, LineState::Absent),
        due: w.money(&rules::due(&order.order).of(source)),
        credit: (credits && !rules::due(&order.order).of(source).is_zero())
            .then(|| format!("/provider/statements/{}/credit?year={}&order={}", view.id, view.year, order.id)),
        reversed: (credits && view.bill.invoice.is_some() && reversed::is_reversed(order))
            .then(|| format!("/provider/statements/{}/reversed?year={}&order={}", view.id, view.year, order.id)),
    };
    let list: Vec<OrderLine> = listed.into_iter().zip(&orders).map(line).collect();
    let range = w.with("public-page-of", &[("page", &number.to_string()), ("pages", &pages.to_string())]);
    let row = row(&site, w, &view).await?;
    let f = call.frame(&site, Section::Statements, w.text("provider-statement")).await?.with_scripts(INTENT);
    page(&StatementPage {
        f,
        id: view.id,
        year: view.year,
        source: source_name(w, source),
        waiting: view.statement.state == StatementState::Issued,
        bill: bill::look(&site, w, &own, &view).await?,
        caption: row.orders.clone(),
        row,
        list,
        pages: page_links(&call, number, pages),
        range,
    })
}

/// Accepts or contests a statement.
pub(super) async fn answer(site: Arc<Site>, call: Call) -> Answer {
    let own = own(&call, Permission::AcceptStatements).await?;
    let view = find(&site, &call, &own).await?;
    let (w, year, statement) = (call.words(), view.year, view.id);
    if call.form.need::<StatementId>("statement")? != statement {
        return Err(Trouble::Malformed("trouble-field"));
    }
    let (operation, title, warning) = match call.form.get("act") {
        Some("accept") => {
            (SettlementOperation::Accept { year, statement }, "provider-accept-statement", "provider-accept-warning")
        }
        Some("contest") => {
            (SettlementOperation::Contest { year, statement }, "provider-contest-statement", "provider-contest-warning")
        }
        _ => return Err(Trouble::Malformed("trouble-field")),
    };
    let row = row(&site, w, &view).await?;
    if view.statement.state != StatementState::Issued {
        call.flash(Flash::bad(w.text("provider-statement-answered"))).await?;
        return redirect(&row.href);
    }
    let sheet = Sheet {
        title: w.text(title),
        operations: vec![Operation::Settlement(operation)],
        labels: vec![(statement.to_string(), row.label())],
        scope: Scope::Settlement,
        next: row.href,
        warnings: vec![w.text(warning)],
    };
    sign(&site, &call, &own, sheet).await
}
