//! The registry's backup: taken while the portal runs, restored after its loss, without bringing back who was erased since.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use keis_tests::house::House;
use keis_tests::program;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::{room, text};

async fn script(portal: &Path, backups: &Path) {
    let mut script = Command::new("sh");
    script.arg(room().join("registry-backup.sh")).stdin(Stdio::null());
    script.env("KEIS_PORTAL", portal).env("KEIS_REGISTRY_BACKUPS", backups).env("KEIS_BINARY", program::path());
    script.env("KEIS_REGISTRY_METRICS", backups.join("registry.prom"));
    let said = script.output().await.expect("sh");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

async fn erase(portal: &Path, code: &str) {
    let mut child = program::command(["registry", "erase", "--home", text(portal), "--despite-orders"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("the binary can be run");
    let mut stdin = child.stdin.take().expect("its input is ours");
    stdin.write_all(format!("{code}\n").as_bytes()).await.expect("it reads");
    drop(stdin);
    let said = child.wait_with_output().await.expect("it ends");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_registry_comes_back_and_who_was_erased_since_does_not() {
    let house = House::open(60).await;
    let (portal, backups) = (house.home.join("portal"), house.home.join("backups"));
    fs::create_dir(&backups).expect("a new folder");
    let pupils = fs::read_to_string(house.files.join("pupils.csv")).expect("the pupils");
    let mut lines = pupils.lines();
    let column = lines.next().expect("a head").split([',', ';']).position(|name| name.contains("code"));
    let code =
        lines.next().expect("a pupil").split([',', ';']).nth(column.expect("a code")).expect("a code").to_owned();

    // The portal runs.
    script(&portal, &backups).await;
    let taken: Vec<_> = fs::read_dir(&backups).expect("the backups").map(|entry| entry.expect("one").path()).collect();
    let backup = taken.iter().find(|path| path.extension().is_some_and(|end| end == "sqlite")).expect("a backup");
    let bytes = fs::read(backup).expect("the backup");
    let master = fs::read_to_string(portal.join("master.key")).expect("the master key");
    assert!(!bytes.windows(64).any(|window| window == master.trim().as_bytes()), "the master key is in the backup");
    assert!(fs::read_to_string(backups.join("registry.prom")).expect("a metric").contains("of=\"registry\""));
    erase(&portal, &code).await;
    let listed = program::keis(["registry", "erased", "--home", text(&portal)]).await.well().out;
    assert_eq!(listed.lines().count(), 1, "{listed}");
    let list = backups.join("newest.list");
    fs::write(&list, &listed).expect("the list is kept");

    // All of the database is lost but the backup; the keys come from where they are kept.
    let moved = house.home.join("kept");
    fs::create_dir(&moved).expect("a new folder");
    for entry in fs::read_dir(&portal).expect("the portal's folder") {
        let path = entry.expect("one").path();
        if path.is_file() && !path.to_string_lossy().contains("sqlite") {
            fs::copy(&path, moved.join(path.file_name().expect("a name"))).expect("kept");
        }
    }
    fs::copy(backup, moved.join("registry.sqlite")).expect("the backup is put in place");
    let whole = program::keis(["registry", "log", "--home", text(&moved)]).await.well().out;
    assert!(whole.contains("The log is whole"), "{whole}");
    let none = program::keis(["registry", "erased", "--home", text(&moved)]).await.well().out;
    assert_eq!(none, "", "the backup is older than the erasure");
    let again = program::keis(["registry", "erased", "--home", text(&moved), "--again", text(&list)]).await.well().out;
    assert!(again.starts_with("1 person of 1 erased again"), "{again}");
    assert_eq!(program::keis(["registry", "erased", "--home", text(&moved)]).await.well().out, listed);
    house.close().await;
}
