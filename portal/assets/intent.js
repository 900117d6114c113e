// What a form asks for, kept from its sending until the signing page compares it with the bytes.

const PLACE = "keis.intent";

const cents = (text) => {
  const match = /^(\d{1,9})(?:[.,](\d{1,2}))?$/.exec(text.replace(/[\s\u00a0€]/g, ""));
  return match ? String(BigInt(match[1]) * 100n + BigInt((match[2] ?? "").padEnd(2, "0"))) : text;
};

// `inputs`: [{name, value, type, checked, unit, line, label}] of a form, in its order. What is said of a line carries its number.
export const intentOf = (kind, inputs) => {
  const [fields, unticked, labels] = [{}, {}, {}];
  for (const { name, value, type, checked, unit, line, label } of inputs) {
    if (!name) continue;
    const amount = unit === "euro" ? cents(value) : value;
    const text = line === undefined || amount === "" ? amount : `${line}:${amount}`;
    const choice = type === "checkbox" || type === "radio";
    if (!choice || checked) (fields[name] ??= []).push(text);
    else if (type === "checkbox") (unticked[name] ??= []).push(text);
    if (label && (!choice || checked)) labels[text] = label;
  }
  return { kind, fields, unticked, labels };
};

export const keepIntent = (intent) => sessionStorage.setItem(PLACE, JSON.stringify(intent));

export const keptIntent = () => {
  try {
    const intent = JSON.parse(sessionStorage.getItem(PLACE) ?? "null");
    return intent && typeof intent.kind === "string" && typeof intent.fields === "object" ? intent : null;
  } catch {
    return null;
  }
};

export const dropIntent = () => sessionStorage.removeItem(PLACE);
