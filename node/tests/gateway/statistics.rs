//! A year in tables: what is told, and that no few can be told from it.

use std::collections::{BTreeMap, BTreeSet};

use keis_ledger::ids::OrderId;
use keis_ledger::operation::{Operation, OrderAction};
use keis_node::gateway::statistics::{Counted, FEWEST, Table, told};
use serde_json::json;

use crate::party::{self, SCHOOL_KEY, TEACHER_KEY};
use crate::support::{PUPIL, SESSION, Stand, YEAR, assert_no_pupil};

const PATH: &str = "/v1/statistics/2026";

fn counted(counts: &[u64], possible: Option<usize>) -> Counted {
    let cells = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    Counted { cells: cells.map(|(place, count)| (place.to_string(), *count)).collect(), possible }
}

/// Every table of so many cells with counts up to `most`.
fn tables(cells: usize, most: u64) -> Vec<Vec<u64>> {
    let mut all = vec![Vec::new()];
    for _ in 0..cells {
        let longer = |table: &Vec<u64>| (0..=most).map(|count| [&table[..], &[count]].concat()).collect::<Vec<_>>();
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// Every sum or difference that somebody may reckon as a count: the whole less any of the cells that are told.
fn reckoned(total: u64, table: &Table) -> Vec<u64> {
    let cells: Vec<u64> = table.cells.values().copied().collect();
    let subsets = 0u32..1 << cells.len();
    let sum = |subset: u32| -> u64 { (0..cells.len()).filter(|at| subset >> at & 1 == 1).map(|at| cells[at]).sum() };
    subsets.flat_map(|subset| [sum(subset), total - sum(subset)]).chain([total, table.withheld]).collect()
}

#[test]
fn no_sum_of_what_is_told_is_a_count_of_one_to_four() {
    for counts in tables(4, 11) {
        for possible in [None, Some(4)] {
            let Some((total, tables)) = told(&[counted(&counts, possible)]) else { continue };
            for number in reckoned(total, &tables[0]) {
                assert!(number == 0 || number >= FEWEST, "{counts:?} is told as {tables:?}");
            }
            assert_eq!(total, tables[0].cells.values().sum::<u64>() + tables[0].withheld);
        }
    }
}

/// Who knows the rule and looks for all tables that are told in this way finds no cell of one to four that is alike in all of them.
#[test]
fn nobody_who_knows_the_rule_finds_a_small_count() {
    for cells in 1..=4 {
        let most = if cells == 4 { 12 } else { 20 };
        let mut alike: BTreeMap<_, Vec<Vec<u64>>> = BTreeMap::new();
        for counts in tables(cells, most) {
            alike.entry(told(&[counted(&counts, Some(cells))])).or_default().push(counts);
        }
        for (output, inputs) in alike {
            for cell in 0..cells {
                let values: BTreeSet<u64> = inputs.iter().map(|counts| counts[cell]).collect();
                let value = *values.first().unwrap();
                let found = values.len() == 1 && (1..FEWEST).contains(&value);
                assert!(!found, "{output:?} comes from {inputs:?} alone");
            }
        }
    }
}

#[test]
fn what_is_large_is_told_whole() {
    let (total, tables) =
        told(&[counted(&[5, 0, 40], None), counted(&[45], None), counted(&[2, 9, 9, 25], None)]).unwrap();
    assert_eq!((total, tables[0].withheld, tables[1].withheld), (45, 0, 0));
    assert_eq!(tables[0].cells, BTreeMap::from([("0".to_owned(), 5), ("2".to_owned(), 40)]));
    assert_eq!((tables[2].withheld, &tables[2].cells), (20, &BTreeMap::from([("3".to_owned(), 25)])));
    assert_eq!(told(&[]), Some((0, Vec::new())));
    assert_eq!(told(&[counted(&[4], None)]), None);
}

async fn propose(stand: &mut Stand, number: u8) {
    let action = OrderAction::Propose { session: SESSION, pupils: vec![PUPIL] };
    let propose = Operation::Order { year: YEAR, order: OrderId([number; 16]), action };
    stand.take_effect(TEACHER_KEY, None, propose).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn year_is_told_in_tables_once_there_are_enough() {
    let mut stand = party::stand().await;
    let empty = stand.get(PATH).await;
    assert_no_pupil(&empty);
    assert_eq!(empty.is(200)["orders"]["total"], 0);
    for number in 150..154 {
        propose(&mut stand, number).await;
        assert_eq!(stand.get(PATH).await.is(200).get("orders"), None, "{number}");
    }
    propose(&mut stand, 154).await;
    let all = |cell: &str| json!({ "cells": { cell: 5 }, "withheld": 0 });
    let told = stand.get(PATH).await.is(200);
    assert_eq!((&told["orders"]["total"], &told["orders"]["states"]), (&json!(5), &all("proposed")));
    assert_eq!((&told["orders"]["places"], &told["orders"]["fields"]), (&all("LT-57"), &all("theatre")));
    assert_eq!(told["orders"]["months"], all("2026-01"));
    let funds = stand.get("/v1/funds/2026").await.is(200);
    assert_eq!(told["money"], funds["money"]);

    // One goes on: it is alone in its state, so nothing of the states is told but their sum.
    let cancel = Operation::Order { year: YEAR, order: OrderId([150; 16]), action: OrderAction::Cancel };
    stand.take_effect(SCHOOL_KEY, None, cancel).await;
    let told = stand.get(PATH).await.is(200);
    assert_eq!(told["orders"]["states"], json!({ "cells": {}, "withheld": 5 }));
    assert_eq!(told["orders"]["places"], all("LT-57"));

    stand.reopen().await;
    let again = stand.get(PATH).await;
    assert_eq!(again.is(200), told, "who reads all of history anew tells the same");
    for wrong in ["", "next", "-1", "70000", "2026%00", "%ff", "2026?year=2026"] {
        let status = stand.get(&format!("/v1/statistics/{wrong}")).await.status;
        assert!(matches!(status, 400 | 404), "{wrong}: {status}");
    }
    stand.get("/v1/statistics/2030").await.is_problem(404, "not_found");
}
