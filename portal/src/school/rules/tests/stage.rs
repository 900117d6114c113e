//! A small ledger: one school with its pupils, one provider, one service with two sessions. Its rules are the real ones.

use keis_ledger::chain::ValidatorSet;
use keis_ledger::classifiers::{ArtField, Grades, Place, Scopes, ServiceKind, VatCategory, Year};
use keis_ledger::crypto::{Hash, SecretKey};
use keis_ledger::ids::{DocumentId, EntityId, OrderId, ProviderId, PupilId, SchoolId, ServiceId, SessionId};
use keis_ledger::money::{BasisPoints, Cents};
use keis_ledger::operation::{Operation, OrderAction, Owner, Party, ServiceTerms, SessionOffer};
use keis_ledger::parameters::{ArrivalAmount, NetworkParameters, ProgrammeParameters};
use keis_ledger::record::{
    Entity, Key, Network, Order, Provider, Pupil, School, SchoolPurse, Service, Session, Standing, Totals, YearRecord,
    YearState,
};
use keis_ledger::rejection::Rejection;
use keis_ledger::state::{Draft, State};
use keis_ledger::time::{Calendar, Offset, Span, Timestamp};
use keis_ledger::transaction::Body;
use keis_wallet::client::PupilWallet;

pub(super) const YEAR: Year = Year(2026);
pub(super) const SCHOOL: SchoolId = SchoolId([1; 16]);
pub(super) const OTHER_SCHOOL: SchoolId = SchoolId([2; 16]);
pub(super) const ORDER: OrderId = OrderId([7; 16]);
pub(super) const GRADES: Grades = Grades { from: 5, until: 8 };
const PROVIDER: ProviderId = ProviderId([3; 16]);
const SERVICE: ServiceId = ServiceId([4; 16]);
const NETWORK: Hash = Hash([9; 32]);

/// Who signs.
#[derive(Debug, Clone, Copy)]
pub(super) enum By {
    School,
    Provider,
}

#[derive(Clone)]
pub(super) struct Stage {
    state: State,
    pub(super) parameters: ProgrammeParameters,
    salt: u64,
}

pub(super) fn pupil(number: u8) -> PupilId {
    PupilId([number; 16])
}

pub(super) fn session(number: u8) -> SessionId {
    SessionId([number; 16])
}

/// An hour of a day of 2026, counted from its first.
pub(super) fn at(day: u64, hour: u64) -> Timestamp {
    Timestamp(1_767_225_600_000 + (day * 24 + hour) * 3_600_000)
}

pub(super) fn offer(number: u8) -> SessionOffer {
    let start = at(60 + u64::from(number), 8);
    SessionOffer { start, end: start.after(Span(2 * 3_600_000)), place: Place::Municipality(57), capacity: 8 }
}

fn secret(by: By) -> SecretKey {
    SecretKey::from_bytes(match by {
        By::School => &[10; 32],
        By::Provider => &[20; 32],
    })
}

fn parameters(shares: [u16; 3]) -> ProgrammeParameters {
    let [late, absence, minimum] = shares.map(|share| BasisPoints::new(share).expect("a share"));
    ProgrammeParameters {
        amount_per_pupil: Cents::new(1_400),
        register_until: at(1, 0),
        arrivals: ArrivalAmount::Full,
        window_from: at(0, 0),
        window_until: at(353, 0),
        hold_expiry: Span::days(70),
        free_change: Span::days(2),
        free_cancel: Span::days(4),
        late_share: late,
        absence_share: absence,
        minimum_share: minimum,
        attendance_days: 5,
        settlement_period: Span::days(14),
        own_key_grades: Grades { from: 9, until: 12 },
        calendar: Calendar { holidays: vec![], offsets: vec![Offset { from: Timestamp(0), minutes: 120 }] },
    }
}

fn terms(price: Cents) -> ServiceTerms {
    ServiceTerms {
        field: ArtField::Theatre,
        kind: ServiceKind::Workshop,
        grades: GRADES,
        price,
        capacity: 8,
        vat: VatCategory::ExemptCulture,
        venues: vec![Place::Municipality(57)],
        from: at(0, 0),
        until: at(353, 0),
        document: DocumentId([9; 32]),
    }
}

impl Stage {
    /// Pupils 1, 2, … with these balances, all of grade 6 at the school; sessions 1 and 2.
    pub(super) fn new(price: u64, balances: &[u64], purse: u64, shares: [u16; 3]) -> Self {
        let parameters = parameters(shares);
        let mut records = Vec::new();
        let mut put = |(key, record)| records.push((key, record));
        let network = NetworkParameters {
            protocol: 1,
            max_validity: Span::days(1),
            step_budget: 64,
            max_block_bytes: 1_000_000,
            max_touched: 10_000,
            clock_bound: Span(10_000),
        };
        let validators = ValidatorSet::new(vec![]).expect("nobody holds too much");
        put(record((), Network { parameters: network, validators }));
        for (by, party) in [(By::School, Party::School(SCHOOL)), (By::Provider, Party::Provider(PROVIDER))] {
            let (from, until) = (Timestamp(0), Timestamp::LATEST);
            let cap = Cents::new(u64::MAX);
            let key = Key { owner: Owner::Party(party), scopes: Scopes::all(), cap, from, until };
            put(record(secret(by).public(), key));
        }
        let standing = Standing::Active;
        let place = Place::Municipality(57);
        put(record(SCHOOL, School { entity: EntityId([1; 16]), place, standing }));
        put(record(PROVIDER, Provider { entity: EntityId([2; 16]), standing }));
        put(record(SERVICE, Service { provider: PROVIDER, version: 1, terms: terms(Cents::new(price)), standing }));
        for number in [1, 2] {
            let session_of = Session { service: SERVICE, offer: offer(number), booked: 0, open: true };
            put(record((YEAR, session(number)), session_of));
        }
        let mut state_money = Totals::default();
        let sum: u64 = balances.iter().sum();
        (state_money.minted, state_money.pupils) = (Cents::new(sum), Cents::new(sum));
        let school_money = Totals { minted: Cents::new(purse), schools: Cents::new(purse), ..Totals::default() };
        let year = YearRecord { state: YearState::Open, parameters: parameters.clone(), state_money, school_money };
        put(record(YEAR, year));
        put(record((YEAR, SCHOOL), SchoolPurse { school: SCHOOL, balance: Cents::new(purse) }));
        for (number, balance) in (1..).zip(balances) {
            put(record((YEAR, pupil(number)), new_pupil(number, *balance)));
        }
        records.sort_by_key(|(place, _)| *place);
        let state = State::from_records(records).expect("the places were sorted");
        Self { state, parameters, salt: 0 }
    }

    /// Whether the ledger would take it.
    pub(super) fn would(&mut self, by: By, now: Timestamp, action: OrderAction) -> Result<(), Rejection> {
        let before = self.state.clone();
        let outcome = self.act(by, now, action);
        self.state = before;
        outcome
    }

    pub(super) fn act(&mut self, by: By, now: Timestamp, action: OrderAction) -> Result<(), Rejection> {
        self.salt += 1;
        let operation = Operation::Order { year: YEAR, order: ORDER, action };
        let signer = secret(by).public();
        let body = Body { signer, behalf: None, salt: self.salt, valid_until: now, operation };
        let signed = body.sign(&NETWORK, &secret(by)).verify(&NETWORK).expect("it was signed a line above");
        let mut draft = Draft::on(&self.state);
        let effect = keis_ledger::plan(&draft, now, &signed)?;
        draft.commit(effect.writes);
        self.state = draft.finish();
        Ok(())
    }

    pub(super) fn order(&self) -> Order {
        self.state.get::<Order>((YEAR, ORDER)).expect("the stage has an order").clone()
    }

    /// What the provider has earned by the order.
    pub(super) fn earned(&self) -> keis_ledger::money::Amounts {
        let order = self.order();
        let dues = order.lines.iter().map(|line| line.due);
        dues.into_iter().fold(Default::default(), |sum: keis_ledger::money::Amounts, due| {
            sum.checked_add(&due).expect("small sums")
        })
    }

    pub(super) fn purse(&self) -> Cents {
        self.state.get::<SchoolPurse>((YEAR, SCHOOL)).expect("the stage has a purse").balance
    }

    /// A wallet as gateways tell of it.
    pub(super) fn wallet(&self, number: u8) -> PupilWallet {
        let found = self.state.get::<Pupil>((YEAR, pupil(number))).expect("the stage has the pupil").clone();
        PupilWallet {
            pupil: found.pupil,
            school: found.school,
            grade: found.grade,
            standing: found.standing,
            allocated: found.allocated,
            balance: found.balance,
            bookings: found.bookings,
            nullifier: None,
        }
    }

    /// Changes a pupil's record behind the ledger's back.
    pub(super) fn edit(&mut self, number: u8, change: impl FnOnce(&mut Pupil)) {
        let draft = Draft::on(&self.state);
        let mut work = keis_ledger::state::Work::on(&draft);
        change(work.edit::<Pupil>((YEAR, pupil(number))).expect("the stage has the pupil"));
        let writes = work.silent();
        let mut draft = draft;
        draft.commit(writes);
        self.state = draft.finish();
    }
}

fn new_pupil(number: u8, balance: u64) -> Pupil {
    Pupil {
        pupil: pupil(number),
        school: SCHOOL,
        grade: 6,
        standing: Standing::Active,
        opened: at(0, 0),
        allocated: true,
        balance: Cents::new(balance),
        bookings: vec![],
    }
}

fn record<E: Entity>(key: E::Key, value: E) -> (keis_ledger::tree::TreeKey, keis_ledger::record::Record) {
    (E::key(key).place(), value.into_record())
}
