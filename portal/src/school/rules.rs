//! What the ledger would say, known beforehand: whom a session suits, what an order costs and to whom, what can be done
//! with it now and until when. Pure: records in, answers out. The ledger alone decides; tests hold these against it.

mod acts;
mod choice;
mod cost;
#[cfg(test)]
mod tests;

pub(super) use acts::{Act, Possible, is_over, possible};
pub(super) use choice::{Fit, SMALL_GROUP, Wanted, clash, fit, quote};
pub(super) use cost::{Cancelling, amendment, attendance, cancelling, drop_cost, late_from, refill};
