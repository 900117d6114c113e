//! What the portal is for, in a browser, over four validators: every role goes its main way, and what it was told is what the
//! ledger holds.

mod bills;
mod buyer;
mod decisions;
mod hands;
mod keys;
mod office;
mod orders;
mod provider;
mod refusing;
mod school;
mod sides;
