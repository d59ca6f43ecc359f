/** What more heads change at the same d_model, and what they do not: parameters, products, maps, the width of a head. */

const version = new URL(import.meta.url).search;
const [{ stageOf }, { costOf }, { chart }, { slider }] = await Promise.all(
  ["../stage", "../cost", "../../draw/chart", "../../draw/inputs"].map((name) => import(`${name}.js${version}`)));

const HEADS = [1, 2, 4, 8, 16, 32];
const WIDTHS = [64, 128, 256, 512, 768, 1024];

export default function ({ root, settings, context }) {
  const state = { heads: settings.heads, d: settings.d_model, n: settings.n };
  const act = (changes) => {
    Object.assign(state, changes);
    draw();
    context.changed();
  };
  const stage = stageOf({ root, ui: context.ui }, [
    slider({ label: "heads", values: HEADS, value: state.heads, change: (heads) => act({ heads }) }),
    slider({ label: "d_model", values: WIDTHS, value: state.d, change: (d) => act({ d }) }),
  ]);

  function draw() {
    const { heads, d, n } = state;
    const palette = context.palette();
    const of = (name) => HEADS.map((h) => [h, costOf({ n, m: d, h })[name] / costOf({ n, m: d })[name]]);
    const own = costOf({ n, m: d, h: heads });
    const said = (value) => value.toLocaleString("en");
    stage.show(chart({
      palette, width: stage.width(), height: 260, x: { label: "heads", log: true, from: 1, to: 32 }, y: { label: "times one head's", log: true, from: 1 / 32, to: 32 },
      lines: [
        { name: "all maps", points: of("maps"), colour: palette.query },
        { name: "parameters", points: of("parameters"), colour: palette.value },
        { name: "q·k, A·V", points: of("attention"), colour: palette.ink, dash: 1 },
        { name: "d_head", points: HEADS.map((h) => [h, 1 / h]), colour: palette.key, dash: 2 },
      ],
      marks: [{ x: heads, label: headsOf(heads) }],
      label: `With ${heads} heads at d_model ${d}: ${said(own.parameters)} parameters, heads ${d / heads} wide, ${said(own.maps)} weights in all maps of ${n} tokens.`,
    }));
    stage.says(`${headsOf(heads)} of ${d / heads}: ${said(own.parameters)} parameters with biases; for ${n} tokens ${said(own.attention)} multiply-adds of q·k and A·V, and ${said(own.maps)} weights to be made by the softmax.`);
  }

  draw();
  return { facts: () => factsOf(state), draw, stop: () => root.replaceChildren() };
}

const headsOf = (count) => `${count} ${count === 1 ? "head" : "heads"}`;

function factsOf({ heads, d, n }) {
  const [own, one] = [costOf({ n, m: d, h: heads }), costOf({ n, m: d })];
  return {
    heads, d, width: d / heads, parameters: own.parameters, maps: own.maps,
    grows: own.parameters > one.parameters ? 0 : own.parameters === one.parameters ? 1 : 2,
  };
}
