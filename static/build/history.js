/** The states before and after the present one, to go back to and forward again: one gesture, as of a slider, is one step. */

const [MOST, GESTURE_MS] = [100, 1500];

/**
 * {add(state, {kind, words}), steps()}. add: what was there before a change, what kind of change it is (several of one kind
 * in quick succession are one step), and its words. steps: {undo, redo}, functions or null where there is no such way. now()
 * is the present state; go(state, words) returns to another one; changed() hears that the ways are others.
 */
export function historyOf({ now, go, changed }) {
  const [past, future] = [[], []];
  let [last, time] = ["", -Infinity];

  function add(state, { kind, words }) {
    const at = performance.now();
    const isOne = past.length && kind === last && at - time < GESTURE_MS;
    if (isOne) past.at(-1).words = words;
    else past.push({ state, words });
    if (past.length > MOST) past.shift();
    future.length = 0;
    [last, time] = [kind, at];
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
