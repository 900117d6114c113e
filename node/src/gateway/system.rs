//! The node itself: status, health, metrics, the stepped clock, the description of all this.

use std::sync::Arc;

use keis_engine::guard::GuardState;
use keis_ledger::chain::{Address, Height};
use keis_ledger::crypto::{Hash, PublicKey, Signature};
use keis_ledger::ids::{BlockId, InstitutionId};
use keis_ledger::record::ProtocolSwitch;
use keis_ledger::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warp::http::StatusCode;

use super::call::{Answer, Call, bytes, json};
use super::keep::Keep;
use super::problem::Problem;
use super::{Context, openapi, schema};
use crate::clock::{ClockError, ClockStep};
use crate::view::View;

/// What the node is and where it stands.
#[derive(Serialize, ToSchema)]
pub(super) struct Status {
    /// Version of the node's software.
    version: &'static str,
    /// Hash of the genesis document.
    #[schema(value_type = String)]
    network: Hash,
    /// Whether the network's clock is stepped by a driver.
    simulated: bool,
    /// Height of the last durable block; 0 at genesis.
    #[schema(value_type = u64)]
    height: Height,
    /// Its id.
    #[schema(value_type = String, example = "blk_00ff…")]
    block: BlockId,
    /// Its time, milliseconds since 1970.
    #[schema(value_type = u64)]
    time: Timestamp,
    /// Root of the state after it.
    #[schema(value_type = String)]
    state_root: Hash,
    /// Records in the state.
    records: u64,
    /// What the node's clock shows.
    #[schema(value_type = u64)]
    clock: Timestamp,
    /// Whose machine it is.
    #[schema(value_type = String, example = "ins_00ff…")]
    institution: InstitutionId,
    /// Address of its consensus key.
    #[schema(value_type = String, example = "val_00ff…")]
    address: Address,
    /// Whether this key decides the next block with the others.
    validator: bool,
    /// Whether the node signs: `active`, `observing` or `foreign`.
    guard: &'static str,
    /// Whether it is catching up.
    syncing: bool,
    /// The highest height known of a peer.
    #[schema(value_type = u64)]
    network_height: Height,
    /// Its peers.
    peers: Vec<Peer>,
    /// What waits.
    mempool: Pool,
    /// Versions of the rules.
    protocol: Protocol,
}

/// Versions of the rules.
#[derive(Serialize, ToSchema)]
pub(super) struct Protocol {
    /// The next block's.
    version: u32,
    /// The newest that this node follows: what its software knows, or what it was told to stop at.
    supported: u32,
    /// A switch that was decided and whose height has not come.
    #[serde(skip_serializing_if = "Option::is_none")]
    switch: Option<Switch>,
}

/// A decided switch of the rules.
#[derive(Serialize, ToSchema)]
pub(super) struct Switch {
    /// The version.
    version: u32,
    /// The first block under it.
    #[schema(value_type = u64)]
    height: Height,
}

/// A peer.
#[derive(Serialize, ToSchema)]
pub(super) struct Peer {
    /// Its network key.
    #[schema(value_type = String, example = "key_00ff…")]
    key: PublicKey,
    /// Whether it is connected now.
    connected: bool,
}

/// Transactions on this node that are in no block yet.
#[derive(Serialize, ToSchema)]
pub(super) struct Pool {
    /// Waiting and parked.
    transactions: u64,
}

/// A step of a simulated clock.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// What the clock shall show, milliseconds since 1970.
    #[schema(value_type = u64)]
    time: Timestamp,
    /// Signature of the driver named in genesis: 128 hexadecimal digits.
    #[schema(value_type = String, pattern = "^[0-9a-f]{128}$")]
    signature: Signature,
}

/// What the clock shows after a step.
#[derive(Serialize, ToSchema)]
pub(super) struct Stepped {
    /// The time, milliseconds since 1970.
    #[schema(value_type = u64)]
    time: Timestamp,
    /// Whether this step moved it.
    advanced: bool,
}

/// A word on the node's health.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok`.
    status: &'static str,
}

/// What the node is and where it stands.
#[utoipa::path(get, path = "/v1/status", tag = "node", responses((status = 200, body = Status)))]
pub(super) async fn status(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    let view = context.view();
    let node = context.services.status.borrow().clone();
    let peers = context.services.network.peers();
    let status = Status {
        version: env!("CARGO_PKG_VERSION"),
        network: view.tip.network,
        simulated: view.simulated,
        height: view.height(),
        block: view.tip.block,
        time: view.tip.time,
        state_root: view.tip.state.root(),
        records: view.tip.state.len() as u64,
        clock: context.services.clock.now(),
        institution: node.institution,
        address: node.address,
        validator: view.tip.network_record().validators.find(&node.address).is_some(),
        guard: guard(&node.guard),
        syncing: node.syncing,
        network_height: node.network_height.max(view.height()),
        peers: peers.into_iter().map(|peer| Peer { key: peer.network_key, connected: peer.connected }).collect(),
        mempool: Pool { transactions: context.services.mempool.ids().len() as u64 },
        protocol: Protocol::of(&view, node.supported),
    };
    json(StatusCode::OK, Keep::Not, &status)
}

impl Protocol {
    fn of(view: &View, supported: u32) -> Self {
        let version = view.tip.next_protocol();
        let switch = view.tip.state.get::<ProtocolSwitch>(()).filter(|switch| switch.version > version);
        let switch = switch.map(|switch| Switch { version: switch.version, height: switch.height });
        Self { version, supported, switch }
    }
}

fn guard(state: &GuardState) -> &'static str {
    match state {
        GuardState::Active => "active",
        GuardState::Observing { .. } => "observing",
        GuardState::Foreign(_) => "foreign",
    }
}

/// Steps the clock of a simulated network. Other networks have no such address.
#[utoipa::path(post, path = "/v1/clock", tag = "node",
    request_body(content = Step, content_type = "application/json"),
    responses(
        (status = 200, body = Stepped),
        (status = 400, description = "Not a step", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "The network runs on real time", body = schema::Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = schema::Problem, content_type = "application/problem+json"),
        (status = 415, description = "Another media type", body = schema::Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not signed by the driver", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn step(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    if !context.services.clock.is_simulated() {
        return Err(Problem::not_found(ClockError::NotSimulated.to_string()));
    }
    let Step { time, signature } = serde_json::from_slice(&call.body)
        .map_err(|error| Problem::malformed(format!("the body is not a step of the clock: {error}")))?;
    let step = ClockStep { time, signature };
    let advanced = context.services.clock.step(&step).map_err(|error| match error {
        ClockError::NotSimulated => Problem::not_found(error.to_string()),
        ClockError::Signature => Problem::refused("signature_wrong", error.to_string()),
    })?;
    if advanced {
        context.services.network.publish_step(step);
    }
    json(StatusCode::OK, Keep::Not, &Stepped { time: context.services.clock.now(), advanced })
}

/// This description.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "node",
    responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
pub(super) async fn openapi(_: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    Ok(bytes(StatusCode::OK, Keep::Moving, "application/json", openapi::TEXT.clone()))
}

/// Whether the process answers.
#[utoipa::path(get, path = "/health/live", tag = "node", responses((status = 200, body = Health)))]
pub(super) async fn live(_: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    json(StatusCode::OK, Keep::Not, &Health { status: "ok" })
}

/// Whether the node has caught up with its peers and its disk has room.
#[utoipa::path(get, path = "/health/ready", tag = "node",
    responses(
        (status = 200, body = Health),
        (status = 503, description = "It is catching up, or its disk is nearly full", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn ready(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    if context.services.status.borrow().syncing {
        return Err(Problem::unavailable("syncing", "the node is catching up with its peers"));
    }
    context.has_room()?;
    json(StatusCode::OK, Keep::Not, &Health { status: "ok" })
}

/// Metrics for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "node",
    responses((status = 200, description = "Text exposition format", body = String, content_type = "text/plain")))]
pub(super) async fn metrics(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    let recorder = context.services.metrics.clone();
    let text = context.work(move || recorder.render()).await?;
    Ok(bytes(StatusCode::OK, Keep::Not, "text/plain; version=0.0.4; charset=utf-8", text.into_bytes()))
}
