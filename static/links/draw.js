/** The lines on their canvases: opacity and thickness are the weight; a link that leaves the picture fades out. */
const version = new URL(import.meta.url).search;
const [{ ui }, { FONT }, { penOf }, { BULGE, ROW, keysInSight, wayOf }, { DASHES, colourOf, mainOf }, { FAINTEST, alphaOf }, { rowOf, sinkOf }] = await Promise.all(
  ["../headlight", "../axes", "../paint", "./geometry", "./heads", "./lines", "./rows"].map((name) => import(`${name}.js${version}`)));

const MOST_PIXELS = 2;
const STUB = 34;
// In a thin line that is fainter nobody sees the dashes, and they take their time.
const DASHED_FROM = 0.05;
// A beginning fainter than this is gone before the eye finds it.
const FAINT_STUB = 0.02;
// What lies out of sight is told from here on.
const TELLING = 0.005;

/** The thin lines of all rows that are not on show. */
export function drawRest(state) {
  strokes(state, penFor(state, state.rest), state.all, { dashedFrom: DASHED_FROM, thin: 0.75, thick: 1.5 });
}

/** The lines of what is on show, the heavy ones last, and beside them what one cannot see. */
export function drawStrong(state) {
  const pen = penFor(state, state.strong);
  strokes(state, pen, state.lines, { dashedFrom: 0, thin: 1.5, thick: 5.5, order: faintFirst(state.lines) });
  if (state.subject.side === "query") annotate(state, pen, wayOf(state));
}

const penFor = ({ size }, canvas) => penOf(canvas, size.width, size.height, MOST_PIXELS);

/** The order in which heavy lines come last, head by head so that the pen changes seldom. */
function faintFirst({ slots, weights }) {
  return [...weights.keys()].sort((a, b) => slots[b] - slots[a] || weights[a] - weights[b]);
}

function strokes(state, pen, { slots, queries, keys, weights }, { dashedFrom, thin, thick, order = null }) {
  const way = wayOf(state);
  const shifts = shiftsOf(state.heads);
  let [slot, shift, wasDashed] = [-1, 0, null];
  for (let n = 0; n < weights.length; n++) {
    const i = order ? order[n] : n;
    const weight = weights[i];
    if (weight < FAINTEST) continue;
    if (slots[i] !== slot) {
      slot = slots[i];
      shift = shifts.get(slot);
      pen.strokeStyle = colourOf(state, slot);
      wasDashed = null;
    }
    const dashed = weight >= dashedFrom;
    if (dashed !== wasDashed) {
      pen.setLineDash(dashed ? DASHES[slot] : []);
      wasDashed = dashed;
    }
    pen.lineWidth = thin + thick * weight;
    stroke(pen, way, queries[i], keys[i], shift, alphaOf(weight));
  }
  pen.globalAlpha = 1;
  pen.setLineDash([]);
}

/** How far each head's lines lie beside the middle of a token, so that none hides another. */
function shiftsOf(heads) {
  const step = Math.min(3, 18 / heads.length);
  return new Map(heads.map(({ slot }, place) => [slot, (place - (heads.length - 1) / 2) * step]));
}

function stroke(pen, way, query, key, shift, alpha) {
  const [y, z] = [way.yOf("query", query) + shift, way.yOf("key", key) + shift];
  const [seen, met] = [y > 0 && y < way.height, z > 0 && z < way.height];
  if (!seen && !met) return;
  const [x, side] = way.arcs && key > query ? [way.left, -1] : [way.from, 1];
  if (seen && met) {
    pen.globalAlpha = alpha;
    pen.beginPath();
    if (way.arcs) arc(pen, x, y, z, side, way.reach);
    else curve(pen, way, y, z);
    pen.stroke();
  } else if (alpha >= FAINT_STUB) {
    const end = way.arcs || seen ? x : way.to;
    stub(pen, end, seen ? y : z, way.arcs || seen ? side : -1, Math.sign(seen ? z - y : y - z), alpha);
  }
}

function curve(pen, { from, to }, y, z) {
  const middle = (from + to) / 2;
  pen.moveTo(from, y);
  pen.bezierCurveTo(middle, y, middle, z, to, z);
}

function arc(pen, x, y, z, side, reach) {
  const out = side * Math.min(reach, 16 + Math.abs(z - y) * BULGE) * (4 / 3);
  const loop = y === z ? 6 : 0;
  pen.moveTo(x, y - loop);
  pen.bezierCurveTo(x + out, y - loop, x + out, z + loop, x, z + loop);
}

/** The beginning of a link that leaves the picture; it fades out, so it promises no end. */
function stub(pen, x, y, side, down, alpha) {
  for (let part = 0; part < 3; part++) {
    const [a, b] = [part / 3, (part + 1) / 3];
    pen.globalAlpha = alpha * (1 - part / 3);
    pen.beginPath();
    pen.moveTo(x + side * STUB * a, y + down * STUB * 0.6 * a * a);
    pen.lineTo(x + side * STUB * b, y + down * STUB * 0.6 * b * b);
    pen.stroke();
  }
}

/** Beside the lines: what a learned sink takes of each row on show, and how much goes to where one cannot see. */
function annotate(state, pen, way) {
  const main = mainOf(state);
  pen.font = `400 13px ${FONT}`;
  pen.textBaseline = "middle";
  for (const query of main ? state.subject.places : []) {
    const y = way.yOf("query", query);
    const share = sinkOf(main, [query]);
    if (share !== null && y > 0 && y < way.height) sinkStub(state, pen, way.from, y, share);
  }
  outOfSight(state, pen, way);
}

/** A short line that bends away from the keys, for what goes to no token. */
function sinkStub({ palette, size }, pen, x, y, share) {
  const text = `sink ${ui.decimals(share, 2)}`;
  const down = y + ROW < size.height ? 1 : -1;
  const z = y + (down * ROW) / 2;
  pen.fillStyle = palette.paper;
  pen.globalAlpha = 0.85;
  pen.fillRect(x + 18, z - 9, pen.measureText(text).width + 8, 18);
  pen.globalAlpha = 1;
  pen.strokeStyle = pen.fillStyle = palette.muted;
  pen.lineWidth = 1 + 5 * share;
  pen.beginPath();
  pen.moveTo(x, y);
  pen.quadraticCurveTo(x + 4, z, x + 18, z);
  pen.stroke();
  pen.fillText(text, x + 22, z);
}

/** The share of one row that lies above and below the keys in sight. */
function outOfSight({ heads, subject, palette }, pen, way) {
  const row = subject.places.length === 1 && heads[0] ? rowOf(heads[0], subject.places[0]) : null;
  if (!row) return;
  const [first, last] = keysInSight(way);
  const sum = (low, high) => row.weights.subarray(Math.max(0, low), Math.max(0, high)).reduce((all, weight) => all + (weight > 0 ? weight : 0), 0);
  const [above, below] = [sum(0, first), sum(last + 1, row.weights.length)];
  const whose = heads.length > 1 ? `${heads[0].name}: ` : "";
  const write = (words, align, x, y) => {
    pen.textAlign = align;
    pen.fillText(`${whose}${words}`, x, y);
  };
  pen.fillStyle = palette.ink;
  if (above >= TELLING) write(`↑ ${ui.decimals(above, 2)} further up`, ...(way.arcs ? ["left", way.from + 6] : ["right", way.to - 6]), 10);
  if (below >= TELLING) write(`↓ ${ui.decimals(below, 2)} further down`, "right", (way.arcs ? way.left : way.to) - 6, way.height - 10);
  pen.textAlign = "left";
}
