//! A disk that fills up and has room again (F5): the node takes no more work, loses nothing, and goes on by itself.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use keis_tests::check::{agree, all_sign, survived};
use keis_tests::cluster::{Cluster, PATIENCE};
use keis_tests::door::http;
use keis_tests::flow::Flow;
use keis_tests::wait::until;
use keis_tests::world::World;

use crate::text;

const MIB: u64 = 1 << 20;

/// A small disk in a folder's place; gone with this.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// None where this machine does not let us.
    fn mount(at: &Path, bytes: u64) -> Option<Self> {
        fs::create_dir_all(at).expect("a folder");
        let size = format!("size={bytes},mode=0700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs", text(at)]).output();
        mounted.is_ok_and(|mounted| mounted.status.success()).then(|| Self(at.to_owned()))
    }

    /// Fills the disk until so much is free.
    fn fill(&self, leave: u64) {
        let free = free(&self.0);
        let mut file = File::options().create(true).append(true).open(self.0.join("ballast")).expect("a file");
        let block = vec![1; MIB as usize];
        for _ in 0..free.saturating_sub(leave) / MIB {
            file.write_all(&block).expect("there is room");
        }
    }

    fn empty(&self) {
        fs::remove_file(self.0.join("ballast")).expect("the ballast is there");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a node that a failed test leaves behind may still hold it for a moment.
        drop(Command::new("umount").arg("-l").arg(&self.0).output());
    }
}

fn free(at: &Path) -> u64 {
    let disk = rustix::fs::statvfs(at).expect("the disk can be asked");
    disk.f_bavail * disk.f_frsize
}

async fn metric(gateway: &str, name: &str) -> Option<f64> {
    let text = http().get(format!("{gateway}/metrics")).send().await.ok()?.text().await.ok()?;
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

async fn is_ready(gateway: &str) -> Option<bool> {
    Some(http().get(format!("{gateway}/health/ready")).send().await.ok()?.status().is_success())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_stops_the_taking_in_and_nothing_else_and_room_lets_it_go_on() {
    let mut cluster = Cluster::found(4).await;
    cluster.set("DISK__STOP_BELOW_BYTES", &(32 * MIB).to_string());
    cluster.set("DISK__WARN_BELOW_BYTES", &(48 * MIB).to_string());
    cluster.set("STORE__MIN_FREE_BYTES", &(8 * MIB).to_string());
    cluster.set("SNAPSHOT__BLOCKS", "20");
    let Some(disk) = SmallDisk::mount(&cluster.home(3).join("store"), 128 * MIB) else { return };
    cluster.start_all().await;
    let world = World::open(&cluster, 600).await;
    let all = cluster.all();
    let gateway = cluster.gateways()[3].clone();
    let mut flow = Flow::start(&cluster, &world, 0);
    flow.progress(20, PATIENCE).await;

    disk.fill(24 * MIB);
    let refused = until("the node takes no more", PATIENCE, async || {
        let offer =
            http().post(format!("{gateway}/v1/transactions")).header("content-type", "application/octet-stream");
        let answer = offer.body(vec![0; 100]).send().await.ok()?;
        (answer.status() == 503).then_some(answer)
    });
    let refused = refused.await;
    assert_eq!(is_ready(&gateway).await, Some(false));
    assert_eq!(refused.headers()["retry-after"], "30");
    assert!(refused.text().await.expect("a body").contains("disk_full"));
    assert!(metric(&gateway, "keis_disk_free_bytes ").await < metric(&gateway, "keis_disk_stop_below_bytes ").await);
    // Orders flow through the others, and it follows.
    flow.progress(40, PATIENCE).await;

    // Now the store itself has no room: consensus waits here alone.
    disk.fill(4 * MIB);
    flow.progress(40, PATIENCE).await;
    until("the store waits for room", PATIENCE, async || {
        (metric(&gateway, "keis_store_full_total ").await? > 0.0).then_some(())
    })
    .await;
    disk.empty();
    until("the node is ready again", PATIENCE, async || is_ready(&gateway).await?.then_some(())).await;
    flow.progress(20, PATIENCE).await;
    let acknowledged = flow.finish().await;
    let agreed = agree(&mut cluster, &all).await;
    survived(&cluster, &all, &agreed, &acknowledged).await;
    all_sign(&cluster, &all).await;
    cluster.kill(&all).await;
    drop(disk);
}
