//! Shapes of the ledger's types in answers, for the OpenAPI document alone: the ledger knows no HTTP. A test compares them
//! with real answers.

#![allow(dead_code, reason = "read by the derive alone")]

mod settlement;
mod written;

use utoipa::ToSchema;

pub(super) use settlement::{Bill, PaymentAccount, Repayment, Statement};
pub(super) use written::{Body, Described, SignedTransaction, Wish};

/// What went wrong (RFC 9457). A rejection's fields stand beside these.
#[derive(ToSchema)]
pub(super) struct Problem {
    /// `urn:keis:problem:` and the code.
    #[schema(rename = "type")]
    kind: String,
    /// The kind of problem, in words.
    title: String,
    /// The answer's status.
    status: u16,
    /// This problem, in words.
    detail: String,
    /// Stable name of the problem, such as `funds_missing`.
    code: String,
    /// Beside Lithuanian words: what is particular to this request, in English.
    note: Option<String>,
}

/// The rule that a transaction breaks. Its fields stand beside the code.
#[derive(ToSchema)]
pub(super) struct Rejection {
    /// Stable name of the rule.
    code: String,
    /// The rule, in words.
    detail: String,
}

/// Head of a block.
#[derive(ToSchema)]
pub(super) struct Header {
    /// Version of the rules.
    protocol: u32,
    /// Hash of the genesis document.
    network: String,
    /// Number of the block.
    height: u64,
    /// The block before; zero for the first.
    #[schema(example = "blk_00ff…")]
    parent: String,
    /// Time of everything in the block.
    time: u64,
    /// Who built it.
    #[schema(example = "val_00ff…")]
    proposer: String,
    /// Root over the transactions' bytes.
    transactions_root: String,
    /// Root over the receipts' public parts.
    receipts_root: String,
    /// Root of the state after the block.
    state_root: String,
    /// Hash of the validators that decide this block.
    validators: String,
    /// Hash of the validators that decide the next one.
    next_validators: String,
}

/// Votes that decided a block.
#[derive(ToSchema)]
pub(super) struct Certificate {
    /// Height of the block.
    height: u64,
    /// Round in which it was decided.
    round: u32,
    /// The block.
    block: String,
    /// Pairs of a validator's address and its signature.
    signatures: Vec<Vec<String>>,
}

/// Way from a leaf to the root of a list.
#[derive(ToSchema)]
pub(super) struct ListProof {
    /// Place of the leaf, from 0.
    index: u64,
    /// Number of leaves.
    count: u64,
    /// Siblings from the leaf to the top.
    path: Vec<String>,
}

/// Way from a leaf to the root of the state.
#[derive(ToSchema)]
pub(super) struct TreeProof {
    /// Place and hash of the value of the leaf at which the search ends; null for an empty state.
    leaf: Option<Vec<String>>,
    /// Branches from the leaf up.
    path: Vec<TreeStep>,
}

/// A branch on the way.
#[derive(ToSchema)]
pub(super) struct TreeStep {
    /// The bit of the place that it distinguishes.
    bit: u16,
    /// Hash of the side that the way does not take.
    sibling: String,
}

/// A pupil's part of a receipt.
#[derive(ToSchema)]
pub(super) struct ReceiptLine {
    /// The pupil.
    #[schema(example = "pup_00ff…")]
    pupil: String,
    /// Money moved.
    moved: Amounts,
}

/// Cents by source.
#[derive(ToSchema)]
pub(super) struct Amounts {
    /// From the state.
    state: u64,
    /// From the school.
    school: u64,
}

/// The public part of a receipt.
#[derive(ToSchema)]
pub(super) struct Receipt {
    /// The transaction, or the clock step.
    id: String,
    /// Height of the block.
    height: u64,
    /// Place in the block.
    index: u32,
    /// Time of the block.
    time: u64,
    /// What took effect, such as `order_confirmed`.
    kind: String,
    /// What it is about.
    subject: Subject,
    /// Whether an officer signed on a party's behalf.
    on_behalf: bool,
    /// Money moved.
    total: Amounts,
    /// Number of lines, which only parties and auditors see.
    lines: u32,
    /// Root over the blinded lines.
    lines_root: String,
}

/// An event of the stream.
#[derive(ToSchema)]
pub(super) struct ReceiptEvent {
    /// Its place, `HEIGHT.INDEX`; signs of life have nothing else.
    #[schema(pattern = r"^[0-9]+\.[0-9]+$")]
    id: String,
    /// `receipt`.
    event: Option<String>,
    /// The public receipt as JSON.
    data: Option<String>,
}

/// What a receipt is about; absent where it does not apply.
#[derive(ToSchema)]
pub(super) struct Subject {
    /// The year.
    year: Option<u16>,
    /// The order.
    order: Option<String>,
    /// The order's state afterwards.
    order_state: Option<String>,
    /// The session.
    session: Option<String>,
    /// The service.
    service: Option<String>,
    /// The school.
    school: Option<String>,
    /// The provider.
    provider: Option<String>,
    /// The statement.
    statement: Option<String>,
    /// The decision of governance.
    decision: Option<String>,
}

/// Parameters of the network.
#[derive(ToSchema)]
pub(super) struct NetworkParameters {
    /// Version of the rules.
    protocol: u32,
    /// Longest validity of a transaction, milliseconds.
    max_validity: u64,
    /// Most due records worked off at the head of a block.
    step_budget: u32,
    /// Largest block, bytes.
    max_block_bytes: u32,
    /// Most records that a block may touch.
    max_touched: u32,
    /// How far a fresh proposal's time may lie ahead, milliseconds.
    clock_bound: u64,
}

/// One institution's vote.
#[derive(ToSchema)]
pub(super) struct Validator {
    /// Whose it is.
    institution: String,
    /// Its consensus key.
    key: String,
    /// Its weight.
    power: u64,
}

/// Parameters of a programme year. Lengths of time are milliseconds, shares are basis points.
#[derive(ToSchema)]
pub(super) struct ProgrammeParameters {
    /// Cents of each pupil for the year.
    amount_per_pupil: u64,
    /// Pupils whose wallets open later arrive during the year.
    register_until: u64,
    /// What those receive: `full`, `pro_rata` or `none`.
    arrivals: String,
    /// Services take place from this instant …
    window_from: u64,
    /// … until this one.
    window_until: u64,
    /// After this long an unanswered request lapses.
    hold_expiry: u64,
    /// Changes by agreement are free until this long before the start.
    free_change: u64,
    /// Cancelling is free until this long before the start.
    free_cancel: u64,
    /// Share due when a line is cancelled late.
    late_share: u16,
    /// Share due when its pupil is absent.
    absence_share: u16,
    /// Share of the order due at least when it is delivered.
    minimum_share: u16,
    /// Working days in which the orderer confirms attendance.
    attendance_days: u16,
    /// Shortest time between statements.
    settlement_period: u64,
    /// Grades whose pupils may order alone.
    own_key_grades: Grades,
    /// Working days of the year.
    calendar: Calendar,
}

/// Grades, both included.
#[derive(ToSchema)]
pub(super) struct Grades {
    /// Lowest.
    from: u8,
    /// Highest.
    until: u8,
}

/// Working days and local time.
#[derive(ToSchema)]
pub(super) struct Calendar {
    /// Public holidays, days since 1 January 1970.
    holidays: Vec<u32>,
    /// Offsets of local time.
    offsets: Vec<Offset>,
}

/// Offset of local time from an instant on.
#[derive(ToSchema)]
pub(super) struct Offset {
    /// From when.
    from: u64,
    /// Minutes east of UTC.
    minutes: u16,
}

/// Cents by class of accounts: minted = budget + reserve + pupils + schools + held + escrowed + providers + settlement −
/// receivable + paid + returned.
#[derive(ToSchema)]
pub(super) struct Totals {
    /// Ever brought in.
    minted: u64,
    /// Budget not yet allocated.
    budget: u64,
    /// Reserve not yet allocated.
    reserve: u64,
    /// With pupils.
    pupils: u64,
    /// With schools.
    schools: u64,
    /// Held for requested orders.
    held: u64,
    /// Escrowed for confirmed orders.
    escrowed: u64,
    /// Earned by providers.
    providers: u64,
    /// In statements.
    settlement: u64,
    /// Owed by providers after a reversal.
    receivable: u64,
    /// Paid out.
    paid: u64,
    /// Returned to where it came from.
    returned: u64,
}

/// What a version of a service offers.
#[derive(ToSchema)]
pub(super) struct ServiceTerms {
    /// Branch of the arts.
    field: String,
    /// Kind.
    kind: String,
    /// For which grades.
    grades: Grades,
    /// Cents a pupil.
    price: u64,
    /// Most pupils in one session.
    capacity: u16,
    /// How it is taxed.
    vat: String,
    /// Where it can be given.
    venues: Vec<String>,
    /// Sessions begin at the earliest at this instant …
    from: u64,
    /// … and end at the latest at this one.
    until: u64,
    /// Public description.
    document: String,
}

/// Time, place and size of a session.
#[derive(ToSchema)]
pub(super) struct SessionOffer {
    /// It begins.
    start: u64,
    /// It ends.
    end: u64,
    /// Where.
    place: String,
    /// Most pupils of all orders together.
    capacity: u16,
}

/// A pupil's place in an order.
#[derive(ToSchema)]
pub(super) struct Booking {
    /// The order.
    order: String,
    /// It begins.
    start: u64,
    /// It ends.
    end: u64,
}

/// An order as the ledger has it.
#[derive(ToSchema)]
pub(super) struct Order {
    /// The school, also of a pupil who orders alone.
    school: String,
    /// Who ordered, such as `{"school": "sch_00ff…"}`.
    #[schema(value_type = Object)]
    orderer: (),
    /// Who gives the service.
    provider: String,
    /// The service.
    service: String,
    /// Its version at request.
    version: u32,
    /// The session.
    session: String,
    /// The session begins.
    start: u64,
    /// The session ends.
    end: u64,
    /// Where the order stands.
    #[schema(example = "confirmed")]
    state: String,
    /// Price a pupil, in cents.
    price: u64,
    /// The rules, at request.
    rules: PinnedRules,
    /// Most of the school's own money, in cents.
    school_money: u64,
    /// When the next deadline falls.
    deadline: u64,
    /// Pupils and their money.
    lines: Vec<Line>,
    /// A change that waits for the other side.
    #[schema(value_type = Option<Object>)]
    change: (),
    /// The key that last signed for the orderer.
    orderer_key: String,
    /// The key that last signed for the provider.
    provider_key: Option<String>,
    /// Statement of the state's part.
    programme_statement: Option<String>,
    /// Statement of the school's part.
    school_statement: Option<String>,
    /// Seed of the blinds of its automatic receipts.
    blind: String,
}

/// The rules that an order keeps. Lengths of time are milliseconds, shares are basis points.
#[derive(ToSchema)]
pub(super) struct PinnedRules {
    /// Changes by agreement are free until this long before the start.
    free_change: u64,
    /// Cancelling is free until this long before the start.
    free_cancel: u64,
    /// Share due when a line is cancelled late.
    late_share: u16,
    /// Share due when its pupil is absent.
    absence_share: u16,
    /// Share of the order due at least when it is delivered.
    minimum_share: u16,
    /// Working days in which the orderer confirms attendance.
    attendance_days: u16,
}

/// One pupil's line in an order.
#[derive(ToSchema)]
pub(super) struct Line {
    /// The pupil.
    pupil: String,
    /// Where the line stands.
    #[schema(example = "booked")]
    state: String,
    /// Held since the request.
    held: Amounts,
    /// In escrow since confirmation.
    escrow: Amounts,
    /// Due to the provider.
    due: Amounts,
}

/// A session as the ledger has it.
#[derive(ToSchema)]
pub(super) struct Session {
    /// Of which service.
    service: String,
    /// When, where, for how many.
    offer: SessionOffer,
    /// Pupils of all orders in it.
    booked: u16,
    /// Whether orders may join.
    open: bool,
}

/// The last dispute on an order.
#[derive(ToSchema)]
pub(super) struct Dispute {
    /// Who raised it: `orderer` or `provider`.
    by: String,
    /// When.
    raised: u64,
    /// Where the order stood.
    was: String,
    /// `open`, `withdrawn` or `resolved`.
    state: String,
    /// Whether the other side raised one before this one.
    both: bool,
}
