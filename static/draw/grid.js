/** A small matrix as cells, with names on both sides, and its numbers where there is room for them. */

const version = new URL(import.meta.url).search;
const [{ ui }, { frame, svg, text }] = await Promise.all(["../headlight", "./svg"].map((name) => import(`${name}.js${version}`)));

const LETTER = 7.2;
const HATCH = 5;

/**
 * A drawing of `values` (a typed array with `shape` [rows, columns], or rows of numbers).
 *
 * label: what it shows, in words. rows, columns: names along both sides, or null. palette: the theme's; scale: one of
 * its colour scales, "weights" (low to high) or "scores" and "values" (even around 0); low, high: what its ends stand
 * for, by default 0 to 1 for weights, and the largest size of all finite numbers for the others. cell: width and height
 * of a cell, a number or [width, height]. digits: decimals of the numbers in the cells, or null for none. masked(row,
 * column): whether a cell is closed, and hatched. outline: {row, column} in the ink's colour, either may be missing.
 * press(row, column): cells become buttons. title: a line above. The drawing's own `outlined(outline)` moves the outline.
 */
export function grid({ values, label, palette, rows = null, columns = null, scale = "weights", low = null, high = null, cell = 28, digits = null,
  masked = () => false, outline = {}, press = null, title = "" }) {
  const table = tableOf(values);
  const [down, across] = [table.length, table[0]?.length ?? 0];
  const [width, height] = Array.isArray(cell) ? cell : [cell, cell];
  const room = roomFor(rows, columns, width);
  const top = room.top + (title ? 20 : 0);
  const ends = endsOf(table, scale, low, high, masked);
  const cells = svg("g", { "shape-rendering": "crispEdges" });
  const numbers = svg("g", { "font-size": Math.min(12, height * 0.5), "text-anchor": "middle" });
  for (let row = 0; row < down; row++) {
    for (let column = 0; column < across; column++) {
      const box = { x: room.left + column * width, y: top + row * height, width, height };
      const shut = masked(row, column);
      cells.append(cellAt(box, shut ? null : table[row][column], ends, palette, scale));
      if (digits !== null && !shut) numbers.append(numberAt(box, table[row][column], digits, ends, palette, scale));
      if (press) buttonOf(cells.lastChild, () => press(row, column), `row ${rows?.[row] ?? row}, column ${columns?.[column] ?? column}`);
    }
  }
  numbers.style.pointerEvents = "none";
  const long = title ? room.left + [...title].length * LETTER : 0;
  const whole = [Math.max(room.left + across * width + room.right, long + 2), top + down * height + 2];
  const marks = svg("g");
  const outlined = (at) => marks.replaceChildren(...outlines(at, { room, top, width, height, down, across, palette }));
  outlined(outline);
  const drawing = frame(...whole, label, title ? text(room.left, 14, title, { fill: palette.ink, weight: 600 }) : null,
    ...namesOf(rows, columns, { room, top, width, height, palette }), cells, numbers, marks);
  // A picture may hold no buttons; a group may.
  if (press) drawing.setAttribute("role", "group");
  return Object.assign(drawing, { outlined });
}

function tableOf(values) {
  if (!values.shape) return values;
  const [down, across] = values.shape;
  return Array.from({ length: down }, (_, row) => values.subarray(row * across, (row + 1) * across));
}

function roomFor(rows, columns, width) {
  const longest = (names) => Math.max(0, ...names.map((name) => [...name].length)) * LETTER;
  const left = rows ? Math.min(110, longest(rows)) + 8 : 2;
  const slanted = columns ? longest(columns) > width : false;
  // A slanted name reaches beyond its column.
  const right = slanted ? Math.max(2, Math.min(94, longest(columns.slice(-1))) * 0.72 - width / 2 + 6) : 2;
  return { left, right, slanted, top: columns ? (slanted ? Math.min(70, longest(columns) * 0.75) + 12 : 20) : 2 };
}

function endsOf(table, scale, low, high, masked) {
  if (scale === "weights") return [low ?? 0, high ?? 1];
  const sizes = table.flatMap((line, row) => [...line].filter((value, column) => Number.isFinite(value) && !masked(row, column)).map(Math.abs));
  const most = Math.max(1e-12, ...sizes);
  return [low ?? -most, high ?? most];
}

const colourOf = (value, [low, high], palette, scale) => ui.mix(palette[scale], (value - low) / (high - low || 1));

function cellAt(box, value, ends, palette, scale) {
  if (value === null || !Number.isFinite(value)) return hatched(box, palette);
  return svg("rect", { ...box, fill: ui.css(colourOf(value, ends, palette, scale)), stroke: palette.paper, "stroke-width": 1 });
}

/** A closed cell: thin slanted lines, never a colour that a number could have. */
function hatched({ x, y, width, height }, palette) {
  const lines = [];
  for (let at = HATCH; at < width + height; at += HATCH) {
    const from = [Math.min(at, width), Math.max(0, at - width)];
    const to = [Math.max(0, at - height), Math.min(at, height)];
    lines.push(`M${x + from[0]} ${y + from[1]}L${x + to[0]} ${y + to[1]}`);
  }
  return svg("g", {}, svg("rect", { x, y, width, height, fill: "transparent" }),
    svg("path", { d: lines.join(""), stroke: palette.muted, "stroke-width": 0.6, "stroke-opacity": 0.55, "shape-rendering": "auto", fill: "none" }));
}

function numberAt({ x, y, width, height }, value, digits, ends, palette, scale) {
  const ink = Number.isFinite(value) ? ui.inkOn(colourOf(value, ends, palette, scale), palette) : palette.muted;
  const words = Number.isFinite(value) ? ui.decimals(value, digits) : Number.isNaN(value) ? "NaN" : ui.number(value);
  return text(x + width / 2, y + height / 2 + 4, words, { fill: ink, anchor: "middle" });
}

function buttonOf(element, press, name) {
  element.setAttribute("role", "button");
  element.setAttribute("tabindex", "0");
  element.setAttribute("aria-label", name);
  element.style.cursor = "pointer";
  element.addEventListener("click", press);
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    press();
  });
}

function namesOf(rows, columns, { room, top, width, height, palette }) {
  const cut = (name, most) => ([...name].length > most ? `${[...name].slice(0, most - 1).join("")}…` : name);
  const side = (rows ?? []).map((name, row) =>
    text(room.left - 6, top + row * height + height / 2 + 4, cut(name, 15), { fill: palette.ink, anchor: "end" }));
  const above = (columns ?? []).map((name, column) => {
    const [x, y] = [room.left + column * width + width / 2, top - 6];
    return text(x, y, cut(name, 13), { fill: palette.ink, anchor: room.slanted ? "start" : "middle", turn: room.slanted ? -45 : null });
  });
  return [...side, ...above];
}

function outlines({ row = null, column = null }, { room, top, width, height, down, across, palette }) {
  const style = { fill: "none", stroke: palette.ink, "stroke-width": 2, "pointer-events": "none" };
  const made = [];
  if (row !== null && column !== null) {
    made.push(svg("rect", { ...style, x: room.left + column * width, y: top + row * height, width, height }));
  } else if (row !== null) {
    made.push(svg("rect", { ...style, x: room.left, y: top + row * height, width: across * width, height }));
  } else if (column !== null) {
    made.push(svg("rect", { ...style, x: room.left + column * width, y: top, width, height: down * height }));
  }
  return made;
}
