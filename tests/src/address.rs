//! Addresses of the portal's pages, as a crawl sees them.

/// The kind of page behind an address: ids and values left out. Languages are no kinds of pages.
pub fn kind(address: &str) -> String {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let part = |part: &str| if varies(part) { "*".to_owned() } else { part.to_owned() };
    let path: Vec<String> = path.split('/').map(part).collect();
    let mut names: Vec<&str> = query
        .split('&')
        .filter_map(|pair| pair.split('=').next())
        .filter(|name| !name.is_empty() && *name != "lang")
        .collect();
    names.sort_unstable();
    names.dedup();
    format!("{}?{}", path.join("/"), names.join("&"))
}

/// Whether a part of a path is an id or a value.
pub fn varies(part: &str) -> bool {
    part.contains('_') || part.bytes().any(|byte| byte.is_ascii_digit())
}

/// Addresses that end the session or are no pages.
pub fn leaves(address: &str) -> bool {
    if address.split('?').next().is_some_and(|path| path.ends_with(".csv") || path.ends_with("/xml")) {
        return true;
    }
    ["/signout", "/signin/oidc", "/health"].iter().any(|leaving| address.starts_with(leaving))
}
