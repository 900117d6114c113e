//! Who and what exists when the year begins: schools, classes, pupils, providers, services.

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::programme::{
    ArtField, ClassName, Day, LegalCode, PlaceCode, Provider, ProviderCode, ProviderKind, Pupil, School, Service,
    ServiceCode, ServiceType, VatCategory, VatStatus, VenueList,
};

use super::names;
use super::size::Size;

const COUNTRIES: &[[u8; 2]] = &[*b"DE", *b"PL", *b"GB", *b"IE", *b"NO", *b"US", *b"LV", *b"ES"];

/// Everything that stands before the first day.
pub(super) struct Ground {
    pub(super) schools: Vec<School>,
    pub(super) classes: Vec<Class>,
    pub(super) pupils: Vec<Pupil>,
    pub(super) providers: Vec<Provider>,
    pub(super) services: Vec<Service>,
}

/// A class with its pupils, by position.
pub(super) struct Class {
    pub(super) school: usize,
    pub(super) branch: u8,
    pub(super) name: ClassName,
    pub(super) joint: Option<ClassName>,
    pub(super) pupils: Vec<u32>,
}

impl Ground {
    pub(super) fn invent(size: Size, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (schools, mut classes) = schools_and_classes(size, &mut rng);
        let pupils = pupils(size, seed, &schools, &mut classes, &mut rng);
        let providers = providers(size, &schools, &mut rng);
        let services = services(size, &providers, &mut rng);
        Self { schools, classes, pupils, providers, services }
    }
}

/// Municipalities in an order that reaches all sixty.
fn municipality(position: usize) -> PlaceCode {
    PlaceCode::Municipality(u8::try_from((position * 7 + 30) % 60 + 1).expect("at most sixty"))
}

/// What a school is before its classes are known.
struct Draft {
    grades: (u8, u8),
    weight: f64,
    place: PlaceCode,
}

fn draft_school(position: usize, size: Size, rng: &mut ChaCha8Rng) -> Draft {
    let at_home = size.schools - size.schools_abroad;
    let place = if position < at_home {
        municipality(position % size.municipalities)
    } else {
        PlaceCode::Country(COUNTRIES[(position - at_home) % COUNTRIES.len()])
    };
    // Every sample has a school of all grades, and a small one whose classes are taught together.
    if position == 0 {
        return Draft { grades: (1, 12), weight: 1.2, place };
    }
    if position >= at_home || position + 1 == at_home || rng.random_bool(0.15) {
        return Draft { grades: (1, 10), weight: 0.12, place };
    }
    let (grades, weight) = match rng.random_range(0..100) {
        0..=34 => ((1, 12), 1.2),
        35..=54 => ((1, 4), 0.5),
        55..=79 => ((1, 10), 0.9),
        _ => ((9, 12), 0.9),
    };
    Draft { grades, weight: weight * rng.random_range(0.6..1.5), place }
}

fn schools_and_classes(size: Size, rng: &mut ChaCha8Rng) -> (Vec<School>, Vec<Class>) {
    let drafts: Vec<Draft> = (0..size.schools).map(|position| draft_school(position, size, rng)).collect();
    // Two where there are enough, so that the smallest school can teach them together.
    let fewest = if size.classes >= 2 * size.schools { 2 } else { 1 };
    let mut class_counts = vec![fewest; size.schools];
    let positions: Vec<usize> = (0..size.schools).collect();
    for _ in fewest * size.schools..size.classes {
        let chosen = positions
            .choose_weighted(rng, |position| drafts[*position].weight)
            .expect("there are schools and their weights are positive");
        class_counts[*chosen] += 1;
    }
    let (mut schools, mut classes) = (Vec::with_capacity(size.schools), Vec::with_capacity(size.classes));
    for (position, (draft, count)) in drafts.iter().zip(class_counts).enumerate() {
        let branched = count >= 10 && (position == 0 || rng.random_bool(0.12));
        schools.push(School {
            school_code: names::school_code(position),
            name: names::school_name(rng, position, draft.grades.1),
            place: draft.place,
            branches: u8::from(branched),
        });
        add_classes(&mut classes, position, draft.grades, count, branched);
    }
    (schools, classes)
}

fn add_classes(classes: &mut Vec<Class>, school: usize, grades: (u8, u8), count: usize, branched: bool) {
    let span = usize::from(grades.1 - grades.0) + 1;
    let first = classes.len();
    let mut letter = b'a';
    for position in 0..count {
        let grade = grades.0 + u8::try_from(position * span / count).expect("below the number of grades");
        let fresh = classes[first..].last().is_none_or(|class| class.name.grade() != grade);
        letter = if fresh { b'a' } else { letter + 1 };
        classes.push(Class {
            school,
            branch: u8::from(branched && position >= count * 4 / 5),
            name: ClassName::new(grade, char::from(letter)),
            joint: None,
            pupils: Vec::new(),
        });
    }
    // With fewer classes than grades, neighbours are taught together.
    if count < span {
        for pair in classes[first..].chunks_exact_mut(2) {
            (pair[0].joint, pair[1].joint) = (Some(pair[1].name), Some(pair[0].name));
        }
    }
}

fn pupils(size: Size, seed: u64, schools: &[School], classes: &mut [Class], rng: &mut ChaCha8Rng) -> Vec<Pupil> {
    const SMALLEST: usize = 12;
    const LARGEST: usize = 28;
    let average = size.pupils / classes.len();
    let base = average.min(SMALLEST);
    let largest = LARGEST.max(average + 4);
    let mut sizes = vec![base; classes.len()];
    let mut left = size.pupils - base * classes.len();
    while left > 0 {
        let position = rng.random_range(0..sizes.len());
        if sizes[position] < largest {
            sizes[position] += 1;
            left -= 1;
        }
    }
    let mut pupils = Vec::with_capacity(size.pupils);
    for (class, count) in classes.iter_mut().zip(sizes) {
        let school = &schools[class.school];
        for _ in 0..count {
            let position = pupils.len();
            class.pupils.push(u32::try_from(position).expect("fewer pupils than u32 holds"));
            pupils.push(Pupil {
                register_code: names::register_code(position as u64, seed),
                given_name: names::given_name(rng),
                family_name: names::family_name(rng),
                school_code: school.school_code,
                branch: class.branch,
                place: school.place,
                class: class.name,
                joint_class: class.joint,
                grade: class.name.grade(),
            });
        }
    }
    pupils
}

fn providers(size: Size, schools: &[School], rng: &mut ChaCha8Rng) -> Vec<Provider> {
    let related = related_schools(size, schools);
    (0..size.providers)
        .map(|position| {
            let natural = position % 5 == 4;
            let place = if rng.random_bool(0.85) {
                municipality(position % size.municipalities)
            } else {
                municipality(rng.random_range(0..60))
            };
            let registered = !natural && rng.random_bool(0.6);
            Provider {
                provider_code: if natural {
                    ProviderCode::Natural(names::certificate(position))
                } else {
                    ProviderCode::Legal(names::provider_code(position))
                },
                kind: if natural { ProviderKind::Natural } else { ProviderKind::Legal },
                name: names::provider_name(rng, position, natural),
                place,
                vat_status: if registered { VatStatus::Registered } else { VatStatus::NotRegistered },
                controlling_code: related.get(position).copied(),
            }
        })
        .collect()
}

/// The schools that control a provider: a few of the first, which are the providers' places too.
fn related_schools(size: Size, schools: &[School]) -> Vec<LegalCode> {
    let count = (size.providers / 100).max(2).min(size.providers / 2).min(4);
    schools.iter().take(count).map(|school| school.school_code).collect()
}

const FORMS: &[(ServiceType, &str, &str)] = &[
    (ServiceType::Performance, "Spektaklis", "Performance"),
    (ServiceType::Visit, "Ekskursija", "Guided visit"),
    (ServiceType::Workshop, "Dirbtuvės", "Workshop"),
    (ServiceType::Lecture, "Paskaita", "Talk"),
    (ServiceType::Screening, "Kino seansas", "Screening"),
];

const FIELDS: &[(ArtField, &str, &str)] = &[
    (ArtField::Theatre, "teatras", "theatre"),
    (ArtField::Music, "muzika", "music"),
    (ArtField::Dance, "šokis", "dance"),
    (ArtField::Heritage, "paveldas", "heritage"),
    (ArtField::VisualArts, "dailė", "visual arts"),
    (ArtField::Film, "kinas", "film"),
    (ArtField::Literature, "literatūra", "literature"),
    (ArtField::EthnicCulture, "etninė kultūra", "ethnic culture"),
    (ArtField::Architecture, "architektūra", "architecture"),
];

const GRADES: &[(u8, u8)] = &[(1, 4), (5, 8), (1, 12), (5, 12), (9, 12), (1, 8), (3, 10)];

fn services(size: Size, providers: &[Provider], rng: &mut ChaCha8Rng) -> Vec<Service> {
    (0..size.services)
        .map(|position| {
            // A provider's first service is for everybody and for the whole year.
            let first = position < providers.len();
            let provider = &providers[if first { position } else { rng.random_range(0..providers.len()) }];
            let form = FORMS[rng.random_range(0..FORMS.len())];
            let field = FIELDS[rng.random_range(0..FIELDS.len())];
            let grades = if first { (1, 12) } else { GRADES[rng.random_range(0..GRADES.len())] };
            let (valid_from, valid_until) = if first { validity(0) } else { validity(rng.random_range(0..100)) };
            let number = position + 1;
            Service {
                service_code: ServiceCode(u32::try_from(number).expect("six digits")),
                provider_code: provider.provider_code,
                title_lt: format!("{}: {} Nr. {number}", form.1, field.1),
                title_en: format!("{}: {} no. {number}", form.2, field.2),
                service_type: form.0,
                art_field: field.0,
                grade_from: grades.0,
                grade_to: grades.1,
                venues: venues(provider.place, rng),
                // One in nine costs most of a year's money: that is where schools add their own.
                price_cents: if position % 9 == 4 {
                    rng.random_range(18..=20) * 50
                } else {
                    rng.random_range(10..=70) * 10
                },
                min_group: rng.random_range(4..=8),
                max_group: rng.random_range(6..=12) * 5,
                vat_category: vat_category(provider.vat_status, rng.random_bool(0.7), position),
                valid_from,
                valid_until,
                description: format!(
                    "{} ({}), {}-{} klasėms. Trukmė iki trijų valandų; kaina apima viską, išskyrus kelionę.",
                    form.1, field.1, grades.0, grades.1
                ),
            }
        })
        .collect()
}

/// Most of who is registered is exempt as culture, some as education; a third of the rest bears the reduced rate.
fn vat_category(status: VatStatus, is_exempt: bool, position: usize) -> VatCategory {
    match (status, is_exempt) {
        (VatStatus::Registered, true) if position % 5 == 2 => VatCategory::ExemptEducation,
        (VatStatus::Registered, true) => VatCategory::ExemptCulture,
        (VatStatus::Registered, false) if position.is_multiple_of(3) => VatCategory::Reduced,
        (VatStatus::Registered, false) => VatCategory::Standard,
        (VatStatus::NotRegistered, _) => VatCategory::OutsideScope,
    }
}

/// Approvals of the calls of June and October, one to three years long.
fn validity(percent: u8) -> (Day, Day) {
    match percent {
        0..=69 => (Day::new(2026, 1, 1), Day::new(2028, 12, 31)),
        70..=84 => (Day::new(2027, 1, 1), Day::new(2027, 12, 31)),
        85..=94 => (Day::new(2027, 9, 1), Day::new(2029, 8, 31)),
        _ => (Day::new(2025, 9, 1), Day::new(2027, 8, 31)),
    }
}

fn venues(seat: PlaceCode, rng: &mut ChaCha8Rng) -> VenueList {
    let mut places = vec![seat];
    let second = municipality(rng.random_range(0..60));
    if rng.random_bool(0.3) && second != seat {
        places.push(second);
    }
    VenueList::new(places).expect("the seat is a venue")
}
