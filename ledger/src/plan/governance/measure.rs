//! The measures, each by its own rules: judged when it is proposed, judged again and carried out when it is decided.

use super::{Applied, Occasion, account, members, network, officers, year};
use crate::operation::Measure;
use crate::plan::order::{deadline, dispute, reversal, strike};
use crate::plan::succession;
use crate::record::Closure;
use crate::rejection::Rejection;
use crate::state::Work;
use crate::time::Timestamp;

/// Every rule of a measure that can be judged now.
pub(super) fn judge(work: &Work, at: Timestamp, measure: &Measure) -> Result<(), Rejection> {
    match measure {
        Measure::SetNetworkParameters { limits } => network::judge_limits(work, limits),
        Measure::SetProgrammeParameters { year, parameters } => year::judge(work, *year, parameters),
        Measure::SetValidators { validators, admitted } => members::judge_set(work, validators, admitted).map(|_| ()),
        Measure::AppointOfficer { key, owner, from, until } => {
            officers::judge_appointment(work, at, key, *owner, (*from, *until))
        }
        Measure::DismissOfficer { key } => officers::judge_dismissal(work, at, key),
        Measure::ReplaceGovernanceKeys { institution, keys } => members::judge_keys(work, *institution, keys),
        Measure::SwitchProtocol { version, height } => network::judge_switch(work, *version, *height),
        Measure::Resolve { year, order, split } => dispute::judge(work, (*year, *order), split),
        Measure::Reverse { year, order, lines } => reversal::judge(work, (*year, *order), lines),
        Measure::ForceMajeure { year, from, until, scope: _ } => strike::judge(work, *year, (*from, *until)),
        Measure::Extend { year, from, until, by } => deadline::judge(work, *year, (*from, *until), *by),
        Measure::Succeed { from, to, years } => succession::judge(work, *from, *to, years),
        Measure::ChangePaymentAccount { provider, account } => account::judge(work, *provider, *account),
    }
}

/// Judges a measure once more and carries it out.
pub(super) fn apply(work: &mut Work, occasion: &Occasion, measure: &Measure) -> Result<Applied, Rejection> {
    let at = occasion.at;
    match measure {
        Measure::SetNetworkParameters { limits } => network::set_limits(work, limits),
        Measure::SetProgrammeParameters { year, parameters } => year::set(work, *year, parameters),
        Measure::SetValidators { validators, admitted } => members::set(work, at, validators, admitted),
        Measure::AppointOfficer { key, owner, from, until } => {
            officers::appoint(work, at, *key, *owner, (*from, *until))
        }
        Measure::DismissOfficer { key } => officers::dismiss(work, at, *key),
        Measure::ReplaceGovernanceKeys { institution, keys } => members::replace_keys(work, at, *institution, keys),
        Measure::SwitchProtocol { version, height } => network::decide_switch(work, *version, *height),
        Measure::Resolve { year, order, split } => dispute::resolve(work, (*year, *order), split),
        Measure::Reverse { year, order, lines } => reversal::reverse(work, (*year, *order), lines),
        Measure::ForceMajeure { year, from, until, scope } => {
            let closure = Closure { decision: occasion.decision, from: *from, until: *until, scope: *scope };
            strike::declare(work, at, *year, closure)
        }
        Measure::Extend { year, from, until, by } => deadline::extend(work, *year, (*from, *until), *by),
        Measure::Succeed { from, to, years } => succession::apply(work, *from, *to, years),
        Measure::ChangePaymentAccount { provider, account } => account::change(work, at, *provider, *account),
    }
}
