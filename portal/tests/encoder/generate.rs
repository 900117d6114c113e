//! Random operations of every kind, from a seed.

use keis_ledger::classifiers::{ArtField, Grades, Place, Scope, Scopes, ServiceKind, VatCategory, Year};
use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::*;
use keis_ledger::money::{BasisPoints, Cents};
use keis_ledger::operation::*;
use keis_ledger::parameters::{ArrivalAmount, ProgrammeParameters};
use keis_ledger::time::{Calendar, Day, Offset, Span, Timestamp};
use keis_ledger::transaction::Body;

/// A small source of numbers (xorshift), so that a seed repeats a run.
pub struct Source(pub u64);

impl Source {
    pub fn word(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.word() % bound
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.word().to_be_bytes()[0])
    }

    /// Small and huge numbers, bounds among them.
    fn wide(&mut self) -> u64 {
        match self.below(4) {
            0 => self.below(1000),
            1 => u64::MAX - self.below(3),
            2 => (1 << 53) + self.below(5),
            _ => self.word() >> self.below(64),
        }
    }

    fn u16(&mut self) -> u16 {
        self.wide().to_le_bytes()[..2].iter().rev().fold(0, |sum, byte| sum << 8 | u16::from(*byte))
    }

    fn u8(&mut self) -> u8 {
        self.word().to_be_bytes()[3]
    }

    fn list<T>(&mut self, most: u64, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| one(self)).collect()
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()].clone()
    }

    fn year(&mut self) -> Year {
        Year(self.u16())
    }

    fn cents(&mut self) -> Cents {
        Cents::new(self.wide())
    }

    fn at(&mut self) -> Timestamp {
        Timestamp(self.wide())
    }

    fn place(&mut self) -> Place {
        let letter = |source: &mut Self| b'A' + u8::try_from(source.below(26)).unwrap();
        let place = if self.below(2) == 0 {
            Place::Municipality(u8::try_from(1 + self.below(60)).unwrap())
        } else {
            Place::Country([letter(self), letter(self)])
        };
        if place.is_sound() { place } else { self.place() }
    }

    fn share(&mut self) -> BasisPoints {
        BasisPoints::new(u16::try_from(self.below(10_001)).unwrap()).unwrap()
    }

    fn grades(&mut self) -> Grades {
        Grades { from: self.u8(), until: self.u8() }
    }

    fn party(&mut self) -> Party {
        match self.below(3) {
            0 => Party::Pupil(self.year(), PupilId(self.bytes())),
            1 => Party::School(SchoolId(self.bytes())),
            _ => Party::Provider(ProviderId(self.bytes())),
        }
    }

    fn scopes(&mut self) -> Scopes {
        let all = [Scope::Propose, Scope::Order, Scope::Attendance, Scope::Settlement, Scope::Read];
        let some: Vec<Scope> = all.into_iter().filter(|_| self.below(2) == 0).collect();
        Scopes::of(&some)
    }

    fn parameters(&mut self) -> ProgrammeParameters {
        ProgrammeParameters {
            amount_per_pupil: self.cents(),
            register_until: self.at(),
            arrivals: self.of(&[ArrivalAmount::Full, ArrivalAmount::ProRata, ArrivalAmount::None]),
            window_from: self.at(),
            window_until: self.at(),
            hold_expiry: Span(self.wide()),
            free_change: Span(self.wide()),
            free_cancel: Span(self.wide()),
            late_share: self.share(),
            absence_share: self.share(),
            minimum_share: self.share(),
            attendance_days: self.u16(),
            settlement_period: Span(self.wide()),
            own_key_grades: self.grades(),
            calendar: Calendar {
                holidays: self.list(12, |source| Day(u32::from(source.u16()))),
                offsets: self.list(3, |source| Offset { from: source.at(), minutes: source.u16() }),
            },
        }
    }

    fn terms(&mut self) -> ServiceTerms {
        use ArtField::*;
        let fields = [
            Theatre,
            Music,
            Dance,
            Circus,
            VisualArts,
            Photography,
            Film,
            Literature,
            Architecture,
            Heritage,
            EthnicCulture,
            Interdisciplinary,
        ];
        let kinds = [
            ServiceKind::Performance,
            ServiceKind::Workshop,
            ServiceKind::Tour,
            ServiceKind::Lesson,
            ServiceKind::Programme,
        ];
        let vat = [
            VatCategory::Standard,
            VatCategory::Reduced,
            VatCategory::ExemptCulture,
            VatCategory::ExemptEducation,
            VatCategory::NotRegistered,
        ];
        ServiceTerms {
            field: self.of(&fields),
            kind: self.of(&kinds),
            grades: self.grades(),
            price: self.cents(),
            capacity: self.u16(),
            vat: self.of(&vat),
            venues: self.list(4, Self::place),
            from: self.at(),
            until: self.at(),
            document: DocumentId(self.bytes()),
        }
    }

    fn offer(&mut self) -> SessionOffer {
        SessionOffer { start: self.at(), end: self.at(), place: self.place(), capacity: self.u16() }
    }

    fn pupils(&mut self) -> Vec<PupilId> {
        self.list(30, |source| PupilId(source.bytes()))
    }

    fn lines(&mut self) -> Vec<u16> {
        self.list(10, Self::u16)
    }

    fn funds(&mut self) -> FundsOperation {
        let year = self.year();
        match self.below(4) {
            0 => FundsOperation::OpenYear {
                year,
                parameters: self.parameters(),
                budget: self.cents(),
                reserve: self.cents(),
            },
            1 => FundsOperation::Allocate { year, pupils: self.pupils() },
            2 => FundsOperation::RecordSchoolMoney { year, school: SchoolId(self.bytes()), amount: self.cents() },
            _ => FundsOperation::EndYear { year },
        }
    }

    fn wallet(&mut self) -> WalletOperation {
        match self.below(9) {
            0 => WalletOperation::OpenSchools {
                schools: self.list(3, |source| NewSchool {
                    school: SchoolId(source.bytes()),
                    entity: EntityId(source.bytes()),
                    place: source.place(),
                }),
            },
            1 => WalletOperation::OpenProviders {
                providers: self.list(3, |source| NewProvider {
                    provider: ProviderId(source.bytes()),
                    entity: EntityId(source.bytes()),
                }),
            },
            2 => WalletOperation::OpenPupils {
                year: self.year(),
                pupils: self.list(3, |source| NewPupil {
                    pupil: PupilId(source.bytes()),
                    nullifier: Nullifier(source.bytes()),
                    school: SchoolId(source.bytes()),
                    grade: source.u8(),
                }),
            },
            3 => WalletOperation::BindKeys {
                grants: self.list(3, |source| KeyGrant {
                    key: PublicKey(source.bytes()),
                    party: source.party(),
                    scopes: source.scopes(),
                    cap: source.cents(),
                    from: source.at(),
                    until: source.at(),
                }),
            },
            4 => WalletOperation::RevokeKey { key: PublicKey(self.bytes()) },
            5 => WalletOperation::MovePupil {
                year: self.year(),
                pupil: PupilId(self.bytes()),
                school: SchoolId(self.bytes()),
                grade: self.u8(),
                keep_lines: self.below(2) == 0,
            },
            6 => WalletOperation::Suspend { party: self.party() },
            7 => WalletOperation::Reinstate { party: self.party() },
            _ => WalletOperation::Close { party: self.party() },
        }
    }

    fn catalogue(&mut self) -> CatalogueOperation {
        let (year, service, session) = (self.year(), ServiceId(self.bytes()), SessionId(self.bytes()));
        match self.below(8) {
            0 => CatalogueOperation::Publish { service, provider: ProviderId(self.bytes()), terms: self.terms() },
            1 => CatalogueOperation::Amend { service, terms: self.terms() },
            2 => CatalogueOperation::Suspend { service },
            3 => CatalogueOperation::Reinstate { service },
            4 => CatalogueOperation::Withdraw { service },
            5 => CatalogueOperation::OpenSession { year, session, service, offer: self.offer() },
            6 => CatalogueOperation::AmendSession { year, session, offer: self.offer() },
            _ => CatalogueOperation::CloseSession { year, session },
        }
    }

    fn change(&mut self) -> Change {
        if self.below(2) == 0 {
            let session = if self.below(2) == 0 { Some(SessionId(self.bytes())) } else { None };
            Change::Booking { session, drop: self.lines(), add: self.pupils() }
        } else {
            Change::Attendance { absent: self.lines() }
        }
    }

    fn action(&mut self) -> OrderAction {
        let session = SessionId(self.bytes());
        match self.below(12) {
            0 => OrderAction::Propose { session, pupils: self.pupils() },
            1 => {
                OrderAction::Request { session, pupils: self.pupils(), price: self.cents(), school_money: self.cents() }
            }
            2 => OrderAction::Confirm,
            3 => OrderAction::Decline,
            4 => OrderAction::ProposeChange(self.change()),
            5 => OrderAction::AcceptChange,
            6 => OrderAction::DropChange,
            7 => OrderAction::Swap { lines: self.list(5, |source| (source.u16(), PupilId(source.bytes()))) },
            8 => OrderAction::DropLines { lines: self.lines() },
            9 => OrderAction::Cancel,
            10 => OrderAction::ReportDelivery { absent: self.lines() },
            _ => OrderAction::ConfirmAttendance { absent: self.lines(), added: self.pupils() },
        }
    }

    fn settlement(&mut self) -> SettlementOperation {
        let (year, statement) = (self.year(), StatementId(self.bytes()));
        let school = Buyer::School(SchoolId(self.bytes()));
        match self.below(3) {
            0 => SettlementOperation::Issue {
                year,
                statement,
                provider: ProviderId(self.bytes()),
                buyer: self.of(&[Buyer::Programme, school]),
                orders: self.list(20, |source| OrderId(source.bytes())),
            },
            1 => SettlementOperation::Accept { year, statement },
            _ => SettlementOperation::Contest { year, statement },
        }
    }

    pub fn operation(&mut self) -> Operation {
        match self.below(6) {
            0 => Operation::Funds(self.funds()),
            1 => Operation::Wallet(self.wallet()),
            2 => Operation::Catalogue(self.catalogue()),
            3 => Operation::Settlement(self.settlement()),
            _ => Operation::Order { year: self.year(), order: OrderId(self.bytes()), action: self.action() },
        }
    }

    pub fn body(&mut self) -> Body {
        let behalf = if self.below(4) == 0 { Some(self.party()) } else { None };
        Body {
            signer: PublicKey(self.bytes()),
            behalf,
            salt: self.wide(),
            valid_until: self.at(),
            operation: self.operation(),
        }
    }
}
