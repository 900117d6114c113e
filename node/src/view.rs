//! What readers see of the chain: the tip that is durable on this node, and nothing that is not.

use std::sync::Arc;

use keis_ledger::block::Tip;
use keis_ledger::chain::{Header, Height};
use tokio::sync::watch;

/// The chain after one durable commit. Cheap to clone; never changes once published.
#[derive(Clone)]
pub struct View {
    /// Last block and the state after it.
    pub tip: Tip,
    /// Header of the last block; none while the chain stands at genesis.
    pub header: Option<Header>,
    /// Whether the network's clock is stepped by a driver.
    pub simulated: bool,
}

/// Follows the newest view.
pub type Views = watch::Receiver<Arc<View>>;

impl View {
    /// Height of the last block.
    pub fn height(&self) -> Height {
        self.tip.height
    }
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "View of height {}, block {}", self.tip.height, self.tip.block)
    }
}
