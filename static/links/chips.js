/** The heads that are drawn, each with its colour and its dashes, and ways to add and drop some. */
const version = new URL(import.meta.url).search;
const [{ ui }, { explained }, { MOST_BESIDE, besides, here, nameOf, setBeside, swatch }, { tell }] = await Promise.all(
  ["../headlight", "../terms", "./heads", "./words"].map((name) => import(`${name}.js${version}`)));

/** The line of chips, which changes the heads beside the one in view. */
export function chipLine(state) {
  const root = ui.make("div", { class: "chips", role: "group", "aria-label": "Heads that are drawn" });
  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (button) setBeside(state, WAYS[button.dataset.do](state, button.dataset.head));
  });
  root.addEventListener("change", (event) => {
    if (event.target.value) setBeside(state, [...besides(state), event.target.value.split(".").map(Number)]);
  });
  return root;
}

/** What a button makes of the heads beside the one in view. */
const WAYS = {
  drop: (state, gone) => besides(state).filter(([layer, head]) => nameOf(layer, head) !== gone),
  none: () => [],
  layer: (state) => [...besides(state), ...free(state).filter(([layer]) => layer === state.look.layer)],
};

/** The heads that travelled and are not drawn. */
function free(state) {
  const { look } = state;
  const drawn = new Set([nameOf(look.layer, look.head), ...look.beside.map(([layer, head]) => nameOf(layer, head))]);
  return here(state).filter(([layer, head]) => !drawn.has(nameOf(layer, head)));
}

/** Write the chips anew, where something about them changed. */
export function chips(state) {
  const { look, run, heads, missing } = state;
  const main = nameOf(look.layer, look.head);
  const told = JSON.stringify([main, look.beside, run.level, run.layers.map(({ layer, heads: own }) => [layer, own]), state.palette.name]);
  if (state.told === told) return;
  state.told = told;
  const focused = state.chips.contains(state.chips.getRootNode().activeElement);
  const full = besides(state).length >= MOST_BESIDE;
  const others = full ? [] : free(state);
  state.chips.replaceChildren(
    ui.make("span", { class: "chip main", title: "the head in view" }, swatch(state, 0), main),
    ...heads.filter(({ slot }) => slot).map(({ slot, name }) => chip(name, swatch(state, slot))),
    ...missing.filter((name) => name !== main).map((name) => chip(name, null)),
    others.some(([layer]) => layer === look.layer) ? button("layer", "+ this layer’s other heads") : "",
    others.length ? adder(others) : "",
    besides(state).length > 1 ? button("none", `only ${main}`) : "");
  if (focused) state.chips.querySelector("select, button")?.focus();
  tell(state.missed, missedOf(state, full));
}

const TERMS = { layer: "drawn.layer", none: "drawn.only" };
const button = (way, words) => explained(ui.make("button", { type: "button", class: "switch", "data-do": way }, words), TERMS[way]);

function chip(name, mark) {
  const label = mark ? `take head ${name} out of the links` : `take head ${name}, which is not here, out of the links`;
  return ui.make("button", { type: "button", class: mark ? "chip" : "chip missing", "data-do": "drop", "data-head": name, "aria-label": label },
    mark, name, ui.make("span", { class: "cross", "aria-hidden": "true" }, "×"));
}

function adder(others) {
  const layers = [...new Set(others.map(([layer]) => layer))];
  const optionsOf = (layer) => others.filter(([own]) => own === layer).map(([, head]) => ui.make("option", { value: nameOf(layer, head) }, nameOf(layer, head)));
  return ui.make("select", { class: "add", "aria-label": "Draw one more head" },
    ui.make("option", { value: "" }, "+ add a head"),
    ...layers.map((layer) => ui.make("optgroup", { label: `layer ${layer}` }, ...optionsOf(layer))));
}

const WHY = {
  all: "There is no such head here.",
  layer: "Of a text and model this large, one layer travels to the browser at a time.",
  head: "Of a text and model this large, one head travels to the browser at a time.",
  tiles: "Of a text this long, no other head travels to the browser.",
};

/** Which heads are asked for and cannot be drawn, and why. */
function missedOf({ missing, run }, full) {
  const words = [];
  if (missing.length) words.push(`Not here: ${missing.join(", ")}. ${WHY[run.level]}`);
  if (full) words.push(`${MOST_BESIDE + 1} heads at once are the most.`);
  return words.join(" ");
}
