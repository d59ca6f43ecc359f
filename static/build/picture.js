/** The drawings of a step as one picture: side by side with their titles, its formula below, as SVG or PNG. */

const version = new URL(import.meta.url).search;
const [{ ui }, { button }, { frame, svg, text, FONT }, { save }] = await Promise.all(["../headlight", "../draw/inputs", "../draw/svg", "../share/save"].map((name) => import(`${name}.js${version}`)));

const [PAD, GAP, TITLE, LINE, WIDEST] = [16, 22, 40, 22, 1200];
const LETTER = 6.7;
const SHARP = 2;

/** One drawing of several: figures [{title, shape, svg}], lines of text below, a heading above. */
export function pictureOf({ heading, figures, lines, palette }) {
  let [x, y, tall, wide] = [PAD, PAD + TITLE, 0, 0];
  const placed = [];
  for (const { title, shape, svg: drawing } of figures) {
    const [, , own, high] = drawing.getAttribute("viewBox").split(" ").map(Number);
    const width = Math.max(own, shape.length * LETTER, title.length * LETTER);
    if (x > PAD && x + width > WIDEST) [x, y, tall] = [PAD, y + tall + GAP, 0];
    const copy = drawing.cloneNode(true);
    copy.removeAttribute("style");
    Object.entries({ x, y: y + TITLE, width: own, height: high }).forEach(([name, value]) => copy.setAttribute(name, String(value)));
    placed.push(text(x, y + 14, title, { fill: palette.ink, weight: 600, size: 14 }), text(x, y + 31, shape, { fill: palette.muted, size: 12 }), copy);
    x += width + GAP;
    tall = Math.max(tall, high + TITLE);
    wide = Math.max(wide, x - GAP);
  }
  const below = lines.flatMap((line) => broken(line));
  const height = y + tall + GAP + below.length * LINE + PAD;
  const width = Math.max(wide, ...below.map((line) => line.length * LETTER), heading.length * LETTER * 1.4) + 2 * PAD;
  const root = frame(width, height, heading, svg("rect", { width, height, fill: palette.paper }), text(PAD, PAD + 18, heading, { fill: palette.ink, weight: 600, size: 18 }), ...placed,
    ...below.map((line, i) => text(PAD, y + tall + GAP + i * LINE + 8, line, { fill: palette.ink, size: 14 })));
  Object.entries({ xmlns: "http://www.w3.org/2000/svg", width, height, "font-family": FONT }).forEach(([name, value]) => root.setAttribute(name, String(value)));
  root.removeAttribute("style");
  return root;
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
      saved(pictureOf({ heading, figures: figuresIn(figure), lines, palette }), `headlight-${name}`, kind);
    });
    made.setAttribute("aria-label", `Save “${title}” as ${kind.toUpperCase()}`);
    return made;
  }));
}

/** The matrices in an element, as they stand there. */
function figuresIn(element) {
  return [...element.querySelectorAll("figure")].filter((figure) => !figure.hidden).map((figure) => ({
    title: figure.querySelector(".title").textContent, shape: figure.querySelector(".shape").textContent, svg: figure.querySelector("svg"),
  }));
}

async function saved(root, name, kind) {
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
