//! Who can sign in on the trial network, and the schools and providers of its registry.

use anyhow::Context;
use keis_portal::signin::SamplePerson;
use keis_registry::Registry;
use keis_registry::bodies::{self, NewProvider, NewSchool, ProviderKind};
use keis_registry::permission::Role;
use keis_registry::users::RoleClaim;

use crate::demo::book::Book;
use crate::demo::setup::place;
use crate::programme::{self, Programme};

/// Invented people: id, name, role.
const AT_SCHOOLS: [(&str, &str, usize, Role); 4] = [
    ("coordinator", "Rūta Pavyzdienė", 0, Role::Coordinator),
    ("teacher", "Jonas Pavyzdys", 0, Role::Teacher),
    ("coordinator-2", "Aldona Bandomoji", 1, Role::Coordinator),
    ("teacher-2", "Mantas Bandymas", 1, Role::Teacher),
];

/// Invented people of providers.
const AT_PROVIDERS: [(&str, &str, usize); 2] =
    [("provider", "Eglė Teikėja", 0), ("provider-2", "Tomas Edukatorius", 1)];

/// Invented officers.
const OFFICERS: [(&str, &str, Role); 2] =
    [("officer", "Birutė Tvarkytoja", Role::Officer), ("budget-officer", "Vytautas Valdytojas", Role::BudgetOfficer)];

/// The sample people of a programme's schools and providers.
pub(super) fn sample(programme: &Programme) -> Vec<SamplePerson> {
    let person = |id: &str, name: &str, role, body| SamplePerson {
        id: id.to_owned(),
        name: name.to_owned(),
        roles: vec![RoleClaim { role, body }],
    };
    let mut people = Vec::new();
    for (id, name, index, role) in AT_SCHOOLS {
        if let Some(school) = programme.schools.get(index) {
            people.push(person(id, name, role, Some(school.school_code.to_string())));
        }
    }
    for (id, name, index) in AT_PROVIDERS {
        if let Some(provider) = programme.providers.get(index) {
            people.push(person(id, name, Role::ProviderStaff, Some(provider.provider_code.to_string())));
        }
    }
    people.extend(OFFICERS.map(|(id, name, role)| person(id, name, role, None)));
    people
}

/// Enters the schools and providers of the files in the registry. Their wallets get the ids that the registry draws.
pub(super) async fn enrol(registry: &Registry, book: &mut Book, programme: &Programme) -> anyhow::Result<()> {
    let mut work = registry.begin().await?;
    for school in &programme.schools {
        let new = NewSchool {
            code: school.school_code.to_string(),
            name: school.name.clone(),
            place: place(school.place),
            branches: school.branches,
            controlling_code: None,
        };
        let entered = bodies::put_school(&mut work, &new).await?.body;
        let wallet = book.schools.get_mut(&school.school_code).context("a school without a wallet")?;
        (wallet.id, wallet.entity) = (entered.id, entered.entity);
        bodies::mark_school_opened(&mut work, entered.id).await?;
    }
    for provider in &programme.providers {
        let new = NewProvider {
            code: provider.provider_code.to_string(),
            kind: match provider.kind {
                programme::ProviderKind::Legal => ProviderKind::Legal,
                programme::ProviderKind::Natural => ProviderKind::Natural,
            },
            name: provider.name.clone(),
            place: place(provider.place),
            vat_registered: provider.vat_status == programme::VatStatus::Registered,
            controlling_code: provider.controlling_code.map(|code| code.to_string()),
        };
        let entered = bodies::put_provider(&mut work, &new).await?.body;
        let wallet = book.providers.get_mut(&provider.provider_code).context("a provider without a wallet")?;
        (wallet.id, wallet.entity) = (entered.id, entered.entity);
        bodies::mark_provider_opened(&mut work, entered.id).await?;
    }
    Ok(work.commit().await?)
}
