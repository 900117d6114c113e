//! The table of routes: each room of pages brings its own.

use std::sync::Arc;

use crate::route::Route;
use crate::site::Site;
use crate::{account, assets, health, office, provider, public, school, signin, wallet};

/// Every route.
pub(crate) fn table(site: &Arc<Site>) -> Vec<Route> {
    let rooms = [
        assets::routes(site),
        health::routes(site),
        public::routes(site),
        signin::routes(site),
        account::routes(site),
        school::routes(site),
        provider::routes(site),
        office::routes(site),
        wallet::routes(site),
    ];
    rooms.into_iter().flatten().collect()
}
