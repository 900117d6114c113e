//! Officers' pages: who sees them, both languages, the words of the ledger's rules.

use crate::office_support::gateway;
use crate::support::{Page, SiteOptions, TestSite, start};
use keis_portal::words::{LANGS, Lang};

/// Pages that an officer of the operator opens without more.
const PAGES: [&str; 17] = [
    "/office",
    "/office/decisions",
    "/office/keys",
    "/office/keys?state=active",
    "/office/year",
    "/office/year/2026",
    "/office/year/2026?q=Vilniaus",
    "/office/services",
    "/office/services/new",
    "/office/import",
    "/office/people",
    "/office/people?kind=providers&q=teatras",
    "/office/pupil",
    "/office/outbox?state=refused",
    "/office/log?actor=user",
    "/office/differences",
    "/office/behalf?q=a",
];

/// Addresses that change something.
const ACTS: [&str; 8] = [
    "/office/keys/ukey_00000000000000000000000000000000/approve",
    "/office/year/open",
    "/office/year/2026/wallets",
    "/office/services/new",
    "/office/people/schools/new",
    "/office/pupil",
    "/office/log/verify",
    "/office/differences",
];

async fn site() -> TestSite {
    start(SiteOptions { gateway: Some(gateway().await), ..SiteOptions::default() }).await
}

/// What people read: the text between tags.
fn read(page: &Page) -> String {
    let mut text = String::new();
    let mut inside = false;
    for letter in page.text.chars() {
        match letter {
            '<' => inside = true,
            '>' => inside = false,
            letter if !inside => text.push(letter),
            _ => {}
        }
    }
    text
}

#[tokio::test]
async fn every_page_is_shown_in_both_languages() {
    let site = site().await;
    let officer = site.signed_in("officer").await;
    let (school, provider) = (site.school.id, site.provider.id);
    let others = [
        "/office/people/schools/new".to_owned(),
        "/office/people/providers/new".to_owned(),
        format!("/office/people/{school}"),
        format!("/office/people/{provider}"),
        format!("/office/behalf/{school}"),
        format!("/office/behalf/{provider}"),
        format!("/office/behalf/{school}/new"),
        format!("/office/behalf/{school}/new?q=teatras"),
    ];
    for path in PAGES.iter().map(|path| (*path).to_owned()).chain(others) {
        for lang in LANGS {
            let mark = if path.contains('?') { '&' } else { '?' };
            let page = officer.get(&format!("{path}{mark}lang={}", lang.code())).await;
            assert_eq!(page.status, 200, "{path}: {}", page.text);
            let text = read(&page);
            assert!(!text.contains("office-"), "{path} lacks words: {text}");
            assert!(page.text.contains(&format!("<html lang=\"{}\"", lang.code())), "{path}");
            assert_eq!(page.text.matches("<h1").count(), 1, "{path} has one heading of the first level");
            assert!(page.text.len() < 120_000, "{path} weighs {}", page.text.len());
        }
    }
    site.shutdown().await;
}

#[tokio::test]
async fn officers_alone_see_them() {
    let site = site().await;
    for person in ["coordinator", "teacher", "provider_staff"] {
        let browser = site.signed_in(person).await;
        for path in PAGES {
            assert_eq!(browser.get(path).await.status, 403, "{person} {path}");
        }
        for path in ACTS {
            assert_eq!(browser.post(path, &[]).await.status, 403, "{person} {path}");
        }
    }
    let nobody = site.browser();
    for path in PAGES {
        let page = nobody.get(path).await;
        assert_eq!(page.status, 303, "{path}");
        assert!(page.header("location").starts_with("/signin?next="), "{path}");
    }
    site.shutdown().await;
}

#[tokio::test]
async fn each_officer_has_their_own_part() {
    let site = site().await;
    let budget = site.signed_in("budget_officer").await;
    assert_eq!(budget.get("/office").await.header("location"), "/office/year");
    assert_eq!(budget.get("/office/year/open").await.status, 200);
    assert_eq!(budget.get("/office/keys").await.status, 403);
    assert_eq!(budget.get("/office/pupil").await.status, 403);
    assert_eq!(budget.post("/office/year/2026/wallets", &[]).await.status, 403);
    let officer = site.signed_in("officer").await;
    assert_eq!(officer.get("/office/year/open").await.status, 403);
    assert_eq!(officer.post("/office/year/2026/end", &[("typed", "2026")]).await.status, 403);
    site.shutdown().await;
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let site = site().await;
    let officer = site.signed_in("officer").await;
    for path in [
        "/office/keys/ukey_00000000000000000000000000000000",
        "/office/keys/nonsense",
        "/office/year/1999",
        "/office/services/srv_00000000000000000000000000000000",
        "/office/people/sch_00000000000000000000000000000000",
        "/office/people/operator",
    ] {
        assert_eq!(officer.get(path).await.status, 404, "{path}");
    }
    site.shutdown().await;
}

/// Names of the ledger's rules, as answers carry them.
fn codes() -> Vec<String> {
    let source = include_str!("../../../ledger/src/rejection.rs");
    let body = source.split("pub enum Rejection {").nth(1).and_then(|rest| rest.split("\n}").next());
    let lines = body.expect("the rules stand there").lines().filter_map(|line| line.strip_prefix("    "));
    let variants = lines.filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()));
    let snake = |line: &str| {
        let name = line.trim_end_matches([',', '{', ' ']);
        let mut code = String::new();
        for letter in name.chars() {
            if letter.is_ascii_uppercase() && !code.is_empty() {
                code.push('_');
            }
            code.push(letter.to_ascii_lowercase());
        }
        code
    };
    variants.map(snake).collect()
}

#[test]
fn every_rule_of_the_ledger_has_words() {
    let codes = codes();
    assert!(codes.len() > 60 && codes.contains(&"school_money_exceeded".to_owned()), "{codes:?}");
    for lang in LANGS {
        let missing: Vec<_> = codes.iter().filter(|code| !lang.words().has(&format!("rejection-{code}"))).collect();
        assert!(missing.is_empty(), "{}: {missing:?}", lang.code());
    }
    let known = Lang::Lt.words().templates("rejection-");
    let extra: Vec<_> =
        known.iter().filter(|(key, _)| !codes.contains(&key["rejection-".len()..].to_owned())).collect();
    assert!(extra.is_empty(), "words of rules that are no more: {extra:?}");
}
