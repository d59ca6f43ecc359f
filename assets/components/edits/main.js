/**
 * What the model runs with: each change as a chip that lifts it, and one sentence that can be quoted. It tells the store,
 * and where no run could be made, and so nothing of a head is on the page, the server itself.
 */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { storeOf }, { copyText }, { explained, watchTerms }] = await Promise.all(["headlight", "store", "clipboard", "terms"].map(shared));
const ui = start(HEADLIGHT);
const states = new WeakMap();
const SAID_MS = 2000;

function build(parent, store) {
  const title = explained(ui.make("span"), "edits", { isControl: false });
  const list = ui.make("ul");
  const all = ui.make("button", { type: "button", class: "all" }, "lift all");
  const said = ui.make("q");
  const copy = ui.make("button", { type: "button", class: "copy", "aria-live": "polite" }, "copy");
  const root = ui.make("section", { class: "edits" }, ui.make("div", { class: "top" }, ui.make("h3", {}, title), list, all), ui.make("p", {}, said, " ", copy));
  parent.append(root);
  const state = { store, root, title, list, all, said, copy, given: null, send: () => {} };
  all.addEventListener("click", () => lift(state, state.given.items.map(({ line }) => line)));
  copy.addEventListener("click", async () => {
    copy.textContent = (await copyText(state.given.sentence)) ? "copied" : "select it and copy by hand";
    setTimeout(() => { copy.textContent = "copy"; }, SAID_MS);
  });
  watchTerms(parent);
  return state;
}

/** Take changes back: at once in the picture where there is one. */
function lift(state, lines) {
  const left = now(state).filter((line) => !lines.includes(line));
  if (!state.given.failed && state.store.isConnected()) state.store.change({ edits: left }, { now: true });
  else state.send("edits", left.join(","));
  fill(state, left);
}

/** The lines as they are by now, with what the server has not heard of yet. */
const now = ({ store, given }) => (given.failed ? given.items.map(({ line }) => line) : store.look()?.edits ?? given.items.map(({ line }) => line));

function fill(state, lines) {
  const { items } = state.given;
  const at = [...state.list.children].findIndex((item) => item.firstChild === state.root.getRootNode().activeElement);
  state.list.replaceChildren(...items.map(({ line, words }) => {
    const isGoing = !lines.includes(line);
    const chip = ui.make("button", { type: "button", class: "chip", title: "Lift this change" }, words, ui.make("span", { "aria-hidden": "true" }, " ✕"));
    chip.setAttribute("aria-label", `${words}: lift this change`);
    // Not disabled, for it may have the focus, which the next chip takes over.
    if (isGoing) chip.setAttribute("aria-disabled", "true");
    else chip.addEventListener("click", () => lift(state, [line]));
    return ui.make("li", {}, chip);
  }));
  if (at >= 0) (state.list.children[Math.min(at, items.length - 1)]?.firstChild ?? state.all).focus({ preventScroll: true });
}

export default function ({ data, store, parentElement, setTriggerValue }) {
  ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement, storeOf(store)));
  state.send = setTriggerValue;
  if (state.bytes === data) return;
  state.bytes = data;
  state.given = ui.parse(data);
  const { items, sentence, failed } = state.given;
  state.title.textContent = `${failed ? "The model was to run" : "The model runs"} with ${items.length} change${items.length === 1 ? "" : "s"}`;
  state.all.hidden = items.length < 2;
  state.said.textContent = sentence;
  fill(state, items.map(({ line }) => line));
}
