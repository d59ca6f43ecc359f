/** Drawings as large as there is room: made for a phone's width, their letters are small on a desk, beside the lesson's words. */

// From so many pixels on there is room to spare; drawings grow to so many times their size, and to such a height. A
// row of which little is missing shrinks to so much, and stays a row.
const READ = { from: 700, most: 1.3, least: 0.92, highest: 560 };
// While one presents, all of a figure is seen from afar, as far as it can be read.
const PRESENTED = { from: 0, most: 2.2, least: 0.9, highest: Infinity };
const ROWS = ".pair, .drawings, .side";
// Between drawings of a row, and what rounding may take.
const [GAP, SPARE, STEP] = [30, 2, 0.02];

/**
 * Set what drawings below an element grow by, each row as a whole, so that what stands side by side stays so. height: so
 * much is there for all of it while one presents, or null.
 */
export function fit(body, height = null) {
  const limits = height ? PRESENTED : READ;
  const rows = rowsOf(body);
  const scales = new Map([...rows].map(([row, items]) => [row, scaleOf(row, [...items.values()], limits)]));
  const set = (most) => scales.forEach((scale, row) => row.style.setProperty("--drawing-scale", Math.min(scale, most).toFixed(3)));
  set(limits.most);
  if (!height) return;
  for (let most = limits.most; most > limits.least && body.scrollHeight > height; most -= 2 * STEP) set(most);
}

/** The rows of drawings, each with its items, and of each item the boxes of its drawings. */
function rowsOf(body) {
  const rows = new Map();
  for (const drawing of body.querySelectorAll("svg[viewBox]")) {
    const row = drawing.closest(ROWS) ?? drawing.parentElement;
    const item = [...row.children].find((child) => child.contains(drawing));
    const items = rows.get(row) ?? new Map();
    rows.set(row, items.set(item, [...(items.get(item) ?? []), drawing.viewBox.baseVal]));
  }
  return rows;
}

/** items: the boxes of each one's drawings, which stand one below another. */
function scaleOf(row, items, { from, most, least, highest }) {
  const room = row.clientWidth - SPARE;
  if (room < from) return 1;
  const widths = items.map((boxes) => Math.max(...boxes.map(({ width }) => width)));
  const tallest = Math.max(...items.map((boxes) => boxes.reduce((sum, { height }) => sum + height, 0)));
  const lines = (scale) => (row.matches(ROWS) ? linesOf(widths, room, scale) : 1);
  const fewest = lines(least);
  let scale = Math.max(least, Math.min(most, highest / tallest, room / Math.max(...widths)));
  while (scale > least && lines(scale) > fewest) scale -= STEP;
  return fewest < lines(1) ? Math.max(least, scale) : Math.max(1, scale);
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
