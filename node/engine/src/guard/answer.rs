//! What the guard answers, and whether and why its folder signs.

use keis_ledger::crypto::Signature;

use super::message::Message;

/// What the guard answers to a request to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The message of the slot, which may be an earlier one than was asked for, with its signature.
    Signed(Message, Signature),
    /// Nothing is signed.
    Withheld(Withheld),
}

/// Why nothing was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withheld {
    /// The folder does not sign now: see [`Guard::state`](super::Guard::state).
    NotActive,
    /// The height, or the round within it, is older than what was signed or observed already.
    Old,
    /// The height is followed unsigned: a precommit that was recorded met another request.
    Abstaining,
    /// A proposal of this slot was signed before, with other content.
    OtherProposal,
    /// The vote would go against a precommit that was recorded and that the engine does not remember.
    ForgottenLock,
}

/// For what network life a guard's log is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// The key has never signed: the network begins, too.
    Genesis,
    /// The network lives already, and the key may have signed in it: observe `heights` before signing.
    Joining {
        /// Heights to observe.
        heights: u64,
    },
    /// The folder comes out of a backup: nothing is signed before [`Guard::adopt`](super::Guard::adopt).
    Restored,
}

/// Whether a folder signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardState {
    /// It signs.
    Active,
    /// It was adopted, and signs when it has seen this many more heights decided without a vote of its own.
    Observing {
        /// Heights still to be observed.
        remaining: u64,
    },
    /// It does not sign until [`Guard::adopt`](super::Guard::adopt).
    Foreign(Foreign),
}

/// Why a folder is not trusted to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// The log was moved or restored; the text says how it shows.
    Moved(&'static str),
    /// Votes of this key were seen that the log does not hold: another copy signs.
    SecondCopy,
}
