//! Who has not been anywhere: a long list comes in pages, and by class.

use crate::market::Market;
use crate::support::ledger::NOW;
use crate::support::{Browser, Page, TestSite};
use keis_registry::people::{PupilFacts, arrive};

async fn page(browser: &Browser, path: &str) -> Page {
    let page = browser.get(path).await;
    assert_eq!(page.status, 200, "{path}: {}", page.text);
    page
}

/// Many pupils without wallets in three classes.
async fn crowd(site: &TestSite) {
    let facts = (0..150_u32).map(|number| PupilFacts {
        register_code: format!("3{number:09}"),
        given_name: "Vardas".to_owned(),
        family_name: format!("Pavardė{number:03}"),
        school: site.school.id,
        branch: 0,
        class: ["7a", "7b", "8a"][number as usize / 50].to_owned(),
        joint_class: None,
        grade: 7,
    });
    let facts: Vec<PupilFacts> = facts.collect();
    let mut work = site.registry.begin().await.expect("the registry writes");
    arrive(&mut work, &facts, 1, NOW).await.expect("pupils arrive");
    work.commit().await.expect("it is written");
}

#[tokio::test]
async fn a_long_list_of_the_unreached_comes_in_pages_and_by_class() {
    let market = Market::start().await;
    let site = market.site().await;
    crowd(&site).await;
    let coordinator = site.signed_in("coordinator").await;
    let mut seen = std::collections::BTreeSet::new();
    let mut next = Some("/school/unreached?unbooked=1".to_owned());
    let mut pages = 0;
    while let Some(path) = next {
        let shown = page(&coordinator, &path).await;
        assert!(shown.text.len() < 48_000, "{path}: {} bytes", shown.text.len());
        let rows = shown.text.split("<th scope=\"row\">").skip(1);
        seen.extend(rows.map(|row| row.split('<').next().expect("a name").to_owned()));
        let links = shown.text.split("href=\"").filter_map(|rest| rest.split('"').next());
        pages += 1;
        let following = format!("page={}", pages + 1);
        next = links.filter(|link| link.ends_with(&following)).map(|link| link.replace("&#38;", "&")).next();
        assert!(next.as_ref().is_none_or(|next| next.contains("unbooked=1")), "the filter goes along: {next:?}");
    }
    assert_eq!((seen.len(), pages), (150, 4), "{seen:?}");
    let one = page(&coordinator, "/school/unreached?class=0%3A7b&page=99").await;
    assert!(one.text.contains("Pavardė099") && !one.text.contains("Pavardė100"), "the last page of one class");
    assert!(one.text.contains("class=0%3A7b"), "{}", one.text);
    assert_eq!(coordinator.get("/school/unreached?class=0%3A9z").await.status, 404);
    assert_eq!(coordinator.get("/school/unreached?class=9z").await.status, 400);
    assert_eq!(coordinator.get("/school/unreached?page=-1").await.status, 400);
    site.shutdown().await;
}
