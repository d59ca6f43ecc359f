/** A lesson's figure as a drawing that can be saved: its SVGs one below another, or what the figure itself makes. */

const version = new URL(import.meta.url).search;
const [{ finished }, { SVG, element }] = await Promise.all(["../share/picture", "../share/vector"].map((name) => import(`${name}.js${version}`)));

const [PAD, GAP, TITLE] = [16, 14, 28];
// Points of a PNG to one unit of a drawing.
const SHARP = 3;
// What a drawing has from the page's style sheet, which does not go along.
const STYLES = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "fill-opacity", "font-size", "font-weight", "text-anchor"];

/** {svg, width, height, alt, paper, mm}, as `share/picture.js` makes it. */
export async function pictureOf(app, figure) {
  const own = await figure.picture();
  return own ?? drawn(app.palette(), figure.place.title, [...figure.body.querySelectorAll("svg")].filter(isSeen));
}

const isSeen = (one) => one.getClientRects().length > 0 && !one.closest("[aria-hidden=true]:not(svg)");

function drawn(palette, title, drawings) {
  if (!drawings.length) throw new Error("there is no drawing here yet");
  const made = document.implementation.createDocument(SVG, "svg");
  const sizes = drawings.map(sizeOf);
  const units = { width: Math.max(240, ...sizes.map(({ width }) => width)) + 2 * PAD, height: PAD + TITLE };
  const root = made.documentElement;
  root.append(element(made, "rect", { width: "100%", height: "100%", fill: palette.paper }),
    element(made, "text", { x: PAD, y: PAD + 15, fill: palette.ink, "font-family": '"Source Sans 3", sans-serif', "font-size": 15, "font-weight": 600 }, title));
  drawings.forEach((drawing, at) => {
    const copy = made.importNode(plain(drawing), true);
    for (const [name, value] of Object.entries({ x: PAD, y: units.height, ...sizes[at] })) copy.setAttribute(name, String(value));
    root.append(copy);
    units.height += sizes[at].height + GAP;
  });
  const alt = drawings.map((one) => one.getAttribute("aria-label") ?? "").filter(Boolean).join(" ");
  return finished(made, { title, alt: alt || title, units, size: { px: [Math.round(units.width * SHARP), null], mm: null }, paper: palette.paper });
}

function sizeOf(drawing) {
  const { width, height } = drawing.viewBox.baseVal ?? {};
  if (width && height) return { width, height };
  const box = drawing.getBoundingClientRect();
  return { width: box.width, height: box.height };
}

/** A copy that looks the same without the page: what the style sheet gives is written down at each element. */
function plain(drawing) {
  const copy = drawing.cloneNode(true);
  const from = [drawing, ...drawing.querySelectorAll("*")];
  const to = [copy, ...copy.querySelectorAll("*")];
  from.forEach((one, at) => {
    const style = getComputedStyle(one);
    for (const name of STYLES) to[at].setAttribute(name, style.getPropertyValue(name));
    for (const name of ["class", "style", "tabindex", "role", "data-result"]) to[at].removeAttribute(name);
    if (style.display === "none") to[at].setAttribute("display", "none");
  });
  copy.setAttribute("font-family", '"Source Sans 3", sans-serif');
  return copy;
}
