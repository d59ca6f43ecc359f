/** The matrix behind the scores, M = W_Q·W_Kᵀ, and its singular values: never more than d_k of them are above 0. */

const version = new URL(import.meta.url).search;
const [{ ui }, { chart }, { grid }, { slider }, { another, panel }, { random }, { dot, farthest, times, turned }] = await Promise.all(
  ["../../headlight", "../../draw/chart", "../../draw/grid", "../../draw/inputs", "../../draw/panel", "../../local/random", "../tiny"].map((name) => import(`${name}.js${version}`)));

const SWEEPS = 60;
const NOTHING = 1e-9;
const CELL = [44, 24];

export default function ({ root, settings, context }) {
  const state = { width: settings.width, seed: settings.seed };
  const controls = (draw) => [
    slider({ label: "d_k, the head’s width", low: 1, high: settings.d, step: 1, digits: 0, value: state.width, change: (width) => { state.width = width; draw(); } }),
    another(state, draw),
  ];
  return panel({ root, context, controls, compute: () => madeOf(settings.d, state), paint });
}

function madeOf(d, { width, seed }) {
  const { normal } = random(seed);
  const table = (rows, columns) => Array.from({ length: rows }, () => Array.from({ length: columns }, () => normal() / Math.sqrt(d)));
  const [x, y] = [table(1, d), table(1, d)];
  // All d columns are drawn, so that a wider head has the columns of a narrower one.
  const [query, key] = [table(d, d), table(d, d)].map((full) => full.map((row) => row.slice(0, width)));
  const M = times(query, turned(key));
  const values = singularOf(M);
  const byHeads = dot(times(x, query)[0], times(y, key)[0]);
  const byM = dot(times(x, M)[0], y[0]);
  return { M, values, facts: { d, width, rank: values.filter((one) => one > NOTHING * values[0]).length, two: 2 * d * width, one: d * d, fewer: 2 * d * width < d * d ? 0 : 2 * d * width > d * d ? 1 : 2,
    asymmetry: farthest(M, turned(M)), by_two: byHeads, by_one: byM, error: Math.abs(byHeads - byM) } };
}

/** Singular values, largest first: the lengths of the columns once rotations have made them all upright to each other (one-sided Jacobi; Golub & Van Loan, §8.6). */
export function singularOf(matrix) {
  const columns = turned(matrix);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let most = 0;
    for (let p = 0; p < columns.length; p++) for (let q = p + 1; q < columns.length; q++) most = Math.max(most, upright(columns, p, q));
    if (most < 1e-15) break;
  }
  return columns.map((column) => Math.sqrt(dot(column, column))).sort((a, b) => b - a);
}

/** Turn two columns in their plane until their product is 0; how far it was from that. */
function upright(columns, p, q) {
  const [a, b, c] = [dot(columns[p], columns[p]), dot(columns[q], columns[q]), dot(columns[p], columns[q])];
  const off = Math.abs(c) / (Math.sqrt(a * b) || 1);
  if (off < 1e-16) return 0;
  const zeta = (b - a) / (2 * c);
  const t = (Math.sign(zeta) || 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
  const cos = 1 / Math.sqrt(1 + t * t);
  const [left, right] = [columns[p], columns[q]];
  columns[p] = left.map((one, i) => cos * one - cos * t * right[i]);
  columns[q] = left.map((one, i) => cos * t * one + cos * right[i]);
  return off > 1e-14 && Math.sqrt(a * b) > 1e-14 ? off : 0;
}

function paint({ M, values, facts }, palette, room) {
  const bars = values.map((value, i) => ({ name: `${i + 1}.`, value: value > NOTHING * values[0] ? value : 0, colour: palette.query }));
  return {
    shapes: [
      grid({ values: M, title: `M = W_Q W_Kᵀ, ${facts.d} × ${facts.d}`, scale: "scores", digits: 2, cell: CELL, palette, label: `M, ${facts.d} by ${facts.d}, of rank ${facts.rank}.` }),
      chart({ bars, palette, width: Math.min(330, room), label: `Singular values of M: ${bars.map(({ value }) => ui.number(value, 3)).join(", ")}.` }),
    ],
    words: `${facts.rank} of ${facts.d} singular values are above 0. Two matrices hold ${facts.two} numbers, M itself ${facts.one}. `
      + `x·M·y = ${ui.number(facts.by_one, 4)} and q·k = ${ui.number(facts.by_two, 4)}, equal within ${ui.number(facts.error, 2)} ${facts.error < 1e-9 ? "✓" : "✗"}`,
  };
}
