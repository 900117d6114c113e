//! Amounts, days and foreign texts as they are shown.

use keis_einvoice::Period;

use crate::words::Language;

/// An amount in cents by the custom of the language, with spaces that do not break.
pub(crate) fn amount(cents: i64, language: Language) -> String {
    let (group, point) = match language {
        Language::Lithuanian => ('\u{a0}', ','),
        Language::English => (',', '.'),
    };
    let whole = (cents.unsigned_abs() / 100).to_string();
    let mut text = String::new();
    if cents < 0 {
        text.push('−');
    }
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            text.push(group);
        }
        text.push(digit);
    }
    text.push(point);
    text.push_str(&format!("{:02}", cents.unsigned_abs() % 100));
    text
}

/// An amount with its currency.
pub(crate) fn money(cents: i64, currency: &str, language: Language) -> String {
    let sign = if currency == "EUR" { "€" } else { currency };
    format!("{}\u{a0}{sign}", amount(cents, language))
}

/// A day or several.
pub(crate) fn days(period: Period) -> String {
    if period.from == period.until { period.from.to_string() } else { format!("{} – {}", period.from, period.until) }
}

/// An account in groups of four.
pub(crate) fn grouped(account: &str) -> String {
    let plain: Vec<char> = account.chars().filter(|character| !character.is_whitespace()).collect();
    let groups: Vec<String> = plain.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join("\u{a0}")
}

/// Someone's text without characters that are not seen and could turn around what stands beside them.
pub(crate) fn plain(text: &str) -> String {
    let is_hidden = |character: char| {
        matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let shown = text.chars().filter(|character| !is_hidden(*character));
    shown.map(|character| if character.is_control() { ' ' } else { character }).collect()
}
