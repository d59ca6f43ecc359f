/** What stands in for “may not see” before the softmax, and what becomes of it in a type of numbers. */

const version = new URL(import.meta.url).search;
const [{ ui }, { grid }, { choices, slider }, { panel }, { softmax }] = await Promise.all(
  ["../../headlight", "../../draw/grid", "../../draw/inputs", "../../draw/panel", "../tiny"].map((name) => import(`${name}.js${version}`)));

const FILLS = { inf: ["−∞", -Infinity], billion: ["−1e9", -1e9], thousands: ["−10,000", -1e4] };
const HALF_MOST = 65_504;
const CELL = [92, 32];
const NAMES = ["a", "b", "c", "d"];
const REST = [0.5, 2, -1];

/** The nearest number of float16, ties to even; ∞ beyond its largest. */
export function half(value) {
  if (!Number.isFinite(value) || value === 0) return value;
  const size = Math.abs(value);
  if (size >= HALF_MOST + 16) return Math.sign(value) * Infinity;
  const step = 2 ** (Math.max(Math.floor(Math.log2(size)), -14) - 10);
  const [low, rest] = [Math.floor(size / step), (size / step) % 1];
  const rounded = rest > 0.5 || (rest === 0.5 && low % 2) ? low + 1 : low;
  return Math.sign(value) * rounded * step;
}

export default function ({ root, settings, context }) {
  const state = { fill: settings.fill, type: settings.type, open: settings.open, score: settings.score };
  const controls = (draw) => {
    const change = (name) => (value) => { state[name] = value; draw(); };
    return [
      choices({ label: "closed keys get", options: Object.entries(FILLS).map(([name, [words]]) => [name, words]), value: state.fill, change: change("fill") }),
      choices({ label: "numbers are", options: [["float32", "float32"], ["float16", "float16"]], value: state.type, change: change("type") }),
      choices({ label: "this row may see", options: [["one", "a alone"], ["none", "nothing"]], value: state.open, change: change("open") }),
      slider({ label: "score of a", values: [1, -100, -9_990, -9_999, -10_000, -10_001, -10_010, -20_000], value: state.score, change: change("score") }),
    ];
  };
  return panel({ root, context, controls, compute: () => madeOf(state), paint: (made, palette) => paint(made, state, palette) });
}

function madeOf({ fill, type, open, score }) {
  const kept = type === "float16" ? half : Math.fround;
  const scores = [score, ...REST].map(kept);
  const allowed = scores.map((_, i) => open === "one" && i === 0);
  const stored = kept(FILLS[fill][1]);
  const filled = scores.map((one, i) => (allowed[i] ? one : stored));
  const weights = softmax(filled).map(kept);
  const forbidden = weights.reduce((sum, one, i) => sum + (allowed[i] ? 0 : one), 0);
  return { scores, allowed, filled, weights, facts: { stored, overflows: FILLS[fill][1] !== stored && !Number.isFinite(stored), forbidden, first: weights[0], second: weights[1], nan: weights.some(Number.isNaN) ? 0 : 1,
    verdict: weights.some(Number.isNaN) ? 2 : forbidden > 1e-6 ? 1 : 0 } };
}

function paint({ scores, allowed, filled, weights, facts }, { fill, type }, palette) {
  const lines = { score: scores, "after filling": filled, weight: weights };
  const boxes = Object.entries(lines).map(([name, values]) => text([name, ...values.map((value) => written(value))]));
  const table = ui.make("table", { class: "fill" }, ui.make("caption", {}, "one row, before and after the softmax"),
    text(["key", ...NAMES.map((name, i) => `${name}: ${allowed[i] ? "open" : "closed"}`)], "th"), ...boxes);
  for (const cell of table.querySelectorAll("td, th")) cell.style.cssText = "padding: 3px 10px 3px 0; text-align: right; overflow-wrap: anywhere; min-width: 0; font-weight: 400; font-variant-numeric: tabular-nums;";
  table.caption.style.cssText = "text-align: left; font-weight: 600;";
  const map = grid({ values: [weights], columns: NAMES, title: "weights", digits: 3, cell: CELL, palette, label: `Weights: ${weights.map((one) => (Number.isNaN(one) ? "NaN" : ui.decimals(one, 3))).join(", ")}.` });
  const verdict = ["Closed keys weigh nothing ✓", `Closed keys weigh ${ui.number(facts.forbidden, 3)} together ✗`, "Every weight is NaN, and so is all that is made of it ✗"][facts.verdict];
  const kept = facts.overflows ? `${FILLS[fill][0]} does not fit ${type}, whose lowest number is −65,504: it becomes −∞. ` : "";
  return { shapes: [map, ui.make("div", { class: "scrolls", tabIndex: 0, role: "region", "aria-label": table.caption.textContent }, table)], words: `${kept}${verdict}` };
}

/** A number, short: −1e9, −10,000, 0.25. */
function written(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : ui.number(value);
  return (Math.abs(value) >= 1e6 ? value.toExponential(0).replace("+", "") : Number(value.toPrecision(6)).toLocaleString("en")).replace("-", "−");
}

const text = (values, tag = "td") => ui.make("tr", {}, ...values.map((value) => ui.make(tag, {}, value)));
