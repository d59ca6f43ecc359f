/**
 * What is said of each step with the numbers of the pinned tokens: a plain sentence, and the formula with its numbers. `now` is {
 * state, names, step: the layer's, head, group, i, j, d}. Nothing here touches the page.
 */

const version = new URL(import.meta.url).search;
const { ui } = await import(`../headlight.js${version}`);

const SHOWN = 3;

/** A number with three places that mean something, and four decimals of a small one. */
export function fine(value) {
  if (value === 0) return "0";
  if (Math.abs(value) < 0.00005) return "≈0";
  return Math.abs(value) < 0.001 ? ui.decimals(value, 4) : ui.number(value, 3);
}
const factor = (value) => (fine(value).startsWith("−") ? `(${fine(value)})` : fine(value));
/** A name in quotation marks. */
export const said = (name) => `“${name}”`;
/** A share as a percentage. */
export function percent(share) {
  if (share > 0 && share < 0.01) return "less than 1 %";
  return share < 1 && share > 0.99 ? "more than 99 %" : `${Math.round(100 * share)} %`;
}

/** A row of an array of two or three axes: of head `head`, where there are heads. */
export function rowOf(array, index, head = 0) {
  const [rows, columns] = array.shape.slice(-2);
  const from = (head * rows + index) * columns;
  return array.subarray(from, from + columns);
}

/** A sum of products with its largest terms, or all of a few, in their order, and what the others come to: nothing is left out unsaid. */
export function products(one, other, total) {
  const terms = Array.from(one, (value, i) => [i, value * other[i]]);
  const kept = new Set([...terms].filter(([, value]) => value !== 0).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, terms.length > SHOWN + 1 ? SHOWN : terms.length).map(([i]) => i));
  if (!kept.size) return `${terms.length} products that are all 0 = ${fine(total)}`;
  const shown = terms.filter(([i]) => kept.has(i)).map(([i]) => `${factor(one[i])}·${factor(other[i])}`);
  const rest = terms.filter(([i]) => !kept.has(i)).map(([, value]) => value);
  const others = rest.length ? ` + ${rest.length} more that ${rest.some(Boolean) ? `sum to ${factor(sumOf(rest))}` : rest.length === 1 ? "is 0" : "are 0"}` : "";
  return `${shown.join(" + ")}${others} = ${fine(total)}`;
}

const sumOf = (values) => values.reduce((all, value) => all + value, 0);

/** The numbers of a vector by what they stand for, the largest first, where they stand for something; a 1 is the name alone. */
export function named(values, dims, most = 4) {
  const held = Array.from(values, (value, at) => [at, value]).filter(([, value]) => Math.abs(value) >= 0.005).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  if (!held.length) return "0";
  const one = ([at, value]) => (Math.abs(value - 1) < 0.0005 ? said(dims[at]) : `${fine(value)} of ${said(dims[at])}`);
  return `${held.slice(0, most).map(one).join(", ")}${held.length > most ? ", …" : ""}`;
}

/** A vector in a formula: its first numbers, or what they stand for. */
const vector = (values, dims) => (dims ? `(${named(values, dims)})` : list(values));
const list = (values, most = 4) => `(${Array.from(values.slice(0, most), fine).join(", ")}${values.length > most ? ", …" : ""})`;
const column = (matrix, at) => Float32Array.from({ length: matrix.shape[0] }, (_, row) => matrix[row * matrix.shape[1] + at]);
const cell = (array, head, i, j) => rowOf(array, i, head)[j];
/** The length of a vector. */
export const lengthOf = (values) => Math.hypot(...values);
/** How far the pinned token's output lies from what it was; null where that had other sizes, or nothing was before. */
export function moved(now, then) {
  const [is, was] = [now, then].map((one) => one && one.state.layer === now.state.layer && rowOf(one.step.pass.output, now.i));
  return was && was.length === is.length ? Math.hypot(...is.map((value, at) => value - was[at])) : null;
}
/** What a change did to the pinned pair, in words; "" where before and now have other sizes. */
export function effect(now, then) {
  const far = moved(now, then);
  if (far === null) return "";
  const [was, is] = [then, now].map(({ step: { pass } }) => cell(pass.weights, now.head, now.i, now.j));
  return `What it did: ${said(now.names[now.i])} → ${said(now.names[now.j])} weight ${fine(was)} → ${fine(is)}; the output of ${said(now.names[now.i])} moved by ${fine(far)}.`;
}
/** The entropy of a row of weights, in nats. */
export const entropyOf = (row) => -row.reduce((sum, weight) => (weight > 0 ? sum + weight * Math.log(weight) : sum), 0);

/** The keys of a row by falling weight, without those that have none. */
export const ranked = (row) => Array.from(row, (weight, at) => [at, weight]).filter(([, weight]) => weight > 0).sort((a, b) => b[1] - a[1]);

/** The queries' column of the head's dimension, and that of its group. */
const own = ({ head, group, d, dim }) => ({ asks: head * d + dim, gives: group * d + dim });

/** The query of the pinned pair times its key. */
function productOf({ i, j, head, group, step: { pass } }) {
  const key = rowOf(pass.key, j, group);
  return rowOf(pass.query, i, head).reduce((sum, value, at) => sum + value * key[at], 0);
}

/** The edit of the pinned pair’s score, if there is one. */
const setAt = ({ state, head, i, j }) => state.edits.find((edit) => edit.matrix === "scores" && edit.layer === state.layer && edit.head === head && edit.row === i && edit.column === j);

/** What each step says: {plain(now), formula(now): lines}. */
export const SAYS = {
  embed: {
    plain({ names, i, step, state }) {
      const m = step.x.shape[1];
      if (state.layer > 0) return `What layer 1 wrote was added to each token’s ${m} numbers. Layer 2 reads the sum: ${said(names[i])} now also holds what layer 1 found for it.`;
      const places = step.settings.positions ? `one list for the word, one for its place ${i} (the first is 0), added up` : "the same wherever it stands, for positions are off";
      return `${said(names[i])} becomes a list of ${m} numbers: ${places}.`;
    },
    formula({ i, step, before, dims }) {
      const [first, second] = before ? [before.x, before.pass.output] : [step.words, step.positions];
      const parts = [first, second].map((one) => vector(rowOf(one, i), dims));
      return [`x[${i}] = ${before ? "x of layer 1 + its output" : "word + position"} = ${parts.join(" + ")} = ${vector(rowOf(step.x, i), dims)}`];
    },
  },
  project: {
    plain({ names, i, j }) {
      return `From the same list each token gets three new ones: a query, what ${said(names[i])} looks for; a key, what ${said(names[j])} offers to be found by; and a value, what ${said(names[j])} carries to whoever looks at it.`;
    },
    formula(now) {
      const { i, j, step, dim } = now;
      const { asks, gives } = own(now);
      const { weights, pass, x } = step;
      const line = (name, at, from, matrix, made) => `${name}[${at}][${dim}] = x[${at}] · column ${from} of W_${name.toUpperCase()} = ${products(rowOf(x, at), column(matrix, from), made)}`;
      return [
        line("q", i, asks, weights.query, rowOf(pass.Q, i)[asks]), line("k", j, gives, weights.key, rowOf(pass.K, j)[gives]),
        line("v", j, gives, weights.value, rowOf(pass.V, j)[gives]),
      ];
    },
  },
  split: {
    plain({ names, i, head, step, d }) {
      const [h, g] = [step.settings.n_heads, step.settings.n_kv_heads];
      if (h === 1) return `There is one head, which has all ${d} numbers of the query of ${said(names[i])}.`;
      const shared = g < h ? ` Its keys and values it shares with other heads: ${h / g} heads have one set of them.` : "";
      return `Head ${head}, of ${h}, takes its own ${d} numbers of the query of ${said(names[i])}, ${head * d} to ${(head + 1) * d - 1}, and so asks a question of its own.${shared}`;
    },
    formula({ i, j, head, group, dims, step: { pass, settings: { n_heads: h, n_kv_heads: g, d_model: m } }, d }) {
      return [`d_head = d_model ÷ heads = ${m} ÷ ${h} = ${d}`, `q[${i}] = ${vector(rowOf(pass.query, i, head), dims)}, from head ${head}`,
        `k[${j}] = ${vector(rowOf(pass.key, j, group), dims)}, v[${j}] = ${vector(rowOf(pass.value, j, group), dims)}, from key-value head ${group}${g === h ? "" : ` of ${g}`}`];
    },
  },
  scores: {
    plain(now) {
      const { names, i, j } = now;
      const edit = setAt(now);
      const instead = edit ? ` You set ${fine(edit.value)} in its place.` : "";
      return `How well does the key of ${said(names[j])} answer the query of ${said(names[i])}? Multiply them number by number and add up: ${fine(productOf(now))}.${instead}`;
    },
    formula(now) {
      const { i, j, head, group, step: { pass } } = now;
      const edit = setAt(now);
      const line = `q[${i}]·k[${j}] = ${products(rowOf(pass.query, i, head), rowOf(pass.key, j, group), productOf(now))}`;
      return edit ? [line, `set by hand: ${fine(edit.value)}`] : [line];
    },
  },
  scale: {
    plain({ names, i, step: { settings }, d }) {
      if (!settings.scaled) return `The scale is off: the scores of ${said(names[i])} stay as large as they are, and grow with the width of a head.`;
      const more = settings.temperature === 1 ? "" : ` The temperature divides them once more, by ${String(settings.temperature)}.`;
      return `Sums of ${d} products grow with d_head. Divided by √${d} they stay of one size, whatever the width of a head.${more}`;
    },
    formula({ i, j, head, step: { pass, settings }, d }) {
      const [from, to] = [cell(pass.scores, head, i, j), cell(pass.tempered, head, i, j)];
      const scaled = cell(pass.scaled, head, i, j);
      const first = settings.scaled ? `${fine(from)} ÷ √${d} = ${fine(from)} ÷ ${fine(Math.sqrt(d))} = ${fine(scaled)}` : `${fine(from)} as it is`;
      return settings.temperature === 1 ? [first] : [first, `${fine(scaled)} ÷ temperature ${String(settings.temperature)} = ${fine(to)}`];
    },
  },
  mask: {
    plain({ names, i, step: { settings } }) {
      const n = names.length;
      if (!settings.causal) return `Nothing is masked: ${said(names[i])} may look at all ${n} tokens, before and after it.`;
      const later = n - 1 - i;
      const open = i === 0 ? "only itself" : `itself and the ${i} before it`;
      return `${said(names[i])} may look at ${open}${later ? `; the ${later} after it ${later === 1 ? "is" : "are"} closed, for ${later === 1 ? "it has" : "they have"} not been said yet` : ""}.`;
    },
    formula({ names, i, j, head, step: { pass, settings } }) {
      const [from, to] = [cell(pass.tempered, head, i, j), cell(pass.masked, head, i, j)];
      if (!settings.causal) return [`no mask: ${fine(from)} stays`];
      return [j <= i ? `${said(names[j])} stands at ${j} ≤ ${i}: ${fine(from)} stays` : `${said(names[j])} stands at ${j} > ${i}: ${fine(from)} becomes ${fine(to)}`];
    },
  },
  softmax: {
    plain({ names, i, head, step: { pass } }) {
      const [first, second] = ranked(rowOf(pass.weights, i, head));
      const next = second ? `, ${said(names[second[0]])} ${percent(second[1])}` : "";
      return `The scores of ${said(names[i])} become shares that sum to 1: ${said(names[first[0]])} gets ${percent(first[1])}${next}. The largest score takes the most, and nobody gets less than 0.`;
    },
    formula({ i, j, head, step: { pass } }) {
      const row = rowOf(pass.masked, i, head);
      const top = Math.max(...row);
      const total = row.reduce((sum, score) => sum + Math.exp(score - top), 0);
      const weight = cell(pass.weights, head, i, j);
      if (!Number.isFinite(row[j])) return [`exp(−∞) = 0, so the weight is 0`];
      return [`exp(${fine(row[j])} − ${factor(top)}) ÷ ${fine(total)} = ${fine(Math.exp(row[j] - top))} ÷ ${fine(total)} = ${fine(weight)}`];
    },
  },
  mix: {
    plain({ names, i, head, step: { pass } }) {
      const all = ranked(rowOf(pass.weights, i, head));
      const parts = all.slice(0, 2).map(([at, weight]) => `${percent(weight)} of what ${said(names[at])} carries`);
      return `${said(names[i])} takes ${parts.join(" and ")}${all.length > 2 ? ", and so on" : ""}: the values, each times its weight, added up.`;
    },
    formula({ i, head, group, step: { pass }, dim }) {
      const weights = rowOf(pass.weights, i, head);
      const values = Float32Array.from(weights, (_, at) => rowOf(pass.value, at, group)[dim]);
      return [`output of head ${head} [${i}][${dim}] = Σ weight·v[${dim}] = ${products(weights, values, rowOf(pass.heads, i, head)[dim])}`];
    },
  },
  concat: {
    plain({ names, i, step: { settings }, d }) {
      const { n_heads: h } = settings;
      return h === 1 ? `There is one head, so there is nothing to lay beside what it found for ${said(names[i])}.`
        : `What the ${h} heads found for ${said(names[i])} is laid side by side: ${h} × ${d} = ${h * d} numbers. Nothing is added up yet.`;
    },
    formula({ i, step: { pass, settings: { n_heads: h } }, d }) {
      const parts = Array.from({ length: Math.min(h, 3) }, (_, head) => list(rowOf(pass.heads, i, head), 2));
      return [`concat[${i}] = ${parts.join(" ⊕ ")}${h > 3 ? " ⊕ …" : ""}, ${h} × ${d} = ${h * d} numbers`];
    },
  },
  output: {
    plain({ names, i, head, step, d }) {
      const m = step.pass.output.shape[1];
      const part = lengthOf(contribution(step, i, head, d));
      const whole = lengthOf(rowOf(step.pass.output, i));
      return `W_O mixes them into ${m} numbers, the layer’s answer for ${said(names[i])}, which is added to its vector in a whole model. Head ${head} brings a vector of length ${fine(part)}, all heads together one of ${fine(whole)}.`;
    },
    formula({ i, step, out }) {
      const { pass, weights } = step;
      return [`output[${i}][${out}] = concat[${i}] · column ${out} of W_O = ${products(rowOf(pass.concat, i), column(weights.output, out), rowOf(pass.output, i)[out])}`];
    },
  },
};

/** What one head adds to a token's output: its own part of concat times its own rows of W_O. */
export function contribution({ pass, weights }, i, head, d) {
  const m = weights.output.shape[1];
  const made = new Float64Array(m);
  const values = rowOf(pass.heads, i, head);
  for (let at = 0; at < d; at++) for (let to = 0; to < m; to++) made[to] += values[at] * weights.output[(head * d + at) * m + to];
  return made;
}
