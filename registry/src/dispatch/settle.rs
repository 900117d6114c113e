//! From answers to wishes: what the ledger is told because of the buyer's word. The wish and the answer's standing are one
//! transaction, so the effect is one, wherever it is interrupted.

use keis_ledger::operation::{Operation, Party, SettlementOperation};
use keis_ledger::record::StatementState;
use keis_ledger::time::Timestamp;

use super::answer::{self, AnswerRow, AnswerStanding};
use super::carrier::{LedgerBill, Papers, Verdict};
use super::{Dispatch, row};
use crate::database::{Registry, Work};
use crate::error::RegistryError;
use crate::log::{Actor, Entry, append};
use crate::notices::{NoticeKind, notify};
use crate::outbox::{self, New, Office, OutboxId, OutboxState};
use crate::page::Page;

/// Open answers that are looked at in one read.
const AT_ONCE: u32 = 200;

/// What is to be done about an answer now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Nothing yet.
    Wait,
    /// The ledger stands as the answer wishes.
    Done,
    /// It cannot be; an officer looks at it.
    Aside(&'static str),
    Approve,
    Reject,
    Pay,
}

/// The answer and what it meets: `approval` is where the wish to approve the invoice stands.
fn next(
    answer: &AnswerRow,
    dispatch: &Dispatch,
    bill: Option<&LedgerBill>,
    (pays, approval): (bool, Option<OutboxState>),
) -> Next {
    let Some(bill) = bill else { return Next::Aside("no_statement") };
    let is_attached = bill.invoice == Some(dispatch.of.file);
    match (answer.verdict, bill.state) {
        (Verdict::Received | Verdict::Unreadable, _) => Next::Done,
        (Verdict::Rejected, StatementState::InvoiceAttached) => {
            if is_attached {
                Next::Reject
            } else {
                Next::Done
            }
        }
        (Verdict::Rejected, StatementState::Accepted | StatementState::Credited) => Next::Done,
        (Verdict::Rejected, StatementState::Approved | StatementState::Paid | StatementState::Reconciled) => {
            if is_attached {
                Next::Aside("settled")
            } else {
                Next::Done
            }
        }
        (Verdict::Approved | Verdict::Paid, StatementState::InvoiceAttached) if is_attached => approving(approval),
        (Verdict::Approved, StatementState::Approved | StatementState::Paid | StatementState::Reconciled)
            if is_attached =>
        {
            Next::Done
        }
        (Verdict::Approved, StatementState::Credited) => Next::Done,
        (Verdict::Paid, _) if answer.reference.is_some_and(|reference| bill.references.contains(&reference)) => {
            Next::Done
        }
        (Verdict::Paid, StatementState::Approved) if is_attached => paying(answer, bill, pays),
        (Verdict::Paid, StatementState::Paid | StatementState::Reconciled | StatementState::Credited) => {
            Next::Aside("settled")
        }
        (Verdict::Rejected | Verdict::Approved | Verdict::Paid, _) => Next::Aside("not_attached"),
    }
}

fn approving(approval: Option<OutboxState>) -> Next {
    match approval {
        None => Next::Approve,
        Some(OutboxState::Discarded) => Next::Aside("given_up"),
        Some(
            OutboxState::Waiting | OutboxState::Signed | OutboxState::Done | OutboxState::Refused | OutboxState::Split,
        ) => Next::Wait,
    }
}

fn paying(answer: &AnswerRow, bill: &LedgerBill, pays: bool) -> Next {
    match answer.amount {
        None => Next::Aside("payment_unsound"),
        Some(amount) if amount > bill.open => Next::Aside("above_open"),
        Some(_) if !pays => Next::Aside("payer_elsewhere"),
        Some(_) => Next::Pay,
    }
}

/// Looks at every open answer once; says how many moved.
pub(super) async fn all(
    registry: &Registry,
    papers: &dyn Papers,
    actor: &Actor,
    at: Timestamp,
) -> Result<u64, RegistryError> {
    let mut moved = 0;
    let mut page = Page::first(AT_ONCE);
    loop {
        let open = [AnswerStanding::Pending, AnswerStanding::Wished];
        let rows = answer::standing_in(&mut *registry.reader().await?, &open, &page).await?;
        let listed = page.list(rows, |row| row.seq);
        for row in &listed.items {
            let step = if row.standing == AnswerStanding::Wished {
                wished(registry, papers, row, at).await?
            } else {
                pending(registry, papers, actor, row, at).await?
            };
            moved += u64::from(step);
        }
        match listed.next {
            None => return Ok(moved),
            Some(after) => page.after = Some(after),
        }
    }
}

/// The outbox has the wish: what came of it. What the ledger refuses waits there for an officer, unless somebody else brought about
/// what was wished.
async fn wished(
    registry: &Registry,
    papers: &dyn Papers,
    answer: &AnswerRow,
    at: Timestamp,
) -> Result<bool, RegistryError> {
    let wish = match answer.wish {
        Some(id) => outbox::get(registry, id).await?,
        None => None,
    };
    let state = wish.map(|wish| wish.state);
    let to = match state {
        Some(OutboxState::Waiting | OutboxState::Signed) => return Ok(false),
        Some(OutboxState::Done | OutboxState::Split) => (AnswerStanding::Done, None, None),
        Some(OutboxState::Refused | OutboxState::Discarded) | None => match stands(registry, papers, answer).await? {
            true => (AnswerStanding::Done, None, None),
            false if state == Some(OutboxState::Refused) => return Ok(false),
            false => (AnswerStanding::Aside, Some("given_up"), None),
        },
    };
    let mut work = registry.begin().await?;
    let moved = answer::stand(&mut work, answer.seq, AnswerStanding::Wished, to, at).await?;
    work.commit().await?;
    Ok(moved)
}

/// Whether the ledger stands as an answer wishes; not, when it does not tell.
async fn stands(registry: &Registry, papers: &dyn Papers, answer: &AnswerRow) -> Result<bool, RegistryError> {
    let dispatch = match answer.dispatch {
        Some(id) => row::get(&mut *registry.reader().await?, id).await?,
        None => None,
    };
    let Some(dispatch) = dispatch else { return Ok(false) };
    let Ok(Some(bill)) = papers.bill(dispatch.of.year, dispatch.of.statement).await else { return Ok(false) };
    Ok(next(answer, &dispatch, Some(&bill), (false, None)) == Next::Done)
}

async fn pending(
    registry: &Registry,
    papers: &dyn Papers,
    actor: &Actor,
    answer: &AnswerRow,
    at: Timestamp,
) -> Result<bool, RegistryError> {
    let dispatch = match answer.dispatch {
        Some(id) => row::get(&mut *registry.reader().await?, id).await?,
        None => None,
    };
    let Some(dispatch) = dispatch else {
        let mut work = registry.begin().await?;
        let to = (AnswerStanding::Aside, Some("unknown_message"), None);
        let moved = answer::stand(&mut work, answer.seq, AnswerStanding::Pending, to, at).await?;
        work.commit().await?;
        return Ok(moved);
    };
    let bill = match papers.bill(dispatch.of.year, dispatch.of.statement).await {
        Ok(bill) => bill,
        Err(error) => {
            tracing::debug!(%error, "an answer of the buyer waits for the ledger");
            return Ok(false);
        }
    };
    let approval = match dispatch.approval {
        Some(id) => outbox::get(registry, id).await?.map(|row| row.state),
        None => None,
    };
    let next = next(answer, &dispatch, bill.as_ref(), (papers.pays(), approval));
    let mut work = registry.begin().await?;
    let moved = follow(&mut work, actor, (answer, &dispatch), next, at).await?;
    if moved {
        work.commit().await?;
    }
    Ok(moved)
}

/// Does what is next within one transaction; says whether there is something to commit.
async fn follow(
    work: &mut Work,
    actor: &Actor,
    (answer, dispatch): (&AnswerRow, &Dispatch),
    next: Next,
    at: Timestamp,
) -> Result<bool, RegistryError> {
    let (seq, pending) = (answer.seq, AnswerStanding::Pending);
    let (year, statement) = (dispatch.of.year, dispatch.of.statement);
    match next {
        // Somebody else's wish to approve stands: an approval follows it, a payment waits for it.
        Next::Wait => match (answer.verdict, dispatch.approval) {
            (Verdict::Approved, Some(wish)) => {
                answer::stand(work, seq, pending, (AnswerStanding::Wished, None, Some(wish)), at).await
            }
            (_, _) => Ok(false),
        },
        Next::Done => {
            if answer.verdict == Verdict::Rejected {
                tell(work, dispatch).await?;
            }
            answer::stand(work, seq, pending, (AnswerStanding::Done, None, None), at).await
        }
        Next::Aside(why) => answer::stand(work, seq, pending, (AnswerStanding::Aside, Some(why), None), at).await,
        Next::Approve => {
            let operation = SettlementOperation::Approve { year, statement };
            let wish = wish(work, actor, Office::Operator, "approved_by_buyer", operation).await?;
            if !row::approve(work, dispatch.id, wish).await? {
                return Ok(false);
            }
            if answer.verdict == Verdict::Paid {
                return Ok(true);
            }
            answer::stand(work, seq, pending, (AnswerStanding::Wished, None, Some(wish)), at).await
        }
        Next::Reject => {
            let operation = SettlementOperation::RejectInvoice { year, statement };
            let wish = wish(work, actor, Office::Operator, "rejected_by_buyer", operation).await?;
            tell(work, dispatch).await?;
            answer::stand(work, seq, pending, (AnswerStanding::Wished, None, Some(wish)), at).await
        }
        Next::Pay => {
            let (Some(amount), Some(reference)) = (answer.amount, answer.reference) else { return Ok(false) };
            let operation = SettlementOperation::RecordPayment { year, statement, amount, reference };
            let wish = wish(work, actor, Office::BudgetHolder, "paid_by_buyer", operation).await?;
            append(work, Entry::new(actor, "bank marks kept", statement).detail(1)).await?;
            answer::stand(work, seq, pending, (AnswerStanding::Wished, None, Some(wish)), at).await
        }
    }
}

async fn wish(
    work: &mut Work,
    actor: &Actor,
    office: Office,
    purpose: &'static str,
    operation: SettlementOperation,
) -> Result<OutboxId, RegistryError> {
    outbox::enqueue(work, actor, New::of(office, purpose, Operation::Settlement(operation))).await
}

/// The provider learns that its invoice was refused; why, its page shows.
async fn tell(work: &mut Work, dispatch: &Dispatch) -> Result<(), RegistryError> {
    let party = Party::Provider(dispatch.of.provider);
    notify(work, party, NoticeKind::InvoiceRejected, &dispatch.of.statement.to_string()).await
}
