/**
 * The stages of one row of a head: each step turns the line of the step before it, keys low to high, into its own. A layer is
 * one of the tree of `attention/browser/heads.py`; `at` is the place of a head among those of it that travelled.
 */

const version = new URL(import.meta.url).search;
const { cut } = await import(`./arrays.js${version}`);

/** Whether the scores of a layer can be made, from its queries and keys. */
export const knows = (layer) => Boolean(layer.query && layer.key);

/** [name, step(line, query, low, high, float64)] of every stage before the weights. cuts: what edits close, or null. */
export function stepsOf(layer, at, temperature, cuts) {
  const width = layer.query.shape[2];
  const { scale, softcap, bias, mask, keys } = layer;
  const steps = [
    ["scores", (line, query, low, high, float64) => {
      products(float64("query"), query * width, float64("key"), width, line, low, high);
    }],
    ["scaled", (line, query, low, high) => {
      for (let key = low; key < high; key++) line[key] *= scale;
    }],
  ];
  if (softcap !== null) {
    steps.push(["softcapped", (line, query, low, high) => {
      for (let key = low; key < high; key++) line[key] = softcap * Math.tanh(line[key] / softcap);
    }]);
  }
  if (bias !== null) {
    const { numbers, from } = biasOf(bias, at, layer);
    steps.push(["biased", (line, query, low, high) => {
      for (let key = low, i = from(query) + low; key < high; key++, i++) line[key] += numbers[i];
    }]);
  }
  if (temperature !== 1) {
    steps.push(["tempered", (line, query, low, high) => {
      for (let key = low; key < high; key++) line[key] /= temperature;
    }]);
  }
  steps.push(["masked", (line, query, low, high) => {
    const closed = closedTo(mask, at, query, keys);
    if (closed) for (let key = low; key < high; key++) if (closed(key)) line[key] = -Infinity;
    if (cuts) for (let key = low; key < high; key++) if (cuts(query, key)) line[key] = -Infinity;
  }]);
  return steps;
}

/** The stages before the weights that are known without q and k, if the model showed any. cuts: since it ran, or null. */
export function mapsOf(layer, at, heat, cuts) {
  const { masked } = layer.maps;
  if (!masked) return [];
  const scores = (line, query) => {
    line.set(cut(masked, at, query));
    if (heat !== 1) for (let key = 0; key < line.length; key++) line[key] /= heat;
    if (cuts) for (let key = 0; key < line.length; key++) if (cuts(query, key)) line[key] = -Infinity;
  };
  return heat === 1 ? [["masked", scores]] : [["tempered", scores], ["masked", scores]];
}

/** line[key] = query · key, four keys at a time; `from` is where the query's d numbers begin. */
function products(query, from, key, width, line, low, high) {
  let k = low;
  for (; k + 3 < high; k += 4) {
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let i = 0, one = k * width, two = one + width, three = two + width, four = three + width; i < width; i++) {
      const x = query[from + i];
      a += x * key[one + i];
      b += x * key[two + i];
      c += x * key[three + i];
      d += x * key[four + i];
    }
    line[k] = a;
    line[k + 1] = b;
    line[k + 2] = c;
    line[k + 3] = d;
  }
  for (; k < high; k++) {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += query[from + i] * key[k * width + i];
    line[k] = sum;
  }
}

/** The numbers that a head adds, and where those of a query begin so that key k's is the k-th. */
export function biasOf({ byDistance, byKey, dense }, at, { queries, keys }) {
  const numbers = byDistance ?? byKey ?? dense;
  const own = numbers.shape[0] > 1 ? at : 0;
  if (byKey) return { numbers, from: () => own * keys };
  if (dense) return { numbers, from: (query) => (own * queries + query) * keys };
  return { numbers, from: (query) => own * (queries + keys - 1) + queries - 1 - query };
}

/** The keys low to high − 1 that the rule lets a query see, before padding and bits are asked. */
export function span({ before, after }, query, keys) {
  const high = after === null ? keys : Math.max(0, Math.min(keys, query + after + 1));
  return [before === null ? 0 : Math.min(high, Math.max(0, query - before)), high];
}

/** The function key → whether padding or a dense mask closes it to this query; null where neither is there. */
export function closedTo({ keys, bits }, at, query, count) {
  if (bits) {
    const bytes = Math.ceil(count / 8);
    const from = ((bits.shape.length === 3 ? at * bits.shape[1] : 0) + query) * bytes;
    return (key) => !((bits[from + (key >> 3)] >> (key & 7)) & 1);
  }
  return keys ? (key) => !keys[key] : null;
}

/** Whether a layer's mask closes any key to any query of a head. */
export function closesAny({ mask, queries, keys }, at) {
  const { before, after } = mask;
  if ((before !== null && before < queries - 1) || (after !== null && after < keys - 1)) return true;
  if (mask.keys?.includes(0)) return true;
  if (!mask.bits) return false;
  for (let query = 0; query < queries; query++) {
    const closed = closedTo(mask, at, query, keys);
    for (let key = 0; key < keys; key++) if (closed(key)) return true;
  }
  return false;
}

/** The logit of a head's learned sink for one query, or null. */
export function sinkOf({ sink, queries }, at, query) {
  if (!sink) return null;
  return sink.shape.length === 2 ? sink[at * queries + query] : sink[at];
}

/**
 * Masked scores of the line → weights; what lies outside low to high becomes 0. Returns the sink's share, 0 without one.
 * A row of nothing but −∞ gives zeros. outside: the sink acts on the output, so the weights sum to 1 without it.
 */
export function softmax(line, low, high, sink, outside) {
  line.fill(0, 0, low).fill(0, high);
  let top = sink !== null && !outside ? sink : -Infinity;
  for (let key = low; key < high; key++) if (!(line[key] <= top)) top = line[key];
  if (top === -Infinity) top = 0;
  let total = 0;
  for (let key = low; key < high; key++) {
    line[key] = Math.exp(line[key] - top);
    total += line[key];
  }
  const part = sink === null ? 0 : Math.exp(sink - top);
  const own = outside ? total : total + part;
  if (own !== 0) for (let key = low; key < high; key++) line[key] /= own;
  if (sink === null || sink === -Infinity) return 0;
  // Alone, or so far above all scores that exp() overflows, the sink has it all.
  return total === 0 || part === Infinity ? 1 : part / (total + part);
}

/** Make the line sum to 1, unless it sums to nothing. */
export function divide(line) {
  const total = line.reduce((sum, weight) => sum + weight, 0);
  if (total > 0) for (let key = 0; key < line.length; key++) line[key] /= total;
}

/** Add weight × value of the keys low to high to `sum` (v), four keys at a time. */
export function addValues(line, value, low, high, sum) {
  const width = sum.length;
  let k = low;
  for (; k + 3 < high; k += 4) {
    const a = line[k];
    const b = line[k + 1];
    const c = line[k + 2];
    const d = line[k + 3];
    for (let i = 0, one = k * width, two = one + width, three = two + width, four = three + width; i < width; i++) {
      sum[i] += a * value[one + i] + b * value[two + i] + c * value[three + i] + d * value[four + i];
    }
  }
  for (; k < high; k++) for (let i = 0; i < width; i++) sum[i] += line[k] * value[k * width + i];
}
