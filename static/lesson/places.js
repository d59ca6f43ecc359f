/** How models tell places apart, as closed forms: waves that are added, turns of queries and keys, and biases by distance. */

const LONGEST_WAVE = 10_000;

/** The frequencies of d / 2 pairs of dimensions: 10000^(−2i/d) (Vaswani et al. 2017, §3.5; Su et al. 2021, §3.2.2). */
export function frequencies(d) {
  return Float64Array.from({ length: d / 2 }, (_, i) => LONGEST_WAVE ** ((-2 * i) / d));
}

/** The sinusoidal encoding of a place: sine in even, cosine in odd dimensions. */
export function sinusoid(place, d) {
  const made = new Float64Array(d);
  frequencies(d).forEach((frequency, i) => {
    made[2 * i] = Math.sin(place * frequency);
    made[2 * i + 1] = Math.cos(place * frequency);
  });
  return made;
}

/** A vector whose neighbouring pairs of dimensions are turned by place × frequency, as rotary positions turn q and k. */
export function turned(vector, place) {
  const made = Float64Array.from(vector);
  frequencies(vector.length).forEach((frequency, i) => {
    const [cos, sin] = [Math.cos(place * frequency), Math.sin(place * frequency)];
    const [a, b] = [vector[2 * i], vector[2 * i + 1]];
    made[2 * i] = a * cos - b * sin;
    made[2 * i + 1] = a * sin + b * cos;
  });
  return made;
}

/** ALiBi's slopes of h heads, h a power of two: 2^(−8/h), 2^(−16/h), … (Press et al. 2022, §3). */
export function slopes(h) {
  return Float64Array.from({ length: h }, (_, head) => 2 ** ((-8 * (head + 1)) / h));
}

/**
 * T5's bucket of a key that lies `distance` places after its query (before: negative): the near ones one by one, farther ones
 * together, on a logarithmic scale (Raffel et al. 2020, §2.1). both: an encoder's, half of the buckets for each direction.
 */
export function bucketOf(distance, { both = true, count = 32, most = 128 } = {}) {
  const own = both ? count / 2 : count;
  const from = both && distance > 0 ? own : 0;
  const size = both ? Math.abs(distance) : Math.max(0, -distance);
  const near = own / 2;
  if (size < near) return from + size;
  const far = near + Math.floor((Math.log(size / near) / Math.log(most / near)) * (own - near) + 1e-9);
  return from + Math.min(own - 1, far);
}
