/** Controls of figures: sliders, choices, switches, number fields and buttons, all reached by the keyboard. */

const version = new URL(import.meta.url).search;
const [{ ui }, { indexed }] = await Promise.all(["../headlight", "./indices"].map((name) => import(`${name}.js${version}`)));

/** What these look like; whoever uses them puts it into its root once. */
export const css = `
.inputs { display: flex; flex-wrap: wrap; gap: 6px 22px; align-items: center; margin: 8px 0; font-variant-numeric: tabular-nums; }
.inputs label, .inputs .group { display: inline-flex; gap: 8px; align-items: center; min-height: 32px; }
.inputs .group { flex-wrap: wrap; max-width: 100%; }
.inputs sub { line-height: 0; font-size: .75em; }
.inputs .name { color: var(--hl-muted); }
.inputs input[type=range] { width: 180px; accent-color: var(--hl-ink); }
.inputs input[type=number], .inputs input[type=text] { font: inherit; color: var(--hl-ink); background: var(--hl-card); border: 1px solid var(--hl-line);
  border-radius: 6px; padding: 3px 8px; min-height: 32px; box-sizing: border-box; width: 7em; }
.inputs output { min-width: 3.5em; }
.inputs button { font: inherit; color: var(--hl-ink); background: var(--hl-chip); border: 1px solid var(--hl-line); border-radius: 6px; padding: 4px 12px; min-height: 32px;
  cursor: pointer; }
.inputs button[aria-pressed=true] { background: var(--hl-ink); color: var(--hl-paper); border-color: var(--hl-ink); }
.inputs .problem { color: var(--hl-bad); flex-basis: 100%; }
.inputs :is(button, input):focus-visible { outline: 2px solid var(--hl-query); outline-offset: 2px; }
@media (pointer: coarse) { .inputs :is(button, label, .group, input[type=number], input[type=text]) { min-height: 44px; } }
`;

/** A line of controls. */
export const line = (...children) => ui.make("div", { class: "inputs" }, ...children);

/** A button. */
export function button(words, act) {
  const made = ui.make("button", { type: "button" });
  const nodes = indexed(words);
  if (nodes.length > 1) made.setAttribute("aria-label", words);
  made.append(...nodes);
  made.addEventListener("click", act);
  return made;
}

/** What stands beside an input. Where an index stands below the line, it is read out as it was written, d_k and not dk. */
function nameOf(label, input, kind = "name") {
  const nodes = indexed(label);
  if (nodes.length > 1) input.setAttribute("aria-label", label);
  return ui.make("span", { class: kind }, ...nodes);
}

/** A number without zeros at its end. */
const plain = (value) => ui.number(value, 6).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");

/** A slider over `values`, or from `low` to `high` by `step`; `unit` stands behind its number. `element.set(value)` moves it without a call of `change`. */
export function slider({ label, values = null, low = 0, high = 1, step = 0.01, value, digits = 2, unit = "", change }) {
  const [from, to, by] = values ? [0, values.length - 1, 1] : [low, high, step];
  const input = ui.make("input", { type: "range", min: String(from), max: String(to), step: String(by) });
  const shown = ui.make("output");
  const valueOf = () => (values ? values[Number(input.value)] : Number(input.value));
  const say = () => {
    shown.textContent = `${values || Number.isInteger(by) ? plain(valueOf()) : ui.decimals(valueOf(), digits)}${unit}`;
    input.setAttribute("aria-valuetext", shown.textContent);
  };
  const made = ui.make("label", {}, nameOf(label, input), input, shown);
  made.set = (next) => {
    input.value = String(values ? Math.max(0, values.indexOf(next)) : next);
    say();
  };
  made.set(value);
  input.addEventListener("input", () => {
    say();
    change(valueOf());
  });
  return made;
}

/** One of several, each a button; options are [value, words]. `element.set(value)` presses one without a call of `change`. */
export function choices({ label, options, value, change }) {
  const group = ui.make("span", { class: "group", role: "group", "aria-label": label }, ui.make("span", { class: "name" }, ...indexed(label)));
  const buttons = options.map(([own, words]) => [own, button(words, () => {
    group.set(own);
    change(own);
  })]);
  group.append(...buttons.map(([, element]) => element));
  group.set = (chosen) => buttons.forEach(([own, element]) => element.setAttribute("aria-pressed", String(own === chosen)));
  group.set(value);
  return group;
}

/** On or off. `element.set(on)` turns it without a call of `change`. */
export function toggle({ label, value, change }) {
  const input = ui.make("input", { type: "checkbox" });
  const made = ui.make("label", {}, input, nameOf(label, input, "words"));
  made.set = (on) => { input.checked = on; };
  made.set(value);
  input.addEventListener("change", () => change(input.checked));
  return made;
}

/** A field for one number between `low` and `high`, a whole one where `step` is 1; what is none, or outside, is said beside it and changes nothing. */
export function field({ label, value, low = -Infinity, high = Infinity, step = "any", change }) {
  const input = ui.make("input", { type: "number", step: String(step), inputMode: "decimal" });
  const problem = ui.make("span", { class: "problem", role: "alert" });
  const made = ui.make("label", {}, nameOf(label, input), input, problem);
  made.set = (next) => {
    input.value = String(next);
    problem.textContent = "";
  };
  made.set(value);
  input.addEventListener("input", () => {
    const number = input.value.trim() === "" ? NaN : Number(input.value);
    const isWhole = step === 1;
    const fits = Number.isFinite(number) && number >= low && number <= high && (!isWhole || Number.isInteger(number));
    problem.textContent = fits ? "" : `A ${isWhole ? "whole " : ""}number from ${plain(low)} to ${plain(high)}.`;
    if (fits) change(number);
  });
  return made;
}
