//! The report's languages, and the words of closed lists in them.

/// A language of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// Lithuanian.
    #[default]
    Lithuanian,
    /// English.
    English,
}

/// `code|Lithuanian|English`, a line each.
const WORDS: &str = include_str!("../words.txt");

impl Language {
    /// The language's own code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Lithuanian => "lt",
            Self::English => "en",
        }
    }

    /// One of two texts.
    pub fn of(self, lithuanian: &'static str, english: &'static str) -> &'static str {
        match self {
            Self::Lithuanian => lithuanian,
            Self::English => english,
        }
    }

    /// The word for a code of the ledger; the code itself when there is none.
    pub(crate) fn word(self, code: &str) -> String {
        let line = WORDS.lines().find_map(|line| line.strip_prefix(code)?.strip_prefix('|'));
        let word = line.and_then(|words| words.split_once('|')).map(|(lt, en)| match self {
            Self::Lithuanian => lt,
            Self::English => en,
        });
        word.unwrap_or(code).to_owned()
    }

    /// An amount of cents.
    pub(crate) fn money(self, cents: u128) -> String {
        let (whole, part) = (self.number(cents / 100), cents % 100);
        match self {
            Self::Lithuanian => format!("{whole},{part:02}\u{a0}€"),
            Self::English => format!("€{whole}.{part:02}"),
        }
    }

    /// A number with its thousands apart.
    pub(crate) fn number(self, number: u128) -> String {
        let digits = number.to_string();
        let apart = match self {
            Self::Lithuanian => '\u{a0}',
            Self::English => ',',
        };
        let mut text = String::new();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                text.push(apart);
            }
            text.push(digit);
        }
        text
    }
}
