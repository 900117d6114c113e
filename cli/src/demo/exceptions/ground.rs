//! What stands before the exceptional weeks: wallets, keys, money, services of their own.

use std::collections::BTreeSet;

use keis_ledger::classifiers::{ArtField, Grades, Place, Scope, Scopes, ServiceKind, VatCategory};
use keis_ledger::crypto::SecretKey;
use keis_ledger::ids::{EntityId, Nullifier, ProviderId, SchoolId, ServiceId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{
    CatalogueOperation, FundsOperation, KeyGrant, NewProvider, NewPupil, NewSchool, Operation, Party, ServiceTerms,
    WalletOperation,
};
use keis_ledger::time::Span;
use keis_registry::Registry;
use keis_registry::bodies::{self, ProviderKind};
use keis_wallet::random::{new_id, random_bytes};

use super::{GENEROUS, LAST_DAY, PRICE, PROVIDERS, Weeks};
use crate::demo::billing::{self, Desk};
use crate::demo::drive::Driver;
use crate::demo::setup::{by_operator, place};
use crate::programme::Programme;

const GRADE: u8 = 5;
/// Code and name of each provider; the second is of another country of the Union, the last a natural person.
const PEOPLE: [(&str, &str); PROVIDERS] = [
    ("999000016", "Ypatingųjų savaičių teatras"),
    ("49990000017", "SIA „Ēnu teātris“"),
    ("999000027", "Nykstanti edukacijų studija"),
    ("999000038", "Perimanti edukacijų studija"),
    ("9990004", "Xandriėja Wolgrlūnaitė"),
];
/// How the service of each is taxed.
const VAT: [VatCategory; PROVIDERS] = [
    VatCategory::Standard,
    VatCategory::ExemptCulture,
    VatCategory::Reduced,
    VatCategory::Reduced,
    VatCategory::NotRegistered,
];

/// A place at which nothing of the files takes place.
pub(super) fn unused_place(programme: &Programme) -> Place {
    let used: BTreeSet<Place> = programme.sessions.iter().map(|session| place(session.place)).collect();
    let municipalities = (1..=60).map(Place::Municipality);
    municipalities.into_iter().find(|place| !used.contains(place)).unwrap_or(Place::Country(*b"IS"))
}

/// What the school's coordinator may do.
pub(super) fn coordinator(driver: &Driver, school: SchoolId, key: &SecretKey) -> KeyGrant {
    grant(driver, Party::School(school), key, &[Scope::Propose, Scope::Order, Scope::Attendance, Scope::Read])
}

fn grant(driver: &Driver, party: Party, key: &SecretKey, scopes: &[Scope]) -> KeyGrant {
    let (from, until) = (driver.now(), driver.now().after(Span::days(3 * 365)));
    KeyGrant { key: key.public(), party, scopes: Scopes::of(scopes), cap: Cents::new(1_000_000), from, until }
}

/// The same of the other service of each.
const LESSON_VAT: [VatCategory; PROVIDERS] = [
    VatCategory::ExemptEducation,
    VatCategory::ExemptCulture,
    VatCategory::Reduced,
    VatCategory::Reduced,
    VatCategory::NotRegistered,
];

impl Weeks {
    /// The providers, whose payment accounts are bound with all others.
    pub(in crate::demo) fn provider_ids(&self) -> Vec<ProviderId> {
        self.providers.iter().map(|provider| provider.id).collect()
    }

    /// Enters the providers in the registry, which draws the ids of their wallets, with what their invoices name.
    pub(in crate::demo) async fn enrol(&mut self, registry: &Registry, desk: &mut Desk) -> anyhow::Result<()> {
        for (position, (provider, (code, name))) in self.providers.iter_mut().zip(PEOPLE).enumerate() {
            let new = bodies::NewProvider {
                code: code.to_owned(),
                kind: if position == GENEROUS { ProviderKind::Natural } else { ProviderKind::Legal },
                name: name.to_owned(),
                place: self.usual,
                vat_registered: position != GENEROUS,
                controlling_code: None,
            };
            let mut work = registry.begin().await?;
            let entered = bodies::put_provider(&mut work, &new).await?.body;
            bodies::mark_provider_opened(&mut work, entered.id).await?;
            work.commit().await?;
            (provider.id, provider.entity) = (entered.id, entered.entity);
            desk.enter(entered.id, &billing::guest(position, code)?).await?;
        }
        Ok(())
    }

    /// Opens wallets, binds keys, gives the pupils their money and publishes the services. The year is open.
    pub(in crate::demo) async fn settle_in(&self, driver: &mut Driver) -> anyhow::Result<()> {
        let wallets = vec![self.schools(), self.new_providers()];
        self.by_operator(driver, wallets.into_iter().map(Operation::Wallet)).await?;
        let keys = Operation::Wallet(WalletOperation::BindKeys { grants: self.grants(driver) });
        let services = self.services(driver).await?;
        let mut pupils = self.new_pupils();
        pupils.sort_by_key(|new| new.pupil);
        let (year, ids) = (driver.book.year, pupils.iter().map(|new| new.pupil).collect());
        let opened = Operation::Wallet(WalletOperation::OpenPupils { year, pupils });
        self.by_operator(driver, [keys, opened].into_iter().chain(services)).await?;
        let allocate = Operation::Funds(FundsOperation::Allocate { year, pupils: ids });
        self.by_operator(driver, [allocate].into_iter()).await
    }

    async fn by_operator(&self, driver: &mut Driver, all: impl Iterator<Item = Operation>) -> anyhow::Result<()> {
        let wishes = all.map(|operation| by_operator(driver, operation)).collect();
        driver.all(wishes, &|_| {}).await?;
        Ok(())
    }

    fn schools(&self) -> WalletOperation {
        let school = NewSchool { school: self.school, entity: new_id(EntityId), place: self.usual };
        WalletOperation::OpenSchools { schools: vec![school] }
    }

    fn new_providers(&self) -> WalletOperation {
        let new = |one: &super::OwnProvider| NewProvider { provider: one.id, entity: one.entity };
        let mut providers: Vec<NewProvider> = self.providers.iter().map(new).collect();
        providers.sort_by_key(|new| new.provider);
        WalletOperation::OpenProviders { providers }
    }

    fn grants(&self, driver: &Driver) -> Vec<KeyGrant> {
        let scopes = [Scope::Order, Scope::Attendance, Scope::Settlement, Scope::Read];
        let staff =
            self.providers.iter().map(|provider| grant(driver, Party::Provider(provider.id), &provider.staff, &scopes));
        let mut grants: Vec<KeyGrant> = staff.chain([coordinator(driver, self.school, &self.coordinator)]).collect();
        grants.sort_by_key(|grant| grant.key);
        grants
    }

    fn new_pupils(&self) -> Vec<NewPupil> {
        let pupils = self.orders.iter().flat_map(|order| &order.pupils);
        pupils
            .map(|pupil| NewPupil { pupil: *pupil, nullifier: new_id(Nullifier), school: self.school, grade: GRADE })
            .collect()
    }

    async fn services(&self, driver: &Driver) -> anyhow::Result<Vec<Operation>> {
        let own = self.providers.iter().zip(VAT).map(|(one, vat)| (one.service, one.id, vat));
        let lessons = self.providers.iter().zip(LESSON_VAT).map(|(one, vat)| (one.lesson, one.id, vat));
        let services: Vec<(ServiceId, ProviderId, VatCategory)> = own.chain(lessons).collect();
        let describe = |_| {
            serde_json::to_vec(&serde_json::json!({
                "salt": hex::encode(random_bytes::<32>()),
                "title": { "lt": "Ypatingųjų savaičių paslauga", "en": "A service of the exceptional weeks" },
                "description": "",
            }))
        };
        let documents = services.iter().map(describe).collect::<Result<Vec<_>, _>>()?;
        let documents = driver.documents(documents).await?;
        let mut venues = vec![self.usual, self.struck];
        venues.sort_unstable();
        venues.dedup();
        let publish = |((service, provider, vat), document)| {
            Operation::Catalogue(CatalogueOperation::Publish {
                service,
                provider,
                terms: ServiceTerms {
                    field: ArtField::Theatre,
                    kind: ServiceKind::Performance,
                    grades: Grades { from: 1, until: 12 },
                    price: PRICE,
                    capacity: 10,
                    vat,
                    venues: venues.clone(),
                    from: self.begin,
                    until: self.begin.after(Span::days(LAST_DAY)),
                    document,
                },
            })
        };
        Ok(services.into_iter().zip(documents).map(publish).collect())
    }
}
