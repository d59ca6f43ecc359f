/** A decoder writes token by token: the keys of its own tokens grow by a row a step, those of what was read stay as they are. */

const version = new URL(import.meta.url).search;
const [{ gapOf, ROUNDING, stageOf }, { forward, shaped, weightsOf }, { random }, { grid }, { button, slider }] = await Promise.all(
  ["../stage", "../../local/layer", "../../local/random", "../../draw/grid", "../../draw/inputs"].map((name) => import(`${name}.js${version}`)));

const D_MODEL = 8;
const NAMES = 30;

export default function ({ root, settings, context }) {
  const { target } = settings;
  const state = { step: settings.step, seed: settings.seed, made: null };
  const act = (changes) => {
    Object.assign(state, changes);
    steps.set(state.step);
    draw();
    context.changed();
  };
  const steps = slider({ label: "tokens written", low: 1, high: target, step: 1, value: state.step, digits: 0, change: (step) => act({ step }) });
  const stage = stageOf({ root, ui: context.ui }, [steps,
    button("Write one more", () => act({ step: Math.min(target, state.step + 1) })), button("Another seed", () => act({ seed: state.seed + 1 }))]);

  function draw() {
    state.made = madeOf(settings, state);
    const { own, read, gap, counts } = state.made;
    const palette = context.palette();
    const half = stage.width() >= 560 ? (stage.width() - 28) / 2 : stage.width();
    const cell = [Math.min(28, (half - NAMES) / D_MODEL), 22];
    const drawn = (title, letter, values, outline) => grid({ values, palette, scale: "values", rows: Array.from({ length: values.shape[0] }, (_, i) => `${letter}${i}`), cell, title, outline,
      label: `${title}: ${values.shape[0]} rows of ${D_MODEL} numbers, from ${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}.` });
    stage.show(drawn("keys of what was read (cross)", "x", read, {}), drawn("keys of what is written (self)", "y", own, { row: state.step - 1 }));
    stage.says(`Step ${state.step}: 0 new rows of cross keys, 1 new row of its own. So far, with both kept: ${counts.kept} rows of keys made; with all of them made anew at every step: ${counts.again}.`);
    stage.check(gap < ROUNDING, `written with kept keys and values, token ${state.step - 1} gets the output of a whole pass, within ${context.ui.number(gap, 2)} of the largest number`);
  }

  draw();
  return { facts: () => factsOf(settings, state), draw, stop: () => root.replaceChildren() };
}

function drawnRows(n, numbers) {
  const made = shaped([n, D_MODEL]);
  for (let i = 0; i < made.length; i++) made[i] = numbers.normal();
  return made;
}

function first(rows, count) {
  const made = rows.slice(0, count * D_MODEL);
  made.shape = [count, D_MODEL];
  return made;
}

/** Cross-attention and the decoder's own, of the first `step` tokens; and the last one's again, from what was kept. */
function madeOf({ source, target }, { step, seed }) {
  const numbers = random(seed);
  const [read, written] = [drawnRows(source, numbers), first(drawnRows(target, numbers), step)];
  const self = { d_model: D_MODEL, n_heads: 2, causal: true, seed };
  const cross = { ...self, causal: false, seed: seed + 1 };
  const [one, other] = [self, cross].map(weightsOf);
  const own = forward(written, one, self);
  const middle = own.output;
  const both = forward(middle, other, cross, { context: read });
  const alone = forward(lastOf(middle), other, cross, { context: read });
  const lastAlone = forward(lastOf(written), one, { ...self, causal: false }, { context: written });
  const gap = Math.max(gapOf(alone.output, lastOf(both.output)).share, gapOf(lastAlone.output, lastOf(middle)).share);
  return { own: own.K, read: both.K, gap, counts: { kept: source + step, again: step * source + (step * (step + 1)) / 2 } };
}

function lastOf(rows) {
  const made = rows.slice(rows.length - D_MODEL);
  made.shape = [1, D_MODEL];
  return made;
}

function factsOf({ source, target }, state) {
  const { counts, read, own } = state.made;
  const next = madeOf({ source, target }, { ...state, step: Math.min(target, state.step + 1) });
  const changed = gapOf(next.read, read).gap > 0 ? 1 : 0;
  return { step: state.step, source, changed, kept: counts.kept, again: counts.again, own_rows: own.shape[0], read_rows: read.shape[0] };
}
