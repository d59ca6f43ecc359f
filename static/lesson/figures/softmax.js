/** Scores that a person types → minus the largest → exp → weights, number by number. */

const version = new URL(import.meta.url).search;
const [{ ui }, { field, slider, toggle }, { panel }, { frame, svg, text }, { entropy, largest, softmax }] = await Promise.all(
  ["../../headlight", "../../draw/inputs", "../../draw/panel", "../../draw/svg", "../tiny"].map((name) => import(`${name}.js${version}`)));

const [NAME, COLUMN, ROW] = [118, 92, 30];
const BAR = 84;
const LETTERS = "abcdefghijklmnop";
const SHOWN = 4;

export default function ({ root, settings, context }) {
  const state = { scores: [...settings.scores], temperature: settings.temperature, shift: settings.shift, sink: settings.sink };
  const has = (name) => settings.controls.includes(name);
  const controls = (draw) => {
    const change = (name) => (value) => { state[name] = value; draw(); };
    return [
      ...state.scores.map((score, i) => field({ label: LETTERS[i], value: score, low: -1e6, high: 1e6, change: (value) => { state.scores[i] = value; draw(); } })),
      ...(has("temperature") ? [slider({ label: "temperature T", low: 0.1, high: 10, step: 0.1, digits: 1, value: state.temperature, change: change("temperature") })] : []),
      ...(has("shift") ? [slider({ label: "added to every score", values: [0, 1, 10, 100, 1000, 10_000], value: state.shift, change: change("shift") })] : []),
      ...(has("sink") ? [toggle({ label: "one more score of 0 that carries nothing", value: state.sink, change: change("sink") })] : []),
    ];
  };
  return panel({ root, context, controls, compute: () => madeOf(state), paint: (made, palette, room) => ({ shapes: [table(made, settings.rows, palette, room)], words: wordsOf(made, settings.says) }) });
}

/** Every step of the softmax, and the same without taking the largest away, in float32 as a program would. */
function madeOf({ scores, temperature, shift, sink }) {
  const given = scores.map((score) => score + shift);
  const tempered = given.map((score) => score / temperature);
  const all = sink ? [...tempered, 0] : tempered;
  const top = Math.max(...all);
  const lowered = tempered.map((score) => score - top);
  const exps = lowered.map(Math.exp);
  const sum = exps.reduce((total, one) => total + one, 0) + (sink ? Math.exp(-top) : 0);
  const weights = exps.map((one) => one / sum);
  const raw = tempered.map((score) => Math.fround(Math.exp(score)));
  const rawSum = raw.reduce((total, one) => Math.fround(total + one), sink ? 1 : 0);
  const naive = raw.map((one) => Math.fround(one / rawSum));
  const plain = given.map((score) => score / given.reduce((total, one) => total + one, 0));
  const atOne = softmax(sink ? [...given, 0] : given).slice(0, scores.length);
  const order = [...weights.keys()].sort((a, b) => weights[b] - weights[a]);
  const [first, second] = order;
  return { given, tempered, lowered, exps, weights, naive, plain, sink, facts: {
    n: scores.length, top: weights[first], top_name: LETTERS[first], gap: tempered[first] - tempered[second], ratio: weights[first] / weights[second], sum, entropy: entropy(weights),
    total: weights.reduce((total, one) => total + one, 0), nothing: sink ? Math.exp(-top) / sum : 0, temperature, shift, first: weights[0], top_at_one: Math.max(...atOne), against_one: trendOf(entropy(weights), entropy(atOne)),
    naive_fails: naive.every(Number.isFinite) ? 0 : 1, plain_fits: plain.every((one) => one >= 0 && one <= 1) ? 0 : 1, plain_first: plain[0], leader: largest(given) } };
}

/** A row beside another: flatter (0), sharper (1), or as it was (2). */
const trendOf = (now, before) => (Math.abs(now - before) < 1e-9 ? 2 : now > before ? 0 : 1);

/** What each row of the table shows: [its name, the numbers, how they are written]. */
const ROWS = {
  score: ["score s", (made) => made.given], tempered: ["s ÷ T", (made) => made.tempered], lowered: ["s − max", (made) => made.lowered], exp: ["exp(s − max)", (made) => made.exps],
  plain: ["s ÷ Σ s", (made) => made.plain], naive: ["without − max", (made) => made.naive], weight: ["weight", (made) => made.weights],
};

function table(made, rows, palette, room) {
  const { length } = made.weights;
  const across = Math.min(COLUMN, (room - NAME - 8) / length);
  const half = Math.min(24, across / 2 - 4);
  const bottom = rows.length * ROW + 34;
  const column = (i) => NAME + i * across + across / 2;
  const heads = made.weights.map((_, i) => text(column(i), 18, LETTERS[i], { fill: palette.key, anchor: "middle", weight: 600 }));
  const lines = rows.flatMap((row, at) => {
    const [name, of] = ROWS[row];
    const y = 44 + at * ROW;
    return [text(NAME - 16, y, name, { fill: palette.muted, anchor: "end" }),
      ...of(made).map((value, i) => text(column(i), y, written(value), { fill: palette.ink, anchor: "middle", weight: row === "weight" ? 600 : null }))];
  });
  const bars = made.weights.map((weight, i) => svg("rect", { x: column(i) - half, y: bottom + BAR * (1 - weight), width: 2 * half, height: Math.max(0.5, BAR * weight), fill: ui.css(ui.mix(palette.weights, 0.68)) }));
  const ground = svg("line", { x1: NAME, x2: NAME + length * across, y1: bottom + BAR, y2: bottom + BAR, stroke: palette.muted });
  const label = made.weights.map((weight, i) => `${LETTERS[i]}: score ${ui.number(made.given[i])}, weight ${ui.number(weight)}`).join("; ");
  return frame(NAME + length * across + 8, bottom + BAR + 4, `${label}.`, ...heads, ...lines, ...bars, ground);
}

const written = (value) => (Number.isNaN(value) ? "NaN" : ui.number(value, SHOWN));

const SAYS = {
  steps: ({ facts }) => `“${facts.top_name}” is ahead by ${ui.number(facts.gap, 4)}, so it weighs exp(${ui.number(facts.gap, 4)}) = ${ui.number(facts.ratio, 4)} times the next one. All weights sum to ${ui.decimals(facts.total, 3)}.`,
  temperature: ({ facts }) => `T = ${ui.number(facts.temperature, 3)}: the largest weight is ${ui.number(facts.top, 3)}, the entropy ${ui.number(facts.entropy, 3)} of at most ${ui.number(Math.log(facts.n), 3)} nats.`,
  shift: ({ facts }) => `Added to every score: ${facts.shift.toLocaleString("en")}. “a” weighs ${ui.number(facts.first, 4)}. Without taking the largest away, float32 ${facts.naive_fails ? "has only NaN to give: ∞ ÷ ∞, or 0 ÷ 0" : "still gives numbers"}.`,
  sink: ({ facts, sink }) => `The tokens share ${ui.number(facts.total, 4)}${sink ? `; ${ui.number(facts.nothing, 4)} goes to nothing` : ": all of it, whatever the scores"}.`,
};

const wordsOf = (made, says) => SAYS[says](made);
