// Keys of people: made in this browser, sealed by a passphrase, opened for a signature only. The secret half leaves the
// browser on the recovery sheet alone.

import { enrolMessage, equal, join, keyBytes, keyText, toHex } from "./encoding.js";

export const SHORTEST_PASSPHRASE = 12;
export const ITERATIONS = 600_000;
const SEED = 32;
const TAG = new TextEncoder().encode("KEIS/webkey/001\0");
const PKCS8 = Uint8Array.from([0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20]);

// `reason` is the last part of a phrase's key.
export class KeyTrouble extends Error {
  constructor(reason, detail = {}) {
    super(reason);
    this.reason = reason;
    this.detail = detail;
  }
}

const random = (length) => crypto.getRandomValues(new Uint8Array(length));

// Whether this browser can hold and use keys: null, or the reason why not.
export const unsupported = async () => {
  if (!globalThis.isSecureContext || !globalThis.crypto?.subtle) return "insecure";
  try {
    await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  } catch {
    return "no-ed25519";
  }
  return globalThis.indexedDB ? null : "no-storage";
};

// Passphrases

const COMMON = /(.)\1{3}|1234|qwert|asdf|zxcv|abcd|slapta[zž]|password|kult[uū]ros|mokykla|lietuva/giu;

// {ok, score: 0–4, reason}: what guessing costs, told roughly; length counts most.
export const judgePassphrase = (text) => {
  const letters = [...text.normalize("NFKC")];
  if (letters.length < SHORTEST_PASSPHRASE) return { ok: false, score: 0, reason: "too-short" };
  const rest = [...letters.join("").replace(COMMON, "x")];
  if (new Set(letters).size < 6 || rest.length < 8) return { ok: false, score: 1, reason: "too-plain" };
  const classes = [/\p{Ll}/u, /\p{Lu}/u, /\p{Nd}/u, /[^\p{L}\p{Nd}]/u].filter((kind) => kind.test(text)).length;
  const bits = rest.length * (1.5 + 0.6 * classes);
  return { ok: true, score: bits < 35 ? 2 : bits < 50 ? 3 : 4, reason: "fine" };
};

const sealingKey = async (passphrase, salt, iterations, use) => {
  const bytes = new TextEncoder().encode(passphrase.normalize("NFKC"));
  const base = await crypto.subtle.importKey("raw", bytes, "PBKDF2", false, ["deriveKey"]);
  const derivation = { name: "PBKDF2", hash: "SHA-256", salt, iterations };
  return crypto.subtle.deriveKey(derivation, base, { name: "AES-GCM", length: 256 }, false, [use]);
};

const sealing = (iv, publicKey) => ({ name: "AES-GCM", iv, additionalData: join(TAG, keyBytes(publicKey)) });

// Seeds and keys

const importSeed = (seed, extractable) =>
  crypto.subtle.importKey("pkcs8", join(PKCS8, seed), "Ed25519", extractable, ["sign"]);

const fromBase64url = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

const publicOf = async (seed) => {
  const { x } = await crypto.subtle.exportKey("jwk", await importSeed(seed, true));
  return keyText(fromBase64url(x));
};

export const newSeed = async () => {
  const { privateKey } = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  const encoded = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
  if (encoded.length !== PKCS8.length + SEED || !equal(encoded.subarray(0, PKCS8.length), PKCS8)) {
    throw new KeyTrouble("no-ed25519");
  }
  return encoded.slice(PKCS8.length);
};

// Seals a seed into a record for the browser's store. `network` and `user` go into the proof of possession.
export const seal = async (seed, passphrase, { label, party, network, user, iterations = ITERATIONS }) => {
  const { ok, reason } = judgePassphrase(passphrase);
  if (!ok) throw new KeyTrouble(reason);
  const publicKey = await publicOf(seed);
  const [salt, iv] = [random(16), random(12)];
  const key = await sealingKey(passphrase, salt, iterations, "encrypt");
  const wrapped = new Uint8Array(await crypto.subtle.encrypt(sealing(iv, publicKey), key, seed));
  const proof = await sign(await importSeed(seed, false), publicKey, enrolMessage(network, user, publicKey));
  return { publicKey, wrapped, salt, iv, iterations, label, party, user, proof: toHex(proof), created: Date.now() };
};

// The signing key of a record; it cannot be exported.
export const open = async ({ publicKey, wrapped, salt, iv, iterations }, passphrase) => {
  const key = await sealingKey(passphrase, salt, iterations, "decrypt");
  let seed;
  try {
    seed = new Uint8Array(await crypto.subtle.decrypt(sealing(iv, publicKey), key, wrapped));
  } catch {
    throw new KeyTrouble("wrong-passphrase");
  }
  try {
    return await importSeed(seed, false);
  } finally {
    seed.fill(0);
  }
};

// Signs, and makes sure that the signature is the named key's before anything leaves.
export const sign = async (key, publicKey, message) => {
  const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", key, message));
  const other = await crypto.subtle.importKey("raw", keyBytes(publicKey), "Ed25519", false, ["verify"]);
  if (!(await crypto.subtle.verify("Ed25519", other, signature, message))) throw new KeyTrouble("damaged");
  return signature;
};

// Recovery code: 14 groups of four symbols (Crockford's base 32) and a check symbol. 13 groups are the seed, the last
// one is a check of the whole. A mistake is found in its group: a check symbol tells any one wrong symbol and any two
// neighbours that changed places, and it counts the group's place in.

const SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const GROUPS = 14;

const times2 = (value) => ((value << 1) ^ (value & 16 ? 0b100101 : 0)) & 31;
const check = (values, group) => values.reduceRight((sum, value) => times2(sum ^ value), 0) ^ group;

const wholeCheck = async (seed) => {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", join(TAG, seed)));
  const bits = (hash[0] << 12) | (hash[1] << 4) | (hash[2] >> 4);
  return [15, 10, 5, 0].map((shift) => (bits >> shift) & 31);
};

export const recoveryCode = async (seed) => {
  let bits = seed.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n) << 4n;
  const values = Array.from({ length: 52 }, () => {
    const value = Number(bits & 31n);
    bits >>= 5n;
    return value;
  }).reverse();
  values.push(...(await wholeCheck(seed)));
  return Array.from({ length: GROUPS }, (_, group) => {
    const four = values.slice(4 * group, 4 * group + 4);
    return [...four, check(four, group)].map((value) => SYMBOLS[value]).join("");
  });
};

const symbol = (letter) => SYMBOLS.indexOf(letter.toUpperCase().replace("O", "0").replace(/[IL]/, "1"));

// The seed of a code as somebody typed it; says which group is wrong.
export const seedOfCode = async (text) => {
  const letters = [...text.replace(/[\s-]/g, "")];
  if (letters.length !== GROUPS * 5) throw new KeyTrouble("code-length", { number: letters.length });
  const values = letters.map(symbol);
  const seedValues = [];
  for (let group = 0; group < GROUPS; group += 1) {
    const five = values.slice(5 * group, 5 * group + 5);
    const wrong = five.includes(-1) || check(five.slice(0, 4), group) !== five[4];
    if (wrong) throw new KeyTrouble("code-group", { number: group + 1 });
    seedValues.push(...five.slice(0, 4));
  }
  const last = seedValues.splice(52);
  const bits = seedValues.reduce((sum, value) => (sum << 5n) | BigInt(value), 0n);
  const seed = Uint8Array.from({ length: SEED }, (_, index) => Number((bits >> BigInt(4 + 8 * (31 - index))) & 255n));
  const whole = (bits & 15n) === 0n && equal(await wholeCheck(seed), last);
  if (!whole) throw new KeyTrouble("code-whole");
  return seed;
};

// The browser's store

const request = (asked) =>
  new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(new KeyTrouble("no-storage"));
  });

const opened = () => {
  const asked = indexedDB.open("keis", 1);
  asked.onupgradeneeded = () => asked.result.createObjectStore("keys", { keyPath: "publicKey" });
  return request(asked);
};

const stored = async (mode, work) => {
  const database = await opened();
  try {
    const transaction = database.transaction("keys", mode, { durability: "strict" });
    const done = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(new KeyTrouble("no-storage"));
    });
    const result = await request(work(transaction.objectStore("keys")));
    await done;
    return result;
  } finally {
    database.close();
  }
};

export const keep = async (record) => {
  await stored("readwrite", (keys) => keys.put(record));
  // Without it a browser short of space may throw the store away.
  await navigator.storage?.persist?.();
};
export const kept = () => stored("readonly", (keys) => keys.getAll());
export const remove = (publicKey) => stored("readwrite", (keys) => keys.delete(publicKey));
