/**
 * What all heads of the layer in view make of the pinned tokens: a line a head, with the tokens shaded by its weights, the
 * largest of them, and over how many keys it spreads. Made here, of the heads that travelled; a click chooses one.
 */
const version = new URL(import.meta.url).search;
const [{ ui }, { layerOf, pinsOf }, { effective }, { term }] = await Promise.all(
  ["headlight", "look", "cells", "terms"].map((name) => import(`../${name}.js${version}`)));

// Up to so many keys all of them stand in a line; of more only the heaviest few, in their order.
const ALL_UP_TO = 40;
const HEAVIEST = 8;
const LONGEST = 18;
const WHY = {
  head: "Of a text and model this large one head travels to the browser at a time, so the others’ rows are not here.",
  tiles: "Of a text this long only the head in view travels to the browser, so the others’ rows are not here.",
};

/** {root, lines: by the number of a head}; nothing is in it before `draw` is called. */
export function rowsBox() {
  const note = ui.make("p", { class: "rows-note", hidden: true });
  const list = ui.make("div", { class: "rows-list", role: "list" });
  const head = ui.make("div", { class: "rows-head" }, ui.make("span", {}, term("head", "head")), ui.make("span", {}, term("looks", "looks at")),
    ui.make("span", {}, term("rows.most", "most of")), ui.make("span", {}, term("rows.spread", "spread")));
  return { root: ui.make("div", { class: "rows", id: "rows", hidden: true }, note, head, list), note, head, list, lines: new Map(), of: "" };
}

/** Write the lines of the heads of the layer in view. */
export function draw(state) {
  const { rows, store, palette, shown: { run, look } } = state;
  const why = WHY[run.level] ?? "";
  rows.note.textContent = why;
  rows.note.hidden = !why;
  rows.head.hidden = rows.list.hidden = Boolean(why);
  if (why) return;
  const numbers = layerOf(run, look.layer)?.heads ?? [];
  arrange(state, numbers);
  const names = ui.namesOf(run.tokens.keys);
  for (const number of numbers) {
    const head = store.headAt(look.layer, number, { isKept: false });
    if (head) write(rows.lines.get(number), { head, look, names, palette, isChosen: number === look.head });
  }
}

/** A line for each head; those of the same layer and run stay the same elements, for one of them may have the focus. */
function arrange({ rows, store, shown: { run, look } }, numbers) {
  const of = JSON.stringify([run.id, look.layer, numbers]);
  if (rows.of === of) return;
  rows.of = of;
  rows.lines = new Map(numbers.map((number) => [number, line(number, () => store.change({ head: number }))]));
  rows.list.replaceChildren(...[...rows.lines.values()].map(({ root }) => ui.make("div", { role: "listitem" }, root)));
}

function line(number, choose) {
  const part = (name) => ui.make("span", { class: `rows-${name}`, "aria-hidden": "true" });
  const [tokens, most, spread] = ["tokens", "most", "spread"].map(part);
  const root = ui.make("button", { type: "button", class: "rows-line" }, ui.make("span", { class: "rows-name", "aria-hidden": "true" }, `head ${number}`), tokens, most, spread);
  root.addEventListener("click", choose);
  return { root, number, tokens, most, spread };
}

function write({ root, number, ...part }, { head, look, names, palette, isChosen }) {
  const pins = pinsOf(look);
  const weights = head.together("weights", pins, look.together);
  const whole = pins.length > 1 && look.together === "sum" ? pins.length : 1;
  const best = weights.reduce((top, weight, key) => (weight > weights[top] ? key : top), 0);
  const [name, weight, spread] = [brief(names[best]), ui.decimals(weights[best], 3), ui.number(effective(weights), 2)];
  part.tokens.replaceChildren(...chips(weights, whole, names, palette));
  part.most.replaceChildren(ui.make("bdi", {}, name), ` ${weight}`);
  part.spread.textContent = `over ${spread}`;
  root.setAttribute("aria-pressed", String(isChosen));
  root.setAttribute("aria-label", `Head ${number}: most to “${names[best]}”, ${weight}; spread over ${spread} tokens`);
}

/** The tokens, each shaded by its weight; where some are left out, a gap says so. */
function chips(weights, whole, names, palette) {
  const places = [...weights.keys()];
  const listed = weights.length <= ALL_UP_TO ? places
    : places.sort((a, b) => weights[b] - weights[a] || a - b).slice(0, HEAVIEST).sort((a, b) => a - b);
  return listed.flatMap((key, i) => {
    const isApart = i > 0 && key !== listed[i - 1] + 1;
    return isApart ? [ui.make("i", {}, "…"), chip(weights[key] / whole, names[key], palette)] : [chip(weights[key] / whole, names[key], palette)];
  });
}

function chip(share, name, palette) {
  const colour = ui.mix(palette.weights, share);
  const made = ui.make("span", { dir: "auto" }, brief(name));
  Object.assign(made.style, { backgroundColor: ui.css(colour), color: ui.inkOn(colour, palette) });
  return made;
}

function brief(name) {
  const letters = [...name];
  return letters.length > LONGEST ? `${letters.slice(0, LONGEST - 1).join("")}…` : name;
}
