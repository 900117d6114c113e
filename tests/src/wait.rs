//! Waiting for what must come, and taking turns.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(25);

static TURN: LazyLock<Arc<Mutex<()>>> = LazyLock::new(Arc::default);

/// Held by the one test of this process that runs a network now; nextest's groups do the same among processes.
pub type Turn = OwnedMutexGuard<()>;

/// Waits for the turn to run a network.
pub async fn turn() -> Turn {
    TURN.clone().lock_owned().await
}

/// Looks again and again until `look` sees something; panics when it does not within the time.
pub async fn until<T>(what: &str, within: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited {} s in vain: {what}", within.as_secs());
        tokio::time::sleep(LOOK).await;
    }
}

/// Looks for a time at what must not come; panics when `look` sees it.
pub async fn never<T: std::fmt::Debug>(what: &str, within: Duration, mut look: impl AsyncFnMut() -> Option<T>) {
    let deadline = Instant::now() + within;
    while Instant::now() < deadline {
        if let Some(seen) = look().await {
            panic!("{what}: {seen:?}");
        }
        tokio::time::sleep(LOOK).await;
    }
}
