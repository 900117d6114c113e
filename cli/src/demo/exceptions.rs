//! What goes wrong in a year: disputes, reversals, a day of force majeure, an outage, lost keys, a provider that ends.
//!
//! A school and providers of their own, beside those of the files, so that the calendar's money is not touched: what these
//! orders must come to is known here. Each stage has its day; the stages fall between the calendar's batches.

mod ground;
mod money;

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use keis_ledger::classifiers::{Fact, Facts, Place, Score};
use keis_ledger::crypto::SecretKey;
use keis_ledger::ids::{EntityId, OrderId, ProviderId, PupilId, SchoolId, ServiceId, SessionId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{
    CatalogueOperation, ClosureScope, Measure, Operation, OrderAction, Party, SessionOffer, WalletOperation,
};
use keis_ledger::record::OrderState;
use keis_ledger::time::{Span, Timestamp};
use keis_wallet::client::Outcome;
use keis_wallet::compose::Composer;
use keis_wallet::random::{new_id, new_key};
use serde::Serialize;

use super::decide;
use super::drive::{Driver, timestamp};
use super::settle::Books;
use super::setup::by_operator;
use super::translate::Wish;
use crate::programme::Programme;

/// Pupils of each of these orders.
const GROUP: usize = 2;
/// What a pupil pays.
const PRICE: Cents = Cents::new(600);
/// What a provider gives back of one line by a credit note.
const CREDIT: Cents = Cents::new(200);
/// What two persons give the provider of a disputed order, line by line.
const SPLIT: [Cents; GROUP] = [Cents::new(600), Cents::new(150)];
/// An hour.
const HOUR: u64 = 3_600_000;
/// Offices are closed then: no deadline of the calendar falls into this hour of a day.
const NIGHT: Span = Span(5 * HOUR);
/// How long the outage lasts, before and after the deadline that falls into it.
const OUTAGE: Span = Span(30_000);
/// Day of the sessions.
const SESSION_DAY: u32 = 30;
/// Day on which nothing can take place.
const STRUCK_DAY: u32 = 28;
/// Last day of the plan; a year whose window is shorter has no such weeks.
const LAST_DAY: u32 = 40;

/// The orders, each with its own fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    DisputeWithdrawn,
    DisputeSplit,
    ReversedUnpaid,
    ReversedPaid,
    ForceMajeure,
    Outage,
    KeysLost,
    Suspended,
    Credited,
    Succeeded,
    CreditedWhole,
}

const CASES: [Case; 11] = [
    Case::DisputeWithdrawn,
    Case::DisputeSplit,
    Case::ReversedUnpaid,
    Case::ReversedPaid,
    Case::ForceMajeure,
    Case::Outage,
    Case::KeysLost,
    Case::Suspended,
    Case::Credited,
    Case::Succeeded,
    Case::CreditedWhole,
];

impl Case {
    /// What the programme pays for it in the end.
    fn paid(self) -> u64 {
        match self {
            Self::DisputeWithdrawn | Self::Outage | Self::KeysLost | Self::Suspended | Self::Succeeded => {
                PRICE.get() * GROUP as u64
            }
            Self::Credited => PRICE.get() * GROUP as u64 - CREDIT.get(),
            Self::DisputeSplit => SPLIT.iter().map(|part| part.get()).sum(),
            Self::ReversedUnpaid => PRICE.get(),
            Self::ReversedPaid | Self::ForceMajeure | Self::CreditedWhole => 0,
        }
    }

    /// Its provider: most have the first, so that one statement holds several fates.
    fn provider(self) -> usize {
        match self {
            Self::ReversedPaid | Self::Suspended => 1,
            Self::Succeeded => 2,
            Self::CreditedWhole => GENEROUS,
            Self::DisputeWithdrawn
            | Self::DisputeSplit
            | Self::ReversedUnpaid
            | Self::ForceMajeure
            | Self::Outage
            | Self::KeysLost
            | Self::Credited => 0,
        }
    }
}

/// The provider that takes the place of the third.
const SUCCESSOR: usize = 3;
/// A natural person, who gives everything back.
const GENEROUS: usize = 4;
/// How many providers there are.
const PROVIDERS: usize = 5;

/// What happens, and on which day of the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Orders,
    KeysLost,
    Outage,
    Suspension,
    Reinstatement,
    LateAnswer,
    ForceMajeure,
    Succession,
    Delivered,
    Decided,
    Paid,
    Farewell,
}

const PLAN: [(u32, Stage); 12] = [
    (10, Stage::Orders),
    (11, Stage::KeysLost),
    (12, Stage::Outage),
    (13, Stage::Suspension),
    (14, Stage::Reinstatement),
    (21, Stage::LateAnswer),
    (24, Stage::ForceMajeure),
    (26, Stage::Succession),
    (SESSION_DAY + 1, Stage::Delivered),
    (SESSION_DAY + 2, Stage::Decided),
    (SESSION_DAY + 4, Stage::Paid),
    (LAST_DAY, Stage::Farewell),
];

struct Order {
    case: Case,
    id: OrderId,
    session: SessionId,
    pupils: Vec<PupilId>,
}

struct OwnProvider {
    id: ProviderId,
    entity: EntityId,
    staff: SecretKey,
    service: ServiceId,
    /// Another service, taxed otherwise.
    lesson: ServiceId,
}

/// What came of it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Exceptions {
    /// Orders beside the calendar's.
    pub orders: u64,
    /// What the programme must have paid for them, in cents.
    pub expected_paid: u64,
    /// What happened, in words.
    pub happened: Vec<&'static str>,
}

/// The weeks in which things go wrong.
pub(super) struct Weeks {
    begin: Timestamp,
    next: usize,
    school: SchoolId,
    coordinator: SecretKey,
    providers: Vec<OwnProvider>,
    orders: Vec<Order>,
    usual: Place,
    struck: Place,
    outage: Timestamp,
    pub(super) outcome: Exceptions,
}

impl Weeks {
    /// Draws who takes part; none where the year's window is too short.
    pub(super) fn new(programme: &Programme) -> Option<Self> {
        let window = &programme.parameters.window;
        let (begin, end) = (timestamp(window.start.seconds()), timestamp(window.end.seconds()));
        if end < begin.after(Span::days(LAST_DAY + 1)) {
            return None;
        }
        let provider = |_| OwnProvider {
            id: new_id(ProviderId),
            entity: new_id(EntityId),
            staff: new_key(),
            service: new_id(ServiceId),
            lesson: new_id(ServiceId),
        };
        let order = |case| {
            let mut pupils: Vec<PupilId> = (0..GROUP).map(|_| new_id(PupilId)).collect();
            pupils.sort_unstable();
            Order { case, id: new_id(OrderId), session: new_id(SessionId), pupils }
        };
        Some(Self {
            begin,
            next: 0,
            school: new_id(SchoolId),
            coordinator: new_key(),
            providers: (0..PROVIDERS).map(provider).collect(),
            orders: CASES.into_iter().map(order).collect(),
            usual: Place::Municipality(58),
            struck: ground::unused_place(programme),
            outage: begin,
            outcome: Exceptions {
                orders: CASES.len() as u64,
                expected_paid: CASES.into_iter().map(Case::paid).sum(),
                happened: Vec::new(),
            },
        })
    }

    /// Pupils beside those of the files.
    pub(super) fn pupils(&self) -> u64 {
        (CASES.len() * GROUP) as u64
    }

    /// Lives every stage whose time has come before an instant.
    pub(super) async fn until(
        &mut self,
        driver: &mut Driver,
        books: &mut Books,
        instant: Timestamp,
    ) -> anyhow::Result<()> {
        while let Some((day, stage)) = PLAN.get(self.next).copied() {
            let at = self.night(day);
            if instant < at {
                break;
            }
            driver.step(at).await?;
            self.live(driver, books, stage).await.with_context(|| format!("{stage:?} of the exceptional weeks"))?;
            self.next += 1;
        }
        Ok(())
    }

    fn night(&self, day: u32) -> Timestamp {
        self.begin.after(Span::days(day)).after(NIGHT)
    }

    async fn live(&mut self, driver: &mut Driver, books: &mut Books, stage: Stage) -> anyhow::Result<()> {
        match stage {
            Stage::Orders => self.order(driver).await,
            Stage::KeysLost => self.lose_keys(driver).await,
            Stage::Outage => self.extend(driver).await,
            Stage::Suspension => self.suspend(driver).await,
            Stage::Reinstatement => self.reinstate(driver).await,
            Stage::LateAnswer => self.answer_late(driver).await,
            Stage::ForceMajeure => self.strike(driver).await,
            Stage::Succession => self.succeed(driver).await,
            Stage::Delivered => self.deliver(driver).await,
            Stage::Decided => self.decide(driver).await,
            Stage::Paid => self.pay(driver, books).await,
            Stage::Farewell => self.withdraw(driver).await,
        }
    }

    fn of(&self, case: Case) -> &Order {
        self.orders.iter().find(|order| order.case == case).expect("every case has its order")
    }

    /// Who acts for the provider of an order by the end.
    fn staff(&self, case: Case) -> &SecretKey {
        let provider = if case == Case::Succeeded { SUCCESSOR } else { case.provider() };
        &self.providers[provider].staff
    }

    fn act(&self, driver: &Driver, case: Case, signer: &SecretKey, action: OrderAction) -> Wish {
        let (year, order) = (driver.book.year, self.of(case).id);
        Wish { signer: signer.clone(), operation: Operation::Order { year, order, action } }
    }

    /// The same action on these orders: by their provider, or by the school.
    async fn each(
        &self,
        driver: &mut Driver,
        cases: &[Case],
        by_provider: bool,
        action: &OrderAction,
    ) -> anyhow::Result<()> {
        let signer = |case| if by_provider { self.staff(case) } else { &self.coordinator };
        let wishes = cases.iter().map(|case| self.act(driver, *case, signer(*case), action.clone())).collect();
        driver.all(wishes, &|_| {}).await?;
        Ok(())
    }

    fn request(&self, driver: &Driver, case: Case) -> Wish {
        let Order { session, pupils, .. } = self.of(case);
        let (session, pupils) = (*session, pupils.clone());
        let action = OrderAction::Request { session, pupils, price: PRICE, school_money: Cents::ZERO };
        self.act(driver, case, &self.coordinator, action)
    }

    async fn order(&mut self, driver: &mut Driver) -> anyhow::Result<()> {
        let sessions = self.orders.iter().map(|order| {
            let provider = &self.providers[order.case.provider()];
            let struck = order.case == Case::ForceMajeure;
            let (day, place) = if struck { (STRUCK_DAY, self.struck) } else { (SESSION_DAY, self.usual) };
            let start = self.night(day).after(Span(5 * HOUR));
            let offer = SessionOffer { start, end: start.after(Span(HOUR)), place, capacity: 10 };
            // One statement holds services of two ways to be taxed.
            let service = if order.case == Case::Outage { provider.lesson } else { provider.service };
            let (year, session) = (driver.book.year, order.session);
            let open = CatalogueOperation::OpenSession { year, session, service, offer };
            Wish { signer: provider.staff.clone(), operation: Operation::Catalogue(open) }
        });
        let sessions = sessions.collect();
        driver.all(sessions, &|_| {}).await?;
        let asked = CASES.into_iter().filter(|case| !matches!(case, Case::KeysLost | Case::Suspended));
        let requests = asked.map(|case| self.request(driver, case)).collect();
        driver.all(requests, &|_| {}).await?;
        self.outage = driver.now();
        // These two are answered later, the others ordered later.
        let open = [Case::Outage, Case::ReversedPaid, Case::KeysLost, Case::Suspended];
        let confirmations = CASES
            .into_iter()
            .filter(|case| !open.contains(case))
            .map(|case| self.act(driver, case, &self.providers[case.provider()].staff, OrderAction::Confirm))
            .collect();
        driver.all(confirmations, &|_| {}).await?;
        Ok(())
    }

    /// A school has lost its keys: all are revoked at once, the old one orders nothing more, a new one does.
    async fn lose_keys(&mut self, driver: &mut Driver) -> anyhow::Result<()> {
        let party = Party::School(self.school);
        let revoke = by_operator(driver, Operation::Wallet(WalletOperation::RevokeAllKeys { party }));
        driver.all(vec![revoke], &|_| {}).await?;
        self.refused(driver, Case::KeysLost, "key_inactive").await.context("an order under a revoked key")?;
        self.coordinator = new_key();
        let grants = vec![ground::coordinator(driver, self.school, &self.coordinator)];
        let bind = by_operator(driver, Operation::Wallet(WalletOperation::BindKeys { grants }));
        driver.all(vec![bind], &|_| {}).await?;
        let request = self.request(driver, Case::KeysLost);
        driver.all(vec![request], &|_| {}).await?;
        self.each(driver, &[Case::KeysLost], true, &OrderAction::Confirm).await?;
        self.outcome.happened.push("a school lost its keys: revoked, the old one refused, a new one bound");
        Ok(())
    }

    /// An order that the ledger must not take. The gateway that has acknowledged what stands against it is asked.
    async fn refused(&self, driver: &mut Driver, case: Case, code: &str) -> anyhow::Result<()> {
        let Wish { signer, operation } = self.request(driver, case);
        let transaction = Composer::new(driver.network(), signer).compose(driver.now(), operation)?;
        let rejection = match driver.client(0).submit_and_wait(&transaction, super::drive::PATIENCE).await? {
            Outcome::Refused(rejection) | Outcome::Dropped { rejection, .. } => rejection,
            Outcome::Included(_) | Outcome::Expired => anyhow::bail!("it was not refused"),
        };
        ensure!(rejection.code == code, "it was refused as {}, not as {code}", rejection.code);
        driver.tally.rejected += 1;
        Ok(())
    }

    /// A provider is suspended: it gets no new order, and answers the one that stands.
    async fn suspend(&mut self, driver: &mut Driver) -> anyhow::Result<()> {
        let party = Party::Provider(self.providers[Case::Suspended.provider()].id);
        let suspend = by_operator(driver, Operation::Wallet(WalletOperation::Suspend { party }));
        driver.all(vec![suspend], &|_| {}).await?;
        self.refused(driver, Case::Suspended, "wallet_suspended")
            .await
            .context("an order of a suspended provider's")?;
        self.each(driver, &[Case::ReversedPaid], true, &OrderAction::Confirm).await
    }

    async fn reinstate(&mut self, driver: &mut Driver) -> anyhow::Result<()> {
        let party = Party::Provider(self.providers[Case::Suspended.provider()].id);
        let reinstate = by_operator(driver, Operation::Wallet(WalletOperation::Reinstate { party }));
        driver.all(vec![reinstate], &|_| {}).await?;
        let request = self.request(driver, Case::Suspended);
        driver.all(vec![request], &|_| {}).await?;
        self.each(driver, &[Case::Suspended], true, &OrderAction::Confirm).await?;
        self.outcome.happened.push("a provider was suspended: a standing order went on, a new one had to wait");
        Ok(())
    }

    /// Nobody could answer while the network was away: deadlines of that minute fall three days later.
    async fn extend(&mut self, driver: &mut Driver) -> anyhow::Result<()> {
        let expiry = driver.client(0).parameters().await?.years;
        let expiry = expiry.iter().find(|one| one.year == driver.book.year).context("the year has no parameters")?;
        let deadline = self.outage.after(expiry.parameters.hold_expiry);
        self.outage = deadline;
        let (year, by) = (driver.book.year, Span::days(3));
        let (from, until) = (deadline.before(OUTAGE), deadline.after(OUTAGE));
        decide::two_persons(driver, vec![Measure::Extend { year, from, until, by }]).await
    }

    async fn answer_late(&mut self, driver: &mut Driver) -> anyhow::Result<()> {
        ensure!(self.outage < driver.now(), "the request's first deadline has not passed");
        self.each(driver, &[Case::Outage], true, &OrderAction::Confirm).await?;
        self.outcome.happened.push("an outage moved a deadline: a request was answered after its first one");
        Ok(())
    }

    /// A day on which nothing can take place at one place.
    async fn strike(&mut self, driver: &mut Driver) -> anyhow::Result<()> {
        let from = self.night(STRUCK_DAY);
        let (year, until, scope) = (driver.book.year, from.after(Span::days(1)), ClosureScope::Place(self.struck));
        decide::two_persons(driver, vec![Measure::ForceMajeure { year, from, until, scope }]).await?;
        self.outcome.happened.push("a day of force majeure at one place: its order was cancelled without charge");
        Ok(())
    }

    async fn succeed(&mut self, driver: &mut Driver) -> anyhow::Result<()> {
        let party = |index: usize| Party::Provider(self.providers[index].id);
        let succeed =
            Measure::Succeed { from: party(Case::Succeeded.provider()), to: party(SUCCESSOR), years: Vec::new() };
        decide::two_persons(driver, vec![succeed]).await?;
        self.outcome.happened.push("a provider took another's place, and delivered and was paid for its order");
        Ok(())
    }

    async fn deliver(&mut self, driver: &mut Driver) -> anyhow::Result<()> {
        self.struck_by_now(driver).await?;
        let delivered: Vec<Case> = CASES.into_iter().filter(|case| *case != Case::ForceMajeure).collect();
        self.each(driver, &delivered, true, &OrderAction::ReportDelivery { absent: Vec::new() }).await?;
        let attended: Vec<Case> = delivered.into_iter().filter(|case| *case != Case::DisputeSplit).collect();
        let confirm = OrderAction::ConfirmAttendance { absent: Vec::new(), added: Vec::new() };
        self.each(driver, &attended, false, &confirm).await?;
        self.each(driver, &[Case::DisputeSplit], false, &OrderAction::Dispute).await?;
        self.each(driver, &[Case::DisputeWithdrawn], true, &OrderAction::Dispute).await
    }

    /// The ledger cancels what force majeure covers on its own, a few blocks later.
    async fn struck_by_now(&self, driver: &Driver) -> anyhow::Result<()> {
        let deadline = Instant::now() + super::drive::LAG;
        loop {
            let order = driver.client(0).order(driver.book.year, self.of(Case::ForceMajeure).id).await?;
            let state = order.context("the order of the struck day is not at the gateway")?.state;
            if state == OrderState::CancelledForceMajeure {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "the order of the struck day stands as {state:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn decide(&mut self, driver: &mut Driver) -> anyhow::Result<()> {
        self.each(driver, &[Case::DisputeWithdrawn], true, &OrderAction::WithdrawDispute).await?;
        let (year, order) = (driver.book.year, self.of(Case::DisputeSplit).id);
        decide::two_persons(driver, vec![Measure::Resolve { year, order, split: SPLIT.to_vec() }]).await?;
        let score = Score::new(5).expect("five is the best score");
        let rate = |case| {
            let (order, facts) = (self.of(case).id, Facts::of(&[Fact::TookPlace, Fact::AsDescribed]));
            Wish { signer: self.coordinator.clone(), operation: Operation::Rate { year, order, score, facts } }
        };
        let ratings = [Case::Outage, Case::KeysLost, Case::Succeeded].map(rate).into();
        driver.all(ratings, &|_| {}).await?;
        self.outcome.happened.push("two disputes: one withdrawn, one decided by two institutions, line by line");
        Ok(())
    }

    /// These services leave the catalogue: nobody else's registry knows them.
    async fn withdraw(&mut self, driver: &mut Driver) -> anyhow::Result<()> {
        let services = self.providers.iter().flat_map(|provider| [provider.service, provider.lesson]);
        let gone = services.map(|service| CatalogueOperation::Withdraw { service });
        let wishes = gone.map(|one| by_operator(driver, Operation::Catalogue(one))).collect();
        driver.all(wishes, &|_| {}).await?;
        Ok(())
    }
}
