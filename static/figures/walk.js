/**
 * Pointer and keyboard over the cells of maps. A component's state holds `over`: {panel, row, column} of the cell that is
 * spoken of, `at`: the same of the cell that the keyboard is on, and `pins`.
 */
const version = new URL(import.meta.url).search;
const [{ ui }, { rowOf }, { cellAt }, { copyText }, { cell: safe }] = await Promise.all(
  ["../headlight", "../spans", "./marks", "../clipboard", "../share/csv"].map((name) => import(`${name}.js${version}`)));

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -Infinity], End: [0, Infinity] };
const KEYS = "Arrow keys walk over the cells, Enter pins the row, Ctrl or ⌘ and C copies names and number.";

/**
 * Let a panel be pointed at: `show(panel, cell)` speaks of a cell and `leave()` of none any more; `pin(panel, cell, event)`
 * pins its row; `parts(panel, cell)` are what copying it gives: query, key and number. `other(panel, event)` may take a key
 * that means nothing here, and says whether it did.
 */
export function walk(state, panel, { show, leave, pin, parts, other = () => false }) {
  const { cover } = panel;

  /** Speak of a cell, or of the nearest that the map has. */
  function speak({ row, column }) {
    const [rows, columns] = panel.view.z.shape;
    const cell = { row: Math.max(0, Math.min(rows - 1, row)), column: Math.max(0, Math.min(columns - 1, column)) };
    state.over = { panel, ...cell };
    show(panel, cell);
    if (state.copied?.at === placed(panel, cell)) state.tip.append(ui.make("div", { class: "hl-copied" }, state.copied.words));
    else state.copied = null;
  }

  /** Within one cell the pointer changes nothing. */
  function point(event) {
    if (event.pointerType !== "mouse" || state.drag) return;
    const cell = cellAt(panel, event);
    if (!cell) leave();
    else if (state.over?.panel !== panel || state.over.row !== cell.row || state.over.column !== cell.column) speak(cell);
  }

  function press(event) {
    const cell = state.dragged ? null : cellAt(panel, event);
    if (!cell) return;
    speak(cell);
    pin(panel, cell, event);
  }

  function moveTo(cell) {
    speak(cell);
    state.at = state.over;
  }

  /** Copy what the cell is, as a spreadsheet takes it, and say so; the keyboard stays where it is. */
  async function copyCell() {
    const { row, column } = state.at;
    const done = await copyText(parts(panel, { row, column }).map(safe).join("\t"));
    if (!cover.matches(":focus")) cover.focus({ preventScroll: true });
    // It stays said while the cell is spoken of, whatever is drawn anew meanwhile.
    state.copied = { at: placed(panel, { row, column }), words: done ? "copied" : "This browser does not let the page copy." };
    moveTo({ row, column });
  }

  function key(event) {
    if (isCopy(event) && state.at?.panel === panel) {
      event.preventDefault();
      event.stopPropagation();
      copyCell();
      return;
    }
    if (event.altKey || event.ctrlKey || event.metaKey || state.at?.panel !== panel) return;
    const by = STEPS[event.key];
    if (event.key === "Enter" || (event.key === " " && !event.shiftKey)) pin(panel, state.at, event);
    else if (by && !event.shiftKey) moveTo({ row: state.at.row + by[0], column: state.at.column + by[1] });
    else if (event.key === "Escape") cover.blur();
    else if (!other(panel, event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  cover.setAttribute("aria-description", KEYS);
  cover.addEventListener("pointermove", point);
  cover.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && leave());
  cover.addEventListener("pointerdown", () => { state.at = null; });
  cover.addEventListener("click", press);
  cover.addEventListener("keydown", key);
  // As soon as the keyboard has come to a map, its arrow keys walk the cells.
  cover.addEventListener("focus", () => {
    if (cover.matches(":focus-visible") && panel.view) moveTo({ row: rowOf(panel.view, state.pins[0] ?? 0), column: 0 });
  });
  cover.addEventListener("blur", () => {
    if (state.over?.panel === panel) leave();
    state.at = null;
  });
  Object.assign(panel, { speak, moveTo });
}

const placed = ({ name }, { row, column }) => `${name} ${row} ${column}`;

const isCopy = (event) => event.key.toLowerCase() === "c" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;

/** After a new drawing, speak on of the cell that the keyboard is on, or else the pointer or the last tap. */
export function speakOn({ at, over }) {
  const last = at ?? over;
  if (!last?.panel.view) return;
  if (at) last.panel.moveTo(at);
  else last.panel.speak(over);
}
