//! Pages of officers: what waits for them, decisions, keys, the year, services, the register, participants, the log, differences,
//! and acts for somebody who phones or writes.
//!
//! An officer's act is a row of the registry's outbox, signed by the office's key; pages wait a little for the ledger's answer.
//! What needs a person's own signature (`decisions`) goes through the signing page.

mod acts;
mod behalf;
mod behalf_order;
mod bills;
mod bodies;
mod body;
mod books;
mod decisions;
mod differences;
mod dispatch;
mod erase;
pub(crate) mod forms;
mod import;
mod invoicing;
mod job;
mod keys;
mod log;
mod outbox;
mod people;
mod pupil;
mod service_form;
mod services;
mod upload;
mod work;
mod year;
mod year_form;

use std::sync::Arc;

use crate::route::{Route, get, post};
use crate::site::Site;

/// Rows of a page.
const ROWS: u32 = 50;

/// The routes.
pub(crate) fn routes(site: &Arc<Site>) -> Vec<Route> {
    let jobs = Arc::<job::Jobs>::default();
    let start = {
        let jobs = jobs.clone();
        move |site, call| work::show(site, call, jobs.clone())
    };
    let mut all = vec![
        get(site, "/office", start),
        get(site, "/office/keys", keys::list),
        get(site, "/office/keys/{key}", keys::show),
        post(site, "/office/keys/{key}/approve", keys::approve),
        post(site, "/office/keys/{key}/refuse", keys::refuse),
        post(site, "/office/keys/{key}/revoke", keys::revoke),
        get(site, "/office/year", year::list),
        get(site, "/office/year/open", year::open_form),
        post(site, "/office/year/open", year::open),
        get(site, "/office/year/{year}", year::show),
        post(site, "/office/year/{year}/wallets", year::open_wallets),
        post(site, "/office/year/{year}/allocate", year::allocate),
        post(site, "/office/year/{year}/school-money", year::school_money),
        post(site, "/office/year/{year}/end", year::end),
        get(site, "/office/services", services::list),
        get(site, "/office/services/new", services::new_form),
        post(site, "/office/services/new", services::publish),
        get(site, "/office/services/{service}", services::show),
        get(site, "/office/services/{service}/amend", services::amend_form),
        post(site, "/office/services/{service}/amend", services::amend),
        post(site, "/office/services/{service}/standing", services::standing),
        get(site, "/office/people", people::list),
        get(site, "/office/people/schools/new", bodies::school_form),
        post(site, "/office/people/schools/new", bodies::add_school),
        get(site, "/office/people/providers/new", bodies::provider_form),
        post(site, "/office/people/providers/new", bodies::add_provider),
        get(site, "/office/people/{body}", body::show),
        post(site, "/office/people/{body}/standing", body::standing),
        get(site, "/office/pupil", pupil::form),
        post(site, "/office/pupil", pupil::find),
        get(site, "/office/erase/{person}", erase::form),
        post(site, "/office/erase/{person}", erase::erase),
        get(site, "/office/outbox", outbox::list),
        post(site, "/office/outbox/{row}/retry", outbox::retry),
        post(site, "/office/outbox/{row}/discard", outbox::discard),
        get(site, "/office/log", log::list),
        post(site, "/office/log/verify", log::verify),
        get(site, "/office/behalf", behalf::search),
        get(site, "/office/behalf/{body}", behalf::show),
        post(site, "/office/behalf/{body}/order/{order}", behalf_order::act),
        post(site, "/office/behalf/{body}/key", behalf::revoke_key),
        get(site, "/office/behalf/{body}/order/{order}", behalf_order::attendance_form),
        get(site, "/office/behalf/{body}/new", behalf_order::form),
        post(site, "/office/behalf/{body}/new", behalf_order::place),
    ];
    all.extend(import::routes(site, &jobs));
    all.extend(differences::routes(site));
    all.extend(bills::routes(site));
    all.extend(books::routes(site));
    all.extend(invoicing::routes(site));
    all.extend(decisions::routes(site));
    all.extend(dispatch::routes(site));
    all
}
