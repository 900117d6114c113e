//! Loading the catalogue from the gateways and following what changes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::FutureExt;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{ProviderId, ServiceId, SessionId};
use keis_ledger::receipt::{Kind, Receipt, Topic};
use keis_ledger::record::YearState;
use keis_registry::Registry;
use keis_wallet::client::{Client, ClientError, Event, EventFilter, ServiceDetail};
use serde_json::Value;

use super::search::Folded;
use super::{Bilingual, Inner, Offer, SessionEntry};

/// Questions to the gateways at a time.
const AT_ONCE: usize = 16;
/// Services in one page of the gateway's list.
const PAGE: &str = "200";
/// Events that are looked at together, so that a service with many orders is asked about once.
const BATCH: usize = 1_000;
/// Before the first new attempt after a failure, and the longest pause between two.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// How often services whose description is missing are asked about again.
const RETRY: Duration = Duration::from_secs(30);
/// How often all sessions are asked about after lines were released of which no receipt says to what session they belonged.
const SWEEP: Duration = Duration::from_secs(300);

/// What ends a round of following.
#[derive(Debug, thiserror::Error)]
pub(super) enum FollowError {
    /// The gateways do not answer, or not in a form that this version knows.
    #[error("the gateways cannot be followed")]
    Gateway(#[from] ClientError),
    /// The registry cannot be read.
    #[error("names of providers cannot be read")]
    Registry(#[from] keis_registry::RegistryError),
    /// The stream of events ended.
    #[error("the stream of events ended")]
    Ended,
}

impl From<FollowError> for crate::trouble::Trouble {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::Gateway(error) => error.into(),
            FollowError::Registry(error) => error.into(),
            FollowError::Ended => Self::internal(error),
        }
    }
}

/// Loads everything and follows, for ever; after a failure from the beginning, with growing pauses.
pub(super) async fn run(inner: Arc<Inner>, client: Client, registry: Registry) {
    let mut pause = PAUSES.0;
    loop {
        let reader = Reader { inner: inner.clone(), client: client.clone(), registry: registry.clone() };
        let failed = match reader.load().await {
            Ok(events) => {
                pause = PAUSES.0;
                reader.follow(events).await
            }
            Err(failed) => failed,
        };
        tracing::warn!(error = &failed as &dyn std::error::Error, "the catalogue is loaded anew");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Asks for one service.
pub(super) async fn fetch_service(
    inner: &Arc<Inner>,
    client: &Client,
    registry: &Registry,
    id: ServiceId,
) -> Result<(), FollowError> {
    let reader = Reader { inner: inner.clone(), client: client.clone(), registry: registry.clone() };
    reader.service(id).await
}

/// Asks for one session.
pub(super) async fn fetch_session(
    inner: &Arc<Inner>,
    client: &Client,
    year: Year,
    id: SessionId,
) -> Result<(), FollowError> {
    if let Some(found) = client.session(year, id).await? {
        let keis_wallet::client::SessionDetail { service, start, end, place, capacity, free, open, .. } = found;
        inner.write().put_session(SessionEntry { id, year, service, start, end, place, capacity, free, open });
    }
    Ok(())
}

type Events = BoxStream<'static, Result<Event, ClientError>>;

struct Reader {
    inner: Arc<Inner>,
    client: Client,
    registry: Registry,
}

/// What the gateways are asked.
enum Question {
    /// A service with its description.
    Service(ServiceId),
    /// The sessions of a service in a year.
    Sessions(ServiceId, Year),
}

/// What a batch of events changed.
#[derive(Default)]
struct Changed {
    services: BTreeSet<ServiceId>,
    sessions: BTreeSet<(ServiceId, Year)>,
    /// Places became free in sessions that no receipt names.
    unnamed: bool,
}

impl Reader {
    /// Loads all services that may be ordered and their sessions; answers what happens from then on.
    async fn load(&self) -> Result<Events, FollowError> {
        // What takes effect while everything is read is told again by the stream.
        let height = self.client.status().await?.height;
        let years = self.years().await?;
        let services = self.services().await?;
        let mut questions: Vec<Question> = services.iter().map(|id| Question::Service(*id)).collect();
        questions.extend(sessions_of(&services, &years));
        self.ask(questions).await?;
        self.inner.ready.store(true, Ordering::Release);
        self.inner.tell();
        tracing::info!(services = services.len(), height = height.0, "the catalogue is loaded");
        Ok(self.client.events(Some((height, u32::MAX)), EventFilter::default()))
    }

    /// The years in which people order, or the latest; sessions of others are asked for one by one when somebody needs them.
    async fn years(&self) -> Result<Vec<Year>, FollowError> {
        let all = self.client.parameters().await?.years;
        let open: Vec<Year> = all.iter().filter(|year| year.state == YearState::Open).map(|year| year.year).collect();
        Ok(if open.is_empty() { all.last().map(|year| year.year).into_iter().collect() } else { open })
    }

    async fn services(&self) -> Result<Vec<ServiceId>, FollowError> {
        let (mut all, mut cursor) = (Vec::new(), None::<ServiceId>);
        loop {
            let after = cursor.map(|id| id.to_string());
            let mut filters = vec![("limit", PAGE)];
            filters.extend(after.as_deref().map(|after| ("cursor", after)));
            let page = self.client.services(&filters).await?;
            all.extend(page.services.iter().map(|service| service.id));
            // A gateway that answers where it was asked to go on from would be asked for ever.
            match page.next {
                Some(next) if Some(next) > cursor => cursor = Some(next),
                _ => return Ok(all),
            }
        }
    }

    async fn follow(&self, mut events: Events) -> FollowError {
        let (mut retry, mut sweep) = (tokio::time::interval(RETRY), tokio::time::interval(SWEEP));
        let mut unnamed = false;
        loop {
            let outcome = tokio::select! {
                event = events.next() => match event {
                    Some(Ok(event)) => self.take(event, &mut events).await.map(|found| unnamed |= found),
                    Some(Err(error)) => Err(error.into()),
                    None => Err(FollowError::Ended),
                },
                _ = retry.tick() => self.describe().await,
                _ = sweep.tick(), if unnamed => {
                    unnamed = false;
                    self.all_sessions().await
                }
            };
            if let Err(failed) = outcome {
                return failed;
            }
        }
    }

    /// Takes an event and those that are there already; answers whether places became free in sessions that none names.
    async fn take(&self, first: Event, events: &mut Events) -> Result<bool, FollowError> {
        let mut changed = Changed::default();
        changed.note(&first.receipt);
        for _ in 1..BATCH {
            match events.next().now_or_never() {
                Some(Some(event)) => changed.note(&event?.receipt),
                Some(None) => return Err(FollowError::Ended),
                None => break,
            }
        }
        let Changed { services, sessions, unnamed } = changed;
        let services = services.into_iter().map(Question::Service);
        let sessions = sessions.into_iter().map(|(service, year)| Question::Sessions(service, year));
        self.ask(services.chain(sessions).collect()).await?;
        Ok(unnamed)
    }

    async fn all_sessions(&self) -> Result<(), FollowError> {
        let years = self.years().await?;
        let ids: Vec<ServiceId> = self.inner.read().services().map(|offer| offer.id).collect();
        self.ask(sessions_of(&ids, &years)).await
    }

    /// Asks again for descriptions that are missing.
    async fn describe(&self) -> Result<(), FollowError> {
        let missing = self.inner.read().undescribed();
        self.ask(missing.into_iter().map(Question::Service).collect()).await
    }

    async fn ask(&self, questions: Vec<Question>) -> Result<(), FollowError> {
        let answered = stream::iter(questions).map(|question| self.answer(question)).buffer_unordered(AT_ONCE);
        let outcome = answered.try_collect::<()>().await;
        self.inner.tell();
        outcome
    }

    async fn answer(&self, question: Question) -> Result<(), FollowError> {
        match question {
            Question::Service(id) => self.service(id).await,
            Question::Sessions(id, year) => self.sessions(id, year).await,
        }
    }

    async fn service(&self, id: ServiceId) -> Result<(), FollowError> {
        let Some(found) = self.client.service(id).await? else { return Ok(()) };
        let name = self.provider_name(found.service.provider).await?;
        self.inner.write().put_service(offer(found, name));
        Ok(())
    }

    async fn provider_name(&self, id: ProviderId) -> Result<String, FollowError> {
        let found = self.registry.provider(id).await?;
        Ok(found.map_or_else(|| id.to_string(), |provider| provider.name))
    }

    async fn sessions(&self, service: ServiceId, year: Year) -> Result<(), FollowError> {
        let Some(found) = self.client.sessions(service, year).await? else { return Ok(()) };
        let mut shelf = self.inner.write();
        for view in found.sessions {
            let keis_wallet::client::SessionView { id, start, end, place, capacity, free, open } = view;
            shelf.put_session(SessionEntry { id, year, service, start, end, place, capacity, free, open });
        }
        Ok(())
    }
}

/// Questions about the sessions of services in years.
fn sessions_of(services: &[ServiceId], years: &[Year]) -> Vec<Question> {
    let mut questions = Vec::with_capacity(services.len() * years.len());
    for year in years {
        questions.extend(services.iter().map(|service| Question::Sessions(*service, *year)));
    }
    questions
}

impl Changed {
    /// Notes what a receipt is about. All sessions of a service are read together: an order that moves names only the
    /// session that it moved to.
    fn note(&mut self, receipt: &Receipt) {
        let subject = &receipt.subject;
        match receipt.kind.topic() {
            Topic::Service => self.services.extend(subject.service),
            Topic::Session => self.sessions.extend(subject.service.zip(subject.year)),
            Topic::Order if !keeps_places(receipt.kind) => self.sessions.extend(subject.service.zip(subject.year)),
            Topic::Governance if receipt.kind == Kind::ForceMajeureContinued => {
                self.sessions.extend(subject.service.zip(subject.year));
            }
            Topic::Wallet if matches!(receipt.kind, Kind::PupilMoved | Kind::PupilsMoved | Kind::WalletClosed) => {
                self.unnamed |= !receipt.total.is_zero();
            }
            Topic::Year | Topic::Wallet | Topic::Order | Topic::Statement | Topic::Repayment | Topic::Governance => {}
        }
    }
}

/// What happens to an order without taking or giving places of its session.
fn keeps_places(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::OrderProposed
            | Kind::OrderConfirmed
            | Kind::ChangeProposed
            | Kind::ChangeDropped
            | Kind::LinesSwapped
            | Kind::DeliveryReported
            | Kind::AttendanceConfirmed
            | Kind::AttendanceAutomatic
            | Kind::OrderDisputed
            | Kind::DisputeWithdrawn
            | Kind::DisputeResolved
            | Kind::OrderReversed
            | Kind::DeadlinePostponed
            | Kind::RatedBySchool
            | Kind::RatedByPupil
    )
}

/// A service as people see it, from what a gateway answers.
fn offer(found: ServiceDetail, provider_name: String) -> Offer {
    let ServiceDetail { service, document } = found;
    let described = document.is_some();
    let text = |name| document.as_ref().map(|document| bilingual(&document[name])).unwrap_or_default();
    let (mut title, description) = (text("title"), text("description"));
    if title.of(crate::words::Lang::Lt).is_empty() {
        title.lt = service.id.to_string();
    }
    let folded = Folded::of(&title, &description, &provider_name, &service.terms);
    Offer {
        id: service.id,
        provider: service.provider,
        provider_name,
        version: service.version,
        standing: service.standing,
        terms: service.terms,
        title,
        description,
        described,
        folded,
    }
}

/// A text of a description: one for both languages, or one for each.
fn bilingual(value: &Value) -> Bilingual {
    let of = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    match value.as_str() {
        Some(one) => Bilingual { lt: one.to_owned(), en: one.to_owned() },
        None => Bilingual { lt: of("lt"), en: of("en") },
    }
}
