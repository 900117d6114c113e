//! Finding services: words folded so that people need not type Lithuanian letters or the right ending, and filters.

use std::sync::Arc;

use keis_ledger::classifiers::{ArtField, Place, ServiceKind};
use keis_ledger::ids::ProviderId;
use keis_ledger::money::Cents;
use keis_ledger::operation::ServiceTerms;
use keis_ledger::time::Timestamp;

use super::names;
use super::shelf::Shelf;
use super::{Bilingual, Offer, SessionEntry};
use crate::words::{LANGS, Lang};

/// Services on a page.
pub const PER_PAGE: usize = 25;
/// Most words of a search that count.
const MOST_WORDS: usize = 8;
/// A word keeps at least so many letters when its ending is taken off.
const SHORTEST_STEM: usize = 4;

/// In which order services are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// By the next session that an order could join; services without one after them.
    #[default]
    Soonest,
    /// By title.
    Title,
    /// By price, the lowest first.
    Price,
}

/// What services are narrowed to; everything when nothing is set.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Words, each of which must occur.
    pub text: String,
    /// Branch of the arts.
    pub field: Option<ArtField>,
    /// Kind.
    pub kind: Option<ServiceKind>,
    /// A grade that it is for.
    pub grade: Option<u8>,
    /// A venue.
    pub place: Option<Place>,
    /// Who gives it.
    pub provider: Option<ProviderId>,
    /// Highest price a pupil.
    pub price_up_to: Option<Cents>,
    /// A session begins at this instant or later …
    pub from: Option<Timestamp>,
    /// … and before this one.
    pub until: Option<Timestamp>,
    /// A session has so many free places.
    pub free_places: Option<u16>,
    /// Only services with a session that an order could join.
    pub only_open: bool,
    /// The order.
    pub sort: Sort,
    /// The network's time: sessions that have begun do not count.
    pub now: Timestamp,
}

/// A service that was found.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The service.
    pub offer: Arc<Offer>,
    /// Its next session of those that were asked for, that an order could join.
    pub next: Option<Arc<SessionEntry>>,
    /// How many such sessions it has.
    pub sessions: usize,
}

/// A page of what was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// Services in all.
    pub total: usize,
    /// Those of the page.
    pub items: Vec<Hit>,
    /// The page, from 1.
    pub page: usize,
    /// Pages in all, at least 1.
    pub pages: usize,
}

/// Text in the form that searches compare.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Folded {
    title: String,
    all: String,
}

impl Folded {
    /// What a search looks through: title, description, provider, and the names of what the ledger knows by codes.
    pub(super) fn of(title: &Bilingual, description: &Bilingual, provider: &str, terms: &ServiceTerms) -> Self {
        let titles = fold(&format!("{} {}", title.lt, title.en));
        let mut all = format!("{titles} {} ", fold(&format!("{} {} {provider}", description.lt, description.en)));
        for lang in LANGS {
            let words = lang.words();
            let venues = terms.venues.iter().map(|venue| names::place(words, *venue));
            let codes = [names::field(words, terms.field), names::kind(words, terms.kind)];
            for name in codes.into_iter().chain(venues) {
                all.push_str(&fold(&name));
                all.push(' ');
            }
        }
        Self { title: titles, all }
    }
}

/// Lower case, without the marks on letters; everything that is neither letter nor digit becomes a space.
pub(super) fn fold(text: &str) -> String {
    let lower = text.chars().flat_map(char::to_lowercase);
    lower.map(|letter| if letter.is_alphanumeric() { plain(letter) } else { ' ' }).collect()
}

fn plain(letter: char) -> char {
    match letter {
        'ą' | 'á' | 'à' | 'â' | 'ä' | 'å' | 'ā' | 'ã' => 'a',
        'č' | 'ć' | 'ç' => 'c',
        'ę' | 'ė' | 'é' | 'è' | 'ê' | 'ë' | 'ē' | 'ě' => 'e',
        'į' | 'í' | 'ì' | 'î' | 'ï' | 'ī' => 'i',
        'ł' | 'ļ' => 'l',
        'ń' | 'ñ' | 'ņ' => 'n',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ø' | 'ō' => 'o',
        'š' | 'ś' | 'ß' => 's',
        'ų' | 'ū' | 'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ý' => 'y',
        'ž' | 'ź' | 'ż' => 'z',
        other => other,
    }
}

/// A folded word without its ending, so that "teatras" finds "teatro" and "museums" finds "museum".
fn stem(word: &str) -> &str {
    let mut stem = word;
    while stem.len() > SHORTEST_STEM && stem.ends_with(['a', 'e', 'i', 'o', 'u', 'y', 's']) {
        stem = &stem[..stem.len() - 1];
    }
    stem
}

/// The words of a search.
fn terms(text: &str) -> Vec<String> {
    let folded = fold(text);
    folded.split_whitespace().take(MOST_WORDS).map(|word| stem(word).to_owned()).collect()
}

impl Filter {
    fn wants_session(&self) -> bool {
        self.only_open || self.from.is_some() || self.until.is_some() || self.free_places.is_some()
    }

    fn takes_session(&self, session: &SessionEntry) -> bool {
        session.takes_orders(self.now)
            && self.from.is_none_or(|from| from <= session.start)
            && self.until.is_none_or(|until| session.start < until)
            && self.free_places.is_none_or(|free| free <= session.free)
            && self.place.is_none_or(|place| place == session.place)
    }

    fn takes(&self, offer: &Offer, words: &[String]) -> bool {
        let terms = &offer.terms;
        offer.is_active()
            && self.field.is_none_or(|field| terms.field == field)
            && self.kind.is_none_or(|kind| terms.kind == kind)
            && self.grade.is_none_or(|grade| terms.grades.has(grade))
            && self.place.is_none_or(|place| terms.venues.contains(&place))
            && self.provider.is_none_or(|provider| offer.provider == provider)
            && self.price_up_to.is_none_or(|price| terms.price <= price)
            && words.iter().all(|word| offer.folded.all.contains(word.as_str()))
    }
}

impl Shelf {
    pub(super) fn search(&self, filter: &Filter, lang: Lang, page: usize) -> Found {
        let words = terms(&filter.text);
        let mut hits: Vec<Hit> = self
            .services()
            .filter(|offer| filter.takes(offer, &words))
            .map(|offer| self.hit(filter, offer))
            .filter(|hit| hit.next.is_some() || !filter.wants_session())
            .collect();
        let elsewhere = |hit: &Hit| !words.iter().all(|word| hit.offer.folded.title.contains(word.as_str()));
        let soonest = |hit: &Hit| hit.next.as_ref().map_or(Timestamp::LATEST, |session| session.start);
        let rank = |hit: &Hit| self.rank(hit.offer.id, lang);
        match filter.sort {
            Sort::Soonest => hits.sort_by_cached_key(|hit| (elsewhere(hit), soonest(hit), rank(hit))),
            Sort::Title => hits.sort_by_cached_key(|hit| (elsewhere(hit), rank(hit))),
            Sort::Price => hits.sort_by_cached_key(|hit| (elsewhere(hit), hit.offer.terms.price, rank(hit))),
        }
        let total = hits.len();
        let pages = total.div_ceil(PER_PAGE).max(1);
        let page = page.clamp(1, pages);
        let items = hits.into_iter().skip((page - 1) * PER_PAGE).take(PER_PAGE).collect();
        Found { total, items, page, pages }
    }

    fn hit(&self, filter: &Filter, offer: &Arc<Offer>) -> Hit {
        let mut fitting = self.ahead(offer.id, filter.now).filter(|session| filter.takes_session(session));
        let next = fitting.next().cloned();
        let sessions = usize::from(next.is_some()) + fitting.count();
        Hit { offer: offer.clone(), next, sessions }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn letters_and_case_do_not_matter() {
        assert_eq!(fold("Šokio ŽINGSNIS: ąčęėįšųūž"), "sokio zingsnis  aceeisuuz");
        assert_eq!(fold("Kauno „Žalioji“ 7"), "kauno  zalioji  7");
    }

    #[test]
    fn endings_do_not_matter() {
        for (asked, stands) in [
            ("teatras", "teatro"),
            ("muziejus", "muziejaus"),
            ("šokis", "šokių"),
            ("muzika", "muzikos pamoka"),
            ("museums", "a museum"),
            ("dirbtuvės", "dirbtuvėse"),
            ("5", "5-8 klasėms"),
        ] {
            let words = terms(asked);
            assert!(words.iter().all(|word| fold(stands).contains(word.as_str())), "{asked} must find {stands}");
        }
        assert!(!fold("teatras").contains(&terms("kinas")[0]));
    }

    #[test]
    fn short_words_stay_whole() {
        assert_eq!(terms("kinas oda a"), ["kina", "oda", "a"].map(|word| stem(word).to_owned()));
        assert_eq!(stem("asasasas"), "asas");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_typed_finds_itself(text: String) {
            let folded = fold(&text);
            prop_assert!(folded.chars().all(|letter| letter == ' ' || letter.is_alphanumeric()));
            let words = terms(&text);
            prop_assert!(words.len() <= MOST_WORDS);
            prop_assert!(words.iter().all(|word| !word.is_empty() && folded.contains(word.as_str())));
        }
    }
}
