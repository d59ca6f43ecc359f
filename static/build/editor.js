/** One cell set by hand: a number field with arrow keys, what queries and keys or the layer itself would have there, and the way back. */

const version = new URL(import.meta.url).search;
const [{ ui }, { button }, { checkNumber, isSame }, { effect, fine, rowOf }] = await Promise.all(
  ["../headlight", "../draw/inputs", "./model", "./words"].map((name) => import(`${name}.js${version}`)));

const TITLES = { query: "W_Q", key: "W_K", value: "W_V", output: "W_O", scores: "Q·Kᵀ" };
// No words such as Infinity, and no digits of another base.
const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d{1,3})?$/i;
const [SMALL, LARGE, PLACES] = [0.1, 1, 6];

/** What a cell is called: “W_Q row 3, column 5”, or “Q·Kᵀ of head 0, “sat” → “cat””; dims: what rows and columns stand for, if for something. */
export function nameOf({ matrix, layer, head, row, column }, { names, dims, layers }) {
  const several = (layers.length ?? layers) > 1;
  const called = (at) => (dims ? `${at} “${dims[at]}”` : String(at));
  const where = several ? `layer ${layer + 1}, ` : "";
  if (matrix === "scores") return `${where}${TITLES.scores} of head ${head}, “${names[row]}” → “${names[column]}”`;
  return `${where}${TITLES[matrix]} row ${called(row)}, column ${called(column)}`;
}

/** {root, draw(now, before)}, before as of `comparison`; kind: the step whose numbers are set, "project", "output" or "scores". kit: {edit(cell, value), lift(cell)}. */
export function editor(kit, kind) {
  // A keyboard of digits has no minus sign on every phone.
  const input = ui.make("input", { type: "text", autocomplete: "off", spellcheck: false });
  const own = {
    kit, kind, input, target: null, name: ui.make("span", { class: "name" }), said: ui.make("span", { class: "produced" }),
    problem: ui.make("span", { class: "problem", role: "alert" }), lift: button("Lift", () => kit.lift(own.target)), did: ui.make("span", { class: "did", "aria-live": "polite" }),
  };
  const [less, more] = [[`− ${SMALL}`, -SMALL], [`+ ${SMALL}`, SMALL]].map(([words, by]) => button(words, () => set(own, short(own.value + by), true)));
  input.addEventListener("input", () => type(own));
  input.addEventListener("keydown", (event) => press(own, event));
  const label = ui.make("label", {}, own.name, input);
  const hint = ui.make("span", { class: "hint" }, "or ↑ ↓ in the field, with Shift by 1");
  const root = ui.make("div", { class: "inputs editor" }, label, ui.make("span", { class: "turns" }, less, more, hint), own.lift, own.said, own.did, own.problem);
  return { root, draw: (now, before) => draw(own, now, before) };
}

function targetOf({ kind }, now) {
  const { layer } = now.state;
  if (kind === "scores") return { matrix: "scores", layer, head: now.head, row: now.i, column: now.j };
  return { ...now.cells[kind], layer };
}

function producedAt({ matrix, row, column }, { step, head, group }) {
  if (matrix !== "scores") return step.plain[matrix][row * step.plain[matrix].shape[1] + column];
  const [query, key] = [rowOf(step.pass.query, row, head), rowOf(step.pass.key, column, group)];
  return query.reduce((sum, value, at) => sum + value * key[at], 0);
}

const short = (value) => Number(value.toFixed(PLACES));

function draw(own, now, before) {
  const target = targetOf(own, now);
  const isNew = !own.target || !isSame(target, own.target);
  const edit = now.state.edits.find((one) => isSame(one, target));
  const produced = producedAt(target, now);
  Object.assign(own, { target, value: edit ? edit.value : short(produced) });
  own.name.textContent = nameOf(target, now);
  const typed = own.input.matches(":focus") && own.problem.textContent;
  if (isNew || (!typed && read(own.input.value) !== own.value)) {
    own.input.value = String(own.value).replace("-", "−");
    own.problem.textContent = "";
  }
  own.lift.style.visibility = edit ? "visible" : "hidden";
  own.said.textContent = edit ? saidOf(target, produced) : "";
  own.did.textContent = edit && before?.words.startsWith(`${own.name.textContent} `) ? effect(now, before.now) : "";
  own.input.setAttribute("aria-label", `${own.name.textContent}; arrow keys change it by 0.1, with Shift by 1`);
}

const saidOf = ({ matrix }, produced) => (matrix === "scores" ? `Set by hand: Q and K no longer produce it. They give ${fine(produced)}.` : `Set by hand; it was ${fine(produced)}.`);

/** The number that was typed, with a minus sign and a decimal point of either kind; NaN for none. */
export function read(typed) {
  const text = typed.trim().replace("−", "-").replace(",", ".");
  return NUMBER.test(text) ? Number(text) : NaN;
}

function type(own) {
  set(own, read(own.input.value));
}

function press(own, event) {
  if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
  event.preventDefault();
  const by = (event.shiftKey ? LARGE : SMALL) * (event.key === "ArrowUp" ? 1 : -1);
  set(own, short(own.value + by), true);
}

function set(own, value, shows = false) {
  try {
    checkNumber(value);
    own.kit.edit(own.target, value);
    own.problem.textContent = "";
    if (shows) own.input.value = String(value).replace("-", "−");
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    own.problem.textContent = error.message;
  }
}
