//! What the provider owes back of a year: after reversals and credits that came when the money had been paid.

use keis_ledger::classifiers::Year;
use keis_ledger::money::Cents;

use super::Own;
use super::statements::buyer;
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// What is owed, and what was paid back.
pub(super) struct Owed {
    /// To whom, and how much.
    pub(super) owed: Vec<(String, String)>,
    pub(super) repaid: Vec<Repaid>,
}

/// Money that was paid back.
pub(super) struct Repaid {
    pub(super) at: String,
    pub(super) buyer: String,
    pub(super) amount: String,
    /// Key of the words for whether another institution found it at the bank.
    pub(super) state: &'static str,
}

/// Debts and repayments of a year, also those of providers in whose place this one stands.
pub(super) async fn of_year(site: &Site, w: &Words, own: &Own, year: Year) -> Result<Owed, Trouble> {
    let mut all = Owed { owed: Vec::new(), repaid: Vec::new() };
    for house in own.houses(site).await? {
        let owed = site.client.all_provider_receivables(house, year).await?;
        for one in owed.into_iter().filter(|one| one.owed > Cents::ZERO) {
            all.owed.push((buyer(site, w, one.buyer).await?, w.money(&one.owed)));
        }
        for one in site.client.all_provider_repayments(house, year).await? {
            let repayment = one.repayment;
            all.repaid.push(Repaid {
                at: w.date(&repayment.at),
                buyer: buyer(site, w, repayment.buyer).await?,
                amount: w.money(&repayment.amount),
                state: if repayment.bank.is_some() { "provider-repaid-found" } else { "provider-repaid-recorded" },
            });
        }
    }
    Ok(all)
}
