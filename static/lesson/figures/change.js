/** A model's next token, or a row of a head, as the model runs and with a change of the run, both from runs of the model itself. */

const version = new URL(import.meta.url).search;
const [{ ui }, { choices }, { paired, signed }, { awaited }, { roomIn }] = await Promise.all(
  ["../../headlight", "../../draw/inputs", "../../draw/paired", "../awaited", "../common"].map((name) => import(`${name}.js${version}`)));

// What moves by less has hardly moved; `attention/lessons/kinds/runs.py` has it too.
const SMALL = 0.1;
// Rows that have so much in some run are shown, and the first few; the same for every change, so that they can be compared.
const [LEAST, FEWEST_ROWS, MOST_ROWS] = [0.02, 4, 8];
// Several edits at once, or something in the place of what is off.
const NOT_PLAIN = /,|-(mean|running|first)\b/;

export default function ({ root, settings, context }) {
  const state = { chosen: 0, offered: 0 };
  const controls = ui.make("span", { class: "group" });
  const isRow = settings.of === "row";
  const frame = awaited({ root, settings, context }, {
    controls, show, factsOf: (change) => factsOf(change, state.chosen, settings), tokens: ({ names }) => names, isOfLook: true,
  });

  /** What can be chosen, once it is known in words. */
  function offer({ runs }) {
    if (state.offered === runs) return;
    state.offered = runs;
    state.chosen = Math.min(state.chosen, runs.length - 2);
    const options = runs.slice(1).map(({ what }, at) => [at, what]);
    const choose = (at) => {
      state.chosen = at;
      frame.again();
    };
    controls.replaceChildren(options.length > 1 ? choices({ label: "change", options, value: state.chosen, change: choose }) : ui.make("span", { class: "name" }, `change: ${options[0][1]}`));
  }

  function show(change, { body, said, store }) {
    offer(change);
    const told = factsOf(change, state.chosen, settings);
    const rows = rowsOf(change, state.chosen);
    const of = isRow ? "weight" : "probability";
    const label = `${told.what}: ${rows.map(({ name, before, after }) => `${name} ${ui.decimals(before, 3)}, then ${ui.decimals(after, 3)}`).join("; ")}.`;
    const inspect = settings.inspects?.[state.chosen];
    body.replaceChildren(
      ui.make("p", { class: "quiet" }, isRow ? rowWords(store.shown()) : "Probabilities of the next token"),
      paired({ rows, label, palette: context.palette(), width: roomIn(body) }),
      inspect ? ui.make("p", {}, ui.make("a", { class: "there", href: context.inspector(inspect), target: "_blank", rel: "noopener" }, "Make this change in the inspector ↗")) : "");
    said.textContent = `With ${told.what}: ${of} of “${told.token}” ${ui.decimals(told.before, 3)} → ${ui.decimals(told.after, 3)} (${signed(told.change)}; its ln ${signed(told.log_change, 2)}). ` +
      `Most has “${told.top_after}”, ${ui.decimals(told.top_after_value, 3)}.${told.kl === undefined ? "" : ` The whole distribution moved by a KL divergence of ${ui.decimals(told.kl, 2)} nats.`}`;
  }

  return frame.figure;
}

/** Which row is compared. */
function rowWords(shown) {
  if (!shown) return "Weights of the pinned row";
  const { run, look } = shown;
  return `Weights of “${ui.namesOf(run.tokens.queries)[look.query]}” in head ${look.layer}.${look.head}`;
}

/** The names with the largest numbers in any run, in the order in which they came: likeliest first, or as the tokens stand. */
function rowsOf({ names, runs }, chosen) {
  const [before, after] = [runs[0].values, runs[chosen + 1].values];
  const rows = names.map((name, at) => ({ name, before: before[at], after: after[at], size: Math.max(...runs.map(({ values }) => values[at])), at }));
  const kept = rows.sort((one, other) => other.size - one.size).filter(({ size }, place) => place < FEWEST_ROWS || size >= LEAST).slice(0, MOST_ROWS);
  return kept.sort((one, other) => one.at - other.at);
}

const largest = (list) => list.reduce((best, value, i) => (value > list[best] ? i : best), 0);

/** What a guess can ask for: of the followed token, or the one with most before. */
function factsOf({ names, runs }, chosen, { follow, each }) {
  const [before, after] = [runs[0].values, runs[chosen + 1].values];
  const named = follow ? names.lastIndexOf(follow) : -1;
  const at = named < 0 ? largest(before) : named;
  const top = largest(after);
  const change = after[at] - before[at];
  const { what, kl } = runs[chosen + 1];
  const moves = runs.slice(1).map((run) => Math.abs(run.values[at] - before[at]));
  return {
    token: names[at], before: before[at], after: after[at], change, how: Math.abs(change) < SMALL ? 0 : change < 0 ? 1 : 2,
    log_change: Math.log(after[at]) - Math.log(before[at]), ...(kl === null ? {} : { kl }), top_after: names[top], top_after_value: after[top], what,
    all: runs.slice(1).map((run) => `${ui.decimals(run.values[at], 3)} with ${run.what}`).join(", "),
    moves_most: largest(moves.map((move, i) => (NOT_PLAIN.test(each[i]) ? -1 : move))),
  };
}
