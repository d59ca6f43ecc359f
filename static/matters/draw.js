/** The view as its bytes say: controls, both maps in one scale, the sum of all that writes, and the words. */
const version = new URL(import.meta.url).search;
const [{ ui }, { term }, { limitOf, legendOf, signed }, { columnsOf, placeIn }, { tell, wordsOfDirect, wordsOfOff }] = await Promise.all(
  ["../headlight", "../terms", "../signed/scale", "../signed/heads", "./says"].map((name) => import(`${name}.js${version}`)));

/** Everything. */
export function fill(state) {
  const { given } = state;
  state.reason.textContent = given.reason;
  state.reason.hidden = !given.reason;
  state.body.hidden = Boolean(given.reason);
  state.quote.root.hidden = Boolean(given.reason);
  if (given.reason) return;
  state.aim.fill(given);
  ways(state);
  maps(state);
  rest(state);
  words(state);
  state.quote.fill({ sentence: given.sentence, name: "heads", rows: () => rowsOf(state) });
  tell(state, null);
}

function ways({ ways: { how, frozen, sweep }, given }) {
  how.replaceChildren(...given.hows.map(({ value, label }) => ui.make("option", { value }, label)));
  how.value = given.how;
  frozen.checked = given.frozen;
  sweep.fill(given);
}

function maps(state) {
  const { given, palette, off, direct } = state;
  const { ablation, direct: own } = given;
  const limit = limitOf(ablation.values, own.values);
  const width = Math.max(...given.counts);
  const spec = (label, at) => ({
    label, rows: given.layers.map(String), columns: columnsOf(given), counts: given.counts, corner: "layer", palette, at, here: placeIn(given, state.at),
  });
  off.caption.textContent = given.frozen ? "change with later heads held as they were" : "change with everything after it running on";
  off.grid.fill(spec("Change when each head is switched off, layers down, heads across", (row, column) => {
    const at = row * width + column;
    const cell = { layer: given.layers[row], head: column };
    const value = ablation.values[at];
    // Purple speaks for the target on both maps: without such a head the number falls.
    return { value, share: -value / limit, estimated: !ablation.exact[at], words: `layer ${cell.layer}, head ${column}: ${wordsOfOff(state, cell)}` };
  }));
  off.why.textContent = given.estimate;
  off.why.hidden = !given.estimate || given.state === "done";
  const hatch = [ui.make("i", { class: "hatch" }), term("estimated", "estimated, not run yet")];
  off.legend.replaceChildren(...legendOf(palette, `+${limit} rises without it`, `−${limit} falls without it: it speaks for ${given.target.name}`),
    ...(ablation.exact.every(Boolean) ? [] : hatch));
  direct.caption.replaceChildren("what it adds by the ", term("residual", "residual stream"), " alone");
  direct.grid.root.hidden = direct.legend.hidden = !own.values;
  direct.why.textContent = [own.reason, ...own.notes].filter(Boolean).map((one) => `${one[0].toUpperCase()}${one.slice(1)}.`).join(" ");
  direct.why.hidden = !direct.why.textContent;
  if (!own.values) return;
  direct.grid.fill(spec("What each head writes for the prediction, layers down, heads across", (row, column) => {
    const cell = { layer: given.layers[row], head: column };
    const value = own.values[row * width + column];
    return { value, share: value / limit, words: `layer ${cell.layer}, head ${column}: ${wordsOfDirect(state, cell)}` };
  }));
  direct.legend.replaceChildren(...legendOf(palette, `−${limit} against`, `+${limit} for ${given.target.name}`));
}

/** What the rows add up to, and the rows that are no heads. */
function rest({ rest: { root, sum, table, more }, given: { direct, distractor } }) {
  root.hidden = !direct.values;
  if (!direct.values) return;
  const what = distractor ? "the model’s own difference" : "the model’s own logit";
  const other = direct.rows.reduce((all, { value }) => all + value, 0);
  const off = ui.make("span", { class: direct.ok ? "" : "bad" }, `${direct.ok ? "" : "⚠ "}remainder ${ui.number(direct.remainder, 2)}`);
  sum.replaceChildren(`All heads ${signed(direct.heads)}, all else ${signed(other)}: together ${signed(direct.total, 3)}; ${what}${direct.softcap ? ", before its cap," : ""} is ${signed(direct.logit, 3)}, `, off,
    direct.softcap ? `. The model caps it to ${signed(direct.capped, 3)}.` : ".");
  const line = ({ name, value }) => ui.make("tr", {}, ui.make("th", { scope: "row" }, name), ui.make("td", {}, signed(value, 3)));
  table.replaceChildren(ui.make("tbody", {}, ...direct.rows.map(line)));
  more.hidden = !direct.rows.length;
}

const UNSURE = "Zero and mean differ by twice or more: believe neither alone";

function words({ words: root, notes, given }) {
  const lines = given.words.map((one) => ui.make("li", {}, one));
  const agree = given.state === "done" && given.direct.values && !lines.length;
  root.replaceChildren(...(lines.length ? [ui.make("h4", {}, term("differ", "Where the two maps differ most")), ui.make("ul", {}, ...lines)]
    : agree ? [ui.make("p", {}, "The two maps tell the same of every head, as far as it is worth speaking of.")] : []),
  ...(given.unsure.length ? [ui.make("h4", {}, UNSURE), ui.make("ul", {}, ...given.unsure.map((one) => ui.make("li", {}, one)))] : []));
  notes.replaceChildren(...given.notes.map((note) => ui.make("p", {}, note)));
}

/** The head on show. */
export function follow(state, { layer, head }) {
  state.at = { layer, head };
  marks(state, state.pointed);
  if (state.given && !state.given.reason) tell(state, null);
}

/** A head that is pointed at on any map of heads. */
export function heard(state, cell) {
  state.pointed = cell;
  marks(state, cell);
  if (state.given && !state.given.reason && cell?.from !== "signed") tell(state, cell ?? null);
}

function marks({ given, off, direct, at }, cell) {
  if (!given || given.reason) return;
  for (const { grid } of [off, direct]) grid.mark(placeIn(given, at), placeIn(given, cell));
}

/** The table that is saved: a line a head, then what is no head. */
function rowsOf({ given }) {
  const { ablation, direct } = given;
  const width = Math.max(...given.counts);
  const heads = given.layers.flatMap((layer, row) => Array.from({ length: given.counts[row] }, (_, head) => {
    const at = row * width + head;
    return [layer, head, ablation.values[at], ablation.exact[at] ? "run" : "estimated", direct.values ? direct.values[at] : null];
  }));
  return [["layer", "head", `change of the ${given.measure}`, "how", "writes itself"], ...heads, ...direct.rows.map(({ name, value }) => [name, "", null, "", value])];
}
