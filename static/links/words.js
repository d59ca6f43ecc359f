/** What is said of the links: whose they are, how many are drawn and how much of the weight they carry. */
const version = new URL(import.meta.url).search;
const [{ ui }, { scrolls }, { ALL_UP_TO, isLong }] = await Promise.all(
  ["../headlight", "./geometry", "./subject"].map((name) => import(`${name}.js${version}`)));

/** Words in a line that is hidden without any. */
export function tell(element, words) {
  if (element.textContent !== words) element.textContent = words;
  element.hidden = !words;
}

export const count = (number) => number.toLocaleString("en");

/** What the table and the picture are about, as nodes: the token's name is never markup. */
export function captionOf({ columns, look }, { side, places }) {
  const quoted = (own, place) => ui.make("bdi", {}, "“", ...ui.named(own.names, place), "”");
  if (side === "key") return ["who takes from ", quoted(columns.key, places[0])];
  if (!places.length) return [];
  if (places.length === 1) return ["what ", quoted(columns.query, places[0]), " takes"];
  const how = look.together === "sum" ? "taken in sum" : "taken on average";
  return ["what ", ...places.flatMap((place, i) => [i ? ", " : "", quoted(columns.query, place)]), ` (${places.length} tokens): ${how}`];
}

/** Only what stays is told aloud; the row under the pointer is written in its place. */
export function say(state) {
  const { lines, subject } = state;
  state.drawn.classList.toggle("unseen", subject.hovered);
  if (subject.hovered) state.readout.replaceChildren(...captionOf(state, subject), `: ${lines.waits ? "adding rows …" : drawnOf(state, [lines])}`);
  else {
    state.readout.replaceChildren();
    const words = isLong(state) ? `${drawnOf(state, [lines])} (pinned rows only)` : drawnOf(state, [lines, state.all]);
    if (state.drawn.textContent !== `drawn: ${words}`) state.drawn.textContent = `drawn: ${words}`;
  }
  tell(state.words, notesOf(state).join(" "));
}

/** How many links are drawn, and how much of the weight they carry. */
function drawnOf({ heads }, several) {
  const sum = (name) => several.reduce((all, lines) => all + lines[name], 0);
  if (!sum("open") && several.some(({ unknown }) => unknown)) return "not known here";
  const drawn = several.reduce((all, { weights }) => all + weights.length, 0);
  const whose = heads.length > 1 ? ` of ${heads.length} heads` : "";
  const known = several.some(({ unknown }) => unknown) ? " that is known here" : "";
  const carried = ` links${whose}, ${percent(sum("carried"), sum("total"))} of ${whose ? "their" : "the"} weight${known}`;
  const faint = sum("faint") ? `; ${count(sum("faint"))} of them too faint to see` : "";
  return `${count(drawn)} of ${count(sum("open"))}${carried}${faint}`;
}

function percent(part, whole) {
  if (!whole) return "none";
  const share = (100 * part) / whole;
  if (share > 99.5 && part < whole * (1 - 1e-6)) return "more than 99 %";
  return share > 0 && share < 0.5 ? "less than 1 %" : `${Math.round(share)} %`;
}

function notesOf(state) {
  const { lines, subject, run } = state;
  const notes = [];
  if (lines.unknown && subject.side === "query") notes.push("The links of this row have not travelled to the browser, so they are not drawn.");
  if (run.tiles) notes.push("Of a text this long only pinned rows travel to the browser, and only their links are drawn.");
  else if (isLong(state)) notes.push(`With more than ${ALL_UP_TO} tokens only the links of pinned rows, and of the token under the pointer, are drawn.`);
  if (scrolls(state) && !state.arcs) notes.push("Each column scrolls by itself; the wheel over the lines moves both. A click in the table finds its token.");
  return notes;
}
