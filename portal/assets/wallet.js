// Pages of one's own keys: making one with its recovery sheet, bringing one back from a sheet, and what this browser holds.

import { at, data, held, make, phrases, send, show, trouble } from "./dom.js";
import { KeyTrouble, judgePassphrase, keep, kept, newSeed, recoveryCode, remove, seal, seedOfCode, unsupported } from "./keys.js";

const enrol = ({ publicKey, label, party, proof }) => send("/wallet/keys", { key: publicKey, label, party, proof });

const fingerprint = (publicKey) => publicKey.slice(4, 28).match(/.{4}/g).join(" ");

class KeyForm {
  constructor() {
    this.page = data("wallet-data");
    this.words = phrases();
    this.form = at("key-form");
    at("key-passphrase").addEventListener("input", () => this.meter());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      held(at("key-button"), () => this.run(() => this.submitted()));
    });
  }

  async start() {
    const reason = await unsupported();
    if (reason) throw new KeyTrouble(reason);
    show(this.form);
  }

  async run(action) {
    at("key-error").hidden = true;
    try {
      await action();
    } catch (error) {
      this.fail(error);
    }
  }

  fail(error) {
    at("key-state").textContent = "";
    show(at("key-error"), trouble(this.words, error));
    at("key-error").focus();
  }

  meter() {
    const { score, reason } = judgePassphrase(at("key-passphrase").value);
    at("key-meter").value = score;
    at("key-meter-text").textContent = this.words.say(reason === "fine" ? `keys-score-${score}` : `keys-trouble-${reason}`);
  }

  // The passphrase, typed twice alike and hard enough to guess.
  passphrase() {
    const [one, other] = [at("key-passphrase").value, at("key-repeat").value];
    const { ok, reason } = judgePassphrase(one);
    if (!ok) throw new KeyTrouble(reason);
    if (one !== other) throw new KeyTrouble("not-repeated");
    return one;
  }

  details() {
    const label = at("key-label").value.trim();
    if (label === "") throw new KeyTrouble("no-label");
    return { label, party: at("key-party").value, network: this.page.network, user: this.page.user };
  }

  async submitted() {
    const [passphrase, details] = [this.passphrase(), this.details()];
    at("key-state").textContent = this.words.say("keys-working");
    const typed = at("key-code")?.value;
    const seed = typed === undefined ? await newSeed() : await seedOfCode(typed);
    this.record = await seal(seed, passphrase, details);
    const code = typed === undefined ? await recoveryCode(seed) : null;
    seed.fill(0);
    for (const id of ["key-passphrase", "key-repeat", "key-code"]) if (at(id)) at(id).value = "";
    this.form.hidden = true;
    at("key-state").textContent = "";
    if (code === null) return this.finish();
    this.sheet(code);
  }

  // Shown once. Somebody who has it on paper can copy two groups of it.
  sheet(code) {
    at("sheet-label").textContent = this.record.label;
    at("sheet-fingerprint").textContent = fingerprint(this.record.publicKey);
    at("sheet-code").replaceChildren(...code.map((group) => make("li.mono", group)));
    const asked = crypto.getRandomValues(new Uint8Array(1))[0] % code.length;
    at("sheet-asked").textContent = this.words.say("keys-copy-group", { number: asked + 1 });
    show(at("sheet"));
    at("sheet-title").focus();
    at("sheet-print").addEventListener("click", () => print());
    at("sheet-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const wrong = at("sheet-group").value.replace(/[\s-]/g, "").toUpperCase() !== code[asked];
      held(at("sheet-button"), () => this.run(() => (wrong ? Promise.reject(new KeyTrouble("not-copied")) : this.finish())));
    });
  }

  async finish() {
    await keep(this.record);
    if (at("sheet")) {
      at("sheet").hidden = true;
      at("sheet-code").replaceChildren();
    }
    // The key is safe in this browser from here on; should the request fail, the list of keys offers it again.
    const known = this.page.known?.includes(this.record.publicKey);
    if (!known) await enrol(this.record);
    location.assign("/wallet");
  }
}

class KeyList {
  constructor() {
    this.page = data("wallet-data");
    this.words = phrases();
  }

  async start() {
    const reason = await unsupported();
    if (reason) throw new KeyTrouble(reason);
    const here = await kept();
    const mine = here.filter(({ user }) => user === this.page.user);
    for (const row of document.querySelectorAll("[data-key]")) {
      const record = here.find(({ publicKey }) => publicKey === row.dataset.key);
      row.querySelector(".here").textContent = this.words.say(record ? "keys-here" : "keys-elsewhere");
    }
    const items = mine.map((record) => this.item(record));
    if (items.length > 0) show(at("here"));
    at("here-list").replaceChildren(...items);
  }

  item(record) {
    const { publicKey, label } = record;
    const actions = make("div.actions");
    const unknown = !this.page.known.includes(publicKey);
    if (unknown) actions.append(this.button("keys-enrol", "second", () => enrol(record)));
    actions.append(this.button("keys-remove", "danger", () => this.removed(record), label));
    const state = this.words.say(unknown ? "keys-not-asked" : "keys-known");
    return make("li.card", make("h3", label), make("p.mono", fingerprint(publicKey)), make("p", state), actions);
  }

  button(key, look, action, question) {
    const button = make(`button.${look}`, this.words.say(key));
    button.type = "button";
    button.addEventListener("click", () => held(button, () => this.run(action, question)));
    return button;
  }

  async run(action, question) {
    if (question !== undefined && !confirm(this.words.say("keys-remove-sure", { id: question }))) return;
    try {
      await action();
      location.reload();
    } catch (error) {
      this.fail(error);
    }
  }

  removed({ publicKey }) {
    return remove(publicKey);
  }

  fail(error) {
    show(at("key-error"), trouble(this.words, error));
  }
}

if (globalThis.document?.getElementById("wallet-data")) {
  const page = at("key-form") ? new KeyForm() : new KeyList();
  page.start().catch((error) => page.fail(error));
}
