//! The one encoding of everything that is hashed, signed or stored.
//!
//! bincode 2 in its legacy layout (little endian, fixed-width integers), so that every value has exactly one encoding.
//! No other module names bincode's functions; wincode writes the same bytes, should bincode have to go.

use bincode::{Decode, Encode};

/// Longest raw transaction, in bytes. The rule; the decoder's own limit below is generous and never decides.
pub const MAX_TRANSACTION: usize = 64 * 1024;

/// Bound of what one decoding may allocate, in bytes: above any block, far below a machine.
const DECODER_LIMIT: usize = 64 * 1024 * 1024;

/// Why bytes are not the encoding of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The bytes end early, name an unknown variant or hold an impossible value.
    #[error("the bytes are not the encoding of this type")]
    Malformed,
    /// Bytes remain after the value.
    #[error("{0} bytes remain after the value")]
    Trailing(usize),
    /// The value has another encoding: only one is accepted.
    #[error("the encoding is not the canonical one")]
    NotCanonical,
}

const fn layout() -> impl bincode::config::Config {
    bincode::config::legacy().with_limit::<DECODER_LIMIT>()
}

/// Encodes a value. Cannot fail: the types of this crate have no encoding that can.
pub fn encode<T: Encode>(value: &T) -> Vec<u8> {
    bincode::encode_to_vec(value, bincode::config::legacy()).expect("plain data encodes into memory")
}

/// Decodes exactly one value from all of `bytes`.
///
/// # Errors
/// [`CodecError`] when the bytes are not the one encoding of a `T`.
pub fn decode<T: Decode<()> + Encode>(bytes: &[u8]) -> Result<T, CodecError> {
    let (value, used) = bincode::decode_from_slice::<T, _>(bytes, layout()).map_err(|_| CodecError::Malformed)?;
    if used != bytes.len() {
        return Err(CodecError::Trailing(bytes.len() - used));
    }
    if encode(&value) != bytes {
        return Err(CodecError::NotCanonical);
    }
    Ok(value)
}
