//! Closed lists that describe services, places and keys: typed fields, never text.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

/// A calendar year of the programme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Year(pub u16);

impl std::fmt::Display for Year {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A municipality of Lithuania (ISO 3166-2:LT) or, for schools abroad, a country (ISO 3166-1, two capitals).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Place {
    /// `LT-01` to `LT-60`.
    Municipality(u8),
    /// Two capital letters.
    Country([u8; 2]),
}

impl Place {
    /// Whether the code can exist.
    pub fn is_sound(self) -> bool {
        match self {
            Self::Municipality(number) => (1..=60).contains(&number),
            Self::Country(letters) => letters.iter().all(u8::is_ascii_uppercase) && letters != *b"LT",
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Municipality(number) => write!(f, "LT-{number:02}"),
            Self::Country([a, b]) => write!(f, "{}{}", char::from(*a), char::from(*b)),
        }
    }
}

/// A text that is no place code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a place is LT-01 to LT-60 or a country's two capital letters")]
pub struct PlaceError;

impl std::str::FromStr for Place {
    type Err = PlaceError;
    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let place = match text.as_bytes() {
            [b'L', b'T', b'-', tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
                Self::Municipality((tens - b'0') * 10 + (ones - b'0'))
            }
            [a, b] => Self::Country([*a, *b]),
            _ => return Err(PlaceError),
        };
        if place.is_sound() { Ok(place) } else { Err(PlaceError) }
    }
}

impl Serialize for Place {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = Place;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{PlaceError}")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Place, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// Branch of the arts that a service belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtField {
    /// Theatre.
    Theatre,
    /// Music.
    Music,
    /// Dance.
    Dance,
    /// Circus.
    Circus,
    /// Visual arts.
    VisualArts,
    /// Photography.
    Photography,
    /// Film.
    Film,
    /// Literature.
    Literature,
    /// Architecture and design.
    Architecture,
    /// Museums and heritage.
    Heritage,
    /// Ethnic culture.
    EthnicCulture,
    /// Several fields together.
    Interdisciplinary,
}

/// What kind of service it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceKind {
    /// A performance, concert or screening.
    Performance,
    /// A workshop in which pupils make something.
    Workshop,
    /// A guided visit.
    Tour,
    /// A lesson or talk.
    Lesson,
    /// An educational programme of several parts.
    Programme,
}

/// How a service is taxed (EN 16931 category of the invoice that follows).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VatCategory {
    /// Standard rate (S).
    Standard,
    /// Reduced rate (S with the lower rate).
    Reduced,
    /// Exempt as cultural service (E, VATEX-EU-132-1N).
    ExemptCulture,
    /// Exempt as education (E, VATEX-EU-132-1I).
    ExemptEducation,
    /// The provider is not registered for VAT (O).
    NotRegistered,
}

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Propose orders, without money.
    Propose,
    /// Order and change orders; for a provider: sessions and answers to orders.
    Order,
    /// Report or confirm attendance.
    Attendance,
    /// Accept or contest statements.
    Settlement,
    /// Read what the owner may read; signs no transaction.
    Read,
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode)]
pub struct Scopes(u8);

impl Scopes {
    const ALL: [Scope; 5] = [Scope::Propose, Scope::Order, Scope::Attendance, Scope::Settlement, Scope::Read];

    /// The set of `scopes`.
    pub fn of(scopes: &[Scope]) -> Self {
        Self(scopes.iter().fold(0, |bits, scope| bits | 1 << (*scope as u8)))
    }

    /// Every scope.
    pub fn all() -> Self {
        Self::of(&Self::ALL)
    }

    /// Whether `scope` is in the set.
    pub fn has(self, scope: Scope) -> bool {
        self.0 & 1 << (scope as u8) != 0
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The scopes in the set.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Self::ALL.into_iter().filter(move |scope| self.has(*scope))
    }
}

impl<Context> Decode<Context> for Scopes {
    fn decode<D: bincode::de::Decoder<Context = Context>>(
        decoder: &mut D,
    ) -> Result<Self, bincode::error::DecodeError> {
        let bits = u8::decode(decoder)?;
        if bits >> Self::ALL.len() == 0 {
            Ok(Self(bits))
        } else {
            Err(bincode::error::DecodeError::Other("an unknown scope"))
        }
    }
}

bincode::impl_borrow_decode!(Scopes);

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<Scope>::deserialize(deserializer).map(|scopes| Self::of(&scopes))
    }
}

impl Serialize for Scopes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// Grades of a school, `from` to `until`, both included, within 1 to 12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Grades {
    /// Lowest grade.
    pub from: u8,
    /// Highest grade.
    pub until: u8,
}

impl Grades {
    /// Whether the bounds are in order and within 1 to 12.
    pub fn is_sound(self) -> bool {
        1 <= self.from && self.from <= self.until && self.until <= 12
    }

    /// Whether a grade is inside.
    pub fn has(self, grade: u8) -> bool {
        (self.from..=self.until).contains(&grade)
    }
}

/// How good something was, 1 to 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Serialize)]
#[serde(transparent)]
pub struct Score(u8);

impl Score {
    /// A score, unless it is below 1 or above 5.
    pub const fn new(score: u8) -> Option<Self> {
        if 1 <= score && score <= 5 { Some(Self(score)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl<Context> Decode<Context> for Score {
    fn decode<D: bincode::de::Decoder<Context = Context>>(
        decoder: &mut D,
    ) -> Result<Self, bincode::error::DecodeError> {
        Self::new(u8::decode(decoder)?).ok_or(bincode::error::DecodeError::Other("a score is 1 to 5"))
    }
}

bincode::impl_borrow_decode!(Score);

impl<'de> Deserialize<'de> for Score {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u8::deserialize(deserializer)?).ok_or_else(|| serde::de::Error::custom("a score is 1 to 5"))
    }
}

/// What was as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// It took place.
    TookPlace,
    /// It began and ended on time.
    OnTime,
    /// It was what the description promised.
    AsDescribed,
    /// It suited the pupils' age.
    SuitedToAge,
    /// Everybody could take part.
    Accessible,
}

impl Fact {
    /// Every fact.
    pub const ALL: [Self; 5] = [Self::TookPlace, Self::OnTime, Self::AsDescribed, Self::SuitedToAge, Self::Accessible];
}

/// A set of facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode)]
pub struct Facts(u8);

impl Facts {
    /// The set of `facts`.
    pub fn of(facts: &[Fact]) -> Self {
        Self(facts.iter().fold(0, |bits, fact| bits | 1 << (*fact as u8)))
    }

    /// Whether `fact` is in the set.
    pub fn has(self, fact: Fact) -> bool {
        self.0 & 1 << (fact as u8) != 0
    }

    /// The facts in the set.
    pub fn iter(self) -> impl Iterator<Item = Fact> {
        Fact::ALL.into_iter().filter(move |fact| self.has(*fact))
    }
}

impl<Context> Decode<Context> for Facts {
    fn decode<D: bincode::de::Decoder<Context = Context>>(
        decoder: &mut D,
    ) -> Result<Self, bincode::error::DecodeError> {
        let bits = u8::decode(decoder)?;
        if bits >> Fact::ALL.len() == 0 {
            Ok(Self(bits))
        } else {
            Err(bincode::error::DecodeError::Other("an unknown fact"))
        }
    }
}

bincode::impl_borrow_decode!(Facts);

impl<'de> Deserialize<'de> for Facts {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<Fact>::deserialize(deserializer).map(|facts| Self::of(&facts))
    }
}

impl Serialize for Facts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
