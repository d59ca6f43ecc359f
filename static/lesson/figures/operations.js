/** Operations of one layer as the paper's Table 1 counts them, and how many steps must wait for one another. */

const version = new URL(import.meta.url).search;
const [{ ui }, { chart }, { slider }, { panel }] = await Promise.all(
  ["../../headlight", "../../draw/chart", "../../draw/inputs", "../../draw/panel"].map((name) => import(`${name}.js${version}`)));

const LENGTHS = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192];
const WIDTHS = [64, 128, 256, 512, 1024, 2048, 4096];
const WIDE = 560;

const written = (count) => count.toLocaleString("en");

export default function ({ root, settings, context }) {
  const state = { n: settings.n, d: settings.d };
  const controls = (draw) => [["n", "tokens n", LENGTHS], ["d", "width d", WIDTHS]].map(([name, label, values]) =>
    slider({ label, values, value: state[name], change: (value) => { state[name] = value; draw(); } }));
  const compute = () => {
    const [attention, recurrent] = [state.n ** 2 * state.d, state.n * state.d ** 2];
    return { facts: { n: state.n, d: state.d, attention, recurrent, ratio: attention / recurrent, fewer: attention < recurrent ? 0 : attention > recurrent ? 1 : 2,
      steps_attention: 1, steps_rnn: state.n } };
  };
  return panel({ root, context, controls, compute, paint: ({ facts }, palette, room) => ({ shapes: drawings(facts, palette, Math.min(WIDE, room)), words: wordsOf(facts) }) });
}

function drawings({ attention, recurrent, steps_attention, steps_rnn }, palette, width) {
  const pair = (one, other) => [["attention", one, palette.query], ["recurrent", other, palette.key]].map(([name, value, colour]) => ({ name, value, colour, words: written(value) }));
  return [
    titled("operations in the layer", chart({ label: `Operations: attention ${written(attention)}, recurrent ${written(recurrent)}.`, palette, bars: pair(attention, recurrent), width })),
    titled("steps, one after the other", chart({ label: `Steps in a row: attention ${steps_attention}, recurrent ${steps_rnn}.`, palette, bars: pair(steps_attention, steps_rnn), width })),
  ];
}

function titled(title, drawing) {
  const box = ui.make("div", {}, ui.make("strong", {}, title), drawing);
  box.style.cssText = `flex: 1 1 100%; max-width: ${WIDE}px;`;
  return box;
}

function wordsOf({ n, d, ratio, steps_rnn }) {
  const compared = ratio === 1 ? "as many operations as" : ratio < 1 ? `${ui.number(1 / ratio, 3)} times fewer operations than` : `${ui.number(ratio, 3)} times the operations of`;
  return `At n = ${n} and d = ${d} attention takes ${compared} the recurrent layer, in 1 step where that takes ${steps_rnn}.`;
}
