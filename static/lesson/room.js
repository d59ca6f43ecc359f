/** Drawings as large as there is room: made for a phone's width, their letters are small on a desk, beside the lesson's words. */

// From so many pixels on there is room to spare; drawings grow to so many times their size, and to such a height. A
// row of which little is missing shrinks to so much, and stays a row.
const [FROM, MOST, LEAST, HIGHEST, STEP] = [700, 1.3, 0.92, 560, 0.02];
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
  const room = row.clientWidth - SPARE;
  if (room < FROM) return 1;
  const widths = items.map((boxes) => Math.max(...boxes.map(({ width }) => width)));
  const highest = Math.max(...items.map((boxes) => boxes.reduce((sum, { height }) => sum + height, 0)));
  const most = Math.min(MOST, HIGHEST / highest, room / Math.max(...widths));
  const lines = (scale) => (row.matches(ROWS) ? linesOf(widths, room, scale) : 1);
  const fewest = lines(LEAST);
  let scale = Math.max(LEAST, most);
  while (scale > LEAST && lines(scale) > fewest) scale -= STEP;
  return fewest < lines(1) ? Math.max(LEAST, scale) : Math.max(1, scale);
}

/** In how many lines items of these widths stand, where one that finds no room begins a new line. */
function linesOf(widths, room, scale) {
  let [lines, taken] = [1, 0];
  for (const width of widths) {
    const next = taken + (taken ? GAP : 0) + width * scale;
    if (taken && next > room) [lines, taken] = [lines + 1, width * scale];
    else taken = next;
  }
  return lines;
}
