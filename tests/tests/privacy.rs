//! Invariant 6: marked persons of the files occur nowhere in the network: folders, logs, metrics, public answers.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use keis_tests::check::agree;
use keis_tests::cluster::{Cluster, PATIENCE};
use keis_tests::door::http;
use keis_tests::house::House;
use keis_tests::program;
use keis_tests::scan::{Marks, forms_of_code};
use keis_tests::wait::{turn, until};
use keis_tests::world::{World, YEAR, deliver};

/// Put into every given and family name: long enough to be found by design only.
const NAME: &str = "Žymėtasis";
/// The letter of every class: four bytes that no file holds by chance.
const LETTER: char = '𝓺';

/// Marks every person and class of a programme year; returns what must occur nowhere.
fn mark(year: &Path) -> Marks {
    let mut words = BTreeSet::from([NAME.as_bytes().to_vec(), LETTER.to_string().into_bytes()]);
    for file in ["pupils.csv", "pupil_changes.csv"] {
        let path = year.join(file);
        let content = fs::read_to_string(&path).expect("a file of the year");
        let mut lines = content.lines();
        let head: Vec<&str> = lines.next().expect("a head").split(',').collect();
        let column = |name: &str| head.iter().position(|column| *column == name).expect("a known column");
        let names = [column("given_name"), column("family_name")];
        let classes = [column("class"), column("joint_class")];
        let code = column("register_code");
        let mut marked = vec![head.join(",")];
        for line in lines {
            let mut cells: Vec<String> = line.split(',').map(ToOwned::to_owned).collect();
            assert_eq!(cells.len(), head.len(), "a cell of {file} holds a comma");
            words.extend(forms_of_code(&cells[code]));
            for name in names.into_iter().filter(|name| !cells[*name].is_empty()).collect::<Vec<_>>() {
                words.insert(cells[name].clone().into_bytes());
                cells[name].push_str(NAME);
            }
            for class in classes {
                if cells[class].pop().is_some() {
                    cells[class].push(LETTER);
                }
            }
            marked.push(cells.join(","));
        }
        fs::write(&path, marked.join("\n") + "\n").expect("the file can be written");
    }
    Marks::new(words)
}

/// What a gateway answers; also its headers.
async fn answer(http: &reqwest::Client, url: &str) -> (u16, Vec<u8>) {
    let response = http.get(url).send().await.unwrap_or_else(|error| panic!("{url}: {error:?}"));
    let status = response.status().as_u16();
    let mut bytes = format!("{:?}", response.headers()).into_bytes();
    bytes.extend(response.bytes().await.expect("an answer has a body"));
    (status, bytes)
}

/// Every public answer that ids of the answers lead to, of one gateway.
async fn crawl(gateway: &str, year: u16) -> Vec<(String, Vec<u8>)> {
    let http = http();
    let mut ahead: Vec<String> = [
        "/v1/status",
        "/v1/parameters",
        "/v1/services",
        "/v1/headers",
        "/v1/openapi.json",
        "/metrics",
        "/health/live",
        "/health/ready",
    ]
    .map(ToOwned::to_owned)
    .into();
    ahead.extend([format!("/v1/funds/{year}"), format!("/v1/orders/summary/{year}")]);
    let (_, status) = answer(&http, &format!("{gateway}/v1/status")).await;
    let height = text(&status).split("\"height\":").nth(1).and_then(|rest| {
        rest.split(|next: char| !next.is_ascii_digit()).next().and_then(|number| number.parse::<u64>().ok())
    });
    for height in 1..=height.expect("a status tells the height") {
        ahead.extend(["headers", "certificates"].map(|what| format!("/v1/{what}/{height}")));
        ahead.push(format!("/v1/blocks/{height}/receipts"));
    }
    let mut known: BTreeSet<String> = ahead.iter().cloned().collect();
    let mut answers = Vec::new();
    while let Some(path) = ahead.pop() {
        let (status, bytes) = answer(&http, &format!("{gateway}{path}")).await;
        assert!(status < 500, "{path} answers {status}");
        for id in ids(&text(&bytes)) {
            let found = match id.split_once('_').expect("an id has a prefix").0 {
                "tx" => vec![
                    format!("/v1/transactions/{id}"),
                    format!("/v1/receipts/{id}"),
                    format!("/v1/receipts/{id}?proof=1"),
                ],
                "ord" => vec![format!("/v1/orders/{id}?year={year}")],
                "srv" => vec![format!("/v1/services/{id}"), format!("/v1/services/{id}/sessions?year={year}")],
                "doc" => vec![format!("/v1/documents/{id}")],
                _ => vec![],
            };
            ahead.extend(found.into_iter().filter(|path| known.insert(path.clone())));
        }
        answers.push((path, bytes));
    }
    answers
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Ids in a text: a prefix, an underscore, hexadecimal digits.
fn ids(text: &str) -> BTreeSet<String> {
    let words = text.split(|next: char| !next.is_ascii_alphanumeric() && next != '_');
    let is_id = |word: &&str| {
        word.split_once('_')
            .is_some_and(|(_, digits)| digits.len() >= 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
    };
    words.filter(is_id).map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn no_person_of_the_files_is_anywhere_in_the_network() {
    let _turn = turn().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let year = folder.path().join("year");
    program::keis(["sample", "--pupils", "200", "--out", year.to_str().expect("a path of text")]).await.well();
    let marks = mark(&year);
    marks.find(&fs::read(year.join("pupils.csv")).expect("the pupils")).expect("the marks are found where they are");
    let house = House::start(folder, &year, &[]).await;
    marks.assert_absent("what the demo says", house.said.as_bytes());
    assert_eq!(house.gateways.len(), 4, "{}", house.said);
    // The files' year is sealed; the one after it has orders under way.
    let answers = crawl(&house.gateways[0], 2028).await;
    assert!(
        answers.iter().filter(|(path, _)| path.starts_with("/v1/orders/ord_")).count() > 5,
        "few orders were found"
    );
    for (path, bytes) in &answers {
        marks.assert_absent(path, bytes);
        let is_described = path == "/v1/openapi.json";
        assert!(is_described || !text(bytes).contains("pup_"), "{path} tells a pupil's wallet");
    }
    for gateway in &house.gateways[1..] {
        let http = http();
        marks.assert_absent("the metrics", &answer(&http, &format!("{gateway}/metrics")).await.1);
    }
    // The registry knows them all, and its files do not: every field is encrypted. Classes name nobody and are plain.
    let persons = names_and_codes(&year);
    let mut bytes = persons.assert_absent_below(&house.home.join("portal"));
    for name in ["ministry", "library", "agency", "audit", "auditor"] {
        bytes += marks.assert_absent_below(&house.home.join(name));
    }
    println!("{bytes} bytes hold no mark");
    let rest = house.close().await;
    marks.assert_absent("what the demo says at the end", rest.as_bytes());
}

/// The marked names and the codes of a year's files, without the classes.
fn names_and_codes(year: &Path) -> Marks {
    let mut words = BTreeSet::from([NAME.as_bytes().to_vec()]);
    let content = fs::read_to_string(year.join("pupils.csv")).expect("a file of the year");
    for line in content.lines().skip(1) {
        words.insert(line.split(',').next().expect("a code").as_bytes().to_vec());
    }
    Marks::new(words)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_public_answer_names_a_wallet_of_a_pupil() {
    let mut cluster = Cluster::running().await;
    let world = World::open(&cluster, 50).await;
    for number in 0..10 {
        let pair = world.pair(number);
        deliver(cluster.client(0), &pair.request).await;
        deliver(cluster.client(1), &pair.confirm).await;
    }
    let all = cluster.all();
    agree(&mut cluster, &all).await;
    let digits = world.pupils.iter().map(|pupil| hex::encode(pupil.0).into_bytes());
    let bytes = world.pupils.iter().map(|pupil| pupil.0.to_vec());
    let marks = Marks::new(digits.chain(bytes));
    for gateway in cluster.gateways() {
        for (path, bytes) in crawl(&gateway, YEAR.0).await {
            marks.assert_absent(&path, &bytes);
        }
    }
    for node in all {
        marks.assert_absent("a log", cluster.log(node).as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_access_log_tells_routes_and_nobody() {
    let mut cluster = Cluster::found(4).await;
    cluster.set("LOG__FILTER", "info,access=debug");
    cluster.start_all().await;
    let secrets = ["pup_0123456789abcdef0123456789abcdef", "zymetasis", "klientas-7f3a"];
    let url = format!("{}/v1/pupils/{}?year=2026&cursor={}", cluster.gateways()[0], secrets[0], secrets[1]);
    let answer = http().get(url).header("user-agent", secrets[2]).send().await.expect("a gateway answers");
    assert_eq!(answer.status(), 400);
    let line = until("the answer is logged", PATIENCE, async || {
        let log = cluster.log(0);
        log.lines().find(|line| line.contains("/v1/pupils/{id}")).map(ToOwned::to_owned)
    });
    let line = line.await;
    for word in ["access", "GET", "400", "milliseconds", "bytes"] {
        assert!(line.contains(word), "{word} is missing from {line}");
    }
    let log = cluster.log(0);
    let told = secrets.iter().find(|secret| log.contains(**secret));
    assert_eq!(told, None, "the log tells who asked, or for whom");
    let asks = log.lines().filter(|line| line.contains("answered"));
    assert_eq!(asks.filter(|line| line.contains("127.0.0.1")).count(), 0, "the log tells where clients are");
}
