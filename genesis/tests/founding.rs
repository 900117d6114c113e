//! What a founding document promises: one identity whatever its layout, and every fault named with its place.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use keis_genesis::{
    CheckError, ClockKind, Document, FORMAT, Genesis, Institution, LoadError, Office, Officer, default_parameters,
};
use keis_ledger::chain::{Height, ValidatorSetError};
use keis_ledger::crypto::{PublicKey, SecretKey};
use keis_ledger::ids::{BlockId, InstitutionId};
use keis_ledger::operation::Owner;
use keis_ledger::protocol;
use keis_ledger::record::{Institution as Member, Key, Network};
use keis_ledger::time::Timestamp;

const TIME: Timestamp = Timestamp(1_767_225_600_000);

fn key(seed: u8) -> PublicKey {
    SecretKey::from_bytes(&[seed; 32]).public()
}

fn institution(index: u8) -> Institution {
    Institution {
        id: InstitutionId([index; 16]),
        name: format!("Institution {index}"),
        consensus_key: key(10 + index),
        network_key: key(20 + index),
        governance_keys: [key(40 + index), key(50 + index)],
        power: 1,
    }
}

fn officer(institution: u8, office: Office) -> Officer {
    Officer {
        institution: InstitutionId([institution; 16]),
        office,
        key: key(30 + institution),
        from: TIME,
        until: Timestamp(TIME.0 + 1000),
    }
}

fn document() -> Document {
    Document {
        format: FORMAT,
        name: "Culture passport".into(),
        time: TIME,
        clock: ClockKind::Simulated { driver: key(1) },
        parameters: default_parameters(),
        institutions: (1..=4).map(institution).collect(),
        officers: vec![officer(1, Office::BudgetHolder), officer(2, Office::Operator), officer(4, Office::Auditor)],
    }
}

fn fault(change: impl FnOnce(&mut Document)) -> CheckError {
    let mut changed = document();
    change(&mut changed);
    changed.check().expect_err("the document has a fault")
}

#[test]
fn first_state_holds_network_and_officers() {
    let genesis = document().check().unwrap();
    let tip = genesis.tip();
    assert_eq!((tip.network, tip.height, tip.block, tip.time), (genesis.hash(), Height(0), BlockId::default(), TIME));
    assert_eq!(tip.state.len(), 16);
    let network = tip.state.get::<Network>(()).unwrap();
    assert_eq!(network.parameters, default_parameters());
    assert_eq!(&network.validators, genesis.validators());
    let operator = tip.state.get::<Key>(key(32)).unwrap();
    assert_eq!(operator.owner, Owner::Operator(InstitutionId([2; 16])));
    assert!(operator.scopes.is_empty());
    let member = tip.state.get::<Member>(InstitutionId([3; 16])).unwrap();
    let mut both = vec![key(43), key(53)];
    both.sort();
    assert_eq!(*member, Member { keys: both.clone(), open: 0 });
    for governance in both {
        let bound = tip.state.get::<Key>(governance).unwrap();
        assert_eq!((bound.owner, bound.from), (Owner::Governance(InstitutionId([3; 16])), TIME));
    }
    assert!(genesis.is_simulated());
    assert_eq!(genesis.driver(), Some(key(1)));
    assert_eq!(genesis.institution_of(&key(13)).map(|one| one.id), Some(InstitutionId([3; 16])));
}

#[test]
fn hash_is_of_content_not_of_layout() {
    let folder = tempfile::tempdir().unwrap();
    let genesis = document().check().unwrap();
    let value = serde_json::to_value(genesis.document()).unwrap();
    let path = folder.path().join("dense.json");
    std::fs::write(&path, value.to_string()).unwrap();
    assert_eq!(Genesis::load(&path).unwrap().hash(), genesis.hash());

    let changes: [fn(&mut Document); 7] = [
        |it| it.name.push('.'),
        |it| it.time = Timestamp(it.time.0 - 1),
        |it| it.clock = ClockKind::Real,
        |it| it.parameters.step_budget += 1,
        |it| it.institutions[3].name.push('.'),
        |it| it.officers.truncate(2),
        |it| it.institutions[0].governance_keys.reverse(),
    ];
    for change in changes {
        let mut other = document();
        change(&mut other);
        assert_ne!(other.check().unwrap().hash(), genesis.hash());
    }
}

#[test]
fn saved_file_loads_and_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("genesis.json");
    let genesis = document().check().unwrap();
    genesis.save(&path).unwrap();
    assert_eq!(Genesis::load(&path).unwrap(), genesis);
    let before = std::fs::read(&path).unwrap();
    let mut other = document();
    other.name = "Another".into();
    let refused = other.check().unwrap().save(&path).unwrap_err();
    assert_eq!(refused.source.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside");
}

#[test]
fn every_fault_is_named_with_its_place() {
    assert_eq!(fault(|it| it.format = 3), CheckError::Format(3));
    assert_eq!(fault(|it| it.name = " ".into()), CheckError::Name { field: "name".into() });
    assert_eq!(
        fault(|it| it.institutions[1].name = "a\nb".into()),
        CheckError::Name { field: "institutions[1].name".into() }
    );
    assert_eq!(fault(|it| it.parameters.step_budget = 0), CheckError::Parameters);
    for unknown in [0, protocol::LATEST + 1] {
        assert_eq!(fault(|it| it.parameters.protocol = unknown), CheckError::Protocol(unknown));
    }
    assert_eq!(fault(|it| it.institutions.truncate(3)), CheckError::TooFewInstitutions { count: 3 });
    assert_eq!(
        fault(|it| it.institutions[2].id = InstitutionId([1; 16])),
        CheckError::IdTwice { field: "institutions[2].id".into(), id: InstitutionId([1; 16]) }
    );
    assert_eq!(
        fault(|it| it.institutions[3].power = 2),
        CheckError::Validators(ValidatorSetError::TooPowerful(InstitutionId([4; 16])))
    );
    assert_eq!(fault(|it| it.institutions[0].power = 0), CheckError::Validators(ValidatorSetError::Power));
    assert_eq!(
        fault(|it| it.officers[1].institution = InstitutionId([9; 16])),
        CheckError::InstitutionUnknown { field: "officers[1].institution".into(), id: InstitutionId([9; 16]) }
    );
    assert_eq!(
        fault(|it| it.officers[0].until = it.officers[0].from),
        CheckError::Term { field: "officers[0].until".into() }
    );
}

#[test]
fn one_institution_cannot_operate_and_fund() {
    assert_eq!(fault(|it| it.officers.truncate(1)), CheckError::TwoPersons);
    assert_eq!(fault(|it| it.officers[0].institution = it.officers[1].institution), CheckError::TwoPersons);
}

#[test]
fn a_key_serves_one_purpose_and_is_sound() {
    let twice = |field: &str, other: &str, seed| CheckError::KeyTwice {
        field: field.into(),
        other: other.into(),
        key: key(seed),
    };
    assert_eq!(
        fault(|it| it.officers[0].key = it.institutions[2].consensus_key),
        twice("officers[0].key", "institutions[2].consensus_key", 13)
    );
    assert_eq!(
        fault(|it| it.institutions[1].consensus_key = it.institutions[0].consensus_key),
        twice("institutions[1].consensus_key", "institutions[0].consensus_key", 11)
    );
    assert_eq!(
        fault(|it| it.institutions[0].network_key = key(1)),
        twice("institutions[0].network_key", "clock.simulated.driver", 1)
    );
    assert_eq!(
        fault(|it| it.institutions[3].governance_keys[1] = it.institutions[3].governance_keys[0]),
        twice("institutions[3].governance_keys[1]", "institutions[3].governance_keys[0]", 44)
    );
    assert_eq!(
        fault(|it| it.institutions[1].governance_keys[0] = it.institutions[3].consensus_key),
        twice("institutions[3].consensus_key", "institutions[1].governance_keys[0]", 14)
    );
    assert_eq!(
        fault(|it| it.officers[0].key = it.institutions[0].governance_keys[0]),
        twice("officers[0].key", "institutions[0].governance_keys[0]", 41)
    );
    // The neutral element: a key under which a forged signature would hold for a lax verifier.
    let mut weak = [0; 32];
    weak[0] = 1;
    assert_eq!(
        fault(|it| it.officers[2].key = PublicKey(weak)),
        CheckError::KeyUnsound { field: "officers[2].key".into(), key: PublicKey(weak) }
    );
}

#[test]
fn unknown_and_missing_fields_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let whole = serde_json::to_value(document()).unwrap();
    let load = |value: &serde_json::Value| {
        let path = folder.path().join("changed.json");
        std::fs::write(&path, value.to_string()).unwrap();
        Genesis::load(&path)
    };
    assert!(load(&whole).is_ok());
    for place in ["", "/parameters", "/clock/simulated", "/institutions/0", "/officers/0"] {
        let mut changed = whole.clone();
        changed.pointer_mut(place).unwrap().as_object_mut().unwrap().insert("unheard_of".into(), 1.into());
        assert!(matches!(load(&changed), Err(LoadError::Syntax { .. })), "unknown field at {place:?}");
    }
    for (place, field) in [
        ("", "clock"),
        ("/institutions/2", "governance_keys"),
        ("/parameters", "clock_bound"),
        ("/officers/0", "until"),
    ] {
        let mut changed = whole.clone();
        changed.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(field);
        assert!(matches!(load(&changed), Err(LoadError::Syntax { .. })), "{field} missing at {place:?}");
    }
    let mut first_format = whole.clone();
    first_format["format"] = 1.into();
    first_format["institutions"][0].as_object_mut().unwrap().remove("governance_keys");
    let refused = load(&first_format).unwrap_err();
    assert!(matches!(refused, LoadError::Check { source: CheckError::Format(1), .. }), "{refused}");
    assert!(matches!(Genesis::load(&folder.path().join("absent.json")), Err(LoadError::Read { .. })));
}
