/** What several models' rules make of one q·k before the softmax, in a head of width 128. */

const version = new URL(import.meta.url).search;
const [{ ui }, { chart }, { slider }, { panel }] = await Promise.all(
  ["../../headlight", "../../draw/chart", "../../draw/inputs", "../../draw/panel"].map((name) => import(`${name}.js${version}`)));

const WIDTH = 128;
// Gemma 2 27B: query_pre_attn_scalar and attn_logit_softcapping of its configuration.
const [SCALAR, CAP] = [144, 50];
const MOST = 1500;
const STEP = 25;
const PRODUCTS = Array.from({ length: 2 * MOST / STEP + 1 }, (_, i) => i * STEP - MOST);

const RULES = {
  root: (product) => product / Math.sqrt(WIDTH),
  plain: (product) => product,
  divided: (product) => product / Math.sqrt(SCALAR),
  capped: (product) => CAP * Math.tanh(product / Math.sqrt(SCALAR) / CAP),
};

export default function ({ root, settings, context }) {
  const state = { product: settings.product };
  const controls = (draw) => [
    slider({ label: "q·k", low: -MOST, high: MOST, step: STEP, value: state.product, change: (product) => { state.product = product; draw(); } }),
  ];
  const compute = () => ({ facts: { product: state.product, ...Object.fromEntries(Object.entries(RULES).map(([name, rule]) => [name, rule(state.product)])) } });
  return panel({ root, context, controls, compute, paint });
}

function paint({ facts }, palette, room) {
  const product = facts.product.toLocaleString("en").replace("-", "−");
  const said = `÷ √128, the paper: ${ui.number(facts.root, 4)}. No division, T5: ${product}. Gemma 2 27B: ÷ 12 gives ${ui.number(facts.divided, 4)}, capped ${ui.number(facts.capped, 4)}.`;
  const line = (name, title, look) => ({ name: title, points: PRODUCTS.map((one) => [one, RULES[name](one)]), ...look });
  return {
    shapes: [chart({
      palette, width: Math.min(640, room), label: `What q·k = ${product} becomes before the softmax. ${said}`,
      x: { label: "q·k", from: -MOST, to: MOST }, y: { label: "before the softmax", from: -140, to: 140 },
      marks: [{ x: facts.product, label: `q·k = ${product}` }],
      lines: [line("root", "÷ √128", { colour: palette.query }), line("divided", "÷ 12", { colour: palette.muted, dash: 1 }), line("capped", "Gemma 2", { colour: palette.key })],
    })],
    words: `${said} T5’s line is too steep to be drawn here.`,
  };
}
