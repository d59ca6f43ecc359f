/** Whether the backward pass that is written by hand is the slope of the loss, by finite differences. */
const version = new URL(import.meta.url).search;
const [{ backward, forward, partsOf }] = await Promise.all(["./model"].map((name) => import(`${name}.js${version}`)));

const STEP = 1e-4;
// How many parameters of each learned array are moved, evenly spread.
const EACH = 3;
// Central differences of this step miss a slope by about its square; a wrong formula misses it by its own size.
export const ALLOWED = 1e-5;

/**
 * The largest difference between gradient and finite differences, as a share of the largest slope seen: {worst, ok}.
 * The parameters are as before afterwards. `differentiate` is the backward pass that is held against them.
 */
export function checkGradient(sizes, flat, pass, batch, differentiate = backward) {
  const [parts, gradient] = [partsOf(flat, sizes), new Float64Array(flat.length)];
  forward(parts, pass, batch);
  differentiate(parts, partsOf(gradient, sizes), pass, batch);
  let [worst, largest] = [0, 0];
  for (const at of placesIn(parts, flat)) {
    const slope = slopeAt(parts, flat, pass, batch, at);
    worst = Math.max(worst, Math.abs(slope - gradient[at]));
    largest = Math.max(largest, Math.abs(slope));
  }
  return { worst: worst / largest, ok: worst <= ALLOWED * largest };
}

/** Some places of each part in the flat array. */
function placesIn(parts, flat) {
  return Object.values(parts).flatMap((part) => {
    const from = (part.byteOffset - flat.byteOffset) / flat.BYTES_PER_ELEMENT;
    return Array.from({ length: EACH }, (_, i) => from + Math.floor(((i + 0.5) * part.length) / EACH));
  });
}

function slopeAt(parts, flat, pass, batch, at) {
  const own = flat[at];
  flat[at] = own + STEP;
  const above = forward(parts, pass, batch);
  flat[at] = own - STEP;
  const below = forward(parts, pass, batch);
  flat[at] = own;
  return (above - below) / (2 * STEP);
}
