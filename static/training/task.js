/**
 * The task: ten places, each with a symbol, some of them with one of several marks; name the symbol at each mark. Which
 * place carries which mark is drawn anew for each example, so only a look at the marks tells.
 *
 * A place is of one of (marks + 1) · SYMBOLS kinds: its mark, 0 for none, times SYMBOLS, plus its symbol.
 */

export const PLACES = 10;
export const SYMBOLS = 16;

/** How many kinds of places there are with so many marks. */
export const kindsOf = (lookups) => (lookups + 1) * SYMBOLS;

/** The mark of a kind of place, counted from 1, or 0 for none. */
export const markOf = (kind) => Math.floor(kind / SYMBOLS);

/** The symbol of a kind of place. */
export const symbolOf = (kind) => kind % SYMBOLS;

/** Room for `count` examples: kinds (count, PLACES), answers (count, lookups), the symbol at each mark. */
export function batchOf(count, lookups) {
  return { count, lookups, kinds: new Int32Array(count * PLACES), answers: new Int32Array(count * lookups) };
}

const order = new Int32Array(PLACES);

/** Draw fresh examples into a batch, and hand it back. */
export function fill(batch, random) {
  const { count, lookups, kinds, answers } = batch;
  for (let example = 0; example < count; example++) {
    const first = example * PLACES;
    for (let place = 0; place < PLACES; place++) {
      order[place] = place;
      kinds[first + place] = random.int(0, SYMBOLS - 1);
    }
    // The first steps of a shuffle: as many distinct places as there are marks.
    for (let mark = 0; mark < lookups; mark++) {
      const other = random.int(mark, PLACES - 1);
      const place = order[other];
      order[other] = order[mark];
      order[mark] = place;
      answers[example * lookups + mark] = kinds[first + place];
      kinds[first + place] += (mark + 1) * SYMBOLS;
    }
  }
  return batch;
}
