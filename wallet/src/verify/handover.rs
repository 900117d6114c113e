//! From the validators of genesis to those of a height, over every change between.

use keis_ledger::chain::{Certificate, Header, Height, ValidatorSet};
use keis_ledger::crypto::Hash;
use serde::{Deserialize, Serialize};

use super::{VerifyError, verify_header};
use crate::wire::{CertificateWire, HeaderWire, validators};

/// A block after which other validators decide: its head, the votes of those before, and those after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handover {
    /// Head of the block; `next_validators` is the hash of the set below.
    #[serde(deserialize_with = "HeaderWire::deserialize")]
    pub header: Header,
    /// That the validators before decided it.
    #[serde(deserialize_with = "CertificateWire::deserialize")]
    pub certificate: Certificate,
    /// Who decides from the next height on.
    #[serde(deserialize_with = "validators")]
    pub validators: ValidatorSet,
}

/// The validators that decide `height`: those of genesis, or of the last handover, each signed for by the set before it.
///
/// # Errors
/// [`VerifyError`] for the first handover that does not hold or does not lie before `height`.
pub fn validators_after<'a>(
    network: &Hash,
    founders: &'a ValidatorSet,
    handovers: &'a [Handover],
    height: Height,
) -> Result<&'a ValidatorSet, VerifyError> {
    let (mut validators, mut before) = (founders, Height(0));
    for Handover { header, certificate, validators: next } in handovers {
        if header.height <= before || header.height >= height {
            return Err(VerifyError::HandoverOrder(header.height));
        }
        verify_header(header, certificate, network, validators)?;
        if header.next_validators == header.validators || header.next_validators != next.hash() {
            return Err(VerifyError::HandoverSet(header.height));
        }
        (validators, before) = (next, header.height);
    }
    Ok(validators)
}
