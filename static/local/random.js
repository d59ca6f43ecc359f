/**
 * Numbers that look random and are none: a hash of what they are for. `attention/hashing.py` makes the same numbers, to the
 * last bit: the hash is 32-bit integer arithmetic, and what is made of it is a sum of fractions of 2³², exact in float64.
 */

// The constants of MurmurHash3's last step (Appleby, 2011), and 2³² divided by the golden ratio.
const [FIRST, SECOND, GOLDEN] = [0x85ebca6b, 0xc2b2ae35, 0x9e3779b9];
const SPAN = 2 ** 32;
// What stands before a part, so that a text and a number that are made of the same integers differ.
const [NUMBER, TEXT] = [1, 2];
// A sum of twelve uniform numbers has variance 1, and after 6 is taken away mean 0.
const TERMS = 12;

/** One 32-bit integer from another, one to one. */
function mixed(value) {
  let hash = Math.imul(value ^ (value >>> 16), FIRST);
  hash = Math.imul(hash ^ (hash >>> 13), SECOND);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A whole number from 0 to 2³² − 1 from texts and whole numbers of that range, each of which changes all of it. */
export function numberOf(...parts) {
  let hash = 0;
  const take = (value) => {
    hash = mixed((hash ^ value) + GOLDEN);
  };
  for (const part of parts) {
    if (typeof part === "string") {
      const letters = [...part];
      [TEXT, letters.length].forEach(take);
      for (const letter of letters) take(letter.codePointAt(0));
    } else {
      if (!(Number.isInteger(part) && part >= 0 && part < SPAN)) throw new RangeError(`A seed is a whole number from 0 to 2³² − 1; got ${part}.`);
      [NUMBER, part].forEach(take);
    }
  }
  return hash;
}

/** The number at a place of the row that belongs to a key: uniform, from 0 to below 1. */
export const uniformAt = (key, place) => mixed(mixed(place + 1) ^ key) / SPAN;

/** The number at a place of the row that belongs to a key: nearly normal, mean 0, variance 1, from −6 to 6. */
export function normalAt(key, place) {
  let sum = -TERMS / 2;
  for (let i = TERMS * place; i < TERMS * (place + 1); i++) sum += uniformAt(key, i);
  return sum;
}

/**
 * Numbers one after the other, the same for the same seed: `uniform()` from 0 to below 1, `normal()`, `int(low, high)` with
 * both ends, `pick(list)`, and `shuffle(list)`, which leaves the list as it is and returns another.
 */
export function random(seed) {
  const key = numberOf("random", seed);
  let place = 0;
  const uniform = () => uniformAt(key, place++);
  const int = (low, high) => low + Math.floor(uniform() * (high - low + 1));
  const normal = () => {
    let sum = -TERMS / 2;
    for (let i = 0; i < TERMS; i++) sum += uniform();
    return sum;
  };
  const shuffle = (list) => {
    const shuffled = [...list];
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = int(0, last);
      [shuffled[last], shuffled[other]] = [shuffled[other], shuffled[last]];
    }
    return shuffled;
  };
  return { uniform, int, normal, shuffle, pick: (list) => list[int(0, list.length - 1)] };
}
