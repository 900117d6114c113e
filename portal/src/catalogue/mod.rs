//! The catalogue in memory: services with their public descriptions and the sessions of the years in which people order.
//!
//! Owns what is shown and searched; follows the ledger's stream of events and asks again only for what changed. Knows no page.

mod follow;
pub mod names;
mod search;
mod shelf;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt, TryStreamExt};
use keis_ledger::classifiers::{Place, Year};
use keis_ledger::ids::{ProviderId, ServiceId, SessionId};
use keis_ledger::operation::ServiceTerms;
use keis_ledger::record::Standing;
use keis_ledger::time::Timestamp;
use keis_registry::Registry;
use keis_wallet::client::Client;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::trouble::Trouble;
use crate::words::Lang;

pub use search::{Filter, Found, Hit, PER_PAGE, Sort};
use shelf::Shelf;

/// Questions about missing sessions at a time.
const AT_ONCE: usize = 8;

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bilingual {
    /// In Lithuanian.
    pub lt: String,
    /// In English.
    pub en: String,
}

impl Bilingual {
    /// The text in a language, or in the other one when it is missing there.
    pub fn of(&self, lang: Lang) -> &str {
        let (wanted, other) = match lang {
            Lang::Lt => (&self.lt, &self.en),
            Lang::En => (&self.en, &self.lt),
        };
        if wanted.is_empty() { other } else { wanted }
    }
}

/// A service as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The service.
    pub id: ServiceId,
    /// Who gives it.
    pub provider: ProviderId,
    /// The provider's name.
    pub provider_name: String,
    /// Version, from 1.
    pub version: u32,
    /// Whether it may be ordered.
    pub standing: Standing,
    /// What it offers.
    pub terms: ServiceTerms,
    /// Its title; the service's id while no node that was asked holds the description.
    pub title: Bilingual,
    /// Its description; empty while no node that was asked holds it.
    pub description: Bilingual,
    /// Whether the description is here.
    pub described: bool,
    /// Folded text that a search looks through: title first.
    folded: search::Folded,
}

impl Offer {
    /// Whether it may be ordered at all.
    pub fn is_active(&self) -> bool {
        match self.standing {
            Standing::Active => true,
            Standing::Suspended | Standing::Closed => false,
        }
    }
}

/// A session as people see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionEntry {
    /// The session.
    pub id: SessionId,
    /// Its year.
    pub year: Year,
    /// Its service.
    pub service: ServiceId,
    /// It begins.
    pub start: Timestamp,
    /// It ends.
    pub end: Timestamp,
    /// Where.
    pub place: Place,
    /// Most pupils of all orders together.
    pub capacity: u16,
    /// Places left.
    pub free: u16,
    /// Whether orders may join.
    pub open: bool,
}

impl SessionEntry {
    /// Pupils of all orders in it.
    pub fn booked(&self) -> u16 {
        self.capacity.saturating_sub(self.free)
    }

    /// Whether an order could join it now.
    pub fn takes_orders(&self, now: Timestamp) -> bool {
        self.open && self.free > 0 && now < self.start
    }
}

/// What is offered in a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct YearFigures {
    /// Sessions.
    pub sessions: u64,
    /// Places in them.
    pub places: u64,
    /// Places that are taken.
    pub taken: u64,
}

/// The catalogue. Clones share it.
#[derive(Clone, Default)]
pub struct Catalogue {
    inner: Arc<Inner>,
    source: Arc<OnceLock<Source>>,
}

/// What is shown.
#[derive(Default)]
struct Inner {
    shelf: RwLock<Shelf>,
    ready: AtomicBool,
    /// How often the gateways' answers were taken in.
    changes: watch::Sender<u64>,
}

/// Where it comes from; the follower ends with the last clone.
struct Source {
    client: Client,
    registry: Registry,
    follower: AbortHandle,
}

impl Drop for Source {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

impl Inner {
    fn read(&self) -> RwLockReadGuard<'_, Shelf> {
        self.shelf.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells those who wait that something was taken in.
    fn tell(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }

    fn write(&self) -> RwLockWriteGuard<'_, Shelf> {
        self.shelf.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Catalogue {
    /// Begins to load the catalogue and to follow the ledger; answers at once. Needs a tokio runtime.
    pub fn start(client: Client, registry: Registry) -> Self {
        let catalogue = Self::default();
        catalogue.follow(client, registry);
        catalogue
    }

    /// The same for a catalogue that is empty and follows nothing yet; one that follows goes on as it does.
    pub fn follow(&self, client: Client, registry: Registry) {
        self.source.get_or_init(|| {
            let following = follow::run(self.inner.clone(), client.clone(), registry.clone());
            Source { follower: tokio::spawn(following).abort_handle(), client, registry }
        });
    }

    /// Whether everything was loaded once.
    pub fn ready(&self) -> bool {
        self.inner.ready.load(Ordering::Acquire)
    }

    /// Waits until something holds of the catalogue; it is looked at again whenever answers were taken in.
    pub async fn until(&self, holds: impl Fn(&Self) -> bool) {
        let mut changes = self.inner.changes.subscribe();
        while !holds(self) {
            changes.changed().await.expect("the sender is part of this catalogue");
        }
    }

    /// How many services may be ordered.
    pub fn size(&self) -> usize {
        self.inner.read().active()
    }

    /// A service; suspended and withdrawn ones only if somebody asked for them, see [`Catalogue::find_service`].
    pub fn service(&self, id: ServiceId) -> Option<Arc<Offer>> {
        self.inner.read().service(id)
    }

    /// A service in any standing, asked from the ledger when it is not at hand.
    ///
    /// # Errors
    /// [`Trouble::Ledger`] when no gateway answers.
    pub async fn find_service(&self, id: ServiceId) -> Result<Option<Arc<Offer>>, Trouble> {
        if let Some(offer) = self.service(id) {
            return Ok(Some(offer));
        }
        let Some(source) = self.source.get() else { return Ok(None) };
        follow::fetch_service(&self.inner, &source.client, &source.registry, id).await?;
        Ok(self.service(id))
    }

    /// A session.
    pub fn session(&self, id: SessionId) -> Option<Arc<SessionEntry>> {
        self.inner.read().session(id)
    }

    /// A session with its service, asked from the ledger when they are not at hand.
    ///
    /// # Errors
    /// [`Trouble::Ledger`] when no gateway answers.
    pub async fn find_session(
        &self,
        year: Year,
        id: SessionId,
    ) -> Result<Option<(Arc<SessionEntry>, Arc<Offer>)>, Trouble> {
        if let Some(source) = self.source.get()
            && self.session(id).is_none()
        {
            follow::fetch_session(&self.inner, &source.client, year, id).await?;
        }
        let Some(session) = self.session(id) else { return Ok(None) };
        Ok(self.find_service(session.service).await?.map(|offer| (session, offer)))
    }

    /// Sees to it that these sessions and their services are at hand, so that labels and tables can name them.
    ///
    /// # Errors
    /// [`Trouble::Ledger`] when no gateway answers.
    pub fn ensure(
        &self,
        year: Year,
        sessions: impl IntoIterator<Item = SessionId>,
    ) -> BoxFuture<'_, Result<(), Trouble>> {
        // The iterator ends here: a caller's closure is no part of the future.
        let missing: BTreeSet<SessionId> = {
            let shelf = self.inner.read();
            let at_hand = |id: &SessionId| shelf.session(*id).is_some_and(|one| shelf.service(one.service).is_some());
            sessions.into_iter().filter(|id| !at_hand(id)).collect()
        };
        async move {
            let asked = stream::iter(missing).map(|id| self.find_session(year, id)).buffer_unordered(AT_ONCE);
            asked.try_for_each(async |_| Ok(())).await
        }
        .boxed()
    }

    /// Sessions of a service in a year, in the order of their beginning.
    pub fn sessions_of(&self, service: ServiceId, year: Year) -> Vec<Arc<SessionEntry>> {
        self.inner.read().sessions_of(service, year)
    }

    /// The next sessions that an order could join, at most so many, in the order of their beginning; of each service the
    /// first alone.
    pub fn upcoming(&self, now: Timestamp, most: usize) -> Vec<(Arc<SessionEntry>, Arc<Offer>)> {
        self.inner.read().upcoming(now, most)
    }

    /// Services of a provider, by title.
    pub fn services_of(&self, provider: ProviderId, lang: Lang) -> Vec<Arc<Offer>> {
        self.inner.read().services_of(provider, lang)
    }

    /// Places at which active services are given.
    pub fn places(&self) -> Vec<Place> {
        self.inner.read().places()
    }

    /// What is offered in a year.
    pub fn year(&self, year: Year) -> YearFigures {
        self.inner.read().year(year)
    }

    /// A page of the services that a filter takes; pages count from 1.
    pub fn search(&self, filter: &Filter, lang: Lang, page: usize) -> Found {
        self.inner.read().search(filter, lang, page)
    }

    /// A session for people: "2028-02-10 10:00, title, place"; its id while it is not at hand.
    pub fn label(&self, id: SessionId, lang: Lang) -> String {
        let shelf = self.inner.read();
        let words = lang.words();
        let named = shelf.session(id).and_then(|session| Some((shelf.service(session.service)?, session)));
        named.map_or_else(
            || id.to_string(),
            |(offer, session)| {
                let (start, place) = (words.date_time(&session.start), names::place(words, session.place));
                format!("{start}, {}, {place}", offer.title.of(lang))
            },
        )
    }

    /// The title of a service; its id while it is not at hand.
    pub fn title(&self, id: ServiceId, lang: Lang) -> String {
        self.service(id).map_or_else(|| id.to_string(), |offer| offer.title.of(lang).to_owned())
    }
}
