/** One score of a head by the parts of the stream that its query or its key was made of, from runs of the model itself. */

const version = new URL(import.meta.url).search;
const [{ ui }, { choices }, { chart }, { colourOf, signed }, { awaited }, { roomIn, verdict }] = await Promise.all(
  ["../../headlight", "../../draw/inputs", "../../draw/chart", "../../draw/paired", "../awaited", "../common"].map((name) => import(`${name}.js${version}`)));

const MOST_BARS = 8;

export default function ({ root, settings, context }) {
  let { side } = settings;
  const controls = choices({ label: "parts of the", options: [["key", "key"], ["query", "query"]], value: side, change: (chosen) => {
    side = chosen;
    frame.again();
  } });
  const frame = awaited({ root, settings, context }, { controls, show, factsOf: (change) => factsOf(change, side) });

  function show(change, { body, said }) {
    const palette = context.palette();
    const all = change.parts[side];
    const rest = all.slice(MOST_BARS);
    const shown = all.slice(0, MOST_BARS).concat(rest.length ? [{ name: `${rest.length} others`, value: sumOf(rest) }] : []);
    const most = Math.max(...shown.map(({ value }) => Math.abs(value)));
    const told = factsOf(change, side);
    const label = `The score of “${change.query}” and “${change.key}”, ${ui.decimals(change.score, 2)}, by the parts of its ${side}: ${shown.map(({ name, value }) => `${name} ${signed(value, 2)}`).join(", ")}.`;
    body.replaceChildren(
      ui.make("p", { class: "quiet" }, `What each part of the ${side} brings to the score of “${change.query}” → “${change.key}”`),
      chart({ label, palette, width: roomIn(body), bars: shown.map(({ name, value }) => ({ name, value, colour: colourOf(value, most, palette), words: signed(value, 2) })) }),
      verdict(change.holds, `${all.length} parts add up to ${ui.decimals(told.sum, 3)}; the model’s own score is ${ui.decimals(change.score, 3)}`));
    said.textContent = `Score ${ui.decimals(change.score, 2)}. Most comes from ${told.top}, ${signed(told.top_value, 2)}; then ${told.second}, ${signed(told.second_value, 2)}.`;
  }

  return frame.figure;
}

const sumOf = (parts) => parts.reduce((sum, { value }) => sum + value, 0);

function factsOf({ score, parts }, side) {
  const [first, second] = parts[side];
  return { score, top: first.name, top_value: first.value, second: second.name, second_value: second.value, parts: parts[side].length, sum: sumOf(parts[side]) };
}
