/** Which heads changed most between both sides, in falling order; a click brings both sides to that head. */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { storeOf }, { term, watchTerms }] = await Promise.all(["headlight", "store", "terms"].map(shared));
const ui = start(HEADLIGHT);
const states = new WeakMap();
const FIRST = 12;
const TITLE = "Which heads changed most?";

function build(parent) {
  const list = ui.make("ol", { class: "list" });
  const [said, why] = [ui.make("p", { class: "said" }), ui.make("p", { class: "why" })];
  const more = ui.make("button", { type: "button", class: "more" });
  const state = { list, said, why, more, isWhole: false, given: null, stores: [], lines: [] };
  more.addEventListener("click", () => {
    state.isWhole = !state.isWhole;
    fill(state);
  });
  parent.append(ui.make("section", { class: "changed", "aria-label": TITLE }, ui.make("h3", {}, term("compare.changed", TITLE)), why, list, more, said));
  watchTerms(parent);
  return state;
}

/** The lines of as many heads as are asked for; the bars are all to one scale, from 0 to 1. */
function fill(state) {
  const { given, list, more, isWhole } = state;
  const count = given.layers?.length ?? 0;
  const shown = isWhole ? count : Math.min(FIRST, count);
  state.lines = Array.from({ length: shown }, (_, i) => line(state, given.layers[i], given.heads[i], given.distances[i]));
  list.replaceChildren(...state.lines.map(({ button }) => ui.make("li", {}, button)));
  list.start = 1;
  more.hidden = count <= FIRST;
  more.textContent = isWhole ? "only the first" : `all ${count} heads`;
  more.setAttribute("aria-expanded", String(isWhole));
  mark(state);
}

function line(state, layer, head, distance) {
  const bar = ui.make("i", { "aria-hidden": "true" });
  bar.style.setProperty("--share", String(distance));
  const name = `layer ${layer}, head ${head}`;
  const said = ui.decimals(distance, 3);
  const button = ui.make("button", { type: "button", "aria-label": `${name}: distance ${said}. Show it on both sides` }, ui.make("span", {}, name), bar, ui.make("b", {}, said));
  button.addEventListener("click", () => state.stores.forEach((store) => store.change({ layer, head })));
  return { button, layer, head };
}

/** The heads that both sides show are marked. */
function mark({ stores, lines }) {
  const looks = stores.map((store) => store.look());
  for (const { button, layer, head } of lines) button.setAttribute("aria-pressed", String(looks.every((look) => look?.layer === layer && look?.head === head)));
}

function take(state, given) {
  state.given = given;
  state.stores = given.stores.map(storeOf);
  state.why.textContent = given.why;
  state.why.hidden = !given.why;
  state.said.hidden = Boolean(given.why);
  state.said.textContent = `0: no weight moved; 1: every row looks elsewhere. ${given.method[0].toUpperCase()}${given.method.slice(1)}; ${given.rows} ${given.rows === 1 ? "row" : "rows"}.`;
  fill(state);
}

export default function ({ data, parentElement }) {
  ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement));
  if (state.bytes !== data) {
    state.bytes = data;
    take(state, ui.parse(data));
  }
  state.stops ??= state.stores.flatMap((store) => ["shown", "waiting"].map((name) => store.listen(name, () => mark(state))));
  return () => {
    state.stops?.forEach((stop) => stop());
    state.stops = null;
  };
}
