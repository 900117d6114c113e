//! sslyze: the portal's TLS against Mozilla's intermediate profile.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keis_tests::house::House;
use keis_tests::program::{command, keis};
use keis_tests::wait::until;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose};
use tokio::process::{Child, Command};

use crate::program;

const CERTIFICATE: &str = "portal.pem";
const KEY: &str = "portal.key.pem";
const AUTHORITY: &str = "authority.pem";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long it may take until the portal listens.
const PATIENCE: Duration = Duration::from_secs(60);

/// An authority for this test alone, and a certificate of it with its key: valid for three months, as public authorities
/// give them.
fn certify(folder: &Path) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is right");
    let today = rcgen::date_time_ymd(1970, 1, 1) + now;
    let lasting = |names: Vec<String>| {
        let mut wanted = CertificateParams::new(names).expect("names of hosts");
        (wanted.not_before, wanted.not_after) = (today - DAY, today + 89 * DAY);
        wanted
    };
    let mut authority = lasting(Vec::new());
    authority.distinguished_name.push(DnType::CommonName, "judges' authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_key = KeyPair::generate().expect("a key");
    let authority = authority.self_signed(&authority_key).expect("a certificate");
    let mut wanted = lasting(vec!["localhost".to_owned()]);
    wanted.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    wanted.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    wanted.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().expect("a key");
    let certificate = wanted.signed_by(&key, &authority, &authority_key).expect("a certificate");
    let files = [(CERTIFICATE, certificate.pem()), (KEY, key.serialize_pem()), (AUTHORITY, authority.pem())];
    for (name, pem) in files {
        fs::write(folder.join(name), pem).expect("a folder of ours");
    }
}

/// A portal of its own with TLS, beside the house's; and its address.
async fn portal(house: &House, folder: &Path) -> (Child, String) {
    let home = folder.join("portal");
    let text = |path: &Path| path.to_str().expect("a path of text").to_owned();
    let of_house = |file: &str| text(&house.home.join("portal").join(file));
    let arguments = ["portal", "init", "--listen", "127.0.0.1:0", "--public-url", "https://localhost/"];
    let files = [
        ("--home", text(&home)),
        ("--genesis", of_house("genesis.json")),
        ("--operator-key", of_house("operator.key")),
        ("--gateway", house.gateways[0].clone()),
    ];
    let files = files.iter().flat_map(|(name, value)| [*name, value.as_str()]);
    keis(arguments.into_iter().chain(files)).await.well();
    certify(&home);
    let path = home.join("portal.toml");
    let mut settings: toml::Table = fs::read_to_string(&path).expect("settings").parse().expect("TOML");
    let files = [("certificate", CERTIFICATE), ("key", KEY)];
    let tls = files.map(|(name, file)| (name.to_owned(), toml::Value::String(text(&home.join(file)))));
    let tls = toml::Table::from_iter(tls);
    let table = settings.get_mut("portal").and_then(toml::Value::as_table_mut).expect("a table of the portal");
    table.insert("tls".to_owned(), toml::Value::Table(tls));
    fs::write(&path, settings.to_string()).expect("a folder of ours");
    let log = File::options().create(true).append(true).open(folder.join("log")).expect("a folder of ours");
    let mut running = command(["portal", "run", "--home", text(&home).as_str()]);
    running.stdout(log.try_clone().expect("a file can be had twice")).stderr(log);
    let child = running.spawn().expect("the binary can be run");
    (child, until("the portal listens", PATIENCE, async || listens(&folder.join("log"))).await)
}

/// The address that the log tells.
fn listens(log: &Path) -> Option<String> {
    let log = fs::read_to_string(log).ok()?;
    let line = log.lines().find(|line| line.contains("the portal listens"))?;
    let rest = line[line.find("127.0.0.1:")?..].chars();
    Some(rest.take_while(|letter| letter.is_ascii_digit() || [':', '.'].contains(letter)).collect())
}

/// Judges the portal's TLS.
pub(crate) async fn intermediate(house: &House) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut child, address) = portal(house, folder.path()).await;
    let authority = folder.path().join("portal").join(AUTHORITY);
    let judged = Command::new(program("sslyze"))
        .args(["--mozilla_config=intermediate", "--sni=localhost", "--certinfo_ca_file"])
        .arg(authority)
        .arg(&address)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("the judge can be run");
    child.kill().await.expect("a child can be killed");
    let said = String::from_utf8_lossy(&judged.stdout);
    assert!(
        judged.status.success() && said.contains("OK - Compliant"),
        "{said}\n{}",
        String::from_utf8_lossy(&judged.stderr)
    );
}
