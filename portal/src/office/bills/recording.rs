//! Recording of payments by the bank's file: each line held against the year's statements, what fits signed in parts.
//!
//! What is read of the file lies sealed in the registry, for its officer and a day at the most. The same file again changes
//! nothing: what is recorded already is told by the bank's number.

use std::collections::{BTreeMap, BTreeSet};

use keis_ledger::classifiers::Year;
use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::{Commitment, StatementId};
use keis_ledger::money::Cents;
use keis_ledger::record::{Payment, PaymentWay};
use keis_registry::payments::BankMark;

use super::Desk;
use super::bank_file::{BankFile, Line, Said};
use super::book::{Book, Slip, Standing};
use crate::site::Site;
use crate::trouble::Trouble;

/// Keeps the file that an officer works on.
pub(super) async fn keep(site: &Site, desk: &Desk, year: Year, file: &BankFile) -> Result<(), Trouble> {
    let bytes = file.kept().map_err(Trouble::internal)?;
    Ok(site.registry.keep_bank_file(desk.user.id, year, &bytes, keis_registry::now()).await?)
}

/// The file that an officer works on, if there is one.
pub(super) async fn kept(site: &Site, desk: &Desk, year: Year) -> Result<Option<BankFile>, Trouble> {
    let bytes = site.registry.bank_file(desk.user.id, year, keis_registry::now()).await?;
    bytes.map(|bytes| BankFile::of_kept(&bytes).map_err(Trouble::internal)).transpose()
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It can be recorded.
    Ready,
    /// It is recorded: there is nothing to do.
    Recorded,
    /// It cannot; the key of the sentence that says why.
    Refused(&'static str),
}

/// A line with what becomes of it.
pub(super) struct Judged {
    pub(super) line: Line,
    pub(super) verdict: Verdict,
}

/// Against what lines are judged.
struct Bench<'b> {
    slips: BTreeMap<StatementId, &'b Slip>,
    /// The statement and payment for which a bank's number was used.
    used: BTreeMap<Commitment, (StatementId, Payment)>,
    known: BTreeMap<String, Commitment>,
    own_keys: BTreeSet<PublicKey>,
    today: jiff::civil::Date,
}

/// Judges every line of a file.
pub(super) async fn judge(site: &Site, desk: &Desk, book: &Book, file: &BankFile) -> Result<Vec<Judged>, Trouble> {
    let texts: Vec<String> =
        file.lines.iter().filter_map(|line| line.said.as_ref().ok()).map(|said| said.bank.clone()).collect();
    let known = site.registry.known_bank_marks(&desk.actor(), BankMark::Reference, &texts).await?;
    let own = site.registry.officer_keys(&desk.user).await?;
    let today = crate::words::Lang::Lt.words().local(&site.now().await?).date();
    let bench = Bench {
        slips: book.slips.iter().map(|slip| (slip.id, slip)).collect(),
        used: book.slips.iter().flat_map(references).collect(),
        known,
        own_keys: own.into_iter().map(|own| own.key).collect(),
        today,
    };
    let (mut banks, mut statements) = (BTreeSet::new(), BTreeSet::new());
    let mut judged = Vec::with_capacity(file.lines.len());
    for line in &file.lines {
        let mut verdict = match &line.said {
            Ok(said) => bench.verdict(desk, said),
            Err(key) => Verdict::Refused(key),
        };
        if let Ok(said) = &line.said {
            if !banks.insert(said.bank.clone()) {
                verdict = Verdict::Refused("books-line-twice");
            } else if verdict == Verdict::Ready && !statements.insert(said.statement) {
                verdict = Verdict::Refused("books-line-statement-twice");
            }
        }
        judged.push(Judged { line: line.clone(), verdict });
    }
    Ok(judged)
}

/// The bank's numbers of a statement's payments.
pub(super) fn references(slip: &Slip) -> impl Iterator<Item = (Commitment, (StatementId, Payment))> {
    let one = |payment: &Payment| match payment.way {
        PaymentWay::Bank { reference, .. } | PaymentWay::Returned { reference } => {
            Some((reference, (slip.id, *payment)))
        }
        PaymentWay::SetOff => None,
    };
    slip.payments.iter().filter_map(one)
}

impl Bench<'_> {
    fn verdict(&self, desk: &Desk, said: &Said) -> Verdict {
        let used = self.known.get(&said.bank).and_then(|reference| self.used.get(reference));
        if let Some((statement, payment)) = used {
            return recorded(said, *statement, payment);
        }
        let Some(slip) = self.slips.get(&said.statement) else { return Verdict::Refused("books-line-unknown") };
        if said.day > self.today {
            return Verdict::Refused("books-line-future");
        }
        let next = slip.payments.len() + 1;
        match said.order.map(usize::from) {
            Some(order) if order < next => return Verdict::Refused("books-line-order-done"),
            Some(order) if order > next => return Verdict::Refused("books-line-unknown"),
            Some(_) | None => {}
        }
        self.refusal(desk, slip, said.amount).map_or(Verdict::Ready, Verdict::Refused)
    }

    fn refusal(&self, desk: &Desk, slip: &Slip, amount: Cents) -> Option<&'static str> {
        if !desk.pays(slip.buyer) {
            return Some("books-line-not-payer");
        }
        if !slip.standing.is_payable() {
            let done = matches!(slip.standing, Standing::Paid | Standing::Reconciled | Standing::Credited);
            return Some(if done { "books-line-closed" } else { "books-line-not-approved" });
        }
        if slip.approved_by.is_some_and(|key| self.own_keys.contains(&key)) {
            return Some("bills-own-approval");
        }
        if amount > slip.open {
            Some("books-line-above")
        } else if amount < slip.open {
            Some("books-line-below")
        } else {
            None
        }
    }
}

/// A line whose number at the bank is on the ledger.
fn recorded(said: &Said, statement: StatementId, payment: &Payment) -> Verdict {
    if statement != said.statement {
        return Verdict::Refused("books-line-used");
    }
    if matches!(payment.way, PaymentWay::Returned { .. }) {
        return Verdict::Refused("books-line-returned");
    }
    if payment.amount == said.amount { Verdict::Recorded } else { Verdict::Refused("books-line-otherwise") }
}
