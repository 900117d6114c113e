//! Style sheets, scripts and pictures, part of the program.

use std::sync::Arc;

use rust_embed::RustEmbed;
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::Response;

use crate::call::{Answer, Call};
use crate::route::{Route, get_plain};
use crate::site::Site;
use crate::trouble::Trouble;

#[derive(RustEmbed)]
#[folder = "assets"]
struct Assets;

/// The routes.
pub(crate) fn routes(site: &Arc<Site>) -> Vec<Route> {
    vec![get_plain(site, "/assets/{name}", asset)]
}

async fn asset(_site: Arc<Site>, call: Call) -> Answer {
    let name: String = call.part(0)?;
    let file = Assets::get(&name).ok_or(Trouble::NotFound)?;
    let kind = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => return Err(Trouble::NotFound),
    };
    let mut response = Response::new(file.data.into_owned().into());
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    // A new release has new bytes under the same name: browsers ask whether theirs still hold.
    let tag = format!("\"{}\"", &blake3::hash(&Assets::get(&name).ok_or(Trouble::NotFound)?.data).to_hex()[..16]);
    headers.insert(header::ETAG, HeaderValue::from_str(&tag).map_err(Trouble::internal)?);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    Ok(response)
}
