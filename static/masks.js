/** Why a query may not look at a key, in words; `attention/figures/alt.py` has the same for pictures made in Python. */

const REASONS = {
  causal: "the query comes before this key",
  window: "this key is out of the query’s window",
  padding: "this key is padding",
  own: "the model’s own mask closes it",
  edit: "your change closes it",
  unknown: "this query may not look here",
};
const ALL = {
  causal: "the query comes before them",
  window: "they are out of its window",
  padding: "they are padding",
  own: "the model’s own mask closes them",
  edit: "your change closes them",
};

/**
 * Why a query may not look at a key: a word for the reason, "" where it may. rule: {before, after, keys, bits} of a layer.
 * isCut: whether a change of the run closes it; what the model closes anyway is the model's doing.
 */
export function reasonOf({ before, after, keys, bits }, query, key, isOpen, isCut = false) {
  if (isOpen) return "";
  if (bits) return isCut ? "edit" : "own";
  if (after !== null && key > query + after) return after === 0 ? "causal" : "window";
  if (before !== null && key < query - before) return "window";
  return keys && !keys[key] ? "padding" : isCut ? "edit" : "unknown";
}

/** The reason as the end of a sentence: “the query comes before this key”. A window says how many tokens it holds. */
export function whyMasked(head, query, key) {
  const reason = head.why?.(query, key) || "unknown";
  const size = reason === "window" ? head.windowSize : null;
  return size ? `${REASONS.window} of ${size} tokens` : REASONS[reason];
}

/** How many keys a query may not look at, and why, as a sentence with a space before it; "" where it may look at all. */
export function maskedKeys(head, query) {
  const allowed = head.allowed(query);
  const closed = allowed ? [...allowed.keys()].filter((key) => !allowed[key]) : [];
  const reasons = closed.map((key) => head.why?.(query, key)).filter((reason) => reason in ALL);
  const parts = Object.keys(ALL).map((reason) => [reasons.filter((one) => one === reason).length, ALL[reason]]).filter(([count]) => count);
  if (!parts.length) return "";
  return ` Masked: ${parts.map(([count, why]) => `${count} of ${head.keys} keys, because ${why}`).join("; ")}.`;
}
