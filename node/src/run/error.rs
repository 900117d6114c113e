//! Why a node does not start, has ended, or begins again.

use std::path::PathBuf;

use keis_engine::EngineError;
use keis_engine::guard::GuardError;
use keis_ledger::chain::Height;
use keis_ledger::crypto::PublicKey;

use super::LONGEST_END;
use crate::chain::ChainError;
use crate::config::ConfigError;
use crate::documents::DocumentError;
use crate::gateway::GatewayError;
use crate::home::HomeError;
use crate::network::NetworkError;
use crate::store::StoreError;
use crate::sync::SyncError;
use crate::telemetry::TelemetryError;

/// Why a node begins again within its process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// Another consensus key of its folder votes from here on.
    Key,
    /// The network's bound of a block has changed.
    BlockSize,
    /// The blocks before the snapshot at which it joined are here: the gateway reads all of history.
    History,
}

/// Why a node does not start or has ended.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The node's folder.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The log or the metrics.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The founding document says that the clock is stepped.
    #[error("this network's clock is simulated: nothing on it is real; say so with --simulated")]
    Simulated,
    /// The operator expects a stepped clock, and it is not.
    #[error("this network runs on real time; do not start it with --simulated")]
    NotSimulated,
    /// Nobody knows whose node this is.
    #[error(
        "{0} is no validator's key, and neither the founding document nor `institution` in the settings says whose node this is"
    )]
    NoInstitution(PublicKey),
    /// The node must begin again with what was decided: [`run`] lets it.
    #[error("the network has decided what this node takes up only at a start ({0:?})")]
    Renewed(Renewal),
    /// The network goes over to rules that this build, as it is used, does not know.
    #[error(
        "from height {height} on this network's rules are of version {version}; this node knows them up to version {supported}. \
         Nothing is lost: install a build that knows version {version} and start the node again, it catches up"
    )]
    ProtocolUnknown {
        /// The first height under them.
        height: Height,
        /// Their version.
        version: u32,
        /// The newest version that is known here.
        supported: u32,
    },
    /// No snapshot could be fetched.
    #[error("the node cannot join the network")]
    Sync(#[from] SyncError),
    /// The store cannot be opened.
    #[error("the store cannot be opened")]
    Store(#[from] StoreError),
    /// What is damaged cannot be set aside.
    #[error("cannot set {} aside", path.display())]
    SetAside {
        /// The store's folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The chain cannot be loaded.
    #[error("the chain cannot be loaded")]
    Chain(#[source] ChainError),
    /// Documents cannot be read.
    #[error("the documents cannot be read")]
    Documents(#[from] DocumentError),
    /// The swarm does not start.
    #[error("the network does not start")]
    Network(#[from] NetworkError),
    /// Consensus does not start, or ended.
    #[error("consensus ended")]
    Engine(#[source] EngineError),
    /// The gateway does not start.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// A part of the node panicked.
    #[error("a part of the node panicked")]
    Panicked,
    /// The end took too long.
    #[error("the node did not end within {} seconds", LONGEST_END.as_secs())]
    Slow,
}

impl From<ChainError> for NodeError {
    fn from(error: ChainError) -> Self {
        if let ChainError::ProtocolUnknown { height, version, supported } = error {
            return Self::ProtocolUnknown { height, version, supported };
        }
        Self::Chain(error)
    }
}

impl From<EngineError> for NodeError {
    fn from(error: EngineError) -> Self {
        if let EngineError::Application(source) = &error
            && let Some(ChainError::ProtocolUnknown { height, version, supported }) = source.downcast_ref()
        {
            let (height, version, supported) = (*height, *version, *supported);
            return Self::ProtocolUnknown { height, version, supported };
        }
        Self::Engine(error)
    }
}

impl NodeError {
    /// Whether a person must look before the node is started again: its key was seen signing elsewhere, or its sign log
    /// is gone, damaged or another's.
    pub fn forbids_restart(&self) -> bool {
        if matches!(self, Self::Engine(EngineError::SecondCopy { .. })) {
            return true;
        }
        let (Self::Engine(EngineError::Guard(guard)) | Self::Home(HomeError::Guard(guard))) = self else {
            return false;
        };
        match guard {
            GuardError::Damaged { .. } | GuardError::Stranger { .. } => true,
            GuardError::Io { source, .. } => source.kind() == std::io::ErrorKind::NotFound,
            GuardError::InUse { .. } | GuardError::Failed { .. } => false,
        }
    }

    /// Whether what is on this disk cannot be read, and would be whole again when it came from peers.
    pub(super) fn is_damage(&self) -> bool {
        let (Self::Store(source) | Self::Chain(ChainError::Store { source, .. })) = self else {
            return matches!(self, Self::Chain(ChainError::Damaged { .. }));
        };
        source.is_damage()
    }
}
