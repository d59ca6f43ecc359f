/** Answers of lesson 6: masks. */

const version = new URL(import.meta.url).search;
const { softmax } = await import(`../tiny.js${version}`);

const CODES = { "tril(ones)": 0, "tril(ones, diagonal=-1)": -1, "~triu(ones, diagonal=1)": 0, "~triu(ones, diagonal=0)": -1 };
// What True means to each: that a key takes part.
const LIBRARIES = { "nn.MultiheadAttention": false, "F.scaled_dot_product_attention": true, "the attention_mask of transformers": true };

export const answers = {
  /** 28: a weight of the second of three tokens, under a causal mask. */
  causal_weight: (random) => {
    const [a, b, c] = [random.int(-2, 2), random.int(-2, 2), random.int(3, 6)];
    return { given: { a, b, c }, answer: softmax([a, b, -Infinity])[0] };
  },
  /** 29: what the second row sums to where the mask comes after the softmax. */
  masked_after: (random) => {
    const [a, b, c] = [random.int(-2, 2), random.int(-2, 2), random.int(-2, 2)];
    const [first, second] = softmax([a, b, c]);
    return { given: { a, b, c }, answer: first + second };
  },
  /** 30: how many cells are True. */
  open_cells: (random) => {
    const n = random.int(4, 20);
    const code = random.pick(Object.keys(CODES));
    let open = 0;
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) if (j - i <= CODES[code]) open++;
    return { given: { n, code }, answer: open };
  },
  /** 31: what the first key weighs where a finite number stands for −∞: in a row that sees nothing, or beside a score as low. */
  low_fill: (random) => {
    const keys = random.int(3, 8);
    if (random.pick([true, false])) {
      return { given: { keys, seen: "none of them", fill: "−1e9" }, answer: softmax(Array(keys).fill(-1e9))[0] };
    }
    const low = random.int(9_997, 10_003);
    const seen = `only the first, whose own score is −${low.toLocaleString("en")}`;
    return { given: { keys, seen, fill: "−10,000" }, answer: softmax([-low, ...Array(keys - 1).fill(-10_000)])[0] };
  },
  /** 32: whether a key takes part, by library and flag. */
  flag: (random) => {
    const library = random.pick(Object.keys(LIBRARIES));
    const flag = random.pick(["True", "False"]);
    return { given: { library, flag }, answer: (flag === "True") === LIBRARIES[library] ? 0 : 1 };
  },
  /** 33: how many keys a row sees under a causal mask and padding. */
  both_masks: (random) => {
    const places = random.int(8, 16);
    const words = random.int(3, places - 3);
    const row = random.int(2, places);
    let seen = 0;
    for (let key = 1; key <= places; key++) if (key <= row && key <= words) seen++;
    return { given: { places, words, row }, answer: seen };
  },
  /** 34: how many rows may change when one token does. */
  rows_changed: (random) => {
    const n = random.int(6, 40);
    const at = random.int(2, n);
    const kind = random.pick(["a causal mask", "no mask"]);
    let changed = 0;
    for (let row = 1; row <= n; row++) if (kind === "no mask" || at <= row) changed++;
    return { given: { n, at, kind }, answer: changed };
  },
};
