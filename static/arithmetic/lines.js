/**
 * The arithmetic of the pinned rows as lines of texts, for the table on the page and for its picture: which columns there
 * are, which keys are listed, and what each cell says.
 */
const version = new URL(import.meta.url).search;
const [{ ui }, { arithmetic, mixture }, { outputWords, rowWords }] = await Promise.all(["../headlight", "../row", "../edits"].map((name) => import(`${name}.js${version}`)));

const FEW = 5;
// Lines of the open table; who needs more has the map.
const MOST = 400;
const PLACES = { exp: 3, softmaxed: 3, weight: 3 };
const SUMMED = new Set(["exp", "softmaxed", "weight"]);
const STEPLESS = ["exp", "softmaxed", "weight", "length", "share"];
export const AWAY = "This row has not travelled: click it to pin it.";
/** Whose colour a column's title has. */
export const ROLE = { scores: "query", length: "value", weight: "weight" };
/** The term that a column, by its title or else by its name, or a line by its kind is explained as. */
export const TERM = {
  scores: "scores", scaled: "scaled", softcapped: "softcapped", bias: "bias", biased: "biased", tempered: "tempered", masked: "score",
  exp: "exp", softmaxed: "weight", weight: "weight", length: "length", share: "share", mean: "mean", sum: "sum", sink: "sink", total: "total",
};
/** Columns that have no room on a narrow page. */
export const WIDE = new Set(["exp", "share"]);

export const isHere = (head, rows) => rows.every((row) => row < head.queries && head.row("weights", row));

/** The name of rows that are here. */
export function titleOf({ run, look }, rows) {
  if (rows.length > 1) return `The weights of ${rows.length} tokens, and their ${look.together}`;
  return `The arithmetic of “${ui.namesOf(run.tokens.queries)[rows[0]]}”`;
}

/** What a change of the run made of one row, as a sentence; "" where nothing. */
export function changeOf({ head }, rows) {
  if (rows.length !== 1) return "";
  const [edit, output] = [head.changedRow?.(rows[0]), head.changedOutput?.(rows[0])];
  const parts = [edit ? `its weights are ${rowWords(edit)}` : "", output ? `its output is ${outputWords(output)}` : ""].filter(Boolean);
  return parts.length ? ` · ${parts.join("; ")}` : "";
}

/** What the lines are made of: of one row every step, of several their weights. titles: those that came with the layer. */
export function givenOf(shown, rows, titles) {
  return rows.length === 1 ? oneRow(shown, rows[0], titles) : several(shown, rows);
}

function oneRow({ run, head }, query, titles) {
  const row = arithmetic(head, titles, query);
  const stages = row.columns.filter(({ name }) => !STEPLESS.includes(name));
  const sink = row.sinkLogit === null || row.sinkPart === null ? null
    : { stage: stages.at(-1)?.name, logit: row.sinkLogit, exp: row.sinkPart, weight: row.sinkWeight };
  return { ...row, keys: ui.namesOf(run.tokens.keys), sink, most: 1, mixture: mixture(head, row) };
}

/** One column of weights a token, and what they are together; `most` is the longest that a bar can be. */
function several({ run, head, look }, rows) {
  const [keys, queries] = [ui.namesOf(run.tokens.keys), ui.namesOf(run.tokens.queries)];
  const weights = head.together("weights", rows, look.together);
  const may = rows.map((row) => head.allowed(row));
  const allowed = Uint8Array.from({ length: keys.length }, (_, key) => Number(may.some((row) => row[key])));
  const columns = rows.map((row, i) => ({ name: `row-${row}`, row, title: queries[row], values: head.row("weights", row), closed: (key) => !may[i][key] }));
  columns.push({ name: "weight", title: look.together, values: weights });
  const order = [...weights.keys()].sort((a, b) => allowed[b] - allowed[a] || weights[b] - weights[a] || a - b);
  return { query: rows[0], order, allowed, columns, keys, most: look.together === "sum" ? rows.length : 1, sink: null, total: null, weightSum: weights.reduce((sum, weight) => sum + weight, 0), mixture: null };
}

/** Decimals by the size of a column's numbers: two, or more where all are small. */
function places(column) {
  if (column.row !== undefined) return PLACES.weight;
  if (PLACES[column.name]) return PLACES[column.name];
  const largest = column.values.reduce((top, value) => (Number.isFinite(value) ? Math.max(top, Math.abs(value)) : top), 0);
  return largest >= 1000 ? 1 : largest >= 1 || largest === 0 ? 2 : 4;
}

/**
 * The lines from top to bottom, {kind: "key", "others", "sink" or "total", name, texts}, a text a column. Of a key also
 * {key, closed, share: of the longest bar}, and of the others `count`. isOpen: the keys beyond the largest few are listed.
 */
export function linesOf(given, head, isOpen = false) {
  const { sink, total, weightSum, allowed } = given;
  const order = [...given.order].sort((a, b) => allowed[b] - allowed[a]);
  const few = Math.min(order.length <= FEW + 1 ? order.length : FEW, Math.max(1, allowed.filter(Boolean).length));
  const others = order.slice(few);
  const sums = (kind, name, numbers) => ({ kind, name, texts: textsOf(given, numbers) });
  const lines = order.slice(0, isOpen ? MOST : few).map((key) => keyLine(given, key, head.isHidden(key)));
  if (others.length) lines.push({ ...sums("others", othersOf(others.length), isOpen ? {} : together(given, others)), count: others.length });
  if (sink) lines.push(sums("sink", "sink", { [sink.stage]: sink.logit, exp: sink.exp, weight: sink.weight }));
  if (sink || isOpen) lines.push(sums("total", "sum", { exp: total ?? 0, weight: weightSum + (sink?.weight ?? 0) }));
  return lines;
}

/** As many lines as any row of this head takes while its others are not listed. */
export const roomFor = ({ order, sink }) => Math.min(order.length, FEW + 1) + (sink ? 2 : 0);

export const othersOf = (count) => (count === 1 ? "1 other" : `${count} others`);

function keyLine({ columns, keys, allowed, most }, key, isHidden) {
  const isClosed = !allowed[key] || isHidden;
  const texts = columns.map((column) => {
    const isShut = column.closed ? column.closed(key) || isHidden : isClosed;
    if (!isShut || column.values[key] || !(SUMMED.has(column.name) || column.closed)) return ui.decimals(column.values[key], places(column));
    return column.name === "exp" ? "0" : isHidden ? "left out" : "masked";
  });
  const { values } = columns.find(({ name }) => name === "weight");
  return { kind: "key", key, name: keys[key], closed: isClosed, texts, share: values[key] / most };
}

/** The texts of a line of sums: `numbers` by column name, all others empty. */
const textsOf = ({ columns }, numbers) => columns.map((column) => (numbers[column.name] === undefined ? "" : ui.decimals(numbers[column.name], places(column))));

/** What the keys that are not listed add up to. */
function together({ columns }, keys) {
  const summed = columns.filter(({ name }) => SUMMED.has(name));
  return Object.fromEntries(summed.map(({ name, values }) => [name, keys.reduce((total, key) => total + values[key], 0)]));
}

const NUMBERS = 4;
const TERMS = 3;

/** The output as a sum of weighted values: [{weight, key}, …] of the largest, whether there are more, and the vector. */
export function outputOf({ terms, others, output, width }) {
  const numbers = [...output].slice(0, NUMBERS).map((value) => ui.number(value, 3)).join(", ");
  return {
    terms: terms.slice(0, TERMS).map(({ weight, key }) => ({ weight: ui.decimals(weight, 3), key })),
    hasMore: terms.length > TERMS || others > 0, vector: `(${numbers}${width > NUMBERS ? ", …" : ""})`,
  };
}
