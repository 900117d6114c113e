//! E-invoices as the operator's gateway serves them to their sides. They need a client that signs: [`Client::signed_by`].

use keis_ledger::classifiers::Year;
use keis_ledger::ids::{Commitment, StatementId};
use serde::Deserialize;

use super::transport::{Answer, Call};
use super::{Client, ClientError};

/// In which form an invoice is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvoiceForm {
    /// UBL 2.1: the invoice itself.
    Xml,
    /// A page for a browser.
    Html,
    /// Pages to be printed.
    Pdf,
}

/// Which papers of a statement a gateway serves.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Papers {
    /// Its year.
    pub year: Year,
    /// The statement.
    pub statement: StatementId,
    /// Commitment of the invoice that is attached, whether it is served there or not.
    pub invoice: Option<Commitment>,
    /// Commitments of the papers that the ledger names and that are served there, credit notes included.
    pub held: Vec<Commitment>,
    /// The same of credit notes about reversals, of which the ledger names the reversal alone.
    #[serde(default)]
    pub reversals: Vec<Commitment>,
}

impl InvoiceForm {
    fn media_type(self) -> &'static str {
        match self {
            Self::Xml => "application/xml",
            Self::Html => "text/html",
            Self::Pdf => "application/pdf",
        }
    }
}

impl Client {
    /// The invoice that is attached to a statement, or the credit note of it with this commitment. None where there is no
    /// statement, no invoice, or where this gateway has no file of it: it may be a natural person's, or another node serves it.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn invoice(
        &self,
        (year, statement): (Year, StatementId),
        paper: Option<Commitment>,
        form: InvoiceForm,
    ) -> Result<Option<Vec<u8>>, ClientError> {
        let call = Call::get(format!("/v1/settlements/{statement}/invoice")).with("year", year);
        let call = paper.into_iter().fold(call, |call, paper| call.with("paper", paper));
        match self.transport.send(&call.accepting(form.media_type())).await? {
            Answer::Found(answer) => Ok(Some(answer.body)),
            Answer::Missing(_) => Ok(None),
            Answer::Refused(problem) => Err(ClientError::Problem(problem)),
        }
    }

    /// Which papers of a statement this gateway serves; none where there is no such statement.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn papers(&self, (year, statement): (Year, StatementId)) -> Result<Option<Papers>, ClientError> {
        let call = Call::get(format!("/v1/settlements/{statement}/invoice")).with("year", year);
        self.find(&call.accepting("application/json")).await
    }
}
