//! What the ledger still has to do with a person who is to be erased. Asked by the officers' page and by the command alike, so
//! that both refuse for the same reasons. Knows no page.

use keis_ledger::record::OrderState;
use keis_ledger::time::Timestamp;
use keis_registry::ids::PersonId;
use keis_registry::{Actor, Registry, RegistryError};
use keis_wallet::client::{Client, ClientError};

/// Orders of a person that are not over, of all years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenOrders {
    /// They have not begun: closing the wallet gives the person's place and money back.
    pub ahead: usize,
    /// They have begun: the wallet closes once they are over.
    pub begun: usize,
}

impl OpenOrders {
    /// Whether there is any.
    pub fn any(&self) -> bool {
        self.ahead + self.begun > 0
    }
}

/// Why nobody knows.
#[derive(Debug, thiserror::Error)]
pub enum OrdersError {
    /// The registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The gateways.
    #[error(transparent)]
    Ledger(#[from] ClientError),
}

/// The orders of a person that are not over.
///
/// # Errors
/// [`OrdersError`].
pub async fn open_orders(
    registry: &Registry,
    client: &Client,
    actor: &Actor,
    person: PersonId,
) -> Result<OpenOrders, OrdersError> {
    let mut open = OpenOrders::default();
    let wallets = registry.wallets_of(actor, person).await?;
    if wallets.is_empty() {
        return Ok(open);
    }
    let now = client.status().await?.clock;
    for (year, wallet) in wallets {
        let Some(wallet) = client.pupil_wallet(year, wallet).await? else { continue };
        for booking in wallet.bookings {
            let order = client.order_lines(year, booking.order).await?;
            if order.is_some_and(|view| is_unfinished(view.order.state)) {
                count(&mut open, booking.start, now);
            }
        }
    }
    Ok(open)
}

fn count(open: &mut OpenOrders, start: Timestamp, now: Timestamp) {
    if start <= now {
        open.begun += 1;
    } else {
        open.ahead += 1;
    }
}

/// Whether money of an order's pupils is still set aside, as the ledger asks before it closes a wallet.
fn is_unfinished(state: OrderState) -> bool {
    match state {
        OrderState::Requested | OrderState::Confirmed | OrderState::Delivered | OrderState::Disputed => true,
        OrderState::Proposed
        | OrderState::Attended
        | OrderState::AttendedAutomatically
        | OrderState::Settled
        | OrderState::Declined
        | OrderState::Lapsed
        | OrderState::CancelledFree
        | OrderState::CancelledLate
        | OrderState::CancelledByProvider
        | OrderState::CancelledForceMajeure
        | OrderState::Reversed => false,
    }
}
