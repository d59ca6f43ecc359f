/** The drawings of a step as one picture: its equations with their titles and signs, its formula below, as SVG or PNG. */

const version = new URL(import.meta.url).search;
const [{ ui }, { button }, { frame, svg, text, FONT }, { save }, { typefaceFor }] = await Promise.all(["../headlight", "../draw/inputs", "../draw/svg", "../share/save", "../share/typeface"].map((name) => import(`${name}.js${version}`)));

const [PAD, GAP, TITLE, LINE, WIDEST] = [16, 22, 40, 22, 1200];
const LETTER = 6.7;
const SHARP = 2;

/** One drawing of several: rows of {title, shape, svg} and {sign}, lines of text below, a heading above. */
export function pictureOf({ heading, rows, lines, palette }) {
  let [y, wide] = [PAD + TITLE, 0];
  const placed = [];
  for (const row of rows) {
    const made = rowOf(row, y, palette);
    placed.push(...made.nodes);
    wide = Math.max(wide, made.right);
    y = made.bottom + GAP;
  }
  const below = lines.flatMap((line) => broken(line));
  const height = y + below.length * LINE + PAD;
  const width = Math.max(wide, ...below.map((line) => line.length * LETTER), heading.length * LETTER * 1.4) + 2 * PAD;
  const root = frame(width, height, heading, svg("rect", { width, height, fill: palette.paper }), text(PAD, PAD + 18, heading, { fill: palette.ink, weight: 600, size: 18 }), ...placed,
    ...below.map((line, i) => text(PAD, y + i * LINE + 8, line, { fill: palette.ink, size: 14 })));
  Object.entries({ xmlns: "http://www.w3.org/2000/svg", width, height, "font-family": FONT }).forEach(([name, value]) => root.setAttribute(name, String(value)));
  root.removeAttribute("style");
  return root;
}

/** One equation from left to right, its parts on one middle line; what is too wide goes on below. */
function rowOf(parts, from, palette) {
  const [nodes, lines] = [[], [[]]];
  let x = PAD;
  for (const part of parts.map(sized)) {
    if (x > PAD && x + part.width > WIDEST) [x] = [PAD, lines.push([])];
    lines.at(-1).push({ ...part, x });
    x += part.width + GAP;
  }
  let [y, right] = [from, 0];
  for (const line of lines) {
    const high = Math.max(...line.map((part) => part.height));
    for (const part of line) nodes.push(...drawnAt(part, y + (high - part.height) / 2, palette));
    right = Math.max(right, ...line.map((part) => part.x + part.width - PAD));
    y += high + GAP;
  }
  return { nodes, right, bottom: y - GAP };
}

function sized(part) {
  if (part.sign) return { ...part, width: part.sign.length * LETTER * 1.4, height: 0 };
  const [, , own, high] = part.svg.getAttribute("viewBox").split(" ").map(Number);
  return { ...part, own, high, width: Math.max(own, part.shape.length * LETTER, part.title.length * LETTER), height: high + TITLE };
}

function drawnAt({ sign, title, shape, svg: drawing, x, own, high }, y, palette) {
  if (sign) return [text(x, y + TITLE / 2, sign, { fill: palette.muted, size: 20 })];
  const copy = drawing.cloneNode(true);
  copy.removeAttribute("style");
  // Where another typeface is wider, a name may stand out.
  Object.entries({ x, y: y + TITLE, width: own, height: high, overflow: "visible" }).forEach(([name, value]) => copy.setAttribute(name, String(value)));
  return [text(x, y + 14, title, { fill: palette.ink, weight: 600, size: 14 }), text(x, y + 31, shape, { fill: palette.muted, size: 12 }), copy];
}

/** A line of at most so many letters, broken between words. */
function broken(line, most = 150) {
  const found = [""];
  for (const word of line.split(" ")) {
    const last = found.length - 1;
    if (found[last].length + word.length < most) found[last] = found[last] ? `${found[last]} ${word}` : word;
    else found.push(word);
  }
  return found;
}

const sourceOf = (root) => `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(root)}`;

/** Two buttons that save what `of()` tells: {heading, name: of the file, figure: an element with matrices, lines, palette}. */
export function imageButtons(title, of) {
  return ui.make("span", { class: "images" }, ...["svg", "png"].map((kind) => {
    const made = button(kind.toUpperCase(), () => {
      const { heading, name, figure, lines, palette } = of();
      saved(pictureOf({ heading, rows: rowsIn(figure), lines, palette }), `headlight-${name}`, kind);
    });
    made.setAttribute("aria-label", `Save “${title}” as ${kind.toUpperCase()}`);
    return made;
  }));
}

/** The equations of an element as they stand there, or all its matrices as one. */
function rowsIn(element) {
  const equations = [...element.querySelectorAll(".equation")];
  return (equations.length ? equations : [element]).map((one) => [...one.querySelectorAll("figure, .sign")].filter((part) => !part.hidden).map(partOf));
}

function partOf(part) {
  if (part.matches(".sign")) return { sign: part.textContent };
  return { title: part.querySelector(".title").textContent, shape: part.querySelector(".shape").textContent, svg: part.querySelector("svg") };
}

async function saved(root, name, kind) {
  root.prepend(svg("style", {}, await typefaceFor(root.textContent)));
  const blob = new Blob([sourceOf(root)], { type: "image/svg+xml" });
  save(kind === "svg" ? blob : await pngOf(root, blob), `${name}.${kind}`);
}

async function pngOf(root, blob) {
  const address = URL.createObjectURL(blob);
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const [width, height] = ["width", "height"].map((name) => Number(root.getAttribute(name)));
    const canvas = Object.assign(document.createElement("canvas"), { width: width * SHARP, height: height * SHARP });
    const context = canvas.getContext("2d");
    context.scale(SHARP, SHARP);
    context.drawImage(image, 0, 0, width, height);
    return await new Promise((done) => { canvas.toBlob(done, "image/png"); });
  } finally {
    URL.revokeObjectURL(address);
  }
}
