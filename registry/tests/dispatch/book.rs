//! A ledger of statements alone, with the rules of settlement that answers meet: the outbox's door, and where statements stand. It
//! counts what takes effect.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use async_trait::async_trait;
use keis_ledger::chain::Height;
use keis_ledger::classifiers::Year;
use keis_ledger::codec;
use keis_ledger::ids::{Commitment, StatementId, TransactionId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{Operation, Party, SettlementOperation};
use keis_ledger::record::StatementState;
use keis_ledger::time::Timestamp;
use keis_registry::dispatch::{Dispatch, Document, Found, LedgerBill, Papers, PapersError};
use keis_registry::outbox::{Door, DoorError, Fate, Office, Signed};

/// What took effect on one statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    pub approvals: u32,
    pub rejections: u32,
    pub payments: Vec<u64>,
}

#[derive(Default)]
struct Inside {
    bills: BTreeMap<StatementId, LedgerBill>,
    effects: BTreeMap<StatementId, Effects>,
    signed: BTreeMap<TransactionId, (Office, Operation)>,
    included: BTreeSet<TransactionId>,
    used: BTreeSet<Commitment>,
    /// Documents that are not at hand.
    missing: BTreeSet<StatementId>,
    salt: u64,
    silent: bool,
    pays: bool,
}

/// The ledger.
pub struct Book(Mutex<Inside>);

pub fn bytes(file: Commitment) -> Vec<u8> {
    format!("<Invoice>{}</Invoice>", hex(&file.0)).into_bytes()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Book {
    pub fn new() -> Self {
        Self(Mutex::new(Inside { pays: true, ..Inside::default() }))
    }

    /// A statement to which an invoice is attached.
    pub fn attach(&self, statement: StatementId, file: Commitment, cents: u64) {
        let open = Cents::new(cents);
        let bill =
            LedgerBill { state: StatementState::InvoiceAttached, invoice: Some(file), open, references: Vec::new() };
        self.0.lock().unwrap().bills.insert(statement, bill);
    }

    pub fn set(&self, statement: StatementId, state: StatementState) {
        let mut inside = self.0.lock().unwrap();
        let bill = inside.bills.get_mut(&statement).unwrap();
        bill.state = state;
        if state == StatementState::Accepted {
            bill.invoice = None;
        }
    }

    pub fn lose(&self, statement: StatementId) {
        self.0.lock().unwrap().missing.insert(statement);
    }

    pub fn silent(&self, silent: bool) {
        self.0.lock().unwrap().silent = silent;
    }

    pub fn pays_here(&self, pays: bool) {
        self.0.lock().unwrap().pays = pays;
    }

    pub fn bill_of(&self, statement: StatementId) -> LedgerBill {
        self.0.lock().unwrap().bills[&statement].clone()
    }

    pub fn effects(&self, statement: StatementId) -> Effects {
        self.0.lock().unwrap().effects.get(&statement).cloned().unwrap_or_default()
    }
}

impl Inside {
    fn apply(&mut self, office: Office, operation: &Operation) -> Result<(), &'static str> {
        let Operation::Settlement(operation) = operation else { return Err("not_permitted") };
        match operation {
            SettlementOperation::Approve { statement, .. } => {
                let bill = self.bills.get_mut(statement).ok_or("statement_unknown")?;
                if office != Office::Operator || bill.state != StatementState::InvoiceAttached {
                    return Err("statement_state_wrong");
                }
                bill.state = StatementState::Approved;
                self.effects.entry(*statement).or_default().approvals += 1;
            }
            SettlementOperation::RejectInvoice { statement, .. } => {
                let bill = self.bills.get_mut(statement).ok_or("statement_unknown")?;
                if bill.state != StatementState::InvoiceAttached {
                    return Err("statement_state_wrong");
                }
                (bill.state, bill.invoice) = (StatementState::Accepted, None);
                self.effects.entry(*statement).or_default().rejections += 1;
            }
            SettlementOperation::RecordPayment { statement, amount, reference, .. } => {
                let bill = self.bills.get_mut(statement).ok_or("statement_unknown")?;
                if self.used.contains(reference) {
                    return Err("reference_used");
                }
                if office != Office::BudgetHolder || bill.state != StatementState::Approved {
                    return Err("statement_state_wrong");
                }
                bill.open = bill.open.checked_sub(*amount).ok_or("above_open")?;
                bill.references.push(*reference);
                self.used.insert(*reference);
                if bill.open.is_zero() {
                    bill.state = StatementState::Paid;
                }
                self.effects.entry(*statement).or_default().payments.push(amount.get());
            }
            _ => return Err("not_permitted"),
        }
        Ok(())
    }
}

#[async_trait]
impl Door for Book {
    async fn now(&self) -> Result<Timestamp, DoorError> {
        Ok(Timestamp(1))
    }

    async fn sign(
        &self,
        office: Office,
        _: Option<Party>,
        operation: Operation,
        _: Timestamp,
    ) -> Result<Signed, DoorError> {
        let mut inside = self.0.lock().unwrap();
        inside.salt += 1;
        let mut id = [0; 32];
        id[..8].copy_from_slice(&inside.salt.to_be_bytes());
        let id = TransactionId(id);
        inside.signed.insert(id, (office, operation));
        Ok(Signed { id, raw: id.0.to_vec(), valid_until: Timestamp(u64::MAX >> 2) })
    }

    async fn put_document(&self, _: &[u8]) -> Result<(), DoorError> {
        Ok(())
    }

    async fn submit(&self, raw: &[u8]) -> Result<Fate, DoorError> {
        tokio::task::yield_now().await;
        let mut inside = self.0.lock().unwrap();
        let id = TransactionId(raw.try_into().unwrap());
        if inside.included.contains(&id) {
            return Ok(Fate::Included { height: Height(1) });
        }
        let (office, operation) = inside.signed[&id].clone();
        Ok(match inside.apply(office, &operation) {
            Ok(()) => {
                inside.included.insert(id);
                Fate::Included { height: Height(1) }
            }
            Err(code) => Fate::Refused { code: code.to_owned(), may_pass_later: false, message: code.to_owned() },
        })
    }

    async fn receipt(&self, id: TransactionId) -> Result<Option<Height>, DoorError> {
        Ok(self.0.lock().unwrap().included.contains(&id).then_some(Height(1)))
    }
}

#[async_trait]
impl Papers for Book {
    async fn document(&self, dispatch: &Dispatch) -> Result<Found, PapersError> {
        tokio::task::yield_now().await;
        let inside = self.0.lock().unwrap();
        if inside.silent {
            return Err(PapersError::Ledger("silent".to_owned()));
        }
        if inside.missing.contains(&dispatch.of.statement) {
            return Ok(Found::Missing);
        }
        let (sender, receiver) = (Some("0200:300000017".to_owned()), Some("0200:190000001".to_owned()));
        Ok(Found::Document(Document { bytes: bytes(dispatch.of.file), sender, receiver }))
    }

    async fn bill(&self, _: Year, statement: StatementId) -> Result<Option<LedgerBill>, PapersError> {
        tokio::task::yield_now().await;
        let inside = self.0.lock().unwrap();
        if inside.silent {
            return Err(PapersError::Ledger("silent".to_owned()));
        }
        Ok(inside.bills.get(&statement).cloned())
    }

    fn pays(&self) -> bool {
        self.0.lock().unwrap().pays
    }
}

/// A commitment that is as good as any.
pub fn file(number: u8) -> Commitment {
    let digest = codec::encode(&u64::from(number));
    let mut bytes = [number; 32];
    bytes[..digest.len()].copy_from_slice(&digest);
    Commitment(bytes)
}
