//! What institutions decide together in the demo: proposed by one, voted for by others, carried out by the last vote.

use anyhow::Context;
use keis_ledger::crypto::SecretKey;
use keis_ledger::ids::{DecisionId, ProviderId};
use keis_ledger::operation::{GovernanceOperation, Measure, Operation, Owner, Threshold};
use keis_ledger::time::Span;
use keis_wallet::random::new_id;

use super::billing::Desk;
use super::drive::Driver;
use super::translate::Wish;

/// How long a proposal stands.
const STANDS: Span = Span::days(30);
/// Proposals under way at once; fewer than an institution may have.
const AT_ONCE: usize = 50;

/// Officers of the operator propose, officers of the budget holder approve.
pub(super) async fn two_persons(driver: &mut Driver, measures: Vec<Measure>) -> anyhow::Result<()> {
    let (proposer, approver) = (driver.officers.operator.clone(), driver.officers.budget_holder.clone());
    for part in measures.chunks(AT_ONCE) {
        let ids: Vec<DecisionId> = part.iter().map(|_| new_id(DecisionId)).collect();
        let proposals = ids.iter().zip(part).map(|(id, measure)| propose(driver, &proposer, *id, measure)).collect();
        driver.all(proposals, &|_| {}).await.context("a measure of two persons is proposed")?;
        let votes = ids.iter().map(|id| approve(&approver, *id)).collect();
        driver.all(votes, &|_| {}).await.context("a measure of two persons is approved")?;
        driver.tally.decisions += ids.len() as u64;
    }
    Ok(())
}

/// As many institutions as it takes vote, one after the other.
pub(super) async fn institutions(driver: &mut Driver, measure: Measure) -> anyhow::Result<()> {
    let members = driver.officers.governance.len();
    let keys = driver.officers.governance.clone();
    let id = new_id(DecisionId);
    for (votes, key) in keys.iter().enumerate() {
        if Threshold::TwoThirds.is_met(votes, members) {
            break;
        }
        let wish = if votes == 0 { propose(driver, key, id, &measure) } else { approve(key, id) };
        driver.all(vec![wish], &|_| {}).await.context("the institutions vote")?;
    }
    driver.tally.decisions += 1;
    Ok(())
}

fn propose(driver: &Driver, signer: &SecretKey, decision: DecisionId, measure: &Measure) -> Wish {
    let until = driver.now().after(STANDS);
    let operation = GovernanceOperation::Propose { decision, measure: measure.clone(), until };
    Wish { signer: signer.clone(), operation: Operation::Governance(operation) }
}

fn approve(signer: &SecretKey, decision: DecisionId) -> Wish {
    Wish { signer: signer.clone(), operation: Operation::Governance(GovernanceOperation::Approve { decision }) }
}

/// The institutions give the operator a second officer, who pays what the first has approved.
pub(super) async fn appoint_accountant(driver: &mut Driver) -> anyhow::Result<()> {
    let (from, key) = (driver.now(), driver.officers.accountant.public());
    let owner = Owner::Operator(driver.officers.operator_institution);
    let until = from.after(Span::days(3 * 365));
    institutions(driver, Measure::AppointOfficer { key, owner, from, until }).await
}

/// Two persons bind where these providers are paid.
pub(super) async fn bind_accounts(driver: &mut Driver, desk: &Desk, providers: &[ProviderId]) -> anyhow::Result<()> {
    let mut measures = Vec::with_capacity(providers.len());
    for provider in providers {
        let account = desk.account(*provider).await?;
        measures.push(Measure::ChangePaymentAccount { provider: *provider, account });
    }
    two_persons(driver, measures).await
}
