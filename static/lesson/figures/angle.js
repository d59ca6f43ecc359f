/** A query and two keys: a score is length times length times the cosine of the angle between. */

const version = new URL(import.meta.url).search;
const [{ ui }, { chart }, { slider }, { panel }, { arrow, plane, planeOf }, { dot, largest, lengthOf }] = await Promise.all(
  ["../../headlight", "../../draw/chart", "../../draw/inputs", "../../draw/panel", "../../draw/plane", "../tiny"].map((name) => import(`${name}.js${version}`)));

const SCALE = planeOf(3.2);
const QUERY = [1.5, 0];
const RADIANS = Math.PI / 180;

export default function ({ root, settings, context }) {
  const state = { lengths: [settings.first_length, settings.second_length], angles: [settings.first_angle, settings.second_angle] };
  const controls = (draw) => [0, 1].flatMap((at) => [
    slider({ label: `length of k${"₁₂"[at]}`, low: 0, high: 3, step: 0.1, digits: 1, value: state.lengths[at], change: (value) => { state.lengths[at] = value; draw(); } }),
    slider({ label: "its angle to q", unit: "°", low: -180, high: 180, step: 5, digits: 0, value: state.angles[at], change: (value) => { state.angles[at] = value; draw(); } }),
  ]);
  return panel({ root, context, controls, compute: () => madeOf(state), paint });
}

function madeOf({ lengths, angles }) {
  const keys = lengths.map((length, i) => [length * Math.cos(angles[i] * RADIANS), length * Math.sin(angles[i] * RADIANS)]);
  const scores = keys.map((key) => dot(QUERY, key));
  const byAngle = lengths.map((length, i) => lengthOf(QUERY) * length * Math.cos(angles[i] * RADIANS));
  const cosines = angles.map((angle) => Math.cos(angle * RADIANS));
  return { keys, facts: { first: scores[0], second: scores[1], first_cosine: cosines[0], second_cosine: cosines[1], first_length: lengths[0], second_length: lengths[1],
    winner: scores[0] === scores[1] ? 2 : largest(scores), error: Math.max(...scores.map((score, i) => Math.abs(score - byAngle[i]))) } };
}

function paint({ keys, facts }, palette, room) {
  const bars = [["q·k₁", facts.first], ["q·k₂", facts.second]].map(([name, value]) => ({ name, value, colour: palette.key, words: ui.number(value, 3) }));
  const cosines = [["cos, k₁", facts.first_cosine], ["cos, k₂", facts.second_cosine]].map(([name, value]) => ({ name, value, colour: palette.muted, words: ui.decimals(value, 2) }));
  return {
    given: [
      plane(SCALE, `q of length 1.5; k₁ of length ${ui.decimals(facts.first_length, 1)}, k₂ of length ${ui.decimals(facts.second_length, 1)}.`, palette,
        ...keys.map((key, i) => arrow(SCALE, key, { colour: palette.key, name: `k${"₁₂"[i]}`, dash: i ? "6 4" : null, aside: i === 0 })), arrow(SCALE, QUERY, { colour: palette.query, name: "q" })),
    ],
    shapes: [
      chart({ bars: [...bars, ...cosines], palette, width: Math.min(380, room), y: { to: 4.5 }, label: `Scores ${ui.number(facts.first, 3)} and ${ui.number(facts.second, 3)}.` }),
    ],
    words: [1.5, facts.first_length, facts.first_cosine, facts.first, 1.5, facts.second_length, facts.second_cosine, facts.second].reduce(sentence, "")
      + ` Both equal q₁k₁ + q₂k₂ within ${ui.number(facts.error, 2)} ${facts.error < 1e-9 ? "✓" : "✗"}`,
  };
}

/** The two products, number by number. */
function sentence(said, value, i) {
  const before = ["q·k₁ = ", " · ", " · ", " = ", "; q·k₂ = ", " · ", " · ", " = "][i];
  return `${said}${before}${ui.number(value, 3)}${i === 7 ? "." : ""}`;
}
