/** Sinusoidal positions: the wave of each pair of dimensions, and the product of two places against their distance. */

const version = new URL(import.meta.url).search;
const [{ stageOf }, { frequencies, sinusoid }, { chart }, { grid }, { slider }] = await Promise.all(
  ["../stage", "../places", "../../draw/chart", "../../draw/grid", "../../draw/inputs"].map((name) => import(`${name}.js${version}`)));

const [FARTHEST, SHOWN, LAST] = [40, 14, 100];

export default function ({ root, settings, context }) {
  const state = { place: settings.place, distance: settings.distance };
  const d = settings.d_model;
  const act = (changes) => {
    Object.assign(state, changes);
    draw();
    context.changed();
  };
  const stage = stageOf({ root, ui: context.ui }, [
    slider({ label: "place p", low: 0, high: LAST, step: 1, value: state.place, digits: 0, change: (place) => act({ place }) }),
    slider({ label: "distance k", low: 0, high: FARTHEST, step: 1, value: state.distance, digits: 0, change: (distance) => act({ distance }) }),
  ]);

  function draw() {
    const palette = context.palette();
    const { place, distance } = state;
    const width = stage.width();
    const places = Array.from({ length: SHOWN }, (_, i) => place + i);
    const products = Array.from({ length: FARTHEST + 1 }, (_, k) => [k, product(place, k, d)]);
    const { spread, value, closed } = factsOf(state, d);
    stage.show(
      grid({ values: places.map((own) => [...sinusoid(own, d)]), palette, scale: "scores", low: -1, high: 1, rows: places.map(String), cell: [(width - 40) / d, 15],
        title: `PE of ${SHOWN} places, ${d} dimensions`, label: `The encodings of places ${place} to ${place + SHOWN - 1}: fast waves to the left, slow ones to the right.` }),
      chart({ palette, width, height: 230, x: { label: "distance k", from: 0, to: FARTHEST }, y: { label: "PE(p)·PE(p+k)", from: Math.min(0, -d / 8), to: d / 2 },
        lines: [{ name: `p = ${place}`, points: products, colour: palette.ink }], marks: [{ x: distance, label: value.toFixed(2) }],
        label: `PE(p)·PE(p+k) for p = ${place}: ${d / 2} at distance 0, ${value.toFixed(2)} at distance ${distance}.` }),
    );
    stage.says(`PE(${place})·PE(${place + distance}) = ${value.toFixed(4)}; Σ cos(ω·${distance}) over the ${d / 2} frequencies = ${closed.toFixed(4)}.`);
    stage.check(spread < 1e-9, `the same for every p from 0 to ${LAST}, within ${context.ui.number(spread, 2)}`);
  }

  draw();
  return { facts: () => factsOf(state, d), draw, stop: () => root.replaceChildren() };
}

function product(place, distance, d) {
  const other = sinusoid(place + distance, d);
  return sinusoid(place, d).reduce((sum, one, i) => sum + one * other[i], 0);
}

function factsOf({ place, distance }, d) {
  const all = Array.from({ length: LAST + 1 }, (_, p) => product(p, distance, d));
  const spread = Math.max(...all) - Math.min(...all);
  const value = product(place, distance, d);
  const closed = frequencies(d).reduce((sum, frequency) => sum + Math.cos(frequency * distance), 0);
  return { place, distance, value, closed, spread, stays: spread < 1e-9 ? 0 : 1 };
}
