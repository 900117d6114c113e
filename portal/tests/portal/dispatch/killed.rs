//! A process that sends by folder, killed with `kill -9` again and again: each document leaves once, each answer counts once.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use keis_portal::dispatch::Folder;
use keis_registry::dispatch::{self, DispatchState, Machine, Pace};

use crate::dispatch::scene::{Attached, Scene, open};

const DATABASE: &str = "KEIS_TEST_DISPATCH_DATABASE";
const FOLDER: &str = "KEIS_TEST_DISPATCH_FOLDER";
const COUNT: u8 = 24;
const PACE: Pace = Pace {
    in_flight: 2,
    first_wait: Duration::from_millis(1),
    longest_wait: Duration::from_millis(5),
    most_attempts: 1_000,
    lease: Duration::from_millis(20),
    look: Duration::from_millis(1),
};

/// Sends for as long as it lives, in the process that the other test starts; alone it has nothing to do.
#[tokio::test]
async fn sender() {
    let (Ok(database), Ok(folder)) = (std::env::var(DATABASE), std::env::var(FOLDER)) else { return };
    // Whoever started it holds the other end; it does not outlive that process.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let registry = open(&database).await;
    let folder = Folder::new(folder).expect("a folder");
    loop {
        dispatch::step(&registry, &folder, &Attached, &PACE, &Machine).await.expect("the registry works");
        tokio::time::sleep(PACE.look).await;
    }
}

fn spawn(scene: &Scene, folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this test is a program"));
    command.args(["dispatch::killed::sender", "--exact"]).env(DATABASE, &scene.url).env(FOLDER, folder);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
}

/// Takes documents away as the other program does, and answers each; no id comes twice.
fn take(folder: &Path, taken: &mut BTreeSet<String>) {
    let Ok(entries) = fs::read_dir(folder.join("out")) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(id) = name.strip_suffix(".xml") else { continue };
        fs::remove_file(entry.path()).expect("it is taken away");
        assert!(taken.insert(id.to_owned()), "{id} left twice");
        let answer = format!(r#"{{"id": "a {id}", "message": "{id}", "verdict": "approved"}}"#);
        let (draft, place) = (folder.join("answers").join(format!("{id}.tmp")), folder.join("answers"));
        fs::write(&draft, answer).expect("it is written");
        fs::rename(draft, place.join(format!("{id}.json"))).expect("it is there at once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_each_document_leaves_once_and_each_answer_counts_once() {
    let scene = Scene::new().await;
    let folder = scene.folder.path().join("sabis");
    let documents = scene.queue(1..=COUNT).await;
    let mut taken = BTreeSet::new();
    let until = std::time::Instant::now() + Duration::from_secs(60);
    let mut kills = 0;
    loop {
        let mut child = spawn(&scene, &folder);
        let (before, put_away) = (taken.len(), folder.join("answers/done"));
        let answered = || fs::read_dir(&put_away).map_or(0, Iterator::count);
        // It is killed as soon as something happened: another moment every time.
        let done = answered();
        let all = usize::from(COUNT);
        while taken.len() == before && answered() == done && answered() < all {
            take(&folder, &mut taken);
            assert!(std::time::Instant::now() < until, "{} of {COUNT} left, {} answered", taken.len(), answered());
            assert!(child.try_wait().expect("it is asked").is_none(), "the sender ended by itself");
            tokio::time::sleep(Duration::from_micros(200 * (kills % 7))).await;
        }
        child.kill().expect("it is killed");
        child.wait().expect("it is over");
        kills += 1;
        if answered() >= all {
            break;
        }
    }
    assert!(kills >= 4, "killed {kills} times only");
    let mut last = spawn(&scene, &folder);
    for new in &documents {
        while (scene.state(new).await, scene.wishes(new).await) != (DispatchState::Approved, (1, 0)) {
            assert!(std::time::Instant::now() < until, "{}: {:?}", scene.state(new).await, scene.wishes(new).await);
            take(&folder, &mut taken);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(taken.contains(&new.message().to_string()));
    }
    last.kill().expect("it is killed");
    last.wait().expect("it is over");
}
