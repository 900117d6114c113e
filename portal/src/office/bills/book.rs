//! A year's statements in memory, as far as lists and sums need them: read from a gateway as a whole, kept while the ledger
//! stands still and for some seconds beyond. Knows no page.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};
use keis_ledger::chain::Height;
use keis_ledger::classifiers::Year;
use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::{Commitment, InstitutionId, ProviderId, StatementId};
use keis_ledger::money::{Cents, Source};
use keis_ledger::operation::Buyer;
use keis_ledger::record::{Payment, PaymentWay, StatementState};
use keis_ledger::time::Timestamp;
use keis_wallet::client::{ReceivableView, RepaymentView, StatementView};
use tokio::sync::Mutex;

use crate::site::Site;
use crate::trouble::Trouble;

/// How long a book is taken from memory although the ledger has gone on.
const FRESH: Duration = Duration::from_secs(3);
/// Questions to gateways at a time.
const AT_ONCE: usize = 8;

/// Where a statement stands, as accountants speak of it: an approved one of which a part is paid is told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    Issued,
    Accepted,
    InvoiceAttached,
    Approved,
    PartPaid,
    Paid,
    Reconciled,
    Contested,
    Credited,
}

impl Standing {
    /// Every standing, in the order of a statement's way.
    pub(super) const ALL: [Self; 9] = [
        Self::Issued,
        Self::Accepted,
        Self::InvoiceAttached,
        Self::Approved,
        Self::PartPaid,
        Self::Paid,
        Self::Reconciled,
        Self::Contested,
        Self::Credited,
    ];

    /// Where a statement stands.
    pub(super) fn of(view: &StatementView) -> Self {
        match view.statement.state {
            StatementState::Issued => Self::Issued,
            StatementState::Accepted => Self::Accepted,
            StatementState::InvoiceAttached => Self::InvoiceAttached,
            StatementState::Approved if view.bill.standing().next().is_some() => Self::PartPaid,
            StatementState::Approved => Self::Approved,
            StatementState::Paid => Self::Paid,
            StatementState::Reconciled => Self::Reconciled,
            StatementState::Contested => Self::Contested,
            StatementState::Credited => Self::Credited,
        }
    }

    /// Its name in addresses and message keys.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Accepted => "accepted",
            Self::InvoiceAttached => "invoice_attached",
            Self::Approved => "approved",
            Self::PartPaid => "part_paid",
            Self::Paid => "paid",
            Self::Reconciled => "reconciled",
            Self::Contested => "contested",
            Self::Credited => "credited",
        }
    }

    /// The standing of a name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.name() == name)
    }

    /// How its badge looks.
    pub(super) fn mood(self) -> &'static str {
        match self {
            Self::Issued | Self::Accepted | Self::InvoiceAttached | Self::Approved | Self::PartPaid | Self::Paid => {
                "wait"
            }
            Self::Reconciled => "good",
            Self::Contested => "bad",
            Self::Credited => "",
        }
    }

    /// Whether something of it may be paid now.
    pub(super) fn is_payable(self) -> bool {
        match self {
            Self::Approved | Self::PartPaid => true,
            Self::Issued
            | Self::Accepted
            | Self::InvoiceAttached
            | Self::Paid
            | Self::Reconciled
            | Self::Contested
            | Self::Credited => false,
        }
    }
}

/// A statement, as far as lists need it.
#[derive(Debug, Clone)]
pub(super) struct Slip {
    pub(super) id: StatementId,
    pub(super) provider: ProviderId,
    pub(super) buyer: Buyer,
    pub(super) orders: usize,
    pub(super) total: Cents,
    /// What it still holds in settlement.
    pub(super) open: Cents,
    pub(super) credited: Cents,
    pub(super) issued: Timestamp,
    pub(super) standing: Standing,
    /// Commitment to the number of the attached invoice.
    pub(super) invoice: Option<Commitment>,
    /// Commitment to its file.
    pub(super) file: Option<Commitment>,
    pub(super) approved_by: Option<PublicKey>,
    pub(super) approved_at: Option<Timestamp>,
    /// What was paid, set off and sent back.
    pub(super) payments: Vec<Payment>,
    /// Institutions whose officers recorded payments, those that the bank sent back included.
    pub(super) recorded_by: Vec<InstitutionId>,
    /// References of payments, which are used once.
    pub(super) references: Vec<Commitment>,
}

impl Slip {
    pub(super) fn of(view: &StatementView) -> Self {
        let (statement, bill) = (&view.statement, &view.bill);
        let reference = |way: PaymentWay| match way {
            PaymentWay::Bank { reference, .. } | PaymentWay::Returned { reference } => Some(reference),
            PaymentWay::SetOff => None,
        };
        Self {
            id: view.id,
            provider: statement.provider,
            buyer: statement.buyer,
            orders: statement.orders.len(),
            total: statement.total,
            open: statement.balance,
            credited: bill.credited,
            issued: statement.issued,
            standing: Standing::of(view),
            invoice: bill.invoice.map(|invoice| invoice.number),
            file: bill.invoice.map(|invoice| invoice.file),
            approved_by: bill.approval.map(|approval| approval.by),
            approved_at: bill.approval.map(|approval| approval.at),
            payments: bill.payments.clone(),
            recorded_by: bill.payments.iter().map(|payment| payment.institution).collect(),
            references: bill.payments.iter().filter_map(|payment| reference(payment.way)).collect(),
        }
    }

    /// Its place in lists: by the day of issue.
    pub(super) fn place(&self) -> (Timestamp, StatementId) {
        (self.issued, self.id)
    }

    /// Since when it has stood where it is, as far as its record tells: since its last payment, its approval or its issue.
    pub(super) fn waits_since(&self) -> Timestamp {
        self.payments.last().map(|payment| payment.at).or(self.approved_at).unwrap_or(self.issued)
    }

    /// What the sums of its standing count: what is open while it is to be paid, all of it otherwise.
    pub(super) fn worth(&self) -> Cents {
        if self.standing.is_payable() { self.open } else { self.total }
    }
}

/// Number and sum of some statements.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) count: u64,
    pub(super) cents: Cents,
}

impl Sum {
    pub(super) fn add(&mut self, cents: Cents) {
        self.count += 1;
        // A year's money is far below what 64 bits hold.
        self.cents = self.cents.checked_add(cents).unwrap_or(self.cents);
    }

    /// Over statements.
    pub(super) fn over<'s>(slips: impl IntoIterator<Item = &'s Slip>) -> Self {
        slips.into_iter().fold(Self::default(), |mut sum, slip| {
            sum.add(slip.worth());
            sum
        })
    }
}

/// By standing and source.
pub(super) fn sums<'s>(slips: impl IntoIterator<Item = &'s Slip>) -> BTreeMap<(Standing, Source), Sum> {
    let mut sums: BTreeMap<(Standing, Source), Sum> = BTreeMap::new();
    for slip in slips {
        sums.entry((slip.standing, slip.buyer.source())).or_default().add(slip.worth());
    }
    sums
}

/// A year's statements.
pub(super) struct Book {
    height: Height,
    read: Instant,
    /// In the order of their issue.
    pub(super) slips: Vec<Slip>,
}

impl Book {
    /// Providers of whose statements something was credited: they alone can owe, or have paid back.
    pub(super) fn debtors(&self) -> BTreeSet<ProviderId> {
        self.slips.iter().filter(|slip| !slip.credited.is_zero()).map(|slip| slip.provider).collect()
    }

    /// The statement for which a bank reference was used.
    pub(super) fn used(&self, reference: Commitment) -> Option<StatementId> {
        self.slips.iter().find(|slip| slip.references.contains(&reference)).map(|slip| slip.id)
    }
}

/// The books of all years.
#[derive(Default)]
pub(super) struct Books(Mutex<BTreeMap<Year, Arc<Book>>>);

impl Books {
    /// A year's book. `changed` says that something was signed just now: then it is not older than the ledger.
    pub(super) async fn of(&self, site: &Site, year: Year, changed: bool) -> Result<Arc<Book>, Trouble> {
        let height = site.client.status().await?.height;
        let mut books = self.0.lock().await;
        if let Some(book) = books.get(&year)
            && (book.height >= height || (!changed && book.read.elapsed() < FRESH))
        {
            return Ok(book.clone());
        }
        let book = Arc::new(read(site, year, height).await?);
        books.insert(year, book.clone());
        Ok(book)
    }
}

async fn read(site: &Site, year: Year, height: Height) -> Result<Book, Trouble> {
    let (mut slips, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = site.client.statements_of(year, None, cursor.as_deref()).await?;
        slips.extend(page.items.iter().map(Slip::of));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    slips.sort_by_key(Slip::place);
    Ok(Book { height, read: Instant::now(), slips })
}

/// What providers owe, and what they have paid back.
pub(super) struct Debts {
    pub(super) owed: Vec<(ProviderId, ReceivableView)>,
    pub(super) repaid: Vec<(ProviderId, RepaymentView)>,
}

impl Debts {
    /// How many repayments wait for their comparison with the bank.
    pub(super) fn unreconciled(&self) -> usize {
        self.repaid.iter().filter(|(_, view)| view.repayment.bank.is_none()).count()
    }
}

/// The debts of these providers in a year.
pub(super) async fn debts(site: &Site, year: Year, of: BTreeSet<ProviderId>) -> Result<Debts, Trouble> {
    let asked = stream::iter(of).map(async |provider| {
        let owed = site.client.all_provider_receivables(provider, year).await?;
        let repaid = site.client.all_provider_repayments(provider, year).await?;
        Ok::<_, Trouble>((provider, owed, repaid))
    });
    let found: Vec<_> = asked.buffered(AT_ONCE).try_collect().await?;
    let mut debts = Debts { owed: Vec::new(), repaid: Vec::new() };
    for (provider, owed, repaid) in found {
        debts.owed.extend(owed.into_iter().map(|view| (provider, view)));
        debts.repaid.extend(repaid.into_iter().map(|view| (provider, view)));
    }
    debts.repaid.sort_by_key(|(_, view)| (view.repayment.at, view.reference));
    Ok(debts)
}
