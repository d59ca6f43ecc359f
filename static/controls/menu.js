/** The button that changes the run itself, and its menu: a list over the page, reached by keyboard, closed by Escape. */
const version = new URL(import.meta.url).search;
const [{ ui }, { offered, withLine }, { term }] = await Promise.all(["../headlight", "./changes", "../terms"].map((name) => import(`${name}.js${version}`)));

const GAP = 4;
const MARGIN = 8;

/** {button, panel, show(shown), refuse(why)}; `change(changes)` is told what a person chose. */
export function changeMenu(change) {
  const button = ui.make("button", { type: "button", class: "change" }, "Change the run ▾");
  button.setAttribute("aria-haspopup", "dialog");
  button.setAttribute("aria-expanded", "false");
  const panel = ui.make("div", { class: "menu", role: "dialog", "aria-label": "Change the run" });
  panel.setAttribute("popover", "auto");
  const state = { button, panel, change, shown: null, why: "" };
  button.addEventListener("click", () => (panel.matches(":popover-open") ? panel.hidePopover() : open(state)));
  panel.addEventListener("toggle", ({ newState }) => button.setAttribute("aria-expanded", String(newState === "open")));
  panel.addEventListener("keydown", (event) => (event.key === "Escape" ? close(state, event) : walk(panel, event)));
  return {
    button, panel, follow: () => panel.matches(":popover-open") && place(state),
    show: (shown) => { state.shown = shown; },
    refuse: (why) => { state.why = why; },
  };
}

function open(state) {
  if (!state.shown) return;
  state.panel.replaceChildren(...contents(state));
  state.panel.showPopover();
  place(state);
  stops(state.panel)[0]?.focus({ preventScroll: true });
}

/** Close it and go back to its button, as a browser does by itself outside of a shadow. */
function close({ panel, button }, event) {
  event.preventDefault();
  event.stopPropagation();
  panel.hidePopover();
  button.focus({ preventScroll: true });
}

/** Below the button, or above it where there is more room; within the window. */
function place({ button, panel }) {
  const [at, { clientWidth: width, clientHeight: height }] = [button.getBoundingClientRect(), document.documentElement];
  const [below, above] = [height - at.bottom - GAP - MARGIN, at.top - GAP - MARGIN];
  const isBelow = below >= Math.min(panel.scrollHeight, above);
  panel.style.maxHeight = `${Math.max(120, isBelow ? below : above)}px`;
  panel.style.left = `${Math.max(MARGIN, Math.min(at.left, width - panel.offsetWidth - MARGIN))}px`;
  panel.style.top = `${isBelow ? at.bottom + GAP : at.top - GAP - panel.offsetHeight}px`;
}

const stops = (panel) => [...panel.querySelectorAll("button, input")].filter((one) => !one.disabled);

/** Up and down walk through what can be chosen; the page's own arrow keys stay out of it. */
function walk(panel, event) {
  if (!event.key.startsWith("Arrow")) return;
  event.stopPropagation();
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!by) return;
  event.preventDefault();
  const all = stops(panel);
  const at = all.indexOf(panel.getRootNode().activeElement);
  all[(at + by + all.length) % all.length]?.focus();
}

function contents(state) {
  const { shown, why } = state;
  const title = ui.make("p", { class: "about" }, ui.make("b", {}, term("edits", "The model runs on with the change")), `, and everything below is of that run. Layer ${shown.head.layer}, head ${shown.head.head}:`);
  if (why) return [ui.make("p", { class: "about", tabIndex: -1 }, why)];
  return [title, ...offered(shown).map((group) => section(state, group)), patching(state)];
}

function section(state, { key, title, items }) {
  const named = ui.make("p", { class: "group" }, term(key, title));
  return ui.make("div", { role: "group", "aria-label": title }, named, ...items.map((one) => line(state, one)));
}

/** One change; one that cannot be made says why. */
function line(state, { label, line: written, why }) {
  const isOn = state.shown.look.edits.includes(written);
  const reason = isOn ? "it is on" : why;
  const made = ui.make("button", { type: "button", class: "item" }, label, reason ? ui.make("small", {}, ` – ${reason}`) : null);
  if (reason) made.setAttribute("aria-disabled", "true");
  made.addEventListener("click", () => !reason && take(state, { edits: withLine(state.shown.look.edits, written) }));
  return made;
}

/** A head's output or weights from another text, which has to be typed. */
function patching(state) {
  const { run, head, look } = state.shown;
  const here = `${run.kinds?.length > 1 ? `${run.kind}.` : ""}${head.layer}.${head.head}`;
  const count = run.tokens.keys.length;
  const box = ui.make("input", { type: "text", value: look.patch_text, maxLength: 2000, placeholder: `a text of as many tokens: ${count}`, "aria-label": "Second text" });
  const ways = [["its output", `patch-${here}`], ["its weights", `patch-${here}-weights`]].map(([label, written]) => {
    const made = ui.make("button", { type: "button", class: "item" }, label);
    made.addEventListener("click", () => box.value.trim() && take(state, { edits: withLine(look.edits, written), patch_text: box.value }));
    return made;
  });
  const ready = () => ways.forEach((one) => { one.disabled = !box.value.trim(); });
  box.addEventListener("input", ready);
  ready();
  const title = "Take from a second text (activation patching)";
  return ui.make("div", { role: "group", "aria-label": title }, ui.make("p", { class: "group" }, term("edit.patch", title)), box, ...ways);
}

function take(state, changes) {
  state.panel.hidePopover();
  state.button.focus({ preventScroll: true });
  state.change(changes);
}
