/** All heads in one canvas: layers down, heads across. Click, arrow keys, buttons or a swipe choose one. */
const { start } = await import(`${location.origin}${HEADLIGHT.base}/app/static/headlight.js?v=${HEADLIGHT.version}`);
const ui = start(HEADLIGHT);
const states = new WeakMap();
const GUTTER = 22;
const LARGEST = 62;
const SETTLE_MS = 140;
const STEPS = [["←", "ArrowLeft", 0, -1, "Head before (←)"], ["→", "ArrowRight", 0, 1, "Next head (→)"],
  ["↑", "ArrowUp", -1, 0, "Layer before (Shift ↑)"], ["↓", "ArrowDown", 1, 0, "Next layer (Shift ↓)"]];

function build(parent) {
  const canvas = ui.make("canvas", { tabIndex: 0, role: "application" });
  const frame = ui.make("div", { class: "frame" }, canvas);
  const tip = ui.make("span", { class: "tip" });
  const title = ui.make("h2", { "aria-live": "polite" });
  const state = { canvas, frame, tip, title, at: { layer: 0, head: 0 }, send: () => {} };
  const buttons = STEPS.map(([sign, , dLayer, dHead, name]) => {
    const button = ui.make("button", { type: "button", title: name, "aria-label": name }, sign);
    button.addEventListener("click", () => step(state, dLayer, dHead));
    return button;
  });
  const caption = ui.make("div", { class: "caption" }, ui.make("span", { class: "label" }, "All heads"), tip);
  const steppers = ui.make("div", { class: "steps" }, ...buttons);
  state.root = ui.make("div", { class: "heads" }, caption, frame, ui.make("div", { class: "line" }, title, steppers));
  parent.append(state.root);
  attach(state);
  return state;
}

function attach(state) {
  const { canvas, frame } = state;
  canvas.addEventListener("click", (event) => choose(state, cellAt(state, event)));
  canvas.addEventListener("pointermove", (event) => hover(state, cellAt(state, event)));
  canvas.addEventListener("pointerleave", () => hover(state, null));
  canvas.addEventListener("keydown", (event) => gridKey(state, event));
  state.onKey = (event) => pageKey(state, event);
  document.addEventListener("keydown", state.onKey);
  new ResizeObserver(() => draw(state)).observe(frame);
  state.stop = ui.listen("swipe", (by) => state.given && step(state, 0, by));
  ui.swipes(state.root);
}

/** In the grid itself all four arrows move. */
function gridKey(state, event) {
  const found = STEPS.find(([, key]) => key === event.key);
  if (!found || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  event.stopPropagation();
  step(state, found[2], found[3]);
}

/** Anywhere on the page ← → step through the heads, and with Shift ↑ ↓ through the layers, which else scroll. */
function pageKey(state, event) {
  const found = STEPS.find(([, key]) => key === event.key);
  if (!found || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || ui.typing()) return;
  if (event.shiftKey !== (found[2] !== 0) || !state.canvas.isConnected) return;
  event.preventDefault();
  step(state, found[2], found[3]);
}

function step(state, dLayer, dHead) {
  const { layers, counts } = state.given;
  const last = layers.length - 1;
  const row = Math.min(last, Math.max(0, layers.indexOf(state.at.layer) + dLayer));
  const head = Math.min(counts[row] - 1, Math.max(0, state.at.head + dHead));
  choose(state, { layer: layers[row], head });
}

/** Show the choice at once; the server hears of it when the choice has settled for a moment. */
function choose(state, cell) {
  if (!cell || (cell.layer === state.at.layer && cell.head === state.at.head)) return;
  show(state, cell);
  state.asked = cell;
  clearTimeout(state.timer);
  state.timer = setTimeout(() => state.send("pick", cell), SETTLE_MS);
}

function show(state, cell) {
  state.at = cell;
  state.title.textContent = name(cell);
  draw(state);
}

const name = (cell) => `Layer ${cell.layer}, head ${cell.head}`;

function hover(state, cell) {
  state.tip.textContent = cell ? name(cell) : "";
  state.canvas.style.cursor = cell ? "pointer" : "default";
}

function cellAt(state, event) {
  if (!state.given) return null;
  const { side } = geometry(state);
  const box = state.canvas.getBoundingClientRect();
  const head = Math.floor((event.clientX - box.left - GUTTER) / side);
  const row = Math.floor((event.clientY - box.top - 1) / side);
  const { layers, counts } = state.given;
  return row >= 0 && row < layers.length && head >= 0 && head < counts[row] ? { layer: layers[row], head } : null;
}

/** The side of one head's square, with its gap, that fits the width. */
function geometry(state) {
  const { layers, counts } = state.given;
  const width = state.frame.clientWidth;
  const side = Math.min(LARGEST, (width - GUTTER - 4) / Math.max(...counts));
  return { width, side, height: Math.ceil(side * layers.length + 3) };
}

function draw(state) {
  if (!state.given || !state.frame.clientWidth) return;
  const { width, side, height } = geometry(state);
  const ratio = devicePixelRatio || 1;
  state.canvas.width = width * ratio;
  state.canvas.height = height * ratio;
  state.canvas.style.height = `${height}px`;
  const pen = state.canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.imageSmoothingEnabled = false;
  pen.fillStyle = state.palette.muted;
  pen.font = `12px "Source Sans 3", sans-serif`;
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  const every = Math.max(1, Math.ceil(13 / side));
  state.given.layers.forEach((layer, row) => {
    if (row % every === 0) pen.fillText(String(layer), GUTTER - 8, row * side + side / 2 + 1);
    for (let head = 0; head < state.given.counts[row]; head++) picture(state, pen, row, head, side);
  });
  outline(state, pen, side);
}

function picture(state, pen, row, head, side) {
  const gap = side > 14 ? 3 : 1;
  pen.drawImage(state.pictures[row][head], GUTTER + head * side + gap / 2, row * side + 1 + gap / 2, side - gap, side - gap);
}

function outline(state, pen, side) {
  const row = state.given.layers.indexOf(state.at.layer);
  pen.strokeStyle = state.palette.ink;
  pen.lineWidth = 2.5;
  pen.beginPath();
  pen.roundRect(GUTTER + state.at.head * side, row * side + 1, side, side, 4);
  pen.stroke();
}

/** Small canvases, one a head, in the theme's colours. */
function paint(state) {
  const { pictures: bytes, counts } = state.given;
  const [, heads, rows, columns] = bytes.shape;
  const ramp = Array.from({ length: 256 }, (_, i) => ui.mix(state.palette.weights, i / 255));
  state.pictures = counts.map((count, row) => Array.from({ length: count }, (_, head) => {
    const start = (row * heads + head) * rows * columns;
    return onePicture(bytes.subarray(start, start + rows * columns), rows, columns, ramp);
  }));
}

function onePicture(bytes, rows, columns, ramp) {
  const canvas = ui.make("canvas", { width: columns, height: rows });
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(columns, rows);
  bytes.forEach((value, i) => image.data.set([...ramp[value], 255], 4 * i));
  pen.putImageData(image, 0, 0);
  return canvas;
}

/** What the server shows, unless a newer choice is still on its way there. */
function follow(state, at) {
  if (!at || !state.given) return;
  if (state.asked && (state.asked.layer !== at.layer || state.asked.head !== at.head)) return;
  state.asked = null;
  show(state, { layer: at.layer, head: at.head });
}

export default function ({ data, parentElement, setTriggerValue }) {
  const palette = ui.dress(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement));
  state.send = setTriggerValue;
  state.palette = palette;
  state.given = ui.parse(data);
  const { layers, counts } = state.given;
  state.canvas.setAttribute("aria-label", `${layers.length} layers by ${Math.max(...counts)} heads; arrow keys choose one`);
  paint(state);
  state.asked = null;
  state.stopHead?.();
  state.stopHead = ui.listen("head", (at) => follow(state, at));
  draw(state);
  return () => {
    state.stopHead?.();
    state.stop();
    document.removeEventListener("keydown", state.onKey);
  };
}
