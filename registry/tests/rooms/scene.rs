//! A small registry: two schools, two providers, five pupils, and somebody in every role.

use keis_ledger::classifiers::Year;
use keis_ledger::ids::{ProviderId, SchoolId};
use keis_ledger::time::Timestamp;
use keis_registry::bodies::{NewProvider, NewSchool, ProviderKind};
use keis_registry::ids::PersonId;
use keis_registry::people::{self, PupilFacts};
use keis_registry::permission::Role;
use keis_registry::users::{Claims, RoleClaim, User};
use keis_registry::{Actor, Registry, wallets};

use crate::support::Place;

pub const SYSTEM: Actor = Actor::System("test");
pub const YEAR: Year = Year(2026);
pub const SCHOOL: &str = "190000018";
pub const OTHER_SCHOOL: &str = "190000029";
pub const PROVIDER: &str = "300000017";
pub const CERTIFICATE: &str = "1234567";

/// Everything of the scene that must stand in no file, under no circumstances.
pub const SECRETS: [&str; 12] = [
    "Žygimantė",
    "Ąžuolaitytė",
    "4400000011",
    "4400000012",
    "Barbora",
    "Čiurlytė",
    "Kotryna Coordinator",
    "kotryna@school.example",
    "https://directory.example",
    "subject-of-kotryna",
    "Ignas Naturalis",
    CERTIFICATE,
];

pub struct Scene {
    pub registry: Registry,
    pub school: SchoolId,
    pub other: SchoolId,
    pub provider: ProviderId,
    pub natural: ProviderId,
    pub pupils: Vec<PersonId>,
}

pub fn facts(school: SchoolId, code: &str, given: &str, family: &str, class: &str) -> PupilFacts {
    PupilFacts {
        register_code: code.to_owned(),
        given_name: given.to_owned(),
        family_name: family.to_owned(),
        school,
        branch: 0,
        class: class.to_owned(),
        joint_class: None,
        grade: class.trim_end_matches(char::is_alphabetic).parse().unwrap(),
    }
}

pub fn school(code: &str, name: &str) -> NewSchool {
    let place = "LT-57".parse().unwrap();
    NewSchool { code: code.to_owned(), name: name.to_owned(), place, branches: 1, controlling_code: None }
}

pub fn provider(code: &str, kind: ProviderKind, name: &str) -> NewProvider {
    NewProvider {
        code: code.to_owned(),
        kind,
        name: name.to_owned(),
        place: "LT-57".parse().unwrap(),
        vat_registered: false,
        controlling_code: None,
    }
}

pub async fn scene(place: &Place) -> Scene {
    let registry = place.open().await;
    let put = async |code, name| registry.put_school(&SYSTEM, &school(code, name)).await.unwrap().body.id;
    let (own, other) = (put(SCHOOL, "Šilo gimnazija").await, put(OTHER_SCHOOL, "Upės mokykla").await);
    let put = async |new| registry.put_provider(&SYSTEM, &new).await.unwrap().body.id;
    let legal = put(provider(PROVIDER, ProviderKind::Legal, "Lėlių teatras")).await;
    let natural = put(provider(CERTIFICATE, ProviderKind::Natural, "Ignas Naturalis")).await;
    let pupils = [
        facts(own, "4400000011", "Žygimantė", "Ąžuolaitytė", "5a"),
        facts(own, "4400000012", "Barbora", "Čiurlytė", "5a"),
        facts(own, "4400000013", "Adas", "Zuokas", "5a"),
        facts(own, "4400000014", "Jonas", "Adomaitis", "10b"),
        facts(other, "4400000015", "Ona", "Petraitytė", "5a"),
    ];
    let mut work = registry.begin().await.unwrap();
    let pupils = people::arrive(&mut work, &pupils, 1, Timestamp(1)).await.unwrap();
    wallets::draw(&mut work, YEAR, &pupils).await.unwrap();
    work.commit().await.unwrap();
    Scene { registry, school: own, other, provider: legal, natural, pupils }
}

pub fn claims(subject: &str, roles: &[(Role, Option<&str>)]) -> Claims {
    Claims {
        issuer: "https://directory.example".to_owned(),
        subject: subject.to_owned(),
        name: "Kotryna Coordinator".to_owned(),
        email: Some("kotryna@school.example".to_owned()),
        roles: roles.iter().map(|(role, body)| RoleClaim { role: *role, body: body.map(str::to_owned) }).collect(),
    }
}

impl Scene {
    pub async fn user(&self, subject: &str, role: Role, body: Option<&str>) -> User {
        self.registry.sign_in(&claims(subject, &[(role, body)])).await.unwrap().user
    }

    pub async fn coordinator(&self) -> User {
        self.user("subject-of-kotryna", Role::Coordinator, Some(SCHOOL)).await
    }

    pub async fn officer(&self) -> User {
        self.user("subject-of-an-officer", Role::Officer, None).await
    }

    pub async fn actions(&self) -> Vec<String> {
        let page = keis_registry::Page::first(500);
        let log = self.registry.log_entries(&SYSTEM, &page).await.unwrap();
        log.items.iter().rev().map(|entry| entry.action.clone()).collect()
    }
}
