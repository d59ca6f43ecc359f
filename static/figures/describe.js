/** What stands around a panel's picture: title and switches, caption, legend, and what it shows in words. */
const version = new URL(import.meta.url).search;
const [{ ui }, { explained }, { layerOf }, { alts }, { stageOf, stagesOf }, { leftOut }, { explain, ramp }] = await Promise.all(
  ["../headlight", "../terms", "../look", "../alt", "../cells", "../spans", "./panel"].map((name) => import(`${name}.js${version}`)));

// The last step before the softmax, as a look names it.
const LAST = "masked";

/** Title, switches, caption and legend of one panel. What is still on its way leaves the last picture standing, as it was called. */
export function describe(state, panel, shown, view) {
  panel.root.classList.toggle("hl-awaited", Boolean(view.awaited));
  switchesOf(state, panel, optionsOf(state, panel, shown));
  if (view.awaited && panel.view) return;
  panel.view = view.z ? view : null;
  panel.what = shown.look[panel.name];
  panel.caption.textContent = captionOf(state, panel, shown, view);
  explain(panel, Boolean(view.z), view.reason);
  if (view.z) panel.legend.replaceChildren(...ramp(state.palette[view.scale], short(view.zmin), short(view.zmax)));
}

/** An end of the colours without noughts that say nothing. */
const short = (value) => (Number.isInteger(value) ? String(value).replace("-", "−") : ui.number(value, 3));

function captionOf(state, panel, { run, look, head }, view) {
  const layer = layerOf(run, head.layer) ?? {};
  const key = { scores: "scores", weights: look.weights, values: look.values }[panel.name];
  const hides = panel.name === "weights" && view.z && head.altered && look.hide.length;
  // In place of the usual words, so that a caption stays within its two lines.
  const notes = [hides && key === "weights" ? leftOutWords(view, { look, head }) : state.given.captions[key]];
  if (panel.name === "scores" && head.unknown.includes("query")) notes.push(state.given.unknown);
  if (panel.name === "weights" && look.weights === "weights") {
    if (layer.sinkScales) notes.push("a learned sink scales the output instead of the weights");
    if (view.sink) notes.push("with the sink");
  }
  if (hides && key !== "weights") notes.push(leftOutWords(view, { look, head }));
  if (key === "contribution" && head.altered && view.z) notes.push("the model’s own: what was changed above does not reach it");
  return [...notes, view.note, view.pooled ? view.pooledWords : ""].filter(Boolean).join(" · ");
}

/** How the picture shows what is left out, and what becomes of its share. */
function leftOutWords(view, shown) {
  const what = leftOut(view, shown).length ? "crossed out: left out" : "some are left out";
  return shown.look.rest === "shared" ? `${what}; the rest shares each row` : `${what}, and missing from each row’s sum`;
}

/** [{value, term, label, why}] of a panel's switches, and which of them is on. */
function optionsOf(state, { name }, { run, look, head }) {
  const { labels } = state.given;
  if (name === "scores") {
    const options = stagesOf(head).filter((own) => own !== "tempered" || !head.isMasked).map((own) => stageOption(head, own, labels.stage));
    const current = stageOf(head, look.stage);
    return { field: "stage", current: current === "tempered" ? LAST : current, options };
  }
  const why = layerOf(run, head.layer)?.noContribution ?? "";
  const plain = { weights: "weights", values: "output" }[name];
  const options = Object.entries(labels[name]).map(([value, label]) => ({ value, term: value, label, why: value === plain ? "" : why }));
  return { field: name, current: look[name], options };
}

/**
 * A step of the scores as a switch. A temperature's is only offered where nothing is masked, for there it is the last one; a
 * look has no name for it but that of the last step.
 */
function stageOption(head, name, labels) {
  if (name === "tempered") return { value: LAST, term: "tempered", label: `÷ ${Number(head.temperature.toPrecision(3))}`, why: "" };
  const key = name === "masked" && head.names.length === 2 ? "score" : name;
  return { value: name, term: key, label: labels[name] ?? name, why: "" };
}

/** A panel's switches; the same switches stay the same elements, for one of them may have the focus. */
function switchesOf({ store }, panel, { field, current, options }) {
  const made = JSON.stringify([field, options.map(({ value, label }) => [value, label])]);
  if (panel.made !== made) {
    panel.made = made;
    panel.buttons = options.map(({ value, term, label }) => {
      const button = explained(ui.make("button", { type: "button" }, ...subscript(label)), term);
      button.addEventListener("click", () => store.change({ [field]: value }));
      return button;
    });
    panel.switches.replaceChildren(...panel.buttons);
  }
  panel.buttons.forEach((button, i) => {
    Object.assign(button, { title: options[i].why, disabled: Boolean(options[i].why) });
    button.setAttribute("aria-pressed", String(options[i].value === current));
  });
}

/** "after W_O" with its O lowered. */
function subscript(label) {
  const [before, after] = label.split("_");
  return after ? [before, ui.make("sub", {}, after)] : [before];
}

/** All headers of one height: where there is no room for them, the switches go to a line of their own. */
export function headers(state) {
  const panels = [...state.panels.values()];
  const key = JSON.stringify([state.root.clientWidth, ...panels.map((panel) => panel.made)]);
  if (state.headed === key) return;
  state.headed = key;
  const wide = ({ header, title, switches }) => title.scrollWidth + 8 + switches.scrollWidth > header.clientWidth + 1;
  state.root.classList.remove("hl-tight");
  state.root.classList.toggle("hl-tight", panels.some((panel) => panel.buttons.length && wide(panel)));
}

/** Each panel in words, for those who do not see it. */
export function sayAll({ panels }, shown, brought) {
  const said = alts(ui, shown, shown.look.query, brought, stageOf(shown.head, shown.look.stage));
  for (const panel of panels.values()) panel.cover.setAttribute("aria-label", said[panel.name]);
}
