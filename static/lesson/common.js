/** What figures on building, testing and the interview share: their look, a person's words, and the local layer on them. */

const version = new URL(import.meta.url).search;
const [{ ui }, { css: inputs }, { checked, embedded, forward, weightsOf }, { tokensOf }] = await Promise.all(
  ["../headlight", "../draw/inputs", "../local/layer", "../local/words"].map((name) => import(`${name}.js${version}`)));

/** What these figures look like; each puts it into its root once. */
export const css = `${inputs}
.inputs .group { flex-wrap: wrap; }
.side { display: flex; flex-wrap: wrap; gap: 14px 28px; align-items: flex-start; margin: 8px 0; }
.side > * { min-width: 0; }
.side figure { margin: 0; flex: 0 1 auto; min-width: 0; }
.side figcaption, .said { margin: 4px 0; }
.quiet { color: var(--hl-muted); }
.there { display: inline-block; padding: 4px 0; color: inherit; }
.verdict { margin: 6px 0; }
.verdict b { font-weight: 600; }
.verdict .good { color: var(--hl-good); }
.verdict .bad { color: var(--hl-bad); }
.code { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; margin: 4px 0; padding: 8px 12px;
  background: var(--hl-chip); border-radius: 6px; }
.wide { overflow-x: auto; max-width: 100%; }
.wide:focus-visible { outline: 2px solid var(--hl-query); outline-offset: 2px; }
table.listed { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 8px 0; }
.listed :is(th, td) { padding: 4px 12px 4px 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--hl-line); font-weight: 400; }
.listed thead th { color: var(--hl-muted); }
.listed td.number { text-align: right; }
`;

/**
 * A figure's frame in its root: {controls, body, said}, in this order; `said` is read out when it changes. The controls stay
 * to be seen where the result is covered until a person has guessed.
 */
export function framed(root, ...controls) {
  const made = { controls: ui.make("div", { class: "inputs" }, ...controls), body: ui.make("div", { class: "body" }),
    said: ui.make("p", { class: "said", "aria-live": "polite" }) };
  const result = ui.make("div", {}, made.body, made.said);
  result.dataset.result = "";
  root.append(ui.make("style", {}, css), made.controls, result);
  return made;
}

/** What a check found: a sign, and words that say the same without it. */
export function verdict(ok, words) {
  return ui.make("p", { class: "verdict" }, ui.make("b", { class: ok ? "good" : "bad" }, ok ? "✓ " : "✗ "), words);
}

/** Drawings beside each other, each with a line below: [[drawing, words], …]. */
export function beside(...drawings) {
  const figures = drawings.map(([drawing, words]) => {
    const figure = ui.make("figure", {}, drawing, words ? ui.make("figcaption", { class: "quiet" }, words) : null);
    // A drawing has no width of its own, only at most one.
    if (drawing.viewBox) figure.style.cssText = `width: calc(${drawing.viewBox.baseVal.width}px * var(--drawing-scale, 1)); max-width: 100%;`;
    return figure;
  });
  return ui.make("div", { class: "side" }, ...figures);
}

/** What may be wider than the page, in a box of its own that scrolls. */
export const wide = (label, ...children) => ui.make("div", { class: "wide", tabIndex: 0, role: "region", "aria-label": label }, ...children);

/** A table: heads of columns, and rows of cells; the first of each row names it. */
export function table(caption, heads, rows) {
  const row = ([first, ...others]) => ui.make("tr", {}, ui.make("th", { scope: "row" }, first), ...others.map((cell) => ui.make("td", {}, cell)));
  return ui.make("table", { class: "listed", "aria-label": caption }, ui.make("thead", {}, ui.make("tr", {}, ...heads.map((head) => ui.make("th", { scope: "col" }, head)))),
    ui.make("tbody", {}, ...rows.map(row)));
}

/** The person's own words where there are any, else the figure's; the first `most` of them. */
export function wordsFor(context, text, most) {
  const own = tokensOf(context?.sentence?.() ?? "");
  return (own.length > 1 ? own : tokensOf(text)).slice(0, most);
}

/** The local layer on these tokens: {settings, weights, x, pass}. */
export function layerOn(tokens, given) {
  const settings = checked(given);
  const weights = weightsOf(settings);
  const { x } = embedded(tokens, settings);
  return { settings, weights, x, pass: forward(x, weights, settings) };
}

/** One head of an array (h, rows, columns), as (rows, columns). */
export function headOf(array, head) {
  const [, rows, columns] = array.shape;
  const made = array.subarray(head * rows * columns, (head + 1) * rows * columns);
  made.shape = [rows, columns];
  return made;
}

/** The largest difference between two arrays of one length. */
export const apart = (one, other) => one.reduce((most, value, i) => Math.max(most, Math.abs(value - other[i])), 0);

/** How long a list of numbers is, as a vector. */
export const lengthOf = (list) => Math.sqrt(list.reduce((sum, value) => sum + value * value, 0));

/** How wide a chart may be in this element, so that its letters stay as large on a phone as on a desk. */
export const roomIn = (element) => Math.min(640, Math.max(340, element.clientWidth || 640));

/** Numbers for a heading, with as many digits as mean something. */
export const few = (value) => ui.number(value, 3);

/** A small difference, as 2·10⁻⁷ or 0. */
export function tiny(value) {
  if (value === 0) return "0";
  const power = Math.floor(Math.log10(Math.abs(value)));
  if (power >= -3) return ui.number(value, 2);
  return `${(value / 10 ** power).toFixed(1).replace(/\.0$/, "")}·${tenTo(power)}`;
}

/** A power of ten: 10⁻⁷. */
export const tenTo = (power) => `10${[...String(power)].map((digit) => (digit === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)])).join("")}`;
