//! Proposals about a school or provider: who takes its place, and where it is paid. People type codes; what was found for them
//! is shown before it is signed.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::Commitment;
use keis_ledger::operation::{Measure, Party};
use keis_registry::bank_accounts::iban;
use keis_registry::permission::Permission;
use warp::http::StatusCode;

use super::confirm::{Confirm, confirm};
use super::{Proposal, propose, told};
use crate::call::{Acting, Answer, Call, Fields, page_with};
use crate::frame::{Frame, Section};
use crate::office::acts;
use crate::office::forms::{Builder, Control, Form, Problems};
use crate::site::Site;
use crate::trouble::Trouble;

const SUCCEED: &str = "/office/decisions/succeed";
const ACCOUNT: &str = "/office/decisions/account";

#[derive(Template)]
#[template(path = "office/decision_form.html")]
struct FormPage {
    f: Frame,
    intro: String,
    form: Form,
}

/// GET /office/decisions/succeed
pub(super) async fn succession_form(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::Decide).await?;
    let known = match call.query.get("party").and_then(party) {
        Some(Party::School(id)) => site.registry.school(id).await?.map(|school| ("school", school.code)),
        Some(Party::Provider(id)) => site.registry.provider(id).await?.map(|provider| ("provider", provider.code)),
        Some(Party::Pupil(_, _)) | None => None,
    };
    let mut fields = Fields::default();
    if let Some((kind, code)) = known {
        fields.0.extend([("kind".to_owned(), kind.to_owned()), ("old".to_owned(), code)]);
    }
    succession_page(&site, &call, &fields, &Problems::default()).await
}

async fn succession_page(site: &Arc<Site>, call: &Call, fields: &Fields, problems: &Problems) -> Answer {
    let w = call.words();
    let kinds = ["school", "provider"].map(|kind| (kind.to_owned(), w.text(&format!("decisions-succeed-{kind}"))));
    let years: Vec<(String, String)> =
        site.years().await?.iter().rev().map(|year| (year.year.to_string(), year.year.to_string())).collect();
    let form = Builder::new(w, SUCCEED, "decisions-look", fields, problems)
        .select("kind", "decisions-succeed-kind", kinds.to_vec())
        .line("old", "decisions-succeed-old")
        .line("new", "decisions-succeed-new")
        .ticks("years", "decisions-years", years)
        .done();
    let f = call.frame(site, Section::Decisions, w.text("decisions-succeed-title")).await?;
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    page_with(status, &FormPage { f, intro: w.text("decisions-succeed-intro"), form })
}

/// The school or provider of a code.
async fn by_code(site: &Site, kind: &str, code: &str) -> Result<Option<Party>, Trouble> {
    let code = code.trim();
    Ok(match kind {
        "school" => site.registry.school_by_code(code).await?.map(|school| Party::School(school.id)),
        "provider" => site.registry.provider_by_code(code).await?.map(|provider| Party::Provider(provider.id)),
        _ => None,
    })
}

fn id_of(party: Party) -> String {
    match party {
        Party::School(id) => id.to_string(),
        Party::Provider(id) => id.to_string(),
        Party::Pupil(_, id) => id.to_string(),
    }
}

/// A party by its id, as the second form says it.
fn party(text: &str) -> Option<Party> {
    text.parse().map(Party::School).or_else(|_| text.parse().map(Party::Provider)).ok()
}

/// The years that were ticked, ascending; only those that there are.
async fn ticked_years(site: &Site, call: &Call) -> Result<Vec<Year>, Trouble> {
    let known = site.years().await?;
    let mut years: Vec<Year> = call.form.each::<u16>("years")?.into_iter().map(Year).collect();
    years.retain(|year| known.iter().any(|one| one.year == *year));
    years.sort_unstable();
    years.dedup();
    Ok(years)
}

/// POST /office/decisions/succeed: first shows whom the codes mean, then asks for the signature.
pub(super) async fn succession(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::Decide).await?;
    let w = call.words();
    let years = ticked_years(&site, &call).await?;
    if call.form.ticked("sure") {
        let named = |name| call.form.get(name).and_then(party).ok_or(Trouble::Malformed("trouble-field"));
        let (from, to) = (named("predecessor")?, named("successor")?);
        let labels =
            vec![(id_of(from), acts::party_name(&site, from).await?), (id_of(to), acts::party_name(&site, to).await?)];
        let measure = Measure::Succeed { from, to, years };
        return propose(&site, &call, Proposal { measure, labels, warnings: vec![w.text("decisions-succeed-note")] })
            .await;
    }
    let kind = call.form.get("kind").unwrap_or_default();
    let mut problems = Problems::default();
    let from = by_code(&site, kind, call.form.get("old").unwrap_or_default()).await?;
    let to = by_code(&site, kind, call.form.get("new").unwrap_or_default()).await?;
    for (name, found) in [("old", from), ("new", to)] {
        if found.is_none() {
            problems.add(name, "decisions-error-code");
        }
    }
    if from.is_some() && from == to {
        problems.add("new", "decisions-error-same");
    }
    if kind == "provider" && !years.is_empty() {
        problems.add("years", "decisions-error-years");
    }
    let (Some(from), Some(to), true) = (from, to, problems.is_empty()) else {
        return succession_page(&site, &call, &call.form, &problems).await;
    };
    let name = |party| acts::party_name(&site, party);
    let mut fields =
        vec![("predecessor", id_of(from), Some(name(from).await?)), ("successor", id_of(to), Some(name(to).await?))];
    fields.extend(years.iter().map(|year| ("years", year.to_string(), None)));
    let asked = Confirm {
        title: w.text("decisions-succeed-title"),
        facts: told::succession(&site, w, from, to, &years).await?,
        warnings: vec![w.text("decisions-succeed-note")],
        action: SUCCEED,
        intent: "measure.succeed",
        fields,
    };
    confirm(&site, &call, asked).await
}

/// GET /office/decisions/account
pub(super) async fn account_form(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::Decide).await?;
    let mut fields = Fields::default();
    if let Some(Party::Provider(id)) = call.query.get("party").and_then(party) {
        let known = site.registry.provider(id).await?;
        fields.0.extend(known.map(|provider| ("code".to_owned(), provider.code)));
    }
    account_page(&site, &call, &fields, &Problems::default()).await
}

async fn account_page(site: &Arc<Site>, call: &Call, fields: &Fields, problems: &Problems) -> Answer {
    let w = call.words();
    let form = Builder::new(w, ACCOUNT, "decisions-look", fields, problems)
        .line("code", "decisions-account-code")
        .line("number", "decisions-account-number")
        .done();
    let f = call.frame(site, Section::Decisions, w.text("decisions-account-title")).await?;
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    page_with(status, &FormPage { f, intro: w.text("decisions-account-intro"), form })
}

/// POST /office/decisions/account: first keeps the number and shows whose it would be, then asks for the signature.
pub(super) async fn account(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::Decide).await?;
    if call.form.ticked("sure") {
        return sign_account(&site, &call, &acting).await;
    }
    let w = call.words();
    let mut problems = Problems::default();
    let code = call.form.get("code").unwrap_or_default().trim();
    let provider = site.registry.provider_by_code(code).await?;
    if provider.is_none() {
        problems.add("code", "decisions-error-code");
    }
    let number = problems.need(&call.form, "number", "decisions-error-iban", iban);
    let (Some(provider), Some(number)) = (provider, number) else {
        return account_page(&site, &call, &call.form, &problems).await;
    };
    let account = site.registry.keep_payment_account(&acting.actor(), provider.id, &number).await?;
    let mut warnings = vec![w.text("decisions-account-note")];
    let year = site.programme().await?.year;
    let wallet = site.client.provider_wallet(provider.id, year).await?;
    match wallet.and_then(|wallet| wallet.payment_account) {
        Some(bound) if bound.account == account => return Err(Trouble::Malformed("decisions-account-same")),
        Some(bound) => {
            let known = site.registry.payment_accounts(&acting.actor(), &[bound.account]).await?;
            let number = known.get(&bound.account).map_or_else(|| bound.account.to_string(), |one| told::spaced(one));
            warnings.push(w.with1("decisions-account-now", "number", &number));
        }
        None => warnings.push(w.text("decisions-account-first")),
    }
    let asked = Confirm {
        title: w.text("decisions-account-title"),
        facts: told::paid_where(&site, w, &acting, provider.id, account).await?,
        warnings,
        action: ACCOUNT,
        intent: "measure.change_payment_account",
        fields: vec![
            ("provider", provider.id.to_string(), Some(provider.name)),
            ("account", account.to_string(), Some(told::spaced(&number))),
        ],
    };
    confirm(&site, &call, asked).await
}

async fn sign_account(site: &Arc<Site>, call: &Call, acting: &Acting) -> Answer {
    let w = call.words();
    let provider = call.form.need("provider")?;
    let account: Commitment = call.form.need("account")?;
    // What is signed must be an account that was typed here: a commitment to nothing would stop the provider's payments.
    let known = site.registry.payment_accounts(&acting.actor(), &[account]).await?;
    let number = known.get(&account).ok_or(Trouble::Malformed("trouble-field"))?;
    let labels = vec![
        (provider_text(provider), acts::party_name(site, Party::Provider(provider)).await?),
        (account.to_string(), told::spaced(number)),
    ];
    let measure = Measure::ChangePaymentAccount { provider, account };
    propose(site, call, Proposal { measure, labels, warnings: vec![w.text("decisions-account-note")] }).await
}

fn provider_text(provider: keis_ledger::ids::ProviderId) -> String {
    id_of(Party::Provider(provider))
}
