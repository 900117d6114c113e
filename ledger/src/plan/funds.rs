//! Years and their funds: opening, allocation, schools' own money, the end, and what returns after it.

use super::{Actor, ascending, bounded, every};
use crate::accounts::Account;
use crate::classifiers::Year;
use crate::crypto::{Domain, Hash, hash};
use crate::ids::{PupilId, SchoolId};
use crate::money::{Amounts, Cents, Source};
use crate::operation::{FundsOperation, MAX_BATCH};
use crate::parameters::ProgrammeParameters;
use crate::receipt::{Kind, ReceiptLine, Subject};
use crate::record::{
    Books, DueKey, DueWork, Entity, Pupil, Record, RecordKey, School, SchoolPurse, Sealed, Standing, Totals,
    YearRecord, YearState,
};
use crate::rejection::Rejection;
use crate::state::{Effect, Work};
use crate::time::{Span, Timestamp};
use crate::tree::TreeKey;

/// Years that can be. Below and above them in the tree stands what belongs to no year.
const YEARS: std::ops::Range<u16> = 2000..10_000;

/// Most wallets that one step of returning empties: a block's due work stays below some 50 ms.
const RETURNED: usize = 4_000;

/// Most records that one step of returning looks at, with money or without.
const LOOKED_AT: usize = 20_000;

pub(super) fn plan(work: Work, at: Timestamp, actor: &Actor, operation: &FundsOperation) -> Result<Effect, Rejection> {
    match operation {
        FundsOperation::OpenYear { year, parameters, budget, reserve } => {
            begin_year(work, actor, *year, parameters, (*budget, *reserve))
        }
        FundsOperation::Allocate { year, pupils } => allocate(work, actor, *year, pupils),
        FundsOperation::RecordSchoolMoney { year, school, amount } => {
            record_school_money(work, actor, *year, *school, *amount)
        }
        FundsOperation::EndYear { year } => end_year(work, at, actor, *year),
        FundsOperation::SealYear { year } => seal_year(work, at, actor, *year),
    }
}

fn about(year: Year) -> Subject {
    Subject { year: Some(year), ..Subject::default() }
}

fn state_money(amount: Cents) -> Amounts {
    Amounts { state: amount, school: Cents::ZERO }
}

fn school_money(amount: Cents) -> Amounts {
    Amounts { state: Cents::ZERO, school: amount }
}

fn begin_year(
    mut work: Work,
    actor: &Actor,
    year: Year,
    parameters: &ProgrammeParameters,
    (budget, reserve): (Cents, Cents),
) -> Result<Effect, Rejection> {
    actor.budget_holder()?;
    if budget.is_zero() {
        return Err(Rejection::AmountZero);
    }
    if !YEARS.contains(&year.0) || !parameters.is_sound() {
        return Err(Rejection::ParametersUnsound);
    }
    if work.has::<YearRecord>(year) || work.has::<Sealed>(year) {
        return Err(Rejection::YearExists);
    }
    let total = budget.checked_add(reserve).ok_or(Rejection::AmountTooLarge)?;

    let record = YearRecord {
        state: YearState::Open,
        parameters: parameters.clone(),
        state_money: Totals::default(),
        school_money: Totals::default(),
    };
    work.put(year, record);
    work.mint(year, Source::State, Account::Budget, budget)?;
    work.mint(year, Source::State, Account::Reserve, reserve)?;
    Ok(work.done(Kind::YearOpened, about(year), state_money(total)))
}

/// What one wallet receives, and from where.
struct Share {
    pupil: PupilId,
    from: Account,
    amount: Cents,
}

fn allocate(mut work: Work, actor: &Actor, year: Year, pupils: &[PupilId]) -> Result<Effect, Rejection> {
    actor.operator()?;
    bounded(pupils, MAX_BATCH)?;
    ascending(pupils)?;
    super::open_year(&work, year)?;
    work.look_ahead(pupils.iter().map(|pupil| Pupil::key((year, *pupil))));
    let wallet = |pupil: &PupilId| work.get::<Pupil>((year, *pupil));
    every(pupils, |pupil| wallet(pupil).is_some(), |item| Rejection::PupilUnknown { item })?;
    let usable = |pupil: &PupilId| wallet(pupil).is_some_and(|wallet| wallet.standing != Standing::Closed);
    every(pupils, usable, |item| Rejection::WalletClosed { item })?;
    let without = |pupil: &PupilId| wallet(pupil).is_some_and(|wallet| !wallet.allocated);
    every(pupils, without, |item| Rejection::AllocatedBefore { item })?;

    let shares = shares(&work, year, pupils);
    let mut total = Cents::ZERO;
    for Share { pupil, from, amount } in shares {
        work.edit::<Pupil>((year, pupil)).expect("every wallet was found above").allocated = true;
        work.transfer(year, Source::State, from, Account::Pupil(pupil), amount)?;
        work.note(ReceiptLine { pupil, moved: state_money(amount) });
        total = total.checked_add(amount).ok_or(Rejection::AmountTooLarge)?;
    }
    Ok(work.done(Kind::Allocated, about(year), state_money(total)))
}

/// The register's pupils are paid from the budget, who arrived later from the reserve.
fn shares(work: &Work, year: Year, pupils: &[PupilId]) -> Vec<Share> {
    let parameters = &work.get::<YearRecord>(year).expect("the year was found before its pupils").parameters;
    let share = |pupil: &PupilId| {
        let opened = work.get::<Pupil>((year, *pupil)).expect("every wallet was found before").opened;
        let from = if opened <= parameters.register_until { Account::Budget } else { Account::Reserve };
        Share { pupil: *pupil, from, amount: parameters.amount_for(opened) }
    };
    pupils.iter().map(share).collect()
}

fn record_school_money(
    mut work: Work,
    actor: &Actor,
    year: Year,
    school: SchoolId,
    amount: Cents,
) -> Result<Effect, Rejection> {
    actor.operator()?;
    if amount.is_zero() {
        return Err(Rejection::AmountZero);
    }
    super::open_year(&work, year)?;
    let standing = work.get::<School>(school).ok_or(Rejection::SchoolUnknown { item: 0 })?.standing;
    if standing == Standing::Closed {
        return Err(Rejection::WalletClosed { item: 0 });
    }
    work.mint(year, Source::School, Account::School(school), amount)?;
    let subject = Subject { school: Some(school), ..about(year) };
    Ok(work.done(Kind::SchoolMoneyRecorded, subject, school_money(amount)))
}

fn end_year(mut work: Work, at: Timestamp, actor: &Actor, year: Year) -> Result<Effect, Rejection> {
    actor.budget_holder()?;
    let record = super::open_year(&work, year)?;
    let over = record.parameters.window_until;
    if at < over {
        return Err(Rejection::YearNotOver { from: over });
    }
    let Totals { budget, reserve, .. } = record.state_money;
    let total = budget.checked_add(reserve).ok_or(Rejection::AmountTooLarge)?;

    work.edit::<YearRecord>(year).expect("the year was found above").state = YearState::Ended;
    work.transfer(year, Source::State, Account::Budget, Account::Returned, budget)?;
    work.transfer(year, Source::State, Account::Reserve, Account::Returned, reserve)?;
    work.put(DueKey::returning(at, year), DueWork::Return(year, RecordKey::year_start(year)));
    Ok(work.done(Kind::YearEnded, about(year), state_money(total)))
}

/// Seals a year in which nothing is left to do, so that no rule will ever read its records again.
fn seal_year(mut work: Work, at: Timestamp, actor: &Actor, year: Year) -> Result<Effect, Rejection> {
    actor.budget_holder()?;
    let record = super::year_of(&work, year)?;
    match record.state {
        YearState::Open => return Err(Rejection::YearOpen),
        YearState::Ended => {}
    }
    if work.draft().has_due_work(year) {
        return Err(Rejection::WorkLeft);
    }
    let outstanding = |totals: &Totals| totals.outstanding().ok_or(Rejection::AmountTooLarge);
    let left = outstanding(&record.state_money)?.checked_add(outstanding(&record.school_money)?);
    let left = left.ok_or(Rejection::AmountTooLarge)?;
    if !left.is_zero() {
        return Err(Rejection::MoneyLeft { outstanding: left });
    }
    let Books { unreconciled: count } = work.get::<Books>(year).copied().unwrap_or_default();
    if count > 0 {
        return Err(Rejection::PaymentsLeft { count });
    }
    let paid = Amounts { state: record.state_money.paid, school: record.school_money.paid };

    work.seal(year, at);
    Ok(work.done(Kind::YearSealed, about(year), paid))
}

/// Clock step after the end of a year: money that is free in the wallets of pupils and schools returns, from a place of
/// the tree on. At most `room` wallets and [`LOOKED_AT`] records a step; what is left is due at the next instant, so the
/// next block goes on with it. The hash is the seed of the blinds of the receipt's lines.
///
/// The seed comes from a pupil's id, which the public does not know.
pub(crate) fn return_free_money(
    mut work: Work,
    year: Year,
    from: TreeKey,
    at: Timestamp,
    room: usize,
) -> (Effect, Option<Hash>) {
    let next = year.0.checked_add(1).expect("a year that was opened is far below the highest number");
    let end = RecordKey::year_start(Year(next));
    let mut total = Amounts::ZERO;
    let mut seed = None;
    let mut wallets = 0;
    let records = work.draft().standing_from(&from).take_while(|(place, _)| *place < end);
    for (looked_at, (place, record)) in records.enumerate() {
        if wallets == room.min(RETURNED) || looked_at == LOOKED_AT {
            work.put(DueKey::returning(at.after(Span(1)), year), DueWork::Return(year, place));
            break;
        }
        let Some((pupil, moved)) = return_from(&mut work, year, place, record) else { continue };
        wallets += 1;
        total = total.checked_add(&moved).expect("parts of what was minted fit where the sum does");
        if let (None, Some(PupilId(id))) = (seed, pupil) {
            seed = Some(hash(Domain::Blind, &[&place.0, &id]));
        }
    }
    (work.done(Kind::FundsReturned, about(year), total), seed)
}

/// Returns the free money of one wallet, if the record is a wallet with money. Names the pupil if it is a pupil's.
fn return_from(work: &mut Work, year: Year, place: TreeKey, record: &Record) -> Option<(Option<PupilId>, Amounts)> {
    let stands = "what stands in a wallet can be taken from it, and returned money never exceeds what was minted";
    if let Some(Pupil { pupil, balance, .. }) = Pupil::from_record(record) {
        let moved = state_money(*balance);
        if moved.is_zero() {
            return None;
        }
        work.came_upon(Pupil::key((year, *pupil)), place);
        work.transfer(year, Source::State, Account::Pupil(*pupil), Account::Returned, *balance).expect(stands);
        work.note(ReceiptLine { pupil: *pupil, moved });
        return Some((Some(*pupil), moved));
    }
    let SchoolPurse { school, balance } = SchoolPurse::from_record(record)?;
    let moved = school_money(*balance);
    if moved.is_zero() {
        return None;
    }
    work.came_upon(SchoolPurse::key((year, *school)), place);
    work.transfer(year, Source::School, Account::School(*school), Account::Returned, *balance).expect(stands);
    Some((None, moved))
}
