/** The pinned row as a sentence in a picture: its tokens in lines, shaded by how much the row takes of each. */
const version = new URL(import.meta.url).search;
const [{ ui }, { widthOf }, { element }, { PAD }] = await Promise.all(
  ["../headlight", "../axes", "./vector", "./sizes"].map((name) => import(`${name}.js${version}`)));

const [INSIDE, GAP, HIGH, LINE, LETTERS] = [4, 3, 20, 24, 14];
const MOST_LINES = 8;
const LONGEST = 24;

/** {title, lines: [[{text, weight, closed, left, width}]]}, or null where the row is not here or has too many tokens. */
export function sentenceOf({ run, look, head }, pins, width) {
  if (!pins.every((pin) => head.row("weights", pin))) return null;
  const weights = head.together("weights", pins, look.together);
  const may = pins.map((pin) => head.allowed(pin));
  const most = pins.length > 1 && look.together === "sum" ? pins.length : 1;
  const lines = [[]];
  let left = PAD;
  run.tokens.keys.forEach((token, key) => {
    const text = brief(`${token.mark}${token.text}`);
    const wide = Math.ceil(widthOf(text)) + 2 * INSIDE;
    if (left + wide > width - PAD && lines.at(-1).length) {
      lines.push([]);
      left = PAD;
    }
    const closed = !weights[key] && !may.some((row) => row[key]);
    lines.at(-1).push({ text, weight: weights[key] / most, closed, pinned: run.tokens.same && pins.includes(key), left, width: wide });
    left += wide + GAP;
  });
  return lines.length > MOST_LINES ? null : { title: titleOf(run, look, pins), lines };
}

function titleOf({ tokens: { queries } }, look, pins) {
  if (pins.length > 1) return `${look.together === "mean" ? "Mean" : "Sum"} of ${pins.length} tokens’ weights`;
  const { mark, text } = queries[pins[0]];
  return `“${brief(mark + text)}” looks at`;
}

function brief(text) {
  const letters = [...text];
  return letters.length > LONGEST ? `${letters.slice(0, LONGEST - 1).join("")}…` : text;
}

/** What it takes below its title. */
export const heightOf = (sentence) => sentence.lines.length * LINE;

/** The lines as a group whose top is there. */
export function drawn(document, { lines }, top, palette, font) {
  const group = element(document, "g", { class: "sentence", "font-family": font, "font-size": LETTERS });
  lines.forEach((line, i) => line.forEach(({ text, weight, closed, pinned, left, width }) => {
    const colour = ui.mix(palette.weights, weight);
    const y = top + i * LINE;
    const fill = closed ? "none" : ui.css(colour);
    const frame = pinned ? { stroke: palette.ink, "stroke-width": 1.5 } : closed ? { stroke: palette.line } : {};
    group.append(
      element(document, "rect", { x: left, y, width, height: HIGH, rx: 4, fill, ...frame }),
      element(document, "text", { x: left + width / 2, y: y + 15, "text-anchor": "middle", fill: closed ? palette.muted : ui.inkOn(colour, palette) }, text),
    );
  }));
  return group;
}
