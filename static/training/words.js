/** What came of runs of training, in words and in numbers that a lesson can name. */
const version = new URL(import.meta.url).search;
const [{ ui }, { SYMBOLS }] = await Promise.all(["../headlight", "./task"].map((name) => import(`${name}.js${version}`)));

// Marks are told apart by their form.
export const MARKS = ["▲", "■", "●", "◆", "★"];

/** A symbol's letter. */
export const letterOf = (symbol) => String.fromCharCode(65 + symbol);

/** “1 head”, “4 heads”. */
export const headsOf = (count) => `${count} ${count === 1 ? "head" : "heads"}`;

/** The loss of who knows nothing: each symbol is as likely as any other. */
export const BLIND = Math.log(SYMBOLS);

/** The middle one of some numbers, or the mean of the two in the middle. */
export function median(values) {
  const sorted = values.toSorted((one, other) => one - other);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** By number of heads, in the order given: {heads, seeds, losses, loss: their median, accuracy: the mean at each mark, first: a result}. */
export function outcomes(counts, runs) {
  return counts.map((heads) => {
    const results = runs.filter((run) => run.settings.heads === heads && run.result).map((run) => run.result);
    if (!results.length) return { heads, seeds: [], losses: [], loss: NaN, accuracy: [], first: null };
    const losses = results.map((result) => result.loss);
    const accuracy = results[0].accuracy.map((_, mark) => mean(results.map((result) => result.accuracy[mark])));
    return { heads, seeds: results.map((result) => result.settings.seed), losses, loss: median(losses), accuracy, first: results[0] };
  });
}

/** What guesses may ask for, once all runs have ended; nothing before. */
export function factsOf(made) {
  if (made.some(({ first }) => !first)) return {};
  const facts = {};
  for (const { heads, loss, accuracy } of made) {
    facts[`loss_${heads}`] = loss;
    facts[`accuracy_${heads}`] = mean(accuracy);
  }
  const losses = made.map(({ loss }) => loss);
  const [few, many] = [made[0], made[made.length - 1]];
  const [first, second = 0] = few.first.ranked[0];
  facts.best = losses.indexOf(Math.min(...losses));
  facts.gap = few.loss - many.loss;
  facts.first_weight = first;
  facts.second_weight = second;
  facts.distinct = new Set(many.first.received.map((row) => row.indexOf(Math.max(...row)))).size;
  return facts;
}

/** How the curves end, as a sentence. */
export function endOf(made, steps, seeds) {
  const known = made.filter(({ first }) => first);
  if (!known.length) return "";
  const ends = known.map(({ heads, loss }) => `${lossOf(loss)} with ${headsOf(heads)}`);
  const which = seeds > 1 ? `, the median of ${seeds} seeds` : "";
  return `After ${steps} steps the loss on fresh examples is ${listed(ends)}${which}.`;
}

const listed = (parts) => (parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts[parts.length - 1]}` : parts[0]);

/** A loss as it is written everywhere. */
export const lossOf = (value) => ui.decimals(value, 3);

/** What the check of the gradient found, in words; it can fail. */
export function checkOf(runs) {
  const checks = runs.filter((run) => run.result).map((run) => run.result.check);
  if (!checks.length) return "";
  const worst = Math.max(...checks.map((check) => check.worst));
  const ok = checks.every((check) => check.ok);
  return ok ? `The gradient that is followed equals finite differences of the loss within ${ui.number(worst, 3)} of its size ✓`
    : `The gradient that is followed is not the slope of the loss: it misses finite differences by ${ui.number(worst, 3)} of its size ✗`;
}
