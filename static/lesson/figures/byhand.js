/** Attention of two tokens by hand: every number from Q, K and V to the output, each of which can be changed. */

const version = new URL(import.meta.url).search;
const [{ ui }, { button }, { grid }, { beside, framed, table, wide }] = await Promise.all(
  ["../../headlight", "../../draw/inputs", "../../draw/grid", "../common"].map((name) => import(`${name}.js${version}`)));

const START = { q: [[1, 0], [0, 1]], k: [[1, 0], [0, 1]], v: [[1, 2], [3, 4]] };
const MOST = 20;
const LARGE = 9;

export default function ({ root, context }) {
  const state = copied(START);
  const fields = Object.keys(START).map((name) => fieldsOf(name, state, (change) => {
    change();
    draw();
    context.changed();
  }));
  const again = button("begin again", () => {
    Object.assign(state, copied(START));
    for (const one of fields) one.set();
    draw();
    context.changed();
  });
  const { controls, body, said } = framed(root, ...fields.map((one) => one.root), again);
  controls.setAttribute("aria-label", "Q, K and V");

  function draw() {
    const palette = context.palette();
    const made = madeOf(state);
    const at = (values, title, scale) => grid({ values, label: `${title}: ${values.map((row) => row.map((value) => ui.number(value, 4)).join(" ")).join("; ")}`, palette, scale, cell: [66, 30], digits: 4, title });
    body.replaceChildren(
      beside([at(made.scores, "Q·Kᵀ", "scores"), ""], [at(made.scaled, "÷ √2", "scores"), ""], [at(made.weights, "softmax of each row", "weights"), ""], [at(made.output, "× V", "values"), ""]),
      wide("The first row in words", table("The first row, step by step", ["step", "first row"], linesOf(state, made))));
    said.textContent = `Row 1 weighs the tokens ${made.weights[0].map((one) => ui.decimals(one, 4)).join(" and ")}; its output is ${made.output[0].map((one) => ui.decimals(one, 4)).join(" and ")}.`;
  }

  draw();
  return {
    facts: () => {
      const { weights, output } = madeOf(state);
      const four = (list) => list.map((value) => ui.decimals(value, 4)).join(" and ");
      return { weight: weights[0][0], other: weights[0][1], output: output[0][0], second: output[0][1], weights: four(weights[0]), outputs: four(output[0]) };
    },
    draw, stop: () => {},
  };
}

const copied = (start) => Object.fromEntries(Object.entries(start).map(([name, rows]) => [name, rows.map((row) => [...row])]));

/** The four fields of a matrix: {root, set}. */
function fieldsOf(name, state, change) {
  const inputs = [0, 1, 2, 3].map((at) => {
    const [row, column] = [at >> 1, at % 2];
    const input = ui.make("input", { type: "number", step: "any", value: String(state[name][row][column]), "aria-label": `${name.toUpperCase()}, row ${row + 1}, column ${column + 1}: a number from −${MOST} to ${MOST}` });
    input.style.width = "4.2em";
    input.addEventListener("input", () => {
      const number = input.value.trim() === "" ? NaN : Number(input.value);
      const fits = Math.abs(number) <= MOST;
      input.setAttribute("aria-invalid", String(!fits));
      input.style.borderColor = fits ? "" : "var(--hl-bad)";
      if (fits) change(() => { state[name][row][column] = number; });
    });
    return input;
  });
  const cells = ui.make("span", {}, ...inputs);
  cells.style.cssText = "display: inline-grid; grid-template-columns: auto auto; gap: 4px;";
  const set = () => inputs.forEach((input, at) => {
    input.value = String(state[name][at >> 1][at % 2]);
    input.style.borderColor = "";
  });
  return { root: ui.make("span", { class: "group", role: "group", "aria-label": name.toUpperCase() }, ui.make("span", { class: "name" }, `${name.toUpperCase()} =`), cells), set };
}

/** {scores, scaled, weights, output}, each two rows of two. */
function madeOf({ q, k, v }) {
  const scores = q.map((own) => k.map((other) => own[0] * other[0] + own[1] * other[1]));
  const scaled = scores.map((row) => row.map((score) => score / Math.SQRT2));
  const weights = scaled.map((row) => {
    const parts = row.map((score) => Math.exp(score - Math.max(...row)));
    return parts.map((part) => part / (parts[0] + parts[1]));
  });
  const output = weights.map((row) => [0, 1].map((column) => row[0] * v[0][column] + row[1] * v[1][column]));
  return { scores, scaled, weights, output };
}

/** How the first row comes about, as one would write it. */
function linesOf({ q, k, v }, { scores, scaled, weights, output }) {
  const n = (value) => ui.number(value, 4).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
  const held = (value) => (value < 0 ? `(${n(value)})` : n(value));
  const product = (own, other) => `${held(own[0])}·${held(other[0])} + ${held(own[1])}·${held(other[1])}`;
  // Only where an exponential would be too long to write is the largest score taken away first.
  const shift = Math.max(...scaled[0]) > LARGE ? Math.max(...scaled[0]) : 0;
  const parts = scaled[0].map((score) => Math.exp(score - shift));
  return [
    ["q₁·k₁ and q₁·k₂", k.map((other, i) => `${product(q[0], other)} = ${n(scores[0][i])}`).join(" and ")],
    ["÷ √2", scaled[0].map(n).join(" and ")],
    [shift ? "e to the power s − largest" : "e to the power s", parts.map(n).join(" and ")],
    ["their sum", n(parts[0] + parts[1])],
    ["weights", weights[0].map((weight, i) => `${n(parts[i])} / ${n(parts[0] + parts[1])} = ${n(weight)}`).join(" and ")],
    ["output", [0, 1].map((column) => `${n(weights[0][0])}·${held(v[0][column])} + ${n(weights[0][1])}·${held(v[1][column])} = ${n(output[0][column])}`).join(" and ")],
  ];
}
