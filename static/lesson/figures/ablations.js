/** How much worse a model foresees a text with each head switched off in turn, or with all others of its layer, from runs of the model itself. */

const version = new URL(import.meta.url).search;
const [{ ui }, { choices }, { grid }, { signed }, { awaited }, { wide }] = await Promise.all(
  ["../../headlight", "../../draw/inputs", "../../draw/grid", "../../draw/paired", "../awaited", "../common"].map((name) => import(`${name}.js${version}`)));

// A loss that grows by less has hardly grown; `attention/lessons/kinds/runs.py` has it too. The colours end at `ENDS` nats.
const [CHEAP, ENDS] = [0.2, 1];
const OPTIONS = [["one", "one head off"], ["others", "all others of its layer off"]];

export default function ({ root, settings, context }) {
  let of = settings.of;
  const controls = choices({ label: "switched off", options: OPTIONS, value: of, change: (chosen) => {
    of = chosen;
    frame.again();
  } });
  const frame = awaited({ root, settings, context }, { controls, show, factsOf: (change) => toldOf(change).facts });

  function show(change, { body, said }) {
    const { base, whole } = change;
    const isOne = of === "one";
    const found = changesOf(change, of);
    const table = isOne ? found.map((line, layer) => [...line, whole[layer] - base]) : found;
    const heads = found[0].map((_, head) => `head ${head}`);
    const { facts } = toldOf(change);
    const words = found.map((line, layer) => `layer ${layer}: ${line.map((value) => signed(value, 2)).join(", ")}`).join("; ");
    body.replaceChildren(
      ui.make("p", { class: "quiet" }, isOne ? "Change of the loss without this head, in nats a token" : "Change of the loss where of its layer this head alone stays on, in nats a token"),
      wide("changes of the loss by layer and head", grid({
        values: table, palette: context.palette(), scale: "scores", low: -ENDS, high: ENDS, digits: 2, cell: [56, 30], rows: found.map((_, layer) => `layer ${layer}`),
        columns: isOne ? [...heads, "all of it"] : heads, label: `Change of the loss, in nats a token, ${isOne ? "without each head" : "with each head alone in its layer"}: ${words}.`,
      })),
      ui.make("p", { class: "quiet" }, `Above 0 the text is foreseen worse, below 0 better; colours end at ±${ENDS}.`));
    said.textContent = `With every head on, the loss is ${ui.decimals(base, 2)} nats a token. ` + (isOne
      ? `${facts.cheap} of ${facts.heads} heads can be switched off alone for less than ${CHEAP}; head ${facts.worst} costs most, ${signed(facts.worst_change, 2)}.`
      : `In ${facts.cheap_layers} of ${facts.layers} layers one head can stay alone for less than ${CHEAP}; the best is head ${facts.alone}, ${signed(facts.alone_change, 2)}.`);
  }

  return frame.figure;
}

/** By how much the loss grows, layers × heads. */
const changesOf = (change, of) => change[of].map((line) => line.map((loss) => loss - change.base));

/** The place and value of the largest number of a table, or with sign −1 of the smallest. */
function furthest(table, sign) {
  let best = { name: "", value: -Infinity };
  table.forEach((line, layer) => line.forEach((value, head) => {
    if (sign * value > sign * best.value || best.name === "") best = { name: `${layer}.${head}`, value };
  }));
  return best;
}

function toldOf(change) {
  const [one, others] = [changesOf(change, "one"), changesOf(change, "others")];
  const [worst, alone] = [furthest(one, 1), furthest(others, -1)];
  return { facts: {
    base: change.base, heads: one.flat().length, cheap: one.flat().filter((value) => value < CHEAP).length, worst: worst.name, worst_change: worst.value,
    layers: one.length, cheap_layers: others.filter((line) => Math.min(...line) < CHEAP).length, alone: alone.name, alone_change: alone.value,
    whole: Math.max(...change.whole) - change.base,
  } };
}
