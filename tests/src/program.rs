//! The program under test: the `keis` binary of the profile in which the tests are built.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::Command;

/// Longest time that a command may take.
const LONGEST: Duration = Duration::from_secs(300);

/// What a command said and how it ended.
#[derive(Debug, Clone)]
pub struct Said {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub out: String,
    /// Its standard error stream.
    pub err: String,
}

impl Said {
    /// The exit code.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("ended by a signal: {self:?}"))
    }

    /// Panics unless the exit code is 0.
    pub fn well(self) -> Self {
        assert_eq!(self.code(), 0, "standard output:\n{}\nstandard error:\n{}", self.out, self.err);
        self
    }
}

/// Where the `keis` binary is: beside the folder of the running test.
pub fn path() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    let profile = test.parent().and_then(|deps| deps.parent()).expect("cargo puts tests into target/PROFILE/deps");
    let path = profile.join("keis");
    let option = if profile.ends_with("release") { " --release" } else { "" };
    assert!(path.exists(), "{} is missing; build it first: cargo build{option} -p keis-cli", path.display());
    path
}

/// A `keis` command, not yet run. It is killed when the test ends before it does.
pub fn command<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(path());
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Runs a `keis` command to its end.
pub async fn keis<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Said {
    let mut command = command(arguments);
    let output = tokio::time::timeout(LONGEST, command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("{command:?} does not end")).expect("the binary can be run");
    Said {
        status: output.status,
        out: String::from_utf8(output.stdout).expect("the program speaks UTF-8"),
        err: String::from_utf8(output.stderr).expect("the program speaks UTF-8"),
    }
}
