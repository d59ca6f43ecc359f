/** Two ranked lists of tokens, the rank of the one that the head looks at most, and the head's share by key. */
const version = new URL(import.meta.url).search;
const modules = ["../headlight", "../terms", "../signed/aim", "../signed/bars", "../signed/quote", "../signed/scale", "../signed/view"];
const [{ ui }, { term }, { aimOf, percent }, { barLines }, { quoteOf }, { limitOf, signed }, { isHere }] = await Promise.all(
  modules.map((name) => import(`${name}.js${version}`)));

// Keys that are listed by themselves; the rest is one line.
const KEYS = 8;

export function build(state) {
  const list = (key, title) => {
    const lines = ui.make("ol", { class: "lines" });
    return { lines, root: ui.make("div", {}, ui.make("h4", {}, term(key, title)), lines) };
  };
  Object.assign(state, {
    reason: ui.make("p", { class: "reason" }), title: ui.make("p", { class: "title" }), said: ui.make("p", { class: "said" }), looks: ui.make("p", { class: "said" }),
    up: list("promotes", "Raises the logits of"), down: list("suppresses", "Lowers the logits of"), keys: list("copied", "Which token it came from"),
    sum: ui.make("p", { class: "small" }), aim: aimOf((aim) => state.send("aim", aim)), quote: quoteOf(),
  });
  state.keys.root.prepend(state.aim.root);
  state.keys.root.append(state.sum);
  state.body = ui.make("div", { class: "body" }, state.title, state.said, ui.make("div", { class: "pair" }, state.up.root, state.down.root), state.looks,
    state.keys.root, state.quote.root);
  state.root = ui.make("section", { class: "writes", "aria-label": "What the head writes" }, state.reason, state.body);
}

export function fill(state) {
  const { given, palette } = state;
  state.reason.textContent = given.reason;
  state.reason.hidden = !given.reason;
  state.body.hidden = Boolean(given.reason);
  if (given.reason) return;
  state.title.textContent = `Layer ${given.layer}, head ${given.head} at “${given.place}”`;
  const { promoted, suppressed } = given;
  const limit = limitOf([...promoted, ...suppressed].map(({ value }) => value));
  const line = (verb) => (one) => ({ ...one, before: String(one.rank), words: `${verb} the logit of “${one.name}” by ${signed(one.value)}, rank ${one.rank.toLocaleString("en")} of ${given.vocabulary.toLocaleString("en")}` });
  state.up.lines.replaceChildren(...barLines(palette, promoted.map(line("raises")), { limit }));
  state.down.lines.replaceChildren(...barLines(palette, suppressed.map(line("lowers")), { limit }));
  state.said.textContent = saidOf(given);
  state.looks.textContent = looksOf(given);
  byKey(state);
  state.quote.fill({ sentence: given.sentence, name: `writes-${given.layer}.${given.head}`, rows: () => rowsOf(given) });
  follow(state, state.store.look());
}

/** The strongest of both lists in words. */
function saidOf({ promoted, suppressed }) {
  const [up, down] = [promoted[0], suppressed[0]];
  return `It raises the logit of “${up.name}” by ${signed(up.value)} and ${down.value < 0 ? "lowers" : "raises"} that of “${down.name}” by ${signed(down.value)}, by the direct path, less what it does to all tokens on average.`;
}

/** Whether the token that it looks at is one that it raises. */
function looksOf({ attended, vocabulary, keys: split }) {
  if (!attended) return "";
  const weight = split.find(({ place }) => place === attended.place)?.weight;
  const share = weight === undefined ? "" : ` (${percent(weight)})`;
  const rank = `rank ${attended.rank.toLocaleString("en")} of ${vocabulary.toLocaleString("en")}, ${signed(attended.value)}`;
  const copies = attended.rank <= 10 ? "so it copies what it looks at here" : attended.rank > vocabulary - 10 ? "so it speaks against what it looks at here" : "so it is no plain copying";
  return `It looks most at “${attended.name}”${share}, which has ${rank}, ${copies}.`;
}

/** The head's share of the target by key, the largest first. */
function byKey(state) {
  const { given, palette } = state;
  state.aim.fill(given);
  const order = [...given.keys].sort((one, other) => Math.abs(other.value) - Math.abs(one.value));
  const names = given.keys.map(({ name }) => name);
  const shown = order.slice(0, KEYS).map((one) => ({ ...one, name: ui.named(names, one.place), before: percent(one.weight), words: `weight ${percent(one.weight)}, brings ${signed(one.value, 3)}` }));
  const rest = order.slice(KEYS);
  if (rest.length) shown.push({ name: `${rest.length} more`, value: rest.reduce((all, { value }) => all + value, 0), before: "" });
  const onPoint = (row) => state.store.say("hover", row?.place === undefined ? null : { query: state.store.pins()[0] ?? null, key: row.place, from: "writes" });
  state.keys.lines.replaceChildren(...barLines(palette, shown, { count: 3, onPoint }));
  const off = ui.make("span", { class: given.ok ? "" : "bad" }, `${given.ok ? "" : "⚠ "}remainder ${ui.number(given.remainder, 2)}`);
  state.sum.replaceChildren(`weight · (value · W_O) of each key, together ${signed(given.total, 3)}; the head adds ${signed(given.value, 3)} to the ${given.measure}, `, off, ".");
}

/** Lists of another head than the one on show are pale until their own come. */
export function follow(state, look) {
  state.root.classList.toggle("waits", !isHere(state, look));
}

function rowsOf({ promoted, suppressed, keys: split }) {
  return [["list", "token", "rank", "value", "weight"], ...promoted.map(({ name, rank, value }) => ["raises", name, rank, value, null]),
    ...suppressed.map(({ name, rank, value }) => ["lowers", name, rank, value, null]), ...split.map(({ name, place, value, weight }) => ["key", name, place, value, weight])];
}
