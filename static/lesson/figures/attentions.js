/** The three attentions of an encoder-decoder, as masks: which query may see which key, for any two lengths. */

const version = new URL(import.meta.url).search;
const [{ stageOf }, { grid }, { slider }] = await Promise.all(
  ["../stage", "../../draw/grid", "../../draw/inputs"].map((name) => import(`${name}.js${version}`)));

const [FEWEST, MOST] = [4, 10];
const NAMES = 34;

export default function ({ root, settings, context }) {
  const state = { source: settings.source, target: settings.target };
  const act = (changes) => {
    Object.assign(state, changes);
    draw();
    context.changed();
  };
  const length = (name, label) => slider({ label, low: FEWEST, high: MOST, step: 1, value: state[name], digits: 0, change: (own) => act({ [name]: own }) });
  const stage = stageOf({ root, ui: context.ui }, [length("source", "tokens read"), length("target", "tokens written")]);

  function draw() {
    const palette = context.palette();
    const { source, target } = state;
    const room = stage.width() >= 560 ? (stage.width() - 56) / 3 : Math.min(260, stage.width());
    const drawn = (title, mark, rows, columns, masked) => {
      const open = cells(rows, columns, masked);
      return grid({
        values: Array.from({ length: rows }, () => Array(columns).fill(0.6)), palette, rows: names(mark[0], rows), columns: names(mark[1], columns),
        cell: Math.min(24, (room - NAMES) / columns), masked, title, label: `${title}: ${rows} queries by ${columns} keys, ${open} of ${rows * columns} cells open.`,
      });
    };
    stage.show(
      drawn("encoder, self", "xx", source, source, () => false),
      drawn("decoder, self", "yy", target, target, (row, column) => column > row),
      drawn("decoder, cross", "yx", target, source, () => false),
    );
    const { encoder, decoder, cross } = factsOf(state);
    stage.says(`Open cells: ${encoder} + ${decoder} + ${cross} = ${encoder + decoder + cross}. x: what is read, y: what is written; hatched: closed.`);
  }

  draw();
  return { facts: () => factsOf(state), draw, stop: () => root.replaceChildren() };
}

const names = (letter, count) => Array.from({ length: count }, (_, i) => `${letter}${i}`);

function cells(rows, columns, masked) {
  let open = 0;
  for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) open += masked(row, column) ? 0 : 1;
  return open;
}

function factsOf({ source, target }) {
  return {
    source, target, encoder: source * source, decoder: cells(target, target, (row, column) => column > row), cross: target * source,
    square: source === target ? 1 : 0,
  };
}
