//! `keis sample`: the year is the same for the same seed, holds every situation, and ends as it says.

#![allow(clippy::unwrap_used, reason = "what a test expects and does not find ends it")]

#[path = "sample/broken.rs"]
mod broken;
#[path = "sample/replay.rs"]
mod replay;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use indicatif::ProgressBar;
use keis_cli::programme::{
    Awaited, BookedLines, Buyer, Change, ChangeKind, Deed, OrderEnd, PlaceCode, Programme, RejectionReason,
};
use keis_cli::sample::{SampleArgs, Size, invent, run};
use replay::Replay;
use tempfile::TempDir;

fn municipality(seed: u64) -> Programme {
    invent(Size::of_pupils(3_000).unwrap(), seed, &ProgressBar::hidden())
}

fn arguments(out: &Path, pupils: usize, seed: u64) -> SampleArgs {
    SampleArgs { out: out.to_owned(), pupils, national: false, seed }
}

/// Every file of a folder with its bytes.
fn bytes(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn the_same_seed_writes_the_same_bytes() {
    let dir = TempDir::new().unwrap();
    let [first, again, other] = ["first", "again", "other"].map(|name| dir.path().join(name));
    run(arguments(&first, 3_000, 7)).unwrap();
    run(arguments(&again, 3_000, 7)).unwrap();
    run(arguments(&other, 3_000, 8)).unwrap();
    assert_eq!(bytes(&first).len(), 10, "nine files and a README");
    assert!(bytes(&first) == bytes(&again), "one seed, one folder");
    for (name, content) in bytes(&other) {
        let seedless = ["README.txt"].contains(&name.as_str());
        assert_eq!(bytes(&first)[&name] == content, seedless, "{name} under another seed");
    }
}

#[test]
fn what_is_written_reads_back() {
    let dir = TempDir::new().unwrap();
    let programme = municipality(3);
    programme.write(dir.path()).unwrap();
    assert!(Programme::load(dir.path()).unwrap() == programme);
}

#[test]
fn every_order_ends_where_the_calendar_says() {
    for seed in 1..=12 {
        Replay::new(&municipality(seed)).run();
    }
}

#[test]
fn samples_of_any_size_hold_together() {
    let dir = TempDir::new().unwrap();
    for pupils in [1, 2, 9, 29, 60, 250, 999, 1_000, 12_345] {
        let out = dir.path().join(pupils.to_string());
        run(arguments(&out, pupils, 5)).unwrap();
        let programme = Programme::load(&out).unwrap();
        assert_eq!(programme.pupils.len(), pupils);
        Replay::new(&programme).run();
    }
}

#[test]
fn the_country_has_its_counts_and_its_ends() {
    let programme = invent(Size::national(), 1, &ProgressBar::hidden());
    let counts = programme.counts();
    assert_eq!(
        (counts.pupils, counts.schools, counts.classes, counts.providers, counts.services),
        (349_500, 885, 18_000, 400, 6_000)
    );
    let delivered = count(&programme, |deed| matches!(deed, Deed::ReportDelivery { .. }));
    assert!((19_800..=20_200).contains(&delivered), "{delivered} deliveries");
    let places: BTreeSet<PlaceCode> = programme.schools.iter().map(|school| school.place).collect();
    let at_home = places.iter().filter(|place| matches!(place, PlaceCode::Municipality(_))).count();
    assert_eq!(at_home, 60, "every municipality has a school");
    assert!(places.len() > 60, "some schools are abroad");
    Replay::new(&programme).run();
}

fn count(programme: &Programme, fits: impl Fn(&Deed) -> bool) -> usize {
    let deeds = programme.calendar.iter().filter(|action| action.expect_rejection.is_none());
    deeds.filter(|action| fits(&action.deed)).count()
}

/// Asserts that a situation occurs so often at least.
fn occurs(what: &str, found: usize, at_least: usize) {
    assert!(found >= at_least, "{what}: {found}, promised {at_least}");
}

#[test]
fn the_default_sample_holds_every_action() {
    for seed in [1, 2, 3, 4, 5] {
        let year = municipality(seed);
        occurs("orders", year.orders.len(), 175);
        assert!(year.orders.len() <= 250, "{} orders", year.orders.len());
        let deeds: &[(&str, usize, fn(&Deed) -> bool)] = &[
            ("proposals", 10, |deed| matches!(deed, Deed::Propose { .. })),
            ("requests from proposals", 10, |deed| matches!(deed, Deed::Request { from_proposal: true, .. })),
            ("refusals", 3, |deed| matches!(deed, Deed::Decline { .. })),
            ("lapses", 3, |deed| matches!(deed, Deed::Nothing { awaited: Awaited::Lapse, .. })),
            ("automatic attendance", 3, |deed| {
                matches!(deed, Deed::Nothing { awaited: Awaited::AutomaticAttendance, .. })
            }),
            ("changes of time", 2, |deed| matches!(deed, Deed::ProposeChange { change: Change::Session(_), .. })),
            ("changes of pupils", 1, |deed| matches!(deed, Deed::ProposeChange { change: Change::Pupils { .. }, .. })),
            ("accepted changes", 2, |deed| matches!(deed, Deed::AcceptChange { .. })),
            ("refused changes", 1, |deed| matches!(deed, Deed::RefuseChange { .. })),
            ("swaps", 2, |deed| matches!(deed, Deed::Swap { .. })),
            ("drops", 2, |deed| matches!(deed, Deed::Drop { .. })),
            (
                "additions at confirmation",
                1,
                |deed| matches!(deed, Deed::ConfirmAttendance { added, .. } if !added.is_empty()),
            ),
            ("absences", 3, |deed| matches!(deed, Deed::ReportDelivery { absent, .. } if !absent.is_empty())),
            ("amendments", 1, |deed| matches!(deed, Deed::AcceptAmendment { .. })),
            ("school money", 1, |deed| matches!(deed, Deed::RecordSchoolMoney { .. })),
            ("shortfalls topped up", 1, |deed| matches!(deed, Deed::Request { school_cents: 1.., .. })),
            ("statements to schools", 1, |deed| matches!(deed, Deed::IssueStatement { buyer: Buyer::School(_), .. })),
            ("contested statements", 2, |deed| matches!(deed, Deed::ContestStatement { .. })),
            ("reissued statements", 1, |deed| matches!(deed, Deed::IssueStatement { replaces: Some(_), .. })),
            ("ends of the year", 1, |deed| matches!(deed, Deed::EndYear)),
        ];
        for (what, at_least, fits) in deeds {
            occurs(&format!("seed {seed}: {what}"), count(&year, fits), *at_least);
        }
        for reason in [
            RejectionReason::Clash,
            RejectionReason::NoMoney,
            RejectionReason::SessionFull,
            RejectionReason::RelatedProvider,
            RejectionReason::TooLate,
            RejectionReason::WrongActor,
            RejectionReason::NotEnrolled,
        ] {
            let refused = year.calendar.iter().filter(|action| action.expect_rejection == Some(reason));
            occurs(&format!("seed {seed}: refused for {reason:?}"), refused.count(), 1);
        }
    }
}

#[test]
fn the_default_sample_holds_every_end_and_every_group() {
    for seed in [1, 2, 3, 4, 5] {
        let year = municipality(seed);
        for end in [
            OrderEnd::Declined,
            OrderEnd::Lapsed,
            OrderEnd::CancelledFree,
            OrderEnd::CancelledLate,
            OrderEnd::CancelledByProvider,
            OrderEnd::Attended,
            OrderEnd::AttendedAutomatically,
            OrderEnd::Settled,
        ] {
            let ended = year.orders.iter().filter(|order| order.expected_state == end).count();
            occurs(&format!("seed {seed}: {end:?}"), ended, 1);
        }
        let late_drops = year.orders.iter().filter(|order| order.full_lines > 0 && order.late_lines > 0);
        occurs("late drops", late_drops.count(), 1);
        for (kind, at_least) in [(ChangeKind::Arrived, 20), (ChangeKind::Left, 20), (ChangeKind::Moved, 20)] {
            let changes = year.pupil_changes.iter().filter(|change| change.kind == kind).count();
            occurs(&format!("seed {seed}: {kind:?}"), changes, at_least);
        }
        let released = |change: &&keis_cli::programme::PupilChange| change.booked_lines == Some(BookedLines::Release);
        occurs("moves without their lines", year.pupil_changes.iter().filter(released).count(), 1);
        groups(&year, seed);
        assert!(year.schools.iter().any(|school| matches!(school.place, PlaceCode::Country(_))));
        assert!(year.schools.iter().any(|school| school.branches > 0), "a school has a branch");
        assert!(year.pupils.iter().any(|pupil| pupil.joint_class.is_some()), "small classes are joint");
    }
}

/// Whole classes, mixed classes and two schools in one session.
fn groups(year: &Programme, seed: u64) {
    let class_of: BTreeMap<_, _> =
        year.pupils.iter().map(|pupil| (pupil.register_code, (pupil.school_code, pupil.class))).collect();
    let mut sizes: BTreeMap<_, usize> = BTreeMap::new();
    class_of.values().for_each(|class| *sizes.entry(*class).or_default() += 1);
    let (mut whole, mut mixed) = (0, 0);
    for action in &year.calendar {
        if let Deed::Request { pupils, .. } = &action.deed {
            let classes: BTreeSet<_> = pupils.iter().filter_map(|pupil| class_of.get(pupil)).collect();
            let all = classes.iter().map(|class| sizes[*class]).sum::<usize>();
            whole += usize::from(classes.len() == 1 && all == pupils.len());
            mixed += usize::from(classes.len() > 1 && action.expect_rejection.is_none());
        }
    }
    occurs(&format!("seed {seed}: whole classes"), whole, 50);
    occurs(&format!("seed {seed}: mixed classes"), mixed, 10);
    let mut visitors: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for order in &year.orders {
        visitors.entry(order.session_code).or_default().insert(order.school_code);
    }
    let shared = visitors.values().filter(|schools| schools.len() > 1).count();
    occurs(&format!("seed {seed}: two schools in one session"), shared, 1);
}

#[test]
fn only_an_empty_folder_or_an_earlier_sample_is_written_to() {
    let dir = TempDir::new().unwrap();
    let out = dir.path().join("deep/year");
    run(arguments(&out, 300, 1)).unwrap();
    run(arguments(&out, 300, 2)).unwrap();
    fs::write(out.join("notes.txt"), "mine").unwrap();
    let error = run(arguments(&out, 300, 2)).unwrap_err().to_string();
    assert!(error.contains("notes.txt"), "{error}");
    let foreign = dir.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("pupils.csv"), "mine").unwrap();
    let error = run(arguments(&foreign, 300, 1)).unwrap_err().to_string();
    assert!(error.contains("is not empty"), "{error}");
    assert_eq!(fs::read_to_string(foreign.join("pupils.csv")).unwrap(), "mine");
}

#[test]
fn no_pupils_make_no_year() {
    let dir = TempDir::new().unwrap();
    let error = run(arguments(&dir.path().join("year"), 0, 1)).unwrap_err().to_string();
    assert!(error.contains("--pupils 0"), "{error}");
    assert!(!dir.path().join("year").exists(), "nothing is made");
    assert!(run(arguments(&dir.path().join("year"), usize::MAX, 1)).is_err());
}
