/** Drawings as large as there is room: made for a phone's width, their letters are small on a desk, beside the lesson's words. */

// From so many pixels on there is room to spare; drawings grow to so many times their size, and to such a height.
const [FROM, MOST, HIGHEST] = [700, 1.3, 560];
const ROWS = ".pair, .drawings, .side";
// Between drawings of a row, and what rounding may take.
const [GAP, SPARE] = [30, 2];

/** Set what drawings below an element grow by, each row as a whole, so that what stands side by side stays so. */
export function fit(body) {
  const rows = new Map();
  for (const drawing of body.querySelectorAll("svg[viewBox]")) {
    const row = drawing.closest(ROWS) ?? drawing.parentElement;
    const item = [...row.children].find((child) => child.contains(drawing));
    const items = rows.get(row) ?? new Map();
    rows.set(row, items.set(item, [...(items.get(item) ?? []), drawing.viewBox.baseVal]));
  }
  for (const [row, items] of rows) row.style.setProperty("--drawing-scale", scaleOf(row, [...items.values()]).toFixed(3));
}

/** items: the boxes of each one's drawings, which stand one below another. */
function scaleOf(row, items) {
  const room = row.clientWidth;
  if (room < FROM) return 1;
  const widths = items.map((boxes) => Math.max(...boxes.map(({ width }) => width)));
  const heights = items.map((boxes) => boxes.reduce((sum, { height }) => sum + height, 0));
  const isRow = row.matches(ROWS);
  const width = isRow ? widths.reduce((sum, one) => sum + one, 0) : Math.max(...widths);
  const free = room - SPARE - (isRow ? GAP * (items.length - 1) : 0);
  return Math.max(1, Math.min(MOST, free / width, HIGHEST / Math.max(...heights)));
}
