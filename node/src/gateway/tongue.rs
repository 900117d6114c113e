//! In which language a problem is said: English, or Lithuanian where its reader prefers that.

use warp::http::{HeaderValue, header};
use warp::reply::Response;

use super::problem::Content;

/// A language of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tongue {
    English,
    Lithuanian,
}

impl Tongue {
    /// What a field `Accept-Language` wants most; English where it says nothing, or nothing that can be read.
    pub(super) fn of(wanted: Option<&str>) -> Self {
        let wanted = wanted.unwrap_or_default();
        // The most exact range speaks for a language (RFC 4647): `*` alone wants neither more than the other.
        let (lithuanian, english) = (quality(wanted, "lt"), quality(wanted, "en"));
        if lithuanian > english { Self::Lithuanian } else { Self::English }
    }

    fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Lithuanian => "lt",
        }
    }
}

/// How much a language is wanted, in thousandths.
fn quality(wanted: &str, language: &str) -> u16 {
    let mut best: Option<(bool, u16)> = None;
    for range in wanted.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().unwrap_or_default();
        let primary = named.split('-').next().unwrap_or_default();
        let is_named = primary.eq_ignore_ascii_case(language);
        if !is_named && named != "*" {
            continue;
        }
        let quality = parts.find_map(|part| part.strip_prefix("q=")).unwrap_or("1").parse::<f32>();
        let Some(quality) = quality.ok().filter(|quality| (0.0..=1.0).contains(quality)) else { continue };
        best = best.max(Some((is_named, (quality * 1_000.0) as u16)));
    }
    best.map_or(0, |(_, quality)| quality)
}

/// Says a problem in a tongue; any other answer is as it was.
pub(super) fn say(mut response: Response, tongue: Tongue) -> Response {
    let Some(content) = response.extensions_mut().remove::<Box<Content>>() else { return response };
    match tongue {
        Tongue::English => {}
        Tongue::Lithuanian => *response.body_mut() = content.in_lithuanian().into(),
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(tongue.code()));
    headers.append(header::VARY, HeaderValue::from_static("accept-language"));
    response
}
