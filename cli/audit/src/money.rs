//! The money equation and the recount of every class of accounts from the records that hold it.

use keis_ledger::money::{Amounts, Cents, Source};
use keis_ledger::operation::Buyer;
use keis_ledger::record::{Record, Totals, YearRecord};
use serde::Serialize;

/// The equation of one source: all that came in is somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Equation {
    /// Minted and receivable.
    pub came_in: u128,
    /// All classes together.
    pub is_somewhere: u128,
    /// Whether both are the same.
    pub holds: bool,
}

/// Judges the sums of one source. Computed apart from the ledger's own judgement, in wider numbers.
pub fn equation(totals: &Totals) -> Equation {
    let came_in = wide(totals.minted) + wide(totals.receivable);
    let classes = [
        totals.budget,
        totals.reserve,
        totals.pupils,
        totals.schools,
        totals.held,
        totals.escrowed,
        totals.providers,
        totals.settlement,
        totals.paid,
        totals.returned,
    ];
    let is_somewhere = classes.into_iter().map(wide).sum();
    Equation { came_in, is_somewhere, holds: came_in == is_somewhere }
}

/// What the records of one source hold, class by class, and whether the year's sums say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Recount {
    /// In pupils' wallets.
    pub pupils: u128,
    /// In schools' purses.
    pub schools: u128,
    /// In lines of requested orders.
    pub held: u128,
    /// In lines of confirmed orders.
    pub escrowed: u128,
    /// In providers' purses.
    pub providers: u128,
    /// In statements.
    pub settlement: u128,
    /// Whether the sums of the year's record are these.
    pub holds: bool,
}

/// One source's money in a year.
#[derive(Debug, Clone, Serialize)]
pub struct SourceMoney {
    /// The source.
    pub source: Source,
    /// The ledger's sums.
    pub totals: Totals,
    /// What came in is what is somewhere.
    pub equation: Equation,
    /// What the records hold.
    pub recount: Recount,
}

/// Adds up what records hold.
#[derive(Default)]
pub(crate) struct Count {
    state: Recount,
    school: Recount,
    owed: u128,
}

impl Count {
    /// Adds a record of the year. A new kind of record must say here what money it holds.
    pub(crate) fn add(&mut self, record: &Record) {
        match record {
            Record::Pupil(pupil) => self.state.pupils += wide(pupil.balance),
            Record::SchoolPurse(purse) => self.school.schools += wide(purse.balance),
            Record::ProviderPurse(purse) => self.both(&purse.balance, |sums| &mut sums.providers),
            Record::Order(order) => {
                for line in &order.lines {
                    self.both(&line.held, |sums| &mut sums.held);
                    self.both(&line.escrow, |sums| &mut sums.escrowed);
                }
            }
            // Whom a provider owes stands in the record's key alone: both sources are compared together.
            Record::Receivable(debt) => self.owed += wide(debt.owed),
            Record::Statement(statement) => self.of(statement.buyer).settlement += wide(statement.balance),
            Record::Network(_)
            | Record::Key(_)
            | Record::School(_)
            | Record::Provider(_)
            | Record::Service(_)
            | Record::Year(_)
            | Record::Nullifier(_)
            | Record::Session(_)
            | Record::Billing(_)
            | Record::Due(_)
            | Record::Institution(_)
            | Record::Decision(_)
            | Record::ProtocolSwitch(_)
            | Record::Bill(_)
            | Record::Repayment(_)
            | Record::Books(_)
            | Record::Rating(_)
            | Record::Sealed(_)
            | Record::PaymentAccount(_)
            | Record::Reference(_)
            | Record::ServiceRating(_)
            | Record::Dispute(_)
            | Record::Exceptions(_)
            | Record::Succession(_)
            | Record::Era(_)
            | Record::BoundIn(_) => {}
        }
    }

    fn of(&mut self, buyer: Buyer) -> &mut Recount {
        match buyer {
            Buyer::Programme => &mut self.state,
            Buyer::School(_) => &mut self.school,
        }
    }

    fn both(&mut self, amounts: &Amounts, class: fn(&mut Recount) -> &mut u128) {
        *class(&mut self.state) += wide(amounts.state);
        *class(&mut self.school) += wide(amounts.school);
    }

    /// Compares with the sums of the year's record.
    pub(crate) fn compare(self, record: &YearRecord) -> Vec<SourceMoney> {
        let owed = Source::ALL.into_iter().map(|source| wide(record.totals(source).receivable)).sum::<u128>();
        let debts_hold = self.owed == owed;
        let one = |source: Source, counted: Recount| {
            let totals = *record.totals(source);
            let said = Recount {
                pupils: wide(totals.pupils),
                schools: wide(totals.schools),
                held: wide(totals.held),
                escrowed: wide(totals.escrowed),
                providers: wide(totals.providers),
                settlement: wide(totals.settlement),
                holds: false,
            };
            let recount = Recount { holds: counted == said && debts_hold, ..counted };
            SourceMoney { source, totals, equation: equation(&totals), recount }
        };
        vec![one(Source::State, self.state), one(Source::School, self.school)]
    }
}

/// A source in a sentence.
pub(crate) fn name(source: Source) -> &'static str {
    match source {
        Source::State => "state",
        Source::School => "school",
    }
}

fn wide(cents: Cents) -> u128 {
    u128::from(cents.get())
}
