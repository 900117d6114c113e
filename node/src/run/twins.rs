//! While a folder observes before it signs: whether another copy of its key votes. The swarm does not bring one copy the other's
//! votes, so what peers keep as certificates is read and shown to the sign guard.

use std::sync::Weak;
use std::time::Duration;

use keis_engine::guard::{Guard, GuardState};
use keis_ledger::chain::{Certificate, Height};
use tokio::sync::watch;

use crate::network::NetworkHandle;
use crate::sync::{Neighbours, Request, Response};
use crate::view::Views;

/// Between two looks at what peers keep.
const LOOK: Duration = Duration::from_millis(500);

/// Reads certificates until the folder signs and what was observed has been read once more.
pub(super) async fn watch(guard: Weak<Guard>, views: Views, peers: NetworkHandle, mut stopping: watch::Receiver<bool>) {
    tokio::select! {
        () = read(guard, views, peers) => {}
        // Nobody left who could raise it is as good as raised.
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
}

async fn read(guard: Weak<Guard>, views: Views, peers: NetworkHandle) {
    loop {
        tokio::time::sleep(LOOK).await;
        let Some((state, since)) = guard.upgrade().map(|guard| (guard.state(), guard.observed_since())) else { return };
        if matches!(state, GuardState::Foreign(_)) {
            return;
        }
        let Some(since) = since else { continue };
        let tip = views.borrow().height();
        let kept = ask(&peers, since, tip).await;
        if kept.is_empty() {
            continue;
        }
        let shown = guard.clone();
        let told = tokio::task::spawn_blocking(move || show(&shown, &kept, tip)).await;
        if told.is_err() || (told.is_ok_and(|found| !found) && state == GuardState::Active) {
            return;
        }
    }
}

/// The certificates that peers keep of heights in between, the newest first of each.
async fn ask(peers: &NetworkHandle, since: Height, tip: Height) -> Vec<Certificate> {
    let connected = peers.list().into_iter().filter(|peer| peer.connected);
    let asked = connected.map(|peer| peers.ask(peer.key, Request::History { below: tip.next() }));
    let mut kept = Vec::new();
    for answer in futures::future::join_all(asked).await {
        if let Ok(Response::History(blocks)) = answer {
            kept.extend(blocks.into_iter().map(|past| past.certificate).filter(|one| one.height >= since));
        }
    }
    kept
}

/// Shows them; says whether another copy's vote was among them.
fn show(guard: &Weak<Guard>, kept: &[Certificate], tip: Height) -> bool {
    let Some(guard) = guard.upgrade() else { return false };
    let mut found = false;
    for certificate in kept {
        match guard.show(certificate) {
            Ok(is) => found |= is,
            // The guard has failed now: the next request to sign stops the engine.
            Err(error) => tracing::error!(%error, "the sign guard could not record a vote of its own key"),
        }
    }
    if found {
        tracing::error!(height = %tip, "another copy of this node's key votes: end it; this folder does not sign before");
    }
    guard.testified(tip);
    found
}
