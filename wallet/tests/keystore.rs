//! What files of secrets promise: they open for their owner alone, and nothing is lost or replaced.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use keis_ledger::crypto::SecretKey;
use keis_wallet::keystore::{self, KeystoreError};
use keis_wallet::random::new_key;
use keis_wallet::secret_file::{self, SecretFileError};

const PASSPHRASE: &str = "ąžuolas ir beržas";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn key_file_opens_with_its_passphrase_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("coordinator.json");
    let key = new_key();
    keystore::create(&path, &key, "Coordinator", PASSPHRASE).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside");
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains(&hex::encode(key.to_bytes())));
    let description = keystore::describe(&path).unwrap();
    assert_eq!((description.public_key, description.label.as_str()), (key.public(), "Coordinator"));
    assert_eq!(keystore::open(&path, PASSPHRASE).unwrap().to_bytes(), key.to_bytes());
    for wrong in ["ąžuolas ir beržai", "", "Ąžuolas ir beržas"] {
        assert!(matches!(keystore::open(&path, wrong), Err(KeystoreError::Passphrase { .. })), "{wrong:?}");
    }
}

#[test]
fn same_key_and_passphrase_give_unlike_files() {
    let folder = tempfile::tempdir().unwrap();
    let key = SecretKey::from_bytes(&[7; 32]);
    let text = |name: &str| {
        let path = folder.path().join(name);
        keystore::create(&path, &key, "", PASSPHRASE).unwrap();
        serde_json::from_slice::<serde_json::Value>(&fs::read(path).unwrap()).unwrap()
    };
    let (one, other) = (text("one"), text("other"));
    assert_ne!(one["ciphertext"], other["ciphertext"]);
    assert_ne!(one["derivation"]["salt"], other["derivation"]["salt"]);
    assert_ne!(one["nonce"], other["nonce"]);
}

#[test]
fn key_file_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.json");
    keystore::create(&path, &new_key(), "first", PASSPHRASE).unwrap();
    let before = fs::read(&path).unwrap();
    let again = keystore::create(&path, &new_key(), "second", PASSPHRASE);
    assert!(
        matches!(again, Err(KeystoreError::Write { source, .. }) if source.kind() == std::io::ErrorKind::AlreadyExists)
    );
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside");
}

#[test]
fn any_damaged_byte_is_told_from_a_wrong_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.json");
    keystore::create(&path, &new_key(), "Mokykla", PASSPHRASE).unwrap();
    let whole = fs::read(&path).unwrap();
    for place in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x01;
        fs::write(&path, &damaged).unwrap();
        // Only white space outside of texts may change without harm.
        let opened = keystore::describe(&path);
        let harmless = whole[place].is_ascii_whitespace() && opened.is_ok();
        let told = matches!(
            opened,
            Err(KeystoreError::Damaged { .. } | KeystoreError::Syntax { .. } | KeystoreError::Unsupported { .. })
        );
        assert!(told || harmless, "byte {place} {:?} -> {:?}", char::from(whole[place]), char::from(damaged[place]));
    }
    for length in 0..whole.len() - 1 {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(matches!(keystore::describe(&path), Err(KeystoreError::Syntax { .. })), "cut at {length}");
    }
}

#[test]
fn what_cannot_protect_or_be_shown_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.json");
    let create = |label: &str, passphrase: &str| keystore::create(&path, &new_key(), label, passphrase);
    assert!(matches!(create("label", "seven 7"), Err(KeystoreError::PassphraseTooShort)));
    assert!(matches!(create("two\nlines", PASSPHRASE), Err(KeystoreError::Label)));
    assert!(matches!(create(&"x".repeat(101), PASSPHRASE), Err(KeystoreError::Label)));
    assert!(!path.exists());
    assert!(matches!(keystore::open(&path, PASSPHRASE), Err(KeystoreError::Read { .. })));
    fs::write(&path, vec![b' '; 100_000]).unwrap();
    assert!(matches!(keystore::open(&path, PASSPHRASE), Err(KeystoreError::Unsupported { .. })));
}

#[test]
fn secret_file_is_for_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("consensus.key");
    let key = new_key();
    secret_file::create(&path, &key).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", hex::encode(key.to_bytes())));
    assert_eq!(secret_file::read(&path).unwrap().public(), key.public());
    assert!(matches!(secret_file::create(&path, &new_key()), Err(SecretFileError::Write { .. })));
    for open_to_others in [0o640, 0o604, 0o660, 0o777] {
        fs::set_permissions(&path, fs::Permissions::from_mode(open_to_others)).unwrap();
        assert!(
            matches!(secret_file::read(&path), Err(SecretFileError::Permissions { mode, .. }) if mode == open_to_others)
        );
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    assert_eq!(secret_file::read(&path).unwrap().public(), key.public());
}

#[test]
fn secret_file_holds_exactly_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let digits = hex::encode([9; 32]);
    let read = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        secret_file::read(&path)
    };
    assert!(read("plain", &digits).is_ok());
    assert!(read("windows", &format!("{digits}\r\n")).is_ok());
    let wrong = [
        "",
        &digits[1..],
        &format!("{digits}0"),
        &format!(" {}", &digits[1..]),
        &digits.replace('9', "g"),
        &digits.repeat(9),
    ];
    for (index, text) in wrong.into_iter().enumerate() {
        assert!(matches!(read(&index.to_string(), text), Err(SecretFileError::Content { .. })), "{text:?}");
    }
    assert!(matches!(secret_file::read(&folder.path().join("absent")), Err(SecretFileError::Read { .. })));
}
