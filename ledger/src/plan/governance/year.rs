//! Parameters of an open year.

use super::Applied;
use crate::classifiers::Year;
use crate::money::Amounts;
use crate::parameters::ProgrammeParameters;
use crate::plan::open_year;
use crate::receipt::{Kind, Subject};
use crate::record::YearRecord;
use crate::rejection::Rejection;
use crate::state::Work;

/// What was used stays: the amounts, once a wallet has its money by them. Orders keep the rules that they pinned.
pub(super) fn judge(work: &Work, year: Year, parameters: &ProgrammeParameters) -> Result<(), Rejection> {
    if !parameters.is_sound() {
        return Err(Rejection::ParametersUnsound);
    }
    let record = open_year(work, year)?;
    let now = &record.parameters;
    if now == parameters {
        return Err(Rejection::ChangeEmpty);
    }
    let amounts = |of: &ProgrammeParameters| (of.amount_per_pupil, of.register_until, of.arrivals);
    let money = &record.state_money;
    let untouched = money.budget.checked_add(money.reserve) == Some(money.minted);
    if !untouched && amounts(now) != amounts(parameters) {
        return Err(Rejection::ParametersInUse);
    }
    Ok(())
}

pub(super) fn set(work: &mut Work, year: Year, parameters: &ProgrammeParameters) -> Result<Applied, Rejection> {
    judge(work, year, parameters)?;

    work.edit::<YearRecord>(year).expect("the year was found above").parameters = parameters.clone();
    let subject = Subject { year: Some(year), ..Subject::default() };
    Ok(Applied { kind: Kind::ProgrammeParametersSet, subject, total: Amounts::ZERO })
}
