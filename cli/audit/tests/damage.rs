//! Whatever is changed in an export is found, also by who can compute checksums anew and has the validators on his side.

use std::num::NonZero;

use keis_audit::trial::{self, Size, Trial};
use keis_audit::{Entry, Opening, Options, Report, audit, rule};
use keis_ledger::block::Block;
use keis_ledger::chain::{Address, Certificate, Header, Height, VoteStep, vote_bytes};
use keis_ledger::codec;
use keis_ledger::crypto::{Hash, Signature, Signatures};
use keis_ledger::ids::{BlockId, DocumentId};
use keis_ledger::time::Timestamp;
use proptest::prelude::*;

const SIZE: Size = Size { classes: 5, pupils: 2, rounds: 1, block: 5 };

fn judge(trial: &Trial, export: &[u8]) -> Result<Report, Opening> {
    audit(export, trial.genesis(), &Options { threads: NonZero::new(2).expect("two") }, |_| {})
}

fn report(trial: &Trial, entries: &[Entry]) -> Report {
    judge(trial, &trial::export(trial.genesis(), entries, trial.documents())).expect("memory can be read")
}

fn is_sound(judged: &Result<Report, Opening>) -> bool {
    judged.as_ref().is_ok_and(Report::is_sound)
}

/// Damages the chain; the first fault must be this one.
#[track_caller]
fn finds(trial: &Trial, change: impl FnOnce(&mut Vec<Entry>), rule: &str, height: u64) -> Report {
    finds_after(trial, change, rule, height, height - 1)
}

/// Damages the chain; the first fault must be this one, after so many sound blocks.
#[track_caller]
fn finds_after(trial: &Trial, change: impl FnOnce(&mut Vec<Entry>), rule: &str, height: u64, sound: u64) -> Report {
    let mut entries = trial.entries().to_vec();
    change(&mut entries);
    let report = report(trial, &entries);
    let fault = report.fault.clone().expect("the change is found");
    assert_eq!((fault.rule.as_str(), fault.height), (rule, Some(Height(height))), "{fault}");
    assert_eq!(report.tip.map(|tip| tip.height), Some(Height(sound)), "what comes before it holds");
    report
}

fn block(entry: &Entry) -> Block {
    Block::decode(&entry.block).expect("it was encoded")
}

fn certificate(entry: &Entry) -> Certificate {
    codec::decode(&entry.certificate).expect("it was encoded")
}

/// Changes a block and has every validator sign the change.
fn collude(trial: &Trial, entry: &mut Entry, change: impl FnOnce(&mut Block)) {
    let mut block = block(entry);
    change(&mut block);
    let header = &block.header;
    let network = trial.genesis().hash();
    let sign = |number: u32| {
        let key = trial::secret("consensus", number);
        let address = Address::of(&key.public());
        let bytes = vote_bytes(&network, VoteStep::Precommit, header.height, 0, Some(header.id()), &address);
        (address, key.sign(&bytes))
    };
    let signatures = (1..=4).map(sign).collect();
    let certificate = Certificate { height: header.height, round: 0, block: header.id(), signatures };
    (entry.certificate, entry.block) = (codec::encode(&certificate), block.encode());
}

#[test]
fn a_thousand_changed_bytes_are_found() {
    let trial = Trial::year(SIZE);
    let export = trial.export();
    assert!(is_sound(&judge(&trial, &export)));
    let mut draw = blake3::Hasher::new().update(b"a thousand bytes").finalize_xof();
    for _ in 0..1_000 {
        let mut drawn = [0; 9];
        draw.fill(&mut drawn);
        let place = u64::from_le_bytes(drawn[..8].try_into().expect("eight bytes")) % export.len() as u64;
        let mut changed = export.clone();
        changed[place as usize] ^= drawn[8].max(1);
        assert!(!is_sound(&judge(&trial, &changed)), "byte {place} may be changed unseen");
    }
}

#[test]
fn no_end_of_the_file_can_be_missing_or_added() {
    let trial = Trial::year(SIZE);
    let export = trial.export();
    for length in (0..export.len()).step_by(61).chain(export.len() - 60..export.len()) {
        assert!(!is_sound(&judge(&trial, &export[..length])), "{length} bytes pass for the whole");
    }
    let longer = [export.as_slice(), &[0]].concat();
    assert_eq!(judge(&trial, &longer).expect("read").fault.map(|fault| fault.rule), Some(rule::FILE_DAMAGED.into()));
    let doubled = [export.as_slice(), &export].concat();
    assert!(!is_sound(&judge(&trial, &doubled)));
}

#[test]
fn no_field_of_a_header_can_be_changed_even_by_all_validators() {
    let trial = Trial::year(SIZE);
    type Change = (&'static str, fn(&mut Header), &'static str);
    let changes: [Change; 9] = [
        ("protocol", |header| header.protocol += 1, rule::HEADER),
        ("network", |header| header.network = Hash([9; 32]), rule::NETWORK),
        ("height", |header| header.height = header.height.next(), rule::HEIGHT),
        ("parent", |header| header.parent = BlockId([9; 32]), rule::PARENT),
        ("transactions", |header| header.transactions_root = Hash([9; 32]), rule::HEADER),
        ("receipts", |header| header.receipts_root = Hash([9; 32]), rule::HEADER),
        ("state", |header| header.state_root = Hash([9; 32]), rule::HEADER),
        ("validators", |header| header.validators = Hash([9; 32]), rule::VALIDATORS),
        ("next validators", |header| header.next_validators = Hash([9; 32]), rule::HEADER),
    ];
    for (name, change, rule) in changes {
        finds(&trial, |entries| collude(&trial, &mut entries[3], |block| change(&mut block.header)), rule, 4);
        println!("{name}");
    }
    let earlier = |block: &mut Block| block.header.time = Timestamp(1);
    finds(&trial, |entries| collude(&trial, &mut entries[3], earlier), rule::TIME, 4);
    // No rule says who built a block, so another name makes another block, on which the next does not stand.
    let renamed = |block: &mut Block| block.header.proposer = Address([9; 20]);
    finds(&trial, |entries| collude(&trial, &mut entries[3], renamed), rule::PARENT, 5);
    // Without the validators any change shows in the certificate.
    let alone = |entries: &mut Vec<Entry>| {
        let mut changed = block(&entries[3]);
        changed.header.state_root = Hash([9; 32]);
        entries[3].block = changed.encode();
    };
    finds(&trial, alone, rule::CERTIFICATE_FORM, 4);
}

#[test]
fn no_transaction_can_be_changed_left_out_doubled_or_moved() {
    let trial = Trial::year(SIZE);
    // The wallets' opening: each of its transactions is lawful without the ones beside it.
    let full = trial.entries().iter().position(|entry| block(entry).transactions.len() >= 3).expect("blocks are full");
    let at = full as u64 + 1;
    let with = |rule: &str, change: fn(&mut Vec<Vec<u8>>)| {
        let change = |entries: &mut Vec<Entry>| {
            collude(&trial, &mut entries[full], |block| change(&mut block.transactions));
        };
        finds(&trial, change, rule, at).fault.expect("it was found")
    };
    let fault = with(rule::SIGNATURE, |all| *all[1].last_mut().expect("bytes") ^= 1);
    assert_eq!(fault.index, Some(1));
    assert!(fault.transaction.is_some());
    with(rule::SIGNATURE, |all| all[0][34] ^= 1);
    with(rule::TRANSACTION, |all| all[0].push(0));
    with(rule::TRANSACTION, |all| all[2].clear());
    with(rule::HEADER, |all| drop(all.pop()));
    // Where others rest on what is missing, the ledger's own rule is told.
    assert_eq!(with("provider_unknown", |all| drop(all.remove(2))).index, Some(2));
    with(rule::HEADER, |all| all.swap(1, 2));
    assert_eq!(with("known", |all| all.insert(1, all[0].clone())).index, Some(1));
    with("known", |all| all.push(all[0].clone()));
}

#[test]
fn no_certificate_proves_what_its_signers_did_not_sign() {
    let trial = Trial::year(SIZE);
    let with = |rule: &str, change: fn(&mut Certificate)| {
        let change = |entries: &mut Vec<Entry>| {
            let mut changed = certificate(&entries[4]);
            change(&mut changed);
            entries[4].certificate = codec::encode(&changed);
        };
        finds(&trial, change, rule, 5);
    };
    with(rule::CERTIFICATE, |one| one.signatures[0].1 = Signature([7; 64]));
    with(rule::CERTIFICATE, |one| one.signatures[1].1.0[5] ^= 4);
    with(rule::CERTIFICATE, |one| one.signatures[0].0 = Address([1; 20]));
    with(rule::CERTIFICATE, |one| one.signatures[0] = one.signatures[1]);
    with(rule::CERTIFICATE, |one| {
        one.signatures.pop();
    });
    with(rule::CERTIFICATE, |one| one.signatures.clear());
    with(rule::CERTIFICATE, |one| one.round += 1);
    with(rule::CERTIFICATE_FORM, |one| one.height = Height(4));
    with(rule::CERTIFICATE_FORM, |one| one.block = BlockId([3; 32]));
    finds(&trial, |entries| entries[4].certificate.push(0), rule::CERTIFICATE_FORM, 5);
    finds(&trial, |entries| entries[4].certificate = entries[3].certificate.clone(), rule::CERTIFICATE_FORM, 5);
}

#[test]
fn many_signatures_judged_together_hide_no_false_one() {
    let trial = Trial::year(Size { classes: 60, pupils: 2, rounds: 6, block: 12 });
    let whole = report(&trial, trial.entries());
    assert!(whole.is_sound(), "{:?}", whole.fault);
    let signatures = whole.verified.transactions + whole.verified.precommits;
    assert!(signatures > 2 * Signatures::WORTH as u64, "{signatures} are too few to be judged together");
    let last = trial.entries().len() - 1;
    let filled = |at: &usize| trial.entries()[at - 1..=*at].iter().all(|entry| !block(entry).transactions.is_empty());
    let filled: Vec<usize> = (1..last).filter(filled).collect();
    let forge = |entries: &mut Vec<Entry>, at: usize| {
        collude(&trial, &mut entries[at], |block| *block.transactions[0].last_mut().expect("bytes") ^= 1);
    };
    let vote = |entries: &mut Vec<Entry>, at: usize| {
        let mut changed = certificate(&entries[at]);
        changed.signatures[2].1.0[0] ^= 1;
        entries[at].certificate = codec::encode(&changed);
    };
    for at in [filled[filled.len() / 2], filled[filled.len() - 1]] {
        let height = at as u64 + 1;
        let fault = finds(&trial, |entries| forge(entries, at), rule::SIGNATURE, height).fault;
        assert_eq!(fault.expect("it was found").index, Some(0));
        finds(&trial, |entries| vote(entries, at), rule::CERTIFICATE, height);
        // The first of several is told, whatever comes behind.
        let both = |entries: &mut Vec<Entry>| {
            forge(entries, at);
            vote(entries, at - 1);
            entries[last].block.push(0);
        };
        finds(&trial, both, rule::CERTIFICATE, height - 1);
        let both = |entries: &mut Vec<Entry>| {
            vote(entries, last);
            forge(entries, at - 1);
        };
        finds(&trial, both, rule::SIGNATURE, height - 1);
    }
}

#[test]
fn blocks_stand_where_they_stand() {
    let trial = Trial::year(SIZE);
    finds_after(&trial, |entries| entries.swap(2, 3), rule::HEIGHT, 4, 2);
    finds_after(&trial, |entries| drop(entries.remove(2)), rule::HEIGHT, 4, 2);
    finds_after(&trial, |entries| entries.insert(3, entries[2].clone()), rule::HEIGHT, 3, 3);
    finds(&trial, |entries| entries[2].block.push(0), rule::BLOCK, 3);
    finds_after(&trial, |entries| entries[2].height = Height(7), rule::HEIGHT, 7, 2);
}

#[test]
fn documents_are_what_they_are_named_and_named_at_all() {
    let trial = Trial::year(SIZE);
    let with = |documents: &[(DocumentId, Vec<u8>)]| {
        let export = trial::export(trial.genesis(), trial.entries(), documents);
        judge(&trial, &export).expect("memory can be read")
    };
    let [document] = trial.documents() else { panic!("one service") };
    let twisted = (document.0, b"another".to_vec());
    let stray = (DocumentId::of(b"stray"), b"stray".to_vec());
    for wrong in [vec![twisted], vec![document.clone(), document.clone()], vec![document.clone(), stray]] {
        assert_eq!(with(&wrong).fault.map(|fault| fault.rule), Some(rule::DOCUMENT.to_owned()));
    }
    let missing = with(&[]);
    assert!(missing.is_sound(), "a document may be hidden");
    assert_eq!(missing.file.map(|file| file.documents_missing), Some(1));
}

#[test]
fn another_founding_document_is_another_network() {
    let trial = Trial::year(SIZE);
    let mut document = trial.genesis().document().clone();
    document.name.push('!');
    let other = document.check().expect("a lawful document");
    let report = audit(trial.export().as_slice(), &other, &Options::default(), |_| {}).expect("memory can be read");
    assert_eq!(report.fault.map(|fault| fault.rule), Some(rule::NETWORK.to_owned()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000), magic in any::<bool>()) {
        let trial = Trial::founded(1);
        let export = if magic { [keis_audit::MAGIC.as_slice(), &bytes].concat() } else { bytes };
        prop_assert!(!is_sound(&judge(&trial, &export)));
    }

    #[test]
    fn no_framed_bytes_make_it_panic(
        blocks in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..400), any::<u64>()), 1..4),
        from in prop_oneof![Just(1u64), any::<u64>()],
    ) {
        let trial = Trial::founded(1);
        let entries: Vec<Entry> = blocks
            .into_iter()
            .map(|(block, height)| Entry { height: Height(height), certificate: block.clone(), block })
            .collect();
        let mut entries = entries;
        entries[0].height = Height(from);
        prop_assert!(!is_sound(&Ok(report(&trial, &entries))));
    }
}
