//! For whom a user acts, when there are several.

use std::sync::Arc;

use crate::call::{Answer, Call, local_path, redirect};
use crate::route::{Route, post};
use crate::site::Site;

/// The routes.
pub(crate) fn routes(site: &Arc<Site>) -> Vec<Route> {
    vec![post(site, "/account/acting", acting)]
}

async fn acting(_site: Arc<Site>, call: Call) -> Answer {
    let body: String = call.form.need("body")?;
    call.act_for(&body).await?;
    redirect(local_path(call.form.get("next").unwrap_or("/")))
}
