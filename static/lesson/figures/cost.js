/** Multiply-adds, or numbers kept, against the number of tokens, from the closed forms, with every crossing named. */

const version = new URL(import.meta.url).search;
const [{ stageOf }, costs, { chart }, { slider, toggle }] = await Promise.all(
  ["../stage", "../cost", "../../draw/chart", "../../draw/inputs"].map((name) => import(`${name}.js${version}`)));
const { costOf, feedForwardOf, recurrentOf, stepOf } = costs;

const LENGTHS = Array.from({ length: 12 }, (_, i) => 2 ** (i + 4));
const WIDTHS = [64, 128, 256, 512, 768, 1024, 2048, 4096];

export default function ({ root, settings, context }) {
  const state = { d: settings.d_model, n: settings.n, feeds: false, halved: false };
  const act = (changes) => {
    Object.assign(state, changes);
    draw();
    context.changed();
  };
  const controls = [
    slider({ label: "d_model", values: WIDTHS, value: state.d, change: (d) => act({ d }) }),
    slider({ label: "tokens", values: LENGTHS, value: state.n, change: (n) => act({ n }) }),
  ];
  const more = settings.of === "layer" ? [[
    toggle({ label: "with the feed-forward layer", value: false, change: (feeds) => act({ feeds }) }),
    toggle({ label: "closed cells skipped", value: false, change: (halved) => act({ halved }) }),
  ]] : [];
  const stage = stageOf({ root, ui: context.ui }, controls, ...more);

  function draw() {
    const palette = context.palette();
    const { lines, crossings, y } = curves(settings, state, palette);
    const points = (of) => LENGTHS.map((n) => [n, of(n)]);
    const words = lines.map(({ name, of }) => `${name} ${amount(of(state.n))}`).join(", ");
    const marks = [{ x: state.n, label: `n = ${state.n.toLocaleString("en")}` }, ...crossings.map(({ n, name }) => ({ x: n, label: `${name}: ${Math.round(n).toLocaleString("en")}` }))];
    stage.show(chart({
      palette, width: stage.width(), height: 300, x: { label: "tokens n", log: true, from: 16, to: 32768 }, y: { label: y, log: true },
      lines: lines.map(({ name, of, colour, dash }) => ({ name, colour, dash, points: points(of) })), marks, label: `At ${state.n} tokens and d_model ${state.d}: ${words}.`,
    }));
    stage.says(`At n = ${state.n.toLocaleString("en")}, d = ${state.d}: ${words}.`);
  }

  draw();
  return { facts: () => factsOf(settings, state), draw, stop: () => root.replaceChildren() };
}

/** A count in words, short: 2.36 thousand million is “2.36 G”. */
function amount(value) {
  const power = Math.max(0, Math.min(4, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  return `${Number((value / 1000 ** power).toPrecision(3)).toLocaleString("en")}${["", " k", " M", " G", " T"][power]}`;
}

/** What is drawn, by what the figure is of: {lines: [{name, of(n)}], crossings: [{n, name}], y}. */
function curves({ of, window: w, heads }, { d, feeds, halved }, palette) {
  const [ink, query, key, value] = [palette.ink, palette.query, palette.key, palette.value];
  const whole = (n) => costOf({ n, m: d });
  if (of === "layer") {
    const rest = feeds ? (n) => whole(n).projections + feedForwardOf(n, d) : (n) => whole(n).projections;
    return {
      y: "multiply-adds", crossings: [{ n: crossing({ d, feeds, halved }), name: feeds ? "attention = all by weights" : "attention = projections" }],
      lines: [{ name: feeds ? "all by weights" : "projections", of: rest, colour: value }, { name: "attention", of: (n) => whole(n).attention / (halved ? 2 : 1), colour: query, dash: 1 }],
    };
  }
  if (of === "recurrent") {
    return {
      y: "multiply-adds", crossings: [{ n: d, name: "layer = GRU, n² part = RNN" }, { n: 2 * d, name: "layer = LSTM" }],
      lines: [
        { name: "attention layer", of: (n) => whole(n).projections + whole(n).attention, colour: query }, { name: "its n² part", of: (n) => whole(n).attention, colour: query, dash: 4 },
        { name: "RNN", of: (n) => recurrentOf("rnn", n, d), colour: ink, dash: 1 }, { name: "GRU", of: (n) => recurrentOf("gru", n, d), colour: key, dash: 2 },
        { name: "LSTM", of: (n) => recurrentOf("lstm", n, d), colour: value, dash: 3 },
      ],
    };
  }
  if (of === "memory") {
    return {
      y: "numbers kept", crossings: [{ n: (4 * d) / heads, name: "maps = q, k, v, output" }],
      lines: [{ name: "all maps", of: (n) => costOf({ n, m: d, h: heads }).maps, colour: query }, { name: "q, k, v, output", of: (n) => whole(n).kept, colour: value, dash: 1 }],
    };
  }
  return {
    y: "multiply-adds a token", crossings: [{ n: w, name: "window = cache" }],
    lines: [
      { name: "without a cache", of: (n) => stepOf({ n, m: d, w }).again, colour: key, dash: 2 }, { name: "with a cache", of: (n) => stepOf({ n, m: d, w }).cached, colour: query },
      { name: `window ${w}`, of: (n) => stepOf({ n, m: d, w }).windowed, colour: value, dash: 1 },
    ],
  };
}

/** Where attention's products are as many as the products by weights. */
function crossing({ d, feeds, halved }) {
  return (feeds ? 6 : 2) * d * (halved ? 2 : 1);
}

function factsOf({ window: w, heads }, state) {
  const { d, n } = state;
  const own = costOf({ n, m: d, h: heads });
  const step = stepOf({ n, m: d, w });
  const layer = own.projections + own.attention;
  return {
    d, n, crossing: crossing(state), projections: own.projections, attention: own.attention, share: own.attention / own.projections,
    rnn: recurrentOf("rnn", n, d), gru: recurrentOf("gru", n, d), lstm: recurrentOf("lstm", n, d), gru_crossing: d, lstm_crossing: 2 * d,
    fewer_than_rnn: layer < recurrentOf("rnn", n, d) ? 0 : 1, fewer_than_lstm: layer < recurrentOf("lstm", n, d) ? 0 : 1,
    maps: own.maps, kept: own.kept, maps_times: own.maps / own.kept, cached: step.cached, again: step.again, saved: step.again / step.cached,
    grows: stepOf({ n: 2 * n, m: d, w }).cached > step.cached ? 0 : 1, window_grows: stepOf({ n: 2 * n, m: d, w }).windowed > step.windowed ? 0 : 1,
  };
}
