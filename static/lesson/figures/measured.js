/** This machine's own times for projections and for attention, beside the closed forms. Nothing is timed before a click. */

const version = new URL(import.meta.url).search;
const [{ stageOf }, { costOf }, { crossingOf, measure }, { chart }, { button }] = await Promise.all(
  ["../stage", "../cost", "../measure", "../../draw/chart", "../../draw/inputs"].map((name) => import(`${name}.js${version}`)));

// Times that are equal within such a share of the counts’ crossing are equal at about as many tokens.
const ALIKE = 0.1;

export default function ({ root, settings, context }) {
  const { d_model: d, lengths } = settings;
  const state = { found: null, stop: null, share: 0 };
  const start = button("Measure here", () => (state.stop ? end() : begin()));
  const stage = stageOf({ root, ui: context.ui }, [start]);

  function begin() {
    start.textContent = "Stop";
    state.share = 0;
    state.stop = measure({ d, lengths, told: (share) => {
      state.share = share;
      say();
    }, done: (found) => {
      state.found = found;
      end();
    } });
    say();
  }

  function end() {
    state.stop?.();
    state.stop = null;
    start.textContent = state.found ? "Measure again" : "Measure here";
    draw();
    context.changed();
  }

  function say() {
    if (state.stop) stage.says(`Measuring: ${Math.round(100 * state.share)} % done.`);
    else if (!state.found) stage.says(`Not measured yet. It takes a few seconds: d_model ${d}, up to ${lengths.at(-1)} tokens, plain JavaScript in this browser.`);
    else stage.says(timesOf(state.found, d, context.ui));
  }

  function draw() {
    const palette = context.palette();
    const rate = state.found?.rate ?? null;
    const unit = rate ? "milliseconds" : "multiply-adds";
    const line = (name, colour, dash) => ({ name, colour, dash, points: lengths.map((n) => [n, costOf({ n, m: d })[name] / (rate ?? 1)]) });
    const dots = (name, colour) => ({ name: "", colour, dots: true, points: (state.found?.[name] ?? []) });
    stage.show(chart({
      palette, width: stage.width(), height: 290, x: { label: "tokens n", log: true }, y: { label: unit, log: true },
      lines: [line("projections", palette.value, 0), line("attention", palette.query, 1), dots("projections", palette.value), dots("attention", palette.query)],
      marks: [{ x: 2 * d, label: `counts equal: ${2 * d}` }, ...(state.found?.crossing ? [{ x: state.found.crossing, label: `times equal: ${Math.round(state.found.crossing)}` }] : [])],
      label: state.found ? timesOf(state.found, d, context.ui) : `The counts of projections and attention for d_model ${d}, equal at ${2 * d} tokens. Nothing is measured yet.`,
    }));
    say();
  }

  draw();
  const prepare = () => {
    if (!state.stop && !state.found) begin();
  };
  return { facts: () => factsOf(state, d), draw, prepare, isWaiting: () => Boolean(state.stop), stop: () => {
    state.stop?.();
    root.replaceChildren();
  } };
}

/** In words: the last times, and where they are equal. */
function timesOf(found, d, ui) {
  const [[n, one], [, other]] = [found.projections.at(-1), found.attention.at(-1)];
  return `Dots are medians measured here. At ${n} tokens: projections ${ui.number(one, 3)} ms, attention ${ui.number(other, 3)} ms. ${saidOf(found, d)}`;
}

function saidOf({ crossing }, d) {
  return crossing ? `The times are equal at about ${Math.round(crossing)} tokens, the counts at ${2 * d}.` : `The times do not cross in what was measured; the counts are equal at ${2 * d}.`;
}

/** Facts of the times are there once they were measured; a guess waits for them. */
function factsOf({ found }, d) {
  const counts = { measured: found ? 0 : 1, equal_counts: 2 * d };
  if (!found) return counts;
  const crossed = crossingOf(found.projections, found.attention) ?? 0;
  return { ...counts, equal_times: Math.round(crossed), crossed, order: orderOf(found, 2 * d), said: saidOf(found, d) };
}

/** Where the times are equal, beside the counts: 0 at fewer tokens, 1 at about as many, 2 at more or nowhere in what was measured. */
function orderOf({ projections, attention, crossing }, counts) {
  const isSlower = attention.every(([, time], i) => time > projections[i][1]);
  const ratio = crossing ? crossing / counts : isSlower ? 0 : Infinity;
  return ratio < 1 - ALIKE ? 0 : ratio <= 1 + ALIKE ? 1 : 2;
}
