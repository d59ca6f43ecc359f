/** A grid of cells, `shape` [rows, columns], that an element is covered with. */

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -Infinity], End: [0, Infinity] };

const between = (index, count) => Math.max(0, Math.min(count - 1, index));

/** The cell {row, column} under the pointer, or the nearest one. */
export function cellAt(element, [rows, columns], event) {
  const { left, top, width, height } = element.getBoundingClientRect();
  const [down, across] = [(event.clientY - top) / height, (event.clientX - left) / width];
  return { row: between(Math.floor(down * rows), rows), column: between(Math.floor(across * columns), columns) };
}

/** The cell to which a key leads from another one; null for a key that leads nowhere. */
export function stepTo([rows, columns], { row, column }, key) {
  const by = STEPS[key];
  return by ? { row: between(row + by[0], rows), column: between(column + by[1], columns) } : null;
}

/** Lay an element over one row, one column (null is all of them) or one cell. */
export function place(element, [rows, columns], row, column) {
  const span = (at, count) => (at === null ? ["0", "100%"] : [`${(100 * at) / count}%`, `${100 / count}%`]);
  const [[top, height], [left, width]] = [span(row, rows), span(column, columns)];
  Object.assign(element.style, { top, height, left, width });
}
