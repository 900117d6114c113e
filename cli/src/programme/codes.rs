//! Codes of registers and of the files: compact inside, checked when parsed.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A code whose text is not of the form that its register gives out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CodeError {
    /// Not nine digits with the check digit that the register of legal entities uses.
    #[error("{0:?} is not a legal entity code (nine digits, the last a check digit)")]
    Legal(String),
    /// Neither a legal entity code nor a certificate number.
    #[error("{0:?} is neither a legal entity code nor a certificate number (seven digits)")]
    Provider(String),
    /// Not seven digits.
    #[error("{0:?} is not a certificate number (seven digits)")]
    Certificate(String),
    /// Not ten digits.
    #[error("{0:?} is not a register code (ten digits)")]
    Register(String),
    /// Neither LT-01 to LT-60 nor the two letters of a country.
    #[error("{0:?} is not a place (LT-01 to LT-60, or two letters of a country)")]
    Place(String),
    /// Not a grade followed by a letter.
    #[error("{0:?} is not a class (a grade of 1 to 12 and a letter)")]
    Class(String),
    /// The prefix and digits of this file's codes are missing.
    #[error("{found:?} is not a code that begins with {prefix} and goes on in digits")]
    Numbered {
        /// The prefix of this kind of code.
        prefix: &'static str,
        /// What stood there.
        found: String,
    },
    /// A list of venues without any venue.
    #[error("a list of venues needs at least one place")]
    NoVenue,
}

/// Gives a type its text form in the files: `Display` out, `FromStr` in.
macro_rules! text_form {
    ($($kind:ty),+ $(,)?) => {$(
        impl serde::Serialize for $kind {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $kind {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl serde::de::Visitor<'_> for Text {
                    type Value = $kind;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("text")
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$kind, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    )+};
}
pub(super) use text_form;

/// Only digits: `str::parse` would let a sign through.
fn digits(text: &str, length: usize) -> Option<u64> {
    (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// Code of a legal entity: nine digits, the last a check digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LegalCode(u32);

impl LegalCode {
    /// The code whose first eight digits are `stem`.
    ///
    /// # Panics
    /// When `stem` has not exactly eight digits.
    pub fn from_stem(stem: u32) -> Self {
        assert!((10_000_000..100_000_000).contains(&stem), "a stem has eight digits, not {stem}");
        Self(stem * 10 + check_digit(stem))
    }
}

/// Weights 1 to 8; when that gives ten, weights 3 to 9 and 1; when that gives ten again, zero.
fn check_digit(stem: u32) -> u32 {
    let weighted = |first: u32| -> u32 {
        let mut rest = stem;
        let mut sum = 0;
        for place in (0..8).rev() {
            sum += rest % 10 * ((first + place - 1) % 9 + 1);
            rest /= 10;
        }
        sum % 11
    };
    match weighted(1) {
        10 => weighted(3) % 10,
        digit => digit,
    }
}

impl fmt::Display for LegalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:09}", self.0)
    }
}

impl FromStr for LegalCode {
    type Err = CodeError;
    fn from_str(text: &str) -> Result<Self, CodeError> {
        let refused = || CodeError::Legal(text.to_owned());
        let code = digits(text, 9).and_then(|code| u32::try_from(code).ok()).ok_or_else(refused)?;
        if code < 100_000_000 || check_digit(code / 10) != code % 10 {
            return Err(refused());
        }
        Ok(Self(code))
    }
}

/// Number of a certificate of individual activity: seven digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CertificateNumber(u32);

impl CertificateNumber {
    /// The certificate with this number.
    ///
    /// # Panics
    /// When `number` has more than seven digits.
    pub fn new(number: u32) -> Self {
        assert!(number < 10_000_000, "a certificate number has seven digits, not {number}");
        Self(number)
    }
}

impl fmt::Display for CertificateNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:07}", self.0)
    }
}

impl FromStr for CertificateNumber {
    type Err = CodeError;
    fn from_str(text: &str) -> Result<Self, CodeError> {
        digits(text, 7)
            .and_then(|number| u32::try_from(number).ok())
            .map(Self)
            .ok_or_else(|| CodeError::Certificate(text.to_owned()))
    }
}

/// A provider: a legal entity, or a natural person known by the certificate only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProviderCode {
    /// A legal entity.
    Legal(LegalCode),
    /// A natural person; the personal code is never in the files.
    Natural(CertificateNumber),
}

impl fmt::Display for ProviderCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Legal(code) => code.fmt(f),
            Self::Natural(number) => number.fmt(f),
        }
    }
}

impl FromStr for ProviderCode {
    type Err = CodeError;
    fn from_str(text: &str) -> Result<Self, CodeError> {
        match text.len() {
            9 => text.parse().map(Self::Legal),
            7 => text.parse().map(Self::Natural),
            _ => Err(CodeError::Provider(text.to_owned())),
        }
    }
}

/// A pupil's code in the Pupil Register: ten opaque digits. Personal data; never leaves the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RegisterCode(u64);

impl RegisterCode {
    /// The register code with this number.
    ///
    /// # Panics
    /// When `number` has not exactly ten digits.
    pub fn new(number: u64) -> Self {
        assert!((1_000_000_000..10_000_000_000).contains(&number), "a register code has ten digits, not {number}");
        Self(number)
    }
}

impl fmt::Display for RegisterCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for RegisterCode {
    type Err = CodeError;
    fn from_str(text: &str) -> Result<Self, CodeError> {
        digits(text, 10)
            .filter(|number| *number >= 1_000_000_000)
            .map(Self)
            .ok_or_else(|| CodeError::Register(text.to_owned()))
    }
}

/// A municipality by ISO 3166-2:LT, or a country for what lies abroad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlaceCode {
    /// `LT-01` to `LT-60`.
    Municipality(u8),
    /// Two capital letters, never `LT`.
    Country([u8; 2]),
}

impl fmt::Display for PlaceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Municipality(number) => write!(f, "LT-{number:02}"),
            Self::Country([first, second]) => {
                write!(f, "{}{}", char::from(*first), char::from(*second))
            }
        }
    }
}

impl FromStr for PlaceCode {
    type Err = CodeError;
    fn from_str(text: &str) -> Result<Self, CodeError> {
        let refused = || CodeError::Place(text.to_owned());
        if let Some(number) = text.strip_prefix("LT-") {
            let number = digits(number, 2).and_then(|number| u8::try_from(number).ok());
            return number.filter(|number| (1..=60).contains(number)).map(Self::Municipality).ok_or_else(refused);
        }
        match text.as_bytes() {
            [first, second] if first.is_ascii_uppercase() && second.is_ascii_uppercase() && text != "LT" => {
                Ok(Self::Country([*first, *second]))
            }
            _ => Err(refused()),
        }
    }
}

/// Name of a class: its grade and a letter, such as `5b`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClassName {
    grade: u8,
    letter: char,
}

impl ClassName {
    /// The class of this grade and letter.
    ///
    /// # Panics
    /// When the grade is not 1 to 12 or the letter is not a lower-case letter.
    pub fn new(grade: u8, letter: char) -> Self {
        assert!((1..=12).contains(&grade), "grades run from 1 to 12, not {grade}");
        assert!(letter.is_lowercase(), "a class has a lower-case letter, not {letter:?}");
        Self { grade, letter }
    }

    /// The grade in the name.
    pub fn grade(&self) -> u8 {
        self.grade
    }
}

impl fmt::Display for ClassName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.grade, self.letter)
    }
}

impl FromStr for ClassName {
    type Err = CodeError;
    fn from_str(text: &str) -> Result<Self, CodeError> {
        let refused = || CodeError::Class(text.to_owned());
        let letter = text.chars().next_back().filter(|last| last.is_lowercase()).ok_or_else(refused)?;
        let number = &text[..text.len() - letter.len_utf8()];
        let grade: u8 = match number.as_bytes() {
            [b'1'..=b'9'] | [b'1', b'0'..=b'2'] => number.parse().map_err(|_| refused())?,
            _ => return Err(refused()),
        };
        Ok(Self { grade, letter })
    }
}

/// The places where a service is given, joined by `;` in the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VenueList(Vec<PlaceCode>);

impl VenueList {
    /// A list of at least one place.
    pub fn new(places: Vec<PlaceCode>) -> Result<Self, CodeError> {
        if places.is_empty() { Err(CodeError::NoVenue) } else { Ok(Self(places)) }
    }

    /// The places, in the file's order.
    pub fn places(&self) -> &[PlaceCode] {
        &self.0
    }
}

impl fmt::Display for VenueList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, place) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(";")?;
            }
            place.fmt(f)?;
        }
        Ok(())
    }
}

impl FromStr for VenueList {
    type Err = CodeError;
    fn from_str(text: &str) -> Result<Self, CodeError> {
        if text.is_empty() {
            return Err(CodeError::NoVenue);
        }
        text.split(';').map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

/// Codes that the files themselves number.
macro_rules! numbered {
    ($($(#[$doc:meta])* $name:ident, $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{:06}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = CodeError;
            fn from_str(text: &str) -> Result<Self, CodeError> {
                text.strip_prefix($prefix)
                    .and_then(|number| digits(number, 6))
                    .and_then(|number| u32::try_from(number).ok())
                    .map(Self)
                    .ok_or_else(|| CodeError::Numbered { prefix: $prefix, found: text.to_owned() })
            }
        }

        text_form!($name);
    )+};
}

numbered! {
    /// An order of the calendar, `O-000001`.
    OrderCode, "O-";
    /// A session, `SE-000001`.
    SessionCode, "SE-";
    /// A service, `SV-000001`.
    ServiceCode, "SV-";
    /// A settlement statement, `ST-000001`.
    StatementCode, "ST-";
}

text_form!(LegalCode, CertificateNumber, ProviderCode, RegisterCode, PlaceCode, ClassName, VenueList,);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legal_codes_carry_their_check_digit() {
        // Worked by hand: 1*1+2*2+3*3+4*4+5*5+6*6+7*7+8*8 = 204, 204 mod 11 = 6.
        assert_eq!(LegalCode::from_stem(12_345_678).to_string(), "123456786");
        assert_eq!("123456786".parse(), Ok(LegalCode::from_stem(12_345_678)));
        for wrong in ["123456785", "12345678", "+12345678", "012345678", "1234567861"] {
            assert!(wrong.parse::<LegalCode>().is_err(), "{wrong} must be refused");
        }
    }

    #[test]
    fn codes_read_back_what_they_write() {
        fn check<T: FromStr<Err = CodeError> + fmt::Display>(text: &str) {
            assert_eq!(text.parse::<T>().map(|code| code.to_string()), Ok(text.to_owned()));
        }
        check::<PlaceCode>("LT-01");
        check::<PlaceCode>("LT-60");
        check::<PlaceCode>("DE");
        check::<ClassName>("5b");
        check::<ClassName>("12š");
        check::<ProviderCode>("123456786");
        check::<ProviderCode>("0012345");
        check::<RegisterCode>("1000000007");
        check::<VenueList>("LT-01;DE");
        check::<OrderCode>("O-000123");
        for wrong in ["LT-00", "LT-61", "LT", "de", "LT-1"] {
            assert!(wrong.parse::<PlaceCode>().is_err(), "{wrong} must be refused");
        }
        for wrong in ["13a", "0a", "5", "5B", "05b", ""] {
            assert!(wrong.parse::<ClassName>().is_err(), "{wrong} must be refused");
        }
    }
}
