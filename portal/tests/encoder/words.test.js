// Every operation has words in both languages, and nothing of it is left unsaid.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { decodeBody, decodeOperation, encodeOperation, fromHex, toHex } from "../../assets/encoding.js";
import { judge } from "../../assets/judge.js";
import { Phrases, describe, flatten, localTime } from "../../assets/words.js";
import { fixtures } from "./support.js";

class Strict extends Phrases {
  say(key, values = {}) {
    const said = super.say(key, values);
    assert.ok(!said.startsWith(key), `${this.language} lacks ${key}`);
    assert.doesNotMatch(said, /%[a-z]+%/, `${this.language}: ${key} lacks a value`);
    return said;
  }
}

for (const language of ["lt", "en"]) {
  const words = fixtures.words[language];

  test(`${language}: random operations are said in known words`, () => {
    for (const { hex } of fixtures.operations.slice(0, 1500)) {
      const phrases = new Strict({ language, words, dictionary: {} });
      const { title, facts } = describe(decodeOperation(fromHex(hex)), phrases);
      assert.ok(title.length > 3 && facts.length > 0);
    }
  });

  test(`${language}: the words name every id, amount and list`, () => {
    for (const line of fixtures.vectors.trim().split("\n").filter((line) => line.includes(".raw "))) {
      const { operation } = decodeBody(fromHex(line.split(" ")[1]).subarray(0, -64));
      const said = JSON.stringify(describe(operation, new Strict({ language, words, dictionary: {} })));
      for (const text of JSON.stringify(operation, (_, value) => (typeof value === "bigint" ? String(value) : value)).match(
        /[a-z]{3}_[0-9a-f]{32,64}/g,
      ) ?? []) {
        assert.ok(said.includes(text), `${flatten(operation).path} does not say ${text}`);
      }
    }
  });

  test(`${language}: every phrase that the scripts name is there`, () => {
    const assets = new URL("../../assets/", import.meta.url);
    const scripts = readdirSync(assets).filter((name) => name.endsWith(".js"));
    for (const script of scripts) {
      const text = readFileSync(new URL(script, assets), "utf8");
      for (const [, key] of text.matchAll(/(?:say|refuse|state|offerAgain|button)\("((?:sign|keys)-[a-z0-9-]+)"/g)) {
        const has = [key, `${key}-other`].some((name) => Object.hasOwn(words, name));
        assert.ok(has, `${language} lacks ${key} of ${script}`);
      }
      for (const [, reason] of text.matchAll(/(?:KeyTrouble\(|reason: |return )"([a-z0-9-]+)"/g)) {
        if (reason === "fine") continue;
        assert.ok(Object.hasOwn(words, `keys-trouble-${reason}`), `${language} lacks keys-trouble-${reason} of ${script}`);
      }
    }
  });

  test(`${language}: plurals have the forms of the language`, () => {
    const { pluralCategories } = new Intl.PluralRules(language).resolvedOptions();
    const counted = Object.keys(words).filter((key) => /^(sign|keys)-.*-other$/.test(key) && `${key.slice(0, -6)}-one` in words);
    assert.ok(counted.length >= 4);
    for (const key of counted) {
      for (const category of pluralCategories.filter((category) => category !== "many")) {
        assert.ok(`${key.slice(0, -6)}-${category}` in words, `${language} lacks ${category} of ${key}`);
      }
    }
  });
}

test("amounts, times and counts as each language writes them", () => {
  const of = (language) => new Phrases({ language, words: fixtures.words[language], dictionary: {} });
  const plain = (text) => text.replace(/[\u00a0\u202f]/g, " ");
  assert.equal(plain(of("lt").money(123_450n)), "1 234,50 €");
  assert.equal(of("en").money(123_450n), "€1,234.50");
  assert.equal(of("lt").say("sign-hours", { count: 22 }), "22 valandos");
  assert.equal(of("lt").say("sign-hours", { count: 21 }), "21 valanda");
  assert.equal(of("lt").say("sign-hours", { count: 11 }), "11 valandų");
  assert.equal(localTime(Date.UTC(2028, 1, 10, 8)), "2028-02-10T10:00");
  assert.equal(localTime(Date.UTC(2028, 6, 10, 21, 30)), "2028-07-11T00:30");
  assert.equal(localTime(2n ** 64n - 1n), String(2n ** 64n - 1n));
});

test("an order in Lithuanian, as a coordinator reads it", () => {
  const [pupil, session, order] = [`pup_${"01".repeat(16)}`, `ses_${"02".repeat(16)}`, `ord_${"03".repeat(16)}`];
  const action = { request: { session, pupils: [pupil], price: 800, school_money: 0 } };
  const operation = { order: { year: 2028, order, action } };
  const dictionary = { [pupil]: "Jonas Jonaitis, 5a", [session]: "2028-02-10 10:00, Molio dirbtuvės", [order]: "naujas" };
  const intent = { kind: "order.request", fields: { session: [session], pupil: [pupil], price: ["900"] } };
  const words = fixtures.words.lt;
  const { entries, refused } = judge([toHex(encodeOperation(operation))], intent, { language: "lt", words, dictionary });
  const plain = (text) => text.replace(/[\u00a0\u202f]/g, " ");
  assert.equal(entries[0].title, "Užsakyti");
  const facts = Object.fromEntries(entries[0].facts.map(({ term, value }) => [term, Array.isArray(value) ? value : plain(value)]));
  assert.deepEqual(facts, {
    Užsakymas: "naujas",
    Užsiėmimas: "2028-02-10 10:00, Molio dirbtuvės",
    "Mokiniai (1)": ["Jonas Jonaitis, 5a"],
    "Kaina mokiniui": "8,00 €",
    "Mokyklos lėšų ne daugiau kaip": "0,00 €",
    "Iš viso": "8,00 €",
    Metai: "2028",
  });
  assert.deepEqual(refused.map(plain), ["Kaina mokiniui: jūs pasirinkote – 9,00 €; siūloma pasirašyti – 8,00 €."]);
});
