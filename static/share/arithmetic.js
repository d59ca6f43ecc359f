/** The arithmetic of the pinned rows as a picture: the table of the page with its largest keys, and the output below. */
const version = new URL(import.meta.url).search;
const names = ["../headlight", "../look", "../arithmetic/lines", "./lines", "./picture", "./sizes", "./vector", "./words"];
const [{ ui }, { layerOf, pinsOf }, { AWAY, ROLE, WIDE, givenOf, isHere, linesOf, outputOf, titleOf }, text, { finished }, sizes, { SVG, element }, words] = await Promise.all(
  names.map((name) => import(`${name}.js${version}`)));

// Units, of which 14 are the smallest letters: a line of the table and the tallest one, from column to column, bars.
const [ROW, TALLEST, BETWEEN, NEAR] = [24, 52, 14, 8];
const [BAR, LONGEST, THICK] = [44, 300, 10];
// Where the bar's shade stands on the colours of weights, as on the page.
const SHADE = 0.68;

/** As `drawing` of picture.js. Rejects with a sentence where a row is not here or no column but the keys has room. */
export async function arithmeticDrawing(given, shown, { size, palette, paper, title = true, legend = true }) {
  const rows = pinsOf(shown.look);
  if (!isHere(shown.head, rows)) throw new Error(AWAY);
  const units = sizes.unitsOf(size);
  const row = givenOf(shown, rows, layerOf(shown.run, shown.head.layer)?.titles ?? {});
  const lines = linesOf(row, shown.head);
  const { columns, gone } = spread(columnsOf(row, lines, shown), units.width - 2 * sizes.PAD);
  const head = text.headOf(given, shown, subjectOf(shown, rows), units, title);
  const below = [...outputLines(row, units.width), ...notes(row, gone, legend).flatMap((note) => text.plain(note, units))];
  const place = placeOf(units, lines.length + 1, sizes.PAD + head.length * sizes.LINE, below.length * sizes.LINE);
  const made = document.implementation.createDocument(SVG, "svg");
  made.documentElement.append(
    element(made, "rect", { width: units.width, height: units.height, fill: paper }),
    ...(head.length ? [text.written(made, head, sizes.PAD, palette)] : []), tableOf(made, columns, lines, place, palette),
    ...(below.length ? [text.written(made, below, place.end, palette)] : []));
  return finished(made, { title: words.titleOf(given.about, shown), alt: altOf(shown, rows, lines, row), units, size, paper });
}

/** The name of the rows; a token that stands more than once has its place after it. */
function subjectOf(shown, rows) {
  const place = rows.length === 1 ? text.nameOf(ui.namesOf(shown.run.tokens.queries), rows[0]).slice(1) : [];
  return { text: titleOf(shown, rows), place };
}

/** {name, title: spans, cells: spans a line, least: its width, isLeft}; the bars stand after the weights. */
function columnsOf(row, lines, { run }) {
  const key = { name: "key", title: [{ text: "key" }], cells: lines.map((line) => (line.kind === "key" ? text.nameOf(row.keys, line.key) : [{ text: line.name }])), isLeft: true };
  const queries = ui.namesOf(run.tokens.queries);
  const numbers = row.columns.map((column, i) => ({
    name: column.name, cells: lines.map(({ texts }) => [{ text: texts[i] }]), says: column.title,
    title: column.row === undefined ? [{ text: column.title, ...(ROLE[column.name] ? { bold: true, ink: ROLE[column.name] } : {}) }] : text.nameOf(queries, column.row),
  }));
  const bar = { name: "bar", title: [], cells: [], least: BAR };
  const all = [key, ...numbers.flatMap((column) => (column.name === "weight" ? [column, bar] : [column]))];
  return all.map((column) => ({ ...column, least: column.least ?? Math.ceil(Math.max(...[column.title, ...column.cells].map(wide))) }));
}

// A line of sums is bold.
const wide = (spans) => spans.reduce((sum, span) => sum + text.widthOf(span.text, true), 0);

/** The columns with their places, and those that have no room. */
function spread(columns, room) {
  const need = (list) => list.reduce((sum, { least }) => sum + least, BETWEEN * (list.length - 1));
  let kept = columns;
  for (const group of leaving(columns)) if (need(kept) > room) kept = kept.filter((column) => !group.includes(column));
  if (need(kept) > room) throw new Error("the weights have no room beside their keys; choose a larger size.");
  const bar = kept.some(({ name }) => name === "bar") ? Math.min(LONGEST, BAR + room - need(kept)) : 0;
  const widths = kept.map(({ name, least }) => (name === "bar" ? bar : least));
  const between = (room - widths.reduce((sum, width) => sum + width, 0)) / (kept.length - 1);
  let left = sizes.PAD;
  const placed = kept.map((column, i) => {
    const here = { ...column, left, width: widths[i] };
    left += widths[i] + between;
    return here;
  });
  return { columns: placed, gone: columns.filter((column) => column.says && !kept.includes(column)) };
}

/** What goes first where there is no room, a group at a time: what a narrow page leaves out, the bars, what lies between q·k and the weight. */
function leaving(columns) {
  const named = (holds) => columns.filter(({ name }) => holds(name));
  const numbers = columns.filter(({ name, says }) => says && !WIDE.has(name) && !["weight", "length"].includes(name));
  return [named((name) => WIDE.has(name)), named((name) => name === "bar"), named((name) => name === "length"),
    ...[...numbers.slice(1).reverse(), ...numbers.slice(0, 1)].map((column) => [column])];
}

/** What the numbers add up to, and which columns had no room. */
function notes({ columns, total, sink }, gone, legend) {
  const isSoftmax = legend && total && columns.some(({ name }) => name === "exp");
  const sum = isSoftmax && ui.decimals(total, 3);
  return [
    ...(isSoftmax ? [`weight = exp(s − max) ÷ ${sum}; s: the key’s finished score, max: the row’s largest, ${sum}: the sum over all keys${sink ? " and the sink" : ""}`] : []),
    ...(gone.length ? [`no room here for: ${gone.map(({ says }) => says).join(", ")}`] : []),
  ];
}

/** Lines for the output, in its first dimensions; none of several rows. */
function outputLines({ mixture, keys }, width) {
  if (!mixture) return [];
  const { terms, hasMore, vector } = outputOf(mixture);
  const sum = terms.map(({ weight, key }, i) => [{ text: `${i ? "+" : "="} ${weight}·v(` }, ...text.nameOf(keys, key), { text: ")" }]);
  return text.flow([[{ text: "output", bold: true, ink: "value" }], ...sum, ...(hasMore ? [[{ text: "+ …" }]] : []), [{ text: `= ${vector}` }]], width);
}

/** {top, row, end}: as tall lines as a slide has room for. */
function placeOf(units, count, top, rest) {
  const row = units.height ? Math.min(TALLEST, Math.floor((units.height - top - rest - 2 * sizes.PAD) / count)) : ROW;
  if (row < sizes.LINE) throw new Error("so many lines have no room in it; choose a larger size.");
  const end = top + count * row + NEAR;
  units.height ??= Math.ceil(end + rest + sizes.PAD);
  return { top, row, end, width: units.width };
}

function tableOf(made, columns, lines, place, palette) {
  const middle = (i) => place.top + (i + 0.5) * place.row;
  const rules = lines.map(({ kind }, i) => element(made, "rect", {
    x: sizes.PAD, y: place.top + (i + 1) * place.row - 0.5, width: place.width - 2 * sizes.PAD, height: 1, fill: kind === "total" ? palette.muted : palette.line,
  }));
  const head = columns.filter(({ title }) => title.length).map((column) => cell(made, column, column.title, middle(0), palette));
  const body = lines.map((line, i) => element(made, "g", { class: line.kind, ...styleOf(line, palette) },
    ...columns.filter(({ cells }) => cells[i]?.[0].text).map((column) => cell(made, column, column.cells[i], middle(i + 1), palette)), ...barsOf(made, columns, line, middle(i + 1), palette)));
  return text.group(made, "arithmetic", palette, ...rules, element(made, "g", { class: "head" }, ...head), ...body);
}

const styleOf = ({ kind, closed }, palette) => ({
  ...((kind === "key" && !closed) || kind === "total" ? { fill: palette.ink } : {}), ...(kind === "total" ? { "font-weight": 600 } : {}),
});

function cell(made, { name, left, width, isLeft }, spans, middle, palette) {
  const side = isLeft ? { x: left } : { x: left + width, "text-anchor": "end" };
  return text.spansAt(made, spans, { class: name, ...side, y: middle + 5 }, palette);
}

/** A key's bar, a part of the longest that can be. */
function barsOf(made, columns, { share }, middle, palette) {
  const column = columns.find(({ name }) => name === "bar");
  if (!column || !share) return [];
  return [element(made, "rect", { class: "bar", x: column.left, y: middle - THICK / 2, width: Number(Math.max(1, share * column.width).toFixed(2)), height: THICK, rx: 2, fill: ui.css(ui.mix(palette.weights, SHADE)) })];
}

/** The listed keys with their weights. */
function altOf(shown, rows, lines, { columns }) {
  const at = columns.findIndex(({ name }) => name === "weight");
  const said = lines.filter(({ kind }) => kind === "key").map(({ name, texts }) => `“${name}” ${texts[at]}`);
  return `${titleOf(shown, rows)}; the largest ${rows.length > 1 ? shown.look.together : "weights"}: ${said.join(", ")}.`;
}
