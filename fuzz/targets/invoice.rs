//! E-invoices of strangers, UBL 2.1.
#![no_main]

use keis_einvoice::{Reading, Received};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (read, received) = (Reading::parse(bytes), Received::parse(bytes));
    assert_eq!(read.is_ok(), received.is_ok());
});
