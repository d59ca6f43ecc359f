/**
 * The changes of a run as their lines, and what they change in one head: `attention/edits.py` and
 * `attention/record/changes.py` in the browser. Nothing here touches the page.
 */

const USUAL = { off: "zero", patch: "output" };
const LINE = /^(off|cut|hide|temper|even|patch)(?:-(?:(encoder|decoder|cross)\.?)?(?:(\d+)(?:\.(\d+))?)?)?(?:-(zero|mean|running|first|output|weights))?(?:-q(\d+))?(?:-k(\d+))?(?:-t(\d+(?:\.\d+)?))?$/u;
const CLOSING = new Set(["cut", "hide"]);
const numbered = (text) => (text === undefined ? null : Number(text));

/** {line, verb, kind, layer, head, query, key, how, temperature} of a line; null where it is none. */
export function editOf(line) {
  const found = LINE.exec(line);
  if (!found) return null;
  const [, verb, kind = "", layer, head, how, query, key, temperature] = found;
  return { line, verb, kind, layer: numbered(layer), head: numbered(head), query: numbered(query), key: numbered(key),
    how: how ?? USUAL[verb] ?? "", temperature: temperature === undefined ? 1 : Number(temperature) };
}

/** The edits of lines, those that are none left out. */
export const editsOf = (lines) => lines.map(editOf).filter(Boolean);

/** The line of an edit, as Python writes it. */
export function lineOf({ verb, kind = "", layer = null, head = null, query = null, key = null, how = "", temperature = 1 }) {
  const numbers = layer === null ? "" : head === null ? String(layer) : `${layer}.${head}`;
  const place = [kind, numbers].filter(Boolean).join(".");
  const marks = [["q", query], ["k", key]].filter(([, value]) => value !== null).map(([mark, value]) => mark + value);
  const heat = verb === "temper" ? [`t${temperature}`] : [];
  return [verb, place, how === USUAL[verb] ? "" : how, ...marks, ...heat].filter(Boolean).join("-");
}

/** Whether an edit changes this operation. usual: the kind that is meant where an edit names none. */
export function concerns(edit, { kind, layer, op = 0 }, usual) {
  const own = edit.kind || usual;
  const same = own === kind || (edit.verb === "hide" && own === "encoder" && kind === "cross");
  return same && (edit.layer === null || edit.layer === layer) && (edit.verb === "hide" || op === 0);
}

/** Whether it changes this head of an operation that it concerns. */
export const changesHead = (edit, head) => edit.head === null || edit.head === head;

/** Whether it closes keys in the mask. */
export const closes = ({ verb }) => CLOSING.has(verb);

/** Whether it changes rows after the softmax. */
export const changesRows = ({ verb, how }) => verb === "even" || how === "first" || how === "weights";

/** Whether it changes a head's output itself. */
export const changesOutput = (edit) => (edit.verb === "off" || edit.verb === "patch") && !changesRows(edit);

/** What the finished scores are divided by, beyond the model's own. */
export const heatOf = (edits) => edits.reduce((product, { temperature }) => product * temperature, 1);

/** Whether an edit says something of a row. */
export const ofRow = (edit, query) => edit.query === null || edit.query === query;

/** The function (query, key) → whether these edits close that key; null where none does. */
export function closerOf(edits, { kind }) {
  const own = edits.filter(closes);
  if (!own.length) return null;
  // Keys that are no token's own come behind the tokens.
  return (query, key) => own.some((edit) => edit.key === key
    && (edit.query === null ? kind === "cross" || query !== key : edit.query === query));
}

/** Why a row of weights or an output is not what the softmax and the values give, in a few words that end a sentence. */
const ROWS = { even: "spread evenly", first: "moved to the first key that it may see", weights: "taken from the second text" };
const OUTPUTS = { zero: "set to zero", mean: "set to the head’s mean over the reference texts",
  running: "set to the mean of its rows up to this one", output: "taken from the second text" };
export const rowWords = (edit) => `${ROWS[edit.verb === "even" ? "even" : edit.how]} by your change`;
export const outputWords = (edit) => `${OUTPUTS[edit.how]} by your change`;
