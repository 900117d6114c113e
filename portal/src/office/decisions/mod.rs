//! Decisions of two institutions: what waits for votes, what was decided, and proposals. Officers sign with keys of their own.
//!
//! What a proposal says is said again in words by the browser that signs it. A vote names the decision by its number alone: its
//! measure is read from the ledger and told on the page before.

mod confirm;
mod exceptions;
mod lines;
mod list;
mod parties;
mod remedies;
mod show;
mod told;

use std::sync::Arc;

use keis_ledger::ids::DecisionId;
use keis_ledger::operation::{GovernanceOperation, Measure, Operation};
use keis_ledger::time::Span;
use keis_registry::permission::Permission;
use keis_wallet::client::DecisionStage;
use keis_wallet::random::new_id;

use crate::call::{Answer, Call};
use crate::route::{Route, get, post};
use crate::site::Site;
use crate::wallet::{SignRequest, Signer, sign_page};
use crate::words::Words;

pub(super) use list::{Disputed, Row, disputed, waiting};

/// How long a proposal made here waits for the other institution.
const TERM: Span = Span::days(30);

/// The routes.
pub(super) fn routes(site: &Arc<Site>) -> Vec<Route> {
    vec![
        get(site, "/office/decisions", list::list),
        get(site, "/office/decisions/order", remedies::find),
        get(site, "/office/decisions/resolve/{year}/{order}", remedies::resolve_form),
        post(site, "/office/decisions/resolve/{year}/{order}", remedies::resolve),
        get(site, "/office/decisions/reverse/{year}/{order}", remedies::reverse_form),
        post(site, "/office/decisions/reverse/{year}/{order}", remedies::reverse),
        get(site, "/office/decisions/force-majeure", exceptions::closure_form),
        post(site, "/office/decisions/force-majeure", exceptions::closure),
        get(site, "/office/decisions/extend", exceptions::extension_form),
        post(site, "/office/decisions/extend", exceptions::extension),
        get(site, "/office/decisions/succeed", parties::succession_form),
        post(site, "/office/decisions/succeed", parties::succession),
        get(site, "/office/decisions/account", parties::account_form),
        post(site, "/office/decisions/account", parties::account),
        get(site, "/office/decisions/{decision}", show::show),
        post(site, "/office/decisions/{decision}/approve", show::approve),
        post(site, "/office/decisions/{decision}/withdraw", show::withdraw),
    ]
}

/// A measure that an officer proposes, with what people call the things in it.
struct Proposal {
    measure: Measure,
    labels: Vec<(String, String)>,
    warnings: Vec<String>,
}

/// Answers with the page on which a proposal is signed.
async fn propose(site: &Arc<Site>, call: &Call, proposal: Proposal) -> Answer {
    let Proposal { measure, labels, mut warnings } = proposal;
    call.acting(Permission::Decide).await?;
    let w = call.words();
    let decision = new_id(DecisionId);
    let until = site.now().await?.after(TERM);
    warnings.push(w.with1("decisions-waits-until", "until", &w.date_time(&until)));
    let request = SignRequest {
        title: w.text(kind_key(&measure)),
        operations: vec![Operation::Governance(GovernanceOperation::Propose { decision, measure, until })],
        labels,
        signer: Signer::Officer,
        next: path(decision),
        warnings,
    };
    sign_page(site, call, request).await
}

/// Where a decision is shown.
fn path(decision: DecisionId) -> String {
    format!("/office/decisions/{decision}")
}

/// Key of what a measure is called.
fn kind_key(measure: &Measure) -> &'static str {
    match measure {
        Measure::SetNetworkParameters { .. } => "decisions-kind-set_network_parameters",
        Measure::SetProgrammeParameters { .. } => "decisions-kind-set_programme_parameters",
        Measure::SetValidators { .. } => "decisions-kind-set_validators",
        Measure::AppointOfficer { .. } => "decisions-kind-appoint_officer",
        Measure::DismissOfficer { .. } => "decisions-kind-dismiss_officer",
        Measure::ReplaceGovernanceKeys { .. } => "decisions-kind-replace_governance_keys",
        Measure::SwitchProtocol { .. } => "decisions-kind-switch_protocol",
        Measure::Resolve { .. } => "decisions-kind-resolve",
        Measure::Reverse { .. } => "decisions-kind-reverse",
        Measure::ForceMajeure { .. } => "decisions-kind-force_majeure",
        Measure::Extend { .. } => "decisions-kind-extend",
        Measure::Succeed { .. } => "decisions-kind-succeed",
        Measure::ChangePaymentAccount { .. } => "decisions-kind-change_payment_account",
    }
}

/// Every stage, those that wait first.
const STAGES: [DecisionStage; 4] =
    [DecisionStage::Open, DecisionStage::Executed, DecisionStage::Withdrawn, DecisionStage::Expired];

/// A stage as addresses name it, its words and the colour of its badge.
fn stage(w: &Words, stage: DecisionStage) -> (&'static str, String, &'static str) {
    let (code, class) = match stage {
        DecisionStage::Open => ("open", "wait"),
        DecisionStage::Executed => ("executed", "good"),
        DecisionStage::Withdrawn => ("withdrawn", ""),
        DecisionStage::Expired => ("expired", "bad"),
    };
    (code, w.text(&format!("decisions-stage-{code}")), class)
}
