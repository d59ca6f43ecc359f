/** The sentence box: grows with its text, applies it on Enter or after a pause, and never loses it. */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { storeOf }] = await Promise.all(["headlight", "store"].map(shared));
const ui = start(HEADLIGHT);
const states = new WeakMap();
const PAUSE_MS = 700;
const REMEMBERED = 50;

function build(parent, store) {
  const box = ui.make("textarea", { rows: 1, spellcheck: false, autocomplete: "off", dir: "auto" });
  const count = ui.make("span", { class: "count", "aria-live": "polite" });
  const title = ui.make("span", { class: "title", "aria-hidden": "true" });
  const root = ui.make("div", { class: "prompt" }, title, box, count);
  parent.append(root);
  const state = { store, root, title, box, count, counts: "tokens", sent: [], send: () => {} };
  box.addEventListener("input", () => typed(state));
  box.addEventListener("keydown", (event) => key(state, event));
  box.addEventListener("blur", () => apply(state));
  new ResizeObserver(() => grow(box)).observe(root);
  state.stop = store.listen("count", (seen) => counted(state, seen));
  document.fonts?.ready.then(() => grow(box));
  return state;
}

/** How many tokens the text shown has, against the limit; while another is typed, nothing that is no longer true. */
function counted(state, seen) {
  const tokens = seen?.[state.counts];
  state.count.textContent = tokens === undefined ? "" : `${tokens} of ${seen.limit} tokens`;
}

function typed(state) {
  grow(state.box);
  counted(state, null);
  clearTimeout(state.timer);
  state.timer = setTimeout(() => apply(state), PAUSE_MS);
}

function key(state, event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  apply(state);
}

/** Send the text, unless it is what the server already shows. */
function apply(state) {
  clearTimeout(state.timer);
  const text = state.box.value;
  if (text === (state.sent.at(-1) ?? state.shown)) return;
  state.sent = [...state.sent, text].slice(-REMEMBERED);
  state.send("text", text);
}

function grow(box) {
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
}

/** A text from the server is an echo of ours, and what was typed since stays; or it is another one, and replaces it. */
function take(state, text) {
  if (text === state.shown) {
    if (text === state.sent.at(-1)) state.sent = [text];
    return;
  }
  state.shown = text;
  const place = state.sent.indexOf(text);
  if (place >= 0) {
    state.sent = state.sent.slice(place);
    return;
  }
  clearTimeout(state.timer);
  state.sent = [];
  state.box.value = text;
  grow(state.box);
}

export default function ({ data, store, parentElement, setTriggerValue }) {
  ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement, storeOf(store)));
  state.send = setTriggerValue;
  const given = ui.parse(data);
  state.box.setAttribute("aria-label", given.label);
  state.box.placeholder = given.placeholder;
  state.title.textContent = given.title;
  state.title.hidden = !given.title;
  if (given.count !== state.counts) {
    state.counts = given.count;
    counted(state, state.store.last("count"));
  }
  take(state, given.text);
  return () => state.stop();
}
