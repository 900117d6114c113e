//! The outbox's own troubles.

use super::{About, Difference, DifferenceKind, Remedy, Report};
use crate::database::Registry;
use crate::error::RegistryError;
use crate::outbox::{self, OutboxRow, OutboxState};
use crate::page::Page;

/// Attempts after which a row counts as stuck: a day's pauses are behind it by then.
const MANY: u32 = 12;

pub(super) async fn compare(registry: &Registry, report: &mut Report) -> Result<(), RegistryError> {
    for state in [OutboxState::Refused, OutboxState::Waiting, OutboxState::Signed] {
        let mut page = Page::first(Page::MOST);
        loop {
            let rows = outbox::list(registry, Some(state), &page).await?;
            for row in &rows.items {
                judge(row, report);
            }
            let Some(next) = rows.next else { break };
            page.after = Some(next);
        }
    }
    Ok(())
}

fn judge(row: &OutboxRow, report: &mut Report) {
    let kind = match row.state {
        OutboxState::Refused => DifferenceKind::RowRefused,
        OutboxState::Waiting | OutboxState::Signed if row.attempts >= MANY && !waits_for_orders(row) => {
            DifferenceKind::RowStuck
        }
        OutboxState::Waiting
        | OutboxState::Signed
        | OutboxState::Done
        | OutboxState::Split
        | OutboxState::Discarded => return,
    };
    let why = row.rejection.as_deref().unwrap_or("not tried yet");
    report.add(Difference {
        kind,
        about: About::Row(row.id),
        waiting: Some(row.id),
        remedy: Remedy::SeeRow,
        detail: format!("{}, {} attempts, {why}", row.purpose, row.attempts),
    });
}

/// Whether a wallet is to close whose orders have begun: that takes weeks, and nobody has to do anything.
fn waits_for_orders(row: &OutboxRow) -> bool {
    row.rejection.as_deref().is_some_and(|why| why.starts_with("wallet_in_use:"))
}
