/** What is said of a score and of what is under the pointer. */
const version = new URL(import.meta.url).search;
const [{ ui }, { whyMasked }, { titlesOf }, { bySize }, { isPaired, onStrips }] = await Promise.all(
  ["../headlight", "../masks", "../row", "./products", "./options"].map((name) => import(`${name}.js${version}`)));

const NAMED = 4;
const DEGREES = 180 / Math.PI;
const BASIS = "What this does not show: a single dimension need not stand for anything. If all queries and keys were turned alike in any way, every score would stay what it is, and every product here would be another.";
const UNKNOWN = "The queries and keys of this head are not known, so its scores cannot be taken apart by dimension.";
const LONG = "This text is so long that its queries and keys stay on the server, so its scores cannot be taken apart here.";
const AFTER_ONLY = "Queries and keys are known as they enter the score, so after any turning by place.";

/** Why the scores of a head whose vectors are not here cannot be taken apart. */
export const whyNot = ({ run }) => (run.level === "tiles" ? LONG : UNKNOWN);

/** The angle of a cosine in whole degrees; "" without one. */
export const angle = (cos) => (cos === null || cos === undefined ? "" : `${Math.round(Math.acos(Math.min(1, Math.max(-1, cos))) * DEGREES)}°`);

/** Decimals by the size of the numbers: two, or more where all are small. */
export function placesOf(units) {
  const most = units.reduce((top, { product }) => Math.max(top, Math.abs(product)), 0);
  return most >= 1000 ? 1 : most >= 1 || most === 0 ? 2 : 4;
}

/** With its sign, unless it is too small to be written. */
function signed({ places }, value) {
  const text = ui.decimals(value, places);
  return value > 0 && !text.startsWith("<") ? `+${text}` : text;
}

/** A token's name in the colour of its side. */
export function nameOf({ strips }, side, index) {
  return ui.make("b", { class: side, dir: "auto" }, "“", ...ui.named(strips[side].list, index), "”");
}

/**
 * From the products to the weight, as in the head's own stages: [{isSum, isApart, text}]. Each follows from the one before,
 * unless it isApart.
 */
export function stepsOf(state, { query, key }) {
  const { head } = state.shown;
  const rows = head.rows(query);
  const masked = !head.allowed(query)[key];
  const isBack = !isPaired(state) && onStrips(state) === state.before;
  const before = isBack ? [{ isSum: true, text: ` before turning = ${ui.decimals(state.made.sum, state.places)}` }] : [];
  const steps = Object.entries(titlesOf(head, state.vectors.layer.titles)).map(([stage, title]) => {
    const number = ui.decimals(rows[stage][key], state.places);
    return stage === "scores" ? { isSum: true, isApart: isBack, text: ` = ${number}` } : { text: `${title} = ${number}` };
  });
  const end = masked ? `masked: ${whyMasked(head, query, key)}` : `weight ${ui.decimals(rows.weights[key], 4)}`;
  return [...before, ...steps, { text: end }];
}

/** What stands between a step and the one before. */
export const joint = ({ isApart }, i) => (i === 0 ? "" : isApart ? " · as they meet " : " → ");

/** “it” · “cat”: Σ q·k = 12.84 → × 1/√32 = 2.27 → weight 0.737. */
export function chainOf(state, pair) {
  const names = [nameOf(state, "query", pair.query), " · ", nameOf(state, "key", pair.key), ": "];
  const steps = stepsOf(state, pair).flatMap((one, i) => [joint(one, i), ui.make("span", { class: "step" }, ...(one.isSum ? sumOf() : []), one.text)]);
  return [...names, ...steps];
}

const sumOf = () => ["Σ ", ui.make("b", { class: "query" }, "q"), ui.make("sub", {}, "i"), "·", ui.make("b", { class: "key" }, "k"), ui.make("sub", {}, "i")];

/** The largest few in words, and how much they make together. */
export function largestIn(state) {
  const { units, sum, before } = state.made;
  const top = bySize(units).slice(0, NAMED).filter(({ product }) => product !== 0);
  if (!top.length) return "Every product is 0.";
  const words = top.map(({ dims, product }, i) => {
    const [start, verb] = dims.length > 1 ? ["", "give"] : [i ? "" : "dimension ", "gives"];
    return `${start}${dims.join(" and ")} ${verb} ${signed(state, product)}${i ? "" : ` of ${ui.decimals(sum, state.places)}`}`;
  });
  const meeting = before === null ? "" : ` With both tokens at one place the score would be ${ui.decimals(before, state.places)}.`;
  return `The largest products: ${isPaired(state) ? "dimensions " : ""}${words.join(", ")}.${meeting}`;
}

/** What to know of the pairs, and what all of this does not show. */
export function notesOf(state) {
  const { layer } = state.vectors;
  const { look, run } = state.shown;
  const group = layer.groups[layer.heads.indexOf(look.head)];
  const sharing = layer.heads.filter((_, i) => layer.groups[i] === group);
  const keys = sharing.length > 1 && run.level !== "head" ? [`Heads ${sharing.join(", ")} of this layer read the same keys.`] : [];
  return [...keys, ...turningNotes(state), BASIS];
}

function turningNotes({ turn, before, given }) {
  if (given.awaited) return [`${AFTER_ONLY} How this model pairs its dimensions is being found out.`];
  if (!turn.pairs) return turn.why ? [`There are no rotary pairs to show: ${turn.why}.`] : [AFTER_ONLY];
  const [a, b] = turn.pairs;
  const rule = `This model turns pairs of dimensions by a token’s place, such as ${a} with ${b}: that keeps a pair’s length and changes its angle.`;
  if (!before) return [rule, `${AFTER_ONLY} They cannot be turned back: ${turn.why || "this text is longer than the test run"}.`];
  return [rule, "The angles were measured by repeating one token: turned back by them, all its queries and keys are equal. “Before turning” is as if every token stood at the first place."];
}

/** The numbers under the pointer, `one` of the units; "" without one. */
export function readoutOf(state, one) {
  if (!one) return "";
  const cell = state.cell ? `${cellWords(state)}; ` : "";
  return `${cell}${one.dims.length > 1 ? pairWords(state, one) : singleWords(state, one)} of ${ui.decimals(state.made.sum, state.places)}`;
}

function cellWords(state) {
  const { side, row, column } = state.cell;
  const value = ui.row(onStrips(state)[side], row)[column];
  return `“${state.strips[side].list[row]}”, ${side}, dimension ${column}: ${ui.number(value)}`;
}

const singleWords = (state, { dims, q, k, product }) => `dimension ${dims[0]}: ${ui.number(q)} × ${ui.number(k)} = ${signed(state, product)}`;

function pairWords(state, one) {
  const after = `dimensions ${one.dims.join(" and ")}: ${ui.number(one.q)} × ${ui.number(one.k)} × cos ${angle(one.cos)} = ${signed(state, one.product)}`;
  return one.before === null ? after : `${after} (before turning, cos ${angle(one.beforeCos)}: ${signed(state, one.before)})`;
}
