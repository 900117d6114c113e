//! Sample people, on simulated networks only.

use std::sync::Arc;

use keis_registry::permission::Role;
use keis_registry::users::{Claims, RoleClaim};

use super::SamplePerson;
use super::pages::{enter as let_in, wanted};
use crate::call::{Answer, Call};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// The issuer of sample people, which no provider can have.
const ISSUER: &str = "simulated";

/// Sample people of one role.
pub(super) struct People {
    /// The role.
    pub(super) role: String,
    /// Who has it.
    pub(super) people: Vec<Person>,
}

/// Somebody to sign in as.
pub(super) struct Person {
    /// Id.
    pub(super) id: String,
    /// Name.
    pub(super) name: String,
    /// Where, in words.
    pub(super) place: String,
}

/// The sample people by their first role.
pub(super) async fn people(site: &Site, w: &Words) -> Result<Vec<People>, Trouble> {
    let mut groups = Vec::new();
    for role in Role::ALL {
        let mut people = Vec::new();
        for person in &site.sign_in.people {
            if person.roles.first().is_some_and(|claim| claim.role == role) {
                people.push(shown(site, w, person).await?);
            }
        }
        if !people.is_empty() {
            groups.push(People { role: w.text(&format!("signin-role-{role}")), people });
        }
    }
    Ok(groups)
}

async fn shown(site: &Site, w: &Words, person: &SamplePerson) -> Result<Person, Trouble> {
    let mut places = Vec::new();
    for claim in &person.roles {
        places.push(place(site, w, claim).await?);
    }
    places.dedup();
    Ok(Person { id: person.id.clone(), name: person.name.clone(), place: places.join(", ") })
}

async fn place(site: &Site, w: &Words, claim: &RoleClaim) -> Result<String, Trouble> {
    let code = claim.body.as_deref().unwrap_or_default();
    let known = match claim.role {
        Role::Coordinator | Role::Teacher => site.registry.school_by_code(code).await?.map(|school| school.name),
        Role::ProviderStaff => site.registry.provider_by_code(code).await?.map(|provider| provider.name),
        Role::Officer => Some(w.text("signin-place-operator")),
        Role::BudgetOfficer => Some(w.text("signin-place-budget")),
    };
    Ok(known.unwrap_or_else(|| code.to_owned()))
}

/// Lets a sample person in.
pub(super) async fn enter(site: Arc<Site>, call: Call) -> Answer {
    let id: String = call.form.need("person")?;
    let person = site.sign_in.people.iter().find(|person| person.id == id).ok_or(Trouble::NotFound)?;
    let claims = Claims {
        issuer: ISSUER.to_owned(),
        subject: person.id.clone(),
        name: person.name.clone(),
        email: None,
        roles: person.roles.clone(),
    };
    let_in(&site, &call, &claims, None, &wanted(&call)).await
}
