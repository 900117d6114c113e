//! The one encoding of everything that is hashed, signed or stored.
//!
//! bincode 2 in its legacy layout (little endian, fixed-width integers), so that every value has exactly one encoding.
//! No other module names bincode's functions; wincode writes the same bytes, should bincode have to go.

use bincode::enc::write::Writer;
use bincode::error::EncodeError;
use bincode::{Decode, Encode};

use crate::crypto::{Digest, Domain, Hash};

/// Longest raw transaction, in bytes. The rule; the decoder's own limit below is generous and never decides.
pub const MAX_TRANSACTION: usize = 64 * 1024;

/// Bound of what one decoding may allocate, in bytes: above any block, far below a machine.
const DECODER_LIMIT: usize = 64 * 1024 * 1024;

/// Room that most encodings need, in bytes.
const USUAL: usize = 512;

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
    let mut bytes = Vec::with_capacity(USUAL);
    append(value, &mut bytes);
    bytes
}

/// Puts a value's encoding behind other bytes.
pub(crate) fn append<T: Encode>(value: &T, bytes: &mut Vec<u8>) {
    write(value, &mut Bytes(bytes));
}

/// The hash over parts and then a value's encoding, which is nowhere kept.
pub(crate) fn hash<T: Encode>(domain: Domain, parts: &[&[u8]], value: &T) -> Hash {
    let mut digest = Digest::new(domain);
    for part in parts {
        digest.update(part);
    }
    write(value, &mut digest);
    digest.finish()
}

fn write<T: Encode>(value: &T, into: &mut impl Writer) {
    bincode::encode_into_writer(value, into, bincode::config::legacy()).expect("plain data encodes into memory");
}

struct Bytes<'v>(&'v mut Vec<u8>);

impl Writer for Bytes<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

impl Writer for Digest {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.update(bytes);
        Ok(())
    }
}

/// Takes an encoding away from the front of what it should be.
struct Expected<'b> {
    rest: &'b [u8],
    same: bool,
}

impl Writer for Expected<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        match self.rest.strip_prefix(bytes) {
            Some(rest) => self.rest = rest,
            None => self.same = false,
        }
        Ok(())
    }
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
    let mut expected = Expected { rest: bytes, same: true };
    write(&value, &mut expected);
    if !expected.same || !expected.rest.is_empty() {
        return Err(CodecError::NotCanonical);
    }
    Ok(value)
}
