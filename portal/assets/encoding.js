// The ledger's one encoding (keis-ledger's README, Formats): what a browser signs is written and read back here.
//
// Integers are little endian of fixed width, variants u32 in the order of declaration, options one byte, lists a u64
// length and their items. Values have the form of the ledger's JSON: {variant: content} or "variant", ids as text.
// u64 is a BigInt.

export class EncodingError extends Error {}

const fail = (what) => {
  throw new EncodingError(what);
};

const DIGITS = /^([0-9a-f]{2})*$/;

export const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export const fromHex = (text) => {
  if (typeof text !== "string" || !DIGITS.test(text)) fail("no hexadecimal digits");
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
};

export const equal = (one, other) => one.length === other.length && one.every((byte, index) => byte === other[index]);

export const join = (...parts) => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

const take = (input, count) => {
  if (count > input.bytes.length - input.at) fail("the bytes end early");
  input.at += count;
  return input.bytes.subarray(input.at - count, input.at);
};

const put = (out, bytes) => {
  for (const byte of bytes) out.push(byte);
};

// Kinds of values. Each has write(out, value) and read(input).

const wide = (value, bits) => {
  const whole = typeof value === "bigint" || Number.isSafeInteger(value) ? BigInt(value) : -1n;
  if (whole < 0n || whole >> BigInt(bits)) fail(`no number of ${bits} bits`);
  return whole;
};

const readWide = (input, size) => take(input, size).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

const unsigned = (size) => ({
  write(out, value) {
    let rest = wide(value, 8 * size);
    for (let index = 0; index < size; index += 1, rest >>= 8n) out.push(Number(rest & 255n));
  },
  read: (input) => (size === 8 ? readWide(input, 8) : Number(readWide(input, size))),
});

const u8 = unsigned(1);
const u16 = unsigned(2);
const u32 = unsigned(4);
const u64 = unsigned(8);

const bool = {
  write: (out, value) => u8.write(out, typeof value === "boolean" ? Number(value) : fail("neither true nor false")),
  read: (input) => [false, true][u8.read(input)] ?? fail("neither true nor false"),
};

const bare = (length, prefix) => ({
  write(out, text) {
    if (typeof text !== "string" || !text.startsWith(prefix)) fail(`no id that begins with ${prefix}`);
    const bytes = fromHex(text.slice(prefix.length));
    if (bytes.length !== length) fail(`no id of ${length} bytes`);
    put(out, bytes);
  },
  read: (input) => prefix + toHex(take(input, length)),
});

const option = (inner) => ({
  write(out, value) {
    bool.write(out, value !== null);
    if (value !== null) inner.write(out, value);
  },
  read: (input) => (bool.read(input) ? inner.read(input) : null),
});

const list = (inner) => ({
  write(out, values) {
    if (!Array.isArray(values)) fail("no list");
    u64.write(out, values.length);
    for (const value of values) inner.write(out, value);
  },
  read(input) {
    const count = readWide(input, 8);
    // No item is shorter than a byte, so a length beyond the bytes is a lie and costs nothing.
    if (count > BigInt(input.bytes.length - input.at)) fail("the bytes end early");
    return Array.from({ length: Number(count) }, () => inner.read(input));
  },
});

const tuple = (...items) => ({
  write(out, values) {
    if (!Array.isArray(values) || values.length !== items.length) fail(`no group of ${items.length}`);
    items.forEach((item, index) => item.write(out, values[index]));
  },
  read: (input) => items.map((item) => item.read(input)),
});

const record = (fields) => ({
  write(out, value) {
    const names = Object.keys(fields);
    if (value === null || typeof value !== "object") fail("no record");
    if (Object.keys(value).length !== names.length) fail(`a record has the fields ${names.join(", ")}`);
    for (const name of names) fields[name].write(out, Object.hasOwn(value, name) ? value[name] : fail(`${name} is missing`));
  },
  read: (input) => Object.fromEntries(Object.entries(fields).map(([name, kind]) => [name, kind.read(input)])),
});

// A variant that holds nothing is `null` in the table and a bare name as a value.
const variants = (table) => {
  const names = Object.keys(table);
  return {
    write(out, value) {
      const [name, content, ...more] = typeof value === "string" ? [value, null] : Object.entries(value ?? {}).flat();
      const index = names.indexOf(name);
      if (index < 0 || more.length > 0 || (table[name] === null) !== (typeof value === "string")) fail("no known variant");
      u32.write(out, index);
      table[name]?.write(out, content);
    },
    read(input) {
      const name = names[u32.read(input)] ?? fail("an unknown variant");
      return table[name] === null ? name : { [name]: table[name].read(input) };
    },
  };
};

const names = (...all) => variants(Object.fromEntries(all.map((name) => [name, null])));

// A view of another kind: `show` turns what was read into the form that is used, `hide` back.
const shown = (inner, show, hide) => ({
  write: (out, value) => inner.write(out, hide(value)),
  read: (input) => show(inner.read(input)),
});

// The ledger's kinds, in its order (ids.rs, classifiers.rs, parameters.rs, operation.rs, transaction.rs).

const Key = bare(32, "key_");
const Institution = bare(16, "ins_");
const Pupil = bare(16, "pup_");
const School = bare(16, "sch_");
const Provider = bare(16, "prv_");
const EntityId = bare(16, "ent_");
const Service = bare(16, "srv_");
const Session = bare(16, "ses_");
const Order = bare(16, "ord_");
const Statement = bare(16, "stm_");
const Decision = bare(16, "dec_");
const Commitment = bare(32, "com_");
const Nullifier = bare(32, "nul_");
const DocumentId = bare(32, "doc_");
const Year = u16;
const Cents = u64;
const Time = u64;
const Line = u16;

const showPlace = ({ municipality, country }) => {
  if (municipality >= 1 && municipality <= 60) return `LT-${String(municipality).padStart(2, "0")}`;
  const letters = String.fromCharCode(...fromHex(country ?? ""));
  return /^[A-Z]{2}$/.test(letters) && letters !== "LT" ? letters : fail("a place that cannot be");
};
const hidePlace = (text) =>
  /^LT-\d\d$/.test(text) ? { municipality: Number(text.slice(3)) } : { country: toHex(new TextEncoder().encode(text)) };
const PlaceForm = variants({ municipality: u8, country: bare(2, "") });
const Place = shown(PlaceForm, showPlace, (text) => {
  const form = hidePlace(String(text));
  return showPlace(form) === text ? form : fail("a place that cannot be");
});

// A set of names from a list, one bit each.
const bits = (all) =>
  shown(
    u8,
    (set) => (set >> all.length ? fail("an unknown name in a set") : all.filter((_, index) => (set >> index) & 1)),
    (some) => some.reduce((set, one) => set | (1 << (all.indexOf(one) + 1 || fail("an unknown name in a set"))), 0) >> 1,
  );

export const SCOPES = ["propose", "order", "attendance", "settlement", "read"];
const Scopes = bits(SCOPES);
export const FACTS = ["took_place", "on_time", "as_described", "suited_to_age", "accessible"];
const Facts = bits(FACTS);
const score = (number) => (number >= 1 && number <= 5 ? number : fail("a score is 1 to 5"));
const Score = shown(u8, score, score);
const share = (points) => (points <= 10_000 ? points : fail("a share above the whole"));
const BasisPoints = shown(u16, share, share);

const Grades = record({ from: u8, until: u8 });
const Calendar = record({ holidays: list(u32), offsets: list(record({ from: Time, minutes: u16 })) });
const ProgrammeParameters = record({
  amount_per_pupil: Cents,
  register_until: Time,
  arrivals: names("full", "pro_rata", "none"),
  window_from: Time,
  window_until: Time,
  hold_expiry: u64,
  free_change: u64,
  free_cancel: u64,
  late_share: BasisPoints,
  absence_share: BasisPoints,
  minimum_share: BasisPoints,
  attendance_days: u16,
  settlement_period: u64,
  own_key_grades: Grades,
  calendar: Calendar,
});

const Party = variants({ pupil: tuple(Year, Pupil), school: School, provider: Provider });
const KeyGrant = record({ key: Key, party: Party, scopes: Scopes, cap: Cents, from: Time, until: Time });
const ServiceTerms = record({
  field: names(
    ..."theatre music dance circus visual_arts photography film literature architecture heritage".split(" "),
    ..."ethnic_culture interdisciplinary".split(" "),
  ),
  kind: names("performance", "workshop", "tour", "lesson", "programme"),
  grades: Grades,
  price: Cents,
  capacity: u16,
  vat: names("standard", "reduced", "exempt_culture", "exempt_education", "not_registered"),
  venues: list(Place),
  from: Time,
  until: Time,
  document: DocumentId,
});
const SessionOffer = record({ start: Time, end: Time, place: Place, capacity: u16 });

const Funds = variants({
  open_year: record({ year: Year, parameters: ProgrammeParameters, budget: Cents, reserve: Cents }),
  allocate: record({ year: Year, pupils: list(Pupil) }),
  record_school_money: record({ year: Year, school: School, amount: Cents }),
  end_year: record({ year: Year }),
  seal_year: record({ year: Year }),
});
const Wallet = variants({
  open_schools: record({ schools: list(record({ school: School, entity: EntityId, place: Place })) }),
  open_providers: record({ providers: list(record({ provider: Provider, entity: EntityId })) }),
  open_pupils: record({
    year: Year,
    pupils: list(record({ pupil: Pupil, nullifier: Nullifier, school: School, grade: u8 })),
  }),
  bind_keys: record({ grants: list(KeyGrant) }),
  revoke_key: record({ key: Key }),
  move_pupil: record({ year: Year, pupil: Pupil, school: School, grade: u8, keep_lines: bool }),
  suspend: record({ party: Party }),
  reinstate: record({ party: Party }),
  close: record({ party: Party }),
  revoke_all_keys: record({ party: Party }),
  move_pupils: record({
    year: Year,
    moves: list(record({ pupil: Pupil, school: School, grade: u8 })),
    keep_lines: bool,
  }),
});
const Catalogue = variants({
  publish: record({ service: Service, provider: Provider, terms: ServiceTerms }),
  amend: record({ service: Service, terms: ServiceTerms }),
  suspend: record({ service: Service }),
  reinstate: record({ service: Service }),
  withdraw: record({ service: Service }),
  open_session: record({ year: Year, session: Session, service: Service, offer: SessionOffer }),
  amend_session: record({ year: Year, session: Session, offer: SessionOffer }),
  close_session: record({ year: Year, session: Session }),
});
const Change = variants({
  booking: record({ session: option(Session), drop: list(Line), add: list(Pupil) }),
  attendance: record({ absent: list(Line) }),
});
const OrderAction = variants({
  propose: record({ session: Session, pupils: list(Pupil) }),
  request: record({ session: Session, pupils: list(Pupil), price: Cents, school_money: Cents }),
  confirm: null,
  decline: null,
  propose_change: Change,
  accept_change: null,
  drop_change: null,
  swap: record({ lines: list(tuple(Line, Pupil)) }),
  drop_lines: record({ lines: list(Line) }),
  cancel: null,
  report_delivery: record({ absent: list(Line) }),
  confirm_attendance: record({ absent: list(Line), added: list(Pupil) }),
  dispute: null,
  withdraw_dispute: null,
});
const Buyer = variants({ programme: null, school: School });
const OfStatement = { year: Year, statement: Statement };
const Settlement = variants({
  issue: record({ ...OfStatement, provider: Provider, buyer: Buyer, orders: list(Order) }),
  accept: record(OfStatement),
  contest: record(OfStatement),
  attach_invoice: record({ ...OfStatement, invoice: Commitment, number: Commitment }),
  reject_invoice: record(OfStatement),
  approve: record(OfStatement),
  record_payment: record({ ...OfStatement, amount: Cents, reference: Commitment }),
  set_off: record({ ...OfStatement, amount: Cents }),
  reconcile: record({ ...OfStatement, bank: Commitment }),
  credit_note: record({ ...OfStatement, order: Order, lines: list(tuple(Line, Cents)), note: Commitment }),
  record_repayment: record({ year: Year, provider: Provider, buyer: Buyer, amount: Cents, reference: Commitment }),
  reconcile_repayment: record({ year: Year, reference: Commitment, bank: Commitment }),
  return_payment: record({ ...OfStatement, reference: Commitment }),
});

const Owner = variants({
  party: Party,
  operator: Institution,
  budget_holder: Institution,
  auditor: Institution,
  governance: Institution,
});
const NetworkLimits = record({ max_validity: u64, step_budget: u32, max_block_bytes: u32, max_touched: u32, clock_bound: u64 });
const TwoKeys = tuple(Key, Key);
const Measure = variants({
  set_network_parameters: record({ limits: NetworkLimits }),
  set_programme_parameters: record({ year: Year, parameters: ProgrammeParameters }),
  set_validators: record({
    validators: list(record({ institution: Institution, key: Key, power: u64 })),
    admitted: list(record({ institution: Institution, keys: TwoKeys })),
  }),
  appoint_officer: record({ key: Key, owner: Owner, from: Time, until: Time }),
  dismiss_officer: record({ key: Key }),
  replace_governance_keys: record({ institution: Institution, keys: TwoKeys }),
  switch_protocol: record({ version: u32, height: u64 }),
  resolve: record({ year: Year, order: Order, split: list(Cents) }),
  reverse: record({ year: Year, order: Order, lines: list(Line) }),
  force_majeure: record({
    year: Year,
    from: Time,
    until: Time,
    scope: variants({ everything: null, place: Place, provider: Provider, service: Service }),
  }),
  extend: record({ year: Year, from: Time, until: Time, by: u64 }),
  succeed: record({ from: Party, to: Party, years: list(Year) }),
  change_payment_account: record({ provider: Provider, account: Commitment }),
});
const Governance = variants({
  propose: record({ decision: Decision, measure: Measure, until: Time }),
  approve: record({ decision: Decision }),
  withdraw: record({ decision: Decision }),
});
const Operation = variants({
  funds: Funds,
  wallet: Wallet,
  catalogue: Catalogue,
  order: record({ year: Year, order: Order, action: OrderAction }),
  settlement: Settlement,
  governance: Governance,
  rate: record({ year: Year, order: Order, score: Score, facts: Facts }),
});
const Body = record({ signer: Key, behalf: option(Party), salt: u64, valid_until: Time, operation: Operation });

const encode = (kind, value) => {
  const out = [];
  kind.write(out, value);
  return Uint8Array.from(out);
};

const decode = (kind, bytes) => {
  const input = { bytes, at: 0 };
  const value = kind.read(input);
  if (input.at !== bytes.length) fail(`${bytes.length - input.at} bytes remain`);
  if (!equal(encode(kind, value), bytes)) fail("another encoding than the one that counts");
  return value;
};

export const encodeOperation = (operation) => encode(Operation, operation);
export const decodeOperation = (bytes) => decode(Operation, bytes);
export const encodeBody = (body) => encode(Body, body);
export const decodeBody = (bytes) => decode(Body, bytes);
export const keyText = (bytes) => decode(Key, bytes);
export const keyBytes = (text) => encode(Key, text);

// Longest raw transaction, in bytes.
export const MAX_TRANSACTION = 64 * 1024;

const tag = (text) => new TextEncoder().encode(text);
const network32 = (network) => {
  const bytes = fromHex(network);
  return bytes.length === 32 ? bytes : fail("a network is named by 32 bytes");
};

// What a signature under a transaction is over.
export const transactionMessage = (network, body) => join(tag("KEIS/transact/1\0"), network32(network), body);

// What proves that whoever asks for a key's approval holds it: tag, network, the user's 16 bytes, the key.
export const enrolMessage = (network, user, key) =>
  join(tag("KEIS/enrol/0001\0"), network32(network), fromHex(user), keyBytes(key));
