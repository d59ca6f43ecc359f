/** What the model predicts: a few likely tokens or labels, each with its probability as a bar and a number. */
const { start } = await import(`${location.origin}${HEADLIGHT.base}/app/static/headlight.js?v=${HEADLIGHT.version}`);
const ui = start(HEADLIGHT);
const states = new WeakMap();

function build(parent) {
  const title = ui.make("h3");
  const list = ui.make("ol");
  const note = ui.make("p", { class: "note" });
  const root = ui.make("section", { class: "predicted", "aria-live": "polite" }, title, list, note);
  parent.append(root);
  return { root, title, list, note, send: () => {} };
}

/** One candidate: its text, how likely it is, and whether it is what the text goes on with. */
function line(state, row, index) {
  const share = Number.isFinite(row.probability) ? row.probability : 0;
  const bar = ui.make("span", { class: "bar", "aria-hidden": "true" });
  bar.style.width = `${Math.max(share * 100, 0.6)}%`;
  const name = ui.make("span", { class: "name", dir: "auto" }, row.mark ? ui.make("span", { class: "mark" }, row.mark) : null, row.text);
  const number = ui.make("span", { class: "number" }, row.number);
  const held = ui.make(state.given.clickable ? "button" : "div", { class: "line" }, name, ui.make("span", { class: "track" }, bar), number);
  if (row.here) {
    held.classList.add("here");
    name.append(ui.make("span", { class: "sign", title: state.given.here }, " ✓"));
  }
  if (state.given.clickable) {
    held.type = "button";
    held.setAttribute("aria-label", `${row.mark}${row.text}, ${row.number}${row.here ? `, ${state.given.here}` : ""}. ${state.given.clickable}`);
    held.title = state.given.clickable;
    held.addEventListener("click", () => state.send("pick", { index, key: state.given.key }));
  }
  return ui.make("li", {}, held);
}

export default function ({ data, parentElement, setTriggerValue }) {
  ui.dress(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement));
  state.send = setTriggerValue;
  state.given = ui.parse(data);
  state.title.textContent = state.given.title;
  state.list.replaceChildren(...state.given.rows.map((row, index) => line(state, row, index)));
  state.note.textContent = state.given.note;
  state.note.hidden = !state.given.note;
}
