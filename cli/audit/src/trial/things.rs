//! Wallets, sessions and orders of the invented year, each named by its number.

use keis_ledger::classifiers::{Place, Scope, Scopes};
use keis_ledger::crypto::SecretKey;
use keis_ledger::ids::{EntityId, Nullifier, OrderId, ProviderId, PupilId, SchoolId, SessionId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{KeyGrant, NewProvider, NewPupil, NewSchool, Party};
use keis_ledger::time::Timestamp;

use super::{CLASSES_A_SESSION, Size, day, id, school, secret};

pub(super) fn session_day(round: u32) -> Timestamp {
    day(40 + 25 * round)
}

pub(super) fn session(round: u32, class: u32) -> SessionId {
    SessionId(id("session", round * 1_000_000 + class / CLASSES_A_SESSION))
}

pub(super) fn order(round: u32, class: u32) -> OrderId {
    OrderId(id("order", round * 1_000_000 + class))
}

pub(super) fn pupil(size: Size, class: u32, one: u32) -> PupilId {
    PupilId(id("pupil", class * size.pupils + one))
}

pub(super) fn new_pupil(size: Size, class: u32, one: u32) -> NewPupil {
    let number = class * size.pupils + one;
    NewPupil {
        pupil: pupil(size, class, one),
        nullifier: Nullifier(secret("nullifier", number).to_bytes()),
        school: SchoolId(id("school", school(class))),
        grade: 5,
    }
}

pub(super) fn new_school(number: u32) -> NewSchool {
    let place = Place::Municipality(u8::try_from(number % 60 + 1).unwrap_or(1));
    NewSchool { school: SchoolId(id("school", number)), entity: EntityId(id("school's entity", number)), place }
}

pub(super) fn new_provider(number: u32) -> NewProvider {
    let entity = EntityId(id("provider's entity", number));
    NewProvider { provider: ProviderId(id("provider", number)), entity }
}

pub(super) fn grant(key: &SecretKey, party: Party) -> KeyGrant {
    let scopes = [Scope::Propose, Scope::Order, Scope::Attendance, Scope::Settlement];
    KeyGrant {
        key: key.public(),
        party,
        scopes: Scopes::of(&scopes),
        cap: Cents::new(1_000_000),
        from: Timestamp(0),
        until: day(400),
    }
}
