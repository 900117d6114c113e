// Says in words what an operation asks for. It reads only the decoded operation, the server's phrases in the page's
// language and a dictionary of ids; an id that the dictionary lacks is shown as it is and remembered as unknown.

const ZONE = "Europe/Vilnius";
// Beyond what a calendar shows; the ledger's "never".
const LATEST = 253_402_300_800_000n;

// A proposal goes by its measure. Its own end is the day by which it must be decided, beside times of the measure.
const proposal = ({ decision, measure, until }) => {
  const [name, content] = Object.entries(measure)[0];
  const { from, to, ...rest } = content;
  const fields = name === "succeed" ? { predecessor: from, successor: to, ...rest } : content;
  return { path: `measure.${name}`, fields: { decision, ...fields, decide_by: until } };
};

// An operation's path, such as `order.request`, and its fields. Paths are the kinds of intents, too.
export const flatten = (operation) => {
  const [group, inner] = Object.entries(operation)[0];
  if (group === "rate") return { path: "order.rate", fields: inner };
  if (group === "governance" && inner.propose) return proposal(inner.propose);
  if (group !== "order") {
    const [name, content] = Object.entries(inner)[0];
    return { path: `${group}.${name}`, fields: content };
  }
  const { year, order, action } = inner;
  const [name, content] = typeof action === "string" ? [action, {}] : Object.entries(action)[0];
  if (name !== "propose_change") return { path: `order.${name}`, fields: { order, ...content, year } };
  const [kind, change] = Object.entries(content)[0];
  return { path: kind === "booking" ? "order.change" : "order.amend_attendance", fields: { order, ...change, year } };
};

const kinds = (table) =>
  Object.fromEntries(Object.entries(table).flatMap(([kind, names]) => names.split(" ").map((name) => [name, kind])));

const KINDS = kinds({
  money: "price school_money amount budget reserve cap amount_per_pupil total split",
  time: "start end from until decide_by register_until window_from window_until",
  span: "hold_expiry free_change free_cancel settlement_period max_validity clock_bound by",
  share: "late_share absence_share minimum_share",
  line: "absent drop",
  code: "field kind vat arrivals scopes keep_lines facts",
  grades: "grades own_key_grades",
  days: "holidays",
});

// Ids that people know by a name; places have codes that speak for themselves; documents, entities, institutions,
// decisions and commitments have no name that the bytes could be held against.
const NAMED = /^(pup|sch|prv|srv|ses|ord|stm|key)_/;

// The wall clock of the programme's zone at an instant, as forms write it: 2028-02-10T10:00.
export const localTime = (milliseconds) => {
  const whole = BigInt(milliseconds);
  if (whole < 0n || whole >= LATEST) return String(whole);
  const part = Object.fromEntries(
    new Intl.DateTimeFormat("en-GB", {
      timeZone: ZONE,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    })
      .formatToParts(new Date(Number(whole)))
      .map(({ type, value }) => [type, value]),
  );
  const rest = whole % 60_000n === 0n ? "" : `:${part.second}.${String(whole % 1000n).padStart(3, "0")}`;
  return `${part.year}-${part.month}-${part.day}T${part.hour}:${part.minute}${rest}`;
};

export class Phrases {
  constructor({ language, words, dictionary }) {
    this.language = language;
    this.words = words;
    this.dictionary = dictionary;
    this.unknown = new Set();
    this.plurals = new Intl.PluralRules(language);
  }

  has(key) {
    return Object.hasOwn(this.words, key);
  }

  // A phrase; one that counts has a form for each plural category of the language.
  say(key, values = {}) {
    const form = "count" in values ? `${key}-${this.plurals.select(Number(values.count))}` : key;
    const phrase = [form, `${key}-other`, key].find((name) => this.has(name));
    if (phrase === undefined) return [key, ...Object.values(values)].join(" ");
    return this.words[phrase].replace(/%([a-z]+)%/g, (all, name) => (name in values ? values[name] : all));
  }

  name(id) {
    if (Object.hasOwn(this.dictionary, id)) return this.dictionary[id];
    this.unknown.add(id);
    return id;
  }

  line(order, index) {
    const id = `${order}/${index}`;
    if (Object.hasOwn(this.dictionary, id)) return this.dictionary[id];
    this.unknown.add(this.say("sign-line", { number: Number(index) + 1 }));
    return this.say("sign-line", { number: Number(index) + 1 });
  }

  money(cents) {
    const whole = BigInt(cents);
    const euros = `${whole / 100n}.${String(whole % 100n).padStart(2, "0")}`;
    // A number of this form is exact in every browser of today only as far as a double holds it.
    if (whole > 9_000_000_000_000n) return `${euros} EUR`;
    return new Intl.NumberFormat(this.language, { style: "currency", currency: "EUR" }).format(Number(euros));
  }

  time(milliseconds) {
    if (BigInt(milliseconds) >= LATEST) return this.say("sign-never");
    return localTime(milliseconds).replace("T", " ");
  }

  span(milliseconds) {
    const minutes = Number(BigInt(milliseconds) / 60_000n);
    return minutes % 60 === 0
      ? this.say("sign-hours", { count: minutes / 60 })
      : this.say("sign-minutes", { count: minutes });
  }
}

const scalar = (phrases, name, value, order) => {
  const kind = KINDS[name];
  if (value === null) return phrases.say("sign-none");
  if (kind === "money") return phrases.money(value);
  if (kind === "time") return phrases.time(value);
  if (kind === "span") return phrases.span(value);
  if (kind === "share") return `${value / 100} %`;
  if (kind === "line" || (name === "lines" && typeof value === "number")) return phrases.line(order, value);
  if (kind === "code") return phrases.say(`sign-code-${String(value).replaceAll("_", "-")}`);
  if (kind === "grades") return `${value.from}–${value.until}`;
  if (kind === "days") return new Date(value * 86_400_000).toISOString().slice(0, 10);
  if (typeof value !== "string") return null;
  return NAMED.test(value) ? phrases.name(value) : (phrases.dictionary[value] ?? value);
};

const term = (phrases, name) => phrases.say(`sign-term-${name.replaceAll("_", "-")}`);

// Whose, or which: a variant and the id in it.
const PARTIES = ["buyer", "party", "owner", "scope", "predecessor", "successor"];

const sayParty = (phrases, party) => {
  const [kind, id] = typeof party === "string" ? [party, null] : Object.entries(party)[0];
  if (kind === "party") return sayParty(phrases, id);
  const code = phrases.say(`sign-party-${kind.replaceAll("_", "-")}`);
  if (id === null) return code;
  const own = kind === "pupil" ? id[1] : id;
  return `${code}: ${NAMED.test(own) ? phrases.name(own) : own}`;
};

// The words of one value, whatever its kind: nothing of an operation is left unsaid.
const sayValue = (phrases, name, value, order) => {
  if (PARTIES.includes(name)) return sayParty(phrases, value);
  if (Array.isArray(value) && name === "lines") {
    const [line, other] = value;
    return `${phrases.line(order, line)} → ${typeof other === "string" ? phrases.name(other) : phrases.money(other)}`;
  }
  if (Array.isArray(value)) return value.map((one) => sayValue(phrases, name, one, order)).join(", ");
  const simple = scalar(phrases, name, value, order);
  if (simple !== null) return simple;
  if (typeof value === "object") {
    const inner = Object.entries(value);
    return inner.map(([field, one]) => `${term(phrases, field)}: ${sayValue(phrases, field, one, order)}`).join("; ");
  }
  return String(value);
};

const INLINE = ["offer", "terms", "parameters", "calendar", "limits"];

const inlined = (fields) =>
  Object.entries(fields).flatMap(([name, value]) => (INLINE.includes(name) ? inlined(value) : [[name, value]]));

// What a change leaves alone needs no words; an empty list of absent pupils does.
const isIdle = (path, name, value) =>
  path === "order.change" && (value === null || (Array.isArray(value) && value.length === 0));

// Ids that an operation draws itself: they have no name yet.
const FRESH = {
  "order.propose": "order",
  "order.request": "order",
  "catalogue.open_session": "session",
  "catalogue.publish": "service",
  "settlement.issue": "statement",
};

// A measure's decision is drawn anew like an order's id.
const isDrawn = (path, name) => FRESH[path] === name || (path.startsWith("measure.") && name === "decision");

// Cents of each line, in the order of the lines.
const split = (phrases, cents, order) => cents.map((each, line) => `${phrases.line(order, line)}: ${phrases.money(each)}`);

const fact = (phrases, name, value, order) => {
  if (name === "split") return { term: term(phrases, name), value: split(phrases, value, order) };
  if (!Array.isArray(value)) return { term: term(phrases, name), value: sayValue(phrases, name, value, order) };
  if (value.length === 0) {
    const none = ["absent", "added"].includes(name) ? `sign-none-${name}` : "sign-none";
    return { term: term(phrases, name), value: phrases.say(none) };
  }
  const counted = phrases.say("sign-counted", { term: term(phrases, name), number: value.length });
  return { term: counted, value: value.map((one) => sayValue(phrases, name, one, order)) };
};

export const titleOf = (phrases, path) => phrases.say(`sign-title-${path.replace(/[._]/g, "-")}`);

// {title, facts: [{term, value: text or list of texts}], then}
export const describe = (operation, phrases) => {
  const { path, fields } = flatten(operation);
  const { year, ...others } = fields;
  const shown = inlined(others).filter(([name, value]) => !isIdle(path, name, value));
  if (path === "order.request") shown.push(["total", BigInt(fields.price) * BigInt(fields.pupils.length)]);
  if (year !== undefined) shown.push(["year", year]);
  const isFresh = ([name, value]) => isDrawn(path, name) && !Object.hasOwn(phrases.dictionary, value);
  const said = ([name, value]) =>
    isFresh([name, value])
      ? { term: term(phrases, name), value: phrases.say("sign-fresh", { id: value }) }
      : fact(phrases, name, value, fields.order);
  const then = `sign-then-${path.replace(/[._]/g, "-")}`;
  return {
    title: titleOf(phrases, path),
    facts: shown.map(said),
    then: phrases.has(then) ? phrases.say(then) : null,
  };
};
