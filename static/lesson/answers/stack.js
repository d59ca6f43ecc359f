/** Answers of the lesson on the encoder-decoder stack. */

export const answers = {
  /** 60: open cells of all three attentions, for a text that is read and one that is written. */
  three_masks: (random) => {
    const [source, target] = [random.int(3, 20), random.int(3, 20)];
    let open = source * source + target * source;
    for (let row = 1; row <= target; row++) open += row;
    return { given: { source, target }, answer: open, tolerance: 0 };
  },
};
