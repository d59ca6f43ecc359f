/** Each panel in one sentence, for those who do not see it: `attention/figures/alt.py` in the browser. */
const { maskedKeys } = await import(`./masks.js${new URL(import.meta.url).search}`);

/** {scores, weights, values}: the sentences of one pinned query. */
export function alts(ui, { run, look, head }, query, brought, stage) {
  const keys = ui.namesOf(run.tokens.keys);
  const name = `“${run.tokens.queries[query]?.name ?? query}”`;
  const size = `layer ${head.layer}, head ${head.head}: ${head.queries} queries by ${head.keys} keys`;
  return {
    scores: scores(ui, head, query, { keys, name, size, stage }),
    weights: weights(ui, head, query, { keys, name, size, look, brought }),
    values: values(ui, head, query, { name, look, brought }),
  };
}

const largest = (row) => row.reduce((top, value, i) => (value > row[top] || Number.isNaN(row[top]) ? i : top), 0);

function scores(ui, head, query, { keys, name, size, stage }) {
  if (!stage) return "The scores of this head are not known.";
  const start = `Scores of ${size} at the stage “${stage}”.`;
  const row = head.row(stage, query);
  if (!row) return start;
  if (!row.some(Number.isFinite)) return `${start} ${name} may attend to nothing.`;
  const best = largest(row);
  const masked = stage === "masked" ? maskedKeys(head, query) : "";
  return `${start} ${name} has the highest with “${keys[best]}”: ${ui.number(row[best])}.${masked}`;
}

function weights(ui, head, query, { keys, name, size, look, brought }) {
  const row = head.row("weights", query);
  if (!row) return `Attention weights of ${size}.`;
  if (look.weights !== "weights" && brought?.norms?.lengths) return shares(ui, row, { keys, name, size, look, lengths: brought.norms.lengths });
  const whole = !head.altered || !look.hide.length || look.rest === "shared";
  const start = `Attention weights of ${size}${whole ? ", each row summing to 1" : ", without what is left out"}.`;
  if (!row.some(Boolean)) return `${start} ${name} takes nothing from any key.`;
  const best = largest(row);
  const sink = head.sinkShare(query) === null ? "" : ` The learned sink takes ${ui.decimals(head.sinkShare(query), 4)}.`;
  return `${start} ${name} has the largest weight for “${keys[best]}”: ${ui.decimals(row[best], 4)}.${sink}${maskedKeys(head, query)}`;
}

function shares(ui, row, { keys, name, size, look, lengths }) {
  const norms = row.map((weight, key) => weight * lengths[key]);
  const total = norms.reduce((sum, norm) => sum + norm, 0);
  const best = largest(norms);
  const title = look.weights === "norms" ? "What each key brings" : "What each key brings, less its weight";
  const share = ui.decimals(total > 0 ? norms[best] / total : 0, 4);
  return `${title}, for ${size}. ${name} is brought most by “${keys[best]}”: ${share} of all, with a weight of ${ui.decimals(row[best], 4)}.`;
}

function values(ui, head, query, { name, look, brought }) {
  const plain = look.values === "output";
  const title = plain ? "Weighted values" : "Contribution after the output projection";
  const z = plain ? null : brought?.contribution?.z;
  const row = plain ? head.mixed(query) : z && ui.row(z, query);
  if (!row) return `${title}: not known for this head.`;
  const best = row.reduce((top, value, i) => (Math.abs(value) > Math.abs(row[top]) ? i : top), 0);
  const length = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
  const start = `${title}: ${head.queries} query tokens by ${row.length} dimensions.`;
  const own = !plain && head.altered ? " These are the model’s own, not as changed on this page." : "";
  return `${start} ${name} receives a vector of length ${ui.number(length)}, largest in dimension ${best}: ${ui.number(row[best])}.${own}`;
}
