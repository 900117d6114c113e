//! What pages of other sites may do here: read what is public, and nothing else. No cookie, key or signature goes with it.

use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use warp::reply::Response;

use super::call::fits;

/// An address that the door answers.
pub(super) struct Entry {
    /// The method.
    pub(super) method: Method,
    /// The path, with `{id}` for a part that varies.
    pub(super) template: &'static str,
    /// Whether pages of other sites may read it.
    pub(super) is_shared: bool,
    /// What answers there.
    pub(super) filter: BoxedFilter<(Response,)>,
}

/// The entries of an address.
pub(super) fn at<'e>(entries: &'e [Entry], path: &str) -> impl Iterator<Item = &'e Entry> {
    entries.iter().filter(move |entry| fits(entry.template, path))
}

/// The methods of an address, for the field `Allow`; empty where there is no such address.
pub(super) fn allowed(entries: &[Entry], path: &str) -> String {
    let mut methods = Vec::new();
    for entry in at(entries, path) {
        methods.push(entry.method.as_str());
        if entry.method == Method::GET {
            methods.push("HEAD");
        }
    }
    if !methods.is_empty() {
        methods.push("OPTIONS");
    }
    methods.join(", ")
}

/// Whether pages of other sites may read what is at an address.
pub(super) fn is_shared(entries: &[Entry], path: &str) -> bool {
    at(entries, path).any(|entry| entry.is_shared)
}

fn set(headers: &mut HeaderMap, fields: &[(HeaderName, &'static str)]) {
    for (name, value) in fields {
        headers.insert(name.clone(), HeaderValue::from_static(value));
    }
}

/// Answers which methods an address has, and to a browser whether a page of another site may use them.
pub(super) fn options(entries: &[Entry], path: &str, asked: &HeaderMap) -> Option<Response> {
    let allow = HeaderValue::from_str(&allowed(entries, path)).ok().filter(|allow| !allow.is_empty())?;
    let mut response = Response::new("".into());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, allow);
    set(headers, &[(header::CACHE_CONTROL, "no-store")]);
    let wanted = asked.get(header::ACCESS_CONTROL_REQUEST_METHOD).map(HeaderValue::as_bytes);
    let reads = wanted.is_some_and(|method| method == b"GET" || method == b"HEAD");
    if asked.contains_key(header::ORIGIN) && reads && is_shared(entries, path) {
        set(
            headers,
            &[
                (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
                (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, "accept-language, cache-control, if-none-match, last-event-id"),
                (header::ACCESS_CONTROL_MAX_AGE, "86400"),
            ],
        );
    }
    Some(response)
}

/// Lets pages of other sites read an answer.
pub(super) fn open(response: &mut Response) {
    set(
        response.headers_mut(),
        &[
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (header::ACCESS_CONTROL_EXPOSE_HEADERS, "allow, content-language, etag, retry-after"),
        ],
    );
}
