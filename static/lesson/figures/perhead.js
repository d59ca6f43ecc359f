/** One word's row of weights in each head of a layer of its own: how many rows there are, and that each sums to 1. */

const version = new URL(import.meta.url).search;
const [{ lastWord, stageOf, tokensFor }, { embedded, forward, weightsOf }, { grid }, { button, choices, slider }] = await Promise.all(
  ["../stage", "../../local/layer", "../../draw/grid", "../../draw/inputs"].map((name) => import(`${name}.js${version}`)));

const HEADS = [1, 2, 4, 8];
const NAMES = 70;

export default function ({ root, settings, context }) {
  const state = { heads: settings.heads, seed: settings.seed, pinned: null, offered: "", made: null };
  const act = (changes) => {
    Object.assign(state, changes);
    draw();
    context.changed();
  };
  const words = context.ui.make("span", { class: "group" });
  const stage = stageOf({ root, ui: context.ui }, [
    slider({ label: "heads", values: HEADS, value: state.heads, change: (heads) => act({ heads }) }),
    button("Another seed", () => act({ seed: state.seed + 1 })),
  ], [words]);

  /** The words of the sentence, one of which is pinned; made anew where the sentence is another. */
  function offer({ names, pinned }) {
    if (state.offered === names.join("\n")) return;
    state.offered = names.join("\n");
    words.replaceChildren(choices({ label: "rows of", options: names.map((name, at) => [at, name]), value: pinned, change: (own) => act({ pinned: own }) }));
  }

  function draw() {
    const made = rowsOf(settings, state, context);
    state.made = made;
    offer(made);
    const { names, rows, sums, pinned } = made;
    const width = Math.min(56, (stage.width() - NAMES) / names.length);
    const each = rows.map((row, head) => `head ${head}: most on ${names[row.indexOf(Math.max(...row))]}, ${Math.max(...row).toFixed(2)}`);
    stage.show(grid({
      values: rows, palette: context.palette(), rows: rows.map((_, head) => `head ${head}`), columns: names, cell: [width, 32],
      digits: width > 34 ? 2 : null, outline: { column: pinned },
      label: `The row of “${names[pinned]}” in each of ${rows.length} heads; ${each.join("; ")}.`,
    }));
    stage.says(`“${names[pinned]}” has ${rows.length === 1 ? "one row" : `${rows.length} rows`} of ${names.length} weights.`);
    const worst = Math.max(...sums.map((sum) => Math.abs(sum - 1)));
    stage.check(worst < 1e-5, `each row sums to 1, within ${context.ui.number(worst, 2)}`);
  }

  draw();
  return { facts: () => factsOf(state.made), draw, stop: () => root.replaceChildren() };
}

/** The pinned word's row in every head. */
function rowsOf({ text, own, pin, d_model, causal }, { heads, seed, pinned }, context) {
  const tokens = tokensFor({ text, own }, context);
  const layer = { d_model, n_heads: heads, causal, seed };
  const { weights } = forward(embedded(tokens, layer).x, weightsOf(layer), layer);
  const names = tokens.map(({ name }) => name);
  const named = names.findLastIndex((name) => name === pin);
  const at = pinned !== null && pinned < names.length ? pinned : named < 0 ? lastWord(tokens) : named;
  const n = names.length;
  const rows = Array.from({ length: heads }, (_, head) => [...weights.subarray((head * n + at) * n, (head * n + at + 1) * n)]);
  return { names, rows, pinned: at, sums: rows.map((row) => row.reduce((sum, one) => sum + one, 0)) };
}

function factsOf({ rows, sums, names, pinned }) {
  const total = sums.reduce((sum, one) => sum + one, 0);
  const tops = new Set(rows.map((row) => row.indexOf(Math.max(...row))));
  const each = sums.every((sum) => Math.abs(sum - 1) < 1e-5);
  return { heads: rows.length, word: names[pinned], sums: each ? 0 : Math.abs(total - 1) < 1e-5 ? 1 : 2, total, tops: tops.size };
}
