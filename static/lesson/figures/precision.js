/** One weighted sum, added up in four orders and three precisions: equal in mathematics, unequal in the last digits. */

const version = new URL(import.meta.url).search;
const [{ button, slider }, { chart }, { random }, { framed, roomIn, table, tiny, wide }] = await Promise.all(
  ["../../draw/inputs", "../../draw/chart", "../../local/random", "../common"].map((name) => import(`${name}.js${version}`)));

const COUNTS = [8, 16, 32, 64, 128, 256, 512, 1024];
const BLOCK = 8;
const half = (value) => cut(value, 10, -14);
const PRECISIONS = [["float64", (value) => value, 15], ["float32", Math.fround, 9], ["float16", half, 6]];
const ORDERS = [["first to last", inOrder], ["last to first", (terms, round) => inOrder(terms.toReversed(), round)],
  ["in pairs", inPairs], [`in blocks of ${BLOCK}`, inBlocks]];

export default function ({ root, settings, context }) {
  const state = { n: COUNTS.find((count) => count >= settings.n) ?? COUNTS.at(-1), seed: settings.seed };
  const change = (changes) => {
    Object.assign(state, changes);
    draw();
    context.changed();
  };
  const { body, said } = framed(root, slider({ label: "keys", values: COUNTS, value: state.n, change: (n) => change({ n }) }),
    button("other numbers", () => change({ seed: state.seed + 1 })));

  function draw() {
    const palette = context.palette();
    const sums = sumsOf(state);
    const rows = ORDERS.map(([name], at) => [name, ...PRECISIONS.map(([, , digits], column) => sums[column][at].toPrecision(digits).replace("-", "−"))]);
    const spreads = ["largest difference", ...sums.map((list) => tiny(spread(list)))];
    const lines = PRECISIONS.map(([name], at) => ({ name, dash: at, dots: true, colour: [palette.value, palette.query, palette.key][at],
      points: COUNTS.map((n) => [n, spread(sumsOf({ ...state, n })[at])]).filter(([, size]) => size > 0) }));
    body.replaceChildren(
      wide("The sums as a table", table("One output number, Σ weight × value, in four orders", ["order of the sum", ...PRECISIONS.map(([name]) => name)], [...rows, spreads])),
      chart({ label: `Largest difference between the four orders by the number of keys: ${PRECISIONS.map(([name], at) => `${name} ${tiny(spread(sums[at]))} at ${state.n} keys`).join(", ")}.`,
        palette, lines, width: roomIn(body), x: { label: "keys", log: true }, y: { label: "difference", log: true, from: 1e-18, to: 1e-2 }, marks: [{ x: state.n, label: `${state.n} keys` }] }));
    said.textContent = `The same ${state.n} products: float64 differs by ${tiny(spread(sums[0]))}, float32 by ${tiny(spread(sums[1]))}, float16 by ${tiny(spread(sums[2]))}.`;
  }

  draw();
  return {
    facts: () => {
      const [in64, in32, in16] = sumsOf(state).map(spread);
      return { in64: tiny(in64), in32: tiny(in32), in16: tiny(in16), n: state.n, equal: in32 === 0 ? 0 : 1 };
    },
    draw, stop: () => {},
  };
}

/** By precision, the sums in each order. */
function sumsOf({ n, seed }) {
  const numbers = random(seed);
  const exponentials = Array.from({ length: n }, () => Math.exp(numbers.normal()));
  const total = exponentials.reduce((sum, one) => sum + one, 0);
  const values = exponentials.map(() => numbers.normal());
  return PRECISIONS.map(([, round]) => {
    const terms = values.map((value, i) => round(round(exponentials[i] / total) * round(value)));
    return ORDERS.map(([, add]) => add(terms, round));
  });
}

const spread = (list) => Math.max(...list) - Math.min(...list);

function inOrder(terms, round) {
  return terms.reduce((sum, term) => round(sum + term), 0);
}

function inPairs(terms, round) {
  if (terms.length < 2) return terms[0] ?? 0;
  const middle = terms.length >> 1;
  return round(inPairs(terms.slice(0, middle), round) + inPairs(terms.slice(middle), round));
}

function inBlocks(terms, round) {
  const blocks = Array.from({ length: Math.ceil(terms.length / BLOCK) }, (_, i) => inOrder(terms.slice(i * BLOCK, (i + 1) * BLOCK), round));
  return inOrder(blocks, round);
}

/** The nearest number with so many binary places after the first, even at a tie; below 2^least the places do not move. */
function cut(value, places, least) {
  if (value === 0 || !Number.isFinite(value)) return value;
  const unit = 2 ** (Math.max(least, Math.floor(Math.log2(Math.abs(value)))) - places);
  const [share, low] = [value / unit, Math.floor(value / unit)];
  const up = share - low > 0.5 || (share - low === 0.5 && low % 2 !== 0);
  return (low + (up ? 1 : 0)) * unit;
}
