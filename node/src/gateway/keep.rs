//! How long an answer may be kept by others, and what becomes of a request for what its client holds. This alone decides.
//!
//! A tag is made of the answer itself. Public answers name the height that they were read at, so theirs moves with the tip;
//! and it moves too when a description arrives or the index goes on, which no root of the state tells.

use warp::http::{HeaderMap, HeaderValue, Response, StatusCode, header};

/// How long an answer may be kept by others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// It is of this moment of this node.
    Not,
    /// It is public and moves with the tip.
    Moving,
    /// It is for one reader alone.
    Never,
    /// It is for one reader alone, who asks each time whether it still holds.
    Own,
    /// It is public and never changes.
    Forever,
}

impl Keep {
    fn policy(self) -> &'static str {
        match self {
            Self::Not => "no-cache",
            Self::Moving => "public, max-age=2",
            Self::Never => "private, no-store",
            Self::Own => "private, no-cache",
            Self::Forever => "public, max-age=31536000, immutable",
        }
    }

    fn is_tagged(self) -> bool {
        match self {
            Self::Moving | Self::Own | Self::Forever => true,
            Self::Not | Self::Never => false,
        }
    }

    /// Marks an answer's head.
    pub(super) fn mark(self, headers: &mut HeaderMap, body: &[u8]) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(self.policy()));
        let tag = self.is_tagged().then(|| format!("\"{}\"", &blake3::hash(body).to_hex()[..32]));
        if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(&tag).ok()) {
            headers.insert(header::ETAG, tag);
        }
    }
}

/// Whether what a client holds, by its field `If-None-Match`, is the answer of this tag (RFC 9110: compared weakly).
fn holds(held: &str, tag: &str) -> bool {
    held.trim() == "*" || held.split(',').any(|one| plain(one.trim()) == tag)
}

/// A tag without what says how its bytes were packed.
fn plain(tag: &str) -> String {
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    let inner = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or(tag);
    format!("\"{}\"", inner.split('-').next().unwrap_or_default())
}

/// Takes the body away from an answer that its client holds already.
pub(super) fn unless_held<B>(
    mut response: Response<B>,
    held: Option<&str>,
    nothing: impl FnOnce() -> B,
) -> Response<B> {
    let tag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
    let is_held = tag.zip(held).is_some_and(|(tag, held)| holds(held, tag));
    if response.status() != StatusCode::OK || !is_held {
        return response;
    }
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    *response.body_mut() = nothing();
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
        response.headers_mut().remove(name);
    }
    response
}

/// Gives packed bytes a tag of their own: a strong tag promises the same bytes.
pub(super) fn tell_packed<B>(mut response: Response<B>) -> Response<B> {
    let text =
        |name: header::HeaderName| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let packed = text(header::CONTENT_ENCODING).zip(text(header::ETAG));
    let tag = packed.map(|(encoding, tag)| format!("\"{}-{encoding}\"", tag.trim_matches('"')));
    if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(&tag).ok()) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
