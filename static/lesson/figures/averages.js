/** Two heads of a model's run and the average of several: what one map of all of them says, and what it hides. */

const version = new URL(import.meta.url).search;
const [{ ui }, { choices }, { grid }, { head: make }, { storeOf }, { beside, framed, verdict }] = await Promise.all(
  ["../../headlight", "../../draw/inputs", "../../draw/grid", "../../head", "../../store", "../common"].map((name) => import(`${name}.js${version}`)));

const [SMALLEST, WIDEST] = [16, 30];

export default function ({ root, settings, context }) {
  const state = { shown: null, over: settings.of, made: null };
  const over = choices({ label: "average of", options: [["two", "these two"], ["layer", "all heads of the layer"]], value: state.over, change: (own) => {
    state.over = own;
    draw();
    context.changed();
  } });
  const { body, said } = framed(root, over);
  const store = storeOf(context.store);

  function draw() {
    if (!state.shown) return;
    const palette = context.palette();
    state.made = madeOf(state.shown, settings.heads, state.over);
    const { names, keys, row, maps, open } = state.made;
    const cell = Math.max(SMALLEST, Math.min(WIDEST, Math.floor(200 / keys.length)));
    body.replaceChildren(beside(...maps.map(({ title, values, best, entropy }) => [
      grid({ values, palette, title, rows: names, columns: keys, cell, outline: { row }, masked: (i, j) => !open[i][j], label: `${title}: the row of ${names[row]} weighs ${keys[best]} most, ${ui.decimals(values[row][best], 3)}.` }),
      `“${names[row]}”: most on “${keys[best]}”, ${ui.decimals(values[row][best], 2)}; entropy ${ui.decimals(entropy, 2)} nats`])),
      verdict(isEvener(state.made), `entropy of the average’s row ${ui.decimals(maps.at(-1).entropy, 3)}, mean entropy of its heads’ rows ${ui.decimals(meanOf(state.made.of), 3)}: an average is never the more pointed of the two`));
    const [one, other, mean] = maps;
    said.textContent = `Row “${names[row]}”: ${one.title} gives “${keys[one.best]}” ${ui.decimals(one.values[row][one.best], 2)}, ${other.title} gives “${keys[other.best]}” ${ui.decimals(other.values[row][other.best], 2)}; ` +
      `in the average these have ${ui.decimals(mean.values[row][one.best], 2)} and ${ui.decimals(mean.values[row][other.best], 2)}.`;
  }

  said.textContent = "The model is being run …";
  const stops = [
    store.listen("shown", (shown) => {
      state.shown = shown;
      draw();
      context.changed();
    }),
    store.listen("problem", (problem) => {
      if (problem) said.textContent = problem.words;
    }),
  ];
  return {
    facts: () => (state.made ? factsOf(state.made) : {}), draw, isWaiting: () => !state.shown && !store.last("problem"),
    stop: () => stops.forEach((stop) => stop()),
  };
}

/** The maps of two heads and of an average, with the pinned row's largest place and its entropy. */
function madeOf({ run, look }, pair, over) {
  const layer = run.layers.find((own) => own.layer === look.layer);
  const counted = over === "two" ? pair : layer.heads;
  const whole = (number) => {
    const own = make(run, look.layer, number);
    return Array.from({ length: layer.queries }, (_, query) => own.row("weights", query));
  };
  const all = counted.map(whole);
  const mean = all[0].map((line, i) => line.map((_, j) => all.reduce((sum, map) => sum + map[i][j], 0) / all.length));
  const row = look.query;
  const described = (title, values) => ({ title, values, best: values[row].reduce((best, value, i, line) => (value > line[best] ? i : best), 0), entropy: entropyOf(values[row]) });
  return {
    row, names: run.tokens.queries.map(({ name }) => name), keys: run.tokens.keys.map(({ name }) => name),
    of: all.map((map) => entropyOf(map[row])),
    maps: [...pair.map((number) => described(`head ${number}`, whole(number))), described(`average of ${counted.length} heads`, mean)],
    heads: layer.heads.length, open: Array.from({ length: layer.queries }, (_, query) => make(run, look.layer, counted[0]).allowed(query)),
  };
}

const entropyOf = (line) => line.reduce((sum, weight) => (weight > 0 ? sum - weight * Math.log(weight) : sum), 0);

const meanOf = (list) => list.reduce((sum, one) => sum + one, 0) / list.length;

/** Whether the average's row is at least as even as its heads' rows are on average; it must be, for entropy is concave. */
const isEvener = ({ maps, of }) => maps.at(-1).entropy >= meanOf(of) - 1e-6;

function factsOf({ row, keys, maps, heads }) {
  const [one, other, mean] = maps;
  return {
    most: keys[mean.best], most_weight: mean.values[row][mean.best], one_most: keys[one.best], one_weight: one.values[row][one.best],
    other_most: keys[other.best], other_weight: other.values[row][other.best], one_left: mean.values[row][one.best], heads,
  };
}
