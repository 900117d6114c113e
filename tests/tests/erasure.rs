//! Invariant 8, by the command line over a live network: after `keis registry erase` no file answers to the person, the wallet
//! closes and its money returns, whatever is killed on the way, and the ledger still verifies.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use keis_ledger::classifiers::Year;
use keis_ledger::money::Cents;
use keis_ledger::record::{LineState, OrderState, Standing};
use keis_registry::ids::PersonId;
use keis_registry::outbox::{self, OutboxState};
use keis_registry::permission::Role;
use keis_registry::users::{Claims, RoleClaim};
use keis_registry::vault::Field;
use keis_registry::{Actor, MasterKey, Page, Registry};
use keis_tests::program::{self, Said};
use keis_tests::scan::Marks;
use keis_tests::wait::{Turn, turn, until};
use keis_wallet::client::{Client, Policy, PupilWallet};
use keis_wallet::secret_file;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Child;

const YEAR: Year = Year(2027);
const ACTOR: Actor = Actor::System("test");
const NODES: [&str; 4] = ["ministry", "library", "agency", "audit"];
const PATIENCE: Duration = Duration::from_secs(60);
/// Somebody who signs in.
const LOGIN: &str = "prisijungimas-5f1e";
const NAME: &str = "Kotryna Prisijungtoja";
const MAIL: &str = "kotryna@mokykla.example";
/// Between two kills of an erasure, in microseconds: the whole takes a few tens of milliseconds.
const KILL_STEP: u64 = 2_500;

/// Four nodes and a portal, each a process of its own, in the folder that a demo left.
struct Stage {
    home: PathBuf,
    nodes: Vec<Child>,
    portal: Option<Child>,
    gateways: Vec<String>,
    /// Given and family name by the register's code.
    files: BTreeMap<String, [String; 2]>,
    _folder: TempDir,
    _turn: Turn,
}

/// A pupil as registry and ledger know one.
#[derive(Debug, Clone)]
struct Somebody {
    code: String,
    person: PersonId,
    wallet: PupilWallet,
}

/// What stands in a pupil's calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Booked {
    Nothing,
    Ahead,
    Begun,
}

impl Stage {
    /// A programme year with some weeks of orders.
    async fn open() -> Self {
        let turn = turn().await;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (year, home) = (folder.path().join("year"), folder.path().join("home"));
        program::keis(["sample", "--pupils", "200", "--out", text(&year)]).await.well();
        let gateways = demo(&year, &home).await;
        let files = persons(&year.join("pupils.csv"));
        let (nodes, portal) = (Vec::new(), None);
        let mut stage = Self { home, nodes, portal, gateways, files, _folder: folder, _turn: turn };
        stage.nodes = NODES.iter().map(|node| stage.start(node, &["node", "run", "--simulated"])).collect();
        for gateway in &stage.gateways {
            let client = Client::new(std::slice::from_ref(gateway), Policy::default()).expect("an address");
            until("a gateway answers", PATIENCE, async || client.status().await.ok()).await;
        }
        stage.start_portal();
        stage
    }

    fn start(&self, name: &str, command: &[&str]) -> Child {
        let home = self.home.join(name);
        let log = File::options().create(true).append(true).open(home.join("process.log")).expect("a log");
        let mut child = program::command(command.iter().chain(&["--home", text(&home)]));
        child.stdout(log.try_clone().expect("a file can be had twice")).stderr(log);
        child.spawn().expect("the binary can be run")
    }

    fn start_portal(&mut self) {
        self.portal = Some(self.start("portal", &["portal", "run"]));
    }

    async fn kill_portal(&mut self) {
        let mut portal = self.portal.take().expect("the portal runs");
        assert!(portal.try_wait().expect("a child can be looked at").is_none(), "the portal ended by itself");
        portal.kill().await.expect("a child can be killed");
    }

    /// Stops everything that runs, as an operator does.
    async fn stop(&mut self) {
        for mut child in self.portal.take().into_iter().chain(self.nodes.drain(..)) {
            end(&mut child).await;
        }
    }

    fn portal_home(&self) -> PathBuf {
        self.home.join("portal")
    }

    /// The ledger, as the operator reads it.
    fn ledger(&self) -> Client {
        let key = secret_file::read(&self.portal_home().join("operator.key")).expect("the operator's key");
        Client::new(&self.gateways, Policy::default()).expect("addresses of a founded network").signed_by(key)
    }

    async fn registry(&self) -> Registry {
        let master = secret_file::read(&self.portal_home().join("master.key")).expect("the master key");
        let url = format!("sqlite:{}", self.portal_home().join("registry.sqlite").display());
        Registry::open(&url, &MasterKey::from_bytes(master.to_bytes())).await.expect("the registry opens")
    }

    /// Everybody in the files who has a wallet, with what is booked.
    async fn everybody(&self, registry: &Registry) -> Vec<(Somebody, Booked)> {
        let ledger = self.ledger();
        let now = ledger.status().await.expect("a gateway answers").clock;
        let mut all = Vec::new();
        for code in self.files.keys() {
            let Some(found) = registry.find_pupil(&ACTOR, code, YEAR).await.expect("the registry answers") else {
                continue;
            };
            let wallet = found.card.wallet.expect("everybody has a wallet");
            let wallet = ledger.pupil_wallet(YEAR, wallet).await.expect("a gateway answers").expect("it is open");
            let mut booked = Booked::Nothing;
            for booking in &wallet.bookings {
                let order =
                    ledger.order_lines(YEAR, booking.order).await.expect("a gateway answers").expect("an order");
                if matches!(order.order.state, OrderState::Requested | OrderState::Confirmed | OrderState::Delivered) {
                    booked = if booking.start <= now { Booked::Begun } else { Booked::Ahead };
                }
            }
            all.push((Somebody { code: code.clone(), person: found.card.person, wallet }, booked));
        }
        all
    }

    /// `keis registry erase`, with a line on its standard input.
    async fn erase(&self, line: &[u8], more: &[&str]) -> Said {
        let mut child = self.erasing(line, more).await;
        child.stdin.take();
        let output = child.wait_with_output().await.expect("the command ends");
        let read = |bytes| String::from_utf8(bytes).expect("the program speaks UTF-8");
        Said { status: output.status, out: read(output.stdout), err: read(output.stderr) }
    }

    async fn erasing(&self, line: &[u8], more: &[&str]) -> Child {
        let home = self.portal_home();
        let arguments = ["registry", "erase", "--home", text(&home)];
        let mut command = program::command(arguments.iter().chain(more));
        let mut child = command.stdin(Stdio::piped()).spawn().expect("the binary can be run");
        let stdin = child.stdin.as_mut().expect("its input is ours");
        // A command that wants no code ends without reading it.
        drop(stdin.write_all(line).await);
        child
    }

    async fn wallet(&self, who: &Somebody) -> PupilWallet {
        let wallet = self.ledger().pupil_wallet(YEAR, who.wallet.pupil).await;
        wallet.expect("a gateway answers").expect("a wallet stays on the ledger")
    }

    async fn returned(&self) -> Cents {
        let funds = self.ledger().funds(YEAR).await.expect("a gateway answers").expect("the year is open");
        assert!(funds.balanced && funds.money.balances());
        funds.money.state.returned
    }

    async fn closed(&self, who: &Somebody) -> PupilWallet {
        let closed = until("the wallet closes", PATIENCE, async || {
            let wallet = self.wallet(who).await;
            (wallet.standing == Standing::Closed).then_some(wallet)
        });
        closed.await
    }
}

/// Lets a demo make a network with a portal, and stops it. Gives the gateways, which keep their addresses.
async fn demo(year: &Path, home: &Path) -> Vec<String> {
    let arguments = ["demo", "--keep", "--no-year", "--data", text(year), "--home", text(home)];
    let mut child = program::command(arguments).stderr(Stdio::inherit()).spawn().expect("the binary can be run");
    let mut lines = BufReader::new(child.stdout.take().expect("its output is ours")).lines();
    let mut gateways = Vec::new();
    while let Some(line) = lines.next_line().await.expect("its output can be read") {
        gateways.extend(
            line.split_whitespace()
                .filter(|word| line.starts_with("  ") && word.starts_with("http"))
                .map(str::to_owned),
        );
        if line.starts_with("The portal answers at ") {
            end(&mut child).await;
            return gateways;
        }
    }
    panic!("the demo ended before the doors were open");
}

async fn end(child: &mut Child) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw).expect("it runs");
    kill_process(pid, Signal::TERM).expect("a child can be signalled");
    let ended = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it stops").expect("a child ends");
    assert!(ended.success(), "it stopped with {ended}");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

fn persons(file: &Path) -> BTreeMap<String, [String; 2]> {
    let content = fs::read_to_string(file).expect("a file of the year");
    let cells = |line: &str| line.split(',').take(3).map(str::to_owned).collect::<Vec<_>>();
    let person = |line: &str| match <[String; 3]>::try_from(cells(line)) {
        Ok([code, given, family]) => (code, [given, family]),
        Err(other) => panic!("{other:?}"),
    };
    content.lines().skip(1).map(person).collect()
}

/// By what the database finds these codes: their blind indexes.
fn indexes(registry: &Registry, codes: &[String]) -> Vec<Vec<u8>> {
    let field = Field::of("pupils", "register_index");
    codes.iter().map(|code| registry.vault().index(field, code)).collect()
}

/// The scan finds what is there before anybody is erased.
fn findable(stage: &Stage, indexes: &[Vec<u8>]) {
    let files = ["registry.sqlite", "registry.sqlite-wal"].map(|name| stage.portal_home().join(name));
    let bytes: Vec<u8> = files.iter().filter_map(|file| fs::read(file).ok()).flatten().collect();
    for index in indexes {
        Marks::new([index.clone()]).find(&bytes).expect("the index stands in the database");
    }
}

/// Somebody signs in as the directory tells it; gives the person's id.
async fn login(registry: &Registry, school: &str) -> PersonId {
    let claims = Claims {
        issuer: "https://login.example".to_owned(),
        subject: LOGIN.to_owned(),
        name: NAME.to_owned(),
        email: Some(MAIL.to_owned()),
        roles: vec![RoleClaim { role: Role::Teacher, body: Some(school.to_owned()) }],
    };
    let user = registry.sign_in(&claims).await.expect("the school is known").user.id;
    let users = registry.users(&ACTOR, &Page::default()).await.expect("the registry answers").items;
    users.into_iter().find(|record| record.user.id == user).expect("a user").person
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_erasure_no_file_answers_to_the_person_and_the_ledger_verifies() {
    let mut stage = Stage::open().await;
    let registry = stage.registry().await;
    let all = stage.everybody(&registry).await;
    let of = |booked| all.iter().filter(move |(_, is)| *is == booked).map(|(who, _)| who.clone());
    let (ahead, begun) =
        (of(Booked::Ahead).next().expect("an order ahead"), of(Booked::Begun).next().expect("one begun"));
    let free: Vec<Somebody> = of(Booked::Nothing).take(20).collect();
    let school = registry.school(free[0].wallet.school).await.expect("the registry answers").expect("a school").code;
    let user = login(&registry, &school).await;
    let erased = [&ahead, &begun].into_iter().chain(&free).map(|who| who.code.clone());
    let erased: Vec<String> = erased.collect();
    let indexes = indexes(&registry, &erased);
    findable(&stage, &indexes);

    refusals(&stage, &ahead, &begun).await;
    held_up(&mut stage, &free[0]).await;
    booked(&stage, &registry, &ahead, &begun).await;
    killed(&mut stage, &registry, &free[1..]).await;
    let said = stage.erase(b"", &["--person", &user.to_string()]).await.well();
    assert!(said.out.contains(&user.to_string()) && !said.out.contains(NAME), "{said:?}");
    assert!(
        registry.users(&ACTOR, &Page::default()).await.expect("it answers").items.iter().all(|one| one.person != user)
    );

    agree(&stage, erased.len() as u64).await;
    proven(&stage, &registry).await;
    registry.verify_log(None).await.expect("the log is whole");
    registry.close().await;
    stage.stop().await;
    nothing_left(&stage, &erased, indexes);
}

/// What is no code, nobody's code, and a person with orders: said, with an exit code of its own, and nothing is changed.
async fn refusals(stage: &Stage, ahead: &Somebody, begun: &Somebody) {
    let long = [b'9'; 100_000];
    for line in [&b""[..], b"\n", b"12345", b"0123456789", b"abcdefghij", &[0xff, 0xfe, 0], &long] {
        let said = stage.erase(line, &[]).await;
        assert_eq!(said.code(), 1, "{said:?}");
        assert!(said.err.contains("code"), "{said:?}");
    }
    let said = stage.erase(b"9999999999\n", &[]).await;
    assert_eq!(said.code(), 3);
    assert!(said.err.contains("nothing was changed") && !said.err.contains("99999"), "{said:?}");
    let nobody = PersonId([0; 16]).to_string();
    assert_eq!(stage.erase(b"", &["--person", &nobody]).await.code(), 3);
    assert_eq!(stage.erase(b"", &["--person", "per_xyz"]).await.code(), 2);
    for who in [ahead, begun] {
        let said = stage.erase(who.code.as_bytes(), &[]).await;
        assert_eq!(said.code(), 3, "{said:?}");
        assert!(said.err.contains("not over") && said.err.contains("--despite-orders"), "{said:?}");
        assert!(!said.err.contains(&who.code) && !said.out.contains(&who.code), "{said:?}");
    }
}

/// Erased while the portal is dead: durable at once, and the ledger hears of it when the portal is back.
async fn held_up(stage: &mut Stage, who: &Somebody) {
    let (before, money) = (stage.returned().await, who.wallet.balance);
    assert!(!money.is_zero());
    stage.kill_portal().await;
    let said = stage.erase(format!("{}\n", who.code).as_bytes(), &[]).await.well();
    assert!(said.out.contains(&who.person.to_string()), "{said:?}");
    for words in [&who.code, &stage.files[&who.code][0], &stage.files[&who.code][1]] {
        assert!(!said.out.contains(words.as_str()) && !said.err.contains(words.as_str()), "{said:?}");
    }
    assert_eq!(stage.wallet(who).await.standing, Standing::Active, "nobody signs for the operator meanwhile");
    let again = stage.erase(who.code.as_bytes(), &[]).await;
    assert_eq!(again.code(), 3, "the code leads nowhere: {again:?}");
    let again = stage.erase(b"", &["--person", &who.person.to_string()]).await.well();
    assert!(again.out.contains("already"), "{again:?}");
    stage.start_portal();
    assert_eq!(stage.closed(who).await.balance, Cents::ZERO);
    assert_eq!(stage.returned().await, before.checked_add(money).expect("a small sum"));
}

/// Erased despite orders: what is ahead is released and its money returns; what has begun goes on to its end.
async fn booked(stage: &Stage, registry: &Registry, ahead: &Somebody, begun: &Somebody) {
    for who in [ahead, begun] {
        stage.erase(who.code.as_bytes(), &["--despite-orders"]).await.well();
    }
    stage.closed(ahead).await;
    let order = ahead.wallet.bookings.iter().map(|booking| booking.order).next().expect("an order");
    let order = stage.ledger().order_lines(YEAR, order).await.expect("a gateway answers").expect("an order").order;
    let line = order.lines.iter().find(|line| line.pupil == ahead.wallet.pupil).expect("the line stays");
    assert_eq!(line.state, LineState::Dropped);
    let waits = until("the ledger says that orders have begun", PATIENCE, async || {
        let rows = outbox::list(registry, Some(OutboxState::Signed), &Page::first(50)).await.expect("it answers");
        rows.items.into_iter().find(|row| row.rejection.as_deref().is_some_and(|why| why.starts_with("wallet_in_use")))
    });
    assert_eq!(waits.await.purpose, "close_wallet_of_erased");
    assert_eq!(stage.wallet(begun).await.standing, Standing::Active);
    let refused = outbox::list(registry, Some(OutboxState::Refused), &Page::first(50)).await.expect("it answers");
    assert_eq!(refused.items, [], "nobody has to retry anything");
}

/// The command is killed at every moment, the portal in between; given again, everybody is erased once.
async fn killed(stage: &mut Stage, registry: &Registry, them: &[Somebody]) {
    let mut whole = 0;
    for (number, who) in (0..).zip(them) {
        if number % 6 == 5 {
            stage.kill_portal().await;
            stage.start_portal();
        }
        let mut child = stage.erasing(format!("{}\n", who.code).as_bytes(), &[]).await;
        tokio::time::sleep(Duration::from_micros(number * KILL_STEP)).await;
        child.kill().await.expect("a child can be killed");
        match registry.find_pupil(&ACTOR, &who.code, YEAR).await.expect("the registry answers") {
            Some(found) => {
                assert_eq!(found.card.given_name, stage.files[&who.code][0], "half of a person");
                assert_eq!(found.card.wallet, Some(who.wallet.pupil), "half of a person");
                whole += 1;
                stage.erase(who.code.as_bytes(), &[]).await.well();
            }
            None => assert_eq!(stage.erase(who.code.as_bytes(), &[]).await.code(), 3),
        }
        let again = stage.erase(b"", &["--person", &who.person.to_string()]).await.well();
        assert!(again.out.contains("already"), "{again:?}");
    }
    println!("of {} kills {whole} came before the erasure was durable", them.len());
    for who in them {
        assert_eq!(stage.closed(who).await.balance, Cents::ZERO);
    }
}

/// Registry and ledger differ in nothing but what the demo did without the registry.
async fn agree(stage: &Stage, erased: u64) {
    let home = stage.portal_home();
    let said = program::keis(["registry", "reconcile", "--home", text(&home), "--year", "2027", "--json"]).await;
    let report: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    let other = program::keis(["registry", "reconcile", "--home", text(&home), "--year", "2099"]).await;
    assert!(other.code() == 1 && other.err.contains("it has: 2027"), "{other:?}");
    // One of the erased is part of an order that has begun: the wallet is nobody's, and open.
    assert_eq!(report["erased"].as_u64(), Some(erased - 1), "{report:#}");
    for difference in report["differences"].as_array().expect("a list") {
        let kind = difference["kind"].as_str().expect("a kind");
        let known =
            difference["about"].as_str().expect("a subject").starts_with("key_") || difference["outbox"].is_string();
        assert!(known, "{kind}: {difference:#}");
    }
}

/// Every closing has a receipt that stands against the founding document, and the nodes agree.
async fn proven(stage: &Stage, registry: &Registry) {
    let rows = outbox::list(registry, Some(OutboxState::Done), &Page::first(500)).await.expect("it answers").items;
    let closings: Vec<_> = rows.iter().filter(|row| row.purpose == "close_wallet_of_erased").collect();
    assert!(closings.len() > 10, "{}", closings.len());
    let genesis = stage.home.join("genesis.json");
    for row in closings {
        let id = row.transaction.expect("what is done was signed").to_string();
        let gateway = &stage.gateways[row.id.0.unsigned_abs() as usize % stage.gateways.len()];
        program::keis(["receipt", "get", "--genesis", text(&genesis), "--gateway", gateway, &id]).await.well();
    }
    let mut roots = Vec::new();
    for gateway in &stage.gateways {
        let client = Client::new(std::slice::from_ref(gateway), Policy::default()).expect("an address");
        let status = client.status().await.expect("a gateway answers");
        roots.push((status.height, status.state_root));
    }
    assert!(roots.iter().all(|root| *root == roots[0]), "{roots:?}");
}

/// Names, codes and logins are in no file, and the blind indexes of those who were erased are not either.
fn nothing_left(stage: &Stage, erased: &[String], indexes: Vec<Vec<u8>>) {
    let names = erased.iter().flat_map(|code| stage.files[code].iter()).filter(|name| name.len() >= 6);
    let words = erased.iter().chain(names).map(|word| word.clone().into_bytes());
    let login = [LOGIN, NAME, MAIL].map(|word| word.as_bytes().to_vec());
    let marks = Marks::new(words.chain(login).chain(indexes));
    let bytes = marks.assert_absent_below(&stage.home);
    println!("{bytes} bytes answer to nobody");
}
