//! Fifty people look at classes at once: how long does one look take? `readers [URL]`; without one, a SQLite file of its own.

use std::time::{Duration, Instant};

use keis_ledger::classifiers::Year;
use keis_ledger::ids::SchoolId;
use keis_ledger::time::Timestamp;
use keis_registry::bodies::NewSchool;
use keis_registry::people::{self, PupilFacts};
use keis_registry::{Actor, MasterKey, Registry, wallets};

const READERS: usize = 50;
const LOOKS: usize = 40;
const CLASSES: usize = 100;
const PUPILS: usize = 30;
const YEAR: Year = Year(2026);
const ACTOR: Actor = Actor::System("readers");

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let own = format!("sqlite:{}", folder.path().join("registry.db").display());
    let url = std::env::args().nth(1).unwrap_or(own);
    let registry = Registry::open(&url, &MasterKey::from_bytes([7; 32])).await?;
    let begun = Instant::now();
    let school = fill(&registry).await?;
    println!("{} pupils taken in, with wallets, in {:?}", CLASSES * PUPILS, begun.elapsed());
    let begun = Instant::now();
    let looks = futures::future::join_all((0..READERS).map(|reader| look(registry.clone(), school, reader))).await;
    let took = begun.elapsed();
    let mut looks: Vec<Duration> = looks.into_iter().flatten().collect();
    looks.sort();
    let share = |per_cent: usize| looks[looks.len() * per_cent / 100 - 1];
    println!(
        "{READERS} readers, {} looks in {took:?}: p50 {:?}, p95 {:?}, p99 {:?}",
        looks.len(),
        share(50),
        share(95),
        share(99)
    );
    let begun = Instant::now();
    let head = registry.verify_log(None).await?;
    println!("log of {} entries verified in {:?}", head.seq, begun.elapsed());
    let one = registry.class(&ACTOR, school, 0, "1-0", YEAR).await?[0].person;
    let begun = Instant::now();
    let receipt = registry.erase(&ACTOR, one, Default::default()).await?;
    println!("one pupil erased in {:?}, files swept: {}", begun.elapsed(), receipt.swept);
    Ok(())
}

async fn fill(registry: &Registry) -> Result<SchoolId, Box<dyn std::error::Error>> {
    let new = NewSchool {
        code: "190000018".to_owned(),
        name: "Mokykla".to_owned(),
        place: "LT-57".parse()?,
        branches: 0,
        controlling_code: None,
    };
    let school = registry.put_school(&ACTOR, &new).await?.body.id;
    let facts = |number: usize| PupilFacts {
        register_code: format!("{number:010}"),
        given_name: "Vardas".to_owned(),
        family_name: format!("Pavardė {number}"),
        school,
        branch: 0,
        class: format!("1-{}", number / PUPILS),
        joint_class: None,
        grade: 1,
    };
    let all: Vec<PupilFacts> = (0..CLASSES * PUPILS).map(facts).collect();
    for chunk in all.chunks(1_000) {
        let mut work = registry.begin().await?;
        let persons = people::arrive(&mut work, chunk, 1, Timestamp(1)).await?;
        wallets::draw(&mut work, YEAR, &persons).await?;
        work.commit().await?;
    }
    Ok(school)
}

async fn look(registry: Registry, school: SchoolId, reader: usize) -> Vec<Duration> {
    let mut took = Vec::with_capacity(LOOKS);
    for look in 0..LOOKS {
        let class = format!("1-{}", (reader * 7 + look) % CLASSES);
        let begun = Instant::now();
        let cards = registry.class(&ACTOR, school, 0, &class, YEAR).await.expect("a class can be read");
        assert_eq!(cards.len(), PUPILS);
        took.push(begun.elapsed());
    }
    took
}
