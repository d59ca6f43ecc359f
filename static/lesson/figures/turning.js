/** Rotary positions in one pair of dimensions: a query and a key turned by their places, and what is left of it in q·k. */

const version = new URL(import.meta.url).search;
const [{ stageOf }, { turned }, { random }, { frame, svg, text }, { button, slider }] = await Promise.all(
  ["../stage", "../places", "../../local/random", "../../draw/svg", "../../draw/inputs"].map((name) => import(`${name}.js${version}`)));

const [FARTHEST, STEP, SIZE, WIDE] = [30, 5, 320, 32];
// For the names beside the circle.
const ROOM = 24;
const OMEGA = 0.2;

export default function ({ root, settings, context }) {
  const state = { query: settings.query, key: settings.key, seed: settings.seed };
  const act = (changes) => {
    Object.assign(state, changes);
    draw();
    context.changed();
  };
  const move = (by) => {
    const room = by > 0 ? FARTHEST - Math.max(state.query, state.key) : -Math.min(state.query, state.key);
    const step = by > 0 ? Math.min(by, room) : Math.max(by, room);
    act({ query: state.query + step, key: state.key + step });
    places.forEach(([element, name]) => element.set(state[name]));
  };
  const places = ["query", "key"].map((name) => [slider({ label: `place of the ${name}`, low: 0, high: FARTHEST, step: 1, value: state[name], digits: 0, change: (at) => act({ [name]: at }) }), name]);
  const stage = stageOf({ root, ui: context.ui }, places.map(([element]) => element),
    [button(`Move both by −${STEP}`, () => move(-STEP)), button(`Move both by +${STEP}`, () => move(STEP)), button("Another seed", () => act({ seed: state.seed + 1 }))]);

  function draw() {
    const { score, lengths, gap, distance } = factsOf(state);
    stage.show(circle(state, context));
    stage.says(`Turned by ${(OMEGA * state.query).toFixed(2)} and ${(OMEGA * state.key).toFixed(2)} radians; lengths ${lengths}, as before the turns. q·k = ${context.ui.decimals(score, 4)} at distance ${distance}.`);
    stage.check(gap < 1e-9, `in ${WIDE} dimensions too, q at m times k at n is q times k turned by n − m, within ${context.ui.number(gap, 2)}`);
  }

  draw();
  return { facts: () => factsOf(state), draw, stop: () => root.replaceChildren() };
}

/** The pair before any turn: a query and a key of a seed, neither too short to see. */
function pairOf(seed) {
  const numbers = random(seed);
  const one = () => [0.7 + 0.3 * numbers.uniform(), 2 * Math.PI * numbers.uniform()];
  return { query: one(), key: one() };
}

const at = ([length, angle], place) => [length * Math.cos(angle + OMEGA * place), length * Math.sin(angle + OMEGA * place)];

function scoreOf({ seed, query, key }) {
  const pair = pairOf(seed);
  const [q, k] = [at(pair.query, query), at(pair.key, key)];
  return q[0] * k[0] + q[1] * k[1];
}

function circle(state, context) {
  const { ui } = context;
  const palette = context.palette();
  const pair = pairOf(state.seed);
  const middle = SIZE / 2;
  const radius = middle - 34;
  const place = ([x, y]) => [ROOM + middle + radius * x, middle - radius * y];
  const arrow = (name, vector, colour, dashed) => {
    const [x, y] = place(vector);
    return [svg("line", { x1: ROOM + middle, y1: middle, x2: x, y2: y, stroke: colour, "stroke-width": dashed ? 1.5 : 3, "stroke-dasharray": dashed ? "4 4" : null }),
      svg("circle", { cx: x, cy: y, r: dashed ? 3 : 5, fill: colour }), text(x + (x > ROOM + middle ? 8 : -8), y - 6, name, { fill: colour, anchor: x > ROOM + middle ? "start" : "end", weight: dashed ? null : 600 })];
  };
  const score = scoreOf(state);
  return frame(SIZE + 2 * ROOM, SIZE, `A query at place ${state.query} and a key at place ${state.key}, each turned by its place; q·k is ${ui.decimals(score, 3)}.`,
    svg("circle", { cx: ROOM + middle, cy: middle, r: radius, fill: "none", stroke: palette.line }),
    ...arrow("q", at(pair.query, 0), palette.query, true), ...arrow("k", at(pair.key, 0), palette.key, true),
    ...arrow(`q at ${state.query}`, at(pair.query, state.query), palette.query, false), ...arrow(`k at ${state.key}`, at(pair.key, state.key), palette.key, false),
    text(8, 20, `q·k = ${ui.decimals(score, 3)}`, { fill: palette.ink, weight: 600 }));
}

/** The largest gap of both sides of the rule, over some pairs of places, in wide vectors. */
function gapInWide(seed, query, key) {
  const numbers = random(seed + 1);
  const [q, k] = [0, 1].map(() => Float64Array.from({ length: WIDE }, () => numbers.normal()));
  const dot = (one, other) => one.reduce((sum, value, i) => sum + value * other[i], 0);
  return Math.abs(dot(turned(q, query), turned(k, key)) - dot(q, turned(k, key - query)));
}

function factsOf(state) {
  const pair = pairOf(state.seed);
  const score = scoreOf(state);
  const moved = scoreOf({ ...state, query: state.query + STEP, key: state.key + STEP });
  const alone = scoreOf({ ...state, key: state.key + STEP });
  return {
    score, moved, alone, distance: state.key - state.query, gap: gapInWide(state.seed, state.query, state.key), stays: Math.abs(score - moved) < 1e-9 ? 0 : 1,
    lengths: [pair.query, pair.key].map(([length]) => length.toFixed(3)).join(" and "),
  };
}
