//! The form of a service: prefilled from an offer, read back into the ledger's terms and the public description. Pure.

use keis_ledger::classifiers::{Grades, Place};
use keis_ledger::ids::DocumentId;
use keis_ledger::operation::{MAX_VENUES, ServiceTerms};
use keis_ledger::time::Timestamp;
use keis_wallet::random::random_bytes;

use super::forms::{Builder, Form, Problems, money, number, written};
use super::year_form::{midnight, midnight_after};
use crate::call::Fields;
use crate::catalogue::{Offer, names};
use crate::words::Words;

/// Longest title.
const TITLE: usize = 160;
/// Longest description, in one language.
const DESCRIPTION: usize = 8_000;

/// A service as the form describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    /// What it offers; the document is that of `document`.
    pub(crate) terms: ServiceTerms,
    /// Its public description.
    pub(crate) document: Vec<u8>,
}

/// What the form holds for a new version of a service.
pub(crate) fn prefilled(w: &Words, offer: &Offer) -> Fields {
    let terms = &offer.terms;
    let mut fields = Vec::new();
    let mut put = |name: &str, value: String| fields.push((name.to_owned(), value));
    put("title-lt", offer.title.lt.clone());
    put("title-en", offer.title.en.clone());
    put("description-lt", offer.description.lt.clone());
    put("description-en", offer.description.en.clone());
    put("field", names::field_code(terms.field).to_owned());
    put("kind", names::kind_code(terms.kind).to_owned());
    put("grade-from", terms.grades.from.to_string());
    put("grade-until", terms.grades.until.to_string());
    put("price", written(terms.price.get()));
    put("capacity", terms.capacity.to_string());
    put("vat", names::vat_code(terms.vat).to_owned());
    put("from", w.date(&terms.from));
    put("until", w.date(&Timestamp(terms.until.0.saturating_sub(1))));
    let mut abroad = Vec::new();
    for venue in &terms.venues {
        match venue {
            Place::Municipality(_) => put("venue", venue.to_string()),
            Place::Country(_) => abroad.push(venue.to_string()),
        }
    }
    put("abroad", abroad.join(" "));
    Fields(fields)
}

/// The form with what was filled in and what is wrong with it. `provider` asks who gives the service.
pub(crate) fn form(
    w: &'static Words,
    action: &str,
    button: &str,
    provider: bool,
    (fields, problems): (&Fields, &Problems),
) -> Form {
    let fields_of = names::FIELDS.map(|field| (names::field_code(field).to_owned(), names::field(w, field))).to_vec();
    let kinds = names::KINDS.map(|kind| (names::kind_code(kind).to_owned(), names::kind(w, kind))).to_vec();
    let vat = names::VAT.map(|vat| (names::vat_code(vat).to_owned(), names::vat(w, vat))).to_vec();
    let all: Vec<Place> = names::municipalities().collect();
    let venues = names::places(w, &all).into_iter().map(|(place, name)| (place.to_string(), name)).collect();
    let mut builder = Builder::new(w, action, button, fields, problems).group(Some("office-service-what"));
    if provider {
        builder = builder.once().line("provider", "office-service-provider");
    }
    builder
        .line("title-lt", "office-service-title-lt")
        .line("title-en", "office-service-title-en")
        .area("description-lt", "office-service-description-lt", 6)
        .area("description-en", "office-service-description-en", 6)
        .select("field", "office-service-field", fields_of)
        .select("kind", "office-service-kind", kinds)
        .group(Some("office-service-for"))
        .number("grade-from", "office-service-grade-from")
        .number("grade-until", "office-service-grade-until")
        .number("capacity", "office-service-capacity")
        .group(Some("office-service-price-group"))
        .number("price", "office-service-price")
        .select("vat", "office-service-vat", vat)
        .group(Some("office-service-when"))
        .date("from", "office-service-from")
        .date("until", "office-service-until")
        .group(None)
        .ticks("venue", "office-service-venues", venues)
        .line("abroad", "office-service-abroad")
        .done()
}

/// Reads the form.
pub(crate) fn read(fields: &Fields) -> Result<Described, Problems> {
    let mut problems = Problems::default();
    let read = read_fields(fields, &mut problems);
    read.filter(|_| problems.is_empty()).ok_or(problems)
}

fn read_fields(fields: &Fields, problems: &mut Problems) -> Option<Described> {
    let short = |most: usize| move |text: &str| (text.chars().count() <= most).then(|| text.to_owned());
    let title_lt = problems.need(fields, "title-lt", "office-error-long", short(TITLE));
    let title_en = problems.need(fields, "title-en", "office-error-long", short(TITLE));
    let description_lt = problems.need(fields, "description-lt", "office-error-long", short(DESCRIPTION));
    let description_en = match fields.get("description-en") {
        None => Some(String::new()),
        Some(_) => problems.need(fields, "description-en", "office-error-long", short(DESCRIPTION)),
    };
    let field = problems.need(fields, "field", "office-error-choice", names::field_of);
    let kind = problems.need(fields, "kind", "office-error-choice", names::kind_of);
    let vat = problems.need(fields, "vat", "office-error-choice", names::vat_of);
    let grade = |text: &str| number::<u8>(text).filter(|grade| (1..=12).contains(grade));
    let from_grade = problems.need(fields, "grade-from", "office-error-grade", grade);
    let until_grade = problems.need(fields, "grade-until", "office-error-grade", grade);
    let price =
        problems.need(fields, "price", "office-error-money", |text| money(text).filter(|price| !price.is_zero()));
    let positive = |text: &str| number::<u16>(text).filter(|places| *places > 0);
    let capacity = problems.need(fields, "capacity", "office-error-number", positive);
    let from = problems.need(fields, "from", "office-error-date", midnight);
    let until = problems.need(fields, "until", "office-error-date", midnight_after);
    if from_grade.zip(until_grade).is_some_and(|(from, until)| from > until) {
        problems.add("grade-until", "office-error-grades");
    }
    if from.zip(until).is_some_and(|(from, until)| from >= until) {
        problems.add("until", "office-error-order");
    }
    let venues = venues(fields, problems);
    let title = serde_json::json!({ "lt": title_lt?, "en": title_en? });
    let description = serde_json::json!({ "lt": description_lt?, "en": description_en? });
    // The salt keeps the ledger's hash from telling anything to who does not have the description.
    let salt = hex::encode(random_bytes::<32>());
    let document =
        serde_json::json!({ "salt": salt, "title": title, "description": description }).to_string().into_bytes();
    let terms = ServiceTerms {
        field: field?,
        kind: kind?,
        grades: Grades { from: from_grade?, until: until_grade? },
        price: price?,
        capacity: capacity?,
        vat: vat?,
        venues: venues?,
        from: from?,
        until: until?,
        document: DocumentId::of(&document),
    };
    Some(Described { terms, document })
}

/// Every venue once, ascending.
fn venues(fields: &Fields, problems: &mut Problems) -> Option<Vec<Place>> {
    let mut venues = Vec::new();
    for code in fields.all("venue").filter(|code| !code.is_empty()) {
        match code.parse::<Place>() {
            Ok(place) => venues.push(place),
            Err(_) => problems.add("venue", "office-error-place"),
        }
    }
    let abroad = fields.get("abroad").unwrap_or_default().to_uppercase();
    for code in abroad.split([' ', ',', ';']).filter(|code| !code.is_empty()) {
        match code.parse::<Place>() {
            Ok(place) => venues.push(place),
            Err(_) => problems.add("abroad", "office-error-country"),
        }
    }
    venues.sort_unstable();
    venues.dedup();
    if venues.is_empty() {
        problems.add("venue", "office-error-venue");
    } else if venues.len() > MAX_VENUES {
        problems.add("venue", "rejection-list_too_long");
    }
    problems.is_empty().then_some(venues)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 15] = [
        ("title-lt", "Molio dirbtuvės"),
        ("title-en", "Clay workshop"),
        ("description-lt", "Lipdome."),
        ("field", "visual_arts"),
        ("kind", "workshop"),
        ("grade-from", "1"),
        ("grade-until", "4"),
        ("price", "6,50"),
        ("capacity", "25"),
        ("vat", "exempt_culture"),
        ("from", "2028-01-01"),
        ("until", "2029-12-31"),
        ("venue", "LT-57"),
        ("venue", "LT-15"),
        ("abroad", "pl, DE"),
    ];

    fn fields(changed: &[(&str, &str)]) -> Fields {
        let keep = GOOD.iter().filter(|(name, _)| changed.iter().all(|(other, _)| other != name));
        Fields(keep.chain(changed).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_service_is_read_with_its_description() {
        let described = read(&fields(&[])).unwrap();
        let venues: Vec<String> = described.terms.venues.iter().map(Place::to_string).collect();
        assert_eq!(venues, ["LT-15", "LT-57", "DE", "PL"]);
        assert!(described.terms.venues.is_sorted());
        assert_eq!(described.terms.document, DocumentId::of(&described.document));
        let document: serde_json::Value = serde_json::from_slice(&described.document).unwrap();
        assert_eq!(document["title"]["en"], "Clay workshop");
        assert_eq!(document["salt"].as_str().unwrap().len(), 64);
        assert_ne!(read(&fields(&[])).unwrap().document, described.document, "every description has a salt of its own");
    }

    #[test]
    fn each_mistake_is_told_beside_its_field() {
        for (name, value, key) in [
            ("title-lt", "", "office-error-empty"),
            ("field", "sport", "office-error-choice"),
            ("grade-until", "0", "office-error-grade"),
            ("price", "0", "office-error-money"),
            ("capacity", "70000", "office-error-number"),
            ("until", "2027-12-31", "office-error-order"),
            ("venue", "LT-61", "office-error-place"),
            ("abroad", "Poland", "office-error-country"),
        ] {
            let problems = read(&fields(&[(name, value)])).unwrap_err();
            assert!(problems.0.contains(&(name, key)), "{name}={value}: {problems:?}");
        }
        let nowhere = read(&fields(&[("venue", ""), ("abroad", "")])).unwrap_err();
        assert_eq!(nowhere.0, [("venue", "office-error-venue")]);
    }
}
