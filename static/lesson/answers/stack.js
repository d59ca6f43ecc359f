/** Answers of the lesson on the encoder-decoder stack. */

export const answers = {
  /** 60: open cells of all three attentions, for a text that is read and one that is written. */
  three_masks: (random) => {
    const [source, target] = [random.int(3, 20), random.int(3, 20)];
    let open = source * source + target * source;
    for (let row = 1; row <= target; row++) open += row;
    return { given: { source, target }, answer: open, tolerance: 0 };
  },

  /** How many rows of keys cross-attention makes, kept from the first step on or made anew at each. */
  made_once: (random) => {
    const [layers, source, target] = [random.int(2, 6), random.int(5, 30), random.int(4, 12)];
    const isKept = random.pick([true, false]);
    const how = isKept ? "if what is made is kept" : "if all are made anew at every step";
    const times = isKept ? "once" : `${target} times`;
    return { given: { layers, source, target, how, times }, answer: layers * source * (isKept ? 1 : target), tolerance: 0 };
  },

  /** How long a stream is after blocks that add at right angles, by where the norm stands. */
  stream_length: (random) => {
    const [blocks, isBefore] = [random.int(2, 40), random.pick([true, true, false])];
    return { given: { blocks, where: isBefore ? "before each block’s work, on what the block reads" : "after each block’s sum" }, answer: isBefore ? Math.sqrt(blocks + 1) : 1 };
  },
};
