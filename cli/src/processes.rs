//! Four processes on one machine: started, killed, restarted, stopped.

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use keis_wallet::client::{Client, Policy, Status};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::allocator::PURGE_DELAY;
use crate::found::{Founded, Network};

/// How long a node may take until its gateway answers.
const START: Duration = Duration::from_secs(120);
/// How often a node that ends at once is started.
const STARTS: u32 = 3;
/// Pause before the next start.
const AGAIN: Duration = Duration::from_millis(500);
/// How long a node may take to stop when it is asked to.
const STOP: Duration = Duration::from_secs(30);

/// A validator's process.
struct Process {
    founded: Founded,
    child: Option<Child>,
    client: Client,
}

/// All validators' processes. What is still running is killed when this is dropped.
pub(crate) struct Processes {
    all: Vec<Process>,
    program: PathBuf,
}

impl Processes {
    /// Starts every validator and waits until all gateways answer.
    pub(crate) async fn start(network: &mut Network) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("the path of this program")?;
        let founded = std::mem::take(&mut network.validators);
        let mut all = Vec::with_capacity(founded.len());
        for founded in founded {
            let client = Client::new(&[address(&founded)], Policy::default())?;
            all.push(Process { founded, child: None, client });
        }
        let mut processes = Self { all, program };
        for index in 0..processes.all.len() {
            processes.launch(index)?;
        }
        for index in 0..processes.all.len() {
            processes.wait(index).await?;
        }
        Ok(processes)
    }

    /// Folder of the first validator.
    pub(crate) fn first_home(&self) -> Option<PathBuf> {
        self.all.first().map(|process| process.founded.home.clone())
    }

    /// Addresses of the gateways.
    pub(crate) fn gateways(&self) -> Vec<String> {
        self.all.iter().map(|process| address(&process.founded)).collect()
    }

    /// Names and addresses, for people.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.all.iter().map(|process| (process.founded.name, address(&process.founded)))
    }

    /// Number of validators.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    fn launch(&mut self, index: usize) -> anyhow::Result<()> {
        let process = &mut self.all[index];
        let home = &process.founded.home;
        let path = home.join("node.log");
        let log = File::options().create(true).append(true).open(&path);
        let log = log.with_context(|| format!("the log {}", path.display()))?;
        let child = Command::new(&self.program)
            .args(["node", "run", "--simulated", "--home"])
            .arg(home)
            // What a bench sets for itself is not how a node runs.
            .env_remove(PURGE_DELAY)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            // A Ctrl-C at the terminal is for the demo, which stops its nodes itself.
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        process.child = Some(child);
        Ok(())
    }

    async fn wait(&mut self, index: usize) -> anyhow::Result<()> {
        let deadline = Instant::now() + START;
        let mut starts = 1;
        loop {
            if let Some(child) = &mut self.all[index].child
                && let Some(status) = child.try_wait()?
            {
                let founded = &self.all[index].founded;
                if starts == STARTS {
                    bail!("the node of {} ended with {status}: {}", founded.name, last_words(founded));
                }
                // Another program may have had its port for a moment.
                starts += 1;
                tokio::time::sleep(AGAIN).await;
                self.launch(index)?;
            }
            let process = &self.all[index];
            if process.client.status().await.is_ok() {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("the gateway of {} does not answer", process.founded.name);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Kills a validator as a power cut would.
    pub(crate) async fn kill(&mut self, index: usize) -> anyhow::Result<()> {
        if let Some(mut child) = self.all[index].child.take() {
            child.kill().await.with_context(|| format!("cannot kill {}", self.all[index].founded.name))?;
        }
        Ok(())
    }

    /// Starts a killed validator again, in its folder.
    pub(crate) async fn restart(&mut self, index: usize) -> anyhow::Result<()> {
        self.launch(index)?;
        self.wait(index).await
    }

    /// Where each validator stands.
    pub(crate) async fn statuses(&self) -> anyhow::Result<Vec<Status>> {
        let mut statuses = Vec::with_capacity(self.all.len());
        for process in &self.all {
            let status = process.client.status().await;
            statuses.push(status.with_context(|| format!("the gateway of {}", process.founded.name))?);
        }
        Ok(statuses)
    }

    /// Asks every validator to stop and waits for it; one that does not is killed.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        for process in &mut self.all {
            let id = process.child.as_ref().and_then(Child::id).and_then(|id| i32::try_from(id).ok());
            if let Some(pid) = id.and_then(Pid::from_raw) {
                kill_process(pid, Signal::TERM).context("cannot signal a node")?;
            }
        }
        for process in &mut self.all {
            let Some(child) = &mut process.child else { continue };
            match tokio::time::timeout(STOP, child.wait()).await {
                Ok(status) => {
                    let status = status?;
                    anyhow::ensure!(status.success(), "the node of {} ended with {status}", process.founded.name);
                }
                Err(_) => child.kill().await?,
            }
        }
        Ok(())
    }
}

/// The last line of a node's log, and where the rest is.
fn last_words(founded: &Founded) -> String {
    let path = founded.home.join("node.log");
    let log = std::fs::read_to_string(&path).unwrap_or_default();
    let last = log.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    format!("{last} (its log is {})", path.display())
}

fn address(founded: &Founded) -> String {
    format!("http://{}", founded.gateway)
}
