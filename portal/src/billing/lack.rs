//! What must be known before an invoice can be drawn, and who can say it.

use jiff::civil::Date;
use keis_ledger::ids::OrderId;

/// Something that an invoice names and nobody has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// The seller is not in the registry, or was erased.
    Seller,
    /// The seller's certificate is made like a personal code, which no invoice may show.
    Certificate,
    /// The seller's address.
    Address,
    /// The series of the seller's numbers.
    Series,
    /// The seller's account: two institutions decide on it.
    Account,
    /// The number behind the account that the ledger has is not kept here, or is no IBAN.
    AccountNumber,
    /// The electronic address that answers for sellers without one.
    Answering,
    /// The programme as buyer.
    Buyer,
    /// The buying school's address.
    SchoolAddress,
    /// The programme's terms.
    Terms,
    /// The rates of VAT.
    Rates,
    /// The rates of VAT on a day.
    RatesOn(Date),
    /// The seller is registered for VAT on the day of an order, but the catalogue does not say how its service is taxed.
    Category {
        /// The order.
        order: OrderId,
        /// Its day.
        day: Date,
    },
    /// The catalogue does not have the service of an order.
    Service(OrderId),
}

/// Who can mend a lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mender {
    /// The provider.
    Provider,
    /// The operator's officers.
    Operator,
}

impl Lack {
    /// Its name, for keys of words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seller => "seller",
            Self::Certificate => "certificate",
            Self::Address => "address",
            Self::Series => "series",
            Self::Account => "account",
            Self::AccountNumber => "account-number",
            Self::Answering => "answering",
            Self::Buyer => "buyer",
            Self::SchoolAddress => "school-address",
            Self::Terms => "terms",
            Self::Rates => "rates",
            Self::RatesOn(_) => "rates-on",
            Self::Category { .. } => "category",
            Self::Service(_) => "service",
        }
    }

    /// Who can mend it.
    pub fn mender(self) -> Mender {
        match self {
            Self::Address | Self::Series => Mender::Provider,
            Self::Seller
            | Self::Certificate
            | Self::Account
            | Self::AccountNumber
            | Self::Answering
            | Self::Buyer
            | Self::SchoolAddress
            | Self::Terms
            | Self::Rates
            | Self::RatesOn(_)
            | Self::Category { .. }
            | Self::Service(_) => Mender::Operator,
        }
    }
}
