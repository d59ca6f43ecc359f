/** The score and its sum, the map of groups, and the ranked list of pairs. */
const version = new URL(import.meta.url).search;
const names = ["../headlight", "../terms", "../signed/grid", "../signed/quote", "../signed/scale", "../signed/view", "./pairs"];
const [{ ui }, { term }, { gridOf }, { quoteOf }, { limitOf, legendOf, signed }, { isHere }, { choiceOf, fillList, offer, pairsOf, titleOf }] = await Promise.all(
  names.map((name) => import(`${name}.js${version}`)));

const SHOWN = 12;

export function build(state) {
  const part = (tag, own, ...children) => ui.make(tag, { class: own }, ...children);
  Object.assign(state, {
    reason: part("p", "reason"), title: ui.make("p", { class: "title" }), choice: choiceOf(state.store), sum: part("p", "sum"), tell: part("p", "tell"),
    legend: part("div", "legend"), lines: part("ol", "lines"), listed: ui.make("p", { class: "title" }), all: ui.make("button", { type: "button", class: "plain" }, "All pairs"),
    quote: quoteOf(), notes: part("div", "notes"), opened: null,
  });
  state.tell.setAttribute("aria-live", "polite");
  state.grid = gridOf({
    point: (place) => say(state, place), leave: () => say(state, state.opened),
    choose: (place) => open(state, place),
  });
  state.all.addEventListener("click", () => open(state, null));
  const left = part("div", "map", ui.make("h4", {}, term("origins", "By where query and key came from")), part("p", "small", "query down, key across; a cell opens its pairs"), state.grid.root, state.legend, state.tell);
  const right = part("div", "list", part("div", "head", state.listed, state.all), state.lines);
  state.inside = part("div", "inside", state.sum, part("div", "pair", left, right), state.quote.root, state.notes);
  state.body = part("div", "body", part("div", "head", state.title, state.choice.root), state.inside);
  state.root = ui.make("section", { class: "why", "aria-label": "Why the head looks there" }, state.body, state.reason);
}

export function fill(state) {
  const { given } = state;
  const isScore = given.layer !== undefined;
  state.body.hidden = !isScore;
  state.reason.textContent = given.reason;
  state.reason.hidden = !given.reason;
  state.inside.hidden = Boolean(given.reason);
  if (!isScore) return;
  state.title.replaceChildren(`Layer ${given.layer}, head ${given.head}: `, ui.make("span", { class: "query" }, given.query.name), " looks at ", ui.make("span", { class: "key" }, given.key.name));
  offer(state.choice, given);
  if (given.reason) return;
  state.opened = null;
  sum(state);
  drawMap(state);
  list(state);
  state.notes.replaceChildren(...notesOf(given).map((note) => ui.make("p", {}, note)));
  state.quote.fill({ sentence: given.sentence, name: `why-${given.layer}.${given.head}`, rows: () => rowsOf(given) });
  follow(state, state.store.look());
}

/** All pairs add up to the model's own score; what is added by position has a line of its own. */
function sum({ sum: root, given }) {
  const off = ui.make("span", { class: given.ok ? "" : "bad" }, `${given.ok ? "" : "⚠ "}remainder ${ui.number(given.remainder, 2)}`);
  const words = [`All pairs add up to ${signed(given.total, 3)}; the model’s own q·k × scale (${ui.number(given.scale, 3)}) is ${signed(given.score, 3)}, `, off, "."];
  if (given.softcap) words.push(` Its cap of ${given.softcap} comes after that.`);
  if (given.bias) words.push(ui.make("span", { class: "bias" }, ` Position alone adds ${signed(given.bias, 3)}, whatever the tokens say.`));
  root.replaceChildren(...words);
}

function drawMap(state) {
  const { given, palette } = state;
  const { groups } = given;
  const limit = limitOf(given.map);
  const columns = groups.key.length;
  state.grid.fill({
    label: "The score by the groups behind query (down) and key (across)", rows: groups.query.map(brief), columns: groups.key.map(brief), corner: "q \\ k", palette,
    at: (row, column) => {
      const value = given.map[row * columns + column];
      return { value, share: value / limit, words: wordsOf(state, { row, column }, value) };
    },
  });
  state.legend.replaceChildren(...legendOf(palette, `−${limit} against`, `+${limit} for looking there`));
  say(state, null);
}

/** A group in few letters: its layer and what it is. */
const brief = (name) => name.replace("embedding", "emb").replace("constant", "const").replace(/layer (\d+) MLP/, "$1 MLP").replace(/layer (\d+) cross-attention/, "$1 cross").replace(/layer (\d+) attention/, "$1 att");

const wordsOf = ({ given: { groups } }, { row, column }, value) => `${groups.query[row]} (query) × ${groups.key[column]} (key): ${signed(value, 3)}`;

function say(state, place) {
  const { given } = state;
  state.tell.textContent = place ? `${wordsOf(state, place, given.map[place.row * given.groups.key.length + place.column])}.` : "";
}

/** Open the pairs of one cell, or with null those of all. */
function open(state, place) {
  state.opened = place;
  state.grid.mark(place);
  list(state);
}

function list(state) {
  const { given, opened } = state;
  const pairs = pairsOf(given, opened).slice(0, SHOWN);
  state.listed.textContent = opened ? `${given.groups.query[opened.row]} × ${given.groups.key[opened.column]}` : "The pairs that bring most";
  state.all.hidden = !opened;
  fillList(state, pairs);
}

function notesOf(given) {
  const few = given.pairs ? [] : ["There are too many pairs to hold them all: the largest are listed."];
  return ["Scales of all norms are held as they were in this run, so that the parts add up; softmax over all keys makes the weight of the score.", ...few, ...given.notes];
}

/** What came is of another head, token or key: pale until its own comes. */
export function follow(state, look) {
  const { given } = state;
  const query = look?.query ?? given?.query?.place;
  state.root.classList.toggle("waits", !isHere(state, look) || (given?.query !== undefined && query !== given.query.place));
}

function rowsOf(given) {
  const lines = pairsOf(given, null).slice(0, 1000).map(({ query, key, value }) => [titleOf(given, "query", query), titleOf(given, "key", key), value]);
  return [["query came from", "key came from", "score"], ...lines, ...(given.bias ? [["position", "position", given.bias]] : []), ["sum", "", given.total]];
}
