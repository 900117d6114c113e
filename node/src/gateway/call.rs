//! From a request to a handler and back: paths, queries, bodies, answers. Knows no resource.

use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures::{Stream, StreamExt};
use keis_ledger::classifiers::Year;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use warp::reply::Response;

use super::Context;
use super::keep::Keep;
use super::kept::Content;
use super::problem::Problem;
use super::signature::Message;

/// What a handler answers.
pub(super) type Answer = Result<Response, Problem>;

/// Longest time for a body to arrive.
const BODY_TIME: Duration = Duration::from_secs(10);
/// Up to so many times the limit a body is read to its end, so that its sender sees the answer.
const DISCARDED: usize = 16;

/// A request as a handler sees it.
pub(super) struct Call {
    id: Option<String>,
    query: Vec<(String, String)>,
    /// The body, within the route's limit.
    pub(super) body: Bytes,
    headers: HeaderMap,
    asked: Asked,
}

/// The first line of a request as it was sent.
#[derive(Clone)]
pub(super) struct Asked {
    /// The method, before anything made another of it.
    pub(super) method: Method,
    /// The address.
    pub(super) uri: Uri,
}

impl Call {
    /// The id in the path.
    pub(super) fn id<T: FromStr>(&self) -> Result<T, Problem>
    where
        T::Err: std::fmt::Display,
    {
        let text = self.id.as_deref().unwrap_or_default();
        text.parse().map_err(|error| Problem::malformed(format!("the last part of the path is wrong: {error}")))
    }

    /// Refuses parameters of the query that the route does not know, so that a misspelt filter is not passed over.
    pub(super) fn allow(&self, names: &[&str]) -> Result<(), Problem> {
        for (position, (name, _)) in self.query.iter().enumerate() {
            if !names.contains(&name.as_str()) {
                return Err(Problem::malformed(format!("this address takes the parameters: {}", names.join(", "))));
            }
            if self.query[..position].iter().any(|(other, _)| other == name) {
                return Err(Problem::malformed(format!("the parameter {name} occurs twice")));
            }
        }
        Ok(())
    }

    /// A parameter of the query by its text form.
    pub(super) fn parameter<T: FromStr>(&self, name: &str) -> Result<Option<T>, Problem>
    where
        T::Err: std::fmt::Display,
    {
        let Some(text) = self.text(name) else { return Ok(None) };
        let parsed =
            text.parse().map_err(|error| Problem::malformed(format!("the parameter {name} is wrong: {error}")));
        parsed.map(Some)
    }

    /// A parameter of the query that is one word of a closed list.
    pub(super) fn word<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let parsed = serde_json::from_value(Value::String(text.to_owned()));
        parsed.map(Some).map_err(|error| Problem::malformed(format!("the parameter {name} is wrong: {error}")))
    }

    /// A parameter of the query that must be there.
    pub(super) fn required<T: FromStr>(&self, name: &str) -> Result<T, Problem>
    where
        T::Err: std::fmt::Display,
    {
        self.parameter(name)?.ok_or_else(|| Problem::malformed(format!("the parameter {name} is missing")))
    }

    /// The programme year that the query names.
    pub(super) fn year(&self) -> Result<Year, Problem> {
        self.required("year").map(Year)
    }

    /// A field of the head.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A field of the head that is refused when it is no text, where passing it over would change the answer.
    pub(super) fn header_text(&self, name: &str) -> Result<Option<&str>, Problem> {
        let Some(value) = self.headers.get(name) else { return Ok(None) };
        value.to_str().map(Some).map_err(|_| Problem::malformed(format!("the field {name} is no text")))
    }

    /// Whether the body is of this media type.
    pub(super) fn has_body_of(&self, expected: &str) -> bool {
        self.header("content-type").is_some_and(|given| is_of(given, expected))
    }

    /// The request as far as signatures cover it.
    pub(super) fn message(&self) -> Message<'_> {
        let uri = &self.asked.uri;
        let host = uri.authority().map(|authority| authority.as_str()).or_else(|| self.header("host"));
        Message {
            method: self.asked.method.as_str(),
            authority: host.unwrap_or_default().to_ascii_lowercase(),
            path: uri.path(),
            query: uri.query().unwrap_or_default(),
            headers: &self.headers,
        }
    }

    /// A parameter of the query as it is.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A route: what it answers to, and how.
pub(super) struct Route {
    /// The method.
    pub(super) method: Method,
    /// The path, with `{id}` for a part that varies.
    pub(super) template: &'static str,
    /// Whether pages of other sites may read it too: it is public, and nothing of the reader's.
    pub(super) is_shared: bool,
    /// The answer.
    pub(super) filter: BoxedFilter<(Response,)>,
}

/// The template of the route that answered, for the metrics.
#[derive(Clone, Copy)]
pub(super) struct Answered(pub(super) &'static str);

/// A public route without a body.
pub(super) fn get<H, F>(context: &Arc<Context>, template: &'static str, handler: H) -> Route
where
    H: Fn(Arc<Context>, Call) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    Route { is_shared: true, ..own(context, template, handler) }
}

/// A route without a body that is not for everybody.
pub(super) fn own<H, F>(context: &Arc<Context>, template: &'static str, handler: H) -> Route
where
    H: Fn(Arc<Context>, Call) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let body = warp::any().map(|| Ok(Bytes::new())).boxed();
    route(context, Method::GET, template, warp::get().boxed(), body, handler)
}

/// Types of a body, each with the most bytes that it may have.
pub(super) type Bodies = &'static [(&'static str, usize)];

/// A route with a body of one of these types.
pub(super) fn post<H, F>(context: &Arc<Context>, template: &'static str, bodies: Bodies, handler: H) -> Route
where
    H: Fn(Arc<Context>, Call) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    route(context, Method::POST, template, warp::post().boxed(), body(bodies), handler)
}

fn route<H, F>(
    context: &Arc<Context>,
    method: Method,
    template: &'static str,
    by_method: BoxedFilter<()>,
    body: BoxedFilter<(Result<Bytes, Problem>,)>,
    handler: H,
) -> Route
where
    H: Fn(Arc<Context>, Call) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let context = context.clone();
    let filter = path(template)
        .and(by_method)
        .and(warp::query::<Vec<(String, String)>>())
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<Asked>())
        .and(body)
        .then(move |id, query, headers, asked, body: Result<Bytes, Problem>| {
            let (context, handler) = (context.clone(), handler.clone());
            async move {
                let answer = match body {
                    Ok(body) => handler(context, Call { id, query, body, headers, asked }).await,
                    Err(problem) => Err(problem),
                };
                let mut response = answer.unwrap_or_else(Problem::into_response);
                response.extensions_mut().insert(Answered(template));
                response
            }
        });
    Route { method, template, is_shared: false, filter: filter.boxed() }
}

fn path(template: &'static str) -> BoxedFilter<(Option<String>,)> {
    let literals = |path: &'static str| {
        let parts = path.split('/').filter(|part| !part.is_empty());
        parts.fold(warp::any().boxed(), |filter, part| filter.and(warp::path(part)).boxed())
    };
    let Some((before, rest)) = template.split_once('{') else {
        return literals(template).and(warp::path::end()).map(|| None).boxed();
    };
    let (_, after) = rest.split_once('}').expect("a template closes the brace that it opens");
    literals(before).and(warp::path::param::<String>()).and(literals(after)).and(warp::path::end()).map(Some).boxed()
}

/// Whether a path is one of a template.
pub(super) fn fits(template: &str, path: &str) -> bool {
    fn parts(path: &str) -> impl Iterator<Item = &str> {
        path.split('/').filter(|part| !part.is_empty())
    }
    let mut given = parts(path);
    parts(template).all(|wanted| given.next().is_some_and(|given| wanted.starts_with('{') || wanted == given))
        && given.next().is_none()
}

/// Whether a field `Content-Type` names this media type.
fn is_of(given: &str, expected: &str) -> bool {
    given.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(expected)
}

/// Reads a body, whether its length is announced or not.
fn body(bodies: Bodies) -> BoxedFilter<(Result<Bytes, Problem>,)> {
    warp::header::optional::<String>("content-type")
        .and(warp::body::stream())
        .then(move |given: Option<String>, stream| async move {
            let given = given.unwrap_or_default();
            let limit = bodies.iter().find(|(expected, _)| is_of(&given, expected)).map(|(_, limit)| *limit);
            let most = bodies.iter().map(|(_, limit)| *limit).max().unwrap_or_default();
            let read = tokio::time::timeout(BODY_TIME, collect(stream, limit.unwrap_or(most))).await;
            if limit.is_none() {
                return Err(Problem::unsupported_type(
                    &bodies.iter().map(|(expected, _)| *expected).collect::<Vec<_>>(),
                ));
            }
            read.unwrap_or_else(|_| Err(Problem::body_timeout()))
        })
        .boxed()
}

async fn collect(stream: impl Stream<Item = Result<impl Buf, warp::Error>>, limit: usize) -> Result<Bytes, Problem> {
    futures::pin_mut!(stream);
    let mut body = BytesMut::new();
    let mut length = 0usize;
    while let Some(piece) = stream.next().await {
        let mut piece = piece.map_err(|_| Problem::malformed("the body of the request ended early"))?;
        length = length.saturating_add(piece.remaining());
        if length > limit.saturating_mul(DISCARDED) {
            break;
        }
        if length <= limit {
            let bytes = piece.copy_to_bytes(piece.remaining());
            body.extend_from_slice(&bytes);
        }
    }
    if length > limit { Err(Problem::too_large(limit)) } else { Ok(body.freeze()) }
}

/// Answers a value as JSON.
pub(super) fn json(status: StatusCode, keep: Keep, value: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(value).map_err(|error| Problem::internal(&error))?;
    Ok(bytes(status, keep, "application/json", body))
}

/// Answers bytes of a type.
pub(super) fn bytes(status: StatusCode, keep: Keep, media_type: &'static str, body: Vec<u8>) -> Response {
    let mut head = HeaderMap::new();
    keep.mark(&mut head, &body);
    let body = Bytes::from(body);
    let mut response = Response::new(body.clone().into());
    response.extensions_mut().insert(Content(body));
    *response.status_mut() = status;
    response.headers_mut().extend(head);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
