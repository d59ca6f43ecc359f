/** Lines or bars over two axes, each line named at its end, so that nobody has to tell them apart by colour alone. */

const version = new URL(import.meta.url).search;
const { frame, svg, text } = await import(`./svg.js${version}`);

const MARGIN = { left: 58, right: 118, top: 14, bottom: 46 };
const APART = 15;
const DASHES = ["", "7 4", "2 3", "10 3 2 3", "1 4"];

/** The ticks of an axis from `from` to `to`: round numbers, or powers of ten where it is logarithmic. */
export function ticks({ from, to, log = false, count = 5 }) {
  if (log) {
    const [first, last] = [Math.ceil(Math.log10(from) - 1e-9), Math.floor(Math.log10(to) + 1e-9)];
    const step = Math.max(1, Math.ceil((last - first) / count));
    return Array.from({ length: Math.max(0, Math.floor((last - first) / step) + 1) }, (_, i) => 10 ** (first + i * step));
  }
  const rough = (to - from) / count || 1;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((one) => one * size >= rough) * size;
  const first = Math.ceil(from / step - 1e-9);
  return Array.from({ length: Math.floor(to / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

/** A tick's number, short: 0.25, 1,000, 10⁶. */
export function short(value) {
  if (value !== 0 && (Math.abs(value) >= 1e6 || Math.abs(value) < 1e-3)) {
    const power = Math.floor(Math.log10(Math.abs(value)) + 1e-9);
    const factor = value / 10 ** power;
    const raised = [...String(power)].map((digit) => (digit === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)])).join("");
    return `${Math.abs(factor - 1) < 1e-9 ? "" : `${Number(factor.toPrecision(2))}·`}10${raised}`;
  }
  return Number(value.toPrecision(6)).toLocaleString("en").replace("-", "−");
}

/**
 * A chart. x, y: {label, from, to, log}, ends found from the data where they are not given. lines: [{name, points: [[x,
 * y], …], colour, dash (0 to 4), dots}]. bars: [{name, value, colour}] in place of lines, one below another name.
 * marks: [{x, label}] upright lines. label: what the chart says, in words.
 */
export function chart({ label, palette, x = {}, y = {}, lines = [], bars = null, marks = [], width = 640, height = 300 }) {
  if (bars) return barChart({ label, palette, bars, width, y });
  const points = lines.flatMap((line) => line.points).filter((point) => point.every(Number.isFinite));
  const axes = { x: axisOf(x, points.map((point) => point[0])), y: axisOf(y, points.map((point) => point[1])) };
  const inner = { left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: height - MARGIN.bottom };
  const at = (axis, low, high) => (value) => low + (high - low) * shareOf(axes[axis], value);
  const place = { x: at("x", inner.left, inner.right), y: at("y", inner.bottom, inner.top) };
  const marked = marksOf(marks, place, inner, palette);
  return frame(width, height, label, ...axesOf(axes, place, inner, palette, x, y), ...marked.lines,
    ...linesOf(lines, place, inner, palette), ...marked.names, ...endsOf(lines, place, inner, palette));
}

function axisOf({ from = null, to = null, log = false }, values) {
  const known = log ? values.filter((value) => value > 0) : values;
  const [low, high] = [from ?? Math.min(...known), to ?? Math.max(...known)].map((value) => (Number.isFinite(value) ? value : 1));
  return { from: low, to: high === low ? low + 1 : high, log };
}

function shareOf({ from, to, log }, value) {
  return log ? (Math.log(Math.max(value, 1e-300)) - Math.log(from)) / (Math.log(to) - Math.log(from)) : (value - from) / (to - from);
}

function axesOf(axes, place, inner, palette, x, y) {
  const made = [];
  for (const value of ticks(axes.y)) {
    const at = place.y(value);
    made.push(svg("line", { x1: inner.left, x2: inner.right, y1: at, y2: at, stroke: palette.line }));
    made.push(text(inner.left - 8, at + 4, short(value), { fill: palette.muted, anchor: "end", size: 12 }));
  }
  for (const value of ticks(axes.x)) made.push(text(place.x(value), inner.bottom + 18, short(value), { fill: palette.muted, anchor: "middle", size: 12 }));
  made.push(svg("line", { x1: inner.left, x2: inner.right, y1: inner.bottom, y2: inner.bottom, stroke: palette.muted }));
  made.push(text((inner.left + inner.right) / 2, inner.bottom + 38, x.label ?? "", { fill: palette.ink, anchor: "middle" }));
  made.push(text(14, (inner.top + inner.bottom) / 2, y.label ?? "", { fill: palette.ink, anchor: "middle", turn: -90 }));
  return made;
}

/** Upright lines, which lie below the curves, and their names, which lie above them. */
function marksOf(marks, place, inner, palette) {
  const seen = marks.filter((mark) => place.x(mark.x) >= inner.left && place.x(mark.x) <= inner.right);
  const lines = seen.map(({ x }) => svg("line", { x1: place.x(x), x2: place.x(x), y1: inner.top, y2: inner.bottom, stroke: palette.muted, "stroke-dasharray": "3 3" }));
  const names = seen.map((mark, index) => {
    const at = place.x(mark.x);
    const right = at > (inner.left + inner.right) / 2;
    return text(at + (right ? -5 : 5), inner.top + 12 + index * APART, mark.label, { fill: palette.muted, anchor: right ? "end" : "start", size: 12, halo: palette.paper });
  });
  return { lines, names };
}

function linesOf(lines, place, inner, palette) {
  return lines.flatMap(({ points, colour, dash = 0, dots = false }) => {
    const seen = points.filter((point) => point.every(Number.isFinite)).map(([px, py]) => [place.x(px), Math.min(inner.bottom, Math.max(inner.top, place.y(py)))]);
    const path = svg("polyline", { points: seen.map((point) => point.map((one) => one.toFixed(1)).join(",")).join(" "), fill: "none",
      stroke: colour ?? palette.ink, "stroke-width": 2, "stroke-dasharray": DASHES[dash] || null, "stroke-linejoin": "round" });
    return [dots ? null : path, ...(dots ? seen.map(([cx, cy]) => svg("circle", { cx, cy, r: 3.5, fill: colour ?? palette.ink })) : [])].filter(Boolean);
  });
}

/** The lines' names at their right ends, pushed apart where they would cover each other; a line may have none. */
function endsOf(lines, place, inner, palette) {
  const ends = lines.filter((line) => line.name && line.points.length).map(({ name, points, colour }) =>
    ({ name, colour, y: Math.min(inner.bottom, Math.max(inner.top + 4, place.y(points[points.length - 1][1]))) }));
  ends.sort((one, other) => one.y - other.y);
  ends.forEach((end, i) => { if (i) end.y = Math.max(end.y, ends[i - 1].y + APART); });
  for (let i = ends.length - 1, most = inner.bottom + 4; i >= 0; i--, most -= APART) ends[i].y = Math.min(ends[i].y, most);
  return ends.map(({ name, colour, y }) => text(inner.right + 8, y + 4, name, { fill: colour ?? palette.ink, weight: 600 }));
}

/** Bars that lie, from 0 to the right or the left, each with its name and number. */
function barChart({ label, palette, bars, width, y }) {
  const both = bars.some((bar) => bar.value < 0);
  // A bar to the left has its number between itself and its name.
  const [row, names, right] = [26, 120, 64];
  const left = both ? names + right : names;
  const most = Math.max(1e-12, y.to ?? 0, ...bars.map((bar) => Math.abs(bar.value)));
  const room = (width - left - right) / (both ? 2 : 1);
  const zero = both ? left + room : left;
  const made = bars.flatMap(({ name, value, colour, words }, index) => {
    const [top, length] = [index * row, (Math.abs(value) / most) * room];
    const from = value < 0 ? zero - length : zero;
    const end = value < 0 ? from - 6 : from + length + 6;
    return [text(names - 8, top + 17, name, { fill: palette.ink, anchor: "end" }),
      svg("rect", { x: from, y: top + 4, width: Math.max(length, 0.5), height: row - 9, fill: colour ?? palette.ink }),
      text(end, top + 17, words ?? short(Number(value.toPrecision(3))), { fill: palette.ink, anchor: value < 0 ? "end" : "start", size: 12 })];
  });
  made.push(svg("line", { x1: zero, x2: zero, y1: 0, y2: bars.length * row, stroke: palette.muted }));
  return frame(width, bars.length * row + 4, label, ...made);
}
