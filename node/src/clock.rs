//! The seam through which time enters a node: the machine's clock, or one that a driver named in genesis steps.
//!
//! Rules never read it. A proposer puts its time into a header, a validator judges a fresh header's time by it, and the node
//! learns from it that a clock step is due.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bincode::{Decode, Encode};
use keis_ledger::crypto::{Domain, Hash, PublicKey, SecretKey, Signature};
use keis_ledger::time::Timestamp;
use tokio::sync::watch;

/// Longest sleep on the machine's clock before it is read again: it may be set.
const LONGEST_SLEEP: Duration = Duration::from_secs(20);

/// A node's clock; clones show the same time.
#[derive(Clone)]
pub struct Clock(Kind);

#[derive(Clone)]
enum Kind {
    Real,
    Simulated(Arc<Simulated>),
}

struct Simulated {
    network: Hash,
    driver: PublicKey,
    shown: watch::Sender<Timestamp>,
    latest: Mutex<Option<ClockStep>>,
}

/// The driver's word that a simulated network's clock shows `time` now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct ClockStep {
    /// What the clock shows.
    pub time: Timestamp,
    /// The driver's signature over domain, network and time.
    pub signature: Signature,
}

/// Why a step does not move the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// The network runs on real time.
    #[error("this network runs on real time; nobody steps its clock")]
    NotSimulated,
    /// The driver did not sign it.
    #[error("the step is not signed by the driver named in genesis")]
    Signature,
}

impl ClockStep {
    /// A step signed by the driver.
    pub fn sign(network: &Hash, driver: &SecretKey, time: Timestamp) -> Self {
        Self { time, signature: driver.sign(&signed_bytes(network, time)) }
    }

    /// Whether `driver` signed the step for this network.
    pub fn verify(&self, network: &Hash, driver: &PublicKey) -> bool {
        driver.verify(&signed_bytes(network, self.time), &self.signature)
    }
}

fn signed_bytes(network: &Hash, time: Timestamp) -> Vec<u8> {
    let mut bytes = Domain::Clock.tag().to_vec();
    bytes.extend_from_slice(&network.0);
    bytes.extend_from_slice(&time.0.to_le_bytes());
    bytes
}

impl Clock {
    /// The machine's clock.
    pub fn real() -> Self {
        Self(Kind::Real)
    }

    /// A clock that shows `start` until `driver` steps it.
    pub fn simulated(network: Hash, driver: PublicKey, start: Timestamp) -> Self {
        let (shown, latest) = (watch::Sender::new(start), Mutex::new(None));
        Self(Kind::Simulated(Arc::new(Simulated { network, driver, shown, latest })))
    }

    /// Whether a driver steps it.
    pub fn is_simulated(&self) -> bool {
        match &self.0 {
            Kind::Real => false,
            Kind::Simulated(_) => true,
        }
    }

    /// What it shows.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Kind::Real => machine_time(),
            Kind::Simulated(simulated) => *simulated.shown.borrow(),
        }
    }

    /// Takes a step; says whether the clock advanced by it. An older step than the last changes nothing.
    ///
    /// # Errors
    /// [`ClockError`] when nobody may step this clock, or somebody else than the driver tries.
    pub fn step(&self, step: &ClockStep) -> Result<bool, ClockError> {
        let Kind::Simulated(simulated) = &self.0 else { return Err(ClockError::NotSimulated) };
        if !step.verify(&simulated.network, &simulated.driver) {
            return Err(ClockError::Signature);
        }
        let mut latest = simulated.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.is_none_or(|before| before.time < step.time) {
            *latest = Some(*step);
        }
        Ok(simulated.advance(step.time))
    }

    /// The newest step taken, to be told to peers; none on a real clock.
    pub fn latest(&self) -> Option<ClockStep> {
        match &self.0 {
            Kind::Real => None,
            Kind::Simulated(simulated) => *simulated.latest.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// A simulated clock never lags behind the chain: it shows at least this time from now on.
    pub fn not_before(&self, time: Timestamp) {
        match &self.0 {
            Kind::Real => {}
            Kind::Simulated(simulated) => {
                simulated.advance(time);
            }
        }
    }

    /// Waits until the clock shows `time` or later.
    pub async fn reached(&self, time: Timestamp) {
        match &self.0 {
            Kind::Real => {
                while let Some(left) = time.0.checked_sub(machine_time().0).filter(|left| *left > 0) {
                    tokio::time::sleep(Duration::from_millis(left).min(LONGEST_SLEEP)).await;
                }
            }
            Kind::Simulated(simulated) => {
                let mut shown = simulated.shown.subscribe();
                let reached = shown.wait_for(|shown| *shown >= time).await;
                reached.expect("the sender lives as long as the clock that is being waited on");
            }
        }
    }

    /// The same, but not for longer than `patience`; says whether the clock shows it. What the machine's clock cannot show so
    /// soon is not waited for, while a driver may step a simulated one any moment.
    pub async fn reaches(&self, time: Timestamp, patience: Duration) -> bool {
        let left = Duration::from_millis(time.0.saturating_sub(self.now().0));
        if left > patience && !self.is_simulated() {
            return false;
        }
        left.is_zero() || tokio::time::timeout(patience, self.reached(time)).await.is_ok()
    }
}

impl Simulated {
    fn advance(&self, time: Timestamp) -> bool {
        self.shown.send_if_modified(|shown| {
            let advances = *shown < time;
            if advances {
                *shown = time;
            }
            advances
        })
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = if self.is_simulated() { "simulated" } else { "real" };
        write!(f, "Clock ({kind}) at {}", self.now().0)
    }
}

/// A machine's clock before 1970 counts as 1970: header times never go back, whatever it shows.
fn machine_time() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
