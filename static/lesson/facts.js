/** What a guess can ask of one head: numbers and names of its pinned row, from what a store shows. */

const version = new URL(import.meta.url).search;
const { ui } = await import(`../headlight.js${version}`);

/** {most, most_weight, pinned, entropy (nats), self_weight, first_weight, top_value, n}, or {} where the row is not here. */
export function factsOf(shown) {
  if (!shown?.head) return {};
  const { run, head, look } = shown;
  const row = look.query;
  const weights = row < head.queries ? head.row("weights", row) : null;
  if (!weights) return {};
  const [keys, queries] = [ui.namesOf(run.tokens.keys), ui.namesOf(run.tokens.queries)];
  const best = placeOfMost(weights);
  const { lengths } = head;
  const taken = lengths?.map((length, key) => length * weights[key]);
  return {
    most: keys[best], most_weight: weights[best], pinned: queries[row], entropy: entropyOf(weights), first_weight: weights[0],
    ...(run.tokens.same ? { self_weight: weights[row] } : {}), ...(taken ? { top_value: keys[placeOfMost(taken)] } : {}), n: keys.length,
  };
}

/** −Σ w ln w, in nats. */
export const entropyOf = (weights) => weights.reduce((sum, weight) => (weight > 0 ? sum - weight * Math.log(weight) : sum), 0);

const placeOfMost = (numbers) => numbers.reduce((best, value, at) => (value > numbers[best] ? at : best), 0);

/** The different names of what the pinned row may look at, in their order. */
export function tokensOf(shown) {
  if (!shown?.head) return [];
  const may = shown.head.allowed(shown.look.query);
  return [...new Set(ui.namesOf(shown.run.tokens.keys).filter((_, key) => may[key]))];
}
