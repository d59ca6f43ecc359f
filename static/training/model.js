/**
 * Attention alone, forward and backward by hand: one learned query looks over ten places. A place's vector is its mark's
 * plus its symbol's; the query is `asker · query`; keys and values are made of the places by one matrix each; `heads` of
 * them take part of the width each; `output` (W_O) adds them up, and `answers` makes of that one score for each symbol at
 * each mark. No bias, no residual connection, no feed-forward layer.
 *
 * There are only so many kinds of places, so vector, key, value and scores are made once for each kind, not once for each
 * place: the same numbers for less work. Letters in the comments: b examples, p places, c kinds of places, m width, h heads.
 */
const version = new URL(import.meta.url).search;
const [{ fromLeft, fromRight, multiply }, { PLACES, SYMBOLS, kindsOf, markOf, symbolOf }] = await Promise.all(
  ["./matrix", "./task"].map((name) => import(`${name}.js${version}`)));

/** The learned arrays in their order: [name, [rows, columns]]. */
export function shapesOf({ width, lookups }) {
  const square = [width, width];
  return [
    ["marks", [lookups + 1, width]], ["symbols", [SYMBOLS, width]], ["asker", [1, width]], ["query", square], ["key", square],
    ["value", square], ["output", square], ["answers", [width, lookups * SYMBOLS]],
  ];
}

// What stands in a table of vectors begins with a variance of 1, and a matrix so that it keeps the variance.
const TABLES = ["marks", "symbols", "asker"];

/** How many numbers are learned. */
export const sizeOf = (sizes) => shapesOf(sizes).reduce((sum, [, [rows, columns]]) => sum + rows * columns, 0);

/** Views of one flat array, by name. */
export function partsOf(flat, sizes) {
  let from = 0;
  const views = shapesOf(sizes).map(([name, shape]) => {
    const part = flat.subarray(from, from + shape[0] * shape[1]);
    from += part.length;
    part.shape = shape;
    return [name, part];
  });
  return Object.fromEntries(views);
}

/** Fresh parameters; of one seed they are the same for each number of heads, which only share the width out. */
export function initial(sizes, random) {
  const flat = new Float64Array(sizeOf(sizes));
  for (const [name, part] of Object.entries(partsOf(flat, sizes))) {
    const scale = TABLES.includes(name) ? 1 : part.shape[0] ** -0.5;
    for (let i = 0; i < part.length; i++) part[i] = scale * random.normal();
  }
  return flat;
}

/** Room for one pass over `count` examples; `weights` is (b, h, p), `logits` (b, lookups, SYMBOLS). */
export function passOf({ width, heads, lookups }, count) {
  const kinds = kindsOf(lookups);
  const room = (...shape) => new Float64Array(shape.reduce((a, b) => a * b, 1));
  return {
    count, width, heads, lookups, kinds,
    x: room(kinds, width), q: room(width), keys: room(kinds, width), values: room(kinds, width), scores: room(kinds, heads),
    weights: room(count, heads, PLACES), mixed: room(count, width), out: room(count, width), logits: room(count, lookups, SYMBOLS),
    // Gradients of the loss in what stands above.
    by: {
      x: room(kinds, width), q: room(width), keys: room(kinds, width), values: room(kinds, width), scores: room(kinds, heads),
      mixed: room(count, width), out: room(count, width), logits: room(count, lookups, SYMBOLS), again: room(kinds, width), slopes: room(PLACES),
    },
  };
}

/** The loss, in nats: the mean cross entropy over examples and look-ups. Fills the pass, and by.logits. */
export function forward(parts, pass, batch) {
  ofKinds(parts, pass);
  attend(pass, batch);
  const { count, width, lookups, mixed, out, logits } = pass;
  multiply(out, mixed, parts.output, count, width, width);
  multiply(logits, out, parts.answers, count, width, lookups * SYMBOLS);
  return entropy(pass, batch);
}

/** x, keys, values and scores of all kinds of places, and the query. */
function ofKinds(parts, { x, q, keys, values, scores, kinds, width, heads }) {
  for (let kind = 0; kind < kinds; kind++) {
    const [mark, symbol] = [markOf(kind) * width, symbolOf(kind) * width];
    for (let i = 0; i < width; i++) x[kind * width + i] = parts.marks[mark + i] + parts.symbols[symbol + i];
  }
  multiply(q, parts.asker, parts.query, 1, width, width);
  multiply(keys, x, parts.key, kinds, width, width);
  multiply(values, x, parts.value, kinds, width, width);
  const size = width / heads;
  const scale = size ** -0.5;
  for (let kind = 0; kind < kinds; kind++) {
    for (let head = 0; head < heads; head++) {
      const from = head * size;
      let sum = 0;
      for (let i = from; i < from + size; i++) sum += q[i] * keys[kind * width + i];
      scores[kind * heads + head] = sum * scale;
    }
  }
}

/** Each head's softmax over the ten places of each example, and the values that it mixes. */
function attend(pass, { kinds }) {
  const { count, heads, width, weights, mixed, values } = pass;
  const size = width / heads;
  mixed.fill(0);
  for (let example = 0; example < count; example++) {
    const first = example * PLACES;
    for (let head = 0; head < heads; head++) {
      const at = (example * heads + head) * PLACES;
      softmaxOf(pass, kinds, first, head, at);
      const to = example * width + head * size;
      for (let place = 0; place < PLACES; place++) {
        const weight = weights[at + place];
        const from = kinds[first + place] * width + head * size;
        for (let i = 0; i < size; i++) mixed[to + i] += weight * values[from + i];
      }
    }
  }
}

/** The weights of one head in one example, from its places' scores. */
function softmaxOf({ heads, scores, weights }, kinds, first, head, at) {
  let largest = -Infinity;
  for (let place = 0; place < PLACES; place++) {
    const score = scores[kinds[first + place] * heads + head];
    if (score > largest) largest = score;
  }
  let sum = 0;
  for (let place = 0; place < PLACES; place++) {
    const power = Math.exp(scores[kinds[first + place] * heads + head] - largest);
    weights[at + place] = power;
    sum += power;
  }
  for (let place = 0; place < PLACES; place++) weights[at + place] /= sum;
}

/** Mean cross entropy of the answers; leaves (probability − right) / (examples · look-ups) in by.logits. */
function entropy({ count, lookups, logits, by }, { answers }) {
  const rows = count * lookups;
  let total = 0;
  for (let row = 0; row < rows; row++) {
    const from = row * SYMBOLS;
    let largest = -Infinity;
    for (let i = from; i < from + SYMBOLS; i++) if (logits[i] > largest) largest = logits[i];
    let sum = 0;
    for (let i = from; i < from + SYMBOLS; i++) {
      by.logits[i] = Math.exp(logits[i] - largest);
      sum += by.logits[i];
    }
    const right = from + answers[row];
    total += Math.log(sum) + largest - logits[right];
    for (let i = from; i < from + SYMBOLS; i++) by.logits[i] /= sum * rows;
    by.logits[right] -= 1 / rows;
  }
  return total / rows;
}

/** The loss's gradient in all parameters, into `slopes` (views as `parts`), after a forward pass over the same batch. */
export function backward(parts, slopes, pass, batch) {
  const { count, width, lookups, mixed, out, by } = pass;
  const outputs = lookups * SYMBOLS;
  fromLeft(slopes.answers, out, by.logits, count, width, outputs);
  fromRight(by.out, by.logits, parts.answers, count, width, outputs);
  fromLeft(slopes.output, mixed, by.out, count, width, width);
  fromRight(by.mixed, by.out, parts.output, count, width, width);
  throughAttention(pass, batch);
  throughScores(pass);
  throughKinds(parts, slopes, pass);
}

/** From what the heads mixed to the values and, through the softmax, to the scores. */
function throughAttention({ count, heads, width, weights, values, by }, { kinds }) {
  const size = width / heads;
  by.values.fill(0);
  by.scores.fill(0);
  for (let example = 0; example < count; example++) {
    const first = example * PLACES;
    for (let head = 0; head < heads; head++) {
      const at = (example * heads + head) * PLACES;
      const to = example * width + head * size;
      let mean = 0;
      for (let place = 0; place < PLACES; place++) {
        const weight = weights[at + place];
        const from = kinds[first + place] * width + head * size;
        let slope = 0;
        for (let i = 0; i < size; i++) {
          const down = by.mixed[to + i];
          slope += down * values[from + i];
          by.values[from + i] += weight * down;
        }
        by.slopes[place] = slope;
        mean += weight * slope;
      }
      for (let place = 0; place < PLACES; place++) {
        by.scores[kinds[first + place] * heads + head] += weights[at + place] * (by.slopes[place] - mean);
      }
    }
  }
}

/** From the scores to the query and the keys. */
function throughScores({ kinds, heads, width, q, keys, by }) {
  const size = width / heads;
  const scale = size ** -0.5;
  by.q.fill(0);
  for (let kind = 0; kind < kinds; kind++) {
    for (let i = 0; i < width; i++) {
      const slope = by.scores[kind * heads + Math.floor(i / size)] * scale;
      by.keys[kind * width + i] = slope * q[i];
      by.q[i] += slope * keys[kind * width + i];
    }
  }
}

/** From query, keys and values to the matrices that made them, and to the vectors of marks and symbols. */
function throughKinds(parts, slopes, { kinds, width, x, by }) {
  fromLeft(slopes.query, parts.asker, by.q, 1, width, width);
  fromRight(slopes.asker, by.q, parts.query, 1, width, width);
  fromLeft(slopes.key, x, by.keys, kinds, width, width);
  fromLeft(slopes.value, x, by.values, kinds, width, width);
  fromRight(by.x, by.keys, parts.key, kinds, width, width);
  fromRight(by.again, by.values, parts.value, kinds, width, width);
  slopes.marks.fill(0);
  slopes.symbols.fill(0);
  for (let kind = 0; kind < kinds; kind++) {
    const [mark, symbol] = [markOf(kind) * width, symbolOf(kind) * width];
    for (let i = 0; i < width; i++) {
      const slope = by.x[kind * width + i] + by.again[kind * width + i];
      slopes.marks[mark + i] += slope;
      slopes.symbols[symbol + i] += slope;
    }
  }
}

/** The symbol that the model names at each mark: (b, lookups). */
export function named({ count, lookups, logits }) {
  const said = new Int32Array(count * lookups);
  for (let row = 0; row < said.length; row++) {
    let best = 0;
    for (let i = 1; i < SYMBOLS; i++) if (logits[row * SYMBOLS + i] > logits[row * SYMBOLS + best]) best = i;
    said[row] = best;
  }
  return said;
}

/** The share of right answers at each mark. */
export function accuracyOf(pass, { answers }) {
  const right = Array.from({ length: pass.lookups }, () => 0);
  named(pass).forEach((symbol, row) => { right[row % pass.lookups] += symbol === answers[row] ? 1 : 0; });
  return right.map((count) => count / pass.count);
}

/**
 * What each head gives to the marked places, the means over all examples, one list of `lookups` numbers a head: `received`
 * by mark, `ranked` from the place that it weighs most in an example to the one that it weighs least.
 */
export function receivedOf({ count, heads, lookups, weights }, { kinds }) {
  const empty = () => Array.from({ length: heads }, () => Array.from({ length: lookups }, () => 0));
  const [received, ranked] = [empty(), empty()];
  for (let example = 0; example < count; example++) {
    const places = Array.from(kinds.subarray(example * PLACES, (example + 1) * PLACES), markOf);
    for (let head = 0; head < heads; head++) {
      const from = (example * heads + head) * PLACES;
      const given = received[head].map((_, mark) => weights[from + places.indexOf(mark + 1)]);
      given.forEach((weight, mark) => { received[head][mark] += weight / count; });
      given.toSorted((one, other) => other - one).forEach((weight, rank) => { ranked[head][rank] += weight / count; });
    }
  }
  return { received, ranked };
}
