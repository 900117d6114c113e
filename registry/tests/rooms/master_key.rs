//! The master key's file.

use std::os::unix::fs::PermissionsExt;

use keis_registry::MasterKey;
use keis_registry::vault::MasterKeyError;

#[test]
fn a_key_is_made_once_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    assert!(matches!(MasterKey::read(&path), Err(MasterKeyError::File { .. })));
    let key = MasterKey::create(&path).unwrap();
    assert_eq!(MasterKey::read(&path).unwrap().to_bytes(), key.to_bytes());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(MasterKey::create(&path).is_err(), "a key is never written over");
    assert_eq!(MasterKey::read(&path).unwrap().to_bytes(), key.to_bytes());
    assert_eq!(format!("{key:?}"), "MasterKey");
}

#[test]
fn a_file_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    MasterKey::create(&path).unwrap();
    for mode in [0o640, 0o604, 0o660] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        assert!(matches!(MasterKey::read(&path), Err(MasterKeyError::Open { .. })), "{mode:o}");
    }
}

#[test]
fn what_is_no_key_is_refused() {
    let digits = "0123456789abcdef".repeat(4);
    assert!(MasterKey::parse(&format!(" {digits}\n")).is_ok());
    for text in ["", &digits[1..], &format!("{digits}0"), &digits.replace('f', "g")] {
        assert!(matches!(MasterKey::parse(text), Err(MasterKeyError::Text)), "{text}");
    }
}
