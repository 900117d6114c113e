//! What holds, and each link that is judged.

use keis_ledger::chain::{CertificateError, Height, ValidatorSet};
use keis_ledger::ids::{OrderId, PupilId, ServiceId};
use keis_ledger::list::ListError;
use keis_ledger::receipt::Kind;
use keis_ledger::record::Record;
use keis_ledger::tree::ProofError;
use keis_wallet::verify::{
    Handover, PublicRecord, ReceiptFile, RecordFile, SealedRecordFile, VerifyError, YearlyRecord, validators_after,
};

use crate::support::{
    CHANGES, HEIGHT, PAST, SERVICE, SESSION, YEAR, certify, genesis, good, handovers, header, judge, receipt_file,
    record_file, sealed, sealed_record_file, seeds, set,
};

#[test]
fn good_files_hold_and_survive_their_text() {
    for (name, text) in good() {
        assert_eq!(judge(text.as_bytes()), Ok(()), "{name}");
        let pretty = serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&text).unwrap()).unwrap();
        assert_eq!(judge(pretty.as_bytes()), Ok(()), "{name}, with other white space and order of fields");
    }
    let receipt = receipt_file(Kind::OrderCancelled, true);
    let text = serde_json::to_string(&receipt).unwrap();
    assert_eq!(serde_json::from_str::<ReceiptFile>(&text).unwrap(), receipt);
    let record = record_file(PublicRecord::Service { id: SERVICE });
    let text = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<RecordFile>(&text).unwrap(), record);
}

#[test]
fn a_proof_answers_the_record_or_that_there_is_none() {
    let genesis = genesis();
    let verify = |key| record_file(key).verify(&genesis.hash(), genesis.validators()).unwrap();
    let Some(Record::Service(service)) = verify(PublicRecord::Service { id: SERVICE }) else { panic!("a service") };
    assert_eq!(service.version, 3);
    assert!(matches!(verify(PublicRecord::Parameters {}), Some(Record::Network(_))));
    assert_eq!(verify(PublicRecord::Year { year: YEAR }), None);
    assert_eq!(verify(PublicRecord::Sealed { year: PAST }), Some(Record::Sealed(Box::new(sealed()))));
    assert_eq!(verify(PublicRecord::Sealed { year: YEAR }), None);
}

#[test]
fn a_record_of_a_sealed_year_is_proven_under_what_is_left_of_it() {
    let genesis = genesis();
    let verify = |file: &SealedRecordFile| file.verify(&genesis.hash(), genesis.validators());
    let session = sealed_record_file(YearlyRecord::Session { id: SESSION });
    assert!(matches!(verify(&session), Ok(Some(Record::Session(_)))));
    assert_eq!(verify(&sealed_record_file(YearlyRecord::Order { id: OrderId([7; 16]) })), Ok(None));
    let changed = |change: &dyn Fn(&mut SealedRecordFile)| {
        let mut file = session.clone();
        change(&mut file);
        verify(&file)
    };
    let hidden = changed(&|file| file.record = None);
    assert!(matches!(hidden, Err(VerifyError::State { height: HEIGHT, .. })), "a record is not denied");
    let other = changed(&|file| file.year = YEAR);
    assert!(matches!(other, Err(VerifyError::State { height: HEIGHT, .. })), "the year is not sealed");
    let kind = changed(&|file| file.key = YearlyRecord::Order { id: OrderId([7; 16]) });
    assert_eq!(kind, Err(VerifyError::Record), "a session is no order");
    let seal = changed(&|file| file.seal = file.record.clone().expect("it is there"));
    assert_eq!(seal, Err(VerifyError::Record), "a session is not what is left of a year");
}

#[test]
fn the_validators_of_a_height_are_those_of_the_last_handover_before_it() {
    let (genesis, handovers) = (genesis(), handovers());
    let after = |count: usize, height| {
        validators_after(&genesis.hash(), genesis.validators(), &handovers[..count], height).map(ValidatorSet::hash)
    };
    assert_eq!(after(0, Height(3)), Ok(set(0).hash()));
    assert_eq!(after(1, Height(4)), Ok(set(1).hash()));
    assert_eq!(after(2, HEIGHT), Ok(set(2).hash()));
    // A handover binds from the next height on, never at its own.
    assert_eq!(after(2, CHANGES[1]), Err(VerifyError::HandoverOrder(CHANGES[1])));
}

fn refused(change: impl Fn(&mut ReceiptFile)) -> VerifyError {
    let (genesis, mut file) = (genesis(), receipt_file(Kind::OrderConfirmed, true));
    change(&mut file);
    file.verify(&genesis.hash(), genesis.validators()).unwrap_err()
}

#[test]
fn each_handover_is_signed_for_by_those_before_it() {
    assert!(matches!(refused(|file| file.handovers.clear()), VerifyError::Validators(_)));
    assert!(matches!(refused(|file| drop(file.handovers.remove(0))), VerifyError::Validators(_)));
    assert!(matches!(refused(|file| drop(file.handovers.pop())), VerifyError::Validators(_)));
    assert_eq!(refused(|file| file.handovers.push(file.handovers[0].clone())), VerifyError::HandoverOrder(CHANGES[0]));
    assert_eq!(refused(|file| file.handovers[1].validators = set(1)), VerifyError::HandoverSet(CHANGES[1]));
    // Those who come do not sign for themselves, and those who are left are too few.
    let by = |seeds: &[u8]| refused(|file| file.handovers[0].certificate = certify(&file.handovers[0].header, seeds));
    let source = |error| {
        let VerifyError::Certificate { height: Height(3), source } = error else { panic!("{error}") };
        source
    };
    assert!(matches!(source(by(&seeds(1))), CertificateError::Stranger(_)));
    assert_eq!(source(by(&[11, 12])), CertificateError::Quorum { signed: 5, total: 10 });
    // A block that hands over to nobody else is no handover, though it is decided well.
    let idle = header(CHANGES[0], 0, 0);
    let certificate = certify(&idle, &seeds(0));
    let idle = Handover { header: idle, certificate, validators: set(0) };
    assert_eq!(refused(|file| file.handovers[0] = idle.clone()), VerifyError::HandoverSet(CHANGES[0]));
}

#[test]
fn validators_of_the_past_decide_nothing_later() {
    let genesis = genesis();
    let forged = header(HEIGHT, 0, 0);
    let mut file = receipt_file(Kind::OrderConfirmed, true);
    file.certificate = certify(&forged, &seeds(0));
    file.header = forged;
    let refused = file.verify(&genesis.hash(), genesis.validators()).unwrap_err();
    assert_eq!(refused, VerifyError::Validators(set(0).hash()));
}

#[test]
fn lines_are_proven_one_by_one() {
    let keeps = |places: &[usize]| {
        let (genesis, mut file) = (genesis(), receipt_file(Kind::OrderConfirmed, true));
        file.lines = places.iter().map(|place| file.lines[*place].clone()).collect();
        file.verify(&genesis.hash(), genesis.validators())
    };
    assert_eq!(keeps(&[1]), Ok(()));
    assert_eq!(keeps(&[0, 2]), Ok(()));
    assert_eq!(keeps(&[1, 1]), Err(VerifyError::LineOrder(1)));
    assert_eq!(keeps(&[2, 0]), Err(VerifyError::LineOrder(0)));
    let line = |error| matches!(error, VerifyError::Line { index: 1, source: ListError::Root(_) });
    assert!(line(refused(|file| file.lines[1].line.pupil = PupilId([9; 16]))));
    assert!(line(refused(|file| file.lines[1].blind = file.lines[0].blind)));
    assert!(line(refused(|file| file.lines[1].proof.path.swap(0, 1))));
    let outside = refused(|file| file.lines[2].proof.index = 3);
    assert!(matches!(outside, VerifyError::Line { index: 3, source: ListError::Index { index: 3, count: 3 } }));
}

#[test]
fn a_record_is_neither_swapped_nor_denied() {
    let genesis = genesis();
    let refused = |change: fn(&mut RecordFile)| {
        let mut file = record_file(PublicRecord::Service { id: SERVICE });
        change(&mut file);
        file.verify(&genesis.hash(), genesis.validators()).unwrap_err()
    };
    let state = |error| {
        let VerifyError::State { source, .. } = error else { panic!("{error}") };
        source
    };
    assert!(matches!(state(refused(|file| file.record = None)), ProofError::Present(_)));
    let elsewhere = state(refused(|file| file.key = PublicRecord::Service { id: ServiceId([100; 16]) }));
    assert!(matches!(elsewhere, ProofError::Elsewhere { .. }));
    assert_eq!(refused(|file| file.key = PublicRecord::Parameters {}), VerifyError::Record);
    assert_eq!(refused(|file| file.record.as_mut().unwrap().push(0)), VerifyError::Record);
    let suspended = |file: &mut RecordFile| {
        let bytes = file.record.as_mut().unwrap();
        let standing = bytes.len() - 4;
        bytes[standing] = 1;
    };
    assert!(matches!(state(refused(suspended)), ProofError::Present(_)));
    assert!(matches!(state(refused(|file| file.proof.path.truncate(2))), ProofError::Root(_)));
}

#[test]
fn every_kind_of_receipt_is_proven() {
    for number in 0u32.. {
        let Ok(kind) = keis_ledger::codec::decode::<Kind>(&number.to_le_bytes()) else {
            assert!(number > 30, "{number} kinds");
            break;
        };
        let text = serde_json::to_string(&receipt_file(kind, true)).unwrap();
        assert_eq!(judge(text.as_bytes()), Ok(()), "{kind:?}");
    }
}
