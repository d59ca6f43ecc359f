/** One row of attention in blocks of keys, with no row of weights ever stored, beside the same row in one go. */

const version = new URL(import.meta.url).search;
const [{ gapOf, stageOf }, { streamed, whole }, { random }, { chart }, { button, slider }] = await Promise.all(
  ["../stage", "../online", "../../local/random", "../../draw/chart", "../../draw/inputs"].map((name) => import(`${name}.js${version}`)));

const BLOCKS = [1, 2, 4, 8, 16, 32, 64];
const WIDTH = 8;

export default function ({ root, settings, context }) {
  const state = { block: settings.block, seed: settings.seed, made: null };
  const act = (changes) => {
    Object.assign(state, changes);
    draw();
    context.changed();
  };
  const stage = stageOf({ root, ui: context.ui }, [
    slider({ label: "keys a block", values: BLOCKS, value: state.block, change: (block) => act({ block }) }),
    button("Another seed", () => act({ seed: state.seed + 1 })),
  ]);

  function draw() {
    state.made = madeOf(settings.n, state);
    const { states, output, gap } = state.made;
    const palette = context.palette();
    const points = [[0, 0], ...states.map(({ to, total, mixed }) => [to, mixed[0] / total])];
    const held = 2 + WIDTH;
    stage.show(chart({
      palette, width: stage.width(), height: 240, x: { label: "keys read", from: 0, to: settings.n }, y: { label: "output, number 0" },
      lines: [
        { name: "in one go", points: [[0, output[0]], [settings.n, output[0]]], colour: palette.muted, dash: 1 },
        { name: "so far", points, colour: palette.value }, { name: "", points, colour: palette.value, dots: true },
      ],
      label: `The first number of the output after each of ${states.length} blocks; it ends at ${points.at(-1)[1].toFixed(4)}, and in one go it is ${output[0].toFixed(4)}.`,
    }));
    stage.says(`After each block: the largest score so far (${states.at(-1).top.toFixed(3)} at the end), the total (${states.at(-1).total.toFixed(3)}) and ${WIDTH} sums, ${held} numbers in all, instead of ${settings.n} weights.`);
    stage.check(gap < 1e-12, `the same as with all ${settings.n} weights at once, within ${context.ui.number(gap, 2)} of the largest number`);
  }

  draw();
  return { facts: () => ({ n: settings.n, held: 2 + WIDTH, gap: state.made.gap, exact: state.made.gap < 1e-12 ? 0 : 1, blocks: state.made.states.length }), draw, stop: () => root.replaceChildren() };
}

function madeOf(n, { block, seed }) {
  const numbers = random(seed);
  const scores = Array.from({ length: n }, () => 2 * numbers.normal());
  const values = Array.from({ length: n }, () => Array.from({ length: WIDTH }, () => numbers.normal()));
  const states = streamed(scores, values, block);
  const { mixed, total } = states.at(-1);
  const output = whole(scores, values);
  return { states, output, gap: gapOf(mixed.map((one) => one / total), output).share };
}
