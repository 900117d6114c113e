//! Random operations of every kind, from a seed.

use keis_ledger::chain::{Height, Validator};
use keis_ledger::classifiers::{
    ArtField, Fact, Facts, Grades, Place, Scope, Scopes, Score, ServiceKind, VatCategory, Year,
};
use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::*;
use keis_ledger::money::{BasisPoints, Cents};
use keis_ledger::operation::*;
use keis_ledger::parameters::{ArrivalAmount, NetworkLimits, ProgrammeParameters};
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
        match self.below(5) {
            0 => FundsOperation::OpenYear {
                year,
                parameters: self.parameters(),
                budget: self.cents(),
                reserve: self.cents(),
            },
            1 => FundsOperation::Allocate { year, pupils: self.pupils() },
            2 => FundsOperation::RecordSchoolMoney { year, school: SchoolId(self.bytes()), amount: self.cents() },
            3 => FundsOperation::EndYear { year },
            _ => FundsOperation::SealYear { year },
        }
    }

    fn wallet(&mut self) -> WalletOperation {
        match self.below(11) {
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
            8 => WalletOperation::Close { party: self.party() },
            9 => WalletOperation::RevokeAllKeys { party: self.party() },
            _ => WalletOperation::MovePupils {
                year: self.year(),
                moves: self.list(4, |source| PupilMove {
                    pupil: PupilId(source.bytes()),
                    school: SchoolId(source.bytes()),
                    grade: source.u8(),
                }),
                keep_lines: self.below(2) == 0,
            },
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
        match self.below(14) {
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
            11 => OrderAction::ConfirmAttendance { absent: self.lines(), added: self.pupils() },
            12 => OrderAction::Dispute,
            _ => OrderAction::WithdrawDispute,
        }
    }

    fn settlement(&mut self) -> SettlementOperation {
        let (year, statement) = (self.year(), StatementId(self.bytes()));
        let provider = ProviderId(self.bytes());
        let (amount, [one, other]) = (self.cents(), [self.commitment(), self.commitment()]);
        match self.below(13) {
            0 => SettlementOperation::Issue {
                year,
                statement,
                provider,
                buyer: self.buyer(),
                orders: self.list(20, |source| OrderId(source.bytes())),
            },
            1 => SettlementOperation::Accept { year, statement },
            2 => SettlementOperation::Contest { year, statement },
            3 => SettlementOperation::AttachInvoice { year, statement, invoice: one, number: other },
            4 => SettlementOperation::RejectInvoice { year, statement },
            5 => SettlementOperation::Approve { year, statement },
            6 => SettlementOperation::RecordPayment { year, statement, amount, reference: one },
            7 => SettlementOperation::SetOff { year, statement, amount },
            8 => SettlementOperation::Reconcile { year, statement, bank: one },
            9 => SettlementOperation::CreditNote {
                year,
                statement,
                order: OrderId(self.bytes()),
                lines: self.list(6, |source| (source.u16(), source.cents())),
                note: one,
            },
            10 => SettlementOperation::RecordRepayment { year, provider, buyer: self.buyer(), amount, reference: one },
            11 => SettlementOperation::ReconcileRepayment { year, reference: one, bank: other },
            _ => SettlementOperation::ReturnPayment { year, statement, reference: one },
        }
    }

    fn buyer(&mut self) -> Buyer {
        let school = Buyer::School(SchoolId(self.bytes()));
        self.of(&[Buyer::Programme, school])
    }

    fn commitment(&mut self) -> Commitment {
        Commitment(self.bytes())
    }

    fn key(&mut self) -> PublicKey {
        PublicKey(self.bytes())
    }

    fn institution(&mut self) -> InstitutionId {
        InstitutionId(self.bytes())
    }

    fn u32(&mut self) -> u32 {
        u32::from(self.u16()) << 16 | u32::from(self.u16())
    }

    fn owner(&mut self) -> Owner {
        let institution = self.institution();
        let party = self.party();
        self.of(&[
            Owner::Party(party),
            Owner::Operator(institution),
            Owner::BudgetHolder(institution),
            Owner::Auditor(institution),
            Owner::Governance(institution),
        ])
    }

    fn scope(&mut self) -> ClosureScope {
        let (place, provider, service) = (self.place(), ProviderId(self.bytes()), ServiceId(self.bytes()));
        self.of(&[
            ClosureScope::Everything,
            ClosureScope::Place(place),
            ClosureScope::Provider(provider),
            ClosureScope::Service(service),
        ])
    }

    /// What two thirds of the institutions decide.
    fn constitution(&mut self) -> Measure {
        match self.below(7) {
            0 => Measure::SetNetworkParameters {
                limits: NetworkLimits {
                    max_validity: Span(self.wide()),
                    step_budget: self.u32(),
                    max_block_bytes: self.u32(),
                    max_touched: self.u32(),
                    clock_bound: Span(self.wide()),
                },
            },
            1 => Measure::SetProgrammeParameters { year: self.year(), parameters: self.parameters() },
            2 => Measure::SetValidators {
                validators: self.list(5, |source| Validator {
                    institution: source.institution(),
                    key: source.key(),
                    power: source.wide(),
                }),
                admitted: self.list(2, |source| Admission {
                    institution: source.institution(),
                    keys: [source.key(), source.key()],
                }),
            },
            3 => Measure::AppointOfficer { key: self.key(), owner: self.owner(), from: self.at(), until: self.at() },
            4 => Measure::DismissOfficer { key: self.key() },
            5 => Measure::ReplaceGovernanceKeys { institution: self.institution(), keys: [self.key(), self.key()] },
            _ => Measure::SwitchProtocol { version: self.u32(), height: Height(self.wide()) },
        }
    }

    /// What officers of two institutions decide.
    fn remedy(&mut self) -> Measure {
        let (year, order) = (self.year(), OrderId(self.bytes()));
        match self.below(6) {
            0 => Measure::Resolve { year, order, split: self.list(8, Self::cents) },
            1 => Measure::Reverse { year, order, lines: self.lines() },
            2 => Measure::ForceMajeure { year, from: self.at(), until: self.at(), scope: self.scope() },
            3 => Measure::Extend { year, from: self.at(), until: self.at(), by: Span(self.wide()) },
            4 => Measure::Succeed { from: self.party(), to: self.party(), years: self.list(3, Self::year) },
            _ => Measure::ChangePaymentAccount { provider: ProviderId(self.bytes()), account: self.commitment() },
        }
    }

    fn governance(&mut self) -> GovernanceOperation {
        let decision = DecisionId(self.bytes());
        match self.below(6) {
            0 => GovernanceOperation::Approve { decision },
            1 => GovernanceOperation::Withdraw { decision },
            2 | 3 => GovernanceOperation::Propose { decision, measure: self.constitution(), until: self.at() },
            _ => GovernanceOperation::Propose { decision, measure: self.remedy(), until: self.at() },
        }
    }

    fn rating(&mut self) -> Operation {
        let score = Score::new(u8::try_from(1 + self.below(5)).unwrap()).unwrap();
        let facts: Vec<Fact> = Fact::ALL.into_iter().filter(|_| self.below(2) == 0).collect();
        Operation::Rate { year: self.year(), order: OrderId(self.bytes()), score, facts: Facts::of(&facts) }
    }

    pub fn operation(&mut self) -> Operation {
        match self.below(9) {
            0 => Operation::Funds(self.funds()),
            1 => Operation::Wallet(self.wallet()),
            2 => Operation::Catalogue(self.catalogue()),
            3 | 4 => Operation::Settlement(self.settlement()),
            5 => Operation::Governance(self.governance()),
            6 => self.rating(),
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
