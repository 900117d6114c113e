#![doc = include_str!("../README.md")]

mod body;
mod decimal;
mod document;
mod error;
mod facts;
mod matching;
mod party;
mod reading;
mod received;
mod split;
mod text;
mod tree;
mod vat;
mod write;

pub use body::{Breakdown, Charge, MAX_LINES, Totals};
pub use decimal::{percent, text_of};
pub use document::{CreditHeading, CreditLine, CreditNote, Credited, Invoice};
pub use error::InvoiceError;
pub use facts::{Facts, Heading, Line, Period, Programme, Settlement, number_in_series};
pub use matching::Difference;
pub use party::{Account, Address, Buyer, Contact, Endpoint, Identity, Seller, VatRegistration};
pub use reading::{LineTexts, PartyTexts, PaymentTexts, Reading};
pub use received::{Kind, Received, ReceivedGroup, ReceivedLine, ReceivedParty, ReceivedTotals};
pub use split::{net_shares, tax_within};
pub use text::{Bic, Certificate, Country, Iban, Scheme, Text, TextError, VatNumber};
pub use tree::XmlError;
pub use vat::{Group, RateStep, RatesError, Treatment, VatRates};
