//! Seller and buyer as an invoice names them.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::text::{Bic, Certificate, Country, Iban, Scheme, Text, TextError, VatNumber};

/// Who a seller is in law.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// A legal person, by its register code (BT-30).
    Legal(Text),
    /// A natural person, by the number of the certificate of individual activity (BT-29).
    Natural(Certificate),
}

/// A postal address (BG-5, BG-8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Street and house (BT-35, BT-50).
    pub street: Option<Text>,
    /// City (BT-37, BT-52).
    pub city: Text,
    /// Post code (BT-38, BT-53).
    pub post_code: Option<Text>,
    /// Country (BT-40, BT-55).
    pub country: Country,
}

/// An electronic address and its scheme (BT-34, BT-49). A seller without one, such as a natural person who pays no VAT,
/// bears the address of who answers for it: the operator, to whom the buyer's responses come (Peppol R020 asks for one,
/// and takes no mail address).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Scheme of the list EAS.
    pub scheme: Scheme,
    /// The address.
    pub id: Text,
}

impl Endpoint {
    /// The address of a Lithuanian legal person: its register code (0200).
    ///
    /// # Errors
    /// [`TextError`], when the code cannot stand on an invoice.
    pub fn legal_code(code: &str) -> Result<Self, TextError> {
        Ok(Self { scheme: Scheme::new("0200")?, id: Text::new(code)? })
    }

    /// The address of a Lithuanian payer of VAT (9937).
    ///
    /// # Errors
    /// [`TextError`], when the number cannot stand on an invoice.
    pub fn vat_number(number: &str) -> Result<Self, TextError> {
        Ok(Self { scheme: Scheme::new("9937")?, id: Text::new(number)? })
    }
}

/// Whom to ask (BG-6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Person or unit (BT-41).
    pub name: Option<Text>,
    /// Telephone (BT-42).
    pub telephone: Option<Text>,
    /// Electronic mail (BT-43).
    pub mail: Option<Text>,
}

/// A time in which a seller is registered for VAT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VatRegistration {
    /// The number (BT-31).
    pub number: VatNumber,
    /// First day.
    pub from: Date,
    /// Last day, if it has ended.
    pub until: Option<Date>,
}

/// Where a seller is paid (BG-17).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The account (BT-84).
    pub iban: Iban,
    /// The bank (BT-86).
    pub bic: Option<Bic>,
    /// The account's name (BT-85).
    pub holder: Option<Text>,
}

/// Who delivered and is paid (BG-4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seller {
    /// Who it is in law.
    pub identity: Identity,
    /// Name (BT-27).
    pub name: Text,
    /// Another name by which it is known (BT-28).
    pub trading_name: Option<Text>,
    /// Address (BG-5).
    pub address: Address,
    /// Electronic address (BT-34).
    pub endpoint: Endpoint,
    /// Whom to ask (BG-6).
    pub contact: Option<Contact>,
    /// When it is registered for VAT; empty for who never was.
    pub registrations: Vec<VatRegistration>,
    /// Where it is paid (BG-17).
    pub account: Account,
}

impl Seller {
    /// The VAT number on a day, if it was registered then.
    pub fn vat_on(&self, day: Date) -> Option<&VatNumber> {
        let covers = |registration: &&VatRegistration| {
            registration.from <= day && registration.until.is_none_or(|until| day <= until)
        };
        self.registrations.iter().find(covers).map(|registration| &registration.number)
    }
}

/// Who pays (BG-7): the programme's institution, or a school for its own money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buyer {
    /// Register code (BT-47).
    pub code: Text,
    /// Name (BT-44).
    pub name: Text,
    /// Address (BG-8).
    pub address: Address,
    /// Electronic address (BT-49).
    pub endpoint: Endpoint,
    /// VAT number (BT-48). Left out where the seller is not registered (BR-O-02).
    pub vat: Option<VatNumber>,
}
