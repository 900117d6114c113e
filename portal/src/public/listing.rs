//! Services, searched and filtered.

use std::sync::Arc;

use askama::Template;
use keis_ledger::money::Cents;
use keis_ledger::time::Timestamp;

use super::{standing, terms};
use crate::call::{Answer, Call, Fields, page};
use crate::catalogue::{Filter, Hit, Sort, names};
use crate::frame::{Frame, Section};
use crate::site::Site;
use crate::words::{Lang, Words};

/// Pages that are linked around the current one.
const AROUND: usize = 2;

/// A choice of a list.
pub(crate) struct Choice {
    /// What the form sends.
    pub(crate) value: String,
    /// What people read.
    pub(crate) label: String,
    /// Whether it is chosen.
    pub(crate) chosen: bool,
}

/// A link to a page of a list.
pub(crate) struct PageLink {
    /// Where to.
    pub(crate) href: String,
    /// Its number.
    pub(crate) number: usize,
    /// Whether it is this page.
    pub(crate) current: bool,
}

#[derive(Template)]
#[template(path = "public/services.html")]
struct Services {
    f: Frame,
    q: Asked,
    fields: Vec<Choice>,
    kinds: Vec<Choice>,
    grades: Vec<Choice>,
    places: Vec<Choice>,
    sorts: Vec<Choice>,
    count: String,
    range: String,
    ready: bool,
    items: Vec<Item>,
    pages: Vec<PageLink>,
    narrowed: bool,
}

struct Item {
    href: String,
    title: String,
    provider: String,
    sort: String,
    grades: String,
    venues: String,
    price: String,
    next: Option<String>,
    free: String,
    sessions: String,
}

/// What the form says, as it was typed, with what cannot be used.
#[derive(Default)]
struct Asked {
    text: String,
    price: String,
    from: String,
    until: String,
    free: String,
    open: bool,
    price_wrong: bool,
    from_wrong: bool,
    until_wrong: bool,
    free_wrong: bool,
}

impl Asked {
    fn any_wrong(&self) -> bool {
        self.price_wrong || self.from_wrong || self.until_wrong || self.free_wrong
    }
}

/// A sum as people type it: "5", "5,5", "5.50".
pub(crate) fn euro(text: &str) -> Option<Cents> {
    let text = text.trim().trim_end_matches('€').trim();
    let (whole, rest) = text.split_once([',', '.']).unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 9 || rest.len() > 2 || !digits(whole) || !digits(rest) {
        return None;
    }
    let cents: u64 = format!("{rest:0<2}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(100)?.checked_add(cents).map(Cents::new)
}

/// The instant at which a local day begins; `after` days later.
pub(crate) fn day(w: &Words, text: &str, after: i8) -> Option<Timestamp> {
    let date: jiff::civil::Date = text.parse().ok()?;
    let date = date.checked_add(jiff::Span::new().days(after)).ok()?;
    w.instant(&format!("{date}T00:00"))
}

/// Reads a value if one was given; says whether it cannot be used.
fn read<T>(given: Option<&str>, wrong: &mut bool, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
    let parsed = given.map(parse);
    *wrong = matches!(parsed, Some(None));
    parsed.flatten()
}

fn filter(w: &Words, query: &Fields, now: Timestamp) -> (Filter, Asked) {
    let text = |name: &str| query.get(name).unwrap_or_default().to_owned();
    let mut asked = Asked {
        text: text("q"),
        price: text("price"),
        from: text("from"),
        until: text("until"),
        free: text("free"),
        open: query.ticked("open"),
        ..Asked::default()
    };
    let filter = Filter {
        text: asked.text.clone(),
        field: query.get("field").and_then(names::field_of),
        kind: query.get("kind").and_then(names::kind_of),
        grade: query.get("grade").and_then(|grade| grade.parse().ok()),
        place: query.get("place").and_then(|place| place.parse().ok()),
        provider: query.get("provider").and_then(|provider| provider.parse().ok()),
        price_up_to: read(query.get("price"), &mut asked.price_wrong, euro),
        from: read(query.get("from"), &mut asked.from_wrong, |text| day(w, text, 0)),
        until: read(query.get("until"), &mut asked.until_wrong, |text| day(w, text, 1)),
        free_places: read(query.get("free"), &mut asked.free_wrong, |text| text.parse().ok()),
        only_open: asked.open,
        sort: match query.get("sort") {
            Some("title") => Sort::Title,
            Some("price") => Sort::Price,
            _ => Sort::Soonest,
        },
        now,
    };
    (filter, asked)
}

/// Links to pages of a list: the first, the last and those around the current one.
pub(crate) fn page_links(call: &Call, page: usize, pages: usize) -> Vec<PageLink> {
    let near = |number: &usize| *number == 1 || *number == pages || number.abs_diff(page) <= AROUND;
    let link = |number: usize| {
        let others = call.query.0.iter().filter(|(name, value)| name != "page" && name != "lang" && !value.is_empty());
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(others).append_pair("page", &number.to_string());
        let href = format!("{}?{}", call.uri.path(), query.finish());
        PageLink { href, number, current: number == page }
    };
    if pages < 2 { Vec::new() } else { (1..=pages).filter(near).map(link).collect() }
}

fn choices<T: PartialEq>(
    all: impl IntoIterator<Item = T>,
    chosen: Option<&T>,
    text: impl Fn(&T) -> (String, String),
) -> Vec<Choice> {
    let one = |item: T| {
        let (value, label) = text(&item);
        Choice { value, label, chosen: chosen == Some(&item) }
    };
    all.into_iter().map(one).collect()
}

fn item(w: &Words, lang: Lang, hit: Hit) -> Item {
    let offer = &hit.offer;
    Item {
        href: format!("/services/{}", offer.id),
        title: offer.title.of(lang).to_owned(),
        provider: offer.provider_name.clone(),
        sort: terms::sort_of(w, offer),
        grades: names::grades(w, offer.terms.grades),
        venues: terms::venues(w, offer, 3),
        price: w.money(&offer.terms.price),
        next: hit.next.as_ref().map(|session| w.date_time(&session.start)),
        free: hit.next.as_ref().map(|session| w.count("count-places", session.free)).unwrap_or_default(),
        sessions: w.count("count-sessions", hit.sessions),
    }
}

pub(super) async fn services(site: Arc<Site>, call: Call) -> Answer {
    let (w, lang) = (call.words(), call.lang);
    let (now, _) = standing(&site).await?;
    let (filter, q) = filter(w, &call.query, now);
    let asked_page = call.query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1);
    let found = site.catalogue.search(&filter, lang, asked_page);
    let fields = choices(names::FIELDS, filter.field.as_ref(), |field| {
        (names::field_code(*field).to_owned(), names::field(w, *field))
    });
    let kinds =
        choices(names::KINDS, filter.kind.as_ref(), |kind| (names::kind_code(*kind).to_owned(), names::kind(w, *kind)));
    let places = names::places(w, &site.catalogue.places());
    let chosen = filter.place.and_then(|place| places.iter().find(|(one, _)| *one == place).cloned());
    let places = choices(places, chosen.as_ref(), |(place, name)| (place.to_string(), name.clone()));
    let grades = choices(1..=12u8, filter.grade.as_ref(), |grade| (grade.to_string(), grade.to_string()));
    let sorts = choices([Sort::Soonest, Sort::Title, Sort::Price], Some(&filter.sort), |sort| match sort {
        Sort::Soonest => ("soonest".to_owned(), w.text("public-sort-soonest")),
        Sort::Title => ("title".to_owned(), w.text("public-sort-title")),
        Sort::Price => ("price".to_owned(), w.text("public-sort-price")),
    });
    let page_of = [("page", found.page.to_string()), ("pages", found.pages.to_string())];
    let range = w.with("public-page-of", &page_of.each_ref().map(|(name, value)| (*name, value.as_str())));
    let others =
        |(name, value): &(String, String)| name != "page" && name != "lang" && name != "sort" && !value.is_empty();
    let narrowed = call.query.0.iter().any(others);
    let pages = page_links(&call, found.page, found.pages);
    let items = found.items.into_iter().map(|hit| item(w, lang, hit)).collect();
    let f = call.frame(&site, Section::Services, w.text("public-services")).await?;
    let (count, ready) = (w.count("public-found", found.total), site.catalogue.ready());
    page(&Services { f, q, fields, kinds, grades, places, sorts, count, range, ready, items, pages, narrowed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_read_as_people_type_them() {
        for (text, cents) in [("5", 500), ("5,5", 550), ("5.50", 550), (" 0,05 € ", 5), ("12 €", 1_200)] {
            assert_eq!(euro(text), Some(Cents::new(cents)), "{text}");
        }
        for wrong in ["", "-5", "5,555", "five", "1,2,3", "5 5", "99999999999"] {
            assert_eq!(euro(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn days_begin_at_local_midnight() {
        let w = Lang::Lt.words();
        // 2028-07-01T00:00 in Vilnius is 21:00 UTC of the day before.
        assert_eq!(day(w, "2028-07-01", 0), Some(Timestamp(1_846_011_600_000)));
        assert_eq!(day(w, "2028-06-30", 1), day(w, "2028-07-01", 0));
        assert_eq!(day(w, "2028-13-01", 0), None);
        assert_eq!(day(w, "x", 0), None);
    }

    #[test]
    fn what_cannot_be_used_is_told_and_narrows_nothing() {
        let query = [("price", "daug"), ("from", "rytoj"), ("free", "-1"), ("field", "nonsense"), ("q", " šokis ")];
        let query = Fields(query.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        let (filter, asked) = filter(Lang::Lt.words(), &query, Timestamp(0));
        assert!(asked.price_wrong && asked.from_wrong && asked.free_wrong && !asked.until_wrong);
        assert_eq!((filter.price_up_to, filter.from, filter.free_places, filter.field), (None, None, None, None));
        assert_eq!(filter.text, "šokis");
    }
}
