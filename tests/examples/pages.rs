//! Page times of the portal with fifty users at once, over a live network: `cargo run --release -p keis-tests --example pages`.
//!
//! Every user signs in as the sample coordinator, and opens one page after the other with a pause between. Arguments: users,
//! rounds, pause in milliseconds, pupils of the sample.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use keis_tests::door::http;
use keis_tests::house::House;
use reqwest::header::{CONTENT_TYPE, COOKIE, ORIGIN, SET_COOKIE};

/// Pages of a coordinator's day.
const PAGES: [&str; 8] =
    ["", "services", "services?q=teatras", "figures", "school", "school/classes", "school/orders", "school/unreached"];

#[tokio::main]
async fn main() {
    // Names the provider of TLS that every other client here needs too.
    drop(http());
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<usize>().expect("a number"));
    let mut next = |standard| arguments.next().unwrap_or(standard);
    let (users, rounds, pause, pupils) = (next(50), next(5), next(1000), next(3000));
    let house = House::open(pupils).await;
    let pages = pages(&house).await;
    let pause = Duration::from_millis(pause as u64);
    let started = Instant::now();
    let tasks = (0..users).map(|user| {
        let (url, pages) = (house.url.clone(), pages.clone());
        tokio::spawn(async move { visit(&url, &pages, user, rounds, pause).await })
    });
    let mut times: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
    let mut weights: BTreeMap<String, usize> = BTreeMap::new();
    for visited in futures::future::join_all(tasks).await {
        for (page, time, bytes) in visited.expect("a user's visit ends") {
            weights.insert(page.clone(), bytes);
            times.entry(page).or_default().push(time);
        }
    }
    let all: Vec<Duration> = times.values().flatten().copied().collect();
    println!("{users} users, {} pages in {:.1} s, pause {pause:?}", all.len(), started.elapsed().as_secs_f64());
    println!("{:<46}{:>9}{:>9}{:>9}{:>10}", "page", "p50 ms", "p95 ms", "max ms", "bytes");
    for (page, times) in times {
        line(&format!("/{page}"), times, weights[&page]);
    }
    line("all", all, 0);
    house.close().await;
}

fn line(name: &str, mut times: Vec<Duration>, bytes: usize) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    println!("{name:<46}{:>9.1}{:>9.1}{:>9.1}{bytes:>10}", at(0.5), at(0.95), at(1.0));
}

/// The fixed pages, and one of a class, a service and a new order each.
async fn pages(house: &House) -> Vec<String> {
    let cookie = sign_in(&house.url).await;
    let mut pages: Vec<String> = PAGES.map(str::to_owned).into();
    for (list, beginning) in
        [("school/classes", "/school/class?"), ("services", "/services/srv_"), ("school/orders", "/school/orders/ord_")]
    {
        let page = fetch(&house.url, list, &cookie).await;
        let link = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let found = link.into_iter().find(|link| link.starts_with(beginning));
        pages.extend(found.map(|link| link.trim_start_matches('/').replace("&amp;", "&").replace("&#38;", "&")));
    }
    pages
}

async fn visit(
    url: &str,
    pages: &[String],
    user: usize,
    rounds: usize,
    pause: Duration,
) -> Vec<(String, Duration, usize)> {
    let cookie = sign_in(url).await;
    let mut times = Vec::new();
    for round in 0..rounds {
        for index in 0..pages.len() {
            let page = &pages[(index + user + round) % pages.len()];
            let asked = Instant::now();
            let text = fetch(url, page, &cookie).await;
            times.push((page.clone(), asked.elapsed(), text.len()));
            tokio::time::sleep(pause).await;
        }
    }
    times
}

async fn fetch(url: &str, page: &str, cookie: &str) -> String {
    let response = http().get(format!("{url}{page}")).header(COOKIE, cookie).send().await.expect("the portal answers");
    let status = response.status();
    let text = response.text().await.expect("a page has a body");
    assert!(status.is_success(), "/{page} answers {status}");
    text
}

async fn sign_in(url: &str) -> String {
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
    let response = client
        .expect("a client can be made")
        .post(format!("{url}signin/simulated"))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ORIGIN, url.trim_end_matches('/'))
        .body("person=coordinator")
        .send()
        .await
        .expect("the portal answers");
    let cookies = response.headers().get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    let cookies: Vec<&str> = cookies.filter_map(|cookie| cookie.split(';').next()).collect();
    assert!(!cookies.is_empty(), "nobody was signed in: {}", response.status());
    cookies.join("; ")
}
