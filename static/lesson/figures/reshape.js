/** How a row of numbers is split into heads: width first and then swapped, and straight to (heads, tokens), which cuts across tokens. */

const version = new URL(import.meta.url).search;
const [{ ui }, { slider }, { frame, svg, text }, { beside, framed, verdict }] = await Promise.all(
  ["../../headlight", "../../draw/inputs", "../../draw/svg", "../common"].map((name) => import(`${name}.js${version}`)));

const [CELL, HIGH, LEFT, TOP] = [44, 28, 64, 22];

export default function ({ root, settings, context }) {
  const state = { n: settings.n, heads: settings.heads, width: settings.width };
  const turn = (name, label, low, high) => slider({ label, low, high, step: 1, value: state[name], change: (value) => {
    state[name] = value;
    draw();
    context.changed();
  } });
  const { body, said } = framed(root, turn("n", "tokens", 2, 5), turn("heads", "heads", 2, 4), turn("width", "width of a head", 1, 3));

  function draw() {
    const palette = context.palette();
    const sets = setsOf(state);
    const all = drawing({ ...state, rows: sets.rows, title: `Q, ${state.n} × ${state.heads * state.width}`, palette });
    body.replaceChildren(
      beside([all, "t1.2 is number 2 of token 1. Each token has a tint of its own."]),
      ui.make("pre", { class: "code" }, "Q.view(n, h, d).transpose(0, 1)"), beside(...sets.right.map((rows, head) => [drawing({ ...state, rows, title: `head ${head}`, palette }), ""])),
      ui.make("pre", { class: "code" }, "Q.view(h, n, d)"), beside(...sets.wrong.map((rows, head) => [drawing({ ...state, rows, title: `head ${head}`, palette }), ""])),
      verdict(strangers(sets.right) === 0, `Split, then swapped: ${strangers(sets.right)} of ${state.n * state.heads} rows hold another token’s numbers.`),
      verdict(strangers(sets.wrong) === 0, `Straight to (h, n, d): ${strangers(sets.wrong)} of ${state.n * state.heads} rows do.`));
    said.textContent = `In the second version, row 1 of head 0 holds numbers of token ${sets.wrong[0][1][0][0]}. Both have the shape (${state.heads}, ${state.n}, ${state.width}), so no shape gives it away.`;
  }

  draw();
  return {
    facts: () => ({ n: state.n, heads: state.heads, strangers: strangers(setsOf(state).wrong), rows: state.n * state.heads, row_of: setsOf(state).wrong[0][1][0][0] }),
    draw, stop: () => {},
  };
}

/** {rows (n, h·d) of [token, number], right and wrong (h, n, d) of the same}. */
function setsOf({ n, heads, width }) {
  const across = heads * width;
  const rows = range(n).map((token) => range(across).map((at) => [token, at]));
  const flat = rows.flat();
  const right = range(heads).map((head) => range(n).map((row) => rows[row].slice(head * width, (head + 1) * width)));
  const wrong = range(heads).map((head) => range(n).map((row) => flat.slice((head * n + row) * width, (head * n + row + 1) * width)));
  return { rows, right, wrong };
}

/** How many rows hold a number of another token. */
const strangers = (heads) => heads.flatMap((rows) => rows.filter((cells, row) => cells.some(([token]) => token !== row))).length;

const range = (count) => [...Array(count).keys()];

/** Cells that say whose number they hold, a tint a token; a row that holds another token's is marked by a thick edge. */
function drawing({ n, rows, title, palette }) {
  const width = LEFT + rows[0].length * CELL + 4;
  const names = rows.map((cells) => cells.map(([token, at]) => `t${token}.${at}`).join(" "));
  const made = rows.flatMap((cells, row) => [
    text(LEFT - 8, TOP + row * HIGH + 19, `row ${row}`, { fill: palette.muted, anchor: "end" }),
    ...cells.flatMap(([token, at], column) => cellAt({ n, token, at, row, column, palette })),
  ]);
  return frame(width, TOP + rows.length * HIGH + 4, `${title}: ${names.map((name, row) => `row ${row} ${name}`).join("; ")}`,
    text(LEFT, 14, title, { fill: palette.ink, weight: 600 }), ...made);
}

function cellAt({ n, token, at, row, column, palette }) {
  const tint = ui.mix(palette.weights, 0.08 + (0.75 * token) / Math.max(1, n - 1));
  const box = { x: LEFT + column * CELL + 1, y: TOP + row * HIGH + 1, width: CELL - 3, height: HIGH - 3 };
  const isOther = token !== row;
  return [svg("rect", { ...box, fill: ui.css(tint), stroke: isOther ? palette.bad : palette.line, "stroke-width": isOther ? 2.5 : 1 }),
    text(box.x + box.width / 2, box.y + 17, `t${token}.${at}`, { fill: ui.inkOn(tint, palette), anchor: "middle", size: 12 })];
}
