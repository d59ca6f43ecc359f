/** A plane with two axes of the same scale: arrows from the middle, points, and the ground between points. */

const version = new URL(import.meta.url).search;
const { frame, svg, text } = await import(`./svg.js${version}`);

const SIDE = 320;
const HEAD = 9;

/** The scale of a plane that reaches to ±`reach`: places of numbers on the drawing, and back. */
export function planeOf(reach) {
  const unit = SIDE / 2 / reach;
  return {
    reach,
    at: ([x, y]) => [SIDE / 2 + x * unit, SIDE / 2 - y * unit],
    /** The numbers under a pointer that is over the drawing. */
    under: (drawing, event) => {
      const { left, top, width } = drawing.getBoundingClientRect();
      const by = SIDE / width;
      return [((event.clientX - left) * by - SIDE / 2) / unit, (SIDE / 2 - (event.clientY - top) * by) / unit];
    },
  };
}

/** The drawing itself: axes with a ring at each whole number, and what stands on it. */
export function plane(scale, label, palette, ...children) {
  const middle = SIDE / 2;
  const rings = Array.from({ length: Math.floor(scale.reach) }, (_, i) => {
    const radius = scale.at([i + 1, 0])[0] - middle;
    return svg("circle", { cx: middle, cy: middle, r: radius, fill: "none", stroke: palette.line });
  });
  const axes = [[0, middle, SIDE, middle], [middle, 0, middle, SIDE]].map(([x1, y1, x2, y2]) => svg("line", { x1, y1, x2, y2, stroke: palette.line }));
  return frame(SIDE, SIDE, label, ...rings, ...axes, ...children);
}

/** An arrow from the middle to [x, y], with its name at the head, or `aside` of it where another arrow lies along. */
export function arrow(scale, end, { colour, name, dash = null, aside = false }) {
  const [from, to] = [scale.at([0, 0]), scale.at(end)];
  const angle = Math.atan2(to[1] - from[1], to[0] - from[0]);
  const corner = (turn) => [to[0] - HEAD * Math.cos(angle + turn), to[1] - HEAD * Math.sin(angle + turn)];
  const head = [to, corner(0.42), corner(-0.42)].map((spot) => spot.map((one) => one.toFixed(1)).join(",")).join(" ");
  return svg("g", {}, svg("line", { x1: from[0], y1: from[1], x2: to[0], y2: to[1], stroke: colour, "stroke-width": 2.5, "stroke-dasharray": dash }),
    svg("polygon", { points: head, fill: colour }), aside ? text(to[0] - 4, to[1] + 20, name, { fill: colour, anchor: "middle", weight: 600 }) : named(to, from, name, colour));
}

/** A point at [x, y] with its name. */
export function point(scale, place, { colour, name, radius = 6 }) {
  const [cx, cy] = scale.at(place);
  return svg("g", {}, svg("circle", { cx, cy, r: radius, fill: colour }), named([cx, cy], scale.at([0, 0]), name, colour));
}

/** The ground between corners [[x, y], …], in their order. */
export function ground(scale, corners, { colour }) {
  const points = corners.map((corner) => scale.at(corner).map((one) => one.toFixed(1)).join(",")).join(" ");
  return svg("polygon", { points, fill: colour, "fill-opacity": 0.14, stroke: colour, "stroke-linejoin": "round" });
}

/** A name beyond a place, seen from the middle, kept inside the drawing. */
function named([x, y], [fromX, fromY], name, colour) {
  const away = Math.hypot(x - fromX, y - fromY) || 1;
  const [dx, dy] = [(x - fromX) / away || 0, (y - fromY) / away || 0];
  const inside = (value) => Math.max(14, Math.min(SIDE - 14, value));
  return text(inside(x + 15 * dx), inside(y + 15 * dy) + 4, name, { fill: colour, anchor: "middle", weight: 600 });
}

/** The corners of the smallest convex ground that holds all points, in order around it (Andrew's monotone chain, 1979). */
export function hullOf(points) {
  const sorted = [...points].sort((one, other) => one[0] - other[0] || one[1] - other[1]);
  const side = (list) => {
    const kept = [];
    for (const one of list) {
      while (kept.length > 1 && turn(kept[kept.length - 2], kept[kept.length - 1], one) <= 0) kept.pop();
      kept.push(one);
    }
    return kept.slice(0, -1);
  };
  return [...side(sorted), ...side(sorted.reverse())];
}

/** Above 0 where the way from a by b to c turns left. */
export const turn = (a, b, c) => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
