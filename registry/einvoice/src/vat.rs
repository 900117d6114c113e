//! How a line is taxed: from the service's category, the seller's status and the rates, all by the date of supply.

use jiff::civil::Date;
use keis_ledger::classifiers::VatCategory;
use keis_ledger::ids::OrderId;
use keis_ledger::money::BasisPoints;
use serde::{Deserialize, Serialize};

use crate::error::InvoiceError;
use crate::party::Seller;

/// How a line is taxed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    /// With VAT at this rate, standard or reduced (category S).
    Rated(BasisPoints),
    /// Exempt as cultural service (category E, VATEX-EU-132-1N).
    ExemptCulture,
    /// Exempt as education (category E, VATEX-EU-132-1I).
    ExemptEducation,
    /// The seller is not registered for VAT (category O).
    NotRegistered,
}

/// Lines that one VAT breakdown (BG-23) covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Category S at one rate (BR-S-08: one breakdown a rate).
    Rated(BasisPoints),
    /// Category E, whatever the reasons (BR-E-01: one breakdown).
    Exempt,
    /// Category O (BR-O-01, BR-O-11: one breakdown, alone).
    NotRegistered,
}

impl Treatment {
    /// The breakdown that covers it.
    pub fn group(self) -> Group {
        match self {
            Self::Rated(rate) => Group::Rated(rate),
            Self::ExemptCulture | Self::ExemptEducation => Group::Exempt,
            Self::NotRegistered => Group::NotRegistered,
        }
    }

    /// The code of the exemption (BT-121); none for what is taxed.
    pub fn exemption(self) -> Option<&'static str> {
        match self {
            Self::Rated(_) => None,
            Self::ExemptCulture => Some("VATEX-EU-132-1N"),
            Self::ExemptEducation => Some("VATEX-EU-132-1I"),
            Self::NotRegistered => Some("VATEX-EU-O"),
        }
    }
}

impl Group {
    /// VAT category code (BT-118, BT-151).
    pub fn code(self) -> &'static str {
        match self {
            Self::Rated(_) => "S",
            Self::Exempt => "E",
            Self::NotRegistered => "O",
        }
    }

    /// VAT category rate (BT-119, BT-152); none where VAT does not apply (BR-48, BR-O-05).
    pub fn rate(self) -> Option<BasisPoints> {
        match self {
            Self::Rated(rate) => Some(rate),
            Self::Exempt => Some(NO_RATE),
            Self::NotRegistered => None,
        }
    }
}

/// The rate of what bears no VAT.
pub(crate) const NO_RATE: BasisPoints = match BasisPoints::new(0) {
    Some(rate) => rate,
    None => panic!("no rate is a rate"),
};

/// The rates from a day on, until the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateStep {
    /// The first day.
    pub from: Date,
    /// The standard rate.
    pub standard: BasisPoints,
    /// The rate of [`VatCategory::Reduced`].
    pub reduced: BasisPoints,
}

/// The rates of VAT over time: parameters of the operator, never figures of the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<RateStep>", into = "Vec<RateStep>")]
pub struct VatRates(Vec<RateStep>);

/// Rates that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RatesError {
    /// No step, or days that do not ascend.
    #[error("the steps' days do not ascend, or there is no step")]
    NotAscending,
    /// A rate of nothing (BR-S-05) or above 50 per cent.
    #[error("the rates from {from} on are not above 0 and at most 50 per cent")]
    RateUnsound {
        /// The step's day.
        from: Date,
    },
}

impl VatRates {
    /// Rates by day, ascending.
    ///
    /// # Errors
    /// [`RatesError`], when the steps are not in order or a rate cannot be.
    pub fn new(steps: Vec<RateStep>) -> Result<Self, RatesError> {
        if steps.is_empty() || steps.windows(2).any(|pair| pair[0].from >= pair[1].from) {
            return Err(RatesError::NotAscending);
        }
        let sound = |rate: BasisPoints| (1..=5_000).contains(&rate.get());
        match steps.iter().find(|step| !sound(step.standard) || !sound(step.reduced)) {
            Some(step) => Err(RatesError::RateUnsound { from: step.from }),
            None => Ok(Self(steps)),
        }
    }

    /// The rates of a day, unless it lies before the first step.
    pub fn on(&self, day: Date) -> Option<&RateStep> {
        self.0.iter().rev().find(|step| step.from <= day)
    }
}

impl TryFrom<Vec<RateStep>> for VatRates {
    type Error = RatesError;
    fn try_from(steps: Vec<RateStep>) -> Result<Self, RatesError> {
        Self::new(steps)
    }
}

impl From<VatRates> for Vec<RateStep> {
    fn from(rates: VatRates) -> Self {
        rates.0
    }
}

/// How a service is taxed that was supplied on a day. Who was not registered on that day bears no VAT, whatever the
/// service's category; who was, must have said how the service is taxed.
///
/// # Errors
/// [`InvoiceError::CategoryMissing`], [`InvoiceError::RateUnknown`].
pub(crate) fn treatment(
    order: OrderId,
    category: VatCategory,
    day: Date,
    seller: &Seller,
    rates: &VatRates,
) -> Result<Treatment, InvoiceError> {
    if seller.vat_on(day).is_none() {
        return Ok(Treatment::NotRegistered);
    }
    let step = || rates.on(day).ok_or(InvoiceError::RateUnknown { order, day });
    match category {
        VatCategory::Standard => Ok(Treatment::Rated(step()?.standard)),
        VatCategory::Reduced => Ok(Treatment::Rated(step()?.reduced)),
        VatCategory::ExemptCulture => Ok(Treatment::ExemptCulture),
        VatCategory::ExemptEducation => Ok(Treatment::ExemptEducation),
        VatCategory::NotRegistered => Err(InvoiceError::CategoryMissing { order, day }),
    }
}
