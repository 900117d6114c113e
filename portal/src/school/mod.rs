//! Pages of a school: its classes with their money, its orders from choosing pupils to attendance.
//!
//! Owns what coordinators and teachers see and ask for. Every page checks that what it shows is the acting school's own;
//! what is signed leaves through the wallet's signing page.

mod acts;
mod attendance;
mod cancel;
mod change;
mod classes;
mod dispute;
mod home;
mod look;
mod new_order;
mod notices;
mod order;
mod order_list;
mod pupils;
mod rating;
mod refuse;
mod roll;
mod rules;
mod statements;
mod unreached;

use std::sync::Arc;

use keis_ledger::classifiers::{Scope, Year};
use keis_ledger::ids::{OrderId, SchoolId};
use keis_ledger::operation::{Operation, OrderAction, Party};
use keis_ledger::parameters::ProgrammeParameters;
use keis_ledger::record::{OrderState, YearState};
use keis_ledger::time::Timestamp;
use keis_registry::permission::{Body, Permission};
use keis_wallet::client::OrderView;

use crate::call::{Acting, Answer, Call};
use crate::deadlines::{all_moved, moved, unreported};
use crate::dispute::is_decided;
use crate::route::{Route, get, post};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::wallet::{SignRequest, Signer, sign_page};
use rules::{Act, Possible};

/// The routes.
pub(crate) fn routes(site: &Arc<Site>) -> Vec<Route> {
    vec![
        get(site, "/school", home::home),
        post(site, "/school/notices", notices::dismiss),
        get(site, "/school/classes", classes::classes),
        get(site, "/school/class", classes::class),
        post(site, "/school/chosen", classes::choose),
        get(site, "/school/unreached", unreached::unreached),
        get(site, "/school/orders", order_list::list),
        get(site, "/school/orders/new", new_order::form),
        post(site, "/school/orders/new", new_order::submit),
        get(site, "/school/orders/{id}", order::order),
        get(site, "/school/orders/{id}/change", change::form),
        post(site, "/school/orders/{id}/change", change::submit),
        get(site, "/school/orders/{id}/pupils", pupils::form),
        post(site, "/school/orders/{id}/pupils", pupils::submit),
        get(site, "/school/orders/{id}/cancel", cancel::form),
        post(site, "/school/orders/{id}/cancel", cancel::submit),
        post(site, "/school/orders/{id}/answer", acts::answer),
        get(site, "/school/orders/{id}/attendance", attendance::form),
        post(site, "/school/orders/{id}/attendance", attendance::submit),
        get(site, "/school/orders/{id}/dispute", dispute::form),
        post(site, "/school/orders/{id}/dispute", dispute::submit),
        get(site, "/school/orders/{id}/rate", rating::form),
        post(site, "/school/orders/{id}/rate", rating::submit),
        get(site, "/school/orders/{id}/print", order::print),
        get(site, "/school/statements", statements::list),
        get(site, "/school/statements/{id}/paper", statements::paper),
        get(site, "/school/statements/{id}/paper/xml", statements::paper_xml),
        get(site, "/school/statements/{id}/refuse", refuse::form),
        post(site, "/school/statements/{id}/refuse", refuse::submit),
    ]
}

/// The school for which somebody acts, in the programme as it stands.
struct Desk {
    acting: Acting,
    school: SchoolId,
    /// The year in which people order.
    year: Year,
    state: YearState,
    parameters: ProgrammeParameters,
    now: Timestamp,
}

impl Desk {
    async fn open(site: &Arc<Site>, call: &Call, permission: Permission) -> Result<Self, Trouble> {
        let acting = call.acting(permission).await?;
        let school = match acting.body {
            Body::School(school) => school,
            Body::Provider(_) | Body::Operator | Body::BudgetHolder => return Err(Trouble::Forbidden),
        };
        let programme = site.programme().await?;
        let crate::site::Programme { year, state, parameters, now } = programme;
        Ok(Self { acting, school, year, state, parameters, now })
    }

    fn may(&self, permission: Permission) -> bool {
        self.acting.role.may(permission)
    }

    fn party(&self) -> Party {
        Party::School(self.school)
    }

    /// An order of this school, of whatever year, with the rules of its year.
    async fn order(&self, site: &Arc<Site>, id: OrderId) -> Result<Standing, Trouble> {
        let mut years = site.years().await?;
        years.sort_by_key(|year| (year.year != self.year, std::cmp::Reverse(year.year)));
        for year in years {
            let Some(view) = site.client.order_lines(year.year, id).await? else { continue };
            if view.order.school != self.school && view.school_successor != Some(self.school) {
                return Err(Trouble::NotFound);
            }
            return Ok(Standing { view: moved(view), parameters: year.parameters, state: year.state });
        }
        Err(Trouble::NotFound)
    }

    /// The school's orders of a year, also those of schools in whose place it stands.
    async fn orders(&self, site: &Arc<Site>, year: Year) -> Result<Vec<OrderView>, Trouble> {
        let mut all = Vec::new();
        for school in houses(site, self.school, year).await? {
            all.extend(site.client.all_school_orders(school, year, None).await?);
        }
        Ok(all_moved(all))
    }

    /// Years whose orders may still wait for something: the one in which people order, and the one before.
    async fn recent_years(&self, site: &Arc<Site>) -> Result<Vec<(Year, ProgrammeParameters)>, Trouble> {
        let years = site.years().await?;
        let recent = years.into_iter().filter(|year| year.year <= self.year && self.year.0 - year.year.0 <= 1);
        Ok(recent.map(|year| (year.year, year.parameters)).collect())
    }
}

/// Schools of whom it is asked in whose places they stood, at the most.
const MOST_HOUSES: usize = 16;

/// The school and those in whose place it stands: what they did is listed under their names.
async fn houses(site: &Site, school: SchoolId, year: Year) -> Result<Vec<SchoolId>, Trouble> {
    let mut all = vec![school];
    let mut next = 0;
    while let Some(house) = all.get(next).copied().filter(|_| next < MOST_HOUSES) {
        next += 1;
        let wallet = site.client.school_wallet(house, year).await?;
        for before in wallet.map(|wallet| wallet.predecessors).unwrap_or_default() {
            // The registry shows a successor what stands under the old name.
            site.registry.note_succession(&Body::School(before), &Body::School(house)).await?;
            if !all.contains(&before) {
                all.push(before);
            }
        }
    }
    Ok(all)
}

/// An order with the rules of its year.
struct Standing {
    view: OrderView,
    parameters: ProgrammeParameters,
    state: YearState,
}

impl Standing {
    /// From when on the order, if it was never reported, is free to cancel.
    fn unreported(&self) -> Timestamp {
        unreported(&self.view, &self.parameters.calendar)
    }

    /// Everything that the school can do with the order now. After a decision of a dispute attendance stands.
    fn possible(&self, now: Timestamp) -> Vec<Possible> {
        let mut all = rules::possible(&self.view.order, now, self.unreported());
        let attended = matches!(self.view.order.state, OrderState::Attended | OrderState::AttendedAutomatically);
        if attended && is_decided(&self.view) {
            all.retain(|one| !matches!(one.act, Act::AmendAttendance | Act::AcceptChange));
        }
        all
    }

    fn act(&self, action: OrderAction) -> Operation {
        Operation::Order { year: self.view.year, order: self.view.id, action }
    }
}

/// What a page asks somebody to sign.
struct Signing {
    title: String,
    operations: Vec<Operation>,
    labels: Vec<(String, String)>,
    scope: Scope,
    next: String,
    warnings: Vec<String>,
}

async fn sign(site: &Arc<Site>, call: &Call, desk: &Desk, signing: Signing) -> Answer {
    let Signing { title, operations, labels, scope, next, warnings } = signing;
    let signer = Signer::Party { party: desk.party(), scopes: vec![scope] };
    sign_page(site, call, SignRequest { title, operations, labels, signer, next, warnings }).await
}

/// Where an order is shown.
fn order_path(id: OrderId) -> String {
    format!("/school/orders/{id}")
}
