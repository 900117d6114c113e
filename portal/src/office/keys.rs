//! Keys that people made in their browsers: what waits for a decision, what is in use, and its end.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::{Scope, Scopes};
use keis_ledger::money::Cents;
use keis_ledger::time::{Span, Timestamp};
use keis_registry::ids::KeyId;
use keis_registry::keys::{KeyError, KeyState, UserKey};
use keis_registry::page::Page;
use keis_registry::permission::Permission;
use warp::http::StatusCode;

use super::ROWS;
use super::forms::{Builder, Control, Form, Problems, money, written};
use super::year_form::{midnight, midnight_after};
use crate::call::{Acting, Answer, Call, Fields, page_with, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// What an approval proposes as the most that one order may cost.
const CAP: Cents = Cents::new(200_000);
/// For how long an approval proposes to let a key be used.
const VALIDITY: Span = Span::days(365);

/// A key as it is shown.
struct Shown {
    id: String,
    who: String,
    body: String,
    label: String,
    scopes: String,
    fingerprint: String,
    state: String,
    class: &'static str,
    requested: String,
    cap: Option<String>,
    validity: Option<String>,
    may_revoke: bool,
}

/// A state to choose.
struct Tab {
    href: String,
    label: String,
    current: bool,
}

#[derive(Template)]
#[template(path = "office/keys.html")]
struct KeysPage {
    f: Frame,
    tabs: Vec<Tab>,
    waiting: bool,
    keys: Vec<Shown>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "office/key.html")]
struct KeyPage {
    f: Frame,
    key: Shown,
    form: Option<Form>,
    refusal: Option<&'static str>,
}

fn class(state: KeyState) -> &'static str {
    match state {
        KeyState::Requested | KeyState::Approved => "wait",
        KeyState::Active => "good",
        KeyState::Refused | KeyState::Revoked => "bad",
    }
}

/// What a key may do, in words.
pub(super) fn scopes(w: &Words, scopes: Scopes) -> String {
    let name = |scope| match scope {
        Scope::Propose => "office-scope-propose",
        Scope::Order => "office-scope-order",
        Scope::Attendance => "office-scope-attendance",
        Scope::Settlement => "office-scope-settlement",
        Scope::Read => "office-scope-read",
    };
    scopes.iter().map(|scope| w.text(name(scope))).collect::<Vec<_>>().join(", ")
}

fn shown(w: &Words, key: &UserKey) -> Shown {
    let period = key.from.zip(key.until);
    let state = if key.revoking && key.state != KeyState::Revoked {
        w.text("office-key-revoking")
    } else {
        w.text(&format!("office-key-{}", key.state.name()))
    };
    Shown {
        id: key.id.to_string(),
        who: if key.user_name.is_empty() { w.text("office-erased") } else { key.user_name.clone() },
        body: key.body_name.clone(),
        label: key.label.clone(),
        scopes: scopes(w, key.scopes),
        fingerprint: key.fingerprint.clone(),
        state,
        class: class(key.state),
        requested: w.date_time(&key.requested),
        cap: key.cap.map(|cap| w.money(&cap)),
        validity: period.map(|(from, until)| format!("{} – {}", w.date(&from), w.date(&until))),
        may_revoke: matches!(key.state, KeyState::Approved | KeyState::Active) && !key.revoking,
    }
}

/// GET /office/keys
pub(super) async fn list(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::ApproveKeys).await?;
    let w = call.words();
    let state = call.query.parse("state")?.unwrap_or(KeyState::Requested);
    let wanted = Page { after: call.query.parse("after")?, limit: ROWS };
    let listed = site.registry.key_requests(&acting.actor(), state, &wanted).await?;
    let tab = |of: KeyState| Tab {
        href: format!("/office/keys?state={}", of.name()),
        label: w.text(&format!("office-keys-{}", of.name())),
        current: of == state,
    };
    let tabs = KeyState::ALL.into_iter().map(tab).collect();
    let next = listed.next.map(|after| format!("/office/keys?state={}&after={after}", state.name()));
    let keys = listed.items.iter().map(|key| shown(w, key)).collect();
    let f = call.frame(&site, Section::Keys, w.text("office-keys-title")).await?;
    crate::call::page(&KeysPage { f, tabs, waiting: state == KeyState::Requested, keys, next })
}

/// GET /office/keys/{key}
pub(super) async fn show(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::ApproveKeys).await?;
    let now = site.now().await?;
    let w = call.words();
    let fields = Fields(vec![
        ("cap".to_owned(), written(CAP.get())),
        ("from".to_owned(), w.date(&now)),
        ("until".to_owned(), w.date(&now.after(VALIDITY))),
    ]);
    decision(&site, &call, &acting, (&fields, &Problems::default()), None).await
}

/// The page on which one key is decided.
async fn decision(
    site: &Arc<Site>,
    call: &Call,
    acting: &Acting,
    (fields, problems): (&Fields, &Problems),
    refusal: Option<&'static str>,
) -> Answer {
    let w = call.words();
    let id: KeyId = call.part(0)?;
    let key = site.registry.user_key(&acting.actor(), id).await?.ok_or(Trouble::NotFound)?;
    let form = (key.state == KeyState::Requested).then(|| {
        Builder::new(w, format!("/office/keys/{id}/approve"), "office-key-approve", fields, problems)
            .number("cap", "office-key-cap")
            .date("from", "office-key-from")
            .date("until", "office-key-until")
            .tick("compared", "office-key-compared")
            .done()
    });
    let wrong = !problems.is_empty() || refusal.is_some();
    let f = call.frame(site, Section::Keys, w.text("office-key-title")).await?;
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    page_with(status, &KeyPage { f, key: shown(w, &key), form, refusal })
}

/// What an approval asks for.
fn read(fields: &Fields) -> Result<(Cents, Timestamp, Timestamp), Problems> {
    let mut problems = Problems::default();
    let cap = problems.need(fields, "cap", "office-error-money", |text| money(text).filter(|cap| !cap.is_zero()));
    let from = problems.need(fields, "from", "office-error-date", midnight);
    let until = problems.need(fields, "until", "office-error-date", midnight_after);
    if let (Some(from), Some(until)) = (from, until)
        && from >= until
    {
        problems.add("until", "office-error-order");
    }
    if !fields.ticked("compared") {
        problems.add("compared", "office-key-not-compared");
    }
    match (cap, from, until) {
        (Some(cap), Some(from), Some(until)) if problems.is_empty() => Ok((cap, from, until)),
        _ => Err(problems),
    }
}

/// POST /office/keys/{key}/approve
pub(super) async fn approve(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::ApproveKeys).await?;
    let (cap, from, until) = match read(&call.form) {
        Ok(read) => read,
        Err(problems) => return decision(&site, &call, &acting, (&call.form, &problems), None).await,
    };
    let id: KeyId = call.part(0)?;
    let done = site.registry.approve_key(&acting.actor(), id, cap, from, until).await;
    after(&call, done, "office-key-approved-flash").await
}

/// POST /office/keys/{key}/refuse
pub(super) async fn refuse(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::ApproveKeys).await?;
    let reason = call.form.get("reason").filter(|reason| reason.chars().count() <= 200);
    let Some(reason) = reason else {
        let none = (&Fields::default(), &Problems::default());
        return decision(&site, &call, &acting, none, Some("office-key-reason-missing")).await;
    };
    let done = site.registry.refuse_key(&acting.actor(), call.part(0)?, reason).await;
    after(&call, done, "office-key-refused-flash").await
}

/// POST /office/keys/{key}/revoke
pub(super) async fn revoke(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::ApproveKeys).await?;
    if !call.form.ticked("sure") {
        return Err(Trouble::Malformed("office-key-sure-missing"));
    }
    let done = site.registry.revoke_key(&acting.actor(), call.part(0)?).await;
    after(&call, done, "office-key-revoked-flash").await
}

async fn after(call: &Call, done: Result<(), KeyError>, key: &str) -> Answer {
    let w = call.words();
    let flash = match done {
        Ok(()) => Flash::good(w.text(key)),
        Err(KeyError::Registry(keis_registry::RegistryError::KeyUnknown(_))) => return Err(Trouble::NotFound),
        Err(KeyError::Registry(error)) => return Err(error.into()),
        Err(KeyError::Own) => Flash::bad(w.text("office-key-own")),
        Err(KeyError::State(_)) => Flash::bad(w.text("office-key-decided")),
        Err(KeyError::Text) => Flash::bad(w.text("office-key-reason-missing")),
        Err(KeyError::Period | KeyError::NotAllowed | KeyError::NoScope | KeyError::TooMany | KeyError::Known) => {
            Flash::bad(w.text("office-key-not-possible"))
        }
    };
    call.flash(flash).await?;
    redirect("/office/keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        Fields(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn an_approval_needs_everything() {
        let good = [("cap", "500"), ("from", "2028-01-01"), ("until", "2028-12-31"), ("compared", "yes")];
        assert!(read(&fields(&good)).is_ok());
        for (name, value, key) in [
            ("cap", "0", "office-error-money"),
            ("from", "soon", "office-error-date"),
            ("until", "2027-12-30", "office-error-order"),
            ("compared", "", "office-key-not-compared"),
        ] {
            let mut wrong = good;
            wrong.iter_mut().filter(|(field, _)| *field == name).for_each(|pair| pair.1 = value);
            assert_eq!(read(&fields(&wrong)).unwrap_err().0, [(name, key)]);
        }
    }
}
