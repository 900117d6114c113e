//! A registry with a provider, a ledger, time that tests move, and short names for what they do.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use keis_ledger::classifiers::{Place as Region, Year};
use keis_ledger::ids::{ProviderId, StatementId};
use keis_ledger::time::Timestamp;
use keis_registry::bodies::{NewProvider, ProviderKind};
use keis_registry::dispatch::{self, Carrier, Dispatch, DispatchState, NewDispatch, Pace, Pulse, Stepped};
use keis_registry::invoices::PaperKind;
use keis_registry::outbox;
use keis_registry::permission::Role;
use keis_registry::users::{Claims, RoleClaim};
use keis_registry::{Actor, Page, Registry};

use crate::book::{Book, file};
use crate::support::Place;

pub const SYSTEM: Actor = Actor::System("test");
pub const YEAR: Year = Year(2026);
pub const PROVIDER: &str = "300000017";
pub const NATURAL: &str = "1234567";

pub const PACE: Pace = Pace {
    in_flight: 3,
    first_wait: Duration::from_secs(1),
    longest_wait: Duration::from_secs(60),
    most_attempts: 1_000,
    lease: Duration::from_secs(30),
    look: Duration::from_millis(1),
};

/// A clock that stands still until it is moved; chance that always says the same.
pub struct Still(pub AtomicU64);

impl Still {
    pub fn new() -> Self {
        Self(AtomicU64::new(1_800_000_000_000))
    }

    pub fn pass(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Pulse for Still {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }

    fn jitter(&self, pause: Duration) -> Duration {
        pause
    }
}

pub struct Scene {
    pub registry: Registry,
    pub book: Book,
    pub clock: Still,
    pub provider: ProviderId,
    pub natural: ProviderId,
}

async fn put(registry: &Registry, kind: ProviderKind, code: &str, name: &str) -> ProviderId {
    let new = NewProvider {
        code: code.to_owned(),
        kind,
        name: name.to_owned(),
        place: Region::Municipality(57),
        vat_registered: false,
        controlling_code: None,
    };
    registry.put_provider(&SYSTEM, &new).await.unwrap().body.id
}

impl Scene {
    pub async fn new(place: &Place) -> Self {
        let registry = place.open().await;
        let provider = put(&registry, ProviderKind::Legal, PROVIDER, "Šviesos teatras").await;
        let natural = put(&registry, ProviderKind::Natural, NATURAL, "Ignas Naturalis").await;
        Self { registry, book: Book::new(), clock: Still::new(), provider, natural }
    }

    /// The invoice of the statement of a number.
    pub fn invoice(&self, number: u8) -> NewDispatch {
        let statement = StatementId([number; 16]);
        NewDispatch { kind: PaperKind::Invoice, year: YEAR, statement, provider: self.provider, file: file(number) }
    }

    /// Attaches it on the ledger and queues it.
    pub async fn queue(&self, number: u8, cents: u64) -> NewDispatch {
        let new = self.invoice(number);
        self.book.attach(new.statement, new.file, cents);
        self.enqueue(&[new]).await;
        new
    }

    pub async fn enqueue(&self, documents: &[NewDispatch]) -> u64 {
        let mut work = self.registry.begin().await.unwrap();
        let queued = dispatch::enqueue(&mut work, &SYSTEM, documents).await.unwrap();
        work.commit().await.unwrap();
        queued
    }

    pub async fn step(&self, carrier: &dyn Carrier) -> Stepped {
        dispatch::step(&self.registry, carrier, &self.book, &PACE, &self.clock).await.unwrap()
    }

    /// The ledger is told what waits for it.
    pub async fn tell(&self) {
        let pace = outbox::Pace { first_wait: Duration::ZERO, longest_wait: Duration::ZERO, ..outbox::Pace::default() };
        outbox::work_off(&self.registry, &self.book, pace).await.unwrap();
    }

    /// Rounds until answers have had all their effects.
    pub async fn rounds(&self, carrier: &dyn Carrier, count: u32) {
        for _ in 0..count {
            self.step(carrier).await;
            self.tell().await;
            self.clock.pass(Duration::from_secs(61));
        }
    }

    pub async fn state(&self, new: &NewDispatch) -> DispatchState {
        self.get(new).await.state
    }

    pub async fn get(&self, new: &NewDispatch) -> Dispatch {
        self.registry.dispatch(&SYSTEM, new.message()).await.unwrap().unwrap()
    }

    /// Why answers stand aside, in their order.
    pub async fn aside(&self) -> Vec<String> {
        let page = Page::first(Page::MOST);
        let listed = self.registry.answers_aside(&SYSTEM, &page).await.unwrap();
        listed.items.into_iter().map(|(row, _)| row.why.unwrap_or_default()).collect()
    }

    pub async fn user(&self, subject: &str, role: Role, body: Option<&str>) -> Actor {
        let claims = Claims {
            issuer: "https://directory.example".to_owned(),
            subject: subject.to_owned(),
            name: "Kas Nors".to_owned(),
            email: None,
            roles: vec![RoleClaim { role, body: body.map(str::to_owned) }],
        };
        Actor::User(self.registry.sign_in(&claims).await.unwrap().user.id)
    }
}

/// A future that is dropped after it was asked so often: a kill between two awaits.
pub struct Cut<F> {
    inner: Pin<Box<F>>,
    left: u64,
}

impl<F: Future> Future for Cut<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        self.inner.as_mut().poll(context).map(Some)
    }
}

/// Runs a future that is dropped before it is asked for the `polls + 1`st time; none when that happened.
pub async fn cut<F: Future>(future: F, polls: u64) -> Option<F::Output> {
    pin!(Cut { inner: Box::pin(future), left: polls }).await
}
