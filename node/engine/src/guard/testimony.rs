//! What others' certificates say of votes of the guard's key.
//!
//! Two copies of a key share a name on the network, so the swarm does not bring one the other's votes. The certificates that
//! peers keep do: while a folder observes, its node reads them, and the last height counts only when they were read.

use keis_ledger::chain::{Certificate, Height, VoteStep};

use super::{Foreign, Guard, GuardError, GuardState, Message, Record};

/// What is known of heights that were observed.
#[derive(Debug, Default)]
pub(super) struct Testimony {
    /// The first height that this process observed, after the last at which another copy's vote was found.
    since: Option<Height>,
    /// The height that brought the count to its last.
    awaits: Option<Height>,
    /// Up to where certificates of others were read; none when nobody reads any.
    read: Option<Height>,
}

impl Testimony {
    /// Whether an observed height counts, when so many are still to come.
    pub(super) fn counts(&mut self, height: Height, remaining: u64) -> bool {
        self.since.get_or_insert(height);
        let Some(read) = self.read else { return true };
        if remaining > 1 {
            self.awaits = Some(height);
            return true;
        }
        read >= *self.awaits.get_or_insert(height)
    }
}

impl Guard {
    /// Says that certificates of others will be read: from now on the last height waits for them.
    pub fn await_testimony(&self) {
        self.lock().testimony.read.get_or_insert(Height(0));
    }

    /// The first height of which certificates are to be read; none while none was observed.
    pub fn observed_since(&self) -> Option<Height> {
        self.lock().testimony.since
    }

    /// Certificates of others up to a height were read and shown.
    pub fn testified(&self, height: Height) {
        let read = &mut self.lock().testimony.read;
        *read = (*read).max(Some(height));
    }

    /// Shows what a peer keeps as certificate of a height. A vote of this key for a height that was observed is another copy's:
    /// the count begins again, or the folder stops when it signs already. Says whether there was one.
    ///
    /// # Errors
    /// [`GuardError::Io`].
    pub fn show(&self, certificate: &Certificate) -> Result<bool, GuardError> {
        let Certificate { height, round, block, signatures } = certificate;
        let message = Message::vote(VoteStep::Precommit, *height, *round, Some(*block));
        let own = signatures.iter().find(|(address, _)| *address == self.address);
        let bytes = message.bytes(&self.network, &self.address);
        if !own.is_some_and(|(_, signature)| self.public_key().verify(&bytes, signature)) {
            return Ok(false);
        }
        let mut inner = self.lock();
        let observed = inner.testimony.since.is_some_and(|since| since <= *height) && *height < inner.floor;
        if !observed || inner.signed.get(&message.slot).is_some_and(|signed| signed.message == message) {
            return Ok(false);
        }
        match inner.state {
            GuardState::Observing { .. } => {
                // What was awaited is known now, and what was found is not found again: the heights to come are read anew.
                (inner.testimony.since, inner.testimony.awaits) = (Some(height.next()), None);
                inner.interrupted()?;
            }
            GuardState::Active => {
                inner.write(Record::SecondCopy)?;
                self.second_copy.send_replace(true);
            }
            GuardState::Foreign(Foreign::Moved(_) | Foreign::SecondCopy) => {}
        }
        Ok(true)
    }
}
