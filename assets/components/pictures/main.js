/** A picture or a table of what is on screen, made in the browser: what, how large, in which colours, to a file or copied. */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { storeOf }, { arithmeticDrawing }, { csv }, { dimensionsDrawing }, { headsDrawing }, { linksDrawing }, { rowsOf }, { drawing, panelsOf, pngBlob, svgBlob }, { canCopy, copy, save }, { SIZES }, { fileName }] = await Promise.all(
  ["headlight", "store", ...["arithmetic", "csv", "dimensions", "heads", "links", "numbers", "picture", "save", "sizes", "words"].map((name) => `share/${name}`)].map(shared));
const ui = start(HEADLIGHT);
const states = new WeakMap();
const WHITE = "#ffffff";
const WHAT = {
  beside: ["three panels, side by side", ["scores", "weights", "values"]],
  under: ["three panels, one under another", ["scores", "weights", "values"]],
  scores: ["scores", ["scores"]], weights: ["weights", ["weights"]], values: ["weighted values", ["values"]],
  arithmetic: ["the arithmetic of the pinned row", arithmeticDrawing],
  dimensions: ["q · k by dimension", dimensionsDrawing],
  links: ["links, of the heads that are drawn in theirs", linksDrawing],
  heads: ["the map of all heads", headsDrawing],
};
const COLOURS = { light: "light, on white", screen: "as on screen" };
const TABLES = { scores: "scores", weights: "weights", values: "output" };
// What a picture can have beside its maps, and has to begin with.
const PARTS = {
  title: ["title", true], legend: ["colours and captions", true], pin: ["pinned row", true], sentence: ["the pinned row as a sentence", false],
};
const FORMATS = { png: "PNG", svg: "SVG" };

function build(parent, store) {
  const state = { store, given: null, shown: null, palette: null, turn: 0, made: null, url: "" };
  const choose = (label, options) => chooser(state, label, options);
  state.what = choose("What", texts(WHAT, ([text]) => text));
  state.size = choose("Size", texts(SIZES, ({ label }) => label));
  state.colours = choose("Colours", texts(COLOURS));
  const checks = Object.entries(PARTS).map(([name, [label, checked]]) => {
    state[name] = ui.make("input", { type: "checkbox", checked });
    state[name].addEventListener("change", () => draw(state));
    return ui.make("label", { class: "check" }, state[name], label);
  });
  state.preview = ui.make("img", { alt: "", hidden: true });
  state.said = ui.make("p", { class: "said", role: "status" });
  state.pictures = Object.entries(FORMATS).map(([format, name]) => button(`Download ${name}`, () => download(state, format)));
  state.copy = button("Copy picture", () => copyPicture(state));
  state.copy.hidden = !canCopy();
  state.tables = Object.entries(TABLES).map(([name, title]) => [name, button(`CSV: ${title}`, () => table(state, name))]);
  const line = (label, ...children) => ui.make("div", { class: "line", role: "group", "aria-label": label }, ...children);
  state.root = ui.make("div", { class: "pictures" },
    line("What the picture is", state.what.root, state.size.root, state.colours.root),
    line("What is in it", ...checks),
    ui.make("div", { class: "frame" }, state.preview), line("Picture", ...state.pictures, state.copy),
    ui.make("h3", {}, "Numbers as a table"), line("Numbers as a table", ...state.tables.map(([, made]) => made)), state.said);
  // In a panel that is not open it has no size.
  new ResizeObserver(() => state.isDue && draw(state)).observe(state.root);
  parent.append(state.root);
  return state;
}

const texts = (options, of = (text) => text) => Object.entries(options).map(([value, option]) => [value, of(option)]);

/** A list to choose from: {root, value()}. */
function chooser(state, label, options) {
  const select = ui.make("select", { "aria-label": label }, ...options.map(([value, text]) => ui.make("option", { value }, text)));
  select.addEventListener("change", () => draw(state));
  return { root: ui.make("label", {}, ui.make("span", {}, label), select), value: () => select.value };
}

function button(label, press) {
  const made = ui.make("button", { type: "button" }, label);
  made.addEventListener("click", press);
  return made;
}

/** The picture as it was asked for; rejects with a sentence where it cannot be made. */
function picture({ store, given, shown, palette, what, size, colours, ...parts }) {
  const light = colours.value() === "light";
  const colouring = light ? HEADLIGHT.palettes.light : palette;
  const [, own] = WHAT[what.value()];
  const draws = Array.isArray(own) ? drawing : own;
  return draws(given, shown, {
    store, which: own, stacked: what.value() === "under", size: SIZES[size.value()], palette: colouring, paper: light ? WHITE : colouring.paper,
    ...Object.fromEntries(Object.keys(PARTS).map((name) => [name, parts[name].checked])),
  });
}

/**
 * The picture of the preview, for a file as well. Maps, which take the longest, are made of nothing but what `draw` is called
 * for when it changes, so theirs is drawn once. Others also ask the store, where more may have come since.
 */
function latest(state) {
  if (!Array.isArray(WHAT[state.what.value()][1])) return picture(state);
  const made = (state.made ??= picture(state));
  made.catch(() => { if (state.made === made) state.made = null; }); // who asks again tries again
  return made;
}

/** Show what the file will be, as soon as it can be seen. Who chooses again before it is made sees the later one. */
async function draw(state) {
  state.made = null;
  if (!state.given || !state.shown) return;
  state.isDue = !state.root.offsetWidth;
  if (state.isDue) return;
  state.turn += 1;
  const { turn } = state;
  await attempt(state, async () => {
    panelsOf(state.given, state.shown, Object.keys(TABLES)).forEach(({ view }, i) => { state.tables[i][1].disabled = !view; });
    const made = await latest(state).catch((error) => {
      state.preview.hidden = turn === state.turn; // what stands there is another one
      throw error;
    });
    if (turn !== state.turn) return;
    URL.revokeObjectURL(state.url);
    state.url = URL.createObjectURL(svgBlob(made));
    Object.assign(state.preview, { src: state.url, alt: made.alt, hidden: false });
    state.preview.dataset.drawn = String(turn);
    say(state, state.what.value() === "under" && state.size.value() === "slide" ? "On a slide three panels have room side by side only." : "");
  });
}

async function download(state, format) {
  await attempt(state, async () => {
    const made = await latest(state);
    save(format === "svg" ? svgBlob(made) : await pngBlob(made), fileName(state.given.about, state.shown, whatOf(state), format));
    const { mm } = SIZES[state.size.value()];
    say(state, `${FORMATS[format]} saved: ${format === "svg" && mm ? `${mm} mm wide` : `${made.width} × ${made.height} pixels`}.`);
  });
}

async function copyPicture(state) {
  await attempt(state, async () => {
    await copy(latest(state).then(pngBlob));
    say(state, "Picture copied.");
  });
}

function table(state, name) {
  const [panel] = panelsOf(state.given, state.shown, [name]);
  const rows = rowsOf(state.shown, panel);
  save(new Blob([csv(rows)], { type: "text/csv;charset=utf-8" }), fileName(state.given.about, state.shown, name, "csv"));
  say(state, panel.view.pooled ? "Table saved. This map is pooled: each line is the extreme of several cells, with its place. Zoom in for every number." : "Table saved.");
}

const whatOf = ({ what }) => ({ beside: "panels", under: "panels" }[what.value()] ?? what.value());

/** Do it, or say why not. */
async function attempt(state, act) {
  try {
    await act();
  } catch (error) {
    say(state, error.name === "NotAllowedError" ? "This browser does not let the page copy pictures: download it instead." : `The picture could not be made: ${error.message}`);
  }
}

function say({ said }, text) {
  said.textContent = text;
}

/** Listen until the component is taken down; it may come back. */
function connect(state) {
  const shown = state.store.listen("shown", (now) => {
    state.shown = now;
    draw(state);
  });
  // How a model turns its dimensions may be found out later, and a person may choose another form.
  const others = ["rotary", "options"].map((name) => state.store.listen(name, () => state.what.value() === "dimensions" && draw(state)));
  return [shown, ...others];
}

export default function ({ data, store, parentElement }) {
  const palette = ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement, storeOf(store)));
  Object.assign(state, { palette, given: ui.parse(data) });
  if (state.stops) draw(state);
  state.stops ??= connect(state);
  return () => {
    state.stops?.forEach((stop) => stop());
    state.stops = null;
  };
}
