/** Answers of the lesson on cost. */

const version = new URL(import.meta.url).search;
const { cacheBytes, costOf } = await import(`../cost.js${version}`);

export const answers = {
  /** 46: attention's multiply-adds as a share of the projections'. */
  share_of_projections: (random) => {
    const d = random.pick([64, 128, 256, 512, 768, 1024, 4096]);
    const n = random.pick([128, 256, 512, 1024, 2048, 4096, 8192]);
    const { projections, attention } = costOf({ n, m: d });
    return { given: { d, n }, answer: attention / projections };
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
