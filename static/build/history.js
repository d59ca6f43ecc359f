/** The states before and after the present one, to go back to and forward again. */

const [MOST, GESTURE_MS] = [100, 1500];

/**
 * {add(state, {words, gesture}), steps()}. add: what was there before a change, the change's words, and the gesture that it is
 * part of, "" for none: what one gesture brings in quick succession, as a slider does, is one step. steps: {undo, redo},
 * functions or null where there is no such way. now() is the present state; go(state, words) returns to another one; same(one,
 * other) says whether two states are none of a step apart; changed() hears that the ways are others.
 */
export function historyOf({ now, go, same, changed }) {
  const [past, future] = [[], []];
  let [last, time] = ["", -Infinity];

  function add(state, { words, gesture }) {
    const at = performance.now();
    const isOne = past.length && gesture && gesture === last && at - time < GESTURE_MS;
    if (isOne) past.at(-1).words = words;
    else past.push({ state, words });
    // A gesture that ends where it began leaves nothing to take back.
    if (same(past.at(-1).state, now())) past.pop();
    if (past.length > MOST) past.shift();
    future.length = 0;
    [last, time] = [gesture, at];
    changed();
  }

  const way = (from, to, told) => (from.length ? () => {
    const { state, words } = from.pop();
    to.push({ state: now(), words });
    last = "";
    go(state, words && told(words));
    changed();
  } : null);

  return { add, steps: () => ({ undo: way(past, future, (words) => `${words}, undone`), redo: way(future, past, (words) => words) }) };
}
