// On every page of people who sign: remembers what a form asks for, so that the signing page can hold the bytes against
// it. A form that leads to a signature carries `data-intent`, its button may carry another.

import { intentOf, keepIntent } from "./intent.js";

const labelOf = (input) =>
  input instanceof HTMLSelectElement ? input.selectedOptions[0]?.dataset.label : input.dataset.label;

const inputsOf = (form, submitter) =>
  Array.from(form.elements)
    .filter((input) => !input.disabled && (!["submit", "button", "image", "reset"].includes(input.type) || input === submitter))
    .flatMap((input) => {
      const { name, value, type, checked, dataset } = input;
      const one = { name, value, type, checked, unit: dataset.unit, line: dataset.line, label: labelOf(input) };
      if (type !== "select-multiple") return [one];
      return Array.from(input.selectedOptions, (option) => ({ ...one, value: option.value, label: option.dataset.label }));
    });

document.addEventListener("submit", (event) => {
  const kind = event.submitter?.dataset.intent ?? event.target.dataset.intent;
  if (kind) keepIntent(intentOf(kind, inputsOf(event.target, event.submitter)));
});

for (const button of document.querySelectorAll("button[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// A box that ticks all boxes of a name in its form.
for (const box of document.querySelectorAll("input[data-ticks]")) {
  box.closest("label")?.removeAttribute("hidden");
  box.addEventListener("change", () => {
    for (const one of box.form.querySelectorAll(`input[type=checkbox][name="${box.dataset.ticks}"]`)) {
      if (!one.disabled && one.checked !== box.checked) one.click();
    }
  });
}
