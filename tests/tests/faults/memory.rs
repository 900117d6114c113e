//! F6: a node that gets no more memory than it has.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use keis_tests::cluster::{Cluster, PATIENCE};
use keis_tests::flow::Flow;
use keis_tests::rounds;
use keis_tests::times::told;
use keis_tests::world::World;

use crate::ended_well;
use crate::ground::Ground;

/// Whose memory is bounded.
const SHORT: usize = 3;
/// Where the kernel keeps its groups, and the file of a group's bound, for both of its interfaces.
const KINDS: [(&str, &str); 2] = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];
/// What a group's statistics call the memory that no file stands behind.
const OWN: [&str; 2] = ["total_rss ", "anon "];
/// Room beside that.
const MORE: u64 = 4 << 20;

/// A control group of memory, gone with this.
struct Group {
    folder: PathBuf,
    bound: &'static str,
}

impl Group {
    /// None where the machine lets nobody make one.
    fn make() -> Option<Self> {
        KINDS.into_iter().find_map(|(kind, bound)| {
            let folder = Path::new(kind).join(format!("keis-test-{}", std::process::id()));
            fs::create_dir(&folder).ok()?;
            let group = Self { folder, bound };
            group.folder.join(bound).exists().then_some(group)
        })
    }

    /// Bytes that the kernel cannot take back.
    fn own(&self) -> u64 {
        let all = fs::read_to_string(self.folder.join("memory.stat")).expect("a group of ours");
        let own = all.lines().find_map(|line| OWN.iter().find_map(|name| line.strip_prefix(name)));
        own.and_then(|bytes| bytes.parse().ok()).expect("the kernel counts them")
    }

    fn bind(&self, bytes: u64) -> io::Result<()> {
        fs::write(self.folder.join(self.bound), bytes.to_string())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        fs::remove_dir(&self.folder).ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f6_beside_a_node_without_more_memory_the_others_go_on() {
    let Some(group) = Group::make() else {
        println!("F6: not tried: this machine lets nobody bound the memory of a process");
        return;
    };
    let (ground, mut cluster) = (Ground::build(), Cluster::found(4).await);
    cluster.start_within(SHORT, ground.memory(&group.folder));
    cluster.start_all().await;
    let more = 120 * rounds(1);
    let world = World::open(&cluster, 500 + more).await;
    let mut flow = Flow::through(&cluster, &world, 0, &[0, 1, 2]);
    flow.progress(100, PATIENCE).await;
    flow.times();
    flow.progress(more, PATIENCE * 10).await;
    let free = flow.times();
    let own = group.own();
    group.bind(own + MORE).expect("what files stand behind is given back");
    flow.progress(20, PATIENCE).await;
    flow.times();
    flow.progress(more, PATIENCE * 10).await;
    let bound = flow.times();
    cluster.assert_alive(SHORT);
    let (_, acknowledged) = ended_well(&mut cluster, flow).await;
    println!(
        "F6: one of four bound to {} MiB, of which {} were taken and no file's: {}; before: {}; 0 lost of {}",
        (own + MORE) >> 20,
        own >> 20,
        told(&bound),
        told(&free),
        acknowledged.len()
    );
    // Its group can go only when nobody is in it.
    cluster.kill(&[SHORT]).await;
}
