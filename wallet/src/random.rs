//! Random ids, salts and keys, from the operating system alone.

use keis_ledger::crypto::SecretKey;
use zeroize::Zeroizing;

/// Bytes that nobody can foresee.
///
/// # Panics
/// When the operating system has no random bytes to give: nothing here may go on without them.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes once it has started");
    bytes
}

/// A new id of any kind: `new_id(OrderId)`.
pub fn new_id<const N: usize, Id>(kind: impl FnOnce([u8; N]) -> Id) -> Id {
    kind(random_bytes())
}

/// A new secret key.
pub fn new_key() -> SecretKey {
    SecretKey::from_bytes(&Zeroizing::new(random_bytes()))
}
