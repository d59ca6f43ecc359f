/** What the model predicts: a few likely tokens or labels, each with its probability as a bar and a number; or a bare number. */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { explained, watchTerms }] = await Promise.all(["headlight", "terms"].map(shared));
const ui = start(HEADLIGHT);
const states = new WeakMap();

function build(parent) {
  const title = explained(ui.make("span"), "predicted", { isControl: false });
  const list = ui.make("ol");
  const note = ui.make("p", { class: "note" });
  const root = ui.make("section", { class: "predicted", "aria-live": "polite" }, ui.make("h3", {}, title), list, note);
  parent.append(root);
  watchTerms(parent);
  return { root, title, list, note, send: () => {} };
}

/** One candidate: its text, how likely it is, and whether it is what the text goes on with. */
function line(state, row, index) {
  const track = ui.make("span", { class: "track" });
  if (Number.isFinite(row.probability)) {
    const bar = ui.make("span", { class: "bar", "aria-hidden": "true" });
    bar.style.width = `${Math.max(row.probability * 100, 0.6)}%`;
    track.append(bar);
  }
  const name = ui.make("span", { class: "name", dir: "auto" }, row.mark ? ui.make("span", { class: "mark" }, row.mark) : null, row.text);
  const number = ui.make("span", { class: "number" }, row.number);
  const clickable = row.control ? "" : state.given.clickable;
  const held = ui.make(clickable ? "button" : "div", { class: "line" }, name, track, number);
  if (row.here) {
    held.classList.add("here");
    name.append(ui.make("span", { class: "sign", role: "img", "aria-label": state.given.here, title: state.given.here }, " ✓"));
  }
  if (clickable) {
    held.type = "button";
    held.title = clickable;
    held.addEventListener("click", () => state.send("pick", { index, key: state.given.key }));
  }
  const aims = state.given.aim && Number.isInteger(row.id);
  return ui.make("li", { class: aims ? "aims" : "" }, held, aims ? aimed(state, row, index) : null);
}

/** A button that has the deeper view ask about this candidate. */
function aimed(state, { id, mark, text }, index) {
  const { aim, target, key } = state.given;
  const button = ui.make("button", { type: "button", class: "aim", title: aim, "aria-label": `${aim}: ${mark}${text}`, "aria-pressed": String(id === target) }, id === target ? "◉" : "○");
  button.addEventListener("click", () => state.send("aim", { index, key }));
  return button;
}

/** New rows; whoever is in the list with the keyboard stays at the same place in it. */
function refill(state) {
  const at = [...state.list.children].findIndex((item) => item.firstChild === state.root.getRootNode().activeElement);
  state.list.replaceChildren(...state.given.rows.map((row, index) => line(state, row, index)));
  if (at >= 0) state.list.children[at]?.firstChild.focus({ preventScroll: true });
}

export default function ({ data, parentElement, setTriggerValue }) {
  ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement));
  state.send = setTriggerValue;
  state.given = ui.parse(data);
  state.title.textContent = state.given.title;
  state.title.parentElement.hidden = !state.given.title;
  refill(state);
  state.note.textContent = state.given.note;
  state.note.hidden = !state.given.note;
}
