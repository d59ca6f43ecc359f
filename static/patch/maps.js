/** Two maps of patched heads: what suffices (a clean head in the corrupted run), and what is needed (the other way round). */
const version = new URL(import.meta.url).search;
const names = ["../headlight", "../terms", "../signed/aim", "../signed/heads", "../signed/quote", "../signed/scale", "../signed/sweep", "./texts"];
const [{ ui }, { term }, { aimOf }, { columnsOf, headsGrid, numberOf, placeIn }, { quoteOf }, { legendOf, limitOf, signed }, { sweepOf }, { drawTexts }] =
  await Promise.all(names.map((name) => import(`${name}.js${version}`)));

const TITLES = { denoise: "What suffices", noise: "What is needed" };
const CAPTIONS = { denoise: "the second text’s run with one head from the first", noise: "the first text’s run with one head from the second" };
const SHARES = { denoise: ["−1", "0 nothing", "1 all restored"], noise: ["0 all lost", "1 no harm", "2"] };

export function build(state) {
  const part = (tag, own, ...children) => ui.make(tag, { class: own }, ...children);
  state.panels = Object.fromEntries(Object.entries(TITLES).map(([name, title]) => {
    const grid = headsGrid(state, (cell) => tell(state, cell));
    const legend = part("div", "legend");
    return [name, { grid, legend, root: part("div", "panel", ui.make("h4", {}, term(name, title)), part("p", "small", CAPTIONS[name]), grid.root, legend) }];
  }));
  Object.assign(state, {
    reason: part("p", "reason"), texts: part("div", "texts"), aim: aimOf((aim) => state.send("aim", aim)), sweep: sweepOf((act) => state.send("act", act)),
    runs: part("p", "runs"), raw: part("p", "reason"), tell: part("p", "tell"), quote: quoteOf(),
    notes: part("div", "notes", ui.make("p", {}, "Two heads that can each do the work alone both suffice and neither is needed; two that need each other are both needed and neither suffices. So the two maps are not each other’s reverse."),
      ui.make("p", {}, "One pair of texts: what was changed decides what is found.")),
  });
  state.tell.setAttribute("aria-live", "polite");
  state.body = part("div", "body", state.aim.root, state.runs, state.raw, part("div", "ways", ...state.sweep.parts), part("div", "pair", ...Object.values(state.panels).map(({ root }) => root)),
    state.tell, state.quote.root, state.notes);
  state.root = ui.make("section", { class: "patch", "aria-label": "Patching from a second text" }, state.reason, state.texts, state.body);
}

export function fill(state) {
  const { given } = state;
  state.reason.textContent = given.reason;
  state.reason.hidden = !given.reason;
  drawTexts(state.texts, given.alignment);
  state.body.hidden = Boolean(given.reason);
  if (given.reason) return;
  state.aim.fill(given);
  state.sweep.fill(given);
  state.runs.textContent = `The ${given.measure} is ${signed(given.clean, 3)} for the first text and ${signed(given.corrupted, 3)} for the second.`;
  state.raw.textContent = given.raw;
  state.raw.hidden = !given.raw;
  for (const map of given.maps) draw(state, map);
  state.quote.fill({ sentence: given.sentence, name: "patch", rows: () => rowsOf(given) });
  tell(state, null);
}

// What a share is where a patch does nothing: 0 restored, or nothing lost.
const NOTHING = { denoise: 0, noise: 1 };
// So far beyond the ends of the colours a number counts as beyond them.
const ROUNDING = 0.005;

/** Shares are coloured to 1 on both sides of no effect, and what lies beyond is marked; raw numbers to their largest. */
function draw(state, { name, values }) {
  const { given, palette, panels } = state;
  const { grid, legend } = panels[name];
  const limit = given.raw ? limitOf(...given.maps.map((map) => map.values)) : 1;
  const nothing = given.raw ? 0 : NOTHING[name];
  const isBeyond = (value) => !given.raw && Math.abs(value - nothing) > 1 + ROUNDING;
  const width = values.shape[1];
  grid.fill({
    label: `${TITLES[name]}, layers down, heads across`, rows: given.layers.map(String), columns: columnsOf(given), counts: given.counts, corner: "layer", palette,
    here: placeIn(given, state.at),
    at: (row, column) => {
      const value = values[row * width + column];
      return { value, share: (value - nothing) / limit, beyond: isBeyond(value), words: `layer ${given.layers[row]}, head ${column}: ${wordsOf(given, name, value)}` };
    },
  });
  const [low, middle, high] = given.raw ? [`−${limit}`, "0 no change", `+${limit}`] : SHARES[name];
  const beyond = values.some(isBeyond) ? [ui.make("span", { class: "frame" }, "framed: beyond these")] : [];
  legend.replaceChildren(...legendOf(palette, low, high), ui.make("span", {}, `in the middle ${middle}`), ...beyond);
}

/** A head's number on one map in words. */
function wordsOf(given, name, value) {
  if (Number.isNaN(value)) return "not run yet";
  if (given.raw) return `changes the ${given.measure} by ${signed(value, 3)}`;
  const share = `${ui.decimals(value, 3)}`;
  return name === "denoise" ? `restores ${share} of the difference` : `leaves ${share} of the difference`;
}

function tell(state, cell) {
  const { given } = state;
  const own = cell ?? state.at;
  if (!given || given.reason || !placeIn(given, own)) {
    state.tell.textContent = "";
    return;
  }
  const [denoise, noise] = given.maps.map(({ name, values }) => wordsOf(given, name, numberOf(given, values, own)));
  const way = ["taken from the first text it ", "taken from the second it "];
  const said = (words, before) => (words === "not run yet" ? `${before}was not run yet` : `${before}${words}`);
  state.tell.replaceChildren(ui.make("b", {}, `Layer ${own.layer}, head ${own.head}`), `: ${said(denoise, way[0])}; ${said(noise, way[1])}.`);
}

export function follow(state, { layer, head }) {
  state.at = { layer, head };
  marks(state);
  tell(state, null);
}

export function heard(state, cell) {
  state.pointed = cell;
  marks(state);
  if (cell?.from !== "signed") tell(state, cell ?? null);
}

function marks({ given, panels, at, pointed }) {
  if (!given || given.reason) return;
  for (const { grid } of Object.values(panels)) grid.mark(placeIn(given, at), placeIn(given, pointed));
}

function rowsOf(given) {
  const number = (map, layer, head) => numberOf(given, map.values, { layer, head });
  const heads = given.layers.flatMap((layer, row) => Array.from({ length: given.counts[row] }, (_, head) => [layer, head, ...given.maps.map((map) => number(map, layer, head))]));
  return [["layer", "head", ...given.maps.map(({ name }) => `${TITLES[name]}${given.raw ? `, change of the ${given.measure}` : ""}`)], ...heads];
}
