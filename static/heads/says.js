/** All that stands around the heads: the controls as the look has them, the legend, what is shown and where it is from. */
const version = new URL(import.meta.url).search;
const [{ ui }, { explained }, numbers] = await Promise.all(
  ["../headlight", "../terms", "./numbers"].map((name) => import(`${name}.js${version}`)));
const { RANKED, evenWords, figure, isRanked, mostOf, name, ranking, valueOf, written } = numbers;

// Heads in the table for those who do not see the canvas.
const TOP = 10;

/** What arrived: measures, what patterns are counted on, words, legend and table. */
export function describe(state) {
  const { given } = state;
  measures(state);
  const hasChoice = !given.counted_on.why;
  state.tools.hidden = !given.numbers && !hasChoice;
  state.sorter.disabled = !given.numbers;
  state.countedOn.hidden = !hasChoice;
  state.countedOn.replaceChildren(...given.counted_on.options.map((option) => countedOnButton(state, option)));
  state.why.textContent = given.why ? `Not shown: ${given.why}.${given.pictures ? " Below are the heads’ weights." : ""}` : "";
  state.says.textContent = given.says;
  state.more.source.textContent = given.source ? `Defined in: ${given.source}.` : "";
  state.more.hides.textContent = given.hides ? `What this hides: ${given.hides}` : "";
  state.more.note.textContent = given.note;
  legend(state);
  state.unseen.replaceChildren(...(given.numbers ? highest(given) : []));
  state.canvas.setAttribute("aria-label", `${given.layers.length} layers by ${mostOf(given)} heads, ${given.title}; arrow keys choose one`);
}

/** The measures in their groups; one that makes no sense here says why. */
function measures({ given, select }) {
  const groups = new Map();
  for (const { value, label, group, why } of given.measures) {
    if (!groups.has(group)) groups.set(group, ui.make("optgroup", { label: group }));
    groups.get(group).append(ui.make("option", { value, disabled: Boolean(why), title: why }, label));
  }
  select.replaceChildren(...groups.values());
}

function countedOnButton({ store }, { value, label }) {
  const button = explained(ui.make("button", { type: "button", value, "aria-pressed": "false" }, label), `counted.${value}`);
  button.addEventListener("click", () => store.change({ counted_on: value }, { now: true }));
  return button;
}

function legend({ given, palette, legend: part }) {
  const { low, high, words } = given.range;
  const scale = given.why ? null : palette[given.scale];
  part.root.hidden = !scale;
  if (!scale) return;
  const digits = given.numbers ? given.digits : 1;
  const end = (value) => ui.decimals(value, Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : digits);
  part.low.textContent = end(low);
  part.high.textContent = end(high);
  part.words.textContent = words;
  part.ramp.style.background = `linear-gradient(90deg, ${scale.map(([at, colour]) => `${colour} ${100 * at}%`).join(", ")})`;
  part.mark.hidden = !given.marks;
  part.mark.textContent = given.marks ? "◥ clearly above an even head" : "";
}

/** For those who do not see the canvas: the highest heads. */
function highest(given) {
  const { title, base, marks, numbers: shown } = given;
  const { heads, known } = ranking(given);
  const top = heads.slice(0, TOP);
  const cells = (tag, texts) => ui.make("tr", {}, ...texts.map((text) => ui.make(tag, {}, text)));
  const even = (at) => `${figure(given, base[at])}${marks[at] ? ", clearly exceeded" : ""}`;
  return [
    ui.make("caption", {}, `${title}: the ${top.length} highest of ${known} heads`),
    ui.make("thead", {}, cells("th", ["Head", title, ...(base ? ["An even head"] : [])])),
    ui.make("tbody", {}, ...top.map((cell) => cells("td", [name(cell), written(given, shown[cell.at]), ...(base ? [even(cell.at)] : [])]))),
  ];
}

/** The controls as the look has them, and whether what it asks for is still on its way. */
export function chosen(state) {
  const { given, look } = state;
  const countedOn = given.counted_on.why ? given.counted_on.value : look.counted_on;
  const late = look.measure !== given.measure || countedOn !== given.counted_on.value;
  state.select.value = look.measure;
  state.measure.dataset.term = `measure.${look.measure}`;
  for (const button of state.countedOn.children) button.setAttribute("aria-pressed", String(button.value === countedOn));
  const known = isRanked(state) ? ranking(given).known : 0;
  state.sorter.setAttribute("aria-pressed", String(state.sorted));
  state.sorter.textContent = known > RANKED ? `Sort: first ${RANKED} of ${known}` : "Sort";
  state.frame.classList.toggle("late", late);
  state.frame.setAttribute("aria-busy", String(late));
}

/** The chosen head's number; what did not change is not said again. */
export function told(state) {
  const { given, at, worth } = state;
  const value = valueOf(given, at);
  const isNone = Number.isNaN(value) && Boolean(given.hatched);
  const text = value === null ? "" : isNone ? given.hatched : [`${given.title} ${written(given, value)}`, evenWords(given, at)].filter(Boolean).join("; ");
  if (worth.textContent !== text) worth.textContent = text;
}
