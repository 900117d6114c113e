//! What acts of officers have in common: a row of the outbox, a short wait for the ledger, and words for both.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use keis_ledger::operation::{
    CatalogueOperation, FundsOperation, GovernanceOperation, Operation, OrderAction, Party, SettlementOperation,
    WalletOperation,
};
use keis_registry::outbox::{self, New, OutboxError, OutboxId, OutboxRow, OutboxState};
use tokio::sync::Mutex;

use super::forms::ONCE;
use crate::call::{Acting, Call, Fields};
use crate::frame::{Flash, Mood};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// How long a page waits for the ledger before it says that the act is on its way.
const PATIENCE: Duration = Duration::from_secs(4);

/// Writes one wish to the ledger.
pub(crate) async fn enqueue(site: &Arc<Site>, acting: &Acting, new: New) -> Result<OutboxId, Trouble> {
    let mut work = site.registry.begin().await?;
    let id = outbox::enqueue(&mut work, &acting.actor(), new).await?;
    work.commit().await?;
    Ok(id)
}

/// Forms with a number of their own that were taken, the latest first, and their rows.
static TAKEN: Mutex<VecDeque<(blake3::Hash, OutboxId)>> = Mutex::const_new(VecDeque::new());
/// How many are remembered.
const REMEMBERED: usize = 1_000;

/// Writes one wish for a form, however often the same form is sent: a double click does not record money twice.
pub(crate) async fn enqueue_once(
    site: &Arc<Site>,
    acting: &Acting,
    form: &Fields,
    new: New,
) -> Result<OutboxId, Trouble> {
    if form.get(ONCE).is_none() {
        return enqueue(site, acting, new).await;
    }
    let content = content(acting, form);
    let mut taken = TAKEN.lock().await;
    if let Some((_, id)) = taken.iter().find(|(known, _)| *known == content) {
        return Ok(*id);
    }
    let id = enqueue(site, acting, new).await?;
    taken.push_front((content, id));
    taken.truncate(REMEMBERED);
    Ok(id)
}

/// Who sends what.
fn content(acting: &Acting, form: &Fields) -> blake3::Hash {
    let mut content = url::form_urlencoded::Serializer::new(acting.user.id.to_string());
    content.extend_pairs(&form.0);
    blake3::hash(content.finish().as_bytes())
}

/// Waits a little for a row and leaves a message that tells what became of it: `done` if it took effect. Says whether it did.
pub(crate) async fn settle(site: &Arc<Site>, call: &Call, id: OutboxId, done: &str) -> Result<bool, Trouble> {
    let w = call.words();
    let state = outbox::wait(&site.registry, id, PATIENCE).await.map_err(trouble)?;
    let row = outbox::get(&site.registry, id).await?.ok_or(Trouble::NotFound)?;
    let flash = match state {
        OutboxState::Done => Flash::good(done),
        OutboxState::Refused | OutboxState::Discarded => {
            Flash::bad(w.with("office-act-refused", &[("reason", &reason(w, &row))]))
        }
        OutboxState::Waiting | OutboxState::Signed | OutboxState::Split => Flash {
            mood: Mood::Plain,
            text: match &row.rejection {
                Some(_) => w.with("office-act-delayed", &[("reason", &reason(w, &row))]),
                None => w.text("office-act-on-its-way"),
            },
        },
    };
    call.flash(flash).await?;
    if state == OutboxState::Done {
        site.forget_rules();
    }
    Ok(state == OutboxState::Done)
}

/// What keeps an officer's wish about a row from being done.
pub(crate) fn trouble(error: OutboxError) -> Trouble {
    match error {
        OutboxError::Unknown(_) => Trouble::NotFound,
        OutboxError::StateWrong { .. } => Trouble::Malformed("office-outbox-state-wrong"),
        OutboxError::Registry(error) => error.into(),
    }
}

/// Why a row has had no effect, in words: the ledger's rule, or what keeps the ledger from answering.
pub(crate) fn reason(w: &Words, row: &OutboxRow) -> String {
    let text = row.rejection.as_deref().unwrap_or_default();
    let code = text.split(':').next().unwrap_or_default();
    let key = format!("rejection-{code}");
    if w.has(&key) {
        return w.text(&key);
    }
    let key = if text.starts_with("no key") { "office-reason-no-key" } else { "office-reason-unreachable" };
    w.text(key)
}

/// Key of the words for a state of a row.
pub(crate) fn state_key(state: OutboxState) -> String {
    format!("office-outbox-{state}")
}

/// Class of the badge of a state.
pub(crate) fn state_class(state: OutboxState) -> &'static str {
    match state {
        OutboxState::Waiting | OutboxState::Signed => "wait",
        OutboxState::Done => "good",
        OutboxState::Refused => "bad",
        OutboxState::Split | OutboxState::Discarded => "",
    }
}

/// What a row asks of the ledger, in words.
pub(crate) fn operation(w: &Words, operation: &Operation) -> String {
    match operation {
        Operation::Funds(funds) => funds_words(w, funds),
        Operation::Wallet(wallet) => wallet_words(w, wallet),
        Operation::Catalogue(catalogue) => w.text(catalogue_key(catalogue)),
        Operation::Order { action, .. } => w.text(order_key(action)),
        Operation::Settlement(settlement) => w.text(settlement_key(settlement)),
        Operation::Governance(governance) => w.text(governance_key(governance)),
        Operation::Rate { .. } => w.text("office-op-rate"),
    }
}

fn funds_words(w: &Words, funds: &FundsOperation) -> String {
    match funds {
        FundsOperation::OpenYear { year, .. } => w.with("office-op-open-year", &[("year", &year.to_string())]),
        FundsOperation::Allocate { pupils, .. } => counted(w, "office-op-allocate", pupils.len()),
        FundsOperation::RecordSchoolMoney { amount, .. } => {
            w.with("office-op-school-money", &[("amount", &w.money(amount))])
        }
        FundsOperation::EndYear { year } => w.with("office-op-end-year", &[("year", &year.to_string())]),
        FundsOperation::SealYear { year } => w.with("office-op-seal-year", &[("year", &year.to_string())]),
    }
}

fn wallet_words(w: &Words, wallet: &WalletOperation) -> String {
    match wallet {
        WalletOperation::OpenSchools { schools } => counted(w, "office-op-open-schools", schools.len()),
        WalletOperation::OpenProviders { providers } => counted(w, "office-op-open-providers", providers.len()),
        WalletOperation::OpenPupils { pupils, .. } => counted(w, "office-op-open-pupils", pupils.len()),
        WalletOperation::BindKeys { grants } => counted(w, "office-op-bind-keys", grants.len()),
        WalletOperation::RevokeKey { .. } => w.text("office-op-revoke-key"),
        WalletOperation::MovePupil { .. } => w.text("office-op-move-pupil"),
        WalletOperation::Suspend { .. } => w.text("office-op-suspend"),
        WalletOperation::Reinstate { .. } => w.text("office-op-reinstate"),
        WalletOperation::Close { .. } => w.text("office-op-close"),
        WalletOperation::RevokeAllKeys { .. } => w.text("office-op-revoke-all-keys"),
        WalletOperation::MovePupils { moves, .. } => counted(w, "office-op-move-pupils", moves.len()),
    }
}

fn catalogue_key(catalogue: &CatalogueOperation) -> &'static str {
    match catalogue {
        CatalogueOperation::Publish { .. } => "office-op-publish",
        CatalogueOperation::Amend { .. } => "office-op-amend",
        CatalogueOperation::Suspend { .. } => "office-op-service-suspend",
        CatalogueOperation::Reinstate { .. } => "office-op-service-reinstate",
        CatalogueOperation::Withdraw { .. } => "office-op-withdraw",
        CatalogueOperation::OpenSession { .. } => "office-op-open-session",
        CatalogueOperation::AmendSession { .. } => "office-op-amend-session",
        CatalogueOperation::CloseSession { .. } => "office-op-close-session",
    }
}

fn settlement_key(settlement: &SettlementOperation) -> &'static str {
    match settlement {
        SettlementOperation::Issue { .. } => "office-op-statement-issue",
        SettlementOperation::Accept { .. } => "office-op-statement-accept",
        SettlementOperation::Contest { .. } => "office-op-statement-contest",
        SettlementOperation::AttachInvoice { .. } => "office-op-invoice-attach",
        SettlementOperation::RejectInvoice { .. } => "office-op-invoice-reject",
        SettlementOperation::Approve { .. } => "office-op-invoice-approve",
        SettlementOperation::RecordPayment { .. } => "office-op-payment",
        SettlementOperation::SetOff { .. } => "office-op-set-off",
        SettlementOperation::Reconcile { .. } => "office-op-reconcile",
        SettlementOperation::CreditNote { .. } => "office-op-credit",
        SettlementOperation::RecordRepayment { .. } => "office-op-repayment",
        SettlementOperation::ReconcileRepayment { .. } => "office-op-reconcile-repayment",
        SettlementOperation::ReturnPayment { .. } => "office-op-payment-returned",
    }
}

fn governance_key(governance: &GovernanceOperation) -> &'static str {
    match governance {
        GovernanceOperation::Propose { .. } => "office-op-propose-measure",
        GovernanceOperation::Approve { .. } => "office-op-approve-measure",
        GovernanceOperation::Withdraw { .. } => "office-op-withdraw-measure",
    }
}

fn order_key(action: &OrderAction) -> &'static str {
    match action {
        OrderAction::Propose { .. } => "office-op-order-propose",
        OrderAction::Request { .. } => "office-op-order-request",
        OrderAction::Confirm => "office-op-order-confirm",
        OrderAction::Decline => "office-op-order-decline",
        OrderAction::ProposeChange(_) | OrderAction::AcceptChange | OrderAction::DropChange => "office-op-order-change",
        OrderAction::Swap { .. } | OrderAction::DropLines { .. } => "office-op-order-lines",
        OrderAction::Cancel => "office-op-order-cancel",
        OrderAction::ReportDelivery { .. } => "office-op-order-report",
        OrderAction::ConfirmAttendance { .. } => "office-op-order-attendance",
        OrderAction::Dispute => "office-op-order-dispute",
        OrderAction::WithdrawDispute => "office-op-order-dispute-withdraw",
    }
}

fn counted(w: &Words, key: &str, count: usize) -> String {
    w.with1(key, "count", &w.number(count))
}

/// The name of a school or provider; its id when the registry does not know it.
pub(crate) async fn party_name(site: &Arc<Site>, party: Party) -> Result<String, Trouble> {
    Ok(match party {
        Party::School(id) => site.registry.school(id).await?.map_or_else(|| id.to_string(), |school| school.name),
        Party::Provider(id) => {
            site.registry.provider(id).await?.map_or_else(|| id.to_string(), |provider| provider.name)
        }
        Party::Pupil(_, id) => id.to_string(),
    })
}
