/**
 * Two texts laid side by side, as `attention/analysis/alignment.py` did it: one step for each place, which has a token of
 * the first text (A), of the second (B), or of both.
 */

export const SIDES = ["A", "B"];
/** What a step is, by its sign: the same token, another one in its place, one that A alone has, one that B alone has. */
export const KINDS = { same: "=", replaced: "≠", first: "−", second: "+" };

/**
 * The steps of one side of attention: {count, at(step, side): the token's number or null, kind(step), of(side, token): the
 * step that it stands in or null, to(side, token): the number of its partner or null}. side: 0 for A, 1 for B.
 */
export function stepsOf(rows) {
  const [count, width] = rows.shape;
  const at = (step, side) => (rows[step * width + side] < 0 ? null : rows[step * width + side]);
  const places = [new Map(), new Map()];
  for (let step = 0; step < count; step++) for (const side of [0, 1]) if (at(step, side) !== null) places[side].set(at(step, side), step);
  const of = (side, token) => places[side].get(token) ?? null;
  const kind = (step) => (at(step, 0) === null ? "second" : at(step, 1) === null ? "first" : rows[step * width + 2] ? "same" : "replaced");
  const to = (side, token) => {
    const step = of(side, token);
    return step === null ? null : at(step, 1 - side);
  };
  return { count, at, of, to, kind };
}

/** Whether each step has a token of both texts. */
export const isPaired = (steps, step) => steps.at(step, 0) !== null && steps.at(step, 1) !== null;

/** What each step is called on an axis: the token, both where they differ, and a sign where one text alone has it. */
export function namesOf(steps, first, second) {
  return Array.from({ length: steps.count }, (_, step) => {
    const [a, b] = [first[steps.at(step, 0)], second[steps.at(step, 1)]];
    return { same: a, replaced: `${a}/${b}`, first: `− ${a}`, second: `+ ${b}` }[steps.kind(step)];
  });
}
