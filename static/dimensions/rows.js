/** The rows of bars of one score, for the page and for its picture: what each shows, how high it is, where its bars stand. */
const version = new URL(import.meta.url).search;
const [{ ui }, { isPaired }] = await Promise.all(["../headlight", "./options"].map((name) => import(`${name}.js${version}`)));

export const GAP = 12;
const HEIGHTS = { part: 54, product: 96, sum: 54 };

/** {name, label, height, values by unit, low, high} and how they are drawn. Rows that compare share a range. */
export function rowsOf({ made, palette, ...state }) {
  const paired = isPaired(state);
  const list = (name) => made.order.map((one) => one[name]);
  const before = made.before === null ? [] : list("before");
  const frame = paired ? list("most") : [];
  const parts = rangeOf([...list("q"), ...list("k")]);
  const wholes = rangeOf([...list("product"), ...before, ...frame, ...frame.map((most) => -most)]);
  const sums = made.order.map(() => 0);
  made.order.reduce((far, { product }, i) => (sums[i] = far + product), 0);
  const sign = (value) => ui.css(ui.mix(palette.scores, value < 0 ? 0.12 : 0.88));
  const part = (label, name, ink) => ({ name, label, height: HEIGHTS.part, values: list(name), ...parts, colour: () => ink, ink });
  const product = (name, label, values) => ({ name, label, height: HEIGHTS.product, values, ...wholes, frame, colour: sign });
  return [
    part(paired ? "‖q‖" : "q", "q", palette.query), part(paired ? "‖k‖" : "k", "k", palette.key),
    product("product", "q·k", list("product")), ...(before.length ? [product("before", "before", before)] : []),
    { name: "sum", label: "Σ so far", height: HEIGHTS.sum, values: sums, ...rangeOf(sums), isLine: true },
  ];
}

/** From the least to the largest number, with 0 between them. */
function rangeOf(values) {
  const [low, high] = values.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [0, 0]);
  return { low, high: low === high ? 1 : high };
}

/** How high one is in a row whose top is there, and where its 0 stands. */
export function scaleOf({ low, high, height }, top) {
  const unit = height / (high - low);
  return { unit, zero: top + high * unit };
}

/** Where a bar stands, {x, y, width, height}; thin ones stand without a gap. */
export function barOf({ values }, i, { left, step, unit, zero }) {
  const gap = step >= 6 ? 2 : step >= 3 ? 1 : 0;
  const value = values[i];
  return { x: left + i * step + gap / 2, y: value < 0 ? zero : zero - value * unit, width: step - gap, height: Math.abs(value) * unit };
}

/** Around a pair's bar: what its product could be at any distance. */
export function frameOf({ frame, ...row }, i, place) {
  const { x, width } = barOf(row, i, place);
  return { x: x + 0.5, y: place.zero - frame[i] * place.unit, width: Math.max(width - 1, 0.5), height: 2 * frame[i] * place.unit };
}

/** The corners [x, y] of the line of what the products sum to so far. */
export function stepsOf({ values }, { left, step, unit, zero }) {
  return [[left, zero], ...values.flatMap((value, i) => [i, i + 1].map((at) => [left + at * step, zero - value * unit]))];
}

/** The numbers at a row's two ends, [value, y], and where its label stands. edge: from there to an end, apart: to the label. */
export function labelsOf({ low, high, height }, { top, zero, edge, apart }) {
  const ends = [[high, top + edge], [low, top + height - edge]].filter(([value]) => value !== 0);
  return { ends, middle: Math.min(Math.max(zero, top + apart), top + height - (low < 0 ? apart : edge + 4)) };
}

/** [place, text] of the dimensions' numbers under their bars, as many as have room. */
export function namesUnder(order, step, widthOf) {
  const words = order.map(({ dims }) => dims.join("·"));
  const longest = words.reduce((one, other) => (other.length > one.length ? other : one), "");
  const every = Math.max(1, Math.ceil((widthOf(longest) + 6) / step));
  return words.map((text, i) => [i, text]).filter(([i]) => i % every === 0);
}
