/** One score of a head by the parts of the stream that its query or its key was made of, from runs of the model itself. */

const version = new URL(import.meta.url).search;
const [{ ui }, { choices }, { chart }, { colourOf, signed }, { storeOf }, { partsOf }, { framed, roomIn, verdict }] = await Promise.all(
  ["../../headlight", "../../draw/inputs", "../../draw/chart", "../../draw/paired", "../../store", "../parts", "../common"].map((name) => import(`${name}.js${version}`)));

const MOST_BARS = 8;
const WAITING = "The model is being run …";

export default function ({ root, settings, context }) {
  const store = storeOf(context.store);
  const state = { change: store.last("change") ?? null, side: settings.side };
  const parts = partsOf(context, store, settings.show, { isOpen: true });
  const { body, said } = framed(root, choices({ label: "parts of the", options: [["key", "key"], ["query", "query"]], value: state.side, change: (side) => {
    state.side = side;
    draw();
    context.changed();
  } }));
  body.parentElement.before(parts.root);

  function draw() {
    parts.follow();
    const { change } = state;
    if (!change || change.why) {
      said.textContent = change?.why ?? store.last("problem")?.words ?? WAITING;
      return;
    }
    const palette = context.palette();
    const all = change.parts[state.side];
    const rest = all.slice(MOST_BARS);
    const shown = all.slice(0, MOST_BARS).concat(rest.length ? [{ name: `${rest.length} others`, value: sumOf(rest) }] : []);
    const most = Math.max(...shown.map(({ value }) => Math.abs(value)));
    const told = factsOf(change, state.side);
    const label = `The score of “${change.query}” and “${change.key}”, ${ui.decimals(change.score, 2)}, by the parts of its ${state.side}: ${shown.map(({ name, value }) => `${name} ${signed(value, 2)}`).join(", ")}.`;
    body.replaceChildren(
      ui.make("p", { class: "quiet" }, `What each part of the ${state.side} brings to the score of “${change.query}” → “${change.key}”`),
      chart({ label, palette, width: roomIn(body), bars: shown.map(({ name, value }) => ({ name, value, colour: colourOf(value, most, palette), words: signed(value, 2) })) }),
      verdict(change.holds, `${all.length} parts add up to ${ui.decimals(told.sum, 3)}; the model’s own score is ${ui.decimals(change.score, 3)}`));
    said.textContent = `Score ${ui.decimals(change.score, 2)}. Most comes from ${told.top}, ${signed(told.top_value, 2)}; then ${told.second}, ${signed(told.second_value, 2)}.`;
  }

  const stops = [
    store.listen("change", (change) => {
      state.change = change;
      draw();
      context.changed();
    }),
    store.listen("shown", parts.follow),
    store.listen("problem", draw),
  ];
  draw();
  return {
    facts: () => (state.change && !state.change.why ? factsOf(state.change, state.side) : {}), draw, isWaiting: () => !state.change && !store.last("problem"),
    stop() {
      stops.forEach((stop) => stop());
      parts.stop();
    },
  };
}

const sumOf = (parts) => parts.reduce((sum, { value }) => sum + value, 0);

function factsOf({ score, parts }, side) {
  const [first, second] = parts[side];
  return { score, top: first.name, top_value: first.value, second: second.name, second_value: second.value, parts: parts[side].length, sum: sumOf(parts[side]) };
}
