/** A QR code as an SVG element: dark on light in both themes, for many readers take no other, with its quiet zone. */

const SVG = "http://www.w3.org/2000/svg";
// Modules that the standard wants light on each side.
const QUIET = 4;
const [DARK, LIGHT] = ["#000000", "#ffffff"];

/** modules: uint8 of shape [side, side], 1 where dark. alt: what it is, in words. */
export function code(modules, alt) {
  const [side] = modules.shape;
  const whole = side + 2 * QUIET;
  const picture = element("svg", { viewBox: `0 0 ${whole} ${whole}`, role: "img", "aria-label": alt, "shape-rendering": "crispEdges" });
  picture.append(element("rect", { width: whole, height: whole, fill: LIGHT }), element("path", { d: path(modules, side), fill: DARK }));
  return picture;
}

/** A square a dark module. */
function path(modules, side) {
  const dark = [...modules.keys()].filter((place) => modules[place]);
  return dark.map((place) => `M${(place % side) + QUIET} ${Math.floor(place / side) + QUIET}h1v1h-1z`).join("");
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
