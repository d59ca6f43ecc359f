/** What is said of one head, on both maps. */
const version = new URL(import.meta.url).search;
const [{ ui }, { signed }, { numberOf }] = await Promise.all(["../headlight", "../signed/scale", "../signed/heads"].map((name) => import(`${name}.js${version}`)));

/** The number of the left map in words. */
export function wordsOfOff({ given }, cell) {
  const value = numberOf(given, given.ablation.values, cell);
  if (Number.isNaN(value)) return "not run yet";
  const change = `without it the ${given.measure} ${value < 0 ? "falls" : "rises"} by ${ui.decimals(Math.abs(value), 3)}`;
  return numberOf(given, given.ablation.exact, cell) ? change : `${change}, as its gradient estimates`;
}

/** The number of the right map in words. */
export function wordsOfDirect({ given }, cell) {
  const value = given.direct.values ? numberOf(given, given.direct.values, cell) : NaN;
  return Number.isNaN(value) ? "what it writes cannot be told" : `it adds ${signed(value, 3)} itself`;
}

/** Speak of a head; of none, of the one on show. */
export function tell(state, cell) {
  const { given } = state;
  const own = cell ?? state.at;
  if (!given || given.reason || !own || given.layers.indexOf(own.layer) < 0 || own.head >= given.counts[given.layers.indexOf(own.layer)]) {
    state.tell.textContent = "";
    return;
  }
  const direct = given.direct.values ? `; ${wordsOfDirect(state, own)}` : "";
  const parts = [ui.make("b", {}, `Layer ${own.layer}, head ${own.head}`), `: ${wordsOfOff(state, own)}${direct}.`];
  const at = `The ${given.measure} is ${signed(given.base, 3)} as the model runs.`;
  state.tell.replaceChildren(...parts, " ", ui.make("span", { class: "small" }, at));
}
