/** Four values on a plane that a person moves, and the one place that their weighted mean has between them. */

const version = new URL(import.meta.url).search;
const [{ ui }, { slider }, { another, panel }, planes, { svg }, { random }, { lengthOf, softmax, times }] = await Promise.all(
  ["../../headlight", "../../draw/inputs", "../../draw/panel", "../../draw/plane", "../../draw/svg", "../../local/random", "../tiny"].map((name) => import(`${name}.js${version}`)));

const { arrow, ground, hullOf, plane, planeOf, point, turn } = planes;
const TOKENS = 4;
const SIGNS = "₁₂₃₄";
const SCALE = planeOf(3);
const STEPS = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
// Rounding may put a mean this far outside of the line between two values.
const ROUNDING = 1e-9;

export default function ({ root, settings, context }) {
  const state = { seed: settings.seed, scores: [1, 0, 0, -1], values: null, dragged: null };
  const controls = (draw) => [
    ...Array.from({ length: TOKENS }, (_, i) => slider({ label: `score of v${SIGNS[i]}`, low: -6, high: 6, step: 0.1, digits: 1, value: state.scores[i], change: (score) => { state.scores[i] = score; draw(); } })),
    another(state, () => { state.values = null; draw(); }),
  ];
  const compute = () => {
    state.values ??= valuesOf(state.seed);
    const weights = softmax(state.scores);
    const output = times([weights], state.values)[0];
    const corners = hullOf(state.values);
    const isInside = corners.every((corner, i) => turn(corner, corners[(i + 1) % corners.length], output) >= -ROUNDING);
    const lengths = state.values.map(lengthOf);
    return { weights, output, corners, facts: { length: lengthOf(output), longest: Math.max(...lengths), within: isInside ? 0 : 1, longer: lengthOf(output) <= Math.max(...lengths) + ROUNDING ? 1 : 0,
      top: Math.max(...weights), corners: corners.length } };
  };
  const ready = (drawings, draw) => listen(drawings, state, draw);
  return panel({ root, context, controls, compute, ready, paint: (made, palette) => ({ shapes: [drawing(state.values, made, palette)], words: wordsOf(made) }) });
}

function valuesOf(seed) {
  const { uniform } = random(seed);
  return Array.from({ length: TOKENS }, (_, i) => {
    const direction = (2 * Math.PI * (i + uniform() * 0.7)) / TOKENS;
    const length = 1 + 1.6 * uniform();
    return [length * Math.cos(direction), length * Math.sin(direction)];
  });
}

function drawing(values, { weights, output, corners }, palette) {
  const points = values.map((value, i) => {
    const made = point(SCALE, value, { colour: palette.value, name: `v${SIGNS[i]}`, radius: 5 + 9 * weights[i] });
    const around = svg("circle", { cx: SCALE.at(value)[0], cy: SCALE.at(value)[1], r: 18, fill: "transparent" });
    made.append(around);
    for (const [name, is] of [["tabindex", "0"], ["role", "slider"], ["aria-label", `value ${i + 1}, at ${place(value)}, weight ${ui.decimals(weights[i], 2)}; arrow keys move it`],
      ["aria-valuenow", value[0].toFixed(1)], ["aria-valuetext", place(value)], ["data-at", String(i)]]) made.setAttribute(name, is);
    made.style.cssText = "cursor: grab; touch-action: none;";
    return made;
  });
  const made = plane(SCALE, `Values at ${values.map(place).join(", ")}; their mean at ${place(output)}.`, palette,
    ground(SCALE, corners, { colour: palette.value }), arrow(SCALE, output, { colour: palette.ink, name: "o" }), ...points);
  made.setAttribute("role", "group"); // a picture may hold nothing that is moved
  return made;
}

/** Points are moved by a pointer or by arrow keys; the drawing is made anew at each move, so its place listens. */
function listen(place, state, draw) {
  const at = (event) => event.target.closest?.("[data-at]")?.dataset.at;
  const move = (i, [x, y]) => {
    const limit = (one) => Math.max(-SCALE.reach, Math.min(SCALE.reach, Math.round(one * 20) / 20));
    state.values[i] = [limit(x), limit(y)];
    draw();
  };
  place.addEventListener("pointerdown", (event) => {
    if (at(event) === undefined) return;
    event.preventDefault();
    state.dragged = Number(at(event));
    place.setPointerCapture(event.pointerId);
  });
  place.addEventListener("pointermove", (event) => {
    if (state.dragged !== null) move(state.dragged, SCALE.under(place.querySelector("svg"), event));
  });
  for (const name of ["pointerup", "pointercancel"]) place.addEventListener(name, () => { state.dragged = null; });
  place.addEventListener("keydown", (event) => {
    const by = STEPS[event.key];
    if (!by || at(event) === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const i = Number(at(event));
    move(i, state.values[i].map((one, axis) => one + by[axis]));
  });
}

const place = ([x, y]) => `(${ui.decimals(x, 2)}, ${ui.decimals(y, 2)})`;

function wordsOf({ weights, output, facts }) {
  return `o = ${weights.map((weight, i) => `${ui.decimals(weight, 2)} v${SIGNS[i]}`).join(" + ")} = ${place(output)}, ${facts.within === 0 ? "inside the ground between the values ✓" : "outside ✗"} `
    + `Its length is ${ui.number(facts.length, 3)}; the longest value has ${ui.number(facts.longest, 3)}.`;
}
