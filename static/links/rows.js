/** Rows of weights, and which of their links are drawn. */

/** One row of one head: {weights, allowed, open: how many keys it may see, total: what they have}; null where unknown. */
export function rowOf(own, query) {
  if (own.known[query] === undefined) own.known[query] = makeRow(own.head, query);
  return own.known[query];
}

function makeRow(head, query) {
  const weights = head.row("weights", query);
  if (!weights) return null;
  const allowed = head.allowed(query);
  let [open, total] = [0, 0];
  for (let key = 0; key < weights.length; key++) {
    if (!allowed[key]) continue;
    open += 1;
    if (weights[key] > 0) total += weights[key];
  }
  return { weights, allowed, open, total };
}

/** The keys of a row whose links are drawn: those with a weight, not below `least`, and the `top` largest of them. */
export function chosen({ weights, allowed }, { least, top }) {
  const keys = [];
  for (let key = 0; key < weights.length; key++) {
    if (allowed[key] && weights[key] > 0 && weights[key] >= least) keys.push(key);
  }
  if (!top || keys.length <= top) return keys;
  return keys.sort((a, b) => weights[b] - weights[a] || a - b).slice(0, top);
}

/** Whether one key is among them, without sorting the row. */
export function isChosen({ weights, allowed }, key, { least, top }) {
  const weight = weights[key];
  if (!allowed[key] || !(weight > 0) || weight < least) return false;
  if (!top) return true;
  let before = 0;
  for (let other = 0; other < weights.length && before < top; other++) {
    if (weights[other] > weight || (weights[other] === weight && other < key)) before += allowed[other];
  }
  return before < top;
}

/**
 * The weights of what is on show, by head: [{own, values}], over keys, or over queries for one key; NaN where the mask
 * closes, undefined where that row is not there; of rows together null where one of them is not.
 */
export function valuesOf({ heads, look }, { side, places }) {
  return heads.map((own) => {
    if (side === "key") return { own, values: Array.from(own.known, (row) => weightOf(row, places[0])) };
    const rows = places.map((query) => rowOf(own, query));
    return { own, values: !rows.length || rows.includes(null) ? null : blend(rows, look.together) };
  });
}

function weightOf(row, key) {
  if (!row) return undefined;
  return row.allowed[key] ? row.weights[key] : NaN;
}

/** Several rows as one, the mean of them or their sum; NaN where none of them may look. */
function blend(rows, how) {
  const part = how === "mean" ? rows.length : 1;
  return rows[0].weights.map((_, key) => {
    const seen = rows.filter((row) => row.allowed[key]);
    return seen.length ? seen.reduce((sum, row) => sum + row.weights[key], 0) / part : NaN;
  });
}

/** What a learned sink takes of several rows, the mean or the sum; null where one of them has none, or is not there. */
export function sinkOf({ head }, queries, how) {
  const shares = queries.map((query) => head.sinkShare(query));
  if (!shares.length || shares.includes(null)) return null;
  return shares.reduce((sum, share) => sum + share, 0) / (how === "mean" ? shares.length : 1);
}
