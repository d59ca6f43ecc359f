/** Which of the deeper views of this head is shown below its panels: one of a few, by pointer or arrow keys. */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { explained, watchTerms }] = await Promise.all(["headlight", "terms"].map(shared));
const ui = start(HEADLIGHT);
const states = new WeakMap();
// What each view is explained as, where that is not its own name.
const TERMS = { dimensions: "inside" };
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

function build(parent) {
  const root = ui.make("div", { class: "details", role: "radiogroup", "aria-label": "Look closer" });
  parent.append(root);
  watchTerms(parent);
  const state = { root, buttons: [], send: () => {} };
  root.addEventListener("keydown", (event) => key(state, event));
  return state;
}

function key(state, event) {
  const place = state.buttons.indexOf(event.target);
  const step = STEPS[event.key];
  if (place < 0 || !step) return;
  event.preventDefault();
  const next = state.buttons[(place + step + state.buttons.length) % state.buttons.length];
  next.focus();
  next.click();
}

/** Shown at once; what it shows comes when the server has made it. */
function mark(state, chosen) {
  state.buttons.forEach((button) => {
    const here = button.value === chosen;
    button.setAttribute("aria-checked", String(here));
    button.tabIndex = here ? 0 : -1;
  });
}

function fill(state, names) {
  state.buttons = Object.entries(names).map(([value, label]) => {
    const button = explained(ui.make("button", { type: "button", role: "radio", value }, label), TERMS[value] ?? value);
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-checked") === "true") return;
      mark(state, value);
      state.send("details", value);
    });
    return button;
  });
  state.root.replaceChildren(...state.buttons);
}

export default function ({ data, parentElement, setTriggerValue }) {
  ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement));
  state.send = setTriggerValue;
  const { names, chosen } = ui.parse(data);
  if (!state.buttons.length) fill(state, names);
  mark(state, chosen);
}
