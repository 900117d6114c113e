// A server that swaps something between the form and the bytes is found out; an honest one is not.

import assert from "node:assert/strict";
import { test } from "node:test";

import { encodeOperation, toHex } from "../../assets/encoding.js";
import { intentOf } from "../../assets/intent.js";
import { judge } from "../../assets/judge.js";

const id = (prefix, number) => `${prefix}_${number.toString(16).padStart(2, "0").repeat(16)}`;
const [pupil, session, order] = ["pup", "ses", "ord"].map((prefix) => (number) => id(prefix, number));
const service = (number) => id("srv", number);
const statement = (number) => id("stm", number);
const key = (number) => `key_${number.toString(16).padStart(2, "0").repeat(32)}`;
const commitment = (number) => `com_${number.toString(16).padStart(2, "0").repeat(32)}`;

const dictionary = Object.fromEntries([
  ...[1, 2, 3, 4].map((number) => [pupil(number), `Pupil ${number}`]),
  ...[1, 2].map((number) => [session(number), `Session ${number}`]),
  ...[1, 2, 3].map((number) => [order(number), `Order ${number}`]),
  ...[0, 1, 2, 3].map((line) => [`${order(1)}/${line}`, `Line ${line}`]),
  [service(1), "Service 1"],
  [statement(1), "Statement 1"],
  [statement(2), "Statement 2"],
  [key(1), "Laptop"],
  ...[1, 2].map((number) => [id("sch", number), `School ${number}`]),
  ...[1, 2].map((number) => [id("prv", number), `Provider ${number}`]),
]);

const weigh = (operations, intent, more = {}) =>
  judge(operations.map((operation) => toHex(encodeOperation(operation))), intent, {
    language: "en",
    words: {},
    dictionary: { ...dictionary, ...more },
  });

const fields = (kind, table, inputs = []) =>
  intentOf(kind, [
    ...Object.entries(table).flatMap(([name, values]) => [values].flat().map((value) => ({ name, value, type: "hidden" }))),
    ...inputs,
  ]);

const action = (content, number = 1) => ({ order: { year: 2028, order: order(number), action: content } });
const request = (changes = {}) =>
  action({ request: { session: session(1), pupils: [pupil(1), pupil(2)], price: 800, school_money: 200, ...changes } });
const asked = { session: session(1), pupil: [pupil(2), pupil(1)], price: "800", school_money: "200" };
const attach = (changes = {}) => ({
  settlement: {
    attach_invoice: { year: 2028, statement: statement(1), invoice: commitment(1), number: commitment(2), ...changes },
  },
});
const credit = (changes = {}) => ({
  settlement: {
    credit_note: {
      year: 2028,
      statement: statement(1),
      order: order(1),
      lines: [[0, 150], [2, 500]],
      note: commitment(1),
      ...changes,
    },
  },
});
const rate = (changes = {}) => ({
  rate: { year: 2028, order: order(1), score: 4, facts: ["took_place", "on_time"], ...changes },
});
const vilnius = (text) => Date.parse(`${text}:00+02:00`);
const offer = (start, end, changes = {}) => ({
  start: vilnius(start),
  end: vilnius(end),
  place: "LT-13",
  capacity: 30,
  ...changes,
});
const opened = (content, number = 1) => ({
  catalogue: { open_session: { year: 2028, session: session(number), service: service(1), offer: content } },
});

const paid = (number, amount, reference) => ({
  settlement: { record_payment: { year: 2028, statement: statement(number), amount, reference: commitment(reference) } },
});
const reconciled = (number, bank) => ({
  settlement: { reconcile: { year: 2028, statement: statement(number), bank: commitment(bank) } },
});
const credited = (lines) => ({
  settlement: { credit_note: { year: 2028, statement: statement(1), order: order(1), lines, note: commitment(1) } },
});
const proposed = (measure) => ({
  governance: { propose: { decision: id("dec", 1), measure, until: vilnius("2028-03-01T00:00") } },
});
const closed = (from, until, scope) =>
  proposed({ force_majeure: { year: 2028, from: vilnius(from), until: vilnius(until), scope } });
const extended = (by) =>
  proposed({ extend: { year: 2028, from: vilnius("2028-02-10T00:00"), until: vilnius("2028-02-11T00:00"), by } });
const succeeded = (from, to, years) => proposed({ succeed: { from: { school: from }, to: { school: to }, years } });

// Kind, what the form says, the honest operations, and what a lying server might put in their place.
const CASES = [
  {
    intent: fields("order.request", asked),
    honest: [request()],
    swapped: {
      "a higher price": [request({ price: 801 })],
      "another session": [request({ session: session(2) })],
      "another pupil": [request({ pupils: [pupil(1), pupil(3)] })],
      "a pupil more": [request({ pupils: [pupil(1), pupil(2), pupil(3)] })],
      "a pupil less": [request({ pupils: [pupil(1)] })],
      "a pupil twice": [request({ pupils: [pupil(1), pupil(2), pupil(2)] })],
      "more school money": [request({ school_money: 20_000 })],
      "another operation": [action("cancel")],
      "a proposal instead": [action({ propose: { session: session(1), pupils: [pupil(1), pupil(2)] } })],
      "an operation more": [request(), action("cancel")],
      "the order twice": [request(), request()],
      "a revoked key": [{ wallet: { revoke_key: { key: key(1) } } }],
    },
  },
  {
    intent: fields("order.request", { ...asked, school_money: [], order: order(1), year: "2028" }),
    honest: [request({ school_money: 0 })],
    swapped: {
      "school money that nobody named": [request({ school_money: 1 })],
      "another order": [{ order: { ...request({ school_money: 0 }).order, order: order(2) } }],
      "another year": [{ order: { ...request({ school_money: 0 }).order, year: 2027 } }],
    },
  },
  {
    intent: fields("order.confirm", { order: [order(1), order(2)] }),
    honest: [action("confirm", 2), action("confirm", 1)],
    swapped: {
      "an order more": [action("confirm", 1), action("confirm", 2), action("confirm", 3)],
      "an order less": [action("confirm", 1)],
      "one order twice": [action("confirm", 1), action("confirm", 1)],
      "one declined": [action("confirm", 1), action("decline", 2)],
    },
  },
  {
    intent: fields("order.report_delivery", { order: order(1) }, [
      { name: "present", value: "0", type: "checkbox", checked: true },
      { name: "present", value: "1", type: "checkbox", checked: false },
      { name: "present", value: "2", type: "checkbox", checked: true },
    ]),
    honest: [action({ report_delivery: { absent: [1] } })],
    swapped: {
      "nobody absent": [action({ report_delivery: { absent: [] } })],
      "another absent": [action({ report_delivery: { absent: [2] } })],
    },
  },
  {
    intent: fields("order.confirm_attendance", { order: order(1), absent: ["0"], added: [pupil(4)] }),
    honest: [action({ confirm_attendance: { absent: [0], added: [pupil(4)] } })],
    swapped: {
      "nobody added": [action({ confirm_attendance: { absent: [0], added: [] } })],
      "another added": [action({ confirm_attendance: { absent: [0], added: [pupil(3)] } })],
      "all attended": [action({ confirm_attendance: { absent: [], added: [pupil(4)] } })],
    },
  },
  {
    intent: fields("order.change", { order: order(1), session: session(2), drop: ["3"], add: "" }),
    honest: [action({ propose_change: { booking: { session: session(2), drop: [3], add: [] } } })],
    swapped: {
      "the old session": [action({ propose_change: { booking: { session: null, drop: [3], add: [] } } })],
      "a pupil more": [action({ propose_change: { booking: { session: session(2), drop: [3], add: [pupil(1)] } } })],
      "attendance instead": [action({ propose_change: { attendance: { absent: [3] } } })],
    },
  },
  {
    intent: fields("order.swap", { order: order(1), swap: [`1:${pupil(4)}`, ""] }),
    honest: [action({ swap: { lines: [[1, pupil(4)]] } })],
    swapped: {
      "another line": [action({ swap: { lines: [[2, pupil(4)]] } })],
      "another pupil": [action({ swap: { lines: [[1, pupil(3)]] } })],
    },
  },
  {
    intent: fields("order.drop_lines", { order: order(1), line: ["0", "02"] }),
    honest: [action({ drop_lines: { lines: [0, 2] } })],
    swapped: { "a line more": [action({ drop_lines: { lines: [0, 1, 2] } })] },
  },
  {
    intent: fields("catalogue.open_session", {
      service: service(1),
      date: ["2028-02-10", "2028-02-17"],
      start: "10:00",
      end: "11:30",
      place: "LT-13",
      capacity: "30",
    }),
    honest: [opened(offer("2028-02-10T10:00", "2028-02-10T11:30")), opened(offer("2028-02-17T10:00", "2028-02-17T11:30"), 2)],
    swapped: {
      "a day less": [opened(offer("2028-02-10T10:00", "2028-02-10T11:30"))],
      "a week long": [
        opened(offer("2028-02-10T10:00", "2028-02-17T11:30")),
        opened(offer("2028-02-17T10:00", "2028-02-10T11:30"), 2),
      ],
      "fewer places": [
        opened(offer("2028-02-10T10:00", "2028-02-10T11:30", { capacity: 29 })),
        opened(offer("2028-02-17T10:00", "2028-02-17T11:30"), 2),
      ],
    },
  },
  {
    intent: fields("catalogue.amend_session", {
      session: session(1),
      start: "2028-07-10 10:00",
      minutes: "90",
      place: "IE",
      capacity: "5",
    }),
    // Summer time: three hours ahead of UTC.
    honest: [
      {
        catalogue: {
          amend_session: {
            year: 2028,
            session: session(1),
            offer: { start: Date.UTC(2028, 6, 10, 7), end: Date.UTC(2028, 6, 10, 8, 30), place: "IE", capacity: 5 },
          },
        },
      },
    ],
    swapped: {
      "a second later": [
        {
          catalogue: {
            amend_session: {
              year: 2028,
              session: session(1),
              offer: { start: Date.UTC(2028, 6, 10, 7) + 1000, end: Date.UTC(2028, 6, 10, 8, 30), place: "IE", capacity: 5 },
            },
          },
        },
      ],
    },
  },
  {
    intent: fields("settlement.accept", { statement: [statement(1), statement(2)] }),
    honest: [1, 2].map((number) => ({ settlement: { accept: { year: 2028, statement: statement(number) } } })),
    swapped: {
      "one contested": [
        { settlement: { accept: { year: 2028, statement: statement(1) } } },
        { settlement: { contest: { year: 2028, statement: statement(2) } } },
      ],
    },
  },
  {
    intent: fields("settlement.approve", { statement: [statement(1), statement(2)] }),
    honest: [1, 2].map((number) => ({ settlement: { approve: { year: 2028, statement: statement(number) } } })),
    swapped: { "one alone": [{ settlement: { approve: { year: 2028, statement: statement(1) } } }] },
  },
  {
    intent: fields("settlement.record_payment", {
      payment: [`${statement(1)}:1200:${commitment(1)}`, `${statement(2)}:50:${commitment(2)}`],
    }),
    honest: [paid(2, 50, 2), paid(1, 1200, 1)],
    swapped: {
      "the amounts exchanged": [paid(1, 50, 1), paid(2, 1200, 2)],
      "the references exchanged": [paid(1, 1200, 2), paid(2, 50, 1)],
      "a cent more": [paid(1, 1201, 1), paid(2, 50, 2)],
      "a set-off instead": [{ settlement: { set_off: { year: 2028, statement: statement(1), amount: 1200 } } }],
    },
  },
  {
    intent: fields("settlement.reconcile", { statement: [statement(1), statement(2)], bank: commitment(1) }),
    honest: [1, 2].map((number) => reconciled(number, 1)),
    swapped: { "another bank's statement": [reconciled(1, 1), reconciled(2, 2)] },
  },
  {
    intent: fields("settlement.credit_note", { statement: statement(1), order: order(1), note: commitment(1) }, [
      { name: "credit", value: "12,50", unit: "euro", line: "0", type: "text" },
      { name: "credit", value: "", unit: "euro", line: "1", type: "text" },
    ]),
    honest: [credited([[0, 1250]])],
    swapped: {
      "another line": [credited([[1, 1250]])],
      "a cent more": [credited([[0, 1251]])],
      "a line more": [credited([[0, 1250], [1, 1]])],
    },
  },
  {
    intent: fields("measure.resolve", { order: order(1) }, [
      { name: "split", value: "12,50", unit: "euro", line: "0", type: "text" },
      { name: "split", value: "0", unit: "euro", line: "1", type: "text" },
    ]),
    honest: [proposed({ resolve: { year: 2028, order: order(1), split: [1250, 0] } })],
    swapped: {
      "the lines exchanged": [proposed({ resolve: { year: 2028, order: order(1), split: [0, 1250] } })],
      "a cent more": [proposed({ resolve: { year: 2028, order: order(1), split: [1251, 0] } })],
      "another order": [proposed({ resolve: { year: 2028, order: order(2), split: [1250, 0] } })],
      "a reversal instead": [proposed({ reverse: { year: 2028, order: order(1), lines: [0] } })],
      "a vote instead": [{ governance: { approve: { decision: id("dec", 1) } } }],
    },
  },
  {
    intent: fields("measure.reverse", { order: order(1), line: ["0", "2"] }),
    honest: [proposed({ reverse: { year: 2028, order: order(1), lines: [0, 2] } })],
    swapped: { "a line more": [proposed({ reverse: { year: 2028, order: order(1), lines: [0, 1, 2] } })] },
  },
  {
    intent: fields("measure.force_majeure", {
      year: "2028",
      from: "2028-02-10T00:00",
      until: "2028-02-11T00:00",
      scope: "LT-13",
    }),
    honest: [closed("2028-02-10T00:00", "2028-02-11T00:00", { place: "LT-13" })],
    swapped: {
      "everywhere": [closed("2028-02-10T00:00", "2028-02-11T00:00", "everything")],
      "another place": [closed("2028-02-10T00:00", "2028-02-11T00:00", { place: "LT-57" })],
      "a day more": [closed("2028-02-10T00:00", "2028-02-12T00:00", { place: "LT-13" })],
    },
  },
  {
    intent: fields("measure.extend", { from: "2028-02-10T00:00", until: "2028-02-11T00:00", by: "86400000" }),
    honest: [extended(86_400_000)],
    swapped: { "two days": [extended(172_800_000)] },
  },
  {
    intent: fields("measure.succeed", { predecessor: id("sch", 1), successor: id("sch", 2), years: ["2027", "2028"] }),
    honest: [succeeded(id("sch", 1), id("sch", 2), [2027, 2028])],
    swapped: {
      "the other way round": [succeeded(id("sch", 2), id("sch", 1), [2027, 2028])],
      "a year less": [succeeded(id("sch", 1), id("sch", 2), [2028])],
    },
  },
  {
    intent: fields("measure.change_payment_account", { provider: id("prv", 1), account: commitment(1) }),
    honest: [proposed({ change_payment_account: { provider: id("prv", 1), account: commitment(1) } })],
    swapped: {
      "another account": [proposed({ change_payment_account: { provider: id("prv", 1), account: commitment(2) } })],
      "another provider": [proposed({ change_payment_account: { provider: id("prv", 2), account: commitment(1) } })],
    },
  },
  {
    intent: fields("governance.approve", { decision: id("dec", 1) }),
    honest: [{ governance: { approve: { decision: id("dec", 1) } } }],
    swapped: {
      "another decision": [{ governance: { approve: { decision: id("dec", 2) } } }],
      "its withdrawal": [{ governance: { withdraw: { decision: id("dec", 1) } } }],
    },
  },
  {
    intent: fields("settlement.attach_invoice", { statement: statement(1), invoice: commitment(1), number: commitment(2) }),
    honest: [attach()],
    swapped: {
      "another file": [attach({ invoice: commitment(3) })],
      "another number": [attach({ number: commitment(3) })],
      "another statement": [attach({ statement: statement(2) })],
    },
  },
  {
    intent: fields("settlement.credit_note", {
      statement: statement(1),
      order: order(1),
      note: commitment(1),
      credit: ["0:150", "2:500"],
    }),
    honest: [credit()],
    swapped: {
      "more of a line": [credit({ lines: [[0, 151], [2, 500]] })],
      "a line more": [credit({ lines: [[0, 150], [1, 1], [2, 500]] })],
      "another order": [credit({ order: order(2) })],
      "another note": [credit({ note: commitment(2) })],
    },
  },
  {
    intent: fields("order.rate", { order: order(1), score: "4", facts: ["on_time", "took_place"] }),
    honest: [rate()],
    swapped: {
      "a worse score": [rate({ score: 1 })],
      "a fact less": [rate({ facts: ["on_time"] })],
    },
  },
  {
    intent: fields("order.dispute", { order: order(1) }),
    honest: [action("dispute")],
    swapped: { "taken back": [action("withdraw_dispute")], "another order": [action("dispute", 2)] },
  },
  {
    intent: fields("wallet.revoke_key", { key: key(1) }),
    honest: [{ wallet: { revoke_key: { key: key(1) } } }],
    swapped: { "another key": [{ wallet: { revoke_key: { key: key(2) } } }] },
  },
];

for (const { intent, honest, swapped } of CASES) {
  test(`${intent.kind}: the honest server may have its signature`, () => {
    const { refused, warnings, entries } = weigh(honest, intent);
    assert.deepEqual(refused, []);
    assert.deepEqual(warnings, []);
    assert.equal(entries.length, honest.length);
  });
  for (const [name, operations] of Object.entries(swapped)) {
    test(`${intent.kind}: a server that swaps is refused: ${name}`, () => {
      assert.notEqual(weigh(operations, intent).refused.length, 0);
    });
  }
}

test("without a form before, nothing is signed", () => {
  assert.deepEqual(weigh([request()], null).refused, ["sign-no-intent"]);
});

test("a form that does not say what must be said is not enough", () => {
  assert.deepEqual(weigh([request()], fields("order.request", { ...asked, price: [] })).refused, [
    "sign-not-asked sign-term-price",
  ]);
  assert.deepEqual(weigh([action("confirm")], fields("order.confirm", {})).refused, ["sign-not-asked sign-term-order"]);
});

test("the bank's words as people typed them are the commitments' names", () => {
  const typed = (kind, inputs) => intentOf(kind, inputs.map((input) => ({ type: "text", ...input })));
  const names = { [commitment(1)]: "FT 001", [commitment(4)]: "007", [commitment(2)]: "FT:2" };
  const intent = typed("settlement.record_payment", [
    { name: "payment", value: "12,00", unit: "euro", line: statement(1) },
    { name: "reference", value: " FT  001", line: statement(1) },
    { name: "payment", value: "0,50", unit: "euro", line: statement(2) },
    { name: "reference", value: "FT:2", line: statement(2) },
  ]);
  assert.deepEqual(weigh([paid(1, 1200, 1), paid(2, 50, 2)], intent, names).refused, []);
  for (const lie of [
    [paid(1, 1200, 2), paid(2, 50, 1)],
    [paid(1, 1201, 1), paid(2, 50, 2)],
    [paid(1, 1200, 3), paid(2, 50, 2)],
    [paid(1, 1200, 1)],
  ]) {
    assert.notEqual(weigh(lie, intent, names).refused.length, 0);
  }
  const bank = typed("settlement.reconcile", [
    { name: "statement", value: statement(1) },
    { name: "bank", value: "FT 001" },
  ]);
  assert.deepEqual(weigh([reconciled(1, 1)], bank, names).refused, []);
  assert.notEqual(weigh([reconciled(1, 2)], bank, names).refused.length, 0);
  const zeros = typed("settlement.reconcile", [
    { name: "statement", value: statement(1) },
    { name: "bank", value: "007" },
  ]);
  assert.deepEqual(weigh([reconciled(1, 4)], zeros, names).refused, []);
  const owed = { year: 2028, provider: id("prv", 1), buyer: { school: id("sch", 1) }, amount: 350 };
  const repaid = (changes) => ({ settlement: { record_repayment: { ...owed, reference: commitment(1), ...changes } } });
  const repayment = typed("settlement.record_repayment", [
    { name: "provider", value: id("prv", 1), label: "Provider 1" },
    { name: "buyer", value: id("sch", 1), label: "School 1" },
    { name: "amount", value: "3,50", unit: "euro" },
    { name: "reference", value: "FT 001" },
  ]);
  assert.deepEqual(weigh([repaid({})], repayment, names).refused, []);
  for (const lie of [{ reference: commitment(4) }, { buyer: "programme" }, { amount: 351 }, { provider: id("prv", 2) }]) {
    assert.notEqual(weigh([repaid(lie)], repayment, names).refused.length, 0, JSON.stringify(lie));
  }
  const found = (reference, bank) => ({
    settlement: { reconcile_repayment: { year: 2028, reference: commitment(reference), bank: commitment(bank) } },
  });
  const comparison = typed("settlement.reconcile_repayment", [
    { name: "reference", value: commitment(1) },
    { name: "bank", value: "007" },
  ]);
  assert.deepEqual(weigh([found(1, 4)], comparison, names).refused, []);
  assert.notEqual(weigh([found(2, 4)], comparison, names).refused.length, 0);
  assert.notEqual(weigh([found(1, 1)], comparison, names).refused.length, 0);
  const debt = typed("settlement.set_off", [
    { name: "statement", value: statement(1) },
    { name: "payment", value: "7", unit: "euro", line: statement(1) },
  ]);
  const set = (amount) => ({ settlement: { set_off: { year: 2028, statement: statement(1), amount } } });
  assert.deepEqual(weigh([set(700)], debt).refused, []);
  assert.notEqual(weigh([set(701)], debt).refused.length, 0);
  const unsaid = typed("settlement.reconcile", [{ name: "statement", value: statement(1) }]);
  assert.deepEqual(weigh([reconciled(1, 1)], unsaid, names).refused, ["sign-not-asked sign-term-bank"]);
});

test("the form's labels and the dictionary must not contradict each other", () => {
  const input = { name: "pupil", type: "checkbox", checked: true, value: pupil(1), label: "Somebody else" };
  const intent = fields("order.propose", { session: session(1) }, [input]);
  const { refused } = weigh([action({ propose: { session: session(1), pupils: [pupil(1)] } })], intent);
  assert.deepEqual(refused, ["sign-other-label Somebody else Pupil 1"]);
});

test("what the dictionary does not know is shown as it is, with a warning", () => {
  const changed = request({ pupils: [pupil(1), pupil(9)] });
  const { warnings, refused, entries } = weigh([changed], fields("order.request", { ...asked, pupil: [pupil(1), pupil(9)] }));
  assert.deepEqual(refused, []);
  assert.deepEqual(warnings, [`sign-unknown-id ${pupil(9)}`]);
  const shown = entries[0].facts.find(({ value }) => Array.isArray(value)).value;
  assert.deepEqual(shown, ["Pupil 1", pupil(9)]);
});

test("an id that the operation draws itself needs no name", () => {
  const fresh = { order: { ...request().order, order: order(9) } };
  const { warnings, refused, entries } = weigh([fresh], fields("order.request", asked));
  assert.deepEqual([refused, warnings], [[], []]);
  assert.equal(entries[0].facts[0].value, `sign-fresh ${order(9)}`);
});

test("bytes that are no operation, none, and too many are refused", () => {
  const intent = fields("order.confirm", { order: [order(1)] });
  const confirm = toHex(encodeOperation(action("confirm")));
  const how = { language: "en", words: {}, dictionary };
  for (const encoded of [[], [`${confirm}00`], [confirm.slice(2)], ["zz"], Array(51).fill(confirm), null]) {
    assert.notEqual(judge(encoded, intent, how).refused.length, 0);
  }
});

test("what officers do by the outbox is never signed in a browser", () => {
  const batch = { funds: { allocate: { year: 2028, pupils: [pupil(1)] } } };
  const { refused } = weigh([batch], fields("funds.allocate", { year: "2028", pupil: pupil(1) }));
  assert.deepEqual(refused, ["sign-never-here"]);
});

test("amounts typed in euro become cents", () => {
  const typed = (value) => intentOf("x", [{ name: "school_money", value, unit: "euro" }]).fields.school_money[0];
  assert.deepEqual(["12", "12,5", "0.05", "1 200,00", "12 €"].map(typed), ["1200", "1250", "5", "120000", "1200"]);
  assert.equal(typed("12,345"), "12,345");
});
