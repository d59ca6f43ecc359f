/** This machine's own times for projections and for attention, beside the closed forms. Nothing is timed before a click. */

const version = new URL(import.meta.url).search;
const [{ stageOf }, { costOf }, { crossingOf, measure }, { chart }, { button }] = await Promise.all(
  ["../stage", "../cost", "../measure", "../../draw/chart", "../../draw/inputs"].map((name) => import(`${name}.js${version}`)));

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
    else stage.says(saidOf(state.found, d, context.ui));
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
      label: state.found ? saidOf(state.found, d, context.ui) : `The counts of projections and attention for d_model ${d}, equal at ${2 * d} tokens. Nothing is measured yet.`,
    }));
    say();
  }

  draw();
  return { facts: () => factsOf(state, d), draw, stop: () => {
    state.stop?.();
    root.replaceChildren();
  } };
}

/** In words: the last times, and where they are equal. */
function saidOf({ projections, attention, crossing }, d, ui) {
  const [[n, one], [, other]] = [projections.at(-1), attention.at(-1)];
  const where = crossing ? `The times are equal at about ${Math.round(crossing)} tokens, the counts at ${2 * d}.` : `The times do not cross in what was measured; the counts are equal at ${2 * d}.`;
  return `Dots are medians measured here. At ${n} tokens: projections ${ui.number(one, 3)} ms, attention ${ui.number(other, 3)} ms. ${where}`;
}

function factsOf({ found }, d) {
  return { measured: found ? 0 : 1, equal_counts: 2 * d, equal_times: found?.crossing ? Math.round(found.crossing) : 0, crossed: found ? crossingOf(found.projections, found.attention) ?? 0 : 0 };
}
