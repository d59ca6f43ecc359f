/** A button in the place of one of Streamlit's popovers, which is drawn only while it is open. */
const { start } = await import(`${location.origin}${HEADLIGHT.base}/app/static/headlight.js?v=${HEADLIGHT.version}`);
const ui = start(HEADLIGHT);
const states = new WeakMap();
const PATIENCE_MS = 5000;
// The popover that was opened last from here: when it is closed, its button has the keyboard again.
let opened = "";

const hasNone = () => document.activeElement === document.body || document.activeElement === null;

/** Give the keyboard to what is drawn in this button's place, unless a person has taken it elsewhere. */
function handOn({ root, name }) {
  const observer = new MutationObserver(() => {
    const button = document.querySelector(`.st-key-${CSS.escape(name)} button`);
    if (!button) return;
    observer.disconnect();
    if (hasNone() || document.activeElement === root) button.focus({ preventScroll: true });
  });
  observer.observe(document.body, { childList: true, subtree: true });
  setTimeout(() => observer.disconnect(), PATIENCE_MS);
}

function open(state) {
  opened = state.name;
  handOn(state);
  state.send("open", true);
}

function build(parent) {
  const label = ui.make("p");
  const root = ui.make("button", { class: "hl-opener", type: "button", "aria-haspopup": "dialog", "aria-expanded": "false" }, label);
  const state = { root, label, name: "", send: () => {} };
  root.addEventListener("click", () => open(state));
  parent.append(root);
  return state;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const state = ui.once(states, parentElement, () => build(parentElement));
  const { label, name } = ui.parse(data);
  Object.assign(state, { send: setTriggerValue, name });
  state.label.textContent = label;
  if (opened !== name) return;
  opened = "";
  setTimeout(() => hasNone() && state.root.focus({ preventScroll: true }));
}
