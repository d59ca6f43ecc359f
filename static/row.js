/**
 * The arithmetic of one query, every number between q·k and the output, a key at a time: `tests/oracles/arithmetic.py` in
 * the browser, on a Head of head.js.
 */

// Behind the title of a step that a change of the run made.
const YOURS = ", your change";

/** How each step before the softmax is written, {name: title}, in the head's order; `titles` came with its layer. */
export function titlesOf(head, titles) {
  const found = {};
  for (const name of head.names) {
    const title = name === "tempered" ? `÷ ${Number(head.temperature.toPrecision(6))}${head.heat !== 1 ? YOURS : ""}` : titles[name];
    if (title && name !== "softmaxed") found[name] = title;
  }
  return found;
}

/**
 * {query, order, allowed, columns: [{name, title, values}], top, total, sinkPart, sinkWeight, weightSum, output, edit,
 * outputEdit} of one query. order: keys by falling weight, the masked ones last. total: Σ exp(s − max), with the sink's part.
 * edit, outputEdit: the changes of the run that made the weights, or the output, what they are, or null.
 */
export function arithmetic(head, titles, query) {
  const rows = head.rows(query);
  const allowed = head.allowed(query);
  const { weights } = rows;
  const columns = scoreColumns(head, titlesOf(head, titles), rows, query);
  const sink = head.sinkLogit(query);
  // Without the sink's logit the sum of exp() is not known.
  const lost = sink === null && head.hasSinkColumn && head.sinkShare(query) > 0;
  const made = lost ? null : exponentials(head, rows.masked, sink);
  if (made) columns.push({ name: "exp", title: "exp(s − max)", values: made.exps });
  const edit = head.changedRow?.(query) ?? null;
  if (edit) columns.push({ name: "softmaxed", title: "softmax", values: rows.softmaxed });
  columns.push({ name: "weight", title: "weight", values: weights });
  const { lengths } = head;
  if (lengths) {
    columns.push({ name: "length", title: "‖v‖", values: lengths });
    columns.push({ name: "share", title: "weight·‖v‖", values: lengths.map((length, key) => length * weights[key]) });
  }
  const order = [...weights.keys()].sort((a, b) => allowed[b] - allowed[a] || weights[b] - weights[a] || a - b);
  return {
    query, order, allowed, columns, top: made?.top ?? null, total: made?.total ?? null, sinkLogit: sink, sinkPart: made?.sinkPart ?? null,
    sinkWeight: head.hasSinkColumn ? head.sinkShare(query) : null, weightSum: weights.reduce((sum, weight) => sum + weight, 0),
    output: head.mixed(query), edit, outputEdit: head.changedOutput?.(query) ?? null,
  };
}

/** The stages, and before the sum with a bias that bias itself. */
function scoreColumns(head, titles, rows, query) {
  const columns = [];
  for (const [name, title] of Object.entries(titles)) {
    const bias = name === "biased" ? head.bias(query) : null;
    if (bias) columns.push({ name: "bias", title: "+ bias", values: bias });
    columns.push({ name, title: bias ? "= sum" : title, values: rows[name] });
  }
  return columns;
}

/** {exps, top, total, sinkPart}: exp(s − max) of each key; masked ones give 0. null where the scores are not known. */
export function exponentials(head, masked, sink) {
  if (!masked) return null;
  const scores = Float64Array.from(masked, (score, key) => (head.isShared && head.isHidden(key) ? -Infinity : score));
  const top = scores.reduce((most, score) => Math.max(most, score), sink ?? -Infinity);
  if (top === -Infinity) return { exps: new Float32Array(scores.length), top: null, total: 0, sinkPart: null };
  const exps = scores.map((score) => Math.exp(score - top));
  const sinkPart = sink === null ? null : Math.exp(sink - top);
  return { exps: new Float32Array(exps), top, total: exps.reduce((sum, part) => sum + part, sinkPart ?? 0), sinkPart };
}

/**
 * The weighted sum of the value vectors in its first dimensions: {terms: [{key, weight, vector}], others, rest, output,
 * width} with the largest terms, what the others add up to, and the output; null where the values are not known.
 */
export function mixture(head, row, { dimensions = 8, most = 4 } = {}) {
  const value = head.part("value");
  // What stands in place of an output is no sum of weighted values.
  if (!value || !row.output || row.outputEdit) return null;
  const scale = head.outputScale(row.query);
  const weights = row.columns.find((column) => column.name === "weight").values.map((weight) => weight * scale);
  const width = Math.min(dimensions, head.width);
  const part = (key) => Float32Array.from({ length: width }, (_, i) => weights[key] * value[key * head.width + i]);
  const taken = row.order.filter((key) => weights[key] > 0);
  const others = taken.slice(most);
  const rest = new Float32Array(width);
  for (const key of others) part(key).forEach((number, i) => { rest[i] += number; });
  const terms = taken.slice(0, most).map((key) => ({ key, weight: weights[key], vector: part(key) }));
  return { terms, others: others.length, rest, output: row.output.slice(0, width), width: head.width };
}
