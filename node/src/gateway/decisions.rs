//! Decisions of the institutions: everybody reads who wants what and who agreed; officers read what concerns single lines
//! of an order, or an account.

use std::collections::BTreeSet;
use std::sync::Arc;

use keis_ledger::chain::Height;
use keis_ledger::ids::{DecisionId, InstitutionId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{Measure, Threshold};
use keis_ledger::receipt::Receipt;
use keis_ledger::record::{Approval, Decision, DecisionState};
use keis_ledger::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use warp::http::StatusCode;

use super::Context;
use super::call::{Answer, Call, json as answer};
use super::index::Content;
use super::keep::Keep;
use super::page::{Page, Part};
use super::problem::Problem;
use super::schema;
use crate::chain::ChainError;
use crate::view::View;

/// A decision as everybody may read it.
#[derive(Serialize, ToSchema)]
pub(super) struct DecisionView {
    /// The decision.
    #[schema(value_type = String, example = "dec_00ff…")]
    id: DecisionId,
    /// What it is to bring about, or brought about, such as `{"switch_protocol": {"version": 2, "height": 900}}`. Of what is
    /// decided on single lines of an order only number and sum are told, and no account.
    #[schema(value_type = Object)]
    measure: Value,
    /// Whether that is the whole measure.
    whole: bool,
    /// How many must agree: `two_persons` of two institutions, or `two_thirds` of the institutions.
    #[schema(value_type = String, example = "two_persons")]
    threshold: Threshold,
    /// Institutions that must agree, by the members of this moment.
    wanted: usize,
    /// Who proposed it.
    #[schema(value_type = String, example = "ins_00ff…")]
    proposer: InstitutionId,
    /// When, milliseconds since 1970.
    #[schema(value_type = u64)]
    proposed: Timestamp,
    /// It lapses at this instant, if it is not decided.
    #[schema(value_type = u64)]
    until: Timestamp,
    /// The votes, as they counted when the last of them was given; the proposer's is the first.
    approvals: Vec<Vote>,
    /// Where it stands.
    state: DecisionStage,
    /// Since when, unless it is open.
    #[schema(value_type = Option<u64>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<Timestamp>,
}

/// An institution's vote for a measure.
#[derive(Serialize, ToSchema)]
pub(super) struct Vote {
    /// Whose it is.
    #[schema(value_type = String, example = "ins_00ff…")]
    institution: InstitutionId,
    /// When it was given, milliseconds since 1970.
    #[schema(value_type = u64)]
    at: Timestamp,
}

/// Where a decision stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum DecisionStage {
    /// It waits for votes.
    Open,
    /// It was decided and carried out.
    Executed,
    /// Its proposer took it back.
    Withdrawn,
    /// It was not decided in time.
    Expired,
}

/// A decision with its receipts.
#[derive(Serialize, ToSchema)]
pub(super) struct DecisionDetail {
    /// The decision.
    #[serde(flatten)]
    decision: DecisionView,
    /// Height at which it was read.
    #[schema(value_type = u64)]
    height: Height,
    /// Public parts of the receipts of its proposal, its votes and its end, in order.
    #[schema(value_type = Vec<schema::Receipt>)]
    receipts: Vec<Receipt>,
}

/// A decision's whole measure.
#[derive(Serialize, ToSchema)]
pub(super) struct WholeMeasure {
    /// The decision.
    #[schema(value_type = String, example = "dec_00ff…")]
    id: DecisionId,
    /// What it is to bring about, or brought about.
    #[schema(value_type = Object)]
    measure: Measure,
}

impl DecisionView {
    fn of(view: &View, id: DecisionId, decision: &Decision) -> Self {
        let Decision { measure, proposer, proposed, until, approvals, state } = decision;
        let threshold = measure.threshold();
        let (told, whole) = public(measure);
        let (state, closed) = DecisionStage::of(*state);
        Self {
            id,
            measure: told,
            whole,
            threshold,
            wanted: wanted(view, threshold),
            proposer: *proposer,
            proposed: *proposed,
            until: *until,
            approvals: approvals
                .iter()
                .map(|Approval { institution, at, .. }| Vote { institution: *institution, at: *at })
                .collect(),
            state,
            closed,
        }
    }
}

impl DecisionStage {
    fn of(state: DecisionState) -> (Self, Option<Timestamp>) {
        match state {
            DecisionState::Open => (Self::Open, None),
            DecisionState::Executed(at) => (Self::Executed, Some(at)),
            DecisionState::Withdrawn(at) => (Self::Withdrawn, Some(at)),
            DecisionState::Expired(at) => (Self::Expired, Some(at)),
        }
    }
}

/// Fewest votes that reach a threshold now.
fn wanted(view: &View, threshold: Threshold) -> usize {
    let validators = view.tip.network_record().validators.as_slice();
    let members = validators.iter().map(|validator| validator.institution).collect::<BTreeSet<_>>().len();
    (1..=members).find(|votes| threshold.is_met(*votes, members)).unwrap_or(members)
}

/// What everybody may read of a measure, and whether that is all of it.
fn public(measure: &Measure) -> (Value, bool) {
    match measure {
        Measure::Resolve { year, order, split } => {
            let total = split.iter().try_fold(Cents::ZERO, |sum, part| sum.checked_add(*part));
            (json!({ "resolve": { "year": year, "order": order, "lines": split.len(), "total": total } }), false)
        }
        Measure::Reverse { year, order, lines } => {
            (json!({ "reverse": { "year": year, "order": order, "lines": lines.len() } }), false)
        }
        Measure::ChangePaymentAccount { provider, account: _ } => {
            (json!({ "change_payment_account": { "provider": provider } }), false)
        }
        Measure::SetNetworkParameters { .. }
        | Measure::SetProgrammeParameters { .. }
        | Measure::SetValidators { .. }
        | Measure::AppointOfficer { .. }
        | Measure::DismissOfficer { .. }
        | Measure::ReplaceGovernanceKeys { .. }
        | Measure::SwitchProtocol { .. }
        | Measure::ForceMajeure { .. }
        | Measure::Extend { .. }
        | Measure::Succeed { .. } => (serde_json::to_value(measure).expect("a measure is plain data"), true),
    }
}

/// Decisions of the institutions, the newest proposal first.
#[utoipa::path(get, path = "/v1/decisions", tag = "governance",
    params(
        ("state" = Option<String>, Query, description = "Where they stand: `open`, `executed`, `withdrawn` or `expired`"),
        ("cursor" = Option<String>, Query, description = "`next` of the answer before"),
        ("limit" = Option<u64>, Query, description = "How many, 1 to 500; 100 if absent"),
    ),
    responses(
        (status = 200, body = Page<DecisionView>),
        (status = 400, description = "A wrong parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn decisions(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["state", "cursor", "limit"])?;
    let (stage, part): (Option<DecisionStage>, _) = (call.word("state")?, Part::<DecisionId>::of(&call)?);
    let read = move |content: &Content, view: &View| {
        let ids = content.decided.newest(part.cursor)?;
        Some(part.in_order(view.height(), ids, |id| {
            let one = DecisionView::of(view, id, view.tip.state.get::<Decision>(id)?);
            let size = 1 + one.approvals.len();
            stage.is_none_or(|stage| stage == one.state).then_some((one, size))
        }))
    };
    let page = context.list(read).await?;
    let wrong = || Problem::malformed("`cursor` is not one of an answer before");
    answer(StatusCode::OK, Keep::Moving, &page.ok_or_else(wrong)?)
}

/// A decision with its receipts.
#[utoipa::path(get, path = "/v1/decisions/{id}", tag = "governance",
    params(("id" = String, Path, description = "The decision")),
    responses(
        (status = 200, body = DecisionDetail),
        (status = 400, description = "No decision's id", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn decision(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    let id: DecisionId = call.id()?;
    let read = move |content: &Content, view: &View| {
        let decision = DecisionView::of(view, id, view.tip.state.get::<Decision>(id)?);
        Some((decision, view.height(), content.decided.receipts(id).to_vec()))
    };
    let (decision, height, places) = context.list(read).await?.ok_or_else(no_decision)?;
    let receipts = context.read(move |archive| {
        let mut receipts = Vec::with_capacity(places.len());
        for (height, index) in places {
            let past = archive.past(height)?;
            receipts.extend(past.and_then(|past| Some(past.receipts.get(index as usize)?.receipt.clone())));
        }
        Ok::<_, ChainError>(receipts)
    });
    answer(StatusCode::OK, Keep::Moving, &DecisionDetail { decision, height, receipts: receipts.await? })
}

/// A decision's whole measure, for officers and auditors.
#[utoipa::path(get, path = "/v1/decisions/{id}/measure", tag = "governance", security(("signature" = [])),
    params(("id" = String, Path, description = "The decision")),
    responses(
        (status = 200, body = WholeMeasure),
        (status = 400, description = "No decision's id", body = schema::Problem, content_type = "application/problem+json"),
        (status = 401, description = "No signature that holds", body = schema::Problem, content_type = "application/problem+json"),
        (status = 403, description = "For officers and auditors", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn measure(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    let id: DecisionId = call.id()?;
    let reader = context.reader(&call).await?;
    reader.officer()?;
    let decision = reader.view.tip.state.get::<Decision>(id).ok_or_else(no_decision)?;
    answer(StatusCode::OK, Keep::Never, &WholeMeasure { id, measure: decision.measure.clone() })
}

fn no_decision() -> Problem {
    Problem::not_found("the decision is not on the ledger")
}
