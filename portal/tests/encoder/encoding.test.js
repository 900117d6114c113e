import assert from "node:assert/strict";
import { test } from "node:test";

import * as encoding from "../../assets/encoding.js";
import { flatten } from "../../assets/words.js";
import { canonical, fixtures, pairs } from "./support.js";

const { toHex, fromHex, EncodingError } = encoding;

test("random operations read and write as the ledger does", () => {
  for (const { hex, json } of pairs("operations")) {
    const decoded = encoding.decodeOperation(fromHex(hex));
    assert.equal(canonical(decoded), canonical(json));
    assert.equal(toHex(encoding.encodeOperation(json)), hex);
    assert.equal(toHex(encoding.encodeOperation(decoded)), hex);
  }
});

test("random bodies read and write as the ledger does", () => {
  for (const { hex, json } of pairs("bodies")) {
    assert.equal(canonical(encoding.decodeBody(fromHex(hex))), canonical(json));
    assert.equal(toHex(encoding.encodeBody(json)), hex);
  }
});

test("what the ledger does not read, the browser does not read", () => {
  let sound = 0;
  for (const { hex, sound: readable } of fixtures.harmed) {
    if (!readable) {
      assert.throws(() => encoding.decodeOperation(fromHex(hex)), EncodingError, hex);
      continue;
    }
    sound += 1;
    try {
      assert.equal(toHex(encoding.encodeOperation(encoding.decodeOperation(fromHex(hex)))), hex);
    } catch (error) {
      // The ledger reads a place that cannot be and refuses it by a rule.
      assert.match(error.message, /place/);
    }
  }
  assert.ok(sound > 100, "some damage leaves sound operations");
});

test("the frozen vectors", () => {
  const paths = new Set();
  const vectors = fixtures.vectors.trim().split("\n").map((line) => line.split(" "));
  for (const [name, hex] of vectors.filter(([name]) => name.endsWith(".raw"))) {
    const body = fromHex(hex).subarray(0, -64);
    const decoded = encoding.decodeBody(body);
    assert.equal(toHex(encoding.encodeBody(decoded)), toHex(body), name);
    if (name !== "on_behalf.raw") assert.equal(decoded.salt, 0x0102030405060708n);
    paths.add(flatten(decoded.operation).path);
  }
  assert.equal(paths.size, 68);
});

test("values that are none of a kind are refused", () => {
  const party = { school: `sch_${"01".repeat(16)}` };
  const suspend = (value) => encoding.encodeOperation({ wallet: { suspend: value } });
  assert.equal(suspend({ party }).length, 4 + 4 + 4 + 16);
  for (const value of [{}, { party, more: 1 }, { party: { school: `prv_${"01".repeat(16)}` } }, { party: "school" }, null]) {
    assert.throws(() => suspend(value), EncodingError);
  }
  for (const year of [-1, 65_536, 1.5, "2028", null, undefined, 2n ** 64n]) {
    assert.throws(() => encoding.encodeOperation({ funds: { end_year: { year } } }), EncodingError);
  }
  for (const text of ["0", "0G", "AB", 7]) assert.throws(() => fromHex(text), EncodingError);
  assert.throws(() => encoding.encodeOperation({ order: { year: 1, order: `ord_${"00".repeat(16)}`, action: "toString" } }));
});

test("a list that claims more items than there are bytes is refused at once", () => {
  const allocate = encoding.encodeOperation({ funds: { allocate: { year: 2028, pupils: [] } } });
  allocate.fill(255, 10, 17);
  assert.throws(() => encoding.decodeOperation(allocate), EncodingError);
});
