/**
 * The numbers that each panel of a head shows, and the range of its colours: `attention/figures/heatmaps.py` in the
 * browser. Cells that are masked are NaN. `brought` are the numbers that only the server can make, of this very head;
 * of them only those that were asked for when it was told of the head, so that others may still be on their way.
 */

const { shaped } = await import(`./arrays.js${new URL(import.meta.url).search}`);

// Where the largest of all scores is this many times the 98th percentile, one cell would leave all others pale.
const EXTREME = 6;
const ENOUGH = 50;

/** {z, zmin, zmax, scale, note} of one panel, or {reason} in words, or {awaited: true} for what is still on its way. */
export function cellsOf(name, { run, look, head }, brought) {
  if (head.window) return travelled(name, run.tiles.reasons, look, head);
  if (name === "scores") return scoreCells(head, stageOf(head, look.stage));
  if (name === "weights") return look.weights === "weights" ? weightCells(head) : broughtCells(head, look.weights, brought);
  return look.values === "output" ? outputCells(head) : contributionCells(brought);
}

/** The same of a long text, of which pooled maps travelled: z with query and key, where each number stands. */
function travelled(name, reasons, look, head) {
  if (name === "values") {
    if (reasons[look.values]) return { reason: reasons[look.values] };
    const made = head.values(look.values);
    return made ? { ...made, scale: "values", ...symmetric(made.z) } : { reason: "What each token receives is too large to travel for a text of this length." };
  }
  const what = name === "scores" ? stageOf(head, look.stage) : look.weights;
  if (reasons[what]) return { reason: reasons[what] };
  if (!what) return { reason: "The scores of this head are not known: only its weights were given." };
  const made = head.window(what);
  return what === "weights" || what === "norms" ? { ...made, zmin: 0, zmax: 1, scale: "weights", note: "" } : { ...made, scale: "scores", ...symmetric(made.z) };
}

/** The stage that is shown: the one that was asked for, or the last there is before the weights; null where none is. */
export function stageOf(head, wanted) {
  const names = stagesOf(head);
  return names.includes(wanted) ? wanted : names.at(-1) ?? null;
}

/** The stages of scores, without "masked" where nothing is: that is the stage before it. */
export function stagesOf(head) {
  const names = head.names.filter((name) => name !== "weights" && name !== "softmaxed");
  return head.isMasked === false && names.length > 1 ? names.filter((name) => name !== "masked") : names;
}

function scoreCells(head, stage) {
  if (!stage) return { reason: "The scores of this head are not known: only its weights were given." };
  const map = head.map(stage);
  const z = stage === "masked" ? withoutInfinity(map) : map;
  return { z, scale: "scores", ...symmetric(z) };
}

function withoutInfinity(map) {
  const z = shaped(new Float32Array(map), map.shape);
  for (let i = 0; i < z.length; i++) if (z[i] === -Infinity) z[i] = NaN;
  return z;
}

function weightCells(head) {
  const z = withSink(head, openOnly(head, head.map("weights")));
  return { z, zmin: 0, zmax: 1, scale: "weights", note: "" };
}

/** ‖weight · f(x)‖ as a share of the row ("norms"), or that less the weight (Kobayashi et al. 2020). */
function broughtCells(head, what, brought) {
  if (!brought?.norms) return { awaited: true };
  if (brought.norms.reason) return { reason: `What each key brings cannot be told: ${brought.norms.reason}.` };
  const { lengths } = brought.norms;
  const weights = head.map("weights");
  const z = shaped(new Float32Array(weights.length), weights.shape);
  for (let query = 0; query < head.queries; query++) {
    const row = weights.subarray(query * head.keys, (query + 1) * head.keys);
    const total = row.reduce((sum, weight, key) => sum + weight * lengths[key], 0);
    row.forEach((weight, key) => {
      const share = total > 0 ? (weight * lengths[key]) / total : 0;
      z[query * head.keys + key] = what === "norms" ? share : share - weight;
    });
  }
  const open = openOnly(head, z);
  if (what === "norms") return { z: open, zmin: 0, zmax: 1, scale: "weights", note: brought.norms.note };
  const range = symmetric(open);
  return { z: open, scale: "scores", ...range, note: [brought.norms.note, range.note].filter(Boolean).join("; ") };
}

function outputCells(head) {
  const z = head.output;
  if (!z) return { reason: "There is no output to draw: the values of this head are not known." };
  return { z, scale: "values", ...symmetric(z) };
}

function contributionCells(brought) {
  if (!brought?.contribution) return { awaited: true };
  const { z, reason, note } = brought.contribution;
  if (!z) return { reason: `There is no contribution to draw: ${reason}.` };
  const range = symmetric(z);
  return { z, scale: "values", ...range, note: [note, range.note].filter(Boolean).join("; ") };
}

/** A copy in which those cells are NaN that the mask closes and that take nothing: what got past it stays in sight. */
function openOnly(head, map) {
  const z = shaped(new Float32Array(map), map.shape);
  const weights = head.map("weights");
  for (let query = 0; query < head.queries; query++) {
    const allowed = head.allowed(query);
    for (let key = 0, i = query * head.keys; key < head.keys; key++, i++) if (!allowed[key] && weights[i] === 0) z[i] = NaN;
  }
  return z;
}

/** The weights with a learned sink's share as one more column. */
function withSink(head, map) {
  if (!head.hasSinkColumn) return map;
  const sink = head.sinkWeight;
  const z = shaped(new Float32Array(head.queries * (head.keys + 1)), [head.queries, head.keys + 1]);
  for (let query = 0; query < head.queries; query++) {
    z.set(map.subarray(query * head.keys, (query + 1) * head.keys), query * (head.keys + 1));
    z[query * (head.keys + 1) + head.keys] = sink[query];
  }
  return z;
}

/** {zmin, zmax, note}: colours from −limit to limit by the finite numbers, and what to say of extreme ones. */
export function symmetric(z) {
  const sizes = finiteSizes(z);
  let top = 0;
  for (let i = 0; i < sizes.length; i++) if (sizes[i] > top) top = sizes[i];
  if (!top) return { zmin: -1, zmax: 1, note: "" };
  const plain = { zmin: -top, zmax: top, note: "" };
  // Sorting takes its time, and is only needed where few numbers are large.
  if (sizes.length < ENOUGH || countAbove(sizes, top / EXTREME) > sizes.length - Math.floor(0.98 * (sizes.length - 1))) return plain;
  const usual = quantile(sizes.sort(), 0.98);
  if (usual <= 0 || top < EXTREME * usual) return plain;
  const limit = roundUp(usual);
  const extreme = z.find((value) => Math.abs(value) === top);
  return { zmin: -limit, zmax: limit, note: `Colours end at ±${Number(limit.toPrecision(6))}; the largest is ${Number(extreme.toPrecision(4))}.` };
}

/** The sizes of the finite numbers. */
function finiteSizes(z) {
  const sizes = new Float32Array(z.length);
  let count = 0;
  for (let i = 0; i < z.length; i++) if (Number.isFinite(z[i])) sizes[count++] = Math.abs(z[i]);
  return sizes.subarray(0, count);
}

function countAbove(sizes, least) {
  let count = 0;
  for (let i = 0; i < sizes.length; i++) if (sizes[i] > least) count += 1;
  return count;
}

/** The q-quantile of ascending numbers, between two of them by their distance, as numpy has it. */
function quantile(sorted, q) {
  const place = q * (sorted.length - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (place - low);
}

function roundUp(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return Math.ceil(value / unit) * unit;
}

/**
 * {received, asked, mean (n_k), spread (n_q)} of one head: what each key receives in all and by each that may look at
 * it, and over how many keys each query spreads, exp(entropy). As `tests/oracles/margins.py`.
 */
export function margins(head) {
  const weights = head.map("weights");
  const received = new Float64Array(head.keys);
  const asked = new Float64Array(head.keys);
  const spread = new Float32Array(head.queries);
  for (let query = 0; query < head.queries; query++) {
    const row = weights.subarray(query * head.keys, (query + 1) * head.keys);
    const allowed = head.allowed(query);
    row.forEach((weight, key) => {
      received[key] += weight;
      asked[key] += allowed[key];
    });
    spread[query] = effective(row);
  }
  const mean = Float32Array.from(received, (sum, key) => sum / Math.max(1, asked[key]));
  return { received: Float32Array.from(received), asked, mean, spread };
}

/** exp(entropy) of a row's shares: the number of keys that it spreads over as if evenly; 0 for a row of zeros. */
export function effective(row) {
  const total = row.reduce((sum, weight) => sum + weight, 0);
  if (!(total > 0)) return 0;
  return Math.exp(row.reduce((sum, weight) => (weight > 0 ? sum - (weight / total) * Math.log(weight / total) : sum), 0));
}
