// Keys are sealed, opened and used; what they sign goes to the Rust test, which judges it by the ledger's rule.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";

import * as encoding from "../../assets/encoding.js";
import * as keys from "../../assets/keys.js";
import { fixtures, pairs } from "./support.js";

const PASSPHRASE = "žalias dviratis ant stogo";
const details = { label: "Office", party: `sch_${"01".repeat(16)}`, network: fixtures.network, user: fixtures.user };
// The rule is 600,000; the tests need not wait for it each time.
const quick = { ...details, iterations: 1_000 };

const reason = (wanted, number) => (error) => {
  assert.ok(error instanceof keys.KeyTrouble, String(error));
  assert.equal(error.reason, wanted);
  if (number !== undefined) assert.equal(error.detail.number, number);
  return true;
};

test("a sealed key opens with its passphrase alone, in either form of its letters", async () => {
  const seed = await keys.newSeed();
  const record = await keys.seal(seed, PASSPHRASE, details);
  assert.equal(record.iterations, 600_000);
  const key = await keys.open(record, PASSPHRASE.normalize("NFD"));
  assert.equal(key.extractable, false);
  await assert.rejects(crypto.subtle.exportKey("pkcs8", key));
  await assert.rejects(keys.open(record, `${PASSPHRASE} `), reason("wrong-passphrase"));
  const stored = JSON.stringify(record, (_, value) => (value instanceof Uint8Array ? encoding.toHex(value) : value));
  assert.ok(!stored.includes(encoding.toHex(seed)), "the seed is nowhere in what is kept");
});

test("a record whose key or cipher was changed does not open", async () => {
  const record = await keys.seal(await keys.newSeed(), PASSPHRASE, quick);
  const other = await keys.seal(await keys.newSeed(), PASSPHRASE, quick);
  await assert.rejects(keys.open({ ...record, publicKey: other.publicKey }, PASSPHRASE), reason("wrong-passphrase"));
  const wrapped = record.wrapped.map((byte, index) => (index === 3 ? byte ^ 1 : byte));
  await assert.rejects(keys.open({ ...record, wrapped }, PASSPHRASE), reason("wrong-passphrase"));
});

test("a signature that is not the named key's never leaves", async () => {
  const record = await keys.seal(await keys.newSeed(), PASSPHRASE, quick);
  const other = await keys.seal(await keys.newSeed(), PASSPHRASE, quick);
  const key = await keys.open(record, PASSPHRASE);
  await assert.rejects(keys.sign(key, other.publicKey, new Uint8Array(3)), reason("damaged"));
});

test("passphrases", async () => {
  for (const [text, wanted] of [
    ["trumpa", "too-short"],
    ["aaaaaaaaaaaaaaaa", "too-plain"],
    ["123412341234123", "too-plain"],
    ["slaptazodis1234", "too-plain"],
    ["žalias dviratis", "fine"],
    ["kvr8Q!zz2mP#", "fine"],
  ]) {
    assert.equal(keys.judgePassphrase(text).reason, wanted, text);
  }
  await assert.rejects(keys.seal(await keys.newSeed(), "trumpa", quick), reason("too-short"));
  assert.ok(keys.judgePassphrase("žalias dviratis ant stogo groja").score > keys.judgePassphrase("žalias dviratis").score);
});

test("the recovery code brings the same key back, however it is typed", async () => {
  for (let round = 0; round < 50; round += 1) {
    const seed = await keys.newSeed();
    const code = await keys.recoveryCode(seed);
    assert.equal(code.length, 14);
    assert.deepEqual(await keys.seedOfCode(code.join(" ")), seed);
    const sloppy = code.join("-").toLowerCase().replaceAll("0", "o").replaceAll("1", "l");
    assert.deepEqual(await keys.seedOfCode(`  ${sloppy}\n`), seed);
  }
});

test("a mistake in a recovery code is found, in its group", async () => {
  const code = await keys.recoveryCode(await keys.newSeed());
  const symbols = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  for (let group = 0; group < 14; group += 1) {
    for (let place = 0; place < 5; place += 1) {
      for (const other of symbols.replace(code[group][place], "")) {
        const wrong = [...code];
        wrong[group] = code[group].slice(0, place) + other + code[group].slice(place + 1);
        await assert.rejects(keys.seedOfCode(wrong.join("")), reason("code-group", group + 1));
      }
      const turned = [...code[group]];
      [turned[place], turned[(place + 1) % 5]] = [turned[(place + 1) % 5], turned[place]];
      if (turned.join("") === code[group]) continue;
      const wrong = code.with(group, turned.join(""));
      await assert.rejects(keys.seedOfCode(wrong.join("")), reason("code-group", group + 1));
    }
  }
  const moved = code.with(2, code[3]).with(3, code[2]);
  if (code[2] !== code[3]) await assert.rejects(keys.seedOfCode(moved.join("")), reason("code-group", 3));
  await assert.rejects(keys.seedOfCode(code.slice(1).join("")), reason("code-length", 65));
  const another = await keys.recoveryCode(await keys.newSeed());
  await assert.rejects(keys.seedOfCode([...code.slice(0, 7), ...another.slice(7)].join("")), reason("code-whole"));
});

test("what the page signs is what it judged, and the ledger takes it", async () => {
  const { signAll } = await import("../../assets/sign.js");
  const record = await keys.seal(await keys.newSeed(), PASSPHRASE, quick);
  const key = await keys.open(record, PASSPHRASE);
  const samples = pairs("operations").slice(0, 40);
  const how = { key, publicKey: record.publicKey, network: fixtures.network, validUntil: 1_900_000_000_000 };
  const encoded = samples.map(({ hex }) => hex);
  const decoded = encoded.map((hex) => encoding.decodeOperation(encoding.fromHex(hex)));
  const transactions = await signAll(decoded, encoded, how);
  assert.equal(new Set(transactions).size, 40);
  const swapped = signAll(decoded.slice(0, 1), encoded.slice(1, 2), how);
  await assert.rejects(swapped, encoding.EncodingError);
  const operations = fixtures.operations.map(({ json }) => json);
  const signed = transactions
    .map((raw, index) => ({ raw, operation: operations[index] }))
    .filter(({ operation }) => !/\d{16}/.test(JSON.stringify(operation).replace(/"[^"]*"/g, "")));
  writeFileSync(
    process.env.KEIS_SIGNED,
    JSON.stringify({ transactions: signed, key: record.publicKey, proof: record.proof }),
  );
});
