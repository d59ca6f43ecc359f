/** What lies upon a map: the cell under the pointer, rows and columns that are marked, outlines of pins, and the tip. */
const version = new URL(import.meta.url).search;
const [{ ui }, { columnShare, rowShare }] = await Promise.all(
  ["../headlight", "../spans"].map((name) => import(`${name}.js${version}`)));

const ALL = [0, 1];
const APART = 8;

/** The cell under the pointer, or null. */
export function cellAt({ cover, view }, event) {
  const [rows, columns] = view.z.shape;
  const box = cover.getBoundingClientRect();
  const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
  const column = Math.floor(((event.clientX - box.left) / box.width) * columns);
  return row >= 0 && row < rows && column >= 0 && column < columns ? { row, column } : null;
}

/** The cell under the pointer, or the nearest one. */
export function nearest(panel, event) {
  const box = panel.cover.getBoundingClientRect();
  const between = (value, low, high) => Math.max(low, Math.min(high - 0.01, value));
  return cellAt(panel, { clientX: between(event.clientX, box.left, box.right), clientY: between(event.clientY, box.top, box.bottom) });
}

/** Lay an element over one cell, or over the rectangle between two. */
export function overCells(element, { view }, one, other = one) {
  const [rows, columns] = view.z.shape;
  const span = (a, b, count) => [Math.min(a, b) / count, (Math.abs(a - b) + 1) / count];
  lay(element, span(one.row, other.row, rows), span(one.column, other.column, columns));
}

/** Lay an element over the row of a query; nowhere for null, and where that is outside. */
export const overRow = (element, { view }, query) => lay(element, query === null ? null : rowShare(view, query), ALL);

/** The same over the column of a key. */
export const overColumn = (element, { view }, key) => lay(element, ALL, key === null ? null : columnShare(view, key));

export const hide = (element) => lay(element, null, null);

/** Lay an element over shares of the map, [start, size] down and across; null is nowhere. */
function lay({ style }, down, across) {
  style.display = down && across ? "block" : "none";
  if (!down || !across) return;
  const percent = (share) => `${100 * share}%`;
  Object.assign(style, { top: percent(down[0]), height: percent(down[1]), left: percent(across[0]), width: percent(across[1]) });
}

/** The outlines of the pinned rows; of thin rows a wedge at each side, which leaves them in sight. */
export function outline(panel, pins) {
  while (panel.pins.children.length < pins.length) panel.pins.append(ui.make("i", { class: "hl-mark hl-pin" }));
  [...panel.pins.children].forEach((element, i) => {
    element.classList.toggle("hl-thin", Boolean(panel.size?.thin));
    overRow(element, panel, pins[i] ?? null);
  });
}

/** Say something beside a cell, within the component. */
export function tell({ tip, root }, { cover, view }, cell, lines) {
  tip.replaceChildren(...lines);
  tip.hidden = false;
  const frame = root.getBoundingClientRect();
  const box = cover.getBoundingClientRect();
  const [rows, columns] = view.z.shape;
  const x = box.left - frame.left + ((cell.column + 1) / columns) * box.width + APART;
  const y = box.top - frame.top + (cell.row / rows) * box.height - tip.offsetHeight - APART;
  tip.style.left = `${Math.max(0, Math.min(x, frame.width - tip.offsetWidth))}px`;
  tip.style.top = `${y}px`;
}
