//! Documents as they were when they were last looked at: an invoice is made again from its facts years later, to the
//! byte. `KEIS_RENEW_GOLDEN=1` writes them anew.

use std::path::Path;

use keis_einvoice::Invoice;

use crate::cases::{credit_notes, mixed, unregistered};

fn check(name: &str, xml: Vec<u8>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/einvoice/golden/{name}.xml"));
    if std::env::var_os("KEIS_RENEW_GOLDEN").is_some() {
        std::fs::write(&path, &xml).expect("the file is written");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(String::from_utf8(xml).expect("documents are UTF-8"), golden, "{name}");
}

#[test]
fn documents_are_as_they_were() {
    check("invoice-mixed", Invoice::draw(mixed()).expect("a sound invoice").to_xml());
    check("invoice-not-registered", Invoice::draw(unregistered()).expect("a sound invoice").to_xml());
    let part = credit_notes().into_iter().find(|(name, _)| name == "credit-part").expect("the case").1;
    check("credit-part", part.to_xml());
}
