/** The check question of the lesson on testing: a report of measurements is judged. */

const ALLOWED = 1e-6;

export const answers = {
  /** 56: which of two checks a causal layer fails, by what was measured. Options: none, row sums, causality, both. */
  judged: (random) => {
    const n = random.int(5, 8);
    const changed = random.int(3, n);
    const [sums, leaks] = [random.pick([true, false]), random.pick([true, false])];
    const off = sums ? random.int(2, 40) / 100 : random.int(1, 9) * 1e-8;
    const first = leaks ? random.int(1, changed - 1) : changed;
    const fails = [off > ALLOWED, first < changed];
    return { given: { n, changed, off: off.toPrecision(1), first, allowed: ALLOWED.toExponential(0) }, answer: Number(fails[0]) + 2 * Number(fails[1]) };
  },
};
