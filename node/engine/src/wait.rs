//! What the host waits for between messages.

use keis_ledger::chain::Height;
use tokio::sync::watch;
use tokio::time::Instant;

/// Waits until the next height is worth starting: work here, peers that work on it, or long enough idle.
pub(crate) async fn worth_starting(
    work: &mut watch::Receiver<bool>,
    newest: &mut watch::Receiver<Height>,
    claimed: &mut watch::Receiver<Height>,
    tip: Height,
    deadline: Option<Instant>,
) {
    let idle = async {
        match deadline {
            Some(deadline) => tokio::time::sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = turned_true(work) => {}
        () = above(newest, tip) => {}
        () = above(claimed, tip) => {}
        () = idle => {}
    }
}

/// Waits for a flag; for ever when nobody can raise it any more.
pub(crate) async fn turned_true(flag: &mut watch::Receiver<bool>) {
    if flag.wait_for(|raised| *raised).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Waits for the request to stop; an engine whose handle was dropped stops as well.
pub(crate) async fn asked_to_stop(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Waits until a height is above the tip.
async fn above(height: &mut watch::Receiver<Height>, tip: Height) {
    if height.wait_for(|height| *height > tip).await.is_err() {
        std::future::pending::<()>().await;
    }
}
