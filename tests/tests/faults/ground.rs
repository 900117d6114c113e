//! The library that is laid under a node: see `ground.c` beside this.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use keis_tests::cluster::Cluster;
use keis_tests::sources::root;

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
