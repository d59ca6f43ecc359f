/** Two bars for each name, one value before and one after, with the change between them as a number, a sign and a colour. */

const version = new URL(import.meta.url).search;
const [{ ui }, { frame, svg, text }] = await Promise.all(["../headlight", "./svg"].map((name) => import(`${name}.js${version}`)));

const [ROW, BAR, RIGHT, LEGEND] = [44, 13, 126, 24];
// The colours end at the largest change, or here where all are smaller.
const LEAST_END = 0.25;
const LETTER = 7.4;
const MOST_NAME = 14;

/** A number that shows its sign: +0.042, −0.673, 0.000. */
export function signed(value, digits = 3) {
  if (!Number.isFinite(value)) return value < 0 ? "−∞" : "∞";
  const words = Math.abs(value).toFixed(digits);
  return Number(words) === 0 ? words : `${value < 0 ? "−" : "+"}${words}`;
}

/** The colour of a change on the diverging scale around 0; most: the change at its ends. */
export const colourOf = (change, most, palette) => ui.css(ui.mix(palette.scores, 0.5 + 0.5 * (change / (most || 1))));

/**
 * A drawing of rows [{name, before, after}], none of them below 0. label: what it shows, in words. before, after: what the
 * two bars are, for the line below.
 */
export function paired({ rows, label, palette, width = 640, before = "as it runs", after = "with the change" }) {
  const left = Math.min(MOST_NAME, Math.max(4, ...rows.map(({ name }) => [...name].length))) * LETTER + 12;
  const room = Math.max(40, width - left - RIGHT);
  const most = Math.max(1e-12, ...rows.flatMap((row) => [row.before, row.after]));
  const widest = Math.max(LEAST_END, ...rows.map((row) => Math.abs(row.after - row.before)));
  const bar = (top, value, fill) => svg("rect", { x: left, y: top, width: Math.max(0.5, (value / most) * room), height: BAR, fill, stroke: palette.muted, "stroke-width": 1 });
  const end = (value) => left + (value / most) * room + 7;
  const made = rows.flatMap((row, at) => {
    const top = at * ROW + 6;
    const change = row.after - row.before;
    return [text(left - 8, top + BAR + 5, cut(row.name), { fill: palette.ink, anchor: "end" }),
      bar(top, row.before, palette.chip), text(end(row.before), top + 11, ui.decimals(row.before, 3), { fill: palette.muted, size: 12 }),
      bar(top + BAR + 2, row.after, colourOf(change, widest, palette)),
      text(end(row.after), top + BAR + 13, `${ui.decimals(row.after, 3)}  (${signed(change)})`, { fill: palette.ink, size: 12 })];
  });
  const bottom = rows.length * ROW + 4;
  made.push(svg("line", { x1: left, x2: left, y1: 0, y2: bottom, stroke: palette.muted }),
    text(left, bottom + 16, `above: ${before} · below: ${after}`, { fill: palette.muted, size: 12 }));
  return frame(width, bottom + LEGEND, label, ...made);
}

const cut = (name) => ([...name].length > MOST_NAME ? `${[...name].slice(0, MOST_NAME - 1).join("")}…` : name);
