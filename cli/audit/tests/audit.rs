//! An audit of a lawful chain: what it proves, what it tells, and that it tells the same however it is run.

use std::num::NonZero;

use keis_audit::trial::{Size, Trial, YEAR, class_pupils, secret};
use keis_audit::{Export, Language, Options, Report, Verdict, archive, audit, rule};
use keis_ledger::block::Block;
use keis_ledger::chain::{Certificate, Height, VoteStep, vote_bytes};
use keis_ledger::classifiers::Year;
use keis_ledger::codec;
use keis_ledger::ids::OrderId;
use keis_ledger::record::{Record, RecordKey, Sealed};

fn threads(count: usize) -> Options {
    Options { threads: NonZero::new(count).expect("a number of threads") }
}

fn run(trial: &Trial, export: &[u8], count: usize) -> Report {
    audit(export, trial.genesis(), &threads(count), |_| {}).expect("memory can be read")
}

#[test]
fn a_lawful_year_is_sound_and_its_figures_agree() {
    let size = Size::SMALL;
    let trial = Trial::year(size);
    let report = run(&trial, &trial.export(), 2);
    assert_eq!((report.verdict, &report.fault), (Verdict::Sound, &None));
    assert_eq!(report.verified.transactions, trial.transactions());
    assert_eq!(report.verified.precommits, 3 * trial.entries().len() as u64);
    assert!(report.verified.clock_steps > 0, "orders were left to the clock");
    let tip = report.tip.expect("there are blocks");
    assert_eq!((tip.height, tip.state_root), (trial.tip().height, trial.tip().state.root()));
    let file = report.file.as_ref().expect("the file was read");
    assert_eq!((file.documents, file.documents_named, file.documents_missing), (2, 2, 0));

    let [year] = report.years.as_slice() else { panic!("one year was lived") };
    assert_eq!(year.year, YEAR);
    assert!(year.money.iter().all(|money| money.equation.holds && money.recount.holds));
    let state = &year.money[0];
    assert_eq!(u128::from(state.totals.minted.get()), state.equation.is_somewhere);
    let orders = u64::from(size.classes * size.rounds);
    assert_eq!(year.orders.values().sum::<u64>(), orders);
    assert_eq!(year.pupils.get("active"), Some(&u64::from(size.classes * size.pupils)));
    assert_eq!(year.allocated, u64::from(size.classes * size.pupils));
    for groups in [&year.municipalities, &year.fields, &year.providers, &year.vat] {
        let sum = |part: fn(&keis_audit::Group) -> u128| groups.iter().map(|row| part(&row.group)).sum::<u128>();
        assert_eq!(sum(|group| group.orders.into()), u128::from(orders));
        let earned = state.totals.providers.get() + state.totals.settlement.get() + state.totals.paid.get();
        assert_eq!(sum(|group| group.earned.state), u128::from(earned));
        assert_eq!(sum(|group| group.earned.school), 0);
        assert!(groups.iter().all(|row| !row.key.is_empty()));
    }
    let stated: u128 = year.providers.iter().filter_map(|row| row.group.stated).map(|stated| stated.state).sum();
    assert_eq!(stated, year.statements["accepted"].total);
    let automatic = &year.moved["attendance_automatic"];
    assert_eq!(
        automatic.count,
        u64::from((0..size.classes).filter(|class| class % 7 == 5).count() as u32 * size.rounds)
    );
    let flagged = |code: &str| year.anomalies.iter().find(|one| one.code == code).expect("every flag is told").found;
    assert_eq!(flagged("one_key_one_provider"), 1, "the first school orders from the first provider alone");
    for never in ["pupil_in_two_places", "attendance_above_capacity", "december_spike", "automatic_confirmations"] {
        assert_eq!(flagged(never), 0, "{never}");
    }
}

/// A network that changes its validators and seals a year in which nobody ordered.
fn changed() -> Trial {
    let size = Size { classes: 5, pupils: 3, rounds: 1, block: 5 };
    let mut trial = Trial::opened(size);
    trial.hand_over();
    trial.end();
    trial
}

#[test]
fn other_validators_and_a_sealed_year_are_followed() {
    let trial = changed();
    for count in [1, 3] {
        let report = run(&trial, &trial.export(), count);
        assert_eq!((report.verdict, &report.fault), (Verdict::Sound, &None));
        assert_eq!(report.verified.handovers, 1);
        assert_eq!(report.tip.map(|tip| tip.state_root), Some(trial.tip().state.root()));
        let [year] = report.years.as_slice() else { panic!("one year was lived") };
        // Its records are gone from the state; what they were is told.
        assert!(trial.tip().state.year(YEAR).len() == 1 && year.pupils["active"] == 15);
        let left = trial.tip().state.get::<Sealed>(YEAR).copied();
        assert_eq!((year.state.as_str(), year.sealed), ("sealed", left));
        assert!(left.is_some());
        assert!(year.money.iter().all(|money| money.equation.holds && money.recount.holds));
        let totals = &year.money[0].totals;
        assert_eq!((totals.returned, totals.pupils.get()), (totals.minted, 0));
    }
}

#[test]
fn records_of_a_sealed_year_are_kept_and_proven_out_of_a_sound_export() {
    let trial = changed();
    let (report, kept) =
        archive(&trial.export()[..], trial.genesis(), &threads(2), |_| {}).expect("memory can be read");
    assert_eq!(report.json(), run(&trial, &trial.export(), 2).json(), "the same audit");
    let kept = kept.expect("the export is sound");
    assert_eq!(kept.years().collect::<Vec<_>>(), [YEAR]);
    let pupil = class_pupils(Size { classes: 5, pupils: 3, rounds: 1, block: 5 }, 0)[0];
    for (key, held) in [
        (RecordKey::Year(YEAR), true),
        (RecordKey::Pupil(YEAR, pupil), true),
        (RecordKey::Order(YEAR, OrderId([9; 16])), false),
    ] {
        let proven = kept.prove(YEAR, &key).expect("the year is sealed");
        assert_eq!(proven.record.is_some(), held, "{key:?}");
        assert_eq!((proven.header.height, proven.header.state_root), (trial.tip().height, trial.tip().state.root()));
        assert_eq!(proven.changes.len(), 1);
        let hash = proven.record.as_ref().map(Record::hash);
        let root = &proven.header.state_root;
        assert_eq!(proven.proof.verify(root, (YEAR, &proven.sealed), &key, hash.as_ref()), Ok(()), "{key:?}");
    }
    assert!(kept.prove(Year(YEAR.0 + 1), &RecordKey::Year(YEAR)).is_none());

    let mut damaged = trial.export();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let (report, kept) = archive(&damaged[..], trial.genesis(), &threads(2), |_| {}).expect("memory can be read");
    assert!(report.fault.is_some() && kept.is_none(), "nothing is proven out of a damaged export");
}

#[test]
fn who_handed_over_decides_no_more() {
    let trial = changed();
    let handover = trial.entries().iter().position(|entry| {
        let header = Block::decode(&entry.block).expect("it was encoded").header;
        header.next_validators != header.validators
    });
    let behind = handover.expect("the validators changed") + 1;
    let mut forged = trial.entries().to_vec();
    let mut certificate: Certificate = codec::decode(&forged[behind].certificate).expect("it was encoded");
    let header = Block::decode(&forged[behind].block).expect("it was encoded").header;
    let founders = trial.genesis().validators().as_slice();
    certificate.signatures = founders[..3]
        .iter()
        .map(|validator| {
            let key = (1..=4).map(|one| secret("consensus", one)).find(|key| key.public() == validator.key);
            let address = validator.address();
            let block = Some(header.id());
            let bytes = vote_bytes(&header.network, VoteStep::Precommit, header.height, 0, block, &address);
            (address, key.expect("a founder").sign(&bytes))
        })
        .collect();
    forged[behind].certificate = codec::encode(&certificate);
    for count in [1, 3] {
        let report = run(&trial, &keis_audit::trial::export(trial.genesis(), &forged, trial.documents()), count);
        let fault = report.fault.expect("the old key votes no more");
        assert_eq!((fault.rule.as_str(), fault.height), (rule::CERTIFICATE, Some(header.height)));
    }
}

#[test]
fn threads_change_nothing_in_the_report() {
    let trial = Trial::year(Size { classes: 12, pupils: 3, rounds: 1, block: 7 });
    let export = trial.export();
    let reports: Vec<String> = [1, 2, 5].map(|count| run(&trial, &export, count).json()).to_vec();
    assert_eq!(reports[0], reports[1]);
    assert_eq!(reports[0], reports[2]);
    assert!(serde_json::from_str::<serde_json::Value>(&reports[0]).is_ok_and(|json| json["verdict"] == "sound"));
}

#[test]
fn progress_reaches_the_last_block() {
    let trial = Trial::year(Size { classes: 5, pupils: 2, rounds: 1, block: 5 });
    let export = trial.export();
    let mut seen = Vec::new();
    let report = audit(export.as_slice(), trial.genesis(), &threads(2), |progress| seen.push(progress));
    assert!(report.is_ok_and(|report| report.is_sound()));
    assert!(seen.is_sorted_by_key(|progress| (progress.height, progress.bytes, progress.transactions)));
    let last = seen.last().expect("there was progress");
    assert_eq!((last.height, last.bytes), (trial.tip().height, export.len() as u64));
}

#[test]
fn the_page_stands_alone_in_both_languages() {
    let trial = Trial::year(Size { classes: 6, pupils: 2, rounds: 1, block: 50 });
    let report = run(&trial, &trial.export(), 2);
    for (language, words) in [
        (Language::Lithuanian, ["Viskas galioja", "Pagal teikėją", "Gauta", "Akmenės r. sav.", "teatras"]),
        (Language::English, ["Everything holds", "By provider", "Minted", "Akmenės r. sav.", "theatre"]),
    ] {
        let page = report.html(language);
        for word in words {
            assert!(page.contains(word), "`{word}` is missing");
        }
        for never in ["<script", "http://", "https://", "src=", "<link", "pup_"] {
            assert!(!page.contains(never), "`{never}` is on the page");
        }
        assert_eq!(page.matches("<svg").count(), 2, "each source has its picture");
        assert_eq!(page.matches("<table").count(), page.matches("</table>").count());
    }
    assert!(!report.json().contains("pup_"), "a report names no pupil");
}

#[test]
fn a_report_of_a_fault_tells_it_on_the_page() {
    let trial = Trial::year(Size { classes: 5, pupils: 2, rounds: 1, block: 5 });
    let other = Trial::opened(Size { classes: 5, pupils: 2, rounds: 1, block: 5 });
    let mut entries = trial.entries().to_vec();
    entries.remove(3);
    let report = run(&trial, &keis_audit::trial::export(other.genesis(), &entries, trial.documents()), 2);
    let fault = report.fault.as_ref().expect("a block is missing");
    assert_eq!((fault.rule.as_str(), fault.height), (rule::HEIGHT, Some(Height(5))));
    assert_eq!(report.tip.map(|tip| tip.height), Some(Height(3)), "what comes before it holds");
    let page = report.html(Language::English);
    assert!(page.contains("height_differs") && page.contains("A fault was found"));
}

#[test]
fn a_piece_is_judged_as_far_as_it_can_be() {
    let trial = Trial::year(Size { classes: 6, pupils: 2, rounds: 1, block: 5 });
    let piece = keis_audit::trial::export(trial.genesis(), &trial.entries()[2..], &[]);
    let report = run(&trial, &piece, 2);
    assert_eq!((report.verdict, &report.fault), (Verdict::Piece, &None));
    assert!(report.years.is_empty());
    assert_eq!(report.verified.certificates_unjudged, 0, "the founders still are the validators");
    assert_eq!(report.tip.map(|tip| tip.height), Some(trial.tip().height));

    let mut swapped = trial.entries()[2..].to_vec();
    swapped.swap(1, 2);
    let report = run(&trial, &keis_audit::trial::export(trial.genesis(), &swapped, &[]), 2);
    assert_eq!(report.fault.map(|fault| fault.rule), Some(rule::HEIGHT.to_owned()));
}

#[test]
fn an_export_goes_on_where_it_was_stopped() {
    let trial = Trial::year(Size { classes: 8, pupils: 2, rounds: 1, block: 5 });
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.export");
    let network = trial.genesis().hash();
    let documents = |id| trial.documents().iter().find(|(known, _)| *known == id).map(|(_, bytes)| bytes.clone());
    let fill = |export: &mut Export, until: usize| {
        while export.next_height().0 <= until as u64 {
            let entry = &trial.entries()[export.next_height().0 as usize - 1];
            let certificate: Certificate = codec::decode(&entry.certificate).expect("it was encoded");
            for id in export.push(entry.block.clone(), &certificate).expect("it follows") {
                export.document(id, documents(id).expect("it was published")).expect("there is room");
            }
        }
    };
    let mut export = Export::open(&path, network, None).expect("a new file");
    fill(&mut export, 5);
    export.finish().expect("there is room");
    let first = std::fs::read(&path).expect("it is there");
    assert!(audit(first.as_slice(), trial.genesis(), &threads(1), |_| {}).is_ok_and(|report| report.is_sound()));

    // Stopped anywhere, it goes on from the last sound frame, and nothing is lost or there twice.
    for cut in [first.len(), first.len() - 1, first.len() - 200, first.len() / 2, 70, 20, 3, 0] {
        std::fs::write(&path, &first[..cut]).expect("there is room");
        let mut export = Export::open(&path, network, Some(Height(1))).expect("it goes on");
        assert!(export.next_height() <= Height(6));
        fill(&mut export, trial.entries().len());
        let extent = export.finish().expect("there is room");
        assert_eq!((extent.blocks, extent.documents), (trial.entries().len() as u64, 1), "cut at {cut}");
        let whole = std::fs::read(&path).expect("it is there");
        let report = audit(whole.as_slice(), trial.genesis(), &threads(2), |_| {}).expect("it can be read");
        assert!(report.is_sound(), "cut at {cut}: {:?}", report.fault);
    }
}

#[test]
fn an_export_replaces_nothing_else() {
    let trial = Trial::opened(Size { classes: 5, pupils: 2, rounds: 1, block: 5 });
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("something");
    std::fs::write(&path, "a letter to the ministry").expect("there is room");
    let refused = Export::open(&path, trial.genesis().hash(), None).err().expect("it is no export");
    assert!(refused.to_string().contains("is no export"), "{refused}");
    assert_eq!(std::fs::read(&path).expect("it is there"), b"a letter to the ministry");

    std::fs::write(&path, trial.export()).expect("there is room");
    let other = keis_ledger::crypto::Hash([1; 32]);
    let refused = Export::open(&path, other, None).err().expect("it is of another network");
    assert!(refused.to_string().contains("of the network"), "{refused}");
    let refused = Export::open(&path, trial.genesis().hash(), Some(Height(4))).err().expect("it begins elsewhere");
    assert!(refused.to_string().contains("begins at height 1"), "{refused}");
    assert_eq!(std::fs::read(&path).expect("it is there"), trial.export());

    let mut export = Export::open(&path, trial.genesis().hash(), None).expect("it is one");
    let entry = &trial.entries()[0];
    let certificate: Certificate = codec::decode(&entry.certificate).expect("it was encoded");
    assert!(export.push(entry.block.clone(), &certificate).is_err(), "an old block does not follow");
    assert!(export.push(vec![7; 40], &certificate).is_err(), "this is no block");
}
