//! What the catalogue holds, and the orders in which it is walked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use keis_ledger::classifiers::{Place, Year};
use keis_ledger::ids::{ProviderId, ServiceId, SessionId};
use keis_ledger::time::Timestamp;

use super::{Offer, SessionEntry, YearFigures};
use crate::words::{LANGS, Lang};

/// Place of each service among the titles of a language.
type Ranks = BTreeMap<ServiceId, [usize; LANGS.len()]>;

/// Services and sessions.
#[derive(Default)]
pub(super) struct Shelf {
    services: BTreeMap<ServiceId, Arc<Offer>>,
    sessions: BTreeMap<SessionId, Arc<SessionEntry>>,
    by_service: BTreeMap<(ServiceId, Year), BTreeSet<(Timestamp, SessionId)>>,
    by_start: BTreeSet<(Timestamp, SessionId)>,
    ranks: OnceLock<Ranks>,
}

impl Shelf {
    pub(super) fn service(&self, id: ServiceId) -> Option<Arc<Offer>> {
        self.services.get(&id).cloned()
    }

    pub(super) fn services(&self) -> impl Iterator<Item = &Arc<Offer>> {
        self.services.values()
    }

    pub(super) fn session(&self, id: SessionId) -> Option<Arc<SessionEntry>> {
        self.sessions.get(&id).cloned()
    }

    pub(super) fn active(&self) -> usize {
        self.services.values().filter(|offer| offer.is_active()).count()
    }

    /// Puts a service in its place, or a new version over the old one.
    pub(super) fn put_service(&mut self, offer: Offer) {
        let titles_stay = self.services.get(&offer.id).is_some_and(|old| old.title == offer.title);
        if !titles_stay {
            self.ranks = OnceLock::new();
        }
        self.services.insert(offer.id, Arc::new(offer));
    }

    /// Puts a session in its place, or what it is now over what it was.
    pub(super) fn put_session(&mut self, entry: SessionEntry) {
        if let Some(old) = self.sessions.insert(entry.id, Arc::new(entry)) {
            self.by_start.remove(&(old.start, old.id));
            if let Some(of) = self.by_service.get_mut(&(old.service, old.year)) {
                of.remove(&(old.start, old.id));
            }
        }
        self.by_start.insert((entry.start, entry.id));
        self.by_service.entry((entry.service, entry.year)).or_default().insert((entry.start, entry.id));
    }

    pub(super) fn sessions_of(&self, service: ServiceId, year: Year) -> Vec<Arc<SessionEntry>> {
        let ids = self.by_service.get(&(service, year)).into_iter().flatten();
        ids.filter_map(|(_, id)| self.session(*id)).collect()
    }

    /// Sessions of a service that have not begun, of all years, in the order of their beginning within a year.
    pub(super) fn ahead(&self, service: ServiceId, now: Timestamp) -> impl Iterator<Item = &Arc<SessionEntry>> {
        let years = self.by_service.range((service, Year(0))..=(service, Year(u16::MAX)));
        years
            .flat_map(move |(_, of)| of.range((now, SessionId([0; 16]))..))
            .filter_map(|(_, id)| self.sessions.get(id))
            .filter(move |session| now < session.start)
    }

    pub(super) fn upcoming(&self, now: Timestamp, most: usize) -> Vec<(Arc<SessionEntry>, Arc<Offer>)> {
        let mut seen = BTreeSet::new();
        self.by_start
            .range((now, SessionId([0; 16]))..)
            .filter_map(|(_, id)| self.sessions.get(id))
            .filter(|session| session.takes_orders(now))
            .filter_map(|session| Some((session.clone(), self.service(session.service)?)))
            .filter(|(_, offer)| offer.is_active() && seen.insert(offer.id))
            .take(most)
            .collect()
    }

    pub(super) fn services_of(&self, provider: ProviderId, lang: Lang) -> Vec<Arc<Offer>> {
        let mut own: Vec<Arc<Offer>> =
            self.services.values().filter(|offer| offer.provider == provider).cloned().collect();
        own.sort_by_key(|offer| self.rank(offer.id, lang));
        own
    }

    pub(super) fn places(&self) -> Vec<Place> {
        let active = self.services.values().filter(|offer| offer.is_active());
        let places: BTreeSet<Place> = active.flat_map(|offer| offer.terms.venues.iter().copied()).collect();
        places.into_iter().collect()
    }

    pub(super) fn year(&self, year: Year) -> YearFigures {
        let of_year = self.sessions.values().filter(|session| session.year == year);
        of_year.fold(YearFigures::default(), |sum, session| YearFigures {
            sessions: sum.sessions + 1,
            places: sum.places + u64::from(session.capacity),
            taken: sum.taken + u64::from(session.booked()),
        })
    }

    /// Services whose description no node could give.
    pub(super) fn undescribed(&self) -> Vec<ServiceId> {
        self.services.values().filter(|offer| !offer.described).map(|offer| offer.id).collect()
    }

    /// Place of a service among the titles of a language.
    pub(super) fn rank(&self, id: ServiceId, lang: Lang) -> usize {
        let place = LANGS.iter().position(|one| *one == lang).unwrap_or_default();
        self.ranks().get(&id).map_or(usize::MAX, |ranks| ranks[place])
    }

    fn ranks(&self) -> &Ranks {
        self.ranks.get_or_init(|| {
            let mut ranks: Ranks = self.services.keys().map(|id| (*id, [0; LANGS.len()])).collect();
            for (place, lang) in LANGS.into_iter().enumerate() {
                let mut sorted: Vec<&Arc<Offer>> = self.services.values().collect();
                sorted.sort_by(|one, other| lang.words().compare(one.title.of(lang), other.title.of(lang)));
                for (rank, offer) in sorted.into_iter().enumerate() {
                    ranks.entry(offer.id).or_default()[place] = rank;
                }
            }
            ranks
        })
    }
}
