/** Pairs of parts, the largest first, as lines whose heads lead to themselves; and the box that chooses the key. */
const version = new URL(import.meta.url).search;
const [{ ui }, { term }, { barLines }, { percent }] = await Promise.all(
  ["../headlight", "../terms", "../signed/bars", "../signed/aim"].map((name) => import(`${name}.js${version}`)));

const FREE = "the largest weight";

/** [{query, key: numbers of parts, value}] of one cell of the map, or with null of all; the largest first. */
export function pairsOf({ pairs, ranked, sides }, cell) {
  const columns = sides.key.length;
  const all = pairs ? sides.query.flatMap((_, query) => sides.key.map((__, key) => ({ query, key, value: pairs[query * columns + key] }))) : ranked;
  const inside = ({ query, key }) => !cell || (sides.query[query].group === cell.row && sides.key[key].group === cell.column);
  return all.filter(inside).sort((one, other) => Math.abs(other.value) - Math.abs(one.value));
}

/** A part in words: what it is, and at which token it stood. */
export function titleOf(given, side, number) {
  const { name } = given.sides[side][number];
  return name === "constant" ? "what no token decides" : `${name} at “${given[side].name}”`;
}

export function fillList(state, pairs) {
  const { given, palette } = state;
  const rows = pairs.map(({ query, key, value }, i) => ({
    value, before: String(i + 1), name: [partOf(state, "query", query), ui.make("span", { class: "small" }, " (query) × "), partOf(state, "key", key), ui.make("span", { class: "small" }, " (key)")],
  }));
  state.lines.replaceChildren(...barLines(palette, rows, {}));
  state.lines.setAttribute("aria-label", `pairs of the score ${given.query.name} looks at ${given.key.name}`);
}

/** One side of a pair; of a head a button that goes to it, at the token where it wrote. */
function partOf(state, side, number) {
  const { given, store } = state;
  const part = given.sides[side][number];
  const words = titleOf(given, side, number);
  if (part.head === null || part.kind !== given.kind) return ui.make("span", { class: side }, words);
  const button = ui.make("button", { type: "button", class: `link ${side}`, title: `Show layer ${part.layer}, head ${part.head}, and what it looked at from “${given[side].name}”` }, words);
  button.addEventListener("click", () => store.change({ layer: part.layer, head: part.head, query: given[side].place, also: [], key: null }, { now: true }));
  return button;
}

/** {root, select}: which key's score is taken apart. */
export function choiceOf(store) {
  const select = ui.make("select", { "aria-label": "key of the score" });
  select.addEventListener("change", () => store.change({ key: select.value === "" ? null : Number(select.value) }, { now: true }));
  return { select, root: ui.make("label", { class: "chosen-key" }, term("chosen", "key"), " ", select) };
}

export function offer({ select }, { keys, key, chosen }) {
  const option = ({ place, name, weight }) => ui.make("option", { value: String(place) }, `${place} ${name} · ${percent(weight)}`);
  select.replaceChildren(ui.make("option", { value: "" }, chosen ? FREE : `${FREE}: ${key.name}`), ...keys.map(option));
  select.value = chosen ? String(key.place) : "";
}
