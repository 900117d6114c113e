//! Names of what the ledger knows by codes: places, branches of the arts, kinds, VAT, grades.

use keis_ledger::classifiers::{ArtField, Grades, Place, ServiceKind, VatCategory};

use crate::words::Words;

/// Every branch of the arts.
pub const FIELDS: [ArtField; 12] = [
    ArtField::Theatre,
    ArtField::Music,
    ArtField::Dance,
    ArtField::Circus,
    ArtField::VisualArts,
    ArtField::Photography,
    ArtField::Film,
    ArtField::Literature,
    ArtField::Architecture,
    ArtField::Heritage,
    ArtField::EthnicCulture,
    ArtField::Interdisciplinary,
];

/// Every kind of service.
pub const KINDS: [ServiceKind; 5] =
    [ServiceKind::Performance, ServiceKind::Workshop, ServiceKind::Tour, ServiceKind::Lesson, ServiceKind::Programme];

/// Every way in which a service is taxed.
pub const VAT: [VatCategory; 5] = [
    VatCategory::Standard,
    VatCategory::Reduced,
    VatCategory::ExemptCulture,
    VatCategory::ExemptEducation,
    VatCategory::NotRegistered,
];

/// Every municipality.
pub fn municipalities() -> impl Iterator<Item = Place> {
    (1..=60).map(Place::Municipality)
}

/// A place by its name; a country that has none here by its code.
pub fn place(words: &Words, place: Place) -> String {
    let key = format!("place-{place}");
    if words.has(&key) { words.text(&key) } else { place.to_string() }
}

/// A month as addresses and tables write it, `2026-09`, by its name.
pub fn month(words: &Words, month: &str) -> String {
    let named = |(year, number): (&str, &str)| {
        let key = format!("bills-month-{}", number.trim_start_matches('0'));
        words.has(&key).then(|| format!("{year} – {}", words.text(&key)))
    };
    month.split_once('-').and_then(named).unwrap_or_else(|| month.to_owned())
}

/// Several places, in the order of their names.
pub fn places(words: &Words, all: &[Place]) -> Vec<(Place, String)> {
    let mut named: Vec<(Place, String)> = all.iter().map(|one| (*one, place(words, *one))).collect();
    named.sort_by(|(_, one), (_, other)| words.compare(one, other));
    named
}

/// The code of a branch, as addresses carry it.
pub fn field_code(field: ArtField) -> &'static str {
    match field {
        ArtField::Theatre => "theatre",
        ArtField::Music => "music",
        ArtField::Dance => "dance",
        ArtField::Circus => "circus",
        ArtField::VisualArts => "visual_arts",
        ArtField::Photography => "photography",
        ArtField::Film => "film",
        ArtField::Literature => "literature",
        ArtField::Architecture => "architecture",
        ArtField::Heritage => "heritage",
        ArtField::EthnicCulture => "ethnic_culture",
        ArtField::Interdisciplinary => "interdisciplinary",
    }
}

/// A branch of the arts by its name.
pub fn field(words: &Words, field: ArtField) -> String {
    words.text(&format!("field-{}", field_code(field)))
}

/// The branch of a code.
pub fn field_of(code: &str) -> Option<ArtField> {
    FIELDS.into_iter().find(|field| field_code(*field) == code)
}

/// The code of a kind, as addresses carry it.
pub fn kind_code(kind: ServiceKind) -> &'static str {
    match kind {
        ServiceKind::Performance => "performance",
        ServiceKind::Workshop => "workshop",
        ServiceKind::Tour => "tour",
        ServiceKind::Lesson => "lesson",
        ServiceKind::Programme => "programme",
    }
}

/// A kind of service by its name.
pub fn kind(words: &Words, kind: ServiceKind) -> String {
    words.text(&format!("kind-{}", kind_code(kind)))
}

/// The kind of a code.
pub fn kind_of(code: &str) -> Option<ServiceKind> {
    KINDS.into_iter().find(|kind| kind_code(*kind) == code)
}

/// The code of a way of taxing, as forms carry it.
pub fn vat_code(vat: VatCategory) -> &'static str {
    match vat {
        VatCategory::Standard => "standard",
        VatCategory::Reduced => "reduced",
        VatCategory::ExemptCulture => "exempt_culture",
        VatCategory::ExemptEducation => "exempt_education",
        VatCategory::NotRegistered => "not_registered",
    }
}

/// How a service is taxed, in words.
pub fn vat(words: &Words, vat: VatCategory) -> String {
    words.text(&format!("vat-{}", vat_code(vat)))
}

/// The way of taxing of a code.
pub fn vat_of(code: &str) -> Option<VatCategory> {
    VAT.into_iter().find(|vat| vat_code(*vat) == code)
}

/// Grades in words: "grades 5–8", "grade 5".
pub fn grades(words: &Words, grades: Grades) -> String {
    let (from, until) = (grades.from.to_string(), grades.until.to_string());
    if grades.from == grades.until {
        words.with("grades-one", &[("from", &from)])
    } else {
        words.with("grades-range", &[("from", &from), ("until", &until)])
    }
}
