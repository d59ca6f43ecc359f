/** The queries and the keys of all tokens as strips: a row a token, a column a dimension. */
const version = new URL(import.meta.url).search;
const [{ ui }, { term }, { image, paint }, { cellAt, stepTo }, { hasModifier, leave, pick, point, taken }, { pairOf }, { onStrips }] = await Promise.all(
  ["../headlight", "../terms", "../paint", "./grid", "./pointer", "./products", "./options"].map((name) => import(`${name}.js${version}`)));

const FEW_ROWS = 16;
const MANY_ROWS = 40;
const TITLES = { query: "Queries q", key: "Keys k" };
const TERMS = { query: "queries", key: "keys" };

/** {root, side, list: names of its rows, canvas, marks, sheet, names, scroll, title}. */
export function strip(state, side) {
  const canvas = ui.make("canvas");
  const marks = ui.make("div", { class: "marks" });
  const sheet = ui.make("div", { class: "sheet", tabIndex: 0, role: "application" }, canvas, marks);
  const names = ui.make("div", { class: "names", "aria-hidden": "true" });
  const scroll = ui.make("div", { class: "rows" }, names, sheet);
  const title = term(TERMS[side]);
  const own = { side, list: [], canvas, marks, sheet, names, scroll, title, root: ui.make("div", { class: "strip" }, ui.make("h5", { class: side }, title), scroll) };
  const under = (event) => cellAt(sheet, state.vectors[side].shape, event);
  sheet.addEventListener("pointermove", (event) => point(state, side, under(event)));
  sheet.addEventListener("pointerleave", () => leave(state));
  sheet.addEventListener("click", (event) => pick(state, side, under(event).row, event));
  sheet.addEventListener("focus", () => sheet.matches(":focus-visible") && point(state, side, cellOf(state, side)));
  sheet.addEventListener("blur", () => leave(state));
  sheet.addEventListener("keydown", (event) => walk(state, own, event));
  return own;
}

/** The cell that the keyboard is on; at first that of the chosen token. */
const cellOf = (state, side) => state.cell ?? { row: pairOf(state)[side], column: 0 };

/** Arrow keys walk over tokens and dimensions; Enter chooses the token. */
function walk(state, own, event) {
  const { side } = own;
  const isChoice = event.key === "Enter" || event.key === " ";
  const to = stepTo(state.vectors[side].shape, cellOf(state, side), event.key);
  if (!isChoice && (!to || hasModifier(event))) return;
  taken(event);
  if (isChoice) {
    if (state.cell) pick(state, side, state.cell.row, event);
    return;
  }
  point(state, side, to);
  reveal(state, side, state.cell.row);
}

/** The names of the rows; made anew only for other tokens. */
export function nameRows(state) {
  const { tokens } = state.shown.run;
  for (const [side, all] of [["query", tokens.queries], ["key", tokens.keys]]) {
    const own = state.strips[side];
    const count = state.vectors[side].shape[0];
    if (own.tokens === all && own.list.length === count) continue;
    own.tokens = all;
    own.list = ui.namesOf(all).slice(0, count);
    own.names.replaceChildren(...own.list.map((_, i) => ui.make("span", { dir: "auto" }, ...ui.named(own.list, i))));
    own.root.classList.toggle("few", count <= FEW_ROWS);
    own.root.classList.toggle("many", count > MANY_ROWS);
    own.root.style.setProperty("--rows", count);
  }
}

/** Both strips in the colours of scores, on one scale; painted anew only where something changed. */
export function paintStrips(state) {
  const { look, run } = state.shown;
  const source = onStrips(state);
  const isBack = source === state.before;
  const name = JSON.stringify([run.id, look.layer, look.head, isBack, state.palette.name, globalThis.devicePixelRatio]);
  if (state.painted === name) return;
  state.painted = name;
  const limit = Math.max(largestOf(source.query), largestOf(source.key)) || 1;
  for (const [side, { title, canvas, sheet }] of Object.entries(state.strips)) {
    const [rows, columns] = source[side].shape;
    title.textContent = `${TITLES[side]}${isBack ? ", before turning" : ""}`;
    sheet.setAttribute("aria-label", `${TITLES[side]}: ${rows} tokens by ${columns} dimensions. Arrow keys walk, Enter chooses.`);
    paintStrip(state, canvas, sheet, source[side], limit);
  }
  writeLegend(state, limit);
}

const largestOf = (array) => array.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** Large cells have gaps; of many rows each number is one pixel, which the browser stretches. */
function paintStrip({ palette }, canvas, sheet, z, limit) {
  const [rows, columns] = z.shape;
  const { width, height } = sheet.getBoundingClientRect();
  if (rows <= MANY_ROWS && width) {
    paint(ui, canvas, z, { width, height, scale: palette.scores, zmin: -limit, zmax: limit, hatch: false });
    return;
  }
  Object.assign(canvas, { width: columns, height: rows });
  canvas.getContext("2d").putImageData(image(ui, z, palette.scores, -limit, limit), 0, 0);
}

function writeLegend({ legend, palette }, limit) {
  const colours = palette.scores.map(([place, colour]) => `${colour} ${100 * place}%`).join(", ");
  const ramp = ui.make("i");
  ramp.style.background = `linear-gradient(90deg, ${colours})`;
  legend.replaceChildren(ui.make("span", {}, ui.number(-limit, 3)), ramp, ui.make("span", {}, ui.number(limit, 3)));
}

/** Bring a row into sight within its own strip; the page does not move. */
export function reveal({ strips, vectors }, side, row) {
  const { scroll, sheet } = strips[side];
  if (scroll.scrollHeight <= scroll.clientHeight + 1) return;
  const height = sheet.clientHeight / vectors[side].shape[0];
  const [top, bottom] = [row * height, (row + 1) * height];
  if (top < scroll.scrollTop || bottom > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = (top + bottom - scroll.clientHeight) / 2;
}
