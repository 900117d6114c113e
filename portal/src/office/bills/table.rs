//! What is to be paid, as a table for the bank's program: semicolons and decimal commas, as spreadsheets read them here.

use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use keis_ledger::ids::{Commitment, ProviderId};
use warp::http::{HeaderValue, header};
use warp::reply::Response;

use super::book::{Books, Slip};
use super::list::Filter;
use super::statement::{Payee, payee};
use super::{Names, desk, open_year};
use crate::call::{Answer, Call};
use crate::office::forms::written;
use crate::site::Site;
use crate::trouble::Trouble;

/// Questions to gateways at a time.
const AT_ONCE: usize = 8;
/// Tells spreadsheets that the text is UTF-8.
const MARK: &str = "\u{feff}";

/// A cell that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let begins = text.trim_start().chars().next();
    if begins
        .is_some_and(|letter| ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'].contains(&letter))
    {
        return format!("'{text}");
    }
    text
}

/// GET /office/bills/{year}/payable.csv
pub(super) async fn payable(site: Arc<Site>, call: Call, books: Arc<Books>) -> Answer {
    let desk = desk(&call)?;
    let year = match open_year(&site, &call).await? {
        Ok(year) => year,
        Err(gone) => return Ok(gone),
    };
    let w = call.words();
    let book = books.of(&site, year, true).await?;
    let filter = Filter::of(&site, &call).await?;
    let wanted = |slip: &&Slip| slip.standing.is_payable() && desk.pays(slip.buyer) && filter.takes(w, slip);
    let slips: Vec<&Slip> = book.slips.iter().filter(wanted).collect();
    let providers: Vec<ProviderId> = slips.iter().map(|slip| slip.provider).collect();
    let asked = stream::iter(providers).map(|provider| payee(&site, year, provider));
    let payees: Vec<Payee> = asked.buffered(AT_ONCE).try_collect().await?;
    let marks: Vec<Commitment> =
        slips.iter().filter_map(|slip| slip.invoice).chain(payees.iter().filter_map(|payee| payee.account)).collect();
    let opened = site.registry.opened_marks(&desk.actor(), &marks).await?;
    let text = |mark: Option<Commitment>| mark.and_then(|mark| opened.get(&mark).cloned()).unwrap_or_default();
    let mut names = Names::default();
    let mut writer =
        csv::WriterBuilder::new().delimiter(b';').terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let heads = ["payee", "code", "account", "amount", "currency", "invoice", "buyer", "issued", "statement"];
    writer.write_record(heads.map(|head| w.text(&format!("bills-csv-{head}")))).map_err(Trouble::internal)?;
    for (slip, payee) in slips.iter().zip(&payees) {
        let provider = payee.successor.unwrap_or(slip.provider);
        let code = site.registry.provider(provider).await?.map(|provider| provider.code).unwrap_or_default();
        let record = [
            cell(&names.provider(&site, provider).await?),
            cell(&code),
            cell(&text(payee.account)),
            written(slip.open.get()),
            "EUR".to_owned(),
            cell(&text(slip.invoice)),
            cell(&names.buyer(&site, w, slip.buyer).await?),
            w.date(&slip.issued),
            slip.id.to_string(),
        ];
        writer.write_record(record).map_err(Trouble::internal)?;
    }
    let table = writer.into_inner().map_err(|error| Trouble::internal(error.into_error()))?;
    file(&format!("{}-{year}.csv", w.text("bills-csv-file")), [MARK.as_bytes(), &table].concat())
}

fn file(name: &str, bytes: Vec<u8>) -> Answer {
    let mut response = Response::new(bytes.into());
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_str(&disposition).map_err(Trouble::internal)?);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+370", "-2", "@SUM(A1)", "  =1", "\t=1", "\u{ff1d}1"] {
            assert!(cell(text).starts_with('\''), "{text:?}");
        }
        assert_eq!(cell("Šviesos teatras, UAB"), "Šviesos teatras, UAB");
        assert_eq!(cell("a\r\n=b"), "a  =b", "one cell is one line");
    }
}
