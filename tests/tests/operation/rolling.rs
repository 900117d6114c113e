//! Nodes restarted one after the other by the script, which stops at the first that does not come back.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use keis_tests::check::{agree, all_sign, rest, survived};
use keis_tests::cluster::{Cluster, PATIENCE};
use keis_tests::flow::Flow;
use keis_tests::world::World;
use tokio::process::Command;

use crate::{room, text};

const LOOK: Duration = Duration::from_millis(25);

/// The script at work on a cluster, whose processes are this test's to restart: a node's command asks by a file, and waits.
struct Rolling {
    list: PathBuf,
    asks: PathBuf,
}

/// What a restart comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comes {
    Back,
    NotBack,
}

impl Rolling {
    fn new(cluster: &Cluster) -> Self {
        let (list, asks) = (cluster.folder().join("nodes"), cluster.folder().join("asks"));
        fs::create_dir(&asks).expect("a new folder");
        let mut lines = String::from("# name, gateway, command\n\n");
        for (node, gateway) in cluster.gateways().iter().enumerate() {
            let ask = asks.join(node.to_string());
            let ask = text(&ask);
            writeln!(lines, "node-{node} {gateway} touch {ask}; while [ -e {ask} ]; do sleep 0.05; done")
                .expect("text");
        }
        fs::write(&list, lines).expect("a list");
        Self { list, asks }
    }

    /// Runs the script; returns its exit code, what it said, and which nodes it restarted.
    async fn run(
        &self,
        cluster: &mut Cluster,
        options: &[&str],
        comes: [Comes; 4],
    ) -> (Option<i32>, String, Vec<usize>) {
        let mut script = Command::new("sh");
        script.arg(room().join("rolling-restart.sh")).args(options).arg(&self.list);
        let mut running = script.stdout(Stdio::piped()).stdin(Stdio::null()).kill_on_drop(true).spawn().expect("sh");
        let mut restarted = Vec::new();
        let status = loop {
            if let Some(status) = running.try_wait().expect("the script can be looked at") {
                break status;
            }
            let asked = cluster.all().into_iter().find(|node| self.asks.join(node.to_string()).exists());
            if let Some(node) = asked {
                assert!(cluster.stop(node, PATIENCE).await.success(), "{}", cluster.tail(node));
                if comes[node] == Comes::Back {
                    cluster.start(node).await;
                }
                restarted.push(node);
                fs::remove_file(self.asks.join(node.to_string())).expect("it asked");
            }
            tokio::time::sleep(LOOK).await;
        };
        let said = running.wait_with_output().await.expect("the script's words");
        (status.code(), String::from_utf8_lossy(&said.stdout).into_owned(), restarted)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_are_restarted_one_after_the_other_and_not_beyond_the_first_that_stays_away() {
    let mut cluster = Cluster::running().await;
    let world = World::open(&cluster, 600).await;
    let all = cluster.all();
    let rolling = Rolling::new(&cluster);
    rest(&cluster, &all).await;

    let (code, said, restarted) = rolling.run(&mut cluster, &["--dry-run"], [Comes::Back; 4]).await;
    assert_eq!((code, restarted.len()), (Some(0), 0), "{said}");
    assert_eq!(said.matches("would run").count(), 4, "{said}");

    // Orders flow meanwhile: a node that is behind by what is decided in a moment counts as up with the others.
    let mut flow = Flow::start(&cluster, &world, 0);
    flow.progress(10, PATIENCE).await;
    let (code, said, restarted) = rolling.run(&mut cluster, &["--lag", "20"], [Comes::Back; 4]).await;
    assert_eq!((code, restarted), (Some(0), all.clone()), "{said}");
    flow.progress(10, PATIENCE).await;
    let acknowledged = flow.finish().await;
    let agreed = agree(&mut cluster, &all).await;
    survived(&cluster, &all, &agreed, &acknowledged).await;
    all_sign(&cluster, &all).await;

    let comes = [Comes::Back, Comes::NotBack, Comes::Back, Comes::Back];
    let (code, said, restarted) = rolling.run(&mut cluster, &["--wait", "5"], comes).await;
    assert_eq!((code, restarted), (Some(1), vec![0, 1]), "{said}");
    assert!(said.contains("node-1: not back within 5 s"), "{said}");
    // With one of them away it does not even begin.
    let (code, said, restarted) = rolling.run(&mut cluster, &[], [Comes::Back; 4]).await;
    assert_eq!((code, restarted.len()), (Some(1), 0), "{said}");
    assert!(said.contains("node-1: does not answer"), "{said}");
}
