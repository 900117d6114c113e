// Decides whether what is about to be signed is what the person asked for in the form before. Knows no page, no network,
// no key: operations, intent and dictionary in; words, warnings and reasons to refuse out.

import { EncodingError, decodeOperation, fromHex } from "./encoding.js";
import { Phrases, describe, flatten, localTime, titleOf } from "./words.js";

export const MAX_OPERATIONS = 50;

// What of each operation the form must have said. A name alone: exactly this value. `*`: exactly this set. `+`: one
// operation for each of these values. `?`: when the form says anything. `=x`: x where the form says nothing.
// A path that is not here is never signed in a browser.
const RULES = Object.fromEntries(
  `order.propose: session pupil* order?
  order.request: session pupil* price school_money=0 order?
  order.confirm: order+
  order.decline: order+
  order.change: order session= drop* add*
  order.amend_attendance: order absent*
  order.accept_change: order+
  order.drop_change: order+
  order.swap: order swap*
  order.drop_lines: order line*
  order.cancel: order+
  order.report_delivery: order absent*
  order.confirm_attendance: order absent* added*
  order.dispute: order+
  order.withdraw_dispute: order+
  order.rate: order score facts*
  catalogue.open_session: service when+ place capacity session?
  catalogue.amend_session: session when place capacity
  catalogue.close_session: session+
  catalogue.suspend: service+
  catalogue.reinstate: service+
  catalogue.withdraw: service+
  settlement.accept: statement+
  settlement.contest: statement+
  settlement.issue: provider buyer order* statement?
  settlement.attach_invoice: statement invoice number
  settlement.credit_note: statement order credit* note
  settlement.reject_invoice: statement+
  settlement.approve: statement+
  settlement.record_payment: payment+
  settlement.set_off: payment+
  settlement.reconcile: statement+ bank
  settlement.return_payment: statement reference
  settlement.record_repayment: provider buyer amount reference
  settlement.reconcile_repayment: reference+ bank
  measure.resolve: order split*
  measure.reverse: order line*
  measure.force_majeure: from until scope
  measure.extend: from until by
  measure.succeed: predecessor successor years*
  measure.change_payment_account: provider account
  governance.approve: decision+
  governance.withdraw: decision+
  wallet.revoke_key: key+
  wallet.suspend: party+
  wallet.reinstate: party+
  wallet.close: party+
  funds.record_school_money: school amount
  funds.end_year: year`
    .split("\n")
    .map((line) => line.trim().split(": "))
    .map(([path, rule]) => [path, `${rule} year?`.split(" ")]),
);

// Names of lists in operations and of the inputs that hold their items.
const SINGULAR = { pupils: "pupil", orders: "order" };

// Whose, or which: said by its id alone.
const PARTIES = ["party", "buyer", "scope", "predecessor", "successor"];

// Payments go statement by statement, each with its own amount: what belongs together is compared together.
const paymentOf = ({ statement, amount, reference }) => [statement, amount, reference].filter((part) => part !== undefined).join(":");

const idOf = (party) => (typeof party === "string" ? party : Object.values(party).flat().at(-1));

// What an operation says, as forms say it: name → list of texts.
export const said = (operation) => {
  const { path, fields } = flatten(operation);
  const { offer, terms, ...rest } = fields;
  const flat = { ...rest, ...offer, ...terms };
  const texts = Object.entries(flat).map(([name, value]) => {
    if (name === "lines" && path === "order.swap") return ["swap", value.map(([line, pupil]) => `${line}:${pupil}`)];
    if (name === "lines" && path === "settlement.credit_note") {
      return ["credit", value.map(([line, cents]) => `${line}:${cents}`)];
    }
    if (name === "lines") return ["line", value.map(String)];
    if (name === "split") return [name, value.map((cents, line) => `${line}:${cents}`)];
    if (PARTIES.includes(name)) return [name, [idOf(value)]];
    if (path.startsWith("measure.") && TIMES.includes(name)) return [name, [localTime(value)]];
    if (Array.isArray(value)) return [SINGULAR[name] ?? name, value.map(String)];
    return [name, value === null ? [] : [String(value)]];
  });
  const all = Object.fromEntries(texts);
  if (["settlement.record_payment", "settlement.set_off"].includes(path)) all.payment = [paymentOf(fields)];
  if (offer) all.when = [`${localTime(offer.start)} – ${localTime(offer.end)}`];
  return all;
};

// Forms write times with a space or a T, with or without seconds; with days of their own or each with its day.
const times = (intent, name) => {
  const whole = (text) => text.trim().replace(" ", "T").replace(/^(.{16}):00$/, "$1");
  const given = (intent.fields[name] ?? []).filter((text) => text !== "").map(whole);
  const dates = (intent.fields.date ?? []).filter((text) => text !== "");
  return given.flatMap((text) => (/^\d\d:\d\d$/.test(text) ? dates.map((date) => `${date}T${text}`) : [text]));
};

const later = (local, minutes) => {
  const instant = Date.parse(`${local}:00Z`) + Number(minutes) * 60_000;
  return Number.isNaN(instant) ? "?" : new Date(instant).toISOString().slice(0, 16);
};

// Beginning and end belong together: a day's beginning with another day's end is another session.
const spans = (intent) => {
  const [starts, ends] = [times(intent, "start"), times(intent, "end")];
  const minutes = intent.fields.minutes?.[0];
  return starts.map((start, index) => `${start} – ${ends[index] ?? later(start, minutes)}`);
};

// Times of measures.
const TIMES = ["from", "until"];

const normal = (text) => (/^\d+$/.test(text) ? String(BigInt(text)) : text);

// A payment's amount and the bank's mark of it are typed apart, each with the statement that it belongs to.
const payments = (intent) => {
  const fields = (name) => (intent.fields[name] ?? []).map((text) => text.trim()).filter((text) => text !== "");
  const parts = (text) => [text.slice(0, text.indexOf(":")), text.slice(text.indexOf(":") + 1).trim()];
  const marks = new Map(fields("reference").map(parts));
  const whole = (text) => {
    const [statement, ...rest] = text.split(":");
    return rest.length === 1 && marks.has(statement) ? `${text}:${marks.get(statement)}` : text;
  };
  return fields("payment").map(whole);
};

// What is named by a keyed commitment: people type the bank's words, which the page must give as the commitment's name.
const MARKS = ["payment", "reference", "bank"];
const COMMITMENT = /com_[0-9a-f]{64}/;

const askedFor = (intent, name) => {
  if (name === "when") return spans(intent);
  if (TIMES.includes(name)) return times(intent, name);
  if (name === "payment") return payments(intent);
  // A bank's number is a text: its zeros in front count.
  if (MARKS.includes(name)) return (intent.fields[name] ?? []).map((text) => text.trim()).filter((text) => text !== "");
  const values = [...(intent.fields[name] ?? [])];
  // Who is not ticked as present is absent.
  if (name === "absent") values.push(...(intent.unticked?.present ?? []));
  return values.map((text) => normal(text.trim())).filter((text) => text !== "");
};

const same = (one, other) => {
  const [left, right] = [[...one].sort(), [...other].sort()];
  return left.length === right.length && left.every((text, index) => text === right[index]);
};

const without = (these, those) => these.filter((text) => !those.includes(text));

class Judgement {
  constructor(phrases) {
    this.phrases = phrases;
    this.refused = [];
  }

  refuse(key, values) {
    this.refused.push(this.phrases.say(key, values));
  }

  // An id by its label, an amount as money, with the bare text where they could be mistaken.
  show(name, texts, order) {
    const { phrases } = this;
    if (texts.length === 0) return phrases.say("sign-nothing");
    const one = (text) => {
      if (["price", "school_money", "amount"].includes(name) && /^\d+$/.test(text)) return phrases.money(text);
      if (["absent", "line", "drop"].includes(name)) return phrases.line(order, text);
      const [line, pupil] = text.split(":");
      if (name === "payment") return [phrases.name(line), phrases.money(pupil ?? "0"), ...text.split(":").slice(2)].join(", ");
      if (["split", "credit"].includes(name)) return `${phrases.line(order, line)}: ${phrases.money(pupil ?? "0")}`;
      if (name === "by" && /^\d+$/.test(text)) return phrases.span(text);
      if (name === "swap") return `${phrases.line(order, line)} → ${phrases.name(pupil ?? "")}`;
      return Object.hasOwn(phrases.dictionary, text) ? phrases.dictionary[text] : text.replace("T", " ");
    };
    return texts.map(one).join(", ");
  }

  differs(name, asked, signed, order) {
    const more = asked.length > 1 || signed.length > 1;
    const [onlyAsked, onlySigned] = more ? [without(asked, signed), without(signed, asked)] : [asked, signed];
    this.refuse("sign-differs", {
      field: this.phrases.say(`sign-term-${name.replaceAll("_", "-")}`),
      asked: this.show(name, onlyAsked, order),
      signed: this.show(name, onlySigned, order),
    });
  }

  // What the operations say of a name, in the words in which the form asks for it.
  spoken(name, texts, asked) {
    if (!MARKS.includes(name) || asked.some((text) => COMMITMENT.test(text))) return texts;
    const { dictionary } = this.phrases;
    return texts.map((text) => text.replace(COMMITMENT, (mark) => (Object.hasOwn(dictionary, mark) ? dictionary[mark] : mark)));
  }

  field(rule, intent, all) {
    const name = rule.replace(/[*+?]$|=.*$/, "");
    const typed = askedFor(intent, name);
    const asked = MARKS.includes(name) ? typed.map((text) => text.replace(/\s+/g, " ")) : typed;
    const signed = (one) => this.spoken(name, one[name] ?? [], asked);
    const order = all[0].order?.[0];
    if (rule.endsWith("?") && asked.length === 0) return;
    if (rule.endsWith("+")) {
      const every = all.flatMap(signed);
      if (asked.length === 0) this.notAsked(name);
      else if (!same(every, asked)) this.differs(name, asked, every, order);
      return;
    }
    const standard = rule.includes("=") ? [rule.slice(rule.indexOf("=") + 1)].filter((text) => text !== "") : [];
    const wanted = asked.length > 0 ? asked : standard;
    if (wanted.length === 0 && !rule.endsWith("*") && !rule.includes("=")) return this.notAsked(name);
    const other = all.find((one) => !same(signed(one), wanted));
    if (other) this.differs(name, wanted, signed(other), order);
  }

  notAsked(name) {
    this.refuse("sign-not-asked", { field: this.phrases.say(`sign-term-${name.replaceAll("_", "-")}`) });
  }

  compare(operations, intent) {
    const paths = operations.map((operation) => flatten(operation).path);
    const other = paths.find((path) => path !== intent.kind);
    if (other !== undefined) {
      const [asked, signed] = [titleOf(this.phrases, intent.kind), titleOf(this.phrases, other)];
      return this.refuse("sign-other-kind", { asked, signed });
    }
    const rules = RULES[intent.kind];
    if (rules === undefined) return this.refuse("sign-never-here");
    if (operations.length > 1 && !rules.some((rule) => rule.endsWith("+"))) {
      return this.refuse("sign-too-many", { number: operations.length });
    }
    const all = operations.map(said);
    for (const rule of rules) this.field(rule, intent, all);
  }

  // The form's own labels: a page that shows another name for the same id lies in one of the two places.
  labels(intent) {
    for (const [id, label] of Object.entries(intent.labels ?? {})) {
      const here = this.phrases.dictionary[id];
      if (here !== undefined && here !== label) this.refuse("sign-other-label", { asked: label, signed: here });
    }
  }
}

const decodeAll = (encoded, judgement) => {
  if (!Array.isArray(encoded) || encoded.length < 1 || encoded.length > MAX_OPERATIONS) {
    judgement.refuse("sign-too-many", { number: encoded?.length ?? 0 });
    return [];
  }
  try {
    return encoded.map((text) => decodeOperation(fromHex(text)));
  } catch (error) {
    if (!(error instanceof EncodingError)) throw error;
    judgement.refuse("sign-undecodable");
    return [];
  }
};

// {operations, entries: [{title, facts, then}], warnings: [text], refused: [text]}; nothing is signed unless `refused`
// is empty. `encoded` are operations in hexadecimal, `intent` is what the form before said or null.
export const judge = (encoded, intent, { language, words, dictionary }) => {
  const phrases = new Phrases({ language, words, dictionary });
  const judgement = new Judgement(phrases);
  const operations = decodeAll(encoded, judgement);
  const entries = operations.map((operation) => describe(operation, phrases));
  const unknown = [...phrases.unknown];
  if (operations.length > 0) {
    if (intent === null) judgement.refuse("sign-no-intent");
    else {
      judgement.compare(operations, intent);
      judgement.labels(intent);
    }
  }
  return {
    operations,
    entries,
    warnings: unknown.map((id) => phrases.say("sign-unknown-id", { id })),
    refused: judgement.refused,
  };
};
