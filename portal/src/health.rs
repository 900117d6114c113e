//! How the portal is, for whoever watches over it. Says nothing of people or money.

use std::sync::Arc;

use serde::Serialize;
use warp::http::StatusCode;

use crate::call::{Answer, Call, json};
use crate::route::{Route, get_plain};
use crate::site::Site;

/// The routes.
pub(crate) fn routes(site: &Arc<Site>) -> Vec<Route> {
    vec![get_plain(site, "/health/live", live), get_plain(site, "/health/ready", ready)]
}

#[derive(Serialize)]
struct Health {
    registry: bool,
    gateway: bool,
    catalogue: bool,
}

async fn live(_site: Arc<Site>, _call: Call) -> Answer {
    json(StatusCode::OK, &"live")
}

async fn ready(site: Arc<Site>, _call: Call) -> Answer {
    let (registry, status) = tokio::join!(site.registry.health(), site.client.status());
    let health = Health { registry: registry.is_ok(), gateway: status.is_ok(), catalogue: site.catalogue.ready() };
    let well = health.registry && health.gateway && health.catalogue;
    json(if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &health)
}
