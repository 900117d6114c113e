//! Who the pupils are and what is left for them: names from the registry, money and bookings from the ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use keis_ledger::classifiers::Year;
use keis_ledger::ids::PupilId;
use keis_ledger::money::Cents;
use keis_ledger::record::{Booking, Order};
use keis_ledger::time::Timestamp;
use keis_registry::people::PupilCard;
use keis_wallet::client::PupilWallet;

use super::Desk;
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// A class of the school.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ClassKey {
    /// Branch, 0 for the main school.
    pub(super) branch: u8,
    /// Name.
    pub(super) class: String,
}

impl std::fmt::Display for ClassKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.branch, self.class)
    }
}

impl std::str::FromStr for ClassKey {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (branch, class) = text.split_once(':').ok_or(())?;
        Ok(Self { branch: branch.parse().map_err(|_| ())?, class: class.to_owned() })
    }
}

impl ClassKey {
    pub(super) fn of(card: &PupilCard) -> Self {
        Self { branch: card.branch, class: card.class.clone() }
    }

    /// As people read it.
    pub(super) fn label(&self, w: &Words) -> String {
        match self.branch {
            0 => self.class.clone(),
            branch => w.with("school-class-of-branch", &[("class", &self.class), ("branch", &branch.to_string())]),
        }
    }

    /// The class's page.
    pub(super) fn href(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("branch", &self.branch.to_string()).append_pair("class", &self.class);
        format!("/school/class?{}", query.finish())
    }
}

/// A pupil with the wallet of a year.
#[derive(Clone)]
pub(super) struct Member {
    pub(super) card: PupilCard,
    pub(super) wallet: Option<PupilWallet>,
}

impl Member {
    pub(super) fn balance(&self) -> Cents {
        self.wallet.as_ref().map_or(Cents::ZERO, |wallet| wallet.balance)
    }

    pub(super) fn bookings(&self) -> &[Booking] {
        self.wallet.as_ref().map_or(&[], |wallet| &wallet.bookings)
    }

    /// The last place where the pupil was.
    pub(super) fn last(&self, now: Timestamp) -> Option<&Booking> {
        self.bookings().iter().filter(|booking| booking.end <= now).max_by_key(|booking| booking.start)
    }

    /// The next place where the pupil is expected.
    pub(super) fn next(&self, now: Timestamp) -> Option<&Booking> {
        self.bookings().iter().filter(|booking| booking.end > now).min_by_key(|booking| booking.start)
    }
}

/// "Kazlauskienė Ona, 5a": the same on forms and on the signing page.
pub(super) fn pupil_label(w: &Words, card: &PupilCard) -> String {
    format!("{} {}, {}", card.family_name, card.given_name, ClassKey::of(card).label(w))
}

/// Wallets of everybody enrolled.
pub(super) async fn wallets(site: &Arc<Site>, desk: &Desk) -> Result<BTreeMap<PupilId, PupilWallet>, Trouble> {
    let all = site.client.all_school_pupils(desk.school, desk.year).await?;
    Ok(all.into_iter().map(|wallet| (wallet.pupil, wallet)).collect())
}

fn join(cards: Vec<PupilCard>, wallets: &BTreeMap<PupilId, PupilWallet>) -> Vec<Member> {
    let wallet = |card: &PupilCard| card.wallet.and_then(|id| wallets.get(&id)).cloned();
    cards.into_iter().map(|card| Member { wallet: wallet(&card), card }).collect()
}

/// The pupils of a class, by name.
pub(super) async fn class(
    site: &Arc<Site>,
    desk: &Desk,
    wallets: &BTreeMap<PupilId, PupilWallet>,
    class: &ClassKey,
) -> Result<Vec<Member>, Trouble> {
    let actor = desk.acting.actor();
    let cards = site.registry.class(&actor, desk.school, class.branch, &class.class, desk.year).await?;
    Ok(join(cards, wallets))
}

/// Everybody enrolled, class by class, by name.
pub(super) async fn school(
    site: &Arc<Site>,
    desk: &Desk,
    wallets: &BTreeMap<PupilId, PupilWallet>,
) -> Result<Vec<(ClassKey, u8, Vec<Member>)>, Trouble> {
    let cards = site.registry.school_pupils(&desk.acting.actor(), desk.school, desk.year).await?;
    let mut classes: BTreeMap<(u8, u8, String), Vec<Member>> = BTreeMap::new();
    for member in join(cards, wallets) {
        let key = (member.card.branch, member.card.grade, member.card.class.clone());
        classes.entry(key).or_default().push(member);
    }
    let class = |((branch, grade, class), members)| (ClassKey { branch, class }, grade, members);
    Ok(classes.into_iter().map(class).collect())
}

/// Names of the pupils of orders, also of those who left; who was erased is named by the order's own numbering alone.
pub(super) struct Names(BTreeMap<PupilId, PupilCard>);

impl Names {
    pub(super) async fn of(site: &Arc<Site>, desk: &Desk, year: Year, pupils: &[PupilId]) -> Result<Self, Trouble> {
        let distinct: BTreeSet<PupilId> = pupils.iter().copied().collect();
        if distinct.is_empty() {
            return Ok(Self(BTreeMap::new()));
        }
        let distinct: Vec<PupilId> = distinct.into_iter().collect();
        let mut found = site.registry.pupils_by_wallet(&desk.acting.actor(), year, &distinct).await?;
        found.retain(|_, card| !card.family_name.is_empty() || !card.given_name.is_empty());
        Ok(Self(found))
    }

    pub(super) async fn of_order(site: &Arc<Site>, desk: &Desk, year: Year, order: &Order) -> Result<Self, Trouble> {
        let pupils: Vec<PupilId> = order.lines.iter().map(|line| line.pupil).collect();
        Self::of(site, desk, year, &pupils).await
    }

    pub(super) fn card(&self, pupil: &PupilId) -> Option<&PupilCard> {
        self.0.get(pupil)
    }

    pub(super) fn label(&self, w: &Words, pupil: &PupilId) -> String {
        self.card(pupil).map_or_else(|| w.text("school-pupil-unknown"), |card| pupil_label(w, card))
    }

    /// Indices of an order's lines in the order of classes and names.
    pub(super) fn in_order(&self, w: &Words, order: &Order) -> Vec<u16> {
        let mut all: Vec<(u16, String, String)> = (0..)
            .zip(&order.lines)
            .map(|(index, line)| match self.card(&line.pupil) {
                Some(card) => {
                    let class = format!("{:02}{:02}{}", card.branch, card.grade, card.class);
                    (index, class, format!("{} {}", card.family_name, card.given_name))
                }
                None => (index, "~".to_owned(), String::new()),
            })
            .collect();
        all.sort_by(|a, b| a.1.cmp(&b.1).then_with(|| w.compare(&a.2, &b.2)).then(a.0.cmp(&b.0)));
        all.into_iter().map(|(index, _, _)| index).collect()
    }

    /// Labels for the signing page: each pupil, and each line of the order.
    pub(super) fn labels(&self, w: &Words, id: keis_ledger::ids::OrderId, order: &Order) -> Vec<(String, String)> {
        let lines = (0..).zip(&order.lines);
        lines
            .flat_map(|(index, line): (u16, _)| {
                let label = self.label(w, &line.pupil);
                [(line.pupil.to_string(), label.clone()), (format!("{id}/{index}"), label)]
            })
            .collect()
    }
}
