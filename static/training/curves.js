/** The losses of all runs as they fall, a dash and a shade for each number of heads, named at the lines' ends. */
const version = new URL(import.meta.url).search;
const [{ ui }, { chart }, { BLIND, endOf, headsOf, lossOf, outcomes }] = await Promise.all(
  ["../headlight", "../draw/chart", "./words"].map((name) => import(`${name}.js${version}`)));

const [WIDEST, HEIGHT] = [720, 300];
// The first is the plainest line and the last the fullest.
const DASHES = [2, 1, 0, 3, 4];

/** The drawing of runs {settings, curve}, of one number of heads in one way, in `room` pixels. */
export function curves({ runs, counts, seeds, steps, palette, room }) {
  const said = new Set();
  const lines = runs.map(({ settings, curve }) => {
    const at = counts.indexOf(settings.heads);
    const isNamed = curve.length > 0 && !said.has(at);
    if (isNamed) said.add(at);
    return { name: isNamed ? nameOf(runs, settings.heads) : "", points: curve, colour: shadeOf(at, counts.length, palette), dash: DASHES[at % DASHES.length] };
  });
  return chart({
    label: labelOf(runs, counts, seeds, steps), palette, lines, x: { label: "steps", from: 0, to: steps },
    y: { label: "loss (nats)", from: 0, to: BLIND * 1.02 }, width: Math.min(WIDEST, room), height: HEIGHT,
  });
}

/** “4 heads 0.002”: the last point of the curves of that many heads, or what their runs came to. */
function nameOf(runs, heads) {
  const [made] = outcomes([heads], runs);
  return made.first ? `${headsOf(heads)} ${lossOf(made.loss)}` : headsOf(heads);
}

function shadeOf(at, count, palette) {
  if (at === 0 && count > 1) return palette.muted;
  return ui.css(ui.mix(palette.weights, count < 3 ? 1 : 0.5 + (0.5 * at) / (count - 1)));
}

function labelOf(runs, counts, seeds, steps) {
  const end = endOf(outcomes(counts, runs), steps, seeds);
  const begun = runs.some(({ curve }) => curve.length);
  return `Loss by training step. ${end || (begun ? "Training goes on." : "Nothing is trained yet.")}`;
}
