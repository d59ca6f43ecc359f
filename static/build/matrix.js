/**
 * A matrix in a place of its own, which stays when its numbers change, so that the keyboard's focus stays too: small ones as
 * cells (`static/draw/grid.js`), wide ones as a picture of one point a number, with names and outlines over it. A click, or the
 * arrow keys, choose a cell. The number under the pointer stands in the place of the shape while it is there.
 */

const version = new URL(import.meta.url).search;
const [{ ui }, { grid }, { frame, svg, text }, { fine }] = await Promise.all(["../headlight", "../draw/grid", "../draw/svg", "./words"].map((name) => import(`${name}.js${version}`)));

// More cells than this are one picture.
const SINGLE = 330;
const LETTER = 6.6;
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/**
 * A place for a matrix: {root, draw(options)}. options: as `grid` of static/draw/grid.js, with `at` {row, column}, the chosen cell,
 * either may be missing; `groups`, after how many columns a line stands; `choose(row, column)` where cells can be chosen; and
 * `shape`, the shape in words below the title. `names` and `dims` say what rows and columns are called where one number is read,
 * if that is not what stands beside them.
 */
export function place(kind = "") {
  const title = ui.make("span", { class: "title" });
  const shape = ui.make("span", { class: "shape" });
  const sheet = ui.make("div", { class: "sheet", role: "group" });
  const root = ui.make("figure", { class: `matrix ${kind}` }, ui.make("figcaption", {}, title, shape), sheet);
  const own = { root, sheet, options: null, look: "", palette: null, made: null, shape, read: null };
  sheet.addEventListener("click", (event) => press(own, event));
  sheet.addEventListener("pointermove", (event) => read(own, within(own, event)));
  sheet.addEventListener("pointerleave", () => read(own, null));
  sheet.addEventListener("keydown", (event) => step(own, event));
  own.draw = (options) => {
    own.options = { rows: null, columns: null, scale: "scores", at: {}, choose: null, ...options };
    title.textContent = options.title;
    drawn(own);
    read(own, own.read);
  };
  return own;
}

function drawn(own) {
  const { sheet, options } = own;
  const { values, at, choose, palette } = options;
  const [down, across] = shapeOf(values);
  const chosen = at.row !== undefined && at.column !== undefined && at.row !== null && at.column !== null ? ` Chosen: ${reading(options, at)}.` : "";
  sheet.tabIndex = choose ? 0 : -1;
  sheet.setAttribute("aria-label", choose ? `${options.label}${chosen} The arrow keys choose a cell.` : options.label);
  // Most changes leave most matrices as they are, and to draw one anew costs more than to see that.
  const look = lookOf(options, down, across);
  if (own.look === look && own.palette === palette) {
    own.made.outlined(at);
    return;
  }
  const single = options.masked !== undefined || down * across <= SINGLE;
  const made = single ? grid({ ...options, title: "", outline: at }) : picture(options, down, across);
  Object.assign(own, { look, palette, made });
  sheet.style.width = `min(100%, ${made.style.maxWidth})`;
  sheet.replaceChildren(made);
}

/** All that the cells are drawn from, the palette and the outline of the chosen one aside, as text that can be compared. */
function lookOf(options, down, across) {
  const { values, masked } = options;
  const closed = masked ? Array.from({ length: down * across }, (_, i) => Number(masked(Math.floor(i / across), i % across))) : [];
  return JSON.stringify({ ...options, palette: null, at: null, down, across, values: values.join(), masked: closed.join("") });
}

/** The number of one cell in words; null where there is none. */
export function reading({ values, rows, columns, names = rows, dims = columns, masked = () => false }, { row, column }) {
  const [down, across] = shapeOf(values);
  if (row >= down || column >= across) return null;
  const value = values.shape ? values[row * across + column] : values[row][column];
  const said = (own, at) => (own ? own[at] : String(at));
  return `${names || dims ? "" : "row "}${said(names, row)}, ${dims ? "" : "column "}${said(dims, column)}: ${masked(row, column) || value === -Infinity ? "closed" : fine(value)}`;
}

/** Say which number is pointed at, or the shape where none is. */
function read(own, at) {
  own.read = at;
  own.shape.textContent = (at && reading(own.options, at)) ?? own.options.shape ?? "";
}

const shapeOf = (values) => values.shape ?? [values.length, values[0]?.length ?? 0];

/** What a cell's height and width may be, so that a matrix has about that width. */
export function cellOf(columns, { width = 300, most = 22, least = 1, height = 18 } = {}) {
  return [Math.max(least, Math.min(most, width / columns)), height];
}

function picture({ values, label, palette, rows, scale, low = null, high = null, cell, at, groups = null }, down, across) {
  const [width, height] = Array.isArray(cell) ? cell : [cell, cell];
  const left = rows ? Math.min(104, Math.max(...rows.map((name) => [...name].length)) * LETTER + 8) : 2;
  const [wide, tall] = [width * across, height * down];
  const image = svg("image", { x: left, y: 2, width: wide, height: tall, preserveAspectRatio: "none", href: painted(values, down, across, { palette, scale, low, high }) });
  image.style.imageRendering = "pixelated";
  const names = (rows ?? []).map((name, row) => text(left - 6, 2 + (row + 0.5) * height + 4, cut(name), { fill: palette.ink, anchor: "end", size: Math.min(13, height) }));
  const lines = groups ? Array.from({ length: Math.ceil(across / groups) - 1 }, (_, i) => svg("line",
    { x1: left + (i + 1) * groups * width, x2: left + (i + 1) * groups * width, y1: 2, y2: 2 + tall, stroke: palette.ink, "stroke-width": 1 })) : [];
  const box = svg("rect", { x: left, y: 2, width: wide, height: tall, fill: "none", stroke: palette.line });
  const marks = svg("g");
  const outlined = (chosen) => marks.replaceChildren(...outlines(chosen, { left, width, height, wide, tall, palette }));
  outlined(at);
  return Object.assign(frame(left + wide + 2, tall + 4, label, ...names, image, box, ...lines, marks), { outlined });
}

function outlines({ row = null, column = null }, { left, width, height, wide, tall, palette }) {
  const style = { fill: "none", stroke: palette.ink, "stroke-width": 2 };
  const made = [];
  if (row !== null) made.push(svg("rect", { ...style, x: left, y: 2 + row * height, width: wide, height }));
  if (column !== null) made.push(svg("rect", { ...style, "stroke-width": row === null ? 2 : 1, x: left + column * width, y: 2, width, height: tall }));
  if (row !== null && column !== null) made.push(svg("rect", { ...style, "stroke-width": 2, x: left + column * width, y: 2 + row * height, width, height }));
  return made;
}

const cut = (name) => ([...name].length > 15 ? `${[...name].slice(0, 14).join("")}…` : name);

const kept = new WeakMap();

/** A picture of one point a number, as an address; the same numbers in the same colours are painted once. */
function painted(values, down, across, options) {
  const known = kept.get(values);
  if (known?.colours === options.palette[options.scale]) return known.address;
  const address = paint(values, down, across, options);
  kept.set(values, { colours: options.palette[options.scale], address });
  return address;
}

function paint(values, down, across, { palette, scale, low, high }) {
  const canvas = Object.assign(document.createElement("canvas"), { width: across, height: down });
  const context = canvas.getContext("2d");
  const points = context.createImageData(across, down);
  const most = Math.max(1e-12, ...maxima(values));
  const [from, to] = scale === "weights" ? [low ?? 0, high ?? 1] : [low ?? -most, high ?? most];
  for (let i = 0; i < down * across; i++) {
    points.data.set(ui.mix(palette[scale], (values[i] - from) / (to - from || 1)), 4 * i);
    points.data[4 * i + 3] = 255;
  }
  context.putImageData(points, 0, 0);
  return canvas.toDataURL();
}

/** The largest size of some numbers, as a list of one. */
function maxima(values) {
  let most = 0;
  for (const value of values) if (Number.isFinite(value)) most = Math.max(most, Math.abs(value));
  return [most];
}

/** Choose the cell that was pressed; beside the cells, on a name, only its row. */
function press(own, event) {
  const found = within(own, event, 0.4);
  if (found) own.options.choose?.(found.row, found.column);
}

/** Which cell stands at a point of the page, by where the cells lie: {row, column}, column null on the names; null for none. */
function within({ sheet, options }, event, beside = 0) {
  if (!options) return null;
  const [down, across] = shapeOf(options.values);
  const hit = areaOf(sheet);
  const [x, y] = [(event.clientX - hit.left) / hit.width, (event.clientY - hit.top) / hit.height];
  if (x < -beside || x > 1 || y < 0 || y > 1) return null;
  const at = (share, count) => Math.max(0, Math.min(count - 1, Math.floor(share * count)));
  return { row: at(y, down), column: x < 0 ? null : at(x, across) };
}

/** Where on the page the cells lie. */
function areaOf(sheet) {
  const cells = sheet.querySelector("image, g[shape-rendering]");
  return cells.getBoundingClientRect();
}

function step({ options }, event) {
  const by = STEPS[event.key];
  if (!by || !options?.choose) return;
  event.preventDefault();
  event.stopPropagation();
  const [down, across] = shapeOf(options.values);
  const { row = null, column = null } = options.at;
  const moved = (at, change, count) => Math.max(0, Math.min(count - 1, (at ?? 0) + change));
  options.choose(moved(row, by[0], down), moved(column, by[1], across));
}
