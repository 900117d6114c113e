//! An open house: `keis demo --keep`, the portal with sample people over four validators.

use std::path::{Path, PathBuf};
use std::time::Duration;

use keis_ledger::classifiers::Year;
use keis_ledger::ids::OrderId;
use keis_ledger::receipt::Receipt;
use keis_wallet::client::{Client, OrderView, Policy};
use keis_wallet::secret_file;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout};

use crate::program;

/// How long it may take until the doors are open.
const OPENING: Duration = Duration::from_secs(240);
/// How long it may take until everything has stopped.
const CLOSING: Duration = Duration::from_secs(60);
/// Between two looks at whether it has.
const LOOK: Duration = Duration::from_millis(50);

/// A portal over a network, as somebody sees it who has started the demo.
pub struct House {
    child: Child,
    out: BufReader<ChildStdout>,
    /// Address of the portal, with a slash at its end.
    pub url: String,
    /// Addresses of the gateways.
    pub gateways: Vec<String>,
    /// The folder of the network and the portal.
    pub home: PathBuf,
    /// The folder of the files that the network began with.
    pub files: PathBuf,
    /// What was said until the doors were open.
    pub said: String,
    _folder: tempfile::TempDir,
}

impl House {
    /// Opens the portal over the beginning of a fresh sample year.
    pub async fn open(pupils: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let year = folder.path().join("year");
        let pupils = pupils.to_string();
        program::keis(["sample", "--pupils", &pupils, "--out", text(&year)]).await.well();
        Self::start(folder, &year, &["--no-year"]).await
    }

    /// Opens the portal over the files of a folder, which lie in `folder`.
    pub async fn start(folder: tempfile::TempDir, year: &Path, more: &[&str]) -> Self {
        let home = folder.path().join("home");
        let arguments = ["demo", "--keep", "--data", text(year), "--home", text(&home)];
        let mut command = program::command(arguments.iter().chain(more));
        command.stderr(std::process::Stdio::inherit());
        let mut child = command.spawn().expect("the binary can be run");
        let mut out = BufReader::new(child.stdout.take().expect("the output is piped"));
        let (mut said, mut gateways) = (String::new(), Vec::new());
        let told = async {
            loop {
                let mut line = String::new();
                let length = out.read_line(&mut line).await.expect("the output can be read");
                assert!(length > 0, "the demo ended before the doors were open:\n{said}");
                said.push_str(&line);
                let address = line.split_whitespace().find(|word| word.starts_with("http://"));
                if let Some(url) = line.strip_prefix("The portal answers at ") {
                    return url.trim().to_owned();
                } else if let (Some(address), true) = (address, line.starts_with("  ")) {
                    gateways.push(address.to_owned());
                }
            }
        };
        let url = tokio::time::timeout(OPENING, told).await.expect("the doors open in time");
        Self { child, out, url, gateways, home, files: year.to_owned(), said, _folder: folder }
    }

    /// The ledger as the operator reads it, through the gateways.
    pub fn ledger(&self) -> Client {
        let key = secret_file::read(&self.home.join("portal/operator.key"))
            .expect("the portal's folder has the operator's key");
        let client = Client::new(&self.gateways, Policy::default()).expect("addresses of a founded network");
        client.signed_by(key)
    }

    /// The latest year of the ledger.
    pub async fn year(&self) -> Year {
        let parameters = self.ledger().parameters().await.expect("the gateways answer");
        parameters.years.last().expect("a year was opened").year
    }

    /// The order that a page's address names, as the ledger holds it.
    pub async fn order(&self, address: &str) -> OrderView {
        let (id, year) = (order_of(address), self.year().await);
        let found = self.ledger().order_lines(year, id).await.expect("the gateways answer");
        found.unwrap_or_else(|| panic!("{id} is not on the ledger"))
    }

    /// Everything that happened to the order that a page's address names.
    pub async fn history(&self, address: &str) -> Vec<Receipt> {
        let found = self.ledger().order_history(self.year().await, order_of(address)).await;
        found.expect("the gateways answer").expect("an order on the ledger has a history")
    }

    /// Stops everything as Ctrl-C does; says what was printed after the doors were open.
    pub async fn close(mut self) -> String {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        kill_process(pid.expect("the demo runs"), Signal::TERM).expect("the demo can be signalled");
        let ended = tokio::time::timeout(CLOSING, self.child.wait()).await;
        let status = ended.expect("the demo ends").expect("the demo can be waited for");
        assert!(status.success(), "the demo ended with {status}");
        let mut rest = String::new();
        while self.out.read_line(&mut rest).await.expect("the output can be read") > 0 {}
        rest
    }
}

impl Drop for House {
    /// A house that a failed test leaves open is closed in order: the demo, killed at once, would leave its validators running.
    fn drop(&mut self) {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if pid.is_none_or(|pid| kill_process(pid, Signal::TERM).is_err()) {
            return;
        }
        let deadline = std::time::Instant::now() + CLOSING;
        while std::time::Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(LOOK);
        }
    }
}

fn order_of(address: &str) -> OrderId {
    let named = address.split(['/', '?', '&', '=']).find_map(|part| part.parse().ok());
    named.unwrap_or_else(|| panic!("{address} names no order"))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}
