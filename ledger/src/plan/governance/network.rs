//! The network's parameters and the version of its rules.

use super::{Applied, network};
use crate::chain::Height;
use crate::money::Amounts;
use crate::operation::SWITCH_NOTICE;
use crate::parameters::{NetworkLimits, NetworkParameters};
use crate::receipt::{Kind, Subject};
use crate::record::{Network, ProtocolSwitch};
use crate::rejection::Rejection;
use crate::state::{Effect, Work};

const THERE: &str = "genesis puts the network's record, and nothing takes it away";

fn limited(work: &Work, limits: &NetworkLimits) -> Result<NetworkParameters, Rejection> {
    let now = &network(work).parameters;
    let parameters = limits.under(now.protocol).ok_or(Rejection::ParametersUnsound)?;
    if parameters == *now { Err(Rejection::ChangeEmpty) } else { Ok(parameters) }
}

pub(super) fn judge_limits(work: &Work, limits: &NetworkLimits) -> Result<(), Rejection> {
    limited(work, limits).map(|_| ())
}

pub(super) fn set_limits(work: &mut Work, limits: &NetworkLimits) -> Result<Applied, Rejection> {
    let parameters = limited(work, limits)?;

    work.edit::<Network>(()).expect(THERE).parameters = parameters;
    Ok(Applied { kind: Kind::NetworkParametersSet, subject: Subject::default(), total: Amounts::ZERO })
}

/// The rule knows no build's newest version: builds that differ in it must judge alike.
pub(super) fn judge_switch(work: &Work, version: u32, height: Height) -> Result<(), Rejection> {
    let next = network(work).parameters.protocol.saturating_add(1);
    if version != next {
        return Err(Rejection::VersionWrong { next });
    }
    let earliest = Height(work.draft().height().0.saturating_add(SWITCH_NOTICE));
    if height < earliest {
        return Err(Rejection::HeightTooNear { earliest });
    }
    Ok(())
}

pub(super) fn decide_switch(work: &mut Work, version: u32, height: Height) -> Result<Applied, Rejection> {
    judge_switch(work, version, height)?;

    work.put((), ProtocolSwitch { version, height });
    Ok(Applied { kind: Kind::ProtocolSwitchDecided, subject: Subject::default(), total: Amounts::ZERO })
}

/// Clock step at the head of the first block under another version.
pub(crate) fn switch(mut work: Work, version: u32) -> Effect {
    work.remove::<ProtocolSwitch>(());
    work.edit::<Network>(()).expect(THERE).parameters.protocol = version;
    work.done(Kind::ProtocolSwitched, Subject::default(), Amounts::ZERO)
}
