// On a school's pages: ticks whole classes, and keeps the sum of an order while pupils are ticked. The server counts again.

const boxesOf = (section) => Array.from(section.querySelectorAll('input[type=checkbox][name="pupil"]:not(:disabled)'));

for (const whole of document.querySelectorAll("input[data-ticks-section]")) {
  const section = whole.closest("[data-class]");
  whole.closest("label").hidden = false;
  const settle = () => {
    const boxes = boxesOf(section);
    whole.checked = boxes.length > 0 && boxes.every((box) => box.checked);
    whole.indeterminate = !whole.checked && boxes.some((box) => box.checked);
  };
  whole.addEventListener("change", () => {
    for (const box of boxesOf(section)) if (box.checked !== whole.checked) box.click();
  });
  section.addEventListener("change", settle);
  settle();
}

// Every pupil pays what the wallet has, the school the rest.
export const sumOf = (price, balances) => {
  const state = balances.reduce((sum, balance) => sum + Math.min(balance, price), 0);
  const total = price * balances.length;
  return { count: balances.length, total, state, missing: total - state };
};

const form = document.querySelector("#order-form");
if (form) {
  const language = document.documentElement.lang;
  const out = (name) => form.querySelector(`[data-out="${name}"]`);
  const euro = new Intl.NumberFormat(language, { style: "currency", currency: "EUR" });
  const money = (cents) => euro.format(cents / 100);
  const plain = (cents) => (cents / 100).toFixed(2).replace(".", language === "lt" ? "," : ".");
  const [price, free, purse] = ["price", "free", "purse"].map((name) => Number(form.dataset[name]));
  const field = form.querySelector("#school-money");
  // What somebody typed stays; what was filled in follows the sum.
  let typed = false;
  field?.addEventListener("input", () => (typed = true));

  form.addEventListener("change", (event) => {
    if (event.target.name !== "pupil") return;
    const ticked = boxesOf(form).filter((box) => box.checked);
    const sum = sumOf(price, ticked.map((box) => Number(box.dataset.balance)));
    out("count").textContent = out("count").dataset.one.replace("%n%", String(sum.count));
    for (const name of ["total", "state", "missing"]) out(name).textContent = money(sum[name]);
    out("lacks").hidden = sum.missing <= purse;
    out("full").hidden = sum.count <= free;
    if (field && !typed) field.value = plain(sum.missing);
  });
}
