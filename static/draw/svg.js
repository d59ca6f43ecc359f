/** What all drawings of lessons and of the Build page are made of: elements of SVG, in the theme's own colours. */

const version = new URL(import.meta.url).search;
const { pieces } = await import(`./indices.js${version}`);

export const SVG = "http://www.w3.org/2000/svg";
// How far below the line an index stands, of 13 units.
const LOWER = 3;
export const FONT = '"Source Sans 3", sans-serif';

/** An element of SVG with attributes and children; strings become text, never markup. */
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== undefined) element.setAttribute(key, String(value));
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * The root of a drawing: as wide as there is room, never wider than `width`, or so many times that as the page sets in
 * --drawing-scale; `label` is what it says in words.
 */
export function frame(width, height, label, ...children) {
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, "font-family": FONT, "font-size": 13 }, ...children);
  root.style.cssText = `display: block; width: 100%; max-width: calc(${width}px * var(--drawing-scale, 1)); height: auto; font-variant-numeric: tabular-nums;`;
  return root;
}

/**
 * A line of text at x, y; `anchor` is start, middle or end. An index, as in d_k, stands below the line. halo: the
 * colour of the ground, around letters that lines may cross.
 */
export function text(x, y, words, { fill, anchor = "start", size = null, weight = null, turn = null, halo = null } = {}) {
  const around = halo && { stroke: halo, "stroke-width": 5, "stroke-linejoin": "round", "paint-order": "stroke" };
  const turned = turn === null ? null : `rotate(${turn} ${x} ${y})`;
  return svg("text", { x, y, fill, "text-anchor": anchor, "font-size": size, "font-weight": weight, transform: turned, ...around }, ...lowered(words));
}

function lowered(words) {
  let shift = 0;
  return pieces(String(words)).flatMap(([line, index]) => {
    const made = [shift ? svg("tspan", { dy: -shift }, line) : line, index ? svg("tspan", { dy: LOWER, "font-size": "75%" }, index) : null];
    shift = index ? LOWER : 0;
    return made;
  });
}
