//! The report's rows and accounts as files.

use std::sync::Arc;

use keis_ledger::money::Cents;
use keis_wallet::client::BookRow;

use super::report::{By, FIGURES, HEADS, called};
use super::{Asked, asked, check_words};
use crate::books::{amount, lines, net, rows_table, table};
use crate::call::{Answer, Call};
use crate::office::bills::{file, source};
use crate::site::Site;
use crate::trouble::Trouble;

/// GET /office/books/{year}/rows.csv
pub(super) async fn rows(site: Arc<Site>, call: Call) -> Answer {
    let Asked { year, period, report, .. } = match asked(&site, &call).await? {
        Ok(asked) => asked,
        Err(gone) => return Ok(gone),
    };
    let w = call.words();
    let called = called(&site, w, &report).await?;
    let mut next = called.iter();
    let heads = HEADS.iter().chain(&FIGURES).map(|key| w.text(key)).collect();
    let texts = |_: &BookRow| next.next().map(|called| By::Everything.label(called)).unwrap_or_default();
    let bytes = rows_table(heads, &report, texts).map_err(Trouble::internal)?;
    file(&format!("{}-{year}-{}.csv", w.text("books-csv-rows"), period.name), bytes)
}

/// GET /office/books/{year}/accounts.csv
pub(super) async fn accounts(site: Arc<Site>, call: Call) -> Answer {
    let Asked { year, period, report, .. } = match asked(&site, &call).await? {
        Ok(asked) => asked,
        Err(gone) => return Ok(gone),
    };
    let w = call.words();
    let heads = ["books-money", "books-account", "books-entry", "books-amount", "books-ledger"];
    let mut records = vec![heads.map(|key| w.text(key)).to_vec()];
    for book in &report.sources {
        for line in lines(book) {
            records.push(vec![
                source(w, book.source),
                w.text(&format!("books-account-{}", line.account)),
                w.text(&format!("books-entry-{}", line.entry.replace('_', "-"))),
                if line.is_less { net(Cents::ZERO, line.amount) } else { amount(line.amount) },
                String::new(),
            ]);
        }
        for check in &book.checks {
            records.push(vec![
                source(w, book.source),
                w.text("books-check"),
                check_words(w, &check.what),
                amount(check.reckoned),
                amount(check.account),
            ]);
        }
    }
    let bytes = table(records).map_err(Trouble::internal)?;
    file(&format!("{}-{year}-{}.csv", w.text("books-csv-accounts"), period.name), bytes)
}
