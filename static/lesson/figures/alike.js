/** Different weights, the same output: a direction in which a row can move without moving the mean. */

const version = new URL(import.meta.url).search;
const [{ ui }, { grid }, { slider }, { another, panel }, { random }, { farthest, softmax, times, turned }] = await Promise.all(
  ["../../headlight", "../../draw/grid", "../../draw/inputs", "../../draw/panel", "../../local/random", "../tiny"].map((name) => import(`${name}.js${version}`)));

const CELL = [58, 28];
const ZERO = 1e-10;

export default function ({ root, settings, context }) {
  const state = { n: settings.n, width: settings.width, amount: settings.amount, seed: settings.seed };
  const controls = (draw) => [
    ["n", "tokens n", 2, 9], ["width", "numbers in a value, d_v", 1, 6],
  ].map(([name, label, low, high]) => slider({ label, low, high, step: 1, digits: 0, value: state[name], change: (value) => { state[name] = value; draw(); } })).concat([
    slider({ label: "moved by", low: -1, high: 1, step: 0.02, digits: 2, value: state.amount, change: (amount) => { state.amount = amount; draw(); } }), another(state, draw)]);
  return panel({ root, context, controls, compute: () => madeOf(state), paint });
}

/** The weights, and the weights moved along what changes neither their sum nor their mean, as far as all stay positive. */
function madeOf({ n, width, amount, seed }) {
  const { normal } = random(seed);
  const first = softmax(Array.from({ length: n }, normal));
  const values = Array.from({ length: n }, () => Array.from({ length: width }, normal));
  const free = freeOf(turned(values.map((value) => [...value, 1])));
  const direction = widest(first, free);
  const second = first.map((weight, i) => weight + amount * reachOf(first, direction, amount) * direction[i]);
  const outputs = [first, second].map((row) => times([row], values)[0]);
  return { values, first, second, outputs, facts: { n, width, free: free.length, change: farthest([first], [second]), output_change: farthest([outputs[0]], [outputs[1]]), possible: free.length > 0 ? 0 : 1,
    least: Math.min(...second), sum: second.reduce((total, one) => total + one, 0) } };
}

/** Of the free directions, and the sums and differences of two, the one along which the row can move most, both ways. */
function widest(row, free) {
  const pairs = free.flatMap((one, i) => free.slice(i + 1).flatMap((other) => [1, -1].map((sign) => one.map((value, at) => value + sign * other[at]))));
  const moves = (direction) => Math.min(reachOf(row, direction, 1), reachOf(row, direction, -1)) * Math.max(...direction.map(Math.abs));
  return [...free, ...pairs].reduce((best, one) => (moves(one) > moves(best) ? one : best), Array(row.length).fill(0));
}

/** How far a row can go that way before a weight is 0. */
function reachOf(row, direction, amount) {
  const limits = row.map((weight, i) => (direction[i] * amount < 0 ? weight / Math.abs(direction[i]) : Infinity));
  const least = Math.min(...limits);
  return Number.isFinite(least) ? least : 0;
}

/** Vectors z with A·z = 0 that span all of them, by elimination with the largest pivot: A has a row an equation. */
export function freeOf(equations) {
  const rows = equations.map((row) => [...row]);
  const n = rows[0].length;
  const pivots = [];
  for (let column = 0, at = 0; column < n && at < rows.length; column++) {
    const best = rows.slice(at).reduce((top, row, i) => (Math.abs(row[column]) > Math.abs(rows[top][column]) ? at + i : top), at);
    if (Math.abs(rows[best][column]) < ZERO) continue;
    [rows[at], rows[best]] = [rows[best], rows[at]];
    rows[at] = rows[at].map((one) => one / rows[at][column]);
    rows.forEach((row, i) => { if (i !== at) rows[i] = row.map((one, j) => one - row[column] * rows[at][j]); });
    pivots.push(column);
    at++;
  }
  const others = Array.from({ length: n }, (_, i) => i).filter((column) => !pivots.includes(column));
  return others.map((column) => Array.from({ length: n }, (_, i) => (i === column ? 1 : pivots.includes(i) ? -rows[pivots.indexOf(i)][column] : 0)));
}

function paint({ values, first, second, outputs, facts }, palette) {
  const names = first.map((_, i) => `token ${i}`);
  const said = (row) => row.map((one) => ui.decimals(one, 3)).join(", ");
  return {
    shapes: [
      grid({ values: first.map((weight, i) => [weight, second[i]]), rows: names, columns: ["one row", "another"], digits: 3, cell: CELL, palette, label: `Weights ${said(first)}, and ${said(second)}.` }),
      grid({ values, columns: values[0].map((_, i) => `v[${i}]`), scale: "values", digits: 2, cell: CELL, palette, label: "The values." }),
      grid({ values: outputs, rows: ["from one", "from another"], columns: outputs[0].map((_, i) => `o[${i}]`), scale: "values", digits: 3, cell: CELL, palette, label: `Outputs ${said(outputs[0])}, and ${said(outputs[1])}.` }),
    ],
    words: facts.free ? `${facts.n} weights, ${facts.width} + 1 conditions (the output’s numbers, and the sum): ${facts.free} free ${facts.free === 1 ? "direction" : "directions"}. The weights differ by up to ${ui.number(facts.change, 3)}, the outputs by ${ui.number(facts.output_change, 2)} ${facts.output_change < 1e-9 ? "✓" : "✗"}`
      : `${facts.n} weights, ${facts.width} + 1 conditions: none is free, and no other row gives this output.`,
  };
}
