//! Where a provider is paid: bound and changed by officers of two institutions, so that nobody alone leads money away.

use super::Applied;
use crate::ids::{Commitment, ProviderId};
use crate::money::Amounts;
use crate::receipt::{Kind, Subject};
use crate::record::{PaymentAccount, Provider};
use crate::rejection::Rejection;
use crate::state::Work;
use crate::time::Timestamp;

pub(super) fn judge(work: &Work, provider: ProviderId, account: Commitment) -> Result<(), Rejection> {
    if !work.has::<Provider>(provider) {
        return Err(Rejection::ProviderUnknown);
    }
    let same = work.get::<PaymentAccount>(provider).is_some_and(|bound| bound.account == account);
    if same { Err(Rejection::StandingUnchanged) } else { Ok(()) }
}

pub(super) fn change(
    work: &mut Work,
    at: Timestamp,
    provider: ProviderId,
    account: Commitment,
) -> Result<Applied, Rejection> {
    judge(work, provider, account)?;

    work.put(provider, PaymentAccount { account, since: at });
    let subject = Subject { provider: Some(provider), ..Subject::default() };
    Ok(Applied { kind: Kind::PaymentAccountSet, subject, total: Amounts::ZERO })
}
