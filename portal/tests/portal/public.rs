//! Public pages: in both languages, without scripts, with and without something to show.

use crate::market::{DAY, HOUR, Market, bytes, follow, order, service, session};
use crate::support::{Browser, Page, TestSite};
use keis_ledger::ids::{OrderId, PupilId, SchoolId, ServiceId, SessionId};
use keis_ledger::record::{OrderState, Standing};
use keis_portal::words::LANGS;
use serde_json::{Value, json};

/// Most bytes of a page of services.
const MOST: usize = 60_000;

async fn site(market: &Market) -> TestSite {
    let site = market.site().await;
    follow(&site).await;
    site
}

/// A page that was found, says everything in words and holds no script but the site's own files.
async fn page(browser: &Browser, path: &str) -> Page {
    let page = browser.get(path).await;
    assert_eq!(page.status, 200, "{path}: {}", page.text);
    check(&page);
    page
}

fn check(page: &Page) {
    for key in ["public-", "provider-", "count-", "order-", "field-", "kind-", "vat-", "grades-"] {
        assert!(!page.text.contains(&format!(">{key}")), "{}: a message is missing: {key}", page.url);
    }
    for forbidden in [" style=", "<style", " onclick=", "javascript:"] {
        assert!(!page.text.contains(forbidden), "{}: {forbidden}", page.url);
    }
    assert_eq!(page.text.matches("<h1").count(), 1, "{}", page.url);
}

async fn busy() -> Market {
    let market = Market::start().await;
    let provider = keis_ledger::ids::ProviderId([9; 16]);
    let mut book = market.book();
    for number in 1..=200 {
        let id = ServiceId(bytes(number));
        let title = format!("Kūrybinės dirbtuvės „Ąžuolų girioje“ su tėvais ir seneliais Nr. {number}");
        book.services.insert(id, service(provider, &title, &format!("Creative workshop no. {number}")));
        for time in 1..=3 {
            let offered = session(id, u64::from(time) * DAY + HOUR, number % 30);
            book.sessions.insert(SessionId(bytes(number * 10 + time)), offered);
        }
    }
    let (at, joined) = book.sessions.iter().next().map(|(id, one)| (*id, one.clone())).expect("there are some");
    let pupils = [PupilId([1; 16])];
    let settled = order(SchoolId([3; 16]), provider, (at, &joined), &pupils, OrderState::Settled);
    book.orders.insert(OrderId(bytes(1)), settled);
    drop(book);
    market
}

#[tokio::test]
async fn every_page_speaks_both_languages() {
    let market = busy().await;
    let site = site(&market).await;
    let browser = site.browser();
    let service = format!("/services/{}", ServiceId(bytes(1)));
    for lang in LANGS {
        let w = lang.words();
        for (path, says) in [
            ("/", w.text("public-next-sessions")),
            ("/services", w.count("public-found", 200u64)),
            (service.as_str(), w.text("public-rules")),
            ("/figures", w.text("public-balanced")),
            ("/about", w.text("public-privacy")),
        ] {
            let page = page(&browser, &format!("{path}?lang={}", lang.code())).await;
            assert!(page.text.contains(&says), "{path}: {says}: {}", page.text);
            assert!(page.text.contains(&format!("<html lang=\"{}\"", lang.code())));
            println!("{path} {}: {} bytes", lang.code(), page.text.len());
        }
    }
    site.shutdown().await;
}

#[tokio::test]
async fn a_page_of_services_is_light_and_leads_on() {
    let market = busy().await;
    let site = site(&market).await;
    let browser = site.browser();
    let first = page(&browser, "/services?sort=title&q=dirbtuves").await;
    assert!(first.text.len() < MOST, "{} bytes", first.text.len());
    assert_eq!(first.text.matches("<h3>").count(), 25);
    assert!(first.text.contains("href=\"/services?sort=title&#38;q=dirbtuves&#38;page=2\""), "{}", first.text);
    let last = page(&browser, "/services?page=8").await;
    assert!(last.text.contains("<span aria-current=\"page\">8</span>"));
    assert!(page(&browser, "/services?page=99&page=x").await.text.contains("aria-current=\"page\">8"));
    site.shutdown().await;
}

#[tokio::test]
async fn nothing_found_and_wrong_filters_are_told() {
    let market = busy().await;
    let site = site(&market).await;
    let browser = site.browser();
    let none = page(&browser, "/services?q=opera").await;
    assert!(none.says("public-nothing"));
    let wrong = page(&browser, "/services?price=daug&from=rytoj&free=x").await;
    for key in ["public-filter-wrong", "public-price-wrong", "public-date-wrong", "public-free-wrong"] {
        assert!(wrong.says(key), "{key}");
    }
    assert!(wrong.text.contains("value=\"daug\"") && wrong.text.contains("aria-describedby=\"price-wrong\""));
    assert_eq!(wrong.text.matches("<h3>").count(), 25);
    let quoted = page(&browser, "/services?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E").await;
    assert!(!quoted.text.contains("<script>alert"));
    site.shutdown().await;
}

#[tokio::test]
async fn a_service_shows_its_description_as_text_and_its_sessions() {
    let market = busy().await;
    let site = site(&market).await;
    let browser = site.browser();
    let id = ServiceId(bytes(30));
    let shown = page(&browser, &format!("/services/{id}")).await;
    assert!(shown.text.contains("<p>Pirmoji pastraipa.</p>"));
    assert!(!shown.text.contains("<b>pastraipa</b>"));
    let session = SessionId(bytes(301));
    assert!(shown.text.contains(&format!("/school/orders/new?session={session}")));
    // Who works at a provider orders nothing.
    let staff = site.signed_in("provider_staff").await;
    assert!(!page(&staff, &format!("/services/{id}")).await.text.contains("/school/orders/new"));
    market.book().services.get_mut(&ServiceId(bytes(200))).expect("it is there").standing = Standing::Suspended;
    assert_eq!(browser.get("/services/srv_x").await.status, 404);
    assert_eq!(browser.get(&format!("/services/{}", ServiceId([0xEE; 16]))).await.status, 404);
    assert_eq!(browser.get("/figures?year=1999").await.status, 404);
    assert_eq!(browser.get("/figures?year=x").await.status, 404);
    site.shutdown().await;
}

#[tokio::test]
async fn small_counts_are_not_printed() {
    let market = Market::start().await;
    let table = |cells: Value, withheld: u64| json!({ "cells": cells, "withheld": withheld });
    market.book().told = Some(json!({ "total": 1_234,
        "states": table(json!({ "settled": 1_200, "disputed": 20, "reversed": 14 }), 0),
        "places": table(json!({ "LT-57": 1_000, "LT-15": 225 }), 9),
        "fields": table(json!({ "music": 1_234 }), 0),
        "months": table(json!({ "2026-09": 1_234 }), 0) }));
    let site = site(&market).await;
    let browser = site.browser();
    for lang in LANGS {
        let w = lang.words();
        let figures = page(&browser, &format!("/figures?lang={}", lang.code())).await;
        let shows = |name: &str, count: &str| {
            let row = format!("<th scope=\"row\">{name}</th><td class=\"number\">{count}</td>");
            assert!(figures.text.contains(&row), "{row}: {}", figures.text);
        };
        shows(&w.text("order-disputed"), "20");
        shows(&w.text("place-LT-15"), "225");
        shows(&w.text("public-orders-withheld"), "9");
        shows(&w.text("field-music"), &w.number(1_234_u64));
        shows(&format!("2026 – {}", w.text("bills-month-9")), &w.number(1_234_u64));
        assert!(figures.text.contains(&w.text("public-orders-withheld-why")));
        let home = page(&browser, &format!("/?lang={}", lang.code())).await;
        assert!(home.text.contains(&w.number(1_200_u64)), "{}", home.text);
    }
    market.book().told = Some(Value::Null);
    assert!(page(&browser, "/figures?lang=lt").await.says("public-orders-few"));
    site.shutdown().await;
}

#[tokio::test]
async fn an_empty_market_has_pages_too() {
    let market = Market::start().await;
    let site = site(&market).await;
    let browser = site.browser();
    assert!(page(&browser, "/").await.says("public-no-sessions"));
    assert!(page(&browser, "/services").await.says("public-nothing"));
    let figures = page(&browser, "/figures").await;
    assert!(figures.says("public-no-orders"));
    assert!(figures.text.contains("<rect class=\"state\""));
    site.shutdown().await;
}
