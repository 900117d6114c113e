//! Accounts and the only ways in which money moves: minting and transfers. Money is conserved by construction.
//!
//! Plans name accounts and never compute a balance. Every transfer takes from one account and its class, and gives the
//! same to another and its class, within one source and one year.

use crate::classifiers::Year;
use crate::ids::{OrderId, ProviderId, PupilId, SchoolId, StatementId};
use crate::money::{Cents, Source};
use crate::operation::Buyer;
use crate::record::{Order, ProviderPurse, Pupil, Receivable, SchoolPurse, Statement, Totals, YearRecord};
use crate::rejection::Rejection;
use crate::state::Work;

/// A place where money of one year can be. Whose money it is, the source says beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// Budget not yet allocated.
    Budget,
    /// Reserve not yet allocated.
    Reserve,
    /// A pupil's wallet; state money only.
    Pupil(PupilId),
    /// A school's purse; its own money only.
    School(SchoolId),
    /// A requested line.
    Hold(OrderId, u16),
    /// A confirmed line.
    Escrow(OrderId, u16),
    /// A provider's earnings.
    Provider(ProviderId),
    /// A statement.
    Settlement(StatementId),
    /// What a provider owes a buyer: money taken from here is owed more, money given is owed less.
    Receivable(ProviderId, Buyer),
    /// Paid out.
    Paid,
    /// Back where it came from.
    Returned,
}

impl Account {
    /// Whether the account counts what is owed to the programme, not what is there.
    fn is_debt(self) -> bool {
        match self {
            Self::Receivable(..) => true,
            Self::Budget
            | Self::Reserve
            | Self::Pupil(_)
            | Self::School(_)
            | Self::Hold(..)
            | Self::Escrow(..)
            | Self::Provider(_)
            | Self::Settlement(_)
            | Self::Paid
            | Self::Returned => false,
        }
    }
}

fn missing(have: Cents, want: Cents) -> Rejection {
    Rejection::FundsMissing { missing: want.saturating_sub(have) }
}

impl YearRecord {
    /// The sums of one source.
    pub fn totals(&self, source: Source) -> &Totals {
        match source {
            Source::State => &self.state_money,
            Source::School => &self.school_money,
        }
    }

    fn totals_mut(&mut self, source: Source) -> &mut Totals {
        match source {
            Source::State => &mut self.state_money,
            Source::School => &mut self.school_money,
        }
    }
}

fn class(totals: &mut Totals, account: Account) -> &mut Cents {
    match account {
        Account::Budget => &mut totals.budget,
        Account::Reserve => &mut totals.reserve,
        Account::Pupil(_) => &mut totals.pupils,
        Account::School(_) => &mut totals.schools,
        Account::Hold(..) => &mut totals.held,
        Account::Escrow(..) => &mut totals.escrowed,
        Account::Provider(_) => &mut totals.providers,
        Account::Settlement(_) => &mut totals.settlement,
        Account::Receivable(..) => &mut totals.receivable,
        Account::Paid => &mut totals.paid,
        Account::Returned => &mut totals.returned,
    }
}

impl Work<'_> {
    /// Brings new money of a source into an account.
    ///
    /// # Errors
    /// [`Rejection::AmountTooLarge`] when it can no longer be counted.
    pub fn mint(&mut self, year: Year, source: Source, to: Account, amount: Cents) -> Result<(), Rejection> {
        let minted = &mut self.edit_year(year).ok_or(Rejection::YearUnknown)?.totals_mut(source).minted;
        *minted = minted.checked_add(amount).ok_or(Rejection::AmountTooLarge)?;
        self.give(year, source, to, amount)
    }

    /// Moves money of a source between two accounts of a year. Nothing moves for an amount of nothing.
    ///
    /// # Errors
    /// [`Rejection::FundsMissing`] when the first account has less.
    pub fn transfer(
        &mut self,
        year: Year,
        source: Source,
        from: Account,
        to: Account,
        amount: Cents,
    ) -> Result<(), Rejection> {
        if amount.is_zero() {
            return Ok(());
        }
        self.take(year, source, from, amount)?;
        self.give(year, source, to, amount)
    }

    fn take(&mut self, year: Year, source: Source, from: Account, amount: Cents) -> Result<(), Rejection> {
        self.change(year, source, from, amount, from.is_debt())
    }

    fn give(&mut self, year: Year, source: Source, to: Account, amount: Cents) -> Result<(), Rejection> {
        self.change(year, source, to, amount, !to.is_debt())
    }

    /// Changes an account and its class by the same amount.
    fn change(
        &mut self,
        year: Year,
        source: Source,
        account: Account,
        amount: Cents,
        more: bool,
    ) -> Result<(), Rejection> {
        let changed = |sum: Cents| {
            if more {
                sum.checked_add(amount).ok_or(Rejection::AmountTooLarge)
            } else {
                sum.checked_sub(amount).ok_or(missing(sum, amount))
            }
        };
        if let Some(balance) = self.balance(year, source, account)? {
            *balance = changed(*balance)?;
        }
        let totals = self.edit_year(year).ok_or(Rejection::YearUnknown)?.totals_mut(source);
        let sum = class(totals, account);
        *sum = changed(*sum)?;
        Ok(())
    }

    /// The balance of an account; `None` for those whose class is one account.
    fn balance(&mut self, year: Year, source: Source, account: Account) -> Result<Option<&mut Cents>, Rejection> {
        let line_missing = |line| Rejection::LineUnknown { line };
        Ok(Some(match account {
            Account::Budget | Account::Reserve | Account::Paid | Account::Returned => return Ok(None),
            Account::Pupil(pupil) => {
                assert_eq!(source, Source::State, "a pupil's wallet holds state money only");
                &mut self.edit::<Pupil>((year, pupil)).ok_or(Rejection::PupilUnknown { item: 0 })?.balance
            }
            Account::School(school) => {
                assert_eq!(source, Source::School, "a school's purse holds its own money only");
                if !self.has::<SchoolPurse>((year, school)) {
                    self.put((year, school), SchoolPurse { school, balance: Cents::ZERO });
                }
                let purse = self.edit::<SchoolPurse>((year, school)).expect("it was put a line above");
                &mut purse.balance
            }
            Account::Hold(order, line) => {
                let order = self.edit::<Order>((year, order)).ok_or(Rejection::OrderUnknown { item: 0 })?;
                order.lines.get_mut(usize::from(line)).ok_or(line_missing(line))?.held.of_mut(source)
            }
            Account::Escrow(order, line) => {
                let order = self.edit::<Order>((year, order)).ok_or(Rejection::OrderUnknown { item: 0 })?;
                order.lines.get_mut(usize::from(line)).ok_or(line_missing(line))?.escrow.of_mut(source)
            }
            Account::Provider(provider) => {
                if !self.has::<ProviderPurse>((year, provider)) {
                    self.put((year, provider), ProviderPurse::default());
                }
                let purse = self.edit::<ProviderPurse>((year, provider)).expect("it was put a line above");
                purse.balance.of_mut(source)
            }
            Account::Settlement(statement) => {
                &mut self.edit::<Statement>((year, statement)).ok_or(Rejection::StatementUnknown)?.balance
            }
            Account::Receivable(provider, buyer) => {
                assert_eq!(source, buyer.source(), "a provider owes each buyer that buyer's own money");
                if !self.has::<Receivable>((year, provider, buyer)) {
                    self.put((year, provider, buyer), Receivable::default());
                }
                &mut self.edit::<Receivable>((year, provider, buyer)).expect("it was put a line above").owed
            }
        }))
    }
}
