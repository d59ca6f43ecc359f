/** How numbers and names are written in the sentences of lessons. */

const version = new URL(import.meta.url).search;
const { ui } = await import(`../headlight.js${version}`);

const NAME = /\{([A-Za-z_][A-Za-z0-9_]*)\}/g;
const UNKNOWN = "…";

/** A value as a sentence has it: whole numbers as they are, others with so many significant digits. */
export function shown(value, digits = 3) {
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return value.toLocaleString("en").replace("-", "−");
  return tidy(ui.number(value, digits));
}

/** Without zeros at the end of decimals. */
const tidy = (text) => (/^[−\d]+\.\d+$/.test(text) ? text.replace(/\.?0+$/, "") : text);

/** The text with its {names} filled in; a name that is not known is three dots. */
export function filled(text, facts, digits = 3) {
  return text.replace(NAME, (_, name) => (facts[name] === undefined || facts[name] === null ? UNKNOWN : shown(facts[name], digits)));
}

/** The names that a text asks for. */
export const namesIn = (text) => [...text.matchAll(NAME)].map(([, name]) => name);

/** “3 steps”, “1 step”. */
export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;
