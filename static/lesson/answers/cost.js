/** Answers of the lesson on cost. */

const version = new URL(import.meta.url).search;
const { cacheBytes, costOf, stepOf } = await import(`../cost.js${version}`);

export const answers = {
  /** 46: attention's multiply-adds as a share of the projections'. */
  share_of_projections: (random) => {
    const d = random.pick([64, 128, 256, 512, 768, 1024, 4096]);
    const n = random.pick([128, 256, 512, 1024, 2048, 4096, 8192]);
    const { projections, attention } = costOf({ n, m: d });
    return { given: { d, n }, answer: attention / projections };
  },

  /** At how many tokens two counts are equal, each time said of what against what. */
  equal_counts: (random) => {
    const d = random.pick([64, 128, 256, 512, 1024]);
    const [what, other, times] = random.pick([
      ["a whole attention layer", "a GRU", 1], ["a whole attention layer", "an LSTM", 2], ["attention’s n² part alone", "a plain recurrent layer", 1],
      ["attention’s n² part alone", "an LSTM", 4], ["attention’s n² part alone", "a GRU", 3],
    ]);
    return { given: { d, what, other }, answer: times * d, tolerance: 0 };
  },

  /** The weights of all heads against q, k, v and the output. */
  stored_maps: (random) => {
    const heads = random.pick([4, 8, 12, 16]);
    const d = heads * random.pick([32, 64, 128]);
    const n = random.pick([128, 256, 512, 1024, 2048]);
    const { maps, kept } = costOf({ n, m: d, h: heads });
    return { given: { d, heads, n }, answer: maps / kept };
  },

  /** What grouped queries share: keys and values, not maps. */
  shared_keys: (random) => {
    const kv = random.pick([1, 2, 4, 8]);
    const heads = kv * random.pick([2, 4, 8]);
    const [what, answer] = random.pick([
      ["How many maps of weights of its own does the layer make for a text?", heads],
      ["How many times smaller is its cache than if every query head had keys and values of its own?", heads / kv],
    ]);
    return { given: { heads, kv, what }, answer, tolerance: 0 };
  },

  /** Multiply-adds of one more token with a cache, with or without a window of keys. */
  next_token: (random) => {
    const d = random.pick([64, 128, 256, 512]);
    const n = random.pick([100, 500, 1000, 2000, 5000]);
    const w = random.pick([50, 200, n]);
    const { cached, windowed } = stepOf({ n, m: d, w });
    const isWindowed = w < n;
    return { given: { d, n, window: isWindowed ? ` and a sliding window of the last ${w} keys` : "" }, answer: isWindowed ? windowed : cached };
  },

  /** 47: a cache of keys and values, in MiB. */
  cache_size: (random) => {
    const layers = random.pick([12, 24, 32, 48]);
    const kv = random.pick([1, 4, 8, 16]);
    const heads = kv * random.pick([2, 4]);
    const width = random.pick([64, 128]);
    const n = random.pick([1024, 2048, 4096, 8192]);
    const bytes = random.pick([1, 2, 4]);
    return { given: { layers, heads, kv, width, n, bytes }, answer: (n * cacheBytes({ layers, kvHeads: kv, width, bytes })) / 2 ** 20 };
  },
};
