/** The links that are drawn, as lists of numbers, and how much of the weight they carry. */
const version = new URL(import.meta.url).search;
const { chosen, isChosen, rowOf } = await import(`./rows.js${version}`);

// Half a step of a canvas with 8 bits a channel: what is fainter cannot be seen.
export const FAINTEST = 1 / 510;
const SLICE_MS = 6;

/** One link's opacity is its weight, whatever else is drawn. */
export const alphaOf = (weight) => Math.min(1, weight);

/**
 * Links by slot, query, key and weight. open: how many there could be; total: what those weigh; carried: what the drawn
 * ones weigh; faint: how many nobody can see; unknown: whether a row was not there; waits: whether rows are still to come.
 */
const noLines = () => ({ slots: [], queries: [], keys: [], weights: [], open: 0, total: 0, carried: 0, faint: 0, unknown: false, waits: false });

function add(lines, slot, query, key, weight) {
  lines.slots.push(slot);
  lines.queries.push(query);
  lines.keys.push(key);
  lines.weights.push(weight);
  lines.carried += weight;
  if (weight < FAINTEST) lines.faint += 1;
}

/** The links of whole rows, head by head. */
export function linesOf({ heads, look }, queries) {
  const lines = noLines();
  for (const own of heads) {
    for (const query of queries) {
      const row = rowOf(own, query);
      if (!row) {
        lines.unknown = true;
        continue;
      }
      lines.open += row.open;
      lines.total += row.total;
      for (const key of chosen(row, look)) add(lines, own.slot, query, key, row.weights[key]);
    }
  }
  return lines;
}

/** The links that arrive at a key. Rows that nobody has asked for yet are made bit by bit, in the frames to come. */
export function linesTo({ heads, look }, key) {
  const lines = noLines();
  const end = performance.now() + SLICE_MS;
  for (const own of heads) {
    for (let query = 0; query < own.head.queries; query++) {
      if (own.known[query] === undefined && performance.now() > end) {
        lines.waits = true;
        break;
      }
      const row = rowOf(own, query);
      if (!row) {
        lines.unknown = true;
        continue;
      }
      if (!row.allowed[key]) continue;
      lines.open += 1;
      if (row.weights[key] > 0) lines.total += row.weights[key];
      if (isChosen(row, key, look)) add(lines, own.slot, query, key, row.weights[key]);
    }
  }
  return lines;
}

/** The rows of the thin lines: all but the pinned ones, so that no link is drawn twice. */
export function others({ run }, { places }) {
  const pinned = new Set(places);
  return [...run.tokens.queries.keys()].filter((place) => !pinned.has(place));
}

/** The links as a list, for whoever wants to read them instead of seeing them. */
export function written({ heads }, lines) {
  const bySlot = new Map(heads.map((own) => [own.slot, own]));
  return lines.weights.map((weight, i) => {
    const { layer, number } = bySlot.get(lines.slots[i]);
    return { layer, head: number, query: lines.queries[i], key: lines.keys[i], weight, alpha: alphaOf(weight) };
  });
}
