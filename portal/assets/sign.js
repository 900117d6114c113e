// The signing page: decodes the very bytes, says them in words, holds them against the form before, signs them with a key
// of this browser, sends them, and tells what became of them.

import * as encoding from "./encoding.js";
import { dropIntent, keptIntent } from "./intent.js";
import { judge } from "./judge.js";
import { KeyTrouble, kept, open, sign, unsupported } from "./keys.js";
import { at, data, held, listOf, make, phrases, send, show, trouble } from "./dom.js";

const SENT = "keis.sent";
const HOUR = 3_600_000;
const LONGEST_VALIDITY = 24 * HOUR;

// Raw transactions over `operations` (judged and decoded) with an opened key.
export const signAll = async (operations, encoded, { key, publicKey, network, validUntil }) => {
  const transactions = [];
  for (const [index, operation] of operations.entries()) {
    const salt = new DataView(crypto.getRandomValues(new Uint8Array(8)).buffer).getBigUint64(0);
    const body = encoding.encodeBody({ signer: publicKey, behalf: null, salt, valid_until: validUntil, operation });
    // What stands at the body's end is byte for byte what was decoded, said and judged.
    const tail = body.subarray(body.length - encoded[index].length / 2);
    if (encoding.toHex(tail) !== encoded[index]) throw new encoding.EncodingError("not what was judged");
    const signature = await sign(key, publicKey, encoding.transactionMessage(network, body));
    const raw = encoding.join(body, signature);
    if (raw.length > encoding.MAX_TRANSACTION) throw new encoding.EncodingError("too long for a transaction");
    transactions.push(encoding.toHex(raw));
  }
  return transactions;
};

const entry = ({ title, facts, then }) => {
  const list = make("dl.facts");
  for (const { term, value } of facts) {
    list.append(make("dt", term), make("dd", Array.isArray(value) ? listOf(value) : value));
  }
  const item = make("li.card", make("h2", title), list);
  if (then) item.append(make("p", then));
  return item;
};

class SigningPage {
  constructor() {
    this.page = data("sign-data");
    this.opened = performance.now();
    this.words = phrases(this.page.dictionary);
    this.encoded = this.page.operations.map(({ bytes }) => bytes);
    this.transactions = null;
  }

  state(key, values) {
    at("sign-state").textContent = key ? this.words.say(key, values) : "";
  }

  async start() {
    const { language, words, dictionary } = this.words;
    this.judgement = judge(this.encoded, keptIntent(), { language, words, dictionary });
    const { entries, warnings, refused } = this.judgement;
    at("sign-entries").replaceChildren(...entries.map(entry));
    at("sign-back").addEventListener("click", () => history.back());
    at("sign-back").hidden = false;
    if (warnings.length > 0) show(at("sign-warnings"), listOf(warnings));
    if (refused.length > 0) {
      show(at("sign-refused"), make("p", this.words.say("sign-refused")), listOf(refused));
      return this.state("sign-stopped");
    }
    at("sign-again").addEventListener("click", () => held(at("sign-again"), () => this.deliver()));
    if (this.findSent()) return this.offerAgain("sign-sent-before");
    await this.offer();
  }

  async offer() {
    const reason = await unsupported();
    if (reason) return this.fail(new KeyTrouble(reason));
    const here = (await kept()).filter(({ publicKey }) => this.page.keys.includes(publicKey));
    if (here.length === 0) {
      show(at("sign-no-key"));
      return this.state("sign-no-key-here");
    }
    this.here = here;
    const options = here.map(({ publicKey, label }) => Object.assign(make("option", label), { value: publicKey }));
    at("sign-key").replaceChildren(...options);
    at("sign-key-field").hidden = here.length === 1;
    show(at("sign-form"));
    at("sign-form").addEventListener("submit", (event) => {
      event.preventDefault();
      held(at("sign-button"), () => this.signed());
    });
    this.state("sign-ready", { count: this.encoded.length });
  }

  fail(error) {
    show(at("sign-error"), trouble(this.words, error));
    this.state(null);
  }

  async signed() {
    at("sign-error").hidden = true;
    this.state("sign-opening");
    const record = this.here.find(({ publicKey }) => publicKey === at("sign-key").value) ?? this.here[0];
    try {
      const key = await open(record, at("sign-passphrase").value);
      const validity = Math.min(Math.max(this.page.validity, 60_000), LONGEST_VALIDITY);
      const validUntil = Math.floor(this.page.time + (performance.now() - this.opened) + validity);
      const how = { key, publicKey: record.publicKey, network: this.page.network, validUntil };
      this.transactions = await signAll(this.judgement.operations, this.encoded, how);
    } catch (error) {
      this.fail(error);
      at("sign-passphrase").focus();
      return;
    }
    at("sign-passphrase").value = "";
    at("sign-form").hidden = true;
    const sent = { operations: this.encoded, transactions: this.transactions };
    sessionStorage.setItem(SENT, JSON.stringify(sent));
    await this.deliver();
  }

  // The same bytes from before a reload: sending them again has one effect, signing anew might have two.
  findSent() {
    const sent = JSON.parse(sessionStorage.getItem(SENT) ?? "null");
    if (JSON.stringify(sent?.operations) !== JSON.stringify(this.encoded)) return false;
    this.transactions = sent.transactions;
    return true;
  }

  offerAgain(key) {
    this.state(key);
    at("sign-again").hidden = false;
  }

  async deliver() {
    at("sign-again").hidden = true;
    at("sign-error").hidden = true;
    at("sign-progress").hidden = false;
    this.state("sign-sending", { count: this.transactions.length });
    let answer;
    try {
      answer = await send("/wallet/submit", { transactions: this.transactions, next: this.page.next });
    } catch (error) {
      this.fail(error);
      // What the portal does not take never left, so there is nothing to send again.
      if (error.reason === "refused") return sessionStorage.removeItem(SENT);
      return this.offerAgain("sign-not-known");
    } finally {
      at("sign-progress").hidden = true;
    }
    this.outcome(answer);
  }

  outcome({ results, next }) {
    const open = results.filter(({ state }) => state === "unknown");
    const bad = results.filter(({ state }) => !["unknown", "included"].includes(state));
    if (open.length === 0) {
      sessionStorage.removeItem(SENT);
      dropIntent();
    }
    if (open.length + bad.length === 0) {
      this.state("sign-done");
      location.assign(next);
      return;
    }
    const told = bad.map(({ text, advice }) => make("li", make("strong", text), " ", advice));
    if (bad.length > 0) show(at("sign-outcome"), make("p", this.words.say("sign-some-refused")), make("ul", ...told));
    at("sign-leave").href = next;
    at("sign-leave").hidden = false;
    if (open.length > 0) return this.offerAgain("sign-not-known");
    this.state("sign-counts", { number: results.length - bad.length, all: results.length });
  }
}

if (globalThis.document?.getElementById("sign-data")) {
  const page = new SigningPage();
  page.start().catch((error) => page.fail(error));
}
