// Small helpers of the wallet's pages. Text only ever becomes text, never markup.

import { KeyTrouble } from "./keys.js";
import { Phrases } from "./words.js";

export const at = (id) => document.getElementById(id);

export const data = (id) => JSON.parse(at(id).textContent);

export const phrases = (dictionary = {}) =>
  new Phrases({ language: document.documentElement.lang, words: data("phrases"), dictionary });

// An element of a tag (with `.class`) around texts and elements.
export const make = (tag, ...inside) => {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  element.classList.add(...classes);
  element.append(...inside);
  return element;
};

export const listOf = (texts) => make("ul", ...texts.map((text) => make("li", text)));

export const show = (element, ...inside) => {
  if (inside.length > 0) element.replaceChildren(...inside);
  element.hidden = false;
};

// What went wrong, in words; what is not foreseen is told as such and named for whoever helps.
export const trouble = (words, error) =>
  error instanceof KeyTrouble
    ? words.say(`keys-trouble-${error.reason}`, error.detail)
    : words.say("keys-trouble-other", { id: error instanceof Error ? error.message : "" });

// Sends JSON to this site. Throws a KeyTrouble when the answer did not come or cannot be used.
export const send = async (path, content) => {
  let response;
  try {
    const headers = { "content-type": "application/json" };
    response = await fetch(path, { method: "POST", headers, body: JSON.stringify(content), redirect: "manual" });
  } catch {
    throw new KeyTrouble("offline");
  }
  // Who is no longer signed in is sent to where that is done.
  if (response.type === "opaqueredirect") throw new KeyTrouble("signed-out");
  if (response.status >= 500) throw new KeyTrouble("offline");
  let answer;
  try {
    answer = await response.json();
  } catch {
    throw new KeyTrouble("answer", { number: response.status });
  }
  if (!response.ok) throw Object.assign(new KeyTrouble("refused"), { detail: { id: answer.text ?? "" } });
  return answer;
};

// Runs an action with its button held, so that no second click starts it again.
export const held = async (button, action) => {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  try {
    await action();
  } finally {
    button.removeAttribute("aria-busy");
  }
};
