//! Text and identifiers as an invoice may carry them: checked once, when they are made.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text cannot stand on an invoice. The text itself is not repeated: it may be a person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing, or only spaces (Peppol R008).
    #[error("it is empty")]
    Empty,
    /// More than a buyer's system is sure to take.
    #[error("it has {characters} characters, {} are the most", Text::LONGEST)]
    TooLong {
        /// How many it has.
        characters: usize,
    },
    /// A control character or a code point that XML forbids.
    #[error("it holds a control character")]
    ControlCharacter,
    /// It holds the id of a pupil's wallet.
    #[error("it names a pupil's wallet")]
    NamesPupil,
    /// It is made like a Lithuanian personal code, check digit included.
    #[error("it is made like a personal code")]
    PersonalCode,
    /// It has not the form of what it should be.
    #[error("it is no {what}")]
    Malformed {
        /// What it should be.
        what: &'static str,
    },
}

/// A text of an invoice: 1 to [`Self::LONGEST`] printable characters without space around them, and no id of a pupil.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text(String);

impl Text {
    /// Most characters.
    pub const LONGEST: usize = 500;

    /// The text without the space around it.
    ///
    /// # Errors
    /// [`TextError`], when it cannot stand on an invoice.
    pub fn new(text: &str) -> Result<Self, TextError> {
        let text = text.trim();
        let characters = text.chars().count();
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        if characters > Self::LONGEST {
            return Err(TextError::TooLong { characters });
        }
        if text.chars().any(|character| character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}')) {
            return Err(TextError::ControlCharacter);
        }
        if names_pupil(text) {
            return Err(TextError::NamesPupil);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text holds the id of a pupil's wallet.
pub(crate) fn names_pupil(text: &str) -> bool {
    text.match_indices("pup_").any(|(at, prefix)| {
        let id = &text.as_bytes()[at + prefix.len()..];
        id.iter().take_while(|byte| byte.is_ascii_hexdigit()).count() >= 32
    })
}

/// Whether a text is made like a Lithuanian personal code: eleven digits, the last of them the check digit.
fn is_personal_code(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|character| character.to_digit(10)).collect();
    if digits.len() != 11 || text.len() != 11 || !(1..=6).contains(&digits[0]) {
        return false;
    }
    let remainder = |first: u32| {
        let weight = |place: u32| (place + first - 1) % 9 + 1;
        (0..10).zip(&digits).map(|(place, digit)| weight(place) * digit).sum::<u32>() % 11
    };
    let check = match (remainder(1), remainder(3)) {
        (10, 10) => 0,
        (10, second) => second,
        (first, _) => first,
    };
    check == digits[10]
}

macro_rules! checked {
    ($(#[$doc:meta])* $name:ident, $check:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The checked text.
            ///
            /// # Errors
            /// [`TextError`], when it has not the form.
            pub fn new(text: &str) -> Result<Self, TextError> {
                $check(text).map(Self)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        strings!($name);
    };
}

macro_rules! strings {
    ($name:ident) => {
        impl FromStr for $name {
            type Err = TextError;
            fn from_str(text: &str) -> Result<Self, TextError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;
            fn try_from(text: String) -> Result<Self, TextError> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

strings!(Text);

checked!(
    /// A payment account (BT-84): an IBAN whose length and form are its country's and whose check digits hold (ISO
    /// 13616). Kept without spaces.
    Iban,
    iban
);
checked!(
    /// A bank's identifier (BT-86): a BIC of 8 or 11 characters (ISO 9362).
    Bic,
    bic
);
checked!(
    /// A country (ISO 3166-1, two capitals).
    Country,
    country
);
checked!(
    /// A VAT identifier (BT-31, BT-48): a country's prefix and 2 to 13 letters and digits; a Lithuanian one has 9 or 12
    /// digits.
    VatNumber,
    vat_number
);
checked!(
    /// The number of a certificate of individual activity (BT-29). Never a personal code.
    Certificate,
    certificate
);
checked!(
    /// A scheme of electronic addresses to which Peppol delivers: a code of four digits of the list EAS.
    Scheme,
    scheme
);

fn iban(text: &str) -> Result<String, TextError> {
    use iban::IbanLike;
    let known: iban::Iban = text.trim().parse().map_err(|_| TextError::Malformed { what: "IBAN" })?;
    Ok(known.electronic_str().to_owned())
}

fn bic(text: &str) -> Result<String, TextError> {
    let bytes = text.as_bytes();
    let letters = bytes.len() >= 6 && bytes[..6].iter().all(u8::is_ascii_uppercase);
    let rest = bytes.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if letters && rest && matches!(bytes.len(), 8 | 11) {
        Ok(text.to_owned())
    } else {
        Err(TextError::Malformed { what: "BIC" })
    }
}

fn country(text: &str) -> Result<String, TextError> {
    if text.len() == 2 && COUNTRIES.split_ascii_whitespace().any(|code| code == text) {
        Ok(text.to_owned())
    } else {
        Err(TextError::Malformed { what: "country code" })
    }
}

fn vat_number(text: &str) -> Result<String, TextError> {
    let malformed = TextError::Malformed { what: "VAT number" };
    let (prefix, number) = text.split_at_checked(2).ok_or(malformed)?;
    let known = prefix == "EL" || prefix == "XI" || country(prefix).is_ok();
    let form = match prefix {
        "LT" => matches!(number.len(), 9 | 12) && number.bytes().all(|byte| byte.is_ascii_digit()),
        _ => (2..=13).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_alphanumeric()),
    };
    if known && form { Ok(text.to_owned()) } else { Err(malformed) }
}

fn certificate(text: &str) -> Result<String, TextError> {
    let text = Text::new(text)?.0;
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if is_personal_code(&digits) { Err(TextError::PersonalCode) } else { Ok(text) }
}

fn scheme(text: &str) -> Result<String, TextError> {
    if !text.is_empty() && SCHEMES.split_ascii_whitespace().any(|code| code == text) {
        Ok(text.to_owned())
    } else {
        Err(TextError::Malformed { what: "scheme of electronic addresses" })
    }
}

/// ISO 3166-1 alpha-2, and `XI` and `1A` as EN 16931's list has them.
const COUNTRIES: &str = "\
    1A AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY \
    BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM \
    FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT \
    JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN \
    MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT \
    PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL \
    TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XI YE YT ZA ZM ZW";

/// The list EAS of electronic address schemes as of 2026, without mail and file transfer: Peppol does not deliver there.
const SCHEMES: &str = "\
    0002 0007 0009 0037 0060 0088 0096 0097 0106 0130 0135 0142 0147 0151 0154 0158 0170 0177 0183 0184 0188 0190 \
    0191 0192 0193 0194 0195 0196 0198 0199 0200 0201 0202 0203 0204 0205 0208 0209 0210 0211 0212 0213 0215 0216 \
    0217 0218 0219 0220 0221 0225 0230 0235 0240 0244 0242 0245 0246 0248 9910 9913 9914 9915 9918 9919 9920 9922 \
    9923 9924 9925 9926 9927 9928 9929 9930 9931 9932 9933 9934 9935 9936 9937 9938 9939 9940 9941 9942 9943 9944 \
    9945 9946 9947 9948 9949 9950 9951 9952 9953 9957 9959";
