/** What is made in the browser against what the model itself put out, and what is said of it. */

/** {gap, size, live}: the largest difference from the model's own output (n_q, h, v), its largest number, rows compared. */
export function differenceOf(made, own, at) {
  const [, count, width] = own.shape;
  const ours = made.output;
  let [gap, size, live] = [0, 0, 0];
  for (let query = 0; query < made.queries; query++) {
    // A row that may see nothing has no right answer: ours is 0, a model's own code spreads it evenly.
    if (!made.allowed(query).includes(1)) continue;
    live += 1;
    for (let i = 0; i < width; i++) {
      const theirs = own[(query * count + at) * width + i];
      gap = worse(gap, Math.abs(ours[query * width + i] - theirs));
      size = worse(size, Math.abs(theirs));
    }
  }
  return { gap, size, live };
}

/** The larger one; what is not a number is the worst of all. */
const worse = (most, value) => (value <= most || Number.isNaN(most) ? most : value);

export function verdict({ gap, size, live }, allowed) {
  if (!live) return unchecked(allowed, "no query may look at anything");
  const relative = gap === 0 ? 0 : gap / size;
  const ok = relative <= allowed;
  const limit = `of its largest number; ${brief(allowed)} is allowed.`;
  const words = ok
    ? `Made in this browser, the output equals the model’s own within ${brief(relative)} ${limit}`
    : `Do not trust this head: made in this browser, its output differs from the model’s own by ${brief(relative)} ${limit}`;
  return { ok, absolute: gap, relative, allowed, words };
}

export function unchecked(allowed, why) {
  return { ok: null, absolute: NaN, relative: NaN, allowed, words: `This head could not be checked: ${why}.` };
}

function brief(value) {
  if (!Number.isFinite(value)) return "more than can be told";
  return value === 0 ? "0" : value.toExponential(1).replace("-", "−");
}
