//! Files that prove: receipts with their lines, records, and every change of the validators before them.

use keis_ledger::chain::Height;
use keis_ledger::ids::TransactionId;
use serde::Deserialize;

use super::transport::Call;
use super::{Client, ClientError, about};
use crate::verify::{Handover, ProvenLine, ProvenRecord, PublicRecord, ReceiptFile, RecordFile};
use crate::wire::height_if_any;

#[derive(Deserialize)]
struct HandoversAnswer {
    handovers: Vec<Handover>,
    #[serde(default, deserialize_with = "height_if_any")]
    next: Option<Height>,
}

#[derive(Deserialize)]
struct LinesAnswer {
    id: TransactionId,
    lines: Vec<ProvenLine>,
}

impl Client {
    /// The file of a receipt, without lines; [`ReceiptFile::verify`] judges it.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn receipt_file(&self, id: TransactionId) -> Result<Option<ReceiptFile>, ClientError> {
        let Some(proven) = self.proven_receipt(id).await? else { return Ok(None) };
        let handovers = self.handovers_before(proven.header.height).await?;
        Ok(Some(ReceiptFile::new(proven, handovers, Vec::new())))
    }

    /// Lines of a receipt that the signer may see.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn receipt_lines(&self, id: TransactionId) -> Result<Option<Vec<ProvenLine>>, ClientError> {
        let call = Call::get(format!("/v1/receipts/{id}/lines"));
        let found: Option<LinesAnswer> = self.find(&call).await?;
        let found = about(&call, found, |found| found.as_ref().is_none_or(|answer| answer.id == id))?;
        Ok(found.map(|answer| answer.lines))
    }

    /// The file of a public record, or of its absence, as it stands; [`RecordFile::verify`] judges it.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn record_file(&self, record: PublicRecord) -> Result<RecordFile, ClientError> {
        let call = match record {
            PublicRecord::Parameters {} => Call::get("/v1/proofs/parameters"),
            PublicRecord::Year { year } => Call::get(format!("/v1/proofs/years/{year}")),
            PublicRecord::Service { id } => Call::get(format!("/v1/proofs/services/{id}")),
            PublicRecord::Session { year, id } => Call::get(format!("/v1/proofs/sessions/{id}")).with("year", year),
            PublicRecord::Sealed { year } => Call::get(format!("/v1/proofs/sealed/{year}")),
        };
        let proven: ProvenRecord = self.get(&call).await?;
        let handovers = self.handovers_before(proven.header.height).await?;
        Ok(RecordFile::new(record, proven, handovers))
    }

    /// Every change of the validators before a height.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn handovers_before(&self, height: Height) -> Result<Vec<Handover>, ClientError> {
        let mut all = Vec::new();
        let mut from = Height(1);
        loop {
            let call = Call::get("/v1/handovers").with("from", from).with("until", height.0.saturating_sub(1));
            let answer: HandoversAnswer = self.get(&call).await?;
            all.extend(answer.handovers);
            match answer.next {
                None => return Ok(all),
                // A gateway that answers where it was asked to go on from would be asked for ever.
                Some(next) if next <= from => return Err(call.about_other_thing()),
                Some(next) => from = next,
            }
        }
    }
}
