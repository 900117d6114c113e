//! A ledger that another build has written: `vectors/` holds one of a debug build, and every build accepts it and would
//! have written the same.
//!
//! `KEIS_WRITE_VECTORS=1 cargo test -p keis-audit --test frozen` writes it anew; that is right when the trial's year or the
//! rules have changed on purpose, and never to make this test pass.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use keis_audit::trial::{Size, Trial};
use keis_audit::{Entry, Options, Part, Reader, Report, audit};
use keis_genesis::Genesis;

/// Largest file that belongs into a repository.
const MOST_BYTES: u64 = 200_000;

const SIZE: Size = Size { classes: 12, pupils: 4, rounds: 2, block: 9 };

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name)
}

/// The year as this build writes it, and the files as another one did.
fn written() -> Trial {
    let trial = Trial::year(SIZE);
    if std::env::var_os("KEIS_WRITE_VECTORS").is_some() {
        let (export, genesis) = (path("year.export"), path("year.genesis.json"));
        std::fs::create_dir_all(path("")).expect("there is room");
        let _ = std::fs::remove_file(&genesis);
        trial.genesis().save(&genesis).expect("there is room");
        std::fs::write(export, trial.export()).expect("there is room");
    }
    trial
}

fn judged() -> (Genesis, Report) {
    let genesis = Genesis::load(&path("year.genesis.json")).expect("the founding document is there");
    let file = File::open(path("year.export")).expect("the export is there");
    let report = audit(BufReader::new(file), &genesis, &Options::default(), |_| {}).expect("it can be read");
    (genesis, report)
}

fn entries() -> Vec<Entry> {
    let file = File::open(path("year.export")).expect("the export is there");
    let mut reader = Reader::open(BufReader::new(file)).expect("it is an export");
    let mut all = Vec::new();
    loop {
        match reader.part().expect("it is what was written") {
            Part::Blocks(blocks) => all.extend(blocks),
            Part::Documents(_) => {}
            Part::End(_) => return all,
        }
    }
}

#[test]
fn what_another_build_has_written_is_sound_here_and_would_be_the_same() {
    let trial = written();
    let (genesis, report) = judged();
    assert_eq!(report.fault, None);
    assert!(report.is_sound());
    assert_eq!(genesis.hash(), trial.genesis().hash());
    let tip = report.tip.expect("there are blocks");
    assert_eq!((tip.height, tip.block), (trial.tip().height, trial.tip().block));
    assert_eq!(tip.state_root, trial.tip().state.root());

    // Byte for byte, votes included; only the packing of the file may differ between versions of its packer.
    let (then, now) = (entries(), trial.entries());
    assert_eq!(then.len(), now.len());
    for (then, now) in then.iter().zip(now) {
        assert_eq!((then.height, &then.block), (now.height, &now.block));
        assert_eq!(then.certificate, now.certificate);
    }
    let length = std::fs::metadata(path("year.export")).expect("it is there").len();
    assert!(length <= MOST_BYTES, "{length} bytes");
}
