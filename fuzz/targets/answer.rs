//! Answers of peers to a node that asks for the chain, judged from the founding document on.
#![no_main]

use std::sync::LazyLock;

use keis_audit::trial::Trial;
use keis_node::chain::Lineage;
use keis_node::sync::fuzzing::answer;
use libfuzzer_sys::fuzz_target;

static FOUNDERS: LazyLock<Lineage> = LazyLock::new(|| {
    let trial = Trial::founded(100);
    Lineage::new(trial.genesis().hash(), trial.genesis().validators().clone())
});

fuzz_target!(|bytes: &[u8]| answer(bytes, &FOUNDERS));
