//! Certificates, and sets of validators that judge them.
#![no_main]

use std::sync::LazyLock;

use keis_audit::trial::Trial;
use keis_ledger::chain::Certificate;
use keis_ledger::codec;
use libfuzzer_sys::fuzz_target;

static TRIAL: LazyLock<Trial> = LazyLock::new(|| Trial::founded(100));

fuzz_target!(|bytes: &[u8]| {
    let Ok(certificate) = codec::decode::<Certificate>(bytes) else { return };
    assert_eq!(codec::encode(&certificate), bytes);
    let genesis = TRIAL.genesis();
    let _ = certificate.verify(&genesis.hash(), genesis.validators());
});
