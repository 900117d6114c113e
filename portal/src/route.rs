//! From a request to a page: paths, bodies, language, who is signed in. Knows no page.

use std::future::Future;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use futures::future::BoxFuture;
use futures::{Stream, StreamExt};
use keis_registry::users::User;
use tower_sessions::Session;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use warp::path::FullPath;
use warp::reply::Response;

use crate::call::{Answer, Call, Fields, page_with, redirect};
use crate::frame::{Frame, Section, TroublePage};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Lang;

/// Longest body of a form or of the wallet's script; 50 transactions of 64 KiB in hexadecimal digits stay below it.
pub const MOST_BODY: usize = 8 * 1024 * 1024;
/// Most fields of a form: far more than any page has, and few enough that a body of nothing but separators takes little memory.
const MOST_FIELDS: usize = 50_000;
/// Cookie that remembers the language.
const LANG_COOKIE: &str = "lang";

/// A route: what it answers to, and how.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with `{name}` for parts that vary.
    pub template: &'static str,
    /// The answer.
    pub filter: BoxedFilter<(Response,)>,
}

/// The template of the route that answered, for the log.
#[derive(Clone, Copy)]
pub(crate) struct Answered(pub(crate) &'static str);

/// What answers, with its type forgotten: the way of a request is compiled once, not once a page.
type Handler = Arc<dyn Fn(Arc<Site>, Call) -> BoxFuture<'static, Answer> + Send + Sync>;

/// A page.
pub fn get<H, F>(site: &Arc<Site>, template: &'static str, handler: H) -> Route
where
    H: Fn(Arc<Site>, Call) -> F + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    route(site, Method::GET, template, Reader::Anybody, forget(handler))
}

/// What is the same for everybody: files and health. Nobody is looked up in the registry for it.
pub fn get_plain<H, F>(site: &Arc<Site>, template: &'static str, handler: H) -> Route
where
    H: Fn(Arc<Site>, Call) -> F + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    route(site, Method::GET, template, Reader::Nobody, forget(handler))
}

/// What a form or the wallet's script sends.
pub fn post<H, F>(site: &Arc<Site>, template: &'static str, handler: H) -> Route
where
    H: Fn(Arc<Site>, Call) -> F + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    route(site, Method::POST, template, Reader::Anybody, forget(handler))
}

fn forget<H, F>(handler: H) -> Handler
where
    H: Fn(Arc<Site>, Call) -> F + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    Arc::new(move |site, call| Box::pin(handler(site, call)))
}

/// Whether an answer depends on who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Anybody,
    Nobody,
}

fn route(site: &Arc<Site>, method: Method, template: &'static str, reader: Reader, handler: Handler) -> Route {
    let site = site.clone();
    let is_post = method == Method::POST;
    let (by_method, body) = match method {
        Method::POST => (warp::post().boxed(), warp::body::stream().then(collect).boxed()),
        _ => (warp::get().boxed(), warp::any().map(|| Ok(Bytes::new())).boxed()),
    };
    let filter = path(template)
        .and(by_method)
        .and(warp::path::full())
        .and(raw_query())
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<Session>())
        .and(body)
        .then(move |parts, full: FullPath, query: String, headers: HeaderMap, session, body| {
            let (site, handler) = (site.clone(), handler.clone());
            async move {
                let uri = address(full.as_str(), &query);
                // Who must sign in first comes back by a link, which a form's address does not answer.
                let back = if is_post { Uri::from_static("/") } else { uri.clone() };
                let user = match reader {
                    Reader::Anybody => signed_in(&site, &session).await,
                    Reader::Nobody => Ok(None),
                };
                let asked = Asked { parts, uri, back, query, session, user, body };
                let mut response = answer(site, asked, &headers, handler).await;
                response.extensions_mut().insert(Answered(template));
                response
            }
        });
    Route { method, template, filter: filter.boxed() }
}

/// A request before it is judged.
struct Asked {
    parts: Vec<String>,
    uri: Uri,
    back: Uri,
    query: String,
    session: Session,
    user: Result<Option<User>, Trouble>,
    body: Result<Bytes, Trouble>,
}

async fn answer(site: Arc<Site>, asked: Asked, headers: &HeaderMap, handler: Handler) -> Response {
    let Asked { parts, uri, back, query, session, user, body } = asked;
    let query = fields(query.as_bytes());
    let (lang, chosen) = language(&query, headers);
    let (user, failed) = match user {
        Ok(user) => (user, None),
        Err(trouble) => (None, Some(trouble)),
    };
    let is_form = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.to_str().is_ok_and(|kind| kind.starts_with("application/x-www-form-urlencoded")));
    let read = body.and_then(|body| Ok((if is_form { form(&body)? } else { Fields::default() }, body)));
    let (form, body, refused) = match read {
        Ok((form, body)) => (form, body, None),
        Err(trouble) => (Fields::default(), Bytes::new(), Some(trouble)),
    };
    let call = Call { parts, query, form, body, uri, lang, session: session.clone(), user: user.clone() };
    let outcome = match failed.or(refused) {
        Some(trouble) => Err(trouble),
        None => handler(site.clone(), call).await,
    };
    let mut response = match outcome {
        Ok(response) => response,
        Err(trouble) => {
            let call = Call::bare(back, lang, session, user);
            tell(&site, &call, &trouble)
        }
    };
    if chosen && let Ok(cookie) = HeaderValue::from_str(&language_cookie(lang)) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// A page that tells of trouble; who is not signed in is sent to where that is done.
pub(crate) fn tell(site: &Arc<Site>, call: &Call, trouble: &Trouble) -> Response {
    if let Some(cause) = trouble.cause() {
        tracing::error!(error = cause, "a page could not be shown");
    }
    let sent_on = match trouble {
        Trouble::SignIn => {
            let next: String = url::form_urlencoded::byte_serialize(call.uri.to_string().as_bytes()).collect();
            Some(redirect(&format!("/signin?next={next}")))
        }
        Trouble::Forbidden
        | Trouble::NotFound
        | Trouble::Method
        | Trouble::Malformed(_)
        | Trouble::TooLarge
        | Trouble::Sealed
        | Trouble::Ledger(_)
        | Trouble::Internal(_) => None,
    };
    let (title, more) = trouble.messages();
    let shown = sent_on.unwrap_or_else(|| {
        let f = Frame::new(site, call, Section::None, call.words().text(title), None);
        page_with(trouble.status(), &TroublePage { f, more: call.words().text(more) })
    });
    shown.unwrap_or_else(|_| {
        let mut response = Response::new("the page cannot be shown".into());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

async fn signed_in(site: &Site, session: &Session) -> Result<Option<User>, Trouble> {
    let Some(id) = Call::user_of(session).await else { return Ok(None) };
    let Ok(id) = id.parse() else { return Ok(None) };
    Ok(site.registry.user(id).await?)
}

fn path(template: &'static str) -> BoxedFilter<(Vec<String>,)> {
    let start = warp::any().map(Vec::new).boxed();
    let parts = template.split('/').filter(|part| !part.is_empty());
    let filter = parts.fold(start, |filter: BoxedFilter<(Vec<String>,)>, part| {
        if part.starts_with('{') {
            let push = |mut parts: Vec<String>, part: String| {
                parts.push(part);
                parts
            };
            filter.and(warp::path::param::<String>()).map(push).boxed()
        } else {
            filter.and(warp::path(part)).boxed()
        }
    });
    filter.and(warp::path::end()).boxed()
}

/// Whether a path is one of a template.
pub(crate) fn fits(template: &str, path: &str) -> bool {
    let mut wanted = template.split('/').filter(|part| !part.is_empty());
    let mut given = path.split('/').filter(|part| !part.is_empty());
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted.starts_with('{') || wanted == given => {}
            _ => return false,
        }
    }
}

fn raw_query() -> BoxedFilter<(String,)> {
    warp::query::raw().or(warp::any().map(String::new)).unify().boxed()
}

fn address(path: &str, query: &str) -> Uri {
    let text = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    text.parse().unwrap_or_else(|_| Uri::from_static("/"))
}

fn fields(encoded: &[u8]) -> Fields {
    Fields(url::form_urlencoded::parse(encoded).into_owned().collect())
}

/// The fields of a form, of which each takes more memory than the bytes that it came in.
fn form(body: &[u8]) -> Result<Fields, Trouble> {
    let separators = body.iter().filter(|byte| **byte == b'&').count();
    if separators >= MOST_FIELDS { Err(Trouble::TooLarge) } else { Ok(fields(body)) }
}

/// The language of an answer, and whether the request chose it just now.
fn language(query: &Fields, headers: &HeaderMap) -> (Lang, bool) {
    if let Some(lang) = query.get("lang").and_then(Lang::of) {
        return (lang, true);
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let cookie = text(header::COOKIE).split(';').filter_map(|pair| pair.trim().split_once('='));
    let kept = cookie.into_iter().find(|(name, _)| *name == LANG_COOKIE).and_then(|(_, code)| Lang::of(code));
    (kept.unwrap_or_else(|| Lang::preferred(text(header::ACCEPT_LANGUAGE))), false)
}

fn language_cookie(lang: Lang) -> String {
    format!("{LANG_COOKIE}={}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly", lang.code())
}

async fn collect(stream: impl Stream<Item = Result<impl Buf, warp::Error>>) -> Result<Bytes, Trouble> {
    futures::pin_mut!(stream);
    let mut body = BytesMut::new();
    while let Some(piece) = stream.next().await {
        let mut piece = piece.map_err(|_| Trouble::Malformed("trouble-body"))?;
        if body.len() + piece.remaining() > MOST_BODY {
            return Err(Trouble::TooLarge);
        }
        let bytes = piece.copy_to_bytes(piece.remaining());
        body.extend_from_slice(&bytes);
    }
    Ok(body.freeze())
}

/// No route took the request.
pub(crate) fn fall_through(site: &Arc<Site>) -> BoxedFilter<(Response,)> {
    let site = site.clone();
    warp::path::full()
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<Session>())
        .and(warp::method())
        .then(move |full: FullPath, headers: HeaderMap, session: Session, method: Method| {
            let site = site.clone();
            async move {
                let (lang, _) = language(&Fields::default(), &headers);
                let user = signed_in(&site, &session).await.unwrap_or_default();
                let call = Call::bare(address(full.as_str(), ""), lang, session, user);
                let allowed = site.methods(full.as_str());
                let trouble =
                    if allowed.is_empty() || allowed.contains(&method) { Trouble::NotFound } else { Trouble::Method };
                let mut response = tell(&site, &call, &trouble);
                let head = allowed.contains(&Method::GET).then_some("HEAD");
                let names: Vec<&str> = allowed.iter().map(Method::as_str).chain(head).collect();
                if let (Trouble::Method, Ok(allow)) = (&trouble, HeaderValue::from_str(&names.join(", "))) {
                    response.headers_mut().insert(header::ALLOW, allow);
                }
                response
            }
        })
        .boxed()
}

/// All routes as one filter.
pub(crate) fn all(site: &Arc<Site>, routes: Vec<Route>) -> BoxedFilter<(Response,)> {
    let all: Option<BoxedFilter<(Response,)>> =
        routes.into_iter().map(|route| route.filter).reduce(|some, next| some.or(next).unify().boxed());
    let all = all.expect("the table is not empty");
    all.or(fall_through(site)).unify().boxed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::form_urlencoded::Serializer;

    use super::*;

    #[test]
    fn a_form_of_too_many_fields_is_too_large() {
        let fields = |number: usize| vec!["a"; number].join("&");
        assert_eq!(form(fields(MOST_FIELDS).as_bytes()).map_or(0, |form| form.0.len()), MOST_FIELDS);
        assert!(matches!(form(fields(MOST_FIELDS + 1).as_bytes()), Err(Trouble::TooLarge)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_are_a_form_and_fields_come_back(bytes: Vec<u8>, pairs: Vec<(String, String)>) {
            prop_assert!(form(&bytes).is_ok());
            let mut sent = Serializer::new(String::new());
            sent.extend_pairs(&pairs);
            prop_assert_eq!(form(sent.finish().as_bytes()).map_or_else(|_| Vec::new(), |form| form.0), pairs);
        }

        #[test]
        fn any_cookie_leaves_a_language(before: String, code in "lt|en", query: String) {
            let head = |cookie: String| {
                let mut headers = HeaderMap::new();
                HeaderValue::from_str(&cookie).map(|cookie| headers.insert(header::COOKIE, cookie)).ok();
                headers
            };
            language(&fields(query.as_bytes()), &head(before));
            let (lang, chosen) = language(&Fields::default(), &head(format!("session=1; lang={code}")));
            prop_assert_eq!((lang.code(), chosen), (code.as_str(), false));
        }

        #[test]
        fn any_address_is_one_of_this_site(path: String, query: String) {
            let back = address(&path, &query).to_string();
            let local = crate::call::local_path(&back);
            prop_assert!(local.starts_with('/') && !local.starts_with("//"));
        }
    }
}
