/** The enlarged head: its picture, what is looked at in it, and its numbers. In the top layer, where nothing cuts it off. */
const version = new URL(import.meta.url).search;
const [{ ui }, { penOf }, numbers, { boxOf }, { closeUp, hatched, pooledPlace }] = await Promise.all(
  ["../headlight", "../paint", "./numbers", "./grid", "./pictures"].map((name) => import(`${name}.js${version}`)));
const { evenWords, indexOf, name, same, valueOf, written } = numbers;

const SIDE = 136;
const PIXELS = 48;
const REST_MS = 60;
const GAP = 8;
// Cells of a head up to which it is made again, closer up.
const MOST = 1_100_000;

/** Its elements, and which head it shows. */
export function enlarged() {
  const canvas = ui.make("canvas", { width: SIDE, height: SIDE });
  const names = ["name", "worth", "even", "query", "key", "what"];
  const part = Object.fromEntries(names.map((one) => [one, ui.make("div", { class: one })]));
  const root = ui.make("div", { class: "enlarged", "aria-hidden": "true" }, canvas, ui.make("div", { class: "words" }, ...Object.values(part)));
  root.setAttribute("popover", "manual");
  return { root, canvas, ...part, timer: 0, shown: null, close: null };
}

/** Show one head, and closer up once the pointer rests. */
export function enlarge(state, cell) {
  const { enlarged: one } = state;
  if (!state.plan || indexOf(state.given, cell) < 0) return;
  clearTimeout(one.timer);
  if (!one.shown) {
    one.root.showPopover?.();
    one.root.classList.add("open");
  }
  if (!same(one.shown, cell)) {
    Object.assign(one, { shown: { layer: cell.layer, head: cell.head }, close: null });
    words(state);
    drawEnlarged(state);
  }
  place(state);
  one.timer = setTimeout(() => lookCloser(state), REST_MS);
}

export function hideEnlarged({ enlarged: one }) {
  clearTimeout(one.timer);
  if (!one.shown) return;
  one.shown = null;
  one.root.classList.remove("open");
  if (one.root.isConnected) one.root.hidePopover?.();
}

function words(state) {
  const { enlarged: one, given } = state;
  const value = valueOf(given, one.shown);
  one.name.textContent = name(one.shown);
  one.worth.textContent = value === null ? "" : `${given.title} ${written(given, value)}`;
  one.even.textContent = value === null ? "" : evenWords(given, one.shown);
}

/** Below the frame where there is room, else beside or above it; a tap's on the other half of it, away from the finger. */
function place(state) {
  const { root, shown } = state.enlarged;
  const frame = state.frame.getBoundingClientRect();
  const [width, height] = [root.offsetWidth, root.offsetHeight];
  let [left, top] = [frame.left, frame.bottom + GAP];
  if (state.touch) {
    const box = boxOf(state, shown);
    const middle = state.canvas.getBoundingClientRect().top + (box ? box[1] + box[3] / 2 : 0);
    top = middle > (frame.top + frame.bottom) / 2 ? middle - height - 40 : middle + 40;
  } else if (top + height > innerHeight) {
    const beside = frame.right + GAP + width <= innerWidth;
    [left, top] = beside ? [frame.right + GAP, Math.min(frame.top, innerHeight - height)] : [left, frame.top - height - GAP];
  }
  root.style.left = `${Math.max(4, Math.min(left, innerWidth - width - 4))}px`;
  root.style.top = `${Math.max(4, top)}px`;
}

/** The picture and, over it, the row and column that are looked at and ticks at pinned rows. */
export function drawEnlarged(state) {
  const { store, enlarged: one, given, palette, hover } = state;
  const pen = penOf(one.canvas, SIDE, SIDE);
  pen.imageSmoothingEnabled = false;
  pen.fillStyle = hatched(pen, palette);
  pen.fillRect(0, 0, SIDE, SIDE);
  const [rows, columns] = picture(state, pen);
  const [query, key] = [ui.inside(hover?.query, given.queries), ui.inside(hover?.key, given.keys)];
  one.query.textContent = tokenWords(store.shown(), "row", "queries", query);
  one.key.textContent = tokenWords(store.shown(), "column", "keys", key);
  one.what.textContent = rows ? pictureWords(given, rows, columns) : "";
  if (!rows) return;
  const bar = (colour, ...box) => {
    pen.fillStyle = colour;
    pen.fillRect(...box);
  };
  const rowOf = (index) => pooledPlace(index, given.queries, rows) * SIDE;
  for (const pin of store.pins()) bar(palette.ink, 0, rowOf(pin) - 1.5, 7, 3);
  if (query !== null) bar(palette.query, 0, rowOf(query) - 0.75, SIDE, 1.5);
  if (key !== null) bar(palette.key, pooledPlace(key, given.keys, columns) * SIDE - 0.75, 0, 1.5, SIDE);
}

/** Draw the picture that is there; returns its rows and columns, 0 without one. */
function picture({ enlarged: one, given, atlas }, pen) {
  if (one.close) {
    pen.drawImage(one.close, 0, 0, SIDE, SIDE);
    return [one.close.height, one.close.width];
  }
  if (!atlas) return [0, 0];
  const [, , rows, columns] = given.pictures.shape;
  pen.drawImage(atlas, one.shown.head * columns, given.layers.indexOf(one.shown.layer) * rows, columns, rows, 0, 0, SIDE, SIDE);
  return [rows, columns];
}

function pictureWords({ picture: { what }, queries, keys }, rows, columns) {
  const small = rows < queries || columns < keys ? ", pooled" : "";
  return `${what === "norms" ? "what keys bring" : what}, ${rows} × ${columns}${small}`;
}

function tokenWords(shown, word, side, index) {
  const token = index === null ? null : shown?.run.tokens[side][index];
  return token ? `${word} “${token.name}”` : "";
}

/** The head in more pixels than travelled, made of its q and k where they are here. */
function lookCloser(state) {
  const { store, enlarged: one, given } = state;
  const what = { weights: "weights", scores: "masked" }[given.picture.what];
  if (!one.shown || one.close || !what || !given.pictures || given.queries * given.keys > MOST) return;
  const head = store.headAt(one.shown.layer, one.shown.head, { plain: true });
  if (!head || head.queries !== given.queries || head.keys !== given.keys || !head.names.includes(what)) return;
  one.close = closeUp(head, what, PIXELS, given.picture, state.ramp);
  // The store keeps few heads: the one on show was used last.
  const shown = store.shown();
  if (shown) store.headAt(shown.look.layer, shown.look.head);
  drawEnlarged(state);
}
