//! One decision: what it says, who agreed, and the vote of the officer's own institution.

use std::sync::Arc;

use askama::Template;
use keis_ledger::ids::{DecisionId, InstitutionId};
use keis_ledger::operation::{GovernanceOperation, Measure, Operation, Threshold};
use keis_registry::permission::Permission;
use keis_wallet::client::{DecisionDetail, DecisionStage, DecisionView};

use super::told::{Told, told};
use super::{kind_key, path, stage};
use crate::call::{Acting, Answer, Call, page};
use crate::frame::{Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::wallet::{SignRequest, Signer, seats, sign_page};
use crate::words::Words;

/// What the officer can do about a decision.
struct Ballot {
    approves: bool,
    withdraws: bool,
    /// Why there is nothing to do: the key of a sentence.
    why_not: Option<&'static str>,
    needs_key: bool,
}

#[derive(Template)]
#[template(path = "office/decision.html")]
struct DecisionPage {
    f: Frame,
    id: String,
    label: String,
    state: String,
    class: &'static str,
    told: Told,
    facts: Vec<(String, String)>,
    votes: Vec<(String, String)>,
    ballot: Ballot,
}

/// A decision and its whole measure.
struct Found {
    view: DecisionView,
    measure: Measure,
}

async fn find(site: &Site, call: &Call) -> Result<Found, Trouble> {
    let id: DecisionId = call.part(0)?;
    let DecisionDetail { decision: view, .. } = site.client.decision(id).await?.ok_or(Trouble::NotFound)?;
    let measure = match view.public_measure() {
        Some(measure) => measure,
        None => site.client.decision_measure(id).await?.ok_or(Trouble::NotFound)?,
    };
    Ok(Found { view, measure })
}

/// How people name a decision on the pages before a vote: what it is, and the first characters of its number.
fn label(w: &Words, found: &Found) -> String {
    let number = found.view.id.to_string();
    let short: String = number.split('_').next_back().unwrap_or_default().chars().take(8).collect();
    format!("{} ({short})", w.text(kind_key(&found.measure)))
}

/// GET /office/decisions/{decision}
pub(super) async fn show(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::Decide).await?;
    let w = call.words();
    let found = find(&site, &call).await?;
    let told = told(&site, &call, &acting, &found.measure).await?;
    let (_, state, class) = stage(w, found.view.state);
    let votes = found.view.approvals.iter();
    let votes = votes.map(|vote| (site.network.institutions.name(vote.institution), w.date_time(&vote.at))).collect();
    let ballot = ballot(&site, &acting, &found.view).await?;
    let f = call.frame(&site, Section::Decisions, w.text(kind_key(&found.measure))).await?.with_scripts(&["page.js"]);
    let facts = facts(&site, w, &found.view);
    page(&DecisionPage {
        f,
        id: found.view.id.to_string(),
        label: label(w, &found),
        state,
        class,
        told,
        facts,
        votes,
        ballot,
    })
}

fn facts(site: &Site, w: &Words, view: &DecisionView) -> Vec<(String, String)> {
    let threshold = match view.threshold {
        Threshold::TwoPersons => w.text("decisions-two-persons"),
        Threshold::TwoThirds => w.with1("decisions-two-thirds", "wanted", &w.number(view.wanted)),
    };
    let mut facts = vec![
        (w.text("decisions-number"), view.id.to_string()),
        (w.text("decisions-proposer"), site.network.institutions.name(view.proposer)),
        (w.text("decisions-proposed"), w.date_time(&view.proposed)),
        (w.text("decisions-term"), w.date_time(&view.until)),
        (w.text("decisions-threshold"), threshold),
    ];
    facts.extend(view.closed.map(|at| (w.text("decisions-closed"), w.date_time(&at))));
    facts
}

async fn ballot(site: &Site, acting: &Acting, view: &DecisionView) -> Result<Ballot, Trouble> {
    let now = site.now().await?;
    let own: Vec<InstitutionId> =
        seats(site, &acting.user, now).await?.into_iter().map(|seat| seat.institution).collect();
    Ok(possible(view, &own))
}

/// What officers of these institutions can do.
fn possible(view: &DecisionView, own: &[InstitutionId]) -> Ballot {
    let none = |why_not| Ballot { approves: false, withdraws: false, why_not: Some(why_not), needs_key: false };
    match (view.state, view.threshold) {
        (DecisionStage::Executed | DecisionStage::Withdrawn | DecisionStage::Expired, _) => {
            Ballot { why_not: None, ..none("") }
        }
        (DecisionStage::Open, Threshold::TwoThirds) => none("decisions-not-officers"),
        (DecisionStage::Open, Threshold::TwoPersons) if own.is_empty() => {
            Ballot { needs_key: true, ..none("decisions-no-key") }
        }
        (DecisionStage::Open, Threshold::TwoPersons) => {
            let voted =
                |institution: &InstitutionId| view.approvals.iter().any(|vote| vote.institution == *institution);
            let approves = own.iter().any(|institution| !voted(institution));
            let withdraws = own.contains(&view.proposer);
            Ballot { approves, withdraws, why_not: (!approves).then_some("decisions-voted"), needs_key: false }
        }
    }
}

/// POST /office/decisions/{decision}/approve
pub(super) async fn approve(site: Arc<Site>, call: Call) -> Answer {
    let found = find(&site, &call).await?;
    let decision = found.view.id;
    signed(&site, &call, &found, GovernanceOperation::Approve { decision }, "decisions-approve-title").await
}

/// POST /office/decisions/{decision}/withdraw
pub(super) async fn withdraw(site: Arc<Site>, call: Call) -> Answer {
    let found = find(&site, &call).await?;
    let decision = found.view.id;
    signed(&site, &call, &found, GovernanceOperation::Withdraw { decision }, "decisions-withdraw-title").await
}

async fn signed(site: &Arc<Site>, call: &Call, found: &Found, operation: GovernanceOperation, title: &str) -> Answer {
    let acting = call.acting(Permission::Decide).await?;
    if found.measure.threshold() != Threshold::TwoPersons || found.view.state != DecisionStage::Open {
        return Err(Trouble::Malformed("rejection-decision_closed"));
    }
    let w = call.words();
    // What the measure says, once more beside the signature: the bytes name its number alone.
    let told = told(site, call, &acting, &found.measure).await?;
    let said = told.facts.iter().map(|(term, value)| format!("{term}: {value}"));
    let lines = told.lines.iter().map(|line| format!("{}: {}", line.name, line.amount));
    let request = SignRequest {
        title: w.text(title),
        operations: vec![Operation::Governance(operation)],
        labels: vec![(found.view.id.to_string(), label(w, found))],
        signer: Signer::Officer,
        next: path(found.view.id),
        warnings: std::iter::once(w.text("decisions-by-number")).chain(said).chain(lines).collect(),
    };
    sign_page(site, call, request).await
}

#[cfg(test)]
mod tests {
    use keis_ledger::time::Timestamp;
    use keis_wallet::client::Vote;

    use super::*;

    fn view(state: DecisionStage, threshold: Threshold) -> DecisionView {
        let vote = Vote { institution: InstitutionId([1; 16]), at: Timestamp(1) };
        DecisionView {
            id: DecisionId([1; 16]),
            measure: serde_json::Value::Null,
            whole: false,
            threshold,
            wanted: 2,
            proposer: vote.institution,
            proposed: Timestamp(1),
            until: Timestamp(2),
            approvals: vec![vote],
            state,
            closed: None,
        }
    }

    #[test]
    fn the_other_institution_votes_and_the_proposer_withdraws() {
        let open = view(DecisionStage::Open, Threshold::TwoPersons);
        let may = |view: &DecisionView, own: &[u8]| {
            let own: Vec<InstitutionId> = own.iter().map(|number| InstitutionId([*number; 16])).collect();
            let ballot = possible(view, &own);
            (ballot.approves, ballot.withdraws, ballot.why_not.unwrap_or(""))
        };
        assert_eq!(may(&open, &[1]), (false, true, "decisions-voted"));
        assert_eq!(may(&open, &[2]), (true, false, ""));
        assert_eq!(may(&open, &[1, 2]), (true, true, ""));
        assert_eq!(may(&open, &[]), (false, false, "decisions-no-key"));
        assert_eq!(
            may(&view(DecisionStage::Open, Threshold::TwoThirds), &[2]),
            (false, false, "decisions-not-officers")
        );
        assert_eq!(may(&view(DecisionStage::Expired, Threshold::TwoPersons), &[2]), (false, false, ""));
    }
}
