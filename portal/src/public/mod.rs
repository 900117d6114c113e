//! Pages for everybody, without scripts: start page, services, the programme's figures, about the site.

mod figures;
mod home;
pub(crate) mod listing;
mod service;
pub(crate) mod terms;

use std::sync::Arc;

use askama::Template;
use keis_ledger::time::Timestamp;

use crate::call::{Answer, Call, page};
use crate::frame::{Frame, Section};
use crate::route::{Route, get};
use crate::site::{Programme, Site};
use crate::trouble::Trouble;

/// The routes.
pub(crate) fn routes(site: &Arc<Site>) -> Vec<Route> {
    vec![
        get(site, "/", home::home),
        get(site, "/services", listing::services),
        get(site, "/services/{id}", service::service),
        get(site, "/figures", figures::figures),
        get(site, "/about", about),
    ]
}

/// The network's time and the programme year, if one was opened.
async fn standing(site: &Site) -> Result<(Timestamp, Option<Programme>), Trouble> {
    match site.programme().await {
        Ok(programme) => Ok((programme.now, Some(programme))),
        Err(Trouble::NotFound) => Ok((site.now().await?, None)),
        Err(trouble) => Err(trouble),
    }
}

#[derive(Template)]
#[template(path = "public/about.html")]
struct About {
    f: Frame,
}

async fn about(site: Arc<Site>, call: Call) -> Answer {
    let f = call.frame(&site, Section::None, call.words().text("public-about")).await?;
    page(&About { f })
}
