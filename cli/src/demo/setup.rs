//! What stands before the year begins: wallets, keys, money, services, sessions.

use std::collections::BTreeMap;

use keis_ledger::classifiers::{ArtField, Grades, Place, Scope, Scopes, ServiceKind, VatCategory};
use keis_ledger::ids::{DocumentId, Nullifier};
use keis_ledger::money::{BasisPoints, Cents};
use keis_ledger::operation::{
    CatalogueOperation, FundsOperation, KeyGrant, MAX_BATCH, NewProvider, NewPupil, NewSchool, Operation, Party,
    ServiceTerms, SessionOffer, WalletOperation,
};
use keis_ledger::parameters::{ArrivalAmount, ProgrammeParameters};
use keis_ledger::time::{Calendar, Day, Offset, Span, Timestamp};
use keis_wallet::random::{new_id, random_bytes};

use super::drive::{Driver, timestamp};
use super::translate::Wish;
use crate::programme::{self, PlaceCode, Programme, ServiceCode};

/// Opens what stands whatever the year: wallets of schools and providers, their keys, services. `progress` hears of each
/// step and of transactions done in it.
pub(super) async fn ground(
    driver: &mut Driver,
    programme: &Programme,
    progress: &super::Progress,
) -> anyhow::Result<()> {
    progress.stage("wallets of schools and providers", 0);
    wallets(driver, progress).await?;
    progress.stage("keys", 0);
    keys(driver, progress).await?;
    progress.stage("services", programme.services.len());
    services(driver, programme, progress).await
}

/// Opens the year of the files: its money, sessions and pupils.
/// `guests` are pupils beside those of the files.
pub(super) async fn year(
    driver: &mut Driver,
    programme: &Programme,
    guests: u64,
    progress: &super::Progress,
) -> anyhow::Result<()> {
    progress.stage("year", 0);
    open_year(driver, programme, guests).await?;
    progress.stage("sessions", programme.sessions.len());
    sessions(driver, programme, progress).await?;
    progress.stage("wallets of pupils", 2 * programme.pupils.len().div_ceil(MAX_BATCH));
    pupils(driver, programme, progress).await
}

pub(super) fn by_operator(driver: &Driver, operation: Operation) -> Wish {
    Wish { signer: driver.officers.operator.clone(), operation }
}

pub(super) fn place(code: PlaceCode) -> Place {
    code.to_string().parse().expect("the files' places are the ledger's")
}

async fn wallets(driver: &mut Driver, progress: &super::Progress) -> anyhow::Result<()> {
    let mut schools: Vec<NewSchool> = driver
        .book
        .schools
        .values()
        .map(|school| NewSchool { school: school.id, entity: school.entity, place: place(school.place) })
        .collect();
    schools.sort_by_key(|school| school.school);
    let mut providers: Vec<NewProvider> = driver
        .book
        .providers
        .values()
        .map(|provider| NewProvider { provider: provider.id, entity: provider.entity })
        .collect();
    providers.sort_by_key(|provider| provider.provider);
    let schools = schools.chunks(MAX_BATCH).map(|part| WalletOperation::OpenSchools { schools: part.to_vec() });
    let providers = providers.chunks(MAX_BATCH).map(|part| WalletOperation::OpenProviders { providers: part.to_vec() });
    let wishes = schools.chain(providers).map(|one| by_operator(driver, Operation::Wallet(one))).collect();
    driver.all(wishes, &|count| progress.add(count)).await?;
    Ok(())
}

async fn open_year(driver: &mut Driver, programme: &Programme, guests: u64) -> anyhow::Result<()> {
    let parameters = parameters(programme, driver.now());
    let budget = parameters.amount_per_pupil.checked_mul(programme.pupils.len() as u64 + guests);
    let open = FundsOperation::OpenYear {
        year: driver.book.year,
        budget: budget.ok_or_else(|| anyhow::anyhow!("the budget does not fit"))?,
        reserve: Cents::new(programme.parameters.reserve_cents),
        parameters,
    };
    let wish = Wish { signer: driver.officers.budget_holder.clone(), operation: Operation::Funds(open) };
    driver.all(vec![wish], &|_| {}).await?;
    Ok(())
}

async fn keys(driver: &mut Driver, progress: &super::Progress) -> anyhow::Result<()> {
    let mut grants = grants(driver);
    grants.sort_by_key(|grant| grant.key);
    let parts = grants.chunks(MAX_BATCH).map(|part| WalletOperation::BindKeys { grants: part.to_vec() });
    let wishes = parts.map(|one| by_operator(driver, Operation::Wallet(one))).collect();
    driver.all(wishes, &|count| progress.add(count)).await?;
    Ok(())
}

/// The rules of the year, as the files give them.
pub(super) fn parameters(programme: &Programme, now: Timestamp) -> ProgrammeParameters {
    let (files, rules) = (&programme.parameters, &programme.parameters.rules);
    let share = |points| BasisPoints::new(points).expect("the loader has checked the shares");
    let days = |days: u16| Span::days(days.into());
    ProgrammeParameters {
        amount_per_pupil: Cents::new(files.amount_per_pupil_cents.into()),
        register_until: timestamp(files.window.start.seconds()).max(now),
        arrivals: match files.arrival_amount {
            programme::ArrivalAmount::Full => ArrivalAmount::Full,
            programme::ArrivalAmount::ProRata => ArrivalAmount::ProRata,
            programme::ArrivalAmount::None => ArrivalAmount::None,
        },
        window_from: timestamp(files.window.start.seconds()),
        window_until: timestamp(files.window.end.seconds()),
        hold_expiry: days(rules.hold_expiry_days),
        free_change: days(rules.free_change_days),
        free_cancel: days(rules.free_cancel_days),
        late_share: share(rules.late_share_bp),
        absence_share: share(rules.absence_share_bp),
        minimum_share: share(0),
        attendance_days: rules.attendance_working_days,
        settlement_period: Span::days(u32::from(rules.settlement_months) * 21),
        own_key_grades: Grades { from: 9, until: 12 },
        calendar: Calendar {
            holidays: files.holidays.iter().filter_map(|day| u32::try_from(day.epoch_days()).ok()).map(Day).collect(),
            offsets: files
                .offsets
                .iter()
                .map(|offset| Offset {
                    from: timestamp(offset.from.seconds()),
                    minutes: u16::try_from(offset.minutes).expect("Vilnius lies east of Greenwich"),
                })
                .collect(),
        },
    }
}

fn grants(driver: &Driver) -> Vec<KeyGrant> {
    let from = driver.now();
    let until = from.after(Span::days(3 * 365));
    let grant = |key, party, scopes: &[Scope]| KeyGrant {
        key,
        party,
        scopes: Scopes::of(scopes),
        cap: Cents::new(1_000_000),
        from,
        until,
    };
    let mut grants = Vec::new();
    for school in driver.book.schools.values() {
        let party = Party::School(school.id);
        grants.push(grant(school.teacher.public(), party, &[Scope::Propose, Scope::Attendance, Scope::Read]));
        let coordinator = [Scope::Propose, Scope::Order, Scope::Attendance, Scope::Read];
        grants.push(grant(school.coordinator.public(), party, &coordinator));
    }
    for provider in driver.book.providers.values() {
        let scopes = [Scope::Order, Scope::Attendance, Scope::Settlement, Scope::Read];
        grants.push(grant(provider.staff.public(), Party::Provider(provider.id), &scopes));
    }
    grants
}

async fn services(driver: &mut Driver, programme: &Programme, progress: &super::Progress) -> anyhow::Result<()> {
    let capacities = capacities(programme);
    let documents = programme.services.iter().map(description).collect::<Result<Vec<_>, _>>()?;
    let documents = driver.documents(documents).await?;
    let publish = |service: &programme::Service, document| CatalogueOperation::Publish {
        service: driver.book.services[&service.service_code],
        provider: driver.book.providers[&service.provider_code].id,
        terms: terms(programme, service, capacities.get(&service.service_code).copied(), document),
    };
    let wishes = programme
        .services
        .iter()
        .zip(documents)
        .map(|(service, document)| by_operator(driver, Operation::Catalogue(publish(service, document))))
        .collect();
    driver.all(wishes, &|count| progress.add(count)).await?;
    Ok(())
}

/// The public description of a service, with a salt so that its hash says nothing to who does not have it.
fn description(service: &programme::Service) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&serde_json::json!({
        "salt": hex::encode(random_bytes::<32>()),
        "title": { "lt": service.title_lt, "en": service.title_en },
        "description": service.description,
    }))
}

/// The largest session of each service.
fn capacities(programme: &Programme) -> BTreeMap<ServiceCode, u16> {
    let mut capacities = BTreeMap::new();
    for session in &programme.sessions {
        let largest: &mut u16 = capacities.entry(session.service_code).or_default();
        *largest = session.capacity.max(*largest);
    }
    capacities
}

fn terms(
    programme: &Programme,
    service: &programme::Service,
    largest_session: Option<u16>,
    document: DocumentId,
) -> ServiceTerms {
    let mut venues: Vec<Place> = service.venues.places().iter().map(|code| place(*code)).collect();
    venues.sort_unstable();
    venues.dedup();
    ServiceTerms {
        field: field(service.art_field),
        kind: kind(service.service_type),
        grades: Grades { from: service.grade_from, until: service.grade_to },
        price: Cents::new(service.price_cents.into()),
        capacity: largest_session.map_or(service.max_group, |largest| largest.max(service.max_group)),
        vat: match service.vat_category {
            programme::VatCategory::Standard => VatCategory::Standard,
            programme::VatCategory::Reduced => VatCategory::Reduced,
            programme::VatCategory::ExemptCulture => VatCategory::ExemptCulture,
            programme::VatCategory::ExemptEducation => VatCategory::ExemptEducation,
            programme::VatCategory::OutsideScope => VatCategory::NotRegistered,
        },
        venues,
        from: timestamp(programme.parameters.instant(service.valid_from, 0, 0).seconds()),
        until: timestamp(programme.parameters.instant(service.valid_until.plus(1), 0, 0).seconds()),
        document,
    }
}

fn field(field: programme::ArtField) -> ArtField {
    match field {
        programme::ArtField::Theatre => ArtField::Theatre,
        programme::ArtField::Music => ArtField::Music,
        programme::ArtField::Dance => ArtField::Dance,
        programme::ArtField::Heritage => ArtField::Heritage,
        programme::ArtField::VisualArts => ArtField::VisualArts,
        programme::ArtField::Film => ArtField::Film,
        programme::ArtField::Literature => ArtField::Literature,
        programme::ArtField::EthnicCulture => ArtField::EthnicCulture,
        programme::ArtField::Architecture => ArtField::Architecture,
    }
}

fn kind(kind: programme::ServiceType) -> ServiceKind {
    match kind {
        programme::ServiceType::Performance | programme::ServiceType::Screening => ServiceKind::Performance,
        programme::ServiceType::Visit => ServiceKind::Tour,
        programme::ServiceType::Workshop => ServiceKind::Workshop,
        programme::ServiceType::Lecture => ServiceKind::Lesson,
    }
}

async fn sessions(driver: &mut Driver, programme: &Programme, progress: &super::Progress) -> anyhow::Result<()> {
    let owners: BTreeMap<_, _> =
        programme.services.iter().map(|service| (service.service_code, service.provider_code)).collect();
    let wishes = programme
        .sessions
        .iter()
        .map(|session| {
            let open = CatalogueOperation::OpenSession {
                year: driver.book.year,
                session: driver.book.sessions[&session.session_code],
                service: driver.book.services[&session.service_code],
                offer: SessionOffer {
                    start: timestamp(session.start.seconds()),
                    end: timestamp(session.end.seconds()),
                    place: place(session.place),
                    capacity: session.capacity,
                },
            };
            let signer = driver.book.providers[&owners[&session.service_code]].staff.clone();
            Wish { signer, operation: Operation::Catalogue(open) }
        })
        .collect();
    driver.all(wishes, &|count| progress.add(count)).await?;
    Ok(())
}

async fn pupils(driver: &mut Driver, programme: &Programme, progress: &super::Progress) -> anyhow::Result<()> {
    let year = driver.book.year;
    let mut pupils = Vec::with_capacity(programme.pupils.len());
    for pupil in &programme.pupils {
        pupils.push(NewPupil {
            pupil: driver.book.pupil(pupil.register_code),
            nullifier: new_id(Nullifier),
            school: driver.book.schools[&pupil.school_code].id,
            grade: pupil.grade,
        });
    }
    pupils.sort_by_key(|pupil| pupil.pupil);
    let parts: Vec<&[NewPupil]> = pupils.chunks(MAX_BATCH).collect();
    let open = parts.iter().map(|part| WalletOperation::OpenPupils { year, pupils: part.to_vec() });
    let wishes = open.map(|one| by_operator(driver, Operation::Wallet(one))).collect();
    driver.all(wishes, &|count| progress.add(count)).await?;
    let allocate = parts
        .iter()
        .map(|part| FundsOperation::Allocate { year, pupils: part.iter().map(|pupil| pupil.pupil).collect() });
    let wishes = allocate.map(|one| by_operator(driver, Operation::Funds(one))).collect();
    driver.all(wishes, &|count| progress.add(count)).await?;
    Ok(())
}
