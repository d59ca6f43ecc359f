/** One run: from a seed's first weights through all steps to a loss on fresh examples. The same settings give the same bits. */
const version = new URL(import.meta.url).search;
const [{ random }, { batchOf, fill, PLACES }, { accuracyOf, backward, forward, initial, partsOf, passOf, receivedOf }, { adam }, { checkGradient }] =
  await Promise.all(["../local/random", "./task", "./model", "./adam", "./check"].map((name) => import(`${name}.js${version}`)));

export const DEFAULTS = { heads: 1, lookups: 4, width: 16, batch: 128, steps: 800, seed: 1, rate: 5e-3 };
// Examples that no step has seen, on which a run is judged.
export const FRESH = 1024;
// A person sees so many points of a curve; each is the mean loss of the steps since the one before.
export const EVERY = 10;

/** All settings of a run; throws a RangeError that says which one cannot be. */
export function checked(given) {
  const settings = { ...DEFAULTS, ...given };
  const { heads, lookups, width, batch, steps, seed } = settings;
  for (const [name, value] of Object.entries({ heads, lookups, width, batch, steps })) {
    if (!Number.isInteger(value) || value < 1) throw new RangeError(`${name} must be a whole number of 1 or more; it is ${value}.`);
  }
  if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)) throw new RangeError(`The seed must be a whole number from 0 to 2³² − 1; it is ${seed}.`);
  if (width % heads) throw new RangeError(`${heads} heads cannot share a width of ${width} evenly; choose a divisor of it.`);
  if (lookups > PLACES) throw new RangeError(`At most ${PLACES} places can be marked; lookups is ${lookups}.`);
  return settings;
}

/**
 * A run that has not begun: `step()` takes the next step, `taken()` says how many were, `isDone()`, `curve()` is the points
 * [step, loss] so far, `result()` what came of it when it is done.
 */
export function training(given) {
  const settings = checked(given);
  const draw = random(settings.seed);
  const flat = initial(settings, draw);
  const gradient = new Float64Array(flat.length);
  const [parts, slopes] = [partsOf(flat, settings), partsOf(gradient, settings)];
  const pass = passOf(settings, settings.batch);
  const batch = fill(batchOf(settings.batch, settings.lookups), draw);
  const check = checkGradient(settings, flat, pass, batch);
  const update = adam(flat.length, settings.rate);
  const losses = new Float64Array(settings.steps);
  let taken = 0;

  function step() {
    losses[taken] = forward(parts, pass, batch);
    backward(parts, slopes, pass, batch);
    update(flat, gradient);
    taken += 1;
    fill(batch, draw);
  }

  function result() {
    const examples = fill(batchOf(FRESH, settings.lookups), draw);
    const judged = passOf(settings, FRESH);
    const loss = forward(parts, judged, examples);
    return { settings, losses, loss, accuracy: accuracyOf(judged, examples), ...receivedOf(judged, examples), parameters: flat, check };
  }

  return { step, result, taken: () => taken, isDone: () => taken === settings.steps, curve: () => curveOf(losses, taken) };
}

/** Points [step, mean loss of the EVERY steps up to it] of the steps that were taken. */
export function curveOf(losses, taken = losses.length) {
  return Array.from({ length: Math.floor(taken / EVERY) }, (_, i) => {
    const some = losses.subarray(i * EVERY, (i + 1) * EVERY);
    return [(i + 1) * EVERY, some.reduce((a, b) => a + b, 0) / EVERY];
  });
}
