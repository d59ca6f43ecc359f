/** A query and three keys on a plane: turned together, every product stays; turned alone, none does. */

const version = new URL(import.meta.url).search;
const [{ ui }, { chart }, { choices, slider }, { another, panel }, { arrow, plane, planeOf }, { random }, { dot, farthest }] = await Promise.all(
  ["../../headlight", "../../draw/chart", "../../draw/inputs", "../../draw/panel", "../../draw/plane", "../../local/random", "../tiny"].map((name) => import(`${name}.js${version}`)));

const KEYS = 3;
const SCALE = planeOf(2.6);
const SAME = 1e-9;
const SIGNS = "₁₂₃";

export default function ({ root, settings, context }) {
  const state = { angle: settings.angle, what: settings.what, seed: settings.seed };
  const controls = (draw) => [
    slider({ label: "turned by", unit: "°", low: 0, high: 360, step: 5, digits: 0, value: state.angle, change: (angle) => { state.angle = angle; draw(); } }),
    choices({ label: "turn", options: [["both", "query and keys"], ["query", "the query alone"]], value: state.what, change: (what) => { state.what = what; draw(); } }),
    another(state, draw),
  ];
  return panel({ root, context, controls, compute: () => madeOf(state), paint });
}

function madeOf({ angle, what, seed }) {
  const { uniform } = random(seed);
  const one = () => {
    const [size, direction] = [0.9 + 1.1 * uniform(), 2 * Math.PI * uniform()];
    return [size * Math.cos(direction), size * Math.sin(direction)];
  };
  const before = { q: one(), keys: Array.from({ length: KEYS }, one) };
  const by = (angle * Math.PI) / 180;
  const turned = ([x, y]) => [x * Math.cos(by) - y * Math.sin(by), x * Math.sin(by) + y * Math.cos(by)];
  const after = { q: turned(before.q), keys: what === "both" ? before.keys.map(turned) : before.keys };
  const [first, second] = [before, after].map(({ q, keys }) => keys.map((key) => dot(q, key)));
  const moved = farthest([before.q, ...before.keys], [after.q, ...after.keys]);
  const change = farthest([first], [second]);
  const grew = (list) => list.reduce((sum, value) => sum + Math.abs(value), 0);
  return { after, first, second, facts: { angle, change, moved, products: change < SAME ? 2 : grew(second) > grew(first) ? 0 : 1 } };
}

function paint({ after, first, second, facts }, palette, room) {
  const bars = second.map((value, i) => ({ name: `q·k${SIGNS[i]}`, value, colour: palette.key, words: ui.number(value, 4) }));
  const arrows = [...after.keys.map((key, i) => arrow(SCALE, key, { colour: palette.key, name: `k${SIGNS[i]}` })), arrow(SCALE, after.q, { colour: palette.query, name: "q" })];
  return {
    shapes: [
      plane(SCALE, `q at ${place(after.q)}; keys at ${after.keys.map(place).join(", ")}.`, palette, ...arrows),
      chart({ bars, palette, width: Math.min(380, room), y: { to: 4.2 }, label: `Products: ${bars.map(({ name, words }) => `${name} = ${words}`).join(", ")}.` }),
    ],
    words: `Coordinates moved by up to ${ui.number(facts.moved, 3)}, products by ${facts.change < SAME ? `at most ${ui.number(facts.change, 2)}` : `up to ${ui.number(facts.change, 3)}`}. `
      + `Before: ${first.map((value) => ui.number(value, 4)).join(", ")}; now: ${second.map((value) => ui.number(value, 4)).join(", ")}.`,
  };
}

const place = ([x, y]) => `(${ui.decimals(x, 2)}, ${ui.decimals(y, 2)})`;
