//! What the ledger decides about the node itself: whether its key votes, how large blocks may be, by which rules it goes on.

use keis_ledger::chain::Address;
use keis_ledger::crypto::Hash;
use keis_ledger::record::ProtocolSwitch;

use super::{NodeError, Renewal};
use crate::config::Config;
use crate::home::{ConsensusKey, Home};
use crate::view::View;

/// Looks at every tip for what concerns the node.
pub(super) struct Watcher {
    home: Home,
    config: Config,
    /// The address of the key that this process uses.
    address: Address,
    /// The newest version of the rules that may be used.
    supported: u32,
    /// Hash of the validators that were looked at last.
    validators: Hash,
    most_bytes: u32,
    /// The switch that was warned of last.
    warned: Option<u32>,
}

impl Watcher {
    /// Watches from a tip on, and judges it.
    pub(super) fn new(
        home: Home,
        config: Config,
        address: Address,
        supported: u32,
        view: &View,
    ) -> Result<Self, NodeError> {
        let record = view.tip.network_record();
        let (validators, most_bytes) = (record.validators.hash(), record.parameters.max_block_bytes);
        let mut watcher = Self { home, config, address, supported, validators, most_bytes, warned: None };
        watcher.look(view)?;
        Ok(watcher)
    }

    /// Whether this process may go on as it is.
    pub(super) fn look(&mut self, view: &View) -> Result<(), NodeError> {
        self.look_at_protocol(view)?;
        let record = view.tip.network_record();
        if record.parameters.max_block_bytes != self.most_bytes {
            return Err(NodeError::Renewed(Renewal::BlockSize));
        }
        let validators = record.validators.hash();
        if std::mem::replace(&mut self.validators, validators) == validators {
            return Ok(());
        }
        let votes = record.validators.find(&self.address).is_some();
        let count = record.validators.as_slice().len();
        tracing::info!(validator = %self.address, votes, validators = count, "the validators have changed");
        let chosen = ConsensusKey::choose(self.home.consensus_keys(&self.config)?, &record.validators);
        match chosen.filter(|chosen| chosen.address() != self.address) {
            Some(_) => Err(NodeError::Renewed(Renewal::Key)),
            None => Ok(()),
        }
    }

    /// Warns of rules to come that are not known here; refuses the first block under them.
    fn look_at_protocol(&mut self, view: &View) -> Result<(), NodeError> {
        let (height, version, supported) = (view.height().next(), view.tip.next_protocol(), self.supported);
        if version > supported {
            return Err(NodeError::ProtocolUnknown { height, version, supported });
        }
        let ahead = view.tip.state.get::<ProtocolSwitch>(()).filter(|switch| switch.version > supported);
        if let Some(switch) = ahead
            && self.warned.replace(switch.version) != Some(switch.version)
        {
            let (version, from) = (switch.version, switch.height);
            tracing::warn!(version, %from, supported, "the rules change, and this build does not know them: replace it before");
        }
        Ok(())
    }
}
