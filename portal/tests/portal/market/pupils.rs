//! Pupils of the site's school.

use keis_ledger::ids::PupilId;
use keis_registry::people::{PupilFacts, arrive};
use keis_registry::{Actor, wallets};

use super::YEAR;
use crate::support::TestSite;
use crate::support::ledger::NOW;

/// Pupils of the site's school by given name, family name and class, with wallets; in the order of their names.
pub async fn pupils(site: &TestSite, names: &[(&str, &str, &str)]) -> Vec<PupilId> {
    let facts = names.iter().enumerate().map(|(index, (given, family, class))| PupilFacts {
        register_code: format!("100000{index:04}"),
        given_name: (*given).to_owned(),
        family_name: (*family).to_owned(),
        school: site.school.id,
        branch: 0,
        class: (*class).to_owned(),
        joint_class: None,
        grade: class[..1].parse().expect("a digit"),
    });
    let facts: Vec<PupilFacts> = facts.collect();
    let mut work = site.registry.begin().await.expect("the registry writes");
    let persons = arrive(&mut work, &facts, 1, NOW).await.expect("pupils arrive");
    wallets::draw(&mut work, YEAR, &persons).await.expect("wallets are drawn");
    work.commit().await.expect("it is written");
    let cards = site.registry.school_pupils(&Actor::System("test"), site.school.id, YEAR).await;
    let found: Vec<PupilId> = cards.expect("they are there").iter().filter_map(|card| card.wallet).collect();
    assert_eq!(found.len(), names.len());
    found
}
