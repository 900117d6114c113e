//! The accountants' desk: statements from their issue to the bank, what providers owe, the year's end.
//!
//! Operator and budget holder read the same pages; who approves, pays and compares with the bank is the ledger's rule, told here
//! beforehand. What moves is signed in the officer's own browser; what the bank calls a payment stays in the registry.

mod act;
mod bank_file;
mod book;
mod compare;
mod debt;
mod end;
mod form;
mod list;
mod pay;
mod reconcile;
mod recording;
mod statement;
mod table;
mod upload;

use std::collections::BTreeMap;
use std::sync::Arc;

use keis_ledger::classifiers::Year;
use keis_ledger::ids::{InstitutionId, ProviderId, SchoolId, StatementId};
use keis_ledger::money::Source;
use keis_ledger::operation::{Buyer, Operation};
use keis_registry::Actor;
use keis_registry::permission::{Permission, Role};
use keis_registry::users::User;
use keis_wallet::client::StatementView;
use warp::reply::Response;

use crate::call::{Answer, Call, Fields};
use crate::route::{Route, get, post};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::wallet::{SignRequest, Signer, sign_page};
use crate::words::Words;

use book::{Books, Slip, Standing};

pub(super) use table::file;

/// Scripts of pages from which one signs.
const INTENT: &[&str] = &["page.js"];

/// The routes.
pub(super) fn routes(site: &Arc<Site>) -> Vec<Route> {
    let books = Arc::<Books>::default();
    /// A page that reads the books.
    macro_rules! over {
        ($handler:path) => {{
            let books = books.clone();
            move |site, call| $handler(site, call, books.clone())
        }};
    }
    vec![
        get(site, "/office/bills", over!(list::show)),
        get(site, "/office/books/{year}/payments", over!(upload::show)),
        post(site, "/office/books/{year}/payments", upload::take),
        post(site, "/office/books/{year}/forget", upload::forget),
        get(site, "/office/books/{year}/refused.csv", over!(upload::refused_csv)),
        get(site, "/office/books/{year}/compare", over!(compare::show)),
        get(site, "/office/books/{year}/differences.csv", over!(compare::differences)),
        get(site, "/office/bills/{year}/payable", over!(table::show)),
        get(site, "/office/bills/{year}/payable.csv", over!(table::payable)),
        get(site, "/office/bills/{year}/debts", over!(debt::list)),
        get(site, "/office/bills/{year}/repay", debt::repay_form),
        post(site, "/office/bills/{year}/repay", debt::repay),
        get(site, "/office/bills/{year}/repaid", debt::reconcile_form),
        post(site, "/office/bills/{year}/repaid", debt::reconcile),
        get(site, "/office/bills/{year}/end", over!(end::show)),
        post(site, "/office/bills/{year}/seal", over!(end::seal)),
        get(site, "/office/bills/{year}/pay", pay::pay_form),
        post(site, "/office/bills/{year}/pay", over!(pay::pay)),
        get(site, "/office/bills/{year}/set-off", pay::set_off_form),
        post(site, "/office/bills/{year}/set-off", pay::set_off),
        get(site, "/office/bills/{year}/reconcile", reconcile::form),
        post(site, "/office/bills/{year}/reconcile", reconcile::reconcile),
        post(site, "/office/bills/{year}/act", act::act),
        get(site, "/office/bills/{year}/{statement}", statement::show),
    ]
}

/// Who sits at the desk.
pub(super) struct Desk {
    user: User,
    operator: bool,
    budget_holder: bool,
}

impl Desk {
    pub(super) fn actor(&self) -> Actor {
        Actor::User(self.user.id)
    }

    /// Whether the payer of this buyer's statements sits here: the budget holder for the programme, the operator for a school.
    fn pays(&self, buyer: Buyer) -> bool {
        match buyer {
            Buyer::Programme => self.budget_holder,
            Buyer::School(_) => self.operator,
        }
    }

    /// Whether what was recorded for this buyer by these institutions is compared with the bank here: by an institution that
    /// recorded none of it. Where an office has several institutions, the office that did not pay is told; the ledger judges.
    fn compares(&self, site: &Site, buyer: Buyer, recorded_by: &[InstitutionId]) -> bool {
        let roles = [(self.operator, Role::Officer), (self.budget_holder, Role::BudgetOfficer)];
        let held = roles.into_iter().filter(|(held, _)| *held);
        let own: Option<Vec<InstitutionId>> = held.map(|(_, role)| site.network.institutions.of(role)).collect();
        match (own, buyer) {
            (Some(own), _) => own.iter().any(|institution| !recorded_by.contains(institution)),
            (None, Buyer::Programme) => self.operator,
            (None, Buyer::School(_)) => self.budget_holder,
        }
    }
}

/// Officers alone; of operator or budget holder.
pub(super) fn desk(call: &Call) -> Result<Desk, Trouble> {
    let user = call.user()?;
    let has = |role: Role| user.grants.iter().any(|grant| grant.role == role && role.may(Permission::SeeStatements));
    let (operator, budget_holder) = (has(Role::Officer), has(Role::BudgetOfficer));
    if !operator && !budget_holder {
        return Err(Trouble::Forbidden);
    }
    Ok(Desk { user: user.clone(), operator, budget_holder })
}

/// The year of the path, whose records can be read; for a sealed one the page that says so.
pub(super) async fn open_year(site: &Arc<Site>, call: &Call) -> Result<Result<Year, Response>, Trouble> {
    let year = Year(call.part(0)?);
    if site.years().await?.iter().any(|known| known.year == year) {
        return Ok(Ok(year));
    }
    end::gone(site, call, year).await.map(Err)
}

/// What people call providers and schools, looked up once each.
#[derive(Default)]
pub(super) struct Names {
    providers: BTreeMap<ProviderId, String>,
    schools: BTreeMap<SchoolId, String>,
}

impl Names {
    pub(super) async fn provider(&mut self, site: &Site, id: ProviderId) -> Result<String, Trouble> {
        if let Some(name) = self.providers.get(&id) {
            return Ok(name.clone());
        }
        let found = site.registry.provider(id).await?;
        let name = found.map_or_else(|| id.to_string(), |provider| provider.name);
        self.providers.insert(id, name.clone());
        Ok(name)
    }

    pub(super) async fn buyer(&mut self, site: &Site, w: &Words, buyer: Buyer) -> Result<String, Trouble> {
        let Buyer::School(id) = buyer else { return Ok(w.text("bills-programme")) };
        if let Some(name) = self.schools.get(&id) {
            return Ok(name.clone());
        }
        let name = site.registry.school(id).await?.map_or_else(|| id.to_string(), |school| school.name);
        self.schools.insert(id, name.clone());
        Ok(name)
    }
}

pub(super) fn source(w: &Words, source: Source) -> String {
    match source {
        Source::State => w.text("bills-source-state"),
        Source::School => w.text("bills-source-school"),
    }
}

/// Where a statement stands, in words.
fn standing(w: &Words, standing: Standing) -> String {
    match standing {
        Standing::PartPaid => w.text("bills-part-paid"),
        Standing::Issued
        | Standing::Accepted
        | Standing::InvoiceAttached
        | Standing::Approved
        | Standing::Paid
        | Standing::Reconciled
        | Standing::Contested
        | Standing::Credited => w.text(&format!("statement-{}", standing.name())),
    }
}

/// What the signing page calls a statement.
async fn label(site: &Site, w: &Words, names: &mut Names, view: &StatementView) -> Result<String, Trouble> {
    let statement = &view.statement;
    let provider = names.provider(site, statement.provider).await?;
    let buyer = names.buyer(site, w, statement.buyer).await?;
    Ok(format!("{provider} → {buyer}, {}, {}", w.date(&statement.issued), w.money(&statement.total)))
}

/// The statements that a form or link names, each once, all of the year and all there.
async fn chosen(site: &Site, year: Year, fields: &Fields) -> Result<Vec<StatementView>, Trouble> {
    let mut ids: Vec<StatementId> = fields.each("statement")?;
    ids.sort_unstable();
    ids.dedup();
    if ids.len() > crate::wallet::MOST_OPERATIONS {
        return Err(Trouble::Malformed("bills-too-many"));
    }
    let mut views = Vec::new();
    for id in ids {
        views.push(site.client.statement(year, id).await?.ok_or(Trouble::NotFound)?);
    }
    if views.is_empty() { Err(Trouble::Malformed("bills-none-chosen")) } else { Ok(views) }
}

/// Statements as the rows of a page on which something is done with them.
struct Chosen {
    id: StatementId,
    href: String,
    provider: String,
    invoice: String,
    total: String,
    open: String,
}

async fn rows(
    site: &Site,
    call: &Call,
    desk: &Desk,
    views: &[StatementView],
    names: &mut Names,
) -> Result<Vec<Chosen>, Trouble> {
    let w = call.words();
    let numbers: Vec<_> = views.iter().filter_map(|view| Slip::of(view).invoice).collect();
    let numbers = site.registry.opened_marks(&desk.actor(), &numbers).await?;
    let mut rows = Vec::new();
    for view in views {
        let slip = Slip::of(view);
        rows.push(Chosen {
            id: slip.id,
            href: href(view.year, slip.id),
            provider: names.provider(site, slip.provider).await?,
            invoice: slip.invoice.and_then(|number| numbers.get(&number).cloned()).unwrap_or_default(),
            total: w.money(&slip.total),
            open: w.money(&slip.open),
        });
    }
    Ok(rows)
}

fn href(year: Year, statement: StatementId) -> String {
    format!("/office/bills/{year}/{statement}")
}

/// Where one goes after signing: to the statement, or back to the list that is read anew.
fn next(year: Year, views: &[StatementView]) -> String {
    match views {
        [one] => href(year, one.id),
        _ => format!("/office/bills?year={year}&changed=yes"),
    }
}

/// What an officer signs with a key of their own.
struct Sheet {
    title: String,
    operations: Vec<Operation>,
    labels: Vec<(String, String)>,
    next: String,
    warnings: Vec<String>,
}

async fn sign(site: &Arc<Site>, call: &Call, sheet: Sheet) -> Answer {
    let Sheet { title, operations, labels, next, warnings } = sheet;
    let request = SignRequest { title, operations, labels, signer: Signer::Officer, next, warnings };
    sign_page(site, call, request).await
}
