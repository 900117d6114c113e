//! One school or provider: what the registry and the ledger know of it, its keys, its standing.

use std::sync::Arc;

use askama::Template;
use keis_ledger::money::Cents;
use keis_ledger::operation::{Operation, Party, WalletOperation};
use keis_ledger::record::Standing;
use keis_registry::bodies::ProviderKind;
use keis_registry::keys::fingerprint;
use keis_registry::outbox::{New, Office};
use keis_registry::permission::{Body, Permission};
use keis_wallet::client::KeyView;

use super::{acts, keys};
use crate::call::{Answer, Call, page, redirect};
use crate::catalogue::names;
use crate::frame::{Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// A bound key.
pub(super) struct KeyRow {
    /// Its text form.
    pub(super) key: String,
    /// To be compared by telephone.
    pub(super) fingerprint: String,
    /// What it may do.
    pub(super) scopes: String,
    /// From when to when.
    pub(super) validity: String,
    /// Whether it may be used now.
    pub(super) active: bool,
}

#[derive(Template)]
#[template(path = "office/body.html")]
struct BodyPage {
    f: Frame,
    id: String,
    facts: Vec<(String, String)>,
    keys: Vec<KeyRow>,
    standing: Option<Standing>,
    person: Option<String>,
    is_school: bool,
}

impl BodyPage {
    fn is(&self, standing: Standing) -> bool {
        self.standing == Some(standing)
    }
}

/// The party of an address.
pub(super) fn party(call: &Call) -> Result<Party, Trouble> {
    let body: Body = call.part(0)?;
    match body {
        Body::School(id) => Ok(Party::School(id)),
        Body::Provider(id) => Ok(Party::Provider(id)),
        Body::Operator | Body::BudgetHolder => Err(Trouble::NotFound),
    }
}

/// Standing, money and keys of a party's wallet; none while the ledger does not know it.
pub(super) async fn wallet(
    site: &Arc<Site>,
    party: Party,
) -> Result<Option<(Standing, Vec<(&'static str, Cents)>, Vec<KeyView>)>, Trouble> {
    let Some(year) = site.years().await?.last().map(|year| year.year) else { return Ok(None) };
    Ok(match party {
        Party::School(id) => site
            .client
            .school_wallet(id, year)
            .await?
            .map(|wallet| (wallet.standing, vec![("office-money-own", wallet.purse)], wallet.keys)),
        Party::Provider(id) => site.client.provider_wallet(id, year).await?.map(|wallet| {
            let earned = vec![
                ("office-money-earned-state", wallet.purse.state),
                ("office-money-earned-school", wallet.purse.school),
            ];
            (wallet.standing, earned, wallet.keys)
        }),
        Party::Pupil(_, _) => None,
    })
}

/// Keys as a table shows them, those in use first.
pub(super) fn key_rows(w: &Words, now: keis_ledger::time::Timestamp, all: &[KeyView]) -> Vec<KeyRow> {
    let row = |key: &KeyView| KeyRow {
        key: key.key.to_string(),
        fingerprint: fingerprint(key.key),
        scopes: keys::scopes(w, key.scopes),
        validity: format!("{} – {}", w.date(&key.from), w.date(&key.until)),
        active: key.from <= now && now < key.until,
    };
    let mut rows: Vec<KeyRow> = all.iter().map(row).collect();
    rows.sort_by_key(|row| !row.active);
    rows
}

/// Key of the words for a standing.
pub(super) fn standing_key(standing: Standing) -> &'static str {
    match standing {
        Standing::Active => "office-standing-active",
        Standing::Suspended => "office-standing-suspended",
        Standing::Closed => "office-standing-closed",
    }
}

/// GET /office/people/{body}
pub(super) async fn show(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::ManageBodies).await?;
    let w = call.words();
    let party = party(&call)?;
    let (name, id, mut facts, person) = match party {
        Party::School(id) => {
            let school = site.registry.school(id).await?.ok_or(Trouble::NotFound)?;
            let facts = vec![
                (w.text("office-body-code"), school.code),
                (w.text("office-place"), names::place(w, school.place)),
                (w.text("office-body-branches"), school.branches.to_string()),
            ];
            (school.name, id.to_string(), facts, None)
        }
        Party::Provider(id) => {
            let provider = site.registry.provider(id).await?.ok_or(Trouble::NotFound)?;
            let kind = match provider.kind {
                ProviderKind::Legal => "office-provider-legal",
                ProviderKind::Natural => "office-provider-natural",
            };
            let vat = if provider.vat_registered { "yes" } else { "no" };
            let facts = vec![
                (w.text("office-provider-kind"), w.text(kind)),
                (w.text("office-provider-code"), provider.code),
                (w.text("office-place"), names::place(w, provider.place)),
                (w.text("office-provider-vat"), w.text(vat)),
            ];
            (provider.name, id.to_string(), facts, provider.person.map(|person| person.to_string()))
        }
        Party::Pupil(_, _) => return Err(Trouble::NotFound),
    };
    let wallet = wallet(&site, party).await?;
    let standing = wallet.as_ref().map(|(standing, _, _)| *standing);
    let stands = standing.map_or("office-wallet-not-open", standing_key);
    facts.push((w.text("office-wallet"), w.text(stands)));
    let keys = match &wallet {
        None => Vec::new(),
        Some((_, money, keys)) => {
            facts.extend(money.iter().map(|(key, amount)| (w.text(key), w.money(amount))));
            key_rows(w, site.now().await?, keys)
        }
    };
    let is_school = matches!(party, Party::School(_));
    let f = call.frame(&site, Section::People, name).await?;
    page(&BodyPage { f, id, facts, keys, standing, person, is_school })
}

/// POST /office/people/{body}/standing
pub(super) async fn standing(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::ManageBodies).await?;
    let party = party(&call)?;
    let (operation, done) = match call.form.get("to") {
        Some("suspend") => (WalletOperation::Suspend { party }, "office-body-suspended"),
        Some("reinstate") => (WalletOperation::Reinstate { party }, "office-body-reinstated"),
        Some("close") if call.form.ticked("sure") => (WalletOperation::Close { party }, "office-body-closed"),
        Some("close") => return Err(Trouble::Malformed("office-body-close-sure-missing")),
        Some(_) | None => return Err(Trouble::Malformed("trouble-field")),
    };
    let new = New::of(Office::Operator, "standing", Operation::Wallet(operation));
    let id = acts::enqueue(&site, &acting, new).await?;
    acts::settle(&site, &call, id, &call.words().text(done)).await?;
    let body: Body = call.part(0)?;
    redirect(&format!("/office/people/{body}"))
}
