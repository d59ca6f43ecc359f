/** One common bug in the layer beside the right one: the line of code, the weights, the outputs, and the checks that notice. */

const version = new URL(import.meta.url).search;
const [{ ui }, { button, choices }, { grid }, { MISTAKES, withMistake }, { CHECKS, catching }, { beside, framed, headOf, layerOn, verdict, wide, wordsFor }] = await Promise.all(
  ["../../headlight", "../../draw/inputs", "../../draw/grid", "../../local/mistakes", "../../local/checks", "../common"].map((name) => import(`${name}.js${version}`)));

const [WIDTH, HEADS, MOST, LONGEST] = [16, 2, 6, 8];
const EQUAL = 1e-5;

export default function ({ root, settings, context }) {
  const state = { mistake: settings.mistake, head: 0, seed: settings.seed, made: null };
  const change = (changes) => {
    Object.assign(state, changes);
    draw();
    context.changed();
  };
  const { body, said } = framed(root,
    choices({ label: "bug", options: MISTAKES.map(({ name, title }) => [name, title]), value: state.mistake, change: (mistake) => change({ mistake }) }),
    choices({ label: "head", options: [...Array(HEADS).keys()].map((head) => [head, String(head)]), value: 0, change: (head) => change({ head }) }),
    button("other weights", () => change({ seed: state.seed + 1 })));

  function draw() {
    const palette = context.palette();
    state.made = madeOf(wordsFor(context, settings.text, MOST), state);
    const { own, names, right, wrong, sums, difference, caught } = state.made;
    const weightsOf = (pass, title) => grid({ values: headOf(pass.weights, state.head), label: `${title}: weights of head ${state.head}`, palette, rows: names, columns: names, cell: [44, 28], digits: 2,
      masked: (i, j) => pass === right && j > i, title: `weights, ${title}` });
    const rows = (pass) => Array.from({ length: names.length }, (_, row) => [...pass.output.subarray(row * WIDTH, row * WIDTH + LONGEST)]);
    const most = Math.max(...right.output.map(Math.abs), ...wrong.output.map((value) => (Number.isFinite(value) ? Math.abs(value) : 0)));
    const outputOf = (pass, title) => grid({ values: rows(pass), label: `${title}: the first ${LONGEST} numbers of each output`, palette, scale: "values", low: -most, high: most, rows: names, cell: [30, 28], title: `output, ${title}` });
    body.replaceChildren(
      ui.make("p", {}, own.wrong),
      beside([ui.make("pre", { class: "code" }, own.right), "right"], [ui.make("pre", { class: "code" }, own.line), "with the bug"]),
      wide("Right and wrong beside each other",
        beside([weightsOf(right, "right"), `rows sum to ${sumsOf(right, state.head).map((sum) => ui.decimals(sum, 2)).join(", ")}`],
          [weightsOf(wrong, "with the bug"), `rows sum to ${sums.map((sum) => (Number.isNaN(sum) ? "NaN" : ui.decimals(sum, 2))).join(", ")}`]),
        beside([outputOf(right, "right"), ""], [outputOf(wrong, "with the bug"), Number.isNaN(difference) ? "not a number: hatched" : `largest difference ${ui.number(difference, 3)}`])),
      verdict(caught.length > 0, caught.length ? `noticed by: ${caught.join(", ")}` : "no check notices it on these words"));
    said.textContent = `${own.title}: ${caught.length} of ${CHECKS.length} checks notice.`;
  }

  draw();
  return { facts: () => factsOf(state.made), draw, stop: () => {} };
}

function madeOf(tokens, { mistake, seed, head }) {
  const own = MISTAKES.find(({ name }) => name === mistake);
  const { settings, weights, x, pass: right } = layerOn(tokens, { d_model: WIDTH, n_heads: HEADS, seed });
  const wrong = withMistake(mistake, x, weights, settings);
  const titles = new Map(CHECKS.map(({ name, title }) => [name, title]));
  return {
    own, right, wrong, names: tokens.map(({ name }) => name), sums: sumsOf(wrong, head),
    difference: right.output.reduce((most, value, i) => (Number.isNaN(wrong.output[i]) ? NaN : Math.max(most, Math.abs(value - wrong.output[i]))), 0),
    caught: catching(mistake, x, weights, settings).map((name) => titles.get(name).toLowerCase()),
  };
}

function sumsOf({ weights }, head) {
  const [, n, k] = weights.shape;
  return Array.from({ length: n }, (_, row) => weights.subarray((head * n + row) * k, (head * n + row + 1) * k).reduce((sum, weight) => sum + weight, 0));
}

function factsOf({ sums, difference, caught, own }) {
  const isOne = (sum) => Math.abs(sum - 1) <= EQUAL;
  return {
    low: Math.min(...sums), high: Math.max(...sums), last: sums.at(-1), sums: sums.every(isOne) ? 0 : sums.some((sum) => sum > 1 + EQUAL) ? 1 : 2,
    difference, caught: caught.join(", ") || "none", count: caught.length, bug: own.title,
  };
}
