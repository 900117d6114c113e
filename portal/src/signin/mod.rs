//! Ways to sign in.

use std::sync::Arc;

use crate::route::Route;
use crate::site::Site;

/// Ways to sign in that are set up.
pub struct SignIn;

/// The routes.
pub(crate) fn routes(_site: &Arc<Site>) -> Vec<Route> {
    Vec::new()
}
