/**
 * What the changes of a run did to its prediction: the target against another token, before and after, and what rose and
 * fell. A click on a token makes it the target, or with the switch the one that it is compared with.
 */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { storeOf }, { term, watchTerms }] = await Promise.all(["headlight", "store", "terms"].map(shared));
const ui = start(HEADLIGHT);
const states = new WeakMap();
const COLUMNS = [["effect.token", "token"], ["effect.probability", "probability"], ["effect.rank", "rank"], ["effect.log", "Δ log-probability"]];
const ROLES = [["target", "the target"], ["distractor", "the other token"]];

function build(parent, store) {
  const title = ui.make("h3", {}, term("effect", "What the changes did"));
  const where = ui.make("span");
  title.append(where);
  const sentence = ui.make("p", { class: "main", "aria-live": "polite" });
  const table = ui.make("table");
  const moved = ui.make("div", { class: "moved" });
  const role = ui.make("span", { class: "roles", role: "group", "aria-label": "A click on a token makes it" });
  const swap = ui.make("button", { type: "button", class: "tool" }, "⇄ swap");
  const none = ui.make("button", { type: "button", class: "tool" }, "one alone");
  const bar = ui.make("div", { class: "bar" }, ui.make("span", {}, "a click on a token makes it "), role, swap, none);
  const likeliest = ui.make("div", { class: "tokens" });
  const note = ui.make("p", { class: "note" });
  const tools = ui.make("details", {}, ui.make("summary", {}, "compare other tokens"), bar, likeliest);
  const root = ui.make("section", { class: "effect" }, title, sentence, ui.make("div", { class: "numbers" }, table, moved), tools, note);
  parent.append(root);
  watchTerms(parent);
  const state = { store, root, where, sentence, table, moved, tools, role, swap, none, likeliest, note, sets: "target" };
  role.append(...ROLES.map(([value, words]) => {
    const made = ui.make("button", { type: "button", value, "aria-pressed": String(value === state.sets) }, words);
    made.addEventListener("click", () => choose(state, value));
    return made;
  }));
  swap.addEventListener("click", () => tell(state, { target: state.given.distractor.id, distractor: state.given.target.id }));
  none.addEventListener("click", () => tell(state, { target: state.given.target.id, distractor: null }));
  return state;
}

function choose(state, value) {
  state.sets = value;
  for (const button of state.role.children) button.setAttribute("aria-pressed", String(button.value === value));
}

function tell(state, changes) {
  state.root.setAttribute("aria-busy", "true");
  state.store.change(changes, { now: true });
}

/** A token was clicked; one that is the other one already changes places with it. */
function pick(state, id) {
  const now = { target: state.given.target.id, distractor: state.given.distractor?.id ?? null };
  const other = state.sets === "target" ? "distractor" : "target";
  const after = { ...now, [state.sets]: id };
  if (after[other] === id) after[other] = now[state.sets];
  if (after.target !== null) tell(state, after);
}

const signed = (value, digits) => `${value > 0 ? "+" : value < 0 ? "−" : "±"}${ui.decimals(Math.abs(value), digits)}`;
const percent = (share) => (share < 0.001 ? "<0.1 %" : share >= 0.0995 ? `${Math.round(share * 100)} %` : `${ui.decimals(share * 100, 1)} %`);
const points = (change) => signed(change * 100, Math.abs(change) >= 0.0995 ? 0 : Math.abs(change) >= 0.00095 ? 1 : 2);
const named = ({ mark, text }) => ui.make("bdi", {}, mark ? ui.make("span", { class: "mark" }, mark) : null, text);

/** The number that the page speaks of, in one sentence. */
function main(state) {
  const { metric: { name, before, after, change }, target, distractor, kl } = state.given;
  const words = distractor ? [ui.make("b", {}, term("effect.logit", "Logit difference")), " “", named(target), "” − “", named(distractor), "”"]
    : [ui.make("b", {}, name === "value" ? "Value of" : term("effect.log", "Log-probability"), name === "value" ? "" : " of"), " “", named(target), "”"];
  const way = change > 0 ? "up" : change < 0 ? "down" : "unchanged";
  state.sentence.replaceChildren(...words, `: ${ui.decimals(before, 2)} → ${ui.decimals(after, 2)} (`, ui.make("strong", { class: way }, signed(change, 2)), ")",
    ...(kl === null ? [] : [" · ", ui.make("b", {}, term("effect.kl", "KL")), ` ${kl < 0.0005 && kl > 0 ? "<0.001" : ui.decimals(kl, 3)} nats`]));
}

function rows(state) {
  const { target, distractor } = state.given;
  state.table.hidden = target.before.probability === null;
  if (state.table.hidden) return;
  const head = ui.make("tr", {}, ...COLUMNS.map(([key, text]) => ui.make("th", { scope: "col" }, term(key, text))));
  const line = ([role, one]) => ui.make("tr", {}, ui.make("th", { scope: "row" }, ui.make("small", {}, term(role === "target" ? "target" : "distractor", role), " "), named(one)),
    ui.make("td", {}, `${percent(one.before.probability)} → ${percent(one.after.probability)}`),
    ui.make("td", {}, one.before.rank === one.after.rank ? String(one.after.rank) : `${one.before.rank.toLocaleString("en")} → ${one.after.rank.toLocaleString("en")}`),
    ui.make("td", {}, `${signed(one.logProbability, 2)} nats`));
  const lines = [["target", target], ...(distractor ? [["other", distractor]] : [])].map(line);
  state.table.replaceChildren(ui.make("thead", {}, head), ui.make("tbody", {}, ...lines));
}

/** What rose and what fell most, each with its sign, a colour and a bar. */
function lists(state) {
  const most = Math.max(...[...state.given.rose, ...state.given.fell].map(({ probability }) => Math.abs(probability)), 1e-9);
  const part = (title, found, share) => ui.make("div", { role: "group", "aria-label": `${title} most, in percentage points` }, ui.make("span", { class: "which" }, term("effect.moved", `${title}, % points`)),
    ...(found.length ? found.map((one) => tokenButton(state, one, points(one.probability), share, Math.abs(one.probability) / most)) : [ui.make("small", {}, "nothing")]));
  state.moved.replaceChildren(part("rose", state.given.rose, 1), part("fell", state.given.fell, 0));
  state.moved.hidden = state.given.target.before.probability === null;
  state.likeliest.replaceChildren(ui.make("span", { class: "which" }, "likeliest without the changes"), ...state.given.likeliest.map((one) => tokenButton(state, one, "")));
}

function tokenButton(state, one, number, share = null, size = 0) {
  const { target, distractor } = state.given;
  const made = ui.make("button", { type: "button", class: "token" }, named(one), number ? ui.make("span", { class: "number" }, number) : null);
  if (share !== null) {
    const bar = ui.make("span", { class: "size", "aria-hidden": "true" });
    bar.style.width = `${Math.max(3, Math.min(100, 100 * size))}%`;
    bar.style.background = ui.css(ui.mix(state.palette.scores, share ? 0.9 : 0.1));
    made.append(bar);
  }
  const role = one.id === target.id ? "the target" : one.id === distractor?.id ? "the other token" : "";
  made.setAttribute("aria-pressed", String(Boolean(role)));
  made.title = role || "Compare this token";
  made.addEventListener("click", () => pick(state, one.id));
  return made;
}

function show(state) {
  const { given } = state;
  const isEmpty = Boolean(given.why);
  for (const part of [state.table, state.moved, state.tools, state.note]) part.hidden = isEmpty;
  state.root.removeAttribute("aria-busy");
  state.where.textContent = isEmpty ? "" : ` to the prediction ${given.where}`;
  state.note.textContent = isEmpty ? "" : given.notes.join(" ");
  if (isEmpty) {
    state.sentence.textContent = given.why;
    return;
  }
  const focused = state.root.getRootNode().activeElement?.textContent;
  main(state);
  rows(state);
  lists(state);
  state.swap.hidden = state.none.hidden = !given.distractor;
  if (focused) [...state.root.querySelectorAll("button")].find((one) => one.textContent === focused)?.focus({ preventScroll: true });
}

export default function ({ data, store, parentElement }) {
  const palette = ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement, storeOf(store)));
  if (state.bytes === data && state.palette === palette) return;
  Object.assign(state, { bytes: data, palette, given: ui.parse(data) });
  show(state);
}
