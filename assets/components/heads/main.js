/**
 * All heads in one canvas: layers down, heads across, or one after the other in falling order. Each is a small picture
 * or one number. Click, tap, arrow keys, buttons or a swipe choose one; pointing enlarges it.
 *
 * The heads are drawn once, to a bitmap out of sight. What changes while the pointer moves is drawn over a copy of it.
 */
const { start } = await import(`${location.origin}${HEADLIGHT.base}/app/static/headlight.js?v=${HEADLIGHT.version}`);
const { desk } = await import(`${location.origin}${HEADLIGHT.base}/app/static/desk.js?v=${HEADLIGHT.version}`);
const ui = start(HEADLIGHT);
const table = desk(ui);
const states = new WeakMap();

const [GUTTER, NARROW] = [22, 18];
const TALLEST = 420;
const LARGEST = 62;
// Below this a square shrinks no further for the sake of the height, and below that not at all: then the frame scrolls.
const HANDY = 12;
const SMALLEST = 4;
// A square must be this wide to have lines in it, and this wide to have its number in it.
const LINED = 10;
const WRITTEN = 26;
const SCROLLBAR = 12;
const TICK = 3;
const RANKED = { width: 70, height: 28, most: 240 };
const LENS = { side: 136, pixels: 48, rest: 60, gap: 8, most: 1_100_000 };
const TOP = 10;
const FONT = `12px "Source Sans 3", sans-serif`;
const STEPS = [["←", "ArrowLeft", 0, -1, "Head before (←)"], ["→", "ArrowRight", 0, 1, "Next head (→)"],
  ["↑", "ArrowUp", -1, 0, "Layer before (Shift ↑)"], ["↓", "ArrowDown", 1, 0, "Next layer (Shift ↓)"]];

// The elements, made once

function build(parent) {
  const state = { at: { layer: 0, head: 0 }, over: null, hover: null, sorted: false, said: false, touch: false, stops: null };
  Object.assign(state, controls(state));
  state.canvas = ui.make("canvas", { tabIndex: 0, role: "application" });
  state.frame = ui.make("div", { class: "frame" }, state.canvas);
  state.why = ui.make("p", { class: "why", role: "status" });
  state.legend = legend();
  state.says = ui.make("p", { class: "says" });
  state.more = { source: ui.make("p"), hides: ui.make("p"), note: ui.make("p") };
  const more = ui.make("details", {}, ui.make("summary", {}, "Source, and what this hides"), ...Object.values(state.more));
  state.title = ui.make("h2", { "aria-live": "polite" });
  state.worth = ui.make("p", { class: "worth", "aria-live": "polite" });
  state.table = ui.make("table", { class: "unseen" });
  const line = ui.make("div", { class: "line" }, state.title, steppers(state));
  state.root = ui.make("div", { class: "heads" }, ...[state.caption, state.tools, state.frame, state.why, state.legend.root,
    state.says, more, line, state.worth, state.table]);
  state.lens = lens();
  parent.append(state.root, state.lens.root);
  attach(state);
  return state;
}

function controls(state) {
  const select = ui.make("select");
  select.addEventListener("change", () => table.change({ measure: select.value }, { now: true }));
  const caption = ui.make("div", { class: "caption" }, ui.make("span", { class: "label" }, "All heads"),
    ui.make("label", { class: "show" }, "Show", select));
  const sorter = ui.make("button", { type: "button", class: "sort", title: "Put the heads in falling order", "aria-pressed": "false" }, "Sort");
  sorter.addEventListener("click", () => table.change({ sort: !state.sorted }));
  const grounds = ui.make("div", { class: "grounds", role: "group", "aria-label": "Counted on" });
  return { select, caption, sorter, grounds, tools: ui.make("div", { class: "tools" }, sorter, grounds) };
}

function steppers(state) {
  return ui.make("div", { class: "steps" }, ...STEPS.map(([sign, , dLayer, dHead, name]) => {
    const button = ui.make("button", { type: "button", title: name, "aria-label": name }, sign);
    button.addEventListener("click", () => step(state, dLayer, dHead));
    return button;
  }));
}

function legend() {
  const part = Object.fromEntries(["low", "ramp", "high", "words", "mark"].map((name) => [name, ui.make("span", { class: name })]));
  const bar = ui.make("div", { class: "bar" }, part.low, part.ramp, part.high, part.words);
  return { ...part, root: ui.make("div", { class: "legend" }, bar, part.mark) };
}

/** The enlarged head. It stands in the top layer, where no column cuts it off. */
function lens() {
  const canvas = ui.make("canvas", { width: LENS.side, height: LENS.side });
  const names = ["name", "worth", "even", "query", "key", "what"];
  const part = Object.fromEntries(names.map((name) => [name, ui.make("div", { class: name })]));
  const root = ui.make("div", { class: "lens", "aria-hidden": "true" }, canvas, ui.make("div", { class: "words" }, ...Object.values(part)));
  root.setAttribute("popover", "manual");
  return { root, canvas, ...part, timer: 0, shown: null };
}

function attach(state) {
  const { canvas, frame } = state;
  canvas.addEventListener("pointerdown", (event) => { state.touch = event.pointerType === "touch"; });
  canvas.addEventListener("pointermove", (event) => event.pointerType !== "touch" && point(state, event));
  canvas.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && leave(state));
  canvas.addEventListener("click", (event) => press(state, event));
  canvas.addEventListener("keydown", (event) => gridKey(state, event));
  canvas.addEventListener("blur", () => leave(state));
  frame.addEventListener("scroll", () => !state.walking && leave(state), { passive: true });
  new ResizeObserver(() => frame.offsetWidth !== state.drawnAt && draw(state)).observe(frame);
  ui.swipes(state.root);
}

/** What is heard from outside the component; again after it was taken down. */
function connect(state) {
  if (state.stops) return;
  const onKey = (event) => pageKey(state, event);
  const onDown = (event) => state.touch && !event.composedPath().includes(state.canvas) && leave(state);
  const onScroll = () => state.lens.open && !state.walking && leave(state);
  document.addEventListener("keydown", onKey);
  document.addEventListener("scroll", onScroll, { capture: true, passive: true });
  document.addEventListener("pointerdown", onDown, true);
  state.stops = [
    ui.listen("shown", ({ look }) => follow(state, look)),
    ui.listen("waiting", (look) => look && follow(state, look)),
    ui.listen("hover", (hover) => heard(state, hover)),
    ui.listen("swipe", (by) => step(state, 0, by)),
    () => document.removeEventListener("keydown", onKey),
    () => document.removeEventListener("scroll", onScroll, { capture: true }),
    () => document.removeEventListener("pointerdown", onDown, true),
  ];
}

function disconnect(state) {
  leave(state);
  state.stops?.forEach((stop) => stop());
  state.stops = null;
}

// Choosing

const same = (one, other) => one?.layer === other?.layer && one?.head === other?.head;
const name = (cell) => `Layer ${cell.layer}, head ${cell.head}`;

/** In the grid itself all four arrows move, in falling order along it. */
function gridKey(state, event) {
  if (event.key === "Escape") return leave(state);
  const found = STEPS.find(([, key]) => key === event.key);
  if (!found || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  event.stopPropagation();
  if (isRanked(state)) walk(state, found[2], found[3]);
  else step(state, found[2], found[3]);
  enlarge(state, state.at);
}

/** Anywhere on the page ← → step through the heads, and with Shift ↑ ↓ through the layers, which else scroll. */
function pageKey(state, event) {
  if (event.key === "Escape") leave(state);
  const found = STEPS.find(([, key]) => key === event.key);
  if (!found || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || ui.typing()) return;
  if (event.shiftKey !== (found[2] !== 0) || !state.canvas.isConnected) return;
  event.preventDefault();
  step(state, found[2], found[3]);
}

function step(state, dLayer, dHead) {
  if (!state.given) return;
  const { layers, counts } = state.given;
  const row = Math.min(layers.length - 1, Math.max(0, layers.indexOf(state.at.layer) + dLayer));
  choose(state, { layer: layers[row], head: Math.min(counts[row] - 1, Math.max(0, state.at.head + dHead)) });
}

/** Along the falling order; from outside of it to the first. */
function walk(state, dRow, dPlace) {
  const ranked = ranking(state);
  const here = ranked.findIndex((cell) => same(cell, state.at));
  const next = here < 0 ? 0 : here + dPlace + dRow * state.plan.columns;
  if (ranked[next]) choose(state, ranked[next]);
}

function choose(state, cell) {
  if (!cell || same(cell, state.at)) return;
  table.change({ layer: cell.layer, head: cell.head });
}

/** What the desk shows, or waits for: the outline moves at once. */
function follow(state, look) {
  const moved = !same(look, state.at) || state.title.textContent === "";
  const resorted = state.sorted !== look.sort;
  Object.assign(state, { at: { layer: look.layer, head: look.head }, sorted: look.sort, look });
  if (!state.given) return;
  chosen(state);
  if (resorted) {
    draw(state);
    unroll(state);
  }
  if (moved) {
    state.title.textContent = name(state.at);
    reveal(state);
  }
  told(state);
  later(state);
}

/** Draw again when the page's typeface is here: a canvas does not wait for it. */
function lettered(state) {
  if (!document.fonts || document.fonts.check(FONT)) return;
  document.fonts.load(FONT).then((found) => found.length && draw(state)).catch(() => {});
}

/** The controls as the look has them, and whether what it asks for is still on its way. */
function chosen(state) {
  const { given, look } = state;
  const ground = given.ground.why ? given.ground.value : look.ground;
  const late = look.measure !== given.measure || ground !== given.ground.value;
  state.select.value = look.measure;
  for (const button of state.grounds.children) button.setAttribute("aria-pressed", String(button.value === ground));
  const part = isRanked(state) && state.known > RANKED.most;
  state.sorter.setAttribute("aria-pressed", String(state.sorted));
  state.sorter.textContent = part ? `Sort: first ${RANKED.most} of ${state.known}` : "Sort";
  state.frame.classList.toggle("late", late);
  state.frame.setAttribute("aria-busy", String(late));
}

function told(state) {
  const value = valueOf(state, state.at);
  const text = value === null ? "" : [`${state.given.title} ${written(state, value)}`, evenWords(state, state.at)].filter(Boolean).join("; ");
  if (state.worth.textContent !== text) state.worth.textContent = text;
}

// Numbers

const indexOf = (state, { layer, head }) => {
  const row = state.given.layers.indexOf(layer);
  return row < 0 || head >= state.given.counts[row] ? -1 : row * state.most + head;
};

/** A head's number, NaN where nothing counted; null where pictures are shown. */
function valueOf(state, cell) {
  const at = state.given.numbers ? indexOf(state, cell) : -1;
  return at < 0 ? null : state.given.numbers[at];
}

function written(state, value) {
  if (Number.isNaN(value)) return "–";
  const { digits, unit } = state.given;
  return `${figure(state, value, digits)}${unit ? ` ${unit}` : ""}`;
}

const figure = (state, value, digits = state.given.digits) => ui.decimals(value, Math.abs(value) >= 100 ? 0 : digits);

function evenWords(state, cell) {
  const { base, marks } = state.given;
  const at = indexOf(state, cell);
  if (!base || at < 0 || Number.isNaN(base[at])) return "";
  return `an even head ${ui.decimals(base[at], 2)}${marks[at] ? ", clearly more" : ""}`;
}

/** The heads by falling number, as far as they are shown; made once for these numbers. */
function ranking(state) {
  if (state.ranked) return state.ranked;
  const { layers, counts, numbers } = state.given;
  const all = layers.flatMap((layer, row) => Array.from({ length: counts[row] }, (_, head) => ({ layer, head, at: row * state.most + head })));
  const known = all.filter(({ at }) => !Number.isNaN(numbers[at])).sort((one, other) => numbers[other.at] - numbers[one.at]);
  state.known = known.length;
  state.ranked = known.slice(0, RANKED.most);
  return state.ranked;
}

const isRanked = (state) => Boolean(state.sorted && state.given?.numbers);

// Where each head stands

/** The plan of the canvas in CSS pixels: {ranked, side | columns, wide, tall, width, height, gap}. */
function planned(state) {
  const whole = state.frame.offsetWidth;
  const plan = isRanked(state) ? rankedPlan(state, whole) : gridPlan(state, whole);
  if (plan.height <= TALLEST) return plan;
  return isRanked(state) ? rankedPlan(state, whole - SCROLLBAR) : gridPlan(state, whole - SCROLLBAR);
}

function gridPlan(state, whole) {
  const rows = state.given.layers.length;
  const wide = Math.min(LARGEST, (whole - GUTTER - 4) / state.most);
  const fits = Math.max(SMALLEST, Math.min(wide, Math.max(HANDY, (TALLEST - 4) / rows)));
  const ratio = devicePixelRatio || 1;
  const side = Math.max(SMALLEST, Math.floor(fits * ratio) / ratio);
  const gap = side > 14 ? 3 : 1;
  const gutter = side < HANDY ? NARROW : GUTTER;
  return { ranked: false, side, gap, gutter, inset: Math.floor(gap / 2), width: Math.max(whole, gutter + side * state.most + 3), height: Math.ceil(side * rows + 4) };
}

function rankedPlan(state, whole) {
  const columns = Math.max(1, Math.floor(whole / RANKED.width));
  const rows = Math.max(1, Math.ceil(ranking(state).length / columns));
  return { ranked: true, columns, wide: Math.floor((whole - 4) / columns), tall: RANKED.height, gap: 4, width: whole, height: rows * RANKED.height + 4 };
}

/** The box of a head [x, y, width, height], its gap included; null where it is not shown. */
function boxOf(state, cell) {
  const { plan, given } = state;
  if (plan.ranked) {
    const at = ranking(state).findIndex((one) => same(one, cell));
    return at < 0 ? null : [(at % plan.columns) * plan.wide + 2, Math.floor(at / plan.columns) * plan.tall + 2, plan.wide, plan.tall];
  }
  if (indexOf(state, cell) < 0) return null;
  return [plan.gutter + cell.head * plan.side, given.layers.indexOf(cell.layer) * plan.side + 2, plan.side, plan.side];
}

/** {layer, head, y} of the head under the pointer, y from 0 at its top to 1; null beside them. */
function cellAt(state, event) {
  const { plan, given } = state;
  if (!plan) return null;
  const box = state.canvas.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top - 2];
  if (x < 0 || y < 0) return null;
  if (plan.ranked) {
    const column = Math.max(0, Math.floor((x - 2) / plan.wide));
    return column < plan.columns ? ranking(state)[Math.floor(y / plan.tall) * plan.columns + column] ?? null : null;
  }
  const [head, row] = [Math.floor((x - plan.gutter) / plan.side), Math.floor(y / plan.side)];
  if (head < 0 || row >= given.layers.length || head >= given.counts[row]) return null;
  const inside = (y - row * plan.side - plan.inset) / (plan.side - plan.gap);
  return { layer: given.layers[row], head, y: Math.min(0.999, Math.max(0, inside)) };
}

/** Where a new drawing begins: a falling order at its top, else where the chosen head is. */
function unroll(state) {
  if (isRanked(state)) state.frame.scrollTo({ top: 0, left: 0, behavior: "instant" });
  else reveal(state);
}

/** Bring the chosen head into the frame; the page itself stays where it is. */
function reveal(state) {
  const box = state.plan && boxOf(state, state.at);
  if (!box) return;
  const { frame } = state;
  const [x, y, width, height] = box;
  const to = (from, size, place, length) => Math.max(Math.min(from, place - 4), place + length + 4 - size);
  const [top, left] = [to(frame.scrollTop, frame.clientHeight, y, height), to(frame.scrollLeft, frame.clientWidth, x, width)];
  if (top === frame.scrollTop && left === frame.scrollLeft) return;
  // The scroll that this makes is no reason to put the enlarged head away.
  state.walking = true;
  frame.scrollTo({ top, left, behavior: "instant" });
  requestAnimationFrame(() => requestAnimationFrame(() => { state.walking = false; }));
}

// Drawing all heads, once

/** Draw all heads to a bitmap: with new data, another width, order or theme. */
function draw(state) {
  if (!state.given || !state.frame.offsetWidth) return;
  state.drawnAt = state.frame.offsetWidth;
  state.plan = planned(state);
  const { width, height } = state.plan;
  const ratio = devicePixelRatio || 1;
  for (const canvas of [state.canvas, (state.bitmap = document.createElement("canvas"))]) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  Object.assign(state.canvas.style, { width: `${width}px`, height: `${height}px` });
  state.ratio = ratio;
  const pen = state.bitmap.getContext("2d");
  pen.scale(ratio, ratio);
  pen.imageSmoothingEnabled = false;
  pen.textBaseline = "middle";
  if (state.plan.ranked) drawRanked(state, pen);
  else drawGrid(state, pen);
  overlay(state);
}

function drawGrid(state, pen) {
  const { layers, counts, numbers } = state.given;
  const { side, gutter } = state.plan;
  const every = Math.max(1, Math.ceil(13 / side));
  const paint = numbers ? square : picture;
  const hatch = hatched(state, pen);
  pen.font = FONT;
  layers.forEach((layer, row) => {
    if (row % every !== 0) return;
    pen.fillStyle = state.palette.muted;
    pen.textAlign = "right";
    pen.fillText(String(layer), gutter - (side < HANDY ? 4 : 8), Math.max(7, row * side + side / 2 + 2));
  });
  pen.font = `11px "Source Sans 3", sans-serif`;
  pen.textAlign = "center";
  layers.forEach((_, row) => {
    for (let head = 0; head < counts[row]; head++) paint(state, pen, row, head, hatch);
  });
}

/** One head's picture over a hatch: what the mask closes shows it. */
function picture(state, pen, row, head, hatch) {
  const { side, gap, gutter, inset } = state.plan;
  const [x, y, size] = [gutter + head * side + inset, row * side + 2 + inset, side - gap];
  if (side >= LINED || !state.atlas) {
    pen.fillStyle = hatch;
    pen.fillRect(x, y, size, size);
  }
  if (!state.atlas) return;
  const [, , rows, columns] = state.given.pictures.shape;
  pen.drawImage(state.atlas, head * columns, row * rows, columns, rows, x, y, size, size);
}

/** One head as its number. */
function square(state, pen, row, head, hatch) {
  const { side, gap, gutter, inset } = state.plan;
  const [x, y, size] = [gutter + head * side + inset, row * side + 2 + inset, side - gap];
  const at = row * state.most + head;
  const value = state.given.numbers[at];
  const ink = filled(state, pen, value, x, y, size, size, hatch);
  if (!ink) return;
  if (state.given.marks?.[at] && side >= LINED) corner(pen, x + size, y, Math.max(4, size / 4), ink);
  if (side < WRITTEN) return;
  pen.fillStyle = ink;
  pen.fillText(figure(state, value), x + size / 2, y + size / 2 + 1);
}

function drawRanked(state, pen) {
  const { columns, wide, tall } = state.plan;
  const hatch = hatched(state, pen);
  ranking(state).forEach(({ layer, head, at }, place) => {
    const [x, y] = [(place % columns) * wide + 4, Math.floor(place / columns) * tall + 4];
    const ink = filled(state, pen, state.given.numbers[at], x, y, wide - 4, tall - 4, hatch);
    if (state.given.marks?.[at]) corner(pen, x + wide - 4, y, 6, ink);
    pen.fillStyle = ink;
    pen.textAlign = "left";
    pen.font = `600 12px "Source Sans 3", sans-serif`;
    pen.fillText(`${layer}.${head}`, x + 6, y + tall / 2 - 1);
    pen.textAlign = "right";
    pen.font = FONT;
    pen.fillText(figure(state, state.given.numbers[at]), x + wide - 13, y + tall / 2 - 1);
  });
}

/** Fill a box with the colour of a number, and return the ink that reads on it; hatched, and null, where there is none. */
function filled(state, pen, value, x, y, width, height, hatch) {
  if (Number.isNaN(value)) {
    pen.fillStyle = hatch;
    pen.fillRect(x, y, width, height);
    return null;
  }
  const { low, high } = state.given.range;
  const rgb = ui.mix(state.palette[state.given.scale], (value - low) / (high - low));
  pen.fillStyle = ui.css(rgb);
  pen.fillRect(x, y, width, height);
  return ui.inkOn(rgb, state.palette);
}

/** A small triangle in the upper right corner: clearly more than an even head. */
function corner(pen, x, y, size, ink) {
  pen.fillStyle = ink;
  pen.beginPath();
  pen.moveTo(x - size, y);
  pen.lineTo(x, y);
  pen.lineTo(x, y + size);
  pen.fill();
}

/** The hatch of what is closed, as a pattern. */
function hatched(state, pen) {
  const tile = Object.assign(document.createElement("canvas"), { width: 6, height: 6 });
  const ink = tile.getContext("2d");
  ink.strokeStyle = state.palette.line;
  ink.lineWidth = 1.2;
  ink.beginPath();
  for (const from of [-6, 0, 6]) {
    ink.moveTo(from - 1, 7);
    ink.lineTo(from + 7, -1);
  }
  ink.stroke();
  return pen.createPattern(tile, "repeat");
}

/** Colours of the bytes of a picture, as one 32-bit number each; 0, which is masked, is clear. */
function ramp(state) {
  const scale = state.palette[state.given.picture.scale];
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    if (byte === 0) return 0;
    const [r, g, b] = ui.mix(scale, (byte - 1) / 254);
    return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  });
}

/** All pictures side by side in one bitmap, a pixel each. */
function atlasOf(state) {
  const { pictures: bytes, counts } = state.given;
  if (!bytes) return null;
  const [, heads, rows, columns] = bytes.shape;
  const canvas = Object.assign(document.createElement("canvas"), { width: heads * columns, height: counts.length * rows });
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(canvas.width, canvas.height);
  const colours = new Uint32Array(image.data.buffer);
  const stride = canvas.width;
  for (let at = 0, i = 0; at < counts.length * heads; at++) {
    const from = Math.floor(at / heads) * rows * stride + (at % heads) * columns;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) colours[from + row * stride + column] = state.ramp[bytes[i++]];
    }
  }
  pen.putImageData(image, 0, 0);
  return canvas;
}

// Drawing what changes: a loop over layers at most, never over heads

/** Draw the marks with the next frame, once however much happens before it. */
function later(state) {
  if (state.soon || !state.plan) return;
  state.soon = true;
  requestAnimationFrame(() => {
    state.soon = false;
    overlay(state);
  });
}

function overlay(state) {
  const { canvas, bitmap, ratio, plan } = state;
  if (!bitmap) return;
  const pen = canvas.getContext("2d");
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(bitmap, 0, 0);
  pen.scale(ratio, ratio);
  if (isLined(state)) lines(state, pen);
  if (state.over && !same(state.over, state.at)) outline(pen, boxOf(state, state.over), 1, state.palette.muted, plan);
  outline(pen, boxOf(state, state.at), 2.5, state.palette.ink, plan);
}

const isLined = ({ plan, given }) => Boolean(!plan.ranked && given.pictures && !given.numbers && plan.side >= LINED);

/** In every picture at once: the row of the query that is looked at, the column of the key, and ticks at pinned rows. */
function lines(state, pen) {
  const { palette, given, hover } = state;
  const [, , rows, columns] = given.pictures.shape;
  const inner = state.plan.side - state.plan.gap;
  const thin = inner / rows > 2 ? 2 : 1;
  for (const pin of table.pins()) across(state, pen, pooledPlace(pin, given.queries, rows), TICK, 2, palette.ink);
  if (isPlace(hover?.query, given.queries)) across(state, pen, pooledPlace(hover.query, given.queries, rows), inner, thin, palette.query);
  if (isPlace(hover?.key, given.keys)) down(state, pen, pooledPlace(hover.key, given.keys, columns), thin, palette.key);
}

const isPlace = (index, count) => Number.isInteger(index) && index >= 0 && index < count;

/** Where a token stands in a pooled picture, 0 to 1: the middle of the row or column that it is in. */
const pooledPlace = (index, count, parts) => (Math.floor(((index + 1) * parts - 1) / count) + 0.5) / parts;

/** A line through each picture of every layer: one dashed line a layer, whose gaps are those between the heads. */
function across(state, pen, place, length, thick, colour) {
  const { side, gap } = state.plan;
  dashes(state, pen, [length, side - length], 0, Math.round(place * (side - gap) - thick / 2) + thick / 2, thick, colour);
}

/** The same for a column: a line as thick as a picture is tall, with short dashes. */
function down(state, pen, place, thick, colour) {
  const { side, gap } = state.plan;
  const inner = side - gap;
  dashes(state, pen, [thick, side - thick], Math.round(place * inner - thick / 2), inner / 2, inner, colour);
}

function dashes(state, pen, dash, left, top, thick, colour) {
  const { side, gap, gutter, inset } = state.plan;
  pen.strokeStyle = colour;
  pen.lineWidth = thick;
  pen.setLineDash(dash);
  pen.beginPath();
  state.given.counts.forEach((count, row) => {
    const [x, y] = [gutter + inset, row * side + 2 + inset + top];
    pen.moveTo(x + left, y);
    pen.lineTo(x + count * side - gap, y);
  });
  pen.stroke();
  pen.setLineDash([]);
}

/** A rounded outline around a head; around a tiny one it stands outside, so that the head stays in sight. */
function outline(pen, box, thick, colour, plan) {
  if (!box) return;
  const [x, y, width, height] = box;
  const out = !plan.ranked && plan.side < HANDY ? thick / 2 : 0;
  pen.strokeStyle = colour;
  pen.lineWidth = thick;
  pen.beginPath();
  pen.roundRect(x - out, y - out, width + 2 * out, height + 2 * out, Math.min(4, width / 3));
  pen.stroke();
}

// Pointing

function point(state, event) {
  state.touch = false;
  const cell = cellAt(state, event);
  if (!same(cell, state.over)) {
    state.over = cell;
    state.canvas.style.cursor = cell ? "pointer" : "default";
    if (cell) enlarge(state, cell);
    else hideLens(state);
    later(state);
  }
  sayRow(state, cell);
}

/** Tell the other views which query's row is under the pointer; of a pooled row its first token. */
function sayRow(state, cell) {
  const rows = cell && state.plan && isLined(state) ? state.given.pictures.shape[2] : 0;
  if (!rows) return sayNothing(state);
  const query = Math.floor((Math.floor(cell.y * rows) * state.given.queries) / rows);
  if (state.said && state.hover?.query === query && state.hover.from === "heads") return;
  state.said = true;
  ui.say("hover", { query, key: null, from: "heads" });
}

function sayNothing(state) {
  if (!state.said) return;
  state.said = false;
  ui.say("hover", null);
}

function heard(state, hover) {
  const before = state.hover;
  state.hover = hover ?? null;
  if (!state.plan || (before?.query === hover?.query && before?.key === hover?.key)) return;
  if (isLined(state)) later(state);
  if (state.lens.shown) lensMarks(state);
}

function leave(state) {
  state.over = null;
  hideLens(state);
  sayNothing(state);
  later(state);
}

function press(state, event) {
  const cell = cellAt(state, event);
  choose(state, cell);
  if (!state.touch) return;
  state.over = cell;
  if (cell) enlarge(state, cell);
  else leave(state);
}

// The enlarged head

function enlarge(state, cell) {
  const { lens: one } = state;
  if (!state.plan || indexOf(state, cell) < 0) return;
  clearTimeout(one.timer);
  if (!same(one.shown, cell)) {
    one.shown = { layer: cell.layer, head: cell.head };
    one.close = null;
    lensWords(state);
    lensMarks(state);
  }
  if (!one.open) {
    one.open = true;
    one.root.showPopover?.();
    one.root.classList.add("open");
  }
  placeLens(state);
  // A closer picture is made in this browser, once the pointer rests.
  one.timer = setTimeout(() => lookCloser(state), LENS.rest);
}

function hideLens(state) {
  const { lens: one } = state;
  clearTimeout(one.timer);
  one.shown = null;
  if (!one.open) return;
  one.open = false;
  one.root.classList.remove("open");
  if (one.root.isConnected) one.root.hidePopover?.();
}

function lensWords(state) {
  const { lens: one, given } = state;
  const value = valueOf(state, one.shown);
  one.name.textContent = name(one.shown);
  one.worth.textContent = value === null ? "" : `${given.title} ${written(state, value)}`;
  one.even.textContent = value === null ? "" : evenWords(state, one.shown);
}

/** Below the frame where there is room, else beside or above it; a tap's on the other half of it, away from the finger. */
function placeLens(state) {
  const { root } = state.lens;
  const frame = state.frame.getBoundingClientRect();
  const [width, height] = [root.offsetWidth, root.offsetHeight];
  let [left, top] = [frame.left, frame.bottom + LENS.gap];
  if (state.touch) {
    const box = boxOf(state, state.lens.shown);
    const middle = state.canvas.getBoundingClientRect().top + (box ? box[1] + box[3] / 2 : 0);
    top = middle > (frame.top + frame.bottom) / 2 ? middle - height - 40 : middle + 40;
  } else if (top + height > innerHeight) {
    const beside = frame.right + LENS.gap + width <= innerWidth;
    [left, top] = beside ? [frame.right + LENS.gap, Math.min(frame.top, innerHeight - height)] : [left, frame.top - height - LENS.gap];
  }
  root.style.left = `${Math.max(4, Math.min(left, innerWidth - width - 4))}px`;
  root.style.top = `${Math.max(4, top)}px`;
}

/** The picture and, over it, the row and column that are looked at and ticks at pinned rows. */
function lensMarks(state) {
  const { lens: one, given, palette, hover } = state;
  const pen = one.canvas.getContext("2d");
  const ratio = devicePixelRatio || 1;
  const size = LENS.side;
  if (one.canvas.width !== Math.round(size * ratio)) one.canvas.width = one.canvas.height = Math.round(size * ratio);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.imageSmoothingEnabled = false;
  pen.clearRect(0, 0, size, size);
  pen.fillStyle = hatched(state, pen);
  pen.fillRect(0, 0, size, size);
  const [rows, columns] = lensPicture(state, pen, size);
  pen.fillStyle = palette.ink;
  for (const pin of table.pins()) if (rows) pen.fillRect(0, pooledPlace(pin, given.queries, rows) * size - 1.5, 7, 3);
  const [row, column] = [isPlace(hover?.query, given.queries), isPlace(hover?.key, given.keys)];
  pen.fillStyle = palette.query;
  if (row && rows) pen.fillRect(0, pooledPlace(hover.query, given.queries, rows) * size - 0.75, size, 1.5);
  pen.fillStyle = palette.key;
  if (column && rows) pen.fillRect(pooledPlace(hover.key, given.keys, columns) * size - 0.75, 0, 1.5, size);
  one.query.textContent = row ? tokenWords("row", "queries", hover.query) : "";
  one.key.textContent = column ? tokenWords("column", "keys", hover.key) : "";
  const small = rows < given.queries || columns < given.keys ? ", pooled" : "";
  one.what.textContent = rows ? `${given.picture.what === "norms" ? "what keys bring" : given.picture.what}, ${rows} × ${columns}${small}` : "";
}

/** Draw the picture that is there; returns its rows and columns, 0 without one. */
function lensPicture(state, pen, size) {
  const { lens: one, given } = state;
  if (one.close) {
    pen.drawImage(one.close, 0, 0, size, size);
    return [one.close.height, one.close.width];
  }
  if (!state.atlas) return [0, 0];
  const [, , rows, columns] = given.pictures.shape;
  pen.drawImage(state.atlas, one.shown.head * columns, given.layers.indexOf(one.shown.layer) * rows, columns, rows, 0, 0, size, size);
  return [rows, columns];
}

function tokenWords(word, side, index) {
  const tokens = table.shown()?.run.tokens[side];
  return tokens?.[index] ? `${word} “${tokens[index].name}”` : "";
}

/** The head in more pixels than travelled, made of its q and k where they are here. */
function lookCloser(state) {
  const { lens: one, given } = state;
  const what = { weights: "weights", scores: "masked" }[given.picture.what];
  if (!one.shown || one.close || !what || !given.pictures || given.queries * given.keys > LENS.most) return;
  const head = table.headAt(one.shown.layer, one.shown.head, { plain: true });
  if (!head || head.queries !== given.queries || head.keys !== given.keys || !head.names.includes(what)) return;
  one.close = closeUp(state, head, what);
  // The desk keeps few heads: the one on show was used last.
  const shown = table.shown();
  if (shown) table.headAt(shown.look.layer, shown.look.head);
  lensMarks(state);
}

/** A head pooled to at most LENS.pixels a side: of each patch the number of the largest size, clear where all is masked. */
function closeUp(state, head, what) {
  const [rows, columns] = [Math.min(LENS.pixels, head.queries), Math.min(LENS.pixels, head.keys)];
  const best = new Float32Array(rows * columns).fill(NaN);
  const place = Int32Array.from({ length: head.keys }, (_, key) => Math.floor(((key + 1) * columns - 1) / head.keys));
  for (let query = 0; query < head.queries; query++) {
    const [line, may] = [head.row(what, query), head.allowed(query)];
    const from = Math.floor(((query + 1) * rows - 1) / head.queries) * columns;
    for (let key = 0; key < head.keys; key++) {
      const at = from + place[key];
      if (may[key] && !(Math.abs(line[key]) <= Math.abs(best[at]))) best[at] = line[key];
    }
  }
  return painted(state, best, rows, columns);
}

function painted(state, numbers, rows, columns) {
  const { low, high } = state.given.picture;
  const canvas = Object.assign(document.createElement("canvas"), { width: columns, height: rows });
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(columns, rows);
  const colours = new Uint32Array(image.data.buffer);
  numbers.forEach((value, i) => {
    const share = Math.min(1, Math.max(0, (value - low) / (high - low)));
    colours[i] = Number.isNaN(value) ? 0 : state.ramp[Math.round(share * 254) + 1];
  });
  pen.putImageData(image, 0, 0);
  return canvas;
}

// What arrives

function show(state) {
  const { given } = state;
  options(state);
  const measured = Boolean(given.numbers);
  state.tools.hidden = !measured && Boolean(given.ground.why);
  state.sorter.disabled = !measured;
  state.grounds.hidden = Boolean(given.ground.why);
  state.grounds.replaceChildren(...given.ground.options.map(({ value, label }) => groundButton(value, label)));
  state.why.textContent = given.why ? `Not shown: ${given.why}. Below are the heads’ weights.` : "";
  if (given.why && !given.pictures) state.why.textContent = `Not shown: ${given.why}.`;
  state.says.textContent = given.says;
  state.more.source.textContent = given.source ? `Defined in: ${given.source}.` : "";
  state.more.hides.textContent = given.hides ? `What this hides: ${given.hides}` : "";
  state.more.note.textContent = given.note;
  showLegend(state);
  showTable(state);
  const most = Math.max(...given.counts);
  state.canvas.setAttribute("aria-label", `${given.layers.length} layers by ${most} heads, ${given.title}; arrow keys choose one`);
}

function groundButton(value, label) {
  const button = ui.make("button", { type: "button", value, "aria-pressed": "false" }, label);
  button.addEventListener("click", () => table.change({ ground: value }, { now: true }));
  return button;
}

/** The measures in their groups; one that makes no sense here says why. */
function options(state) {
  const groups = new Map();
  for (const { value, label, group, why } of state.given.measures) {
    const option = ui.make("option", { value, disabled: Boolean(why), title: why }, label);
    if (!groups.has(group)) groups.set(group, ui.make("optgroup", { label: group }));
    groups.get(group).append(option);
  }
  state.select.replaceChildren(...groups.values());
}

function showLegend(state) {
  const { given, palette, legend: part } = state;
  const { low, high, words } = given.range;
  const scale = given.why ? null : palette[given.scale];
  part.root.hidden = !scale;
  if (!scale) return;
  const digits = given.numbers ? given.digits : 1;
  const end = (value) => (Number.isInteger(value) ? ui.decimals(value, 0) : ui.decimals(value, Math.abs(value) >= 100 ? 0 : digits));
  part.low.textContent = end(low);
  part.high.textContent = end(high);
  part.words.textContent = words;
  part.ramp.style.background = `linear-gradient(90deg, ${scale.map(([at, colour]) => `${colour} ${100 * at}%`).join(", ")})`;
  part.mark.textContent = given.marks ? "◥ clearly above an even head" : "";
}

/** For those who do not see the canvas: the highest heads. */
function showTable(state) {
  const { given } = state;
  state.table.replaceChildren();
  if (!given.numbers) return;
  const heads = ranking(state).slice(0, TOP);
  const cells = (tag, texts) => ui.make("tr", {}, ...texts.map((text) => ui.make(tag, {}, text)));
  state.table.append(
    ui.make("caption", {}, `${given.title}: the ${heads.length} highest of ${state.known} heads`),
    ui.make("thead", {}, cells("th", ["Head", given.title, ...(given.base ? ["An even head"] : [])])),
    ui.make("tbody", {}, ...heads.map((cell) => cells("td", [name(cell), written(state, given.numbers[cell.at]),
      ...(given.base ? [`${figure(state, given.base[cell.at])}${given.marks[cell.at] ? ", clearly exceeded" : ""}`] : [])]))),
  );
}

export default function ({ data, parentElement }) {
  const palette = ui.dress(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement));
  state.palette = palette;
  state.given = ui.parse(data);
  state.most = Math.max(...state.given.counts);
  state.ranked = null;
  state.ramp = ramp(state);
  state.atlas = atlasOf(state);
  hideLens(state);
  show(state);
  connect(state);
  state.look = table.look() ?? state.look;
  if (state.look) follow(state, state.look);
  draw(state);
  unroll(state);
  lettered(state);
  return () => disconnect(state);
}
