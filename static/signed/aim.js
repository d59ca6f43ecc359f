/** The boxes in which a person chooses which predicted token is asked about, and which other it is held against. */
const version = new URL(import.meta.url).search;
const [{ ui }, { term }] = await Promise.all(["../headlight", "../terms"].map((name) => import(`${name}.js${version}`)));

/** {root, fill(given)}. say(aim): what was chosen, {target, distractor} as ids or null; two nulls are the likeliest two. */
export function aimOf(say) {
  const box = (label) => ui.make("select", { "aria-label": label });
  const [target, distractor] = [box("target"), box("distractor")];
  const swap = ui.make("button", { type: "button", class: "plain", title: "Swap the two", "aria-label": "Swap target and distractor" }, "⇄");
  const where = ui.make("span", { class: "where" });
  const root = ui.make("div", { class: "aim" }, where, ui.make("label", {}, term("target", "of"), target), swap,
    ui.make("label", {}, term("distractor", "against"), distractor));
  const state = { given: null };
  const idOf = (one) => one?.id ?? null;
  target.addEventListener("change", () => {
    const own = Number(target.value);
    const { target: before, distractor: other } = state.given;
    if (target.value === "") say({ target: null, distractor: null });
    else say({ target: own, distractor: idOf(other) === own ? before.id : idOf(other) });
  });
  distractor.addEventListener("change", () => {
    const own = distractor.value === "" ? null : Number(distractor.value);
    const { target: before, distractor: other } = state.given;
    say(own === before.id ? { target: idOf(other), distractor: own } : { target: before.id, distractor: own });
  });
  swap.addEventListener("click", () => say({ target: state.given.distractor.id, distractor: state.given.target.id }));

  function fill(given) {
    state.given = given;
    const { choices, automatic } = given;
    where.replaceChildren(`${given.measure[0].toUpperCase()}${given.measure.slice(1)}`, ...(given.place ? [" after ", ui.make("b", {}, given.place)] : []));
    const first = automatic ? `likeliest: ${given.target.name}` : "the likeliest two";
    target.replaceChildren(ui.make("option", { value: "" }, first), ...choices.map(option));
    target.value = automatic ? "" : String(given.target.id);
    distractor.replaceChildren(ui.make("option", { value: "" }, "no other token"), ...choices.map(option));
    distractor.value = given.distractor ? String(given.distractor.id) : "";
    swap.disabled = !given.distractor;
  }
  return { root, fill };
}

function option({ id, name, probability }) {
  return ui.make("option", { value: String(id) }, probability === null ? name : `${name} · ${percent(probability)}`);
}

/** A probability as people say it. */
export const percent = (share) => (share < 0.001 ? "<0.1 %" : `${share >= 0.0995 ? Math.round(100 * share) : (100 * share).toFixed(1)} %`);
