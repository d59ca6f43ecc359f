/**
 * What changes while the pointer moves, over a copy of the drawn heads: outlines, and a line through every picture at
 * once. A loop over layers at most, never over heads.
 */
const version = new URL(import.meta.url).search;
const [{ ui }, { same }, { HANDY, boxOf, cornerOf }, { pooledPlace }] = await Promise.all(
  ["../headlight", "./numbers", "./grid", "./pictures"].map((name) => import(`${name}.js${version}`)));

// A square must be this wide to have lines in it.
export const LINED = 10;
const TICK = 3;

/** Draw the marks with the next frame, once however much happens before it. */
export function later(state) {
  if (state.soon || !state.plan) return;
  state.soon = true;
  requestAnimationFrame(() => {
    state.soon = false;
    overlay(state);
  });
}

/** Draw the marks now. */
export function overlay(state) {
  const { canvas, bitmap, plan, palette } = state;
  const pen = canvas.getContext("2d");
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(bitmap, 0, 0);
  pen.scale(plan.ratio, plan.ratio);
  if (isLined(state)) lines(state, pen);
  const over = state.over ?? state.pointed;
  if (over && !same(over, state.at)) outline(pen, plan, boxOf(state, over), state.over ? 1 : 2, palette.muted);
  outline(pen, plan, boxOf(state, state.at), 2.5, palette.ink);
}

/** Whether each head is a picture that is wide enough for lines. */
export const isLined = ({ plan, given }) => Boolean(!plan.ranked && given.pictures && !given.numbers && plan.side >= LINED);

/** In every picture at once: the row of the query that is looked at, the column of the key, and ticks at pinned rows. */
function lines(state, pen) {
  const { store, palette, given, hover } = state;
  const [, , rows, columns] = given.pictures.shape;
  const { inner } = state.plan;
  const thin = inner / rows > 2 ? 2 : 1;
  for (const pin of store.pins()) across(state, pen, pooledPlace(pin, given.queries, rows), TICK, 2, palette.ink);
  const [query, key] = [ui.inside(hover?.query, given.queries), ui.inside(hover?.key, given.keys)];
  if (query !== null) across(state, pen, pooledPlace(query, given.queries, rows), inner, thin, palette.query);
  if (key !== null) down(state, pen, pooledPlace(key, given.keys, columns), thin, palette.key);
}

/** A line through each picture of every layer: one dashed line a layer, whose gaps are those between the heads. */
function across(state, pen, place, length, thick, colour) {
  const { side, inner } = state.plan;
  dashes(state, pen, [length, side - length], 0, Math.round(place * inner - thick / 2) + thick / 2, thick, colour);
}

/** The same for a column: a line as thick as a picture is tall, with short dashes. */
function down(state, pen, place, thick, colour) {
  const { side, inner } = state.plan;
  dashes(state, pen, [thick, side - thick], Math.round(place * inner - thick / 2), inner / 2, inner, colour);
}

function dashes({ plan, given }, pen, dash, left, top, thick, colour) {
  pen.strokeStyle = colour;
  pen.lineWidth = thick;
  pen.setLineDash(dash);
  pen.beginPath();
  given.counts.forEach((count, row) => {
    const [x, y] = cornerOf(plan, row, 0);
    pen.moveTo(x + left, y + top);
    pen.lineTo(x + count * plan.side - plan.gap, y + top);
  });
  pen.stroke();
  pen.setLineDash([]);
}

/** A rounded outline around a head; around a tiny one it stands outside, so that the head stays in sight. */
function outline(pen, plan, box, thick, colour) {
  if (!box) return;
  const [x, y, width, height] = box;
  const out = !plan.ranked && plan.side < HANDY ? thick / 2 : 0;
  pen.strokeStyle = colour;
  pen.lineWidth = thick;
  pen.beginPath();
  pen.roundRect(x - out, y - out, width + 2 * out, height + 2 * out, Math.min(4, width / 3));
  pen.stroke();
}
