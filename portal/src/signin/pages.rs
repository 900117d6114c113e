//! The pages of signing in and out.

use std::sync::Arc;

use askama::Template;
use keis_registry::permission::Role;
use keis_registry::users::{Claims, RoleClaim, SignInError, SignedIn, User};
use tower_sessions::Expiry;
use tower_sessions::cookie::time::Duration as Span;
use warp::http::StatusCode;

use super::pending;
use super::provider::{Provider, Refusal};
use super::simulated::{self, People};
use crate::call::{Answer, Call, local_path, page, page_with, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::session;
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// Name under which the session keeps by whom the user came.
const PROVIDER: &str = "provider";

/// A way to sign in.
struct Way {
    href: String,
    label: String,
}

#[derive(Template)]
#[template(path = "signin/choose.html")]
struct ChoosePage {
    f: Frame,
    ways: Vec<Way>,
    next: String,
    people: Vec<People>,
}

#[derive(Template)]
#[template(path = "signin/refused.html")]
struct RefusedPage {
    f: Frame,
    more: String,
    unknown: Vec<String>,
    again: String,
}

#[derive(Template)]
#[template(path = "signin/signed_out.html")]
struct SignedOutPage {
    f: Frame,
    /// Name of the provider and where to sign out there.
    there: Option<(String, String)>,
}

/// The ways to sign in.
pub(super) async fn choose(site: Arc<Site>, call: Call) -> Answer {
    let next = wanted(&call);
    if let Some(user) = &call.user {
        return redirect(&landing(user, &next));
    }
    let f = call.frame(&site, Section::None, call.words().text("signin-title")).await?;
    let ways = site.sign_in.providers.iter().map(|provider| Way {
        href: with_next(&format!("/signin/oidc/{}", provider.settings.name), &next),
        label: f.w.with1("signin-with", "provider", &provider.settings.label),
    });
    let ways = ways.collect();
    let people = simulated::people(&site, f.w).await?;
    page(&ChoosePage { f, ways, next, people })
}

/// Sends the browser to a provider.
pub(super) async fn start(site: Arc<Site>, call: Call) -> Answer {
    let provider = known(&site, &call)?;
    let next = wanted(&call);
    match provider.begin(&next, call.lang).await {
        Ok((url, pending)) => {
            pending::keep(&call.session, pending).await.map_err(Trouble::internal)?;
            if call.user.is_none() {
                // Who turns back half way leaves nothing behind for long.
                let longest = Span::seconds(i64::try_from(pending::LONGEST_SECONDS).unwrap_or(600));
                call.session.set_expiry(Some(Expiry::OnInactivity(longest)));
            }
            redirect(url.as_str())
        }
        Err(refusal) => refuse(&site, &call, &refusal, &next).await,
    }
}

/// Takes a provider's answer.
pub(super) async fn finish(site: Arc<Site>, call: Call) -> Answer {
    let provider = known(&site, &call)?;
    let state = call.query.get("state").unwrap_or_default();
    let pending = pending::take(&call.session, &provider.settings.name, state).await.map_err(Trouble::internal)?;
    let Some(pending) = pending else { return refuse(&site, &call, &Refusal::Expired, "/").await };
    let answered = match (call.query.get("error"), call.query.get("code")) {
        _ if !provider.is_issuer(call.query.get("iss")) => Err(Refusal::Unverified),
        (Some("access_denied"), _) => Err(Refusal::Cancelled),
        (Some(error), _) => Err(Refusal::Said(code(error))),
        (None, Some(code)) => provider.finish(code.to_owned(), &pending).await,
        (None, None) => Err(Refusal::Unverified),
    };
    match answered {
        Ok(claims) => enter(&site, &call, &claims, Some(&provider.settings.name), &pending.next).await,
        Err(refusal) => refuse(&site, &call, &refusal, &pending.next).await,
    }
}

/// Lets somebody in whose claims are established, by whatever way.
pub(super) async fn enter(site: &Arc<Site>, call: &Call, claims: &Claims, by: Option<&str>, next: &str) -> Answer {
    let refusal = match site.registry.sign_in(claims).await {
        Ok(SignedIn { user, dropped }) => {
            call.sign_in(&user).await?;
            session::begin(&call.session).await.map_err(Trouble::internal)?;
            call.session.insert(PROVIDER, by).await.map_err(Trouble::internal)?;
            if !dropped.is_empty() {
                let bodies = unknown(call.words(), &dropped).join(", ");
                call.flash(Flash::bad(call.words().with1("signin-dropped", "bodies", &bodies))).await?;
            }
            return redirect(&landing(&user, next));
        }
        Err(SignInError::NoRole { dropped }) => Refusal::NoRole(unknown(call.words(), &dropped)),
        Err(SignInError::Disabled) => Refusal::Disabled,
        Err(SignInError::Nameless) => Refusal::Unverified,
        Err(SignInError::Registry(error)) => return Err(error.into()),
    };
    refuse(site, call, &refusal, next).await
}

/// Ends the session; whether the person signs out at the provider, too, is theirs to say.
pub(super) async fn sign_out(_site: Arc<Site>, call: Call) -> Answer {
    let by: Option<Option<String>> = call.session.get(PROVIDER).await.map_err(Trouble::internal)?;
    call.sign_out().await?;
    let from = by.flatten().map(|name| format!("/signedout?from={name}"));
    redirect(from.as_deref().unwrap_or("/signedout"))
}

/// Says that the session has ended.
pub(super) async fn signed_out(site: Arc<Site>, call: Call) -> Answer {
    let provider = call.query.get("from").and_then(|name| site.sign_in.provider(name));
    let there = match provider {
        Some(provider) => {
            let way = provider.way_out(call.lang).await;
            way.map(|url| (provider.settings.label.clone(), url.to_string()))
        }
        None => None,
    };
    let f = call.frame(&site, Section::None, call.words().text("signin-out")).await?;
    page(&SignedOutPage { f, there })
}

async fn refuse(site: &Arc<Site>, call: &Call, refusal: &Refusal, next: &str) -> Answer {
    let w = call.words();
    let (status, key) = match refusal {
        Refusal::Expired => (StatusCode::BAD_REQUEST, "signin-expired"),
        Refusal::Cancelled => (StatusCode::FORBIDDEN, "signin-cancelled"),
        Refusal::Said(_) => (StatusCode::FORBIDDEN, "signin-said"),
        Refusal::Unreachable => (StatusCode::SERVICE_UNAVAILABLE, "signin-unreachable"),
        Refusal::Unverified => (StatusCode::FORBIDDEN, "signin-unverified"),
        Refusal::NoRole(_) => (StatusCode::FORBIDDEN, "signin-no-role"),
        Refusal::Disabled => (StatusCode::FORBIDDEN, "signin-disabled"),
    };
    let more = format!("{key}-more");
    let (more, unknown) = match refusal {
        Refusal::Said(code) => (w.with1(&more, "code", code), Vec::new()),
        Refusal::NoRole(unknown) => (w.text(&more), unknown.clone()),
        Refusal::Expired | Refusal::Cancelled | Refusal::Unreachable | Refusal::Unverified | Refusal::Disabled => {
            (w.text(&more), Vec::new())
        }
    };
    let f = call.frame(site, Section::None, w.text(key)).await?;
    page_with(status, &RefusedPage { f, more, unknown, again: with_next("/signin", next) })
}

fn known<'a>(site: &'a Site, call: &Call) -> Result<&'a Provider, Trouble> {
    let name: String = call.part(0)?;
    site.sign_in.provider(&name).ok_or(Trouble::NotFound)
}

/// Where the person wanted to go; signing in leads to no page of signing in.
pub(super) fn wanted(call: &Call) -> String {
    let next = call.query.get("next").or(call.form.get("next")).map_or("/", local_path);
    if next.starts_with("/sign") { "/".to_owned() } else { next.to_owned() }
}

fn landing(user: &User, next: &str) -> String {
    let own = match user.grants.first().map(|grant| grant.role) {
        Some(Role::Coordinator | Role::Teacher) => "/school",
        Some(Role::ProviderStaff) => "/provider",
        Some(Role::Officer | Role::BudgetOfficer) => "/office",
        None => "/",
    };
    if next == "/" { own.to_owned() } else { next.to_owned() }
}

fn with_next(path: &str, next: &str) -> String {
    if next == "/" {
        return path.to_owned();
    }
    let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
    format!("{path}?next={next}")
}

/// Bodies that the provider names and nobody here knows.
fn unknown(w: &Words, dropped: &[RoleClaim]) -> Vec<String> {
    let said = |claim: &RoleClaim| {
        let role = w.text(&format!("signin-role-{}", claim.role));
        claim.body.as_ref().map_or(role.clone(), |body| format!("{role}: {body}"))
    };
    dropped.iter().map(said).collect()
}

/// A provider's code of an error: what is shown comes from another site, so it is held to the form of such codes.
fn code(error: &str) -> String {
    error.chars().filter(|letter| letter.is_ascii_lowercase() || *letter == '_').take(40).collect()
}
