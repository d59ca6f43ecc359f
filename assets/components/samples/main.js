/** What to try: a button for each text that shows something. */
const { start } = await import(`${location.origin}${HEADLIGHT.base}/app/static/headlight.js?v=${HEADLIGHT.version}`);
const ui = start(HEADLIGHT);
const states = new WeakMap();

function build(parent) {
  const root = ui.make("div", { class: "samples", role: "group", "aria-label": "Try" });
  parent.append(root);
  return { root, send: () => {} };
}

export default function ({ data, parentElement, setTriggerValue }) {
  ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement));
  state.send = setTriggerValue;
  const { samples } = ui.parse(data);
  // A button that has the keyboard keeps it, where the same ones are there as before.
  const shown = JSON.stringify(samples);
  if (state.shown === shown) return;
  state.shown = shown;
  const buttons = samples.map(({ name, label, about }) => {
    const button = ui.make("button", { type: "button", title: about }, label);
    button.addEventListener("click", () => state.send("sample", name));
    return button;
  });
  state.root.replaceChildren(ui.make("span", { "aria-hidden": "true" }, "Try"), ...buttons);
}
