/** The difference of two heads, B − A, over the steps of both texts; nothing here touches the page. */
const version = new URL(import.meta.url).search;
const [{ isPaired }, { stageOf }, { shaped }] = await Promise.all(["./steps", "../cells", "../arrays"].map((name) => import(`${name}.js${version}`)));

/** What can be subtracted, and what it is called. */
export const WHAT = { weights: "weights", scores: "scores" };

/**
 * The map of the steps of queries by those of keys: {z of `shape`, first and second: both heads' numbers, each of `shape`,
 * stages: the names of both stages}, or {reason} where there is none. NaN where a step has no token of either text, where
 * both heads are masked, and of scores where one is.
 */
export function differenceOf(what, heads, queries, keys) {
  if (heads.some((head) => head.window)) return { reason: "A text this long travels as a picture of patches, which cannot be subtracted; the ranking beside it counts all of it." };
  const stages = heads.map((head) => (what === "weights" ? "weights" : stageOf(head, "masked")));
  if (stages.some((stage) => !stage)) return { reason: "The scores of one of the heads are not known: only its weights were given." };
  const shape = [queries.count, keys.count];
  const [first, second] = heads.map((head, side) => spread(head, stages[side], queries, keys, side, shape));
  const z = shaped(new Float32Array(first.length), shape);
  for (let i = 0; i < z.length; i++) z[i] = apart(first[i], second[i], what);
  for (let row = 0; row < shape[0]; row++) {
    for (let column = 0; column < shape[1]; column++) {
      if (!isPaired(queries, row) || !isPaired(keys, column)) z[row * shape[1] + column] = NaN;
    }
  }
  return { z, first, second, stages };
}

/** b − a. A weight that one head's mask closes is 0; a score that it closes is none. */
function apart(a, b, what) {
  if (what === "weights") return Number.isNaN(a) && Number.isNaN(b) ? NaN : (Number.isNaN(b) ? 0 : b) - (Number.isNaN(a) ? 0 : a);
  return b - a;
}

/** One head's numbers where the steps have its tokens; NaN elsewhere, and where they are masked. */
function spread(head, stage, queries, keys, side, shape) {
  const made = shaped(new Float32Array(shape[0] * shape[1]).fill(NaN), shape);
  const columns = Array.from({ length: shape[1] }, (_, column) => keys.at(column, side));
  for (let row = 0; row < shape[0]; row++) {
    const query = queries.at(row, side);
    if (query === null) continue;
    const line = head.row(stage, query);
    const allowed = head.allowed(query);
    columns.forEach((key, column) => {
      if (key === null || (!allowed[key] && !(stage === "weights" && line[key])) || !Number.isFinite(line[key])) return;
      made[row * shape[1] + column] = line[key];
    });
  }
  return made;
}

/** The place of the largest difference, or of the largest in one row: {row, column, value}, or null where there is none. */
export function largest(z, only = null) {
  const columns = z.shape[1];
  const [start, stop] = only === null ? [0, z.length] : [only * columns, (only + 1) * columns];
  let best = -1;
  for (let i = start; i < stop; i++) if (!Number.isNaN(z[i]) && (best < 0 || Math.abs(z[i]) > Math.abs(z[best]))) best = i;
  return best < 0 ? null : { row: Math.floor(best / columns), column: best % columns, value: z[best] };
}
