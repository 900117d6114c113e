//! Who is who on the demo's ledger: what the operator's registry will keep.
//!
//! Maps codes of the files to random wallet ids and keys, in memory. No name and no register code goes any further.

use std::collections::BTreeMap;

use keis_ledger::classifiers::Year;
use keis_ledger::crypto::SecretKey;
use keis_ledger::ids::{EntityId, OrderId, ProviderId, PupilId, SchoolId, ServiceId, SessionId, StatementId};
use keis_ledger::operation::{Operation, OrderAction};
use keis_wallet::random::{new_id, new_key};

use crate::programme::{
    LegalCode, OrderCode, PlaceCode, Programme, ProviderCode, RegisterCode, ServiceCode, SessionCode, StatementCode,
};

/// Wallet and keys of a school.
pub(super) struct SchoolWallet {
    pub(super) id: SchoolId,
    pub(super) entity: EntityId,
    pub(super) place: PlaceCode,
    pub(super) teacher: SecretKey,
    pub(super) coordinator: SecretKey,
}

/// Wallet and key of a provider.
pub(super) struct ProviderWallet {
    pub(super) id: ProviderId,
    pub(super) entity: EntityId,
    pub(super) staff: SecretKey,
}

/// An order as its parties know it: whose line is which.
#[derive(Default)]
pub(super) struct OrderLines {
    pub(super) id: Option<OrderId>,
    /// The pupil of each line, in the ledger's order.
    pub(super) pupils: Vec<RegisterCode>,
    /// Pupils of a proposed change that waits.
    pub(super) to_add: Vec<RegisterCode>,
}

/// The whole mapping.
pub(super) struct Book {
    pub(super) year: Year,
    pub(super) schools: BTreeMap<LegalCode, SchoolWallet>,
    pub(super) providers: BTreeMap<ProviderCode, ProviderWallet>,
    pub(super) services: BTreeMap<ServiceCode, ServiceId>,
    pub(super) sessions: BTreeMap<SessionCode, SessionId>,
    pub(super) statements: BTreeMap<StatementCode, StatementId>,
    pub(super) pupils: BTreeMap<RegisterCode, PupilId>,
    pub(super) orders: BTreeMap<OrderCode, OrderLines>,
    pub(super) prices: BTreeMap<SessionCode, u32>,
}

impl Book {
    /// Draws a wallet id for everybody in the files.
    pub(super) fn new(programme: &Programme) -> Self {
        let mut entities: BTreeMap<String, EntityId> = BTreeMap::new();
        let mut entity = |code: String| *entities.entry(code).or_insert_with(|| new_id(EntityId));
        let schools = programme
            .schools
            .iter()
            .map(|school| {
                let wallet = SchoolWallet {
                    id: new_id(SchoolId),
                    entity: entity(school.school_code.to_string()),
                    place: school.place,
                    teacher: new_key(),
                    coordinator: new_key(),
                };
                (school.school_code, wallet)
            })
            .collect();
        let providers = programme
            .providers
            .iter()
            .map(|provider| {
                let controller =
                    provider.controlling_code.map_or(provider.provider_code.to_string(), |code| code.to_string());
                let wallet = ProviderWallet { id: new_id(ProviderId), entity: entity(controller), staff: new_key() };
                (provider.provider_code, wallet)
            })
            .collect();
        let prices: BTreeMap<ServiceCode, u32> =
            programme.services.iter().map(|service| (service.service_code, service.price_cents)).collect();
        Self {
            year: Year(u16::try_from(programme.parameters.year).expect("the loader has checked the year")),
            schools,
            providers,
            services: programme.services.iter().map(|service| (service.service_code, new_id(ServiceId))).collect(),
            sessions: programme.sessions.iter().map(|session| (session.session_code, new_id(SessionId))).collect(),
            statements: BTreeMap::new(),
            pupils: programme.pupils.iter().map(|pupil| (pupil.register_code, new_id(PupilId))).collect(),
            orders: BTreeMap::new(),
            prices: programme
                .sessions
                .iter()
                .map(|session| (session.session_code, prices[&session.service_code]))
                .collect(),
        }
    }

    /// The wallet of a pupil; drawn at the first mention, for arrivals.
    pub(super) fn pupil(&mut self, code: RegisterCode) -> PupilId {
        *self.pupils.entry(code).or_insert_with(|| new_id(PupilId))
    }

    /// Pupils in the order of their wallets' ids, as the ledger wants lists.
    pub(super) fn sorted(&mut self, codes: &[RegisterCode]) -> (Vec<RegisterCode>, Vec<PupilId>) {
        let mut pairs: Vec<(PupilId, RegisterCode)> = codes.iter().map(|code| (self.pupil(*code), *code)).collect();
        pairs.sort_unstable();
        (pairs.iter().map(|pair| pair.1).collect(), pairs.iter().map(|pair| pair.0).collect())
    }

    /// The ledger's id of an order; drawn at the first mention.
    pub(super) fn order(&mut self, code: OrderCode) -> OrderId {
        *self.orders.entry(code).or_default().id.get_or_insert_with(|| new_id(OrderId))
    }

    /// An action on an order, as an operation.
    pub(super) fn act(&mut self, order: OrderCode, action: OrderAction) -> Operation {
        Operation::Order { year: self.year, order: self.order(order), action }
    }

    /// The ledger's id of a statement; drawn at the first mention.
    pub(super) fn statement(&mut self, code: StatementCode) -> StatementId {
        *self.statements.entry(code).or_insert_with(|| new_id(StatementId))
    }

    /// Indices of pupils' lines, ascending. A pupil has at most one line that stands; an earlier one was swapped away.
    pub(super) fn lines(&self, order: OrderCode, codes: &[RegisterCode]) -> Vec<u16> {
        let empty = OrderLines::default();
        let pupils = &self.orders.get(&order).unwrap_or(&empty).pupils;
        let place = |code: &RegisterCode| pupils.iter().rposition(|pupil| pupil == code);
        let mut lines: Vec<u16> = codes
            .iter()
            .map(|code| place(code).map_or(u16::MAX, |line| u16::try_from(line).unwrap_or(u16::MAX)))
            .collect();
        lines.sort_unstable();
        lines
    }

    /// The order's lines, to follow an action that the ledger took.
    pub(super) fn order_lines(&mut self, order: OrderCode) -> &mut OrderLines {
        self.orders.entry(order).or_default()
    }
}
