//! Terms of a service in words, for public pages and for those of schools and providers.

use keis_ledger::money::BasisPoints;
use keis_ledger::time::Span;

use crate::catalogue::names;
use crate::catalogue::{Offer, SessionEntry};
use crate::words::{Lang, Words};

const HOUR: u64 = 60 * 60 * 1000;

/// A length of time in words: whole days, else hours, rounded up.
pub(crate) fn span(w: &Words, span: Span) -> String {
    let hours = span.0.div_ceil(HOUR);
    if hours >= 48 && hours.is_multiple_of(24) {
        w.count("public-days", hours / 24)
    } else {
        w.count("public-hours", hours)
    }
}

/// A share as a percentage.
pub(crate) fn share(w: &Words, share: BasisPoints) -> String {
    let (point, sign) = match w.lang() {
        Lang::Lt => (',', "\u{a0}%"),
        Lang::En => ('.', "%"),
    };
    let (whole, rest) = (share.get() / 100, share.get() % 100);
    match rest {
        0 => format!("{whole}{sign}"),
        rest if rest % 10 == 0 => format!("{whole}{point}{}{sign}", rest / 10),
        rest => format!("{whole}{point}{rest:02}{sign}"),
    }
}

/// Field and kind of a service in one line.
pub(crate) fn sort_of(w: &Words, offer: &Offer) -> String {
    format!("{} · {}", names::field(w, offer.terms.field), names::kind(w, offer.terms.kind))
}

/// Venues in one line, at most `most` of them by name.
pub(crate) fn venues(w: &Words, offer: &Offer, most: usize) -> String {
    let named: Vec<String> = names::places(w, &offer.terms.venues).into_iter().map(|(_, name)| name).collect();
    let shown = named.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    match named.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} {}", w.with("public-more-places", &[("n", &more.to_string())])),
    }
}

/// When a session is: "ketvirtadienis, 2028-02-10, 10:00–11:30", or with both days when it lasts longer than one.
pub(crate) fn when(w: &Words, session: &SessionEntry) -> String {
    let (start, end) = (session.start, session.end);
    if w.date(&start) == w.date(&end) {
        format!("{}, {}–{}", w.weekday_date(&start), w.time(&start), w.time(&end))
    } else {
        format!("{} – {}", w.date_time(&start), w.date_time(&end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_told_in_whole_days_or_hours() {
        let w = Lang::Lt.words();
        assert_eq!(span(w, Span::days(2)), "2 dienos");
        assert_eq!(span(w, Span::days(1)), "24 valandos");
        assert_eq!(span(w, Span::days(21)), "21 diena");
        assert_eq!(span(w, Span(HOUR)), "1 valanda");
        assert_eq!(span(w, Span(50 * HOUR)), "50 valandų");
        assert_eq!(span(Lang::En.words(), Span::days(3)), "3 days");
    }

    #[test]
    fn shares_are_percentages() {
        let told = |points| share(Lang::Lt.words(), BasisPoints::new(points).expect("at most the whole"));
        assert_eq!(told(5_000), "50\u{a0}%");
        assert_eq!(told(1_250), "12,5\u{a0}%");
        assert_eq!(told(333), "3,33\u{a0}%");
        assert_eq!(share(Lang::En.words(), BasisPoints::new(1_250).expect("at most the whole")), "12.5%");
    }
}
