//! The library that is laid under a node: see `ground.c` beside this.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use keis_tests::cluster::{Cluster, PATIENCE};
use keis_tests::flow::Flow;
use keis_tests::sources::root;

/// A bit that was written otherwise than it was said.
pub struct Flip {
    /// Below the node's folder.
    pub file: PathBuf,
    byte: u64,
    bit: u64,
}

impl Flip {
    /// Turns it to what it should have been.
    pub fn mend(&self, home: &Path) {
        let file = File::options().read(true).write(true).open(home.join(&self.file)).expect("the file is there");
        let mut byte = [0];
        file.read_exact_at(&mut byte, self.byte).expect("the byte is there");
        file.write_all_at(&[byte[0] ^ (1 << self.bit)], self.byte).expect("the byte can be written");
    }
}

/// The library, built for this test.
pub struct Ground {
    folder: tempfile::TempDir,
}

impl Ground {
    /// Builds it with the compiler that links our programs.
    pub fn build() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let source = root().join("tests/tests/faults/ground.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-std=gnu11", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o"]);
        compiler.arg(folder.path().join("ground.so")).arg(source).args(["-ldl", "-lpthread"]);
        let built = compiler.output().expect("a C compiler, which cargo needs, too");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Self { folder }
    }

    /// A file of its own.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a node's environment must hold for a clock whose fault is in this file, in seconds.
    pub fn clock(&self, file: &Path) -> Vec<(String, String)> {
        self.environment(&[("KEIS_CLOCK_FILE", text(file))])
    }

    /// What a node's environment must hold so that its disk is watched, with faults besides.
    pub fn disk(&self, cluster: &Cluster, node: usize, faults: &[(&str, &str)]) -> Vec<(String, String)> {
        let home = format!("{}/", cluster.home(node).display());
        let log = self.log(node);
        let mut all = vec![("KEIS_DISK_FOLDER", home.as_str()), ("KEIS_DISK_LOG", text(&log))];
        all.extend_from_slice(faults);
        self.environment(&all)
    }

    /// What a node's environment must hold so that it lives in this control group.
    pub fn memory(&self, group: &Path) -> Vec<(String, String)> {
        self.environment(&[("KEIS_MEMORY_GROUP", text(group))])
    }

    /// How many points a node's disk passes in a run of a start, some blocks and two snapshots, beside others that stay.
    pub async fn count(&self, cluster: &mut Cluster, node: usize, flow: &mut Flow) -> usize {
        cluster.kill(&[node]).await;
        // The node of this number in the network before has its points here, too.
        drop(fs::remove_file(self.log(node)));
        cluster.start_within(node, self.disk(cluster, node, &[]));
        cluster.start(node).await;
        flow.progress(24, PATIENCE).await;
        cluster.kill(&[node]).await;
        let points = self.points(node).len();
        assert!(points > 50, "only {points} points were seen: is the disk watched?");
        points
    }

    /// The bit that was flipped under a node, if one was by now.
    pub fn flip(&self, node: usize) -> Option<Flip> {
        let log = fs::read_to_string(self.log(node)).expect("the disk was watched");
        let words = log.lines().find_map(|line| line.split_once(' ')?.1.strip_prefix("flip "))?;
        let mut words = words.split(' ');
        let mut word = || words.next().expect("file, byte and bit");
        let file = PathBuf::from(word());
        let mut number = || word().parse().expect("a number");
        Some(Flip { file, byte: number(), bit: number() })
    }

    /// The points that a node's disk has passed, as `what file`; forgets them.
    pub fn points(&self, node: usize) -> Vec<String> {
        let log = fs::read_to_string(self.log(node)).expect("the disk was watched");
        fs::remove_file(self.log(node)).expect("a file of ours");
        log.lines().filter_map(|line| Some(line.split_once(' ')?.1.to_owned())).collect()
    }

    fn log(&self, node: usize) -> PathBuf {
        self.file(&format!("points-{node}"))
    }

    fn environment(&self, faults: &[(&str, &str)]) -> Vec<(String, String)> {
        let library = self.file("ground.so");
        let all = [("LD_PRELOAD", text(&library))].into_iter().chain(faults.iter().copied());
        all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// A path as text.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}
