//! How much of everything a year has, scaled from the national figures of 2024-2025.

use thiserror::Error;

/// Pupils of a municipality of common size.
pub(super) const MUNICIPALITY_PUPILS: usize = 3_000;

const NATIONAL: Size = Size {
    pupils: 349_500,
    schools: 885,
    classes: 18_000,
    providers: 400,
    services: 6_000,
    deliveries: 20_000,
    municipalities: 60,
    schools_abroad: 12,
};

/// How much of everything a year has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Pupils in the register on 1 January.
    pub pupils: usize,
    /// Schools, those abroad included.
    pub schools: usize,
    /// Classes.
    pub classes: usize,
    /// Providers.
    pub providers: usize,
    /// Services.
    pub services: usize,
    /// Orders that end in a delivery, about.
    pub deliveries: usize,
    /// Municipalities with schools.
    pub municipalities: usize,
    /// Schools outside Lithuania.
    pub schools_abroad: usize,
}

impl Default for Size {
    /// One municipality of common size.
    fn default() -> Self {
        Self::of_pupils(MUNICIPALITY_PUPILS).expect("a municipality has pupils")
    }
}

/// A number of pupils from which no year can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SizeError {
    /// No pupils.
    #[error("--pupils 0 leaves nobody to order for; give at least 1")]
    NoPupils,
    /// More pupils than codes are invented for.
    #[error("--pupils {0} is more than the {max} that codes are invented for", max = Size::MOST_PUPILS)]
    TooManyPupils(usize),
}

impl Size {
    /// Order, session and statement codes have six digits.
    const MOST_PUPILS: usize = 2_000_000;

    /// The whole country.
    pub fn national() -> Self {
        NATIONAL
    }

    /// A part of the country with so many pupils.
    pub fn of_pupils(pupils: usize) -> Result<Self, SizeError> {
        if pupils == 0 {
            return Err(SizeError::NoPupils);
        }
        if pupils > Self::MOST_PUPILS {
            return Err(SizeError::TooManyPupils(pupils));
        }
        let scaled = |national: usize| (national * pupils + NATIONAL.pupils / 2) / NATIONAL.pupils;
        let classes = scaled(NATIONAL.classes).max(1);
        let schools = scaled(NATIONAL.schools).clamp(1, classes);
        Ok(Self {
            pupils,
            schools,
            classes,
            // A small place still has a choice of providers; the floor fades as the country's share grows.
            providers: scaled(NATIONAL.providers).max(15.min(2 + pupils / 100)),
            services: scaled(NATIONAL.services).max(60.min(8 + pupils / 40)),
            deliveries: scaled(NATIONAL.deliveries).max(1),
            municipalities: scaled(NATIONAL.municipalities).clamp(1, NATIONAL.municipalities),
            schools_abroad: if schools > 4 { scaled(NATIONAL.schools_abroad).max(1) } else { 0 },
        })
    }
}
