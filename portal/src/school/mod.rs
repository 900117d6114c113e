use std::sync::Arc;

use crate::route::Route;
use crate::site::Site;

/// The routes.
pub(crate) fn routes(_site: &Arc<Site>) -> Vec<Route> {
    Vec::new()
}
