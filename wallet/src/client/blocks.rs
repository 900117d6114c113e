//! Whole blocks, for officers and auditors. They need a client that signs: [`Client::signed_by`].

use keis_ledger::chain::{Certificate, Height};
use keis_ledger::codec;

use super::transport::{Answer, Call};
use super::{Client, ClientError};

/// A block as it is stored, with the votes that decided it. Nothing of it is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawBlock {
    /// The height that was asked for.
    pub height: Height,
    /// The encoded block.
    pub block: Vec<u8>,
    /// The certificate that the gateway holds.
    pub certificate: Certificate,
}

impl Client {
    /// Consecutive blocks from a height on, as many as fit an answer; none behind the tip. `None` when the gateway does not
    /// hold the first of them.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers, or the signer may not read this.
    pub async fn raw_blocks(&self, from: Height) -> Result<Option<Vec<RawBlock>>, ClientError> {
        let call = Call::get("/v1/blocks").with("from", from);
        let found = match self.transport.send(&call).await? {
            Answer::Found(found) => found,
            Answer::Missing(_) => return Ok(None),
            Answer::Refused(problem) => return Err(ClientError::Problem(problem)),
        };
        let parts: Vec<(Height, Vec<u8>, Vec<u8>)> =
            codec::decode(&found.body).map_err(|_| call.about_other_thing())?;
        let mut expected = from;
        let mut blocks = Vec::with_capacity(parts.len());
        for (height, block, certificate) in parts {
            let certificate = codec::decode(&certificate).map_err(|_| call.about_other_thing())?;
            if height != expected {
                return Err(call.about_other_thing());
            }
            expected = Height(height.0.saturating_add(1));
            blocks.push(RawBlock { height, block, certificate });
        }
        Ok(Some(blocks))
    }
}
