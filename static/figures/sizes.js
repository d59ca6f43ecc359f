/** How large maps are: side by side with one height and one column of names, or one under another where it is narrow. */
const version = new URL(import.meta.url).search;
const [{ ui }, axes, { isPresenting }] = await Promise.all(["../headlight", "../axes", "../present"].map((name) => import(`${name}.js${version}`)));

const NARROW = 560;
// Between two panels, as their styles have it.
export const GAP = 22;
const CELL = 24;
const [LEAST, USUAL, TALLEST] = [72, 288, 460];
const THIN = 10;
// Of the values' axis, which has two numbers alone.
const NUMBERS = 28;
// Left of a map that has no names of its own.
const BARE = 2;
// A projector's cells are larger, and below its maps there is room for a few lines of the row's arithmetic; in a low window for
// its first line, where each of the maps' rows still has room for its name.
const [LARGE, LINES, HIGH, SMALLEST, LAST] = [40, 190, 640, 120, 24];
const LINE = 62;
// What a panel's margins take, right of it and below.
export const MARGIN = 22;

/** Whether panels stand one under another, and the element said so. */
export function isStacked(root) {
  const stacked = root.clientWidth < NARROW;
  root.classList.toggle("hl-stacked", stacked);
  return stacked;
}

/** {height, thin} of maps of so many rows and that width: large cells where they fit, thin ones where they must. */
export function heightOf(rows, width) {
  const height = Math.max(LEAST, Math.min(CELL * rows, TALLEST, Math.max(USUAL, width)));
  return { height, thin: height / rows < THIN };
}

/** The same in a projector's layout: as large as the window lets all of it be seen at once. around: what is above and below. */
function heightPresented({ root, panels }, rows, width, above) {
  const scroller = root.closest("[data-testid=stMain]");
  const top = root.getBoundingClientRect().top + (scroller?.scrollTop ?? 0);
  const around = Math.max(...[...panels.values()].map(({ header, caption }) => header.offsetHeight + caption.parentElement.offsetHeight));
  const whole = innerHeight - top - around - above - LAST;
  const room = innerHeight >= HIGH ? whole - LINES : whole - LINE >= axes.LABEL * rows ? whole - LINE : whole;
  const height = Math.max(SMALLEST, Math.min(LARGE * rows, room, Math.max(USUAL, width)));
  return { height, thin: height / rows < THIN };
}

/** The left of the map at place `i`: its names, or next to nothing beside one that has them. */
export function leftOf(names, stacked, i) {
  const labelled = stacked || i === 0;
  return { labelled, left: labelled ? axes.leftOf(names) : BARE };
}

/** The panels' columns in their grid. */
export const gridOf = (stacked, widths) => (stacked ? "minmax(0, 1fr)" : widths.map((width) => `${width}px`).join(" "));

/** The names of a panel's rows. */
export const rowNames = ({ shown }, { view }) => ui.namesOf(shown.run.tokens.queries).slice(view.top, view.bottom + 1);

/** The names of a panel's columns, with the sink at their end where it has one. */
export function columnNames({ shown }, { name, view }) {
  if (name === "values") return [];
  const names = ui.namesOf(shown.run.tokens.keys).slice(view.left, view.right + 1);
  return view.sink ? [...names, "sink"] : names;
}

/** Give each panel of a head its size: {width, height, left, right, top, below, labelled, thin} in CSS pixels. */
export function layOut(state) {
  const panels = [...state.panels.values()];
  const drawn = panels.filter((panel) => panel.view);
  const stacked = isStacked(state.root);
  const names = drawn.length ? rowNames(state, drawn[0]) : [];
  // Whether or not there are bars to see: their room stays, so that nothing moves where they come and go.
  const beside = ({ name }) => (name === "weights" ? MARGIN : 0);
  const right = stacked ? Math.max(BARE, ...drawn.map((panel) => axes.overhang(columnNames(state, panel)))) : BARE;
  const rest = state.root.clientWidth - axes.leftOf(names) - right;
  const width = stacked ? rest - MARGIN
    : Math.floor((rest - MARGIN - (panels.length - 1) * (GAP + BARE + right)) / panels.length);
  const tops = new Map(drawn.map((panel) => [panel, panel.name === "values" ? NUMBERS : axes.topOf(columnNames(state, panel))]));
  const widths = panels.map((panel, i) => {
    const { labelled, left } = leftOf(names, stacked, i);
    const top = stacked ? tops.get(panel) : Math.max(...tops.values());
    const below = stacked ? beside(panel) : MARGIN;
    const high = isPresenting() ? heightPresented(state, names.length, width, top + axes.BELOW + below) : heightOf(names.length, width);
    panel.size = panel.view && { width, ...high, left, right, top, below, labelled };
    return left + width + right + beside(panel);
  });
  state.root.style.gridTemplateColumns = gridOf(stacked, widths);
}
