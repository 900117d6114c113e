//! What the node tells of itself in numbers, beside what its parts count.

use keis_engine::guard::GuardState;
use keis_ledger::chain::Address;
use keis_ledger::record::ProtocolSwitch;

use crate::gateway::NodeStatus;
use crate::mempool::Limits;
use crate::view::View;

/// What does not change while the node runs.
pub(super) fn once(peers: usize, limits: &Limits, supported: u32) {
    metrics::gauge!("keis_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    metrics::gauge!("keis_network_peers_listed").set(peers as f64);
    metrics::gauge!("keis_mempool_limit_transactions").set(limits.count as f64);
    metrics::gauge!("keis_mempool_limit_bytes").set(limits.bytes as f64);
    metrics::gauge!("keis_protocol_supported").set(f64::from(supported));
}

/// Where the node stands.
pub(super) fn status(status: &NodeStatus, view: &View) {
    let states = [
        ("active", matches!(status.guard, GuardState::Active)),
        ("observing", matches!(status.guard, GuardState::Observing { .. })),
        ("foreign", matches!(status.guard, GuardState::Foreign(_))),
    ];
    for (state, is) in states {
        metrics::gauge!("keis_guard_state", "state" => state).set(f64::from(u8::from(is)));
    }
    // Beside what every block counts: a node that has just started on an idle network tells where it stands, too.
    metrics::gauge!("keis_height").set(view.height().0 as f64);
    metrics::gauge!("keis_block_time_seconds").set(view.tip.time.0 as f64 / 1000.0);
    metrics::gauge!("keis_syncing").set(f64::from(u8::from(status.syncing)));
    metrics::gauge!("keis_validator").set(f64::from(u8::from(votes(view, &status.address))));
    metrics::gauge!("keis_protocol_version").set(f64::from(view.tip.next_protocol()));
    let decided = view.tip.state.get::<ProtocolSwitch>(()).map_or(0, |switch| switch.version);
    metrics::gauge!("keis_protocol_decided").set(f64::from(decided.max(view.tip.next_protocol())));
}

fn votes(view: &View, address: &Address) -> bool {
    view.tip.network_record().validators.find(address).is_some()
}
