/**
 * The changes of the run that are offered for the head in view: what each is called, what it writes, and why it cannot be
 * made where it cannot. A line of them is a change's own form, see `static/edits.js`.
 */
const version = new URL(import.meta.url).search;
const [{ ui }, { editOf, lineOf }] = await Promise.all(["../headlight", "../edits"].map((name) => import(`${name}.js${version}`)));

const MOST = 64;
// How much of the weight a head must leave with the first token, on average, to be one that rests there.
const RESTS = 0.5;
// The bounds and the digits of a temperature, as a link has them.
const [COLDEST, HOTTEST, DIGITS] = [1 / 16, 16, 4];

/** The pinned query, and the key that is looked at or else has the largest weight: {query, key}; null where none is known. */
export function pairOf({ head, look }) {
  const row = head.row("weights", look.query);
  const best = row ? row.reduce((top, weight, key) => (weight > row[top] ? key : top), 0) : 0;
  return { query: look.query, key: look.key !== null && look.key < head.keys ? look.key : best };
}

/** Groups of what can be changed: [{key: its term's, title, items: [{label, line, why}]}]. */
export function offered(shown) {
  const { run, head } = shown;
  const place = { kind: run.kinds?.length > 1 ? run.kind : "", layer: head.layer };
  const here = { ...place, head: head.head };
  return [
    { key: "edit.off", title: "Switch off this head (ablate)", items: [
      item("set it to zero", { verb: "off", ...here, how: "zero" }),
      item("set it to its mean over reference texts", { verb: "off", ...here, how: "mean" }),
      item("set each row to the mean of the rows so far", { verb: "off", ...here, how: "running" }),
      item("let it rest on the first token", { verb: "off", ...here, how: "first" }, restsNot(head)),
    ] },
    { key: "edit.layer", title: "Switch off this layer", items: [item(`all heads of layer ${head.layer} to zero`, { verb: "off", ...place, how: "zero" })] },
    ...ofTokens(shown, place, here),
  ];
}

function ofTokens({ run, head, look }, place, here) {
  const { query, key } = pairOf({ head, look });
  const [queries, keys] = [ui.namesOf(run.tokens.queries), ui.namesOf(run.tokens.keys)];
  const [asks, seen] = [`“${queries[query]}”`, `“${keys[key]}”`];
  const alone = onlyKey(head, query, key, asks);
  const closed = alone || (head.allowed(query)?.[key] === 0 ? `${asks} does not see it as it is` : "");
  const hides = [...new Set([key, ...(run.tokens.same ? [query] : [])])];
  return [
    { key: "edit.even", title: `Even out the row of ${asks} (uniform attention)`, items: [item("spread it over all that it may see", { verb: "even", ...here, query })] },
    { key: "edit.cut", title: `Cut the edge ${asks} → ${seen}`, items: [
      item("in this head", { verb: "cut", ...here, query, key }, closed),
      item("in every head and layer", { verb: "cut", kind: place.kind, query, key }, closed),
    ] },
    { key: "edit.hide", title: "Hide a token from all others, in every layer", items: hides.map((hidden) => item(`hide “${keys[hidden]}”`,
      { verb: "hide", kind: place.kind === "cross" ? "encoder" : place.kind, key: hidden }, head.keys === 1 ? "there is no other token" : "")) },
  ];
}

const item = (label, edit, why = "") => ({ label, line: lineOf(edit), why });

/** Why a head cannot be told to rest on the first token, or "". */
function restsNot(head) {
  if (head.window) return "it is not known of a text of this length how much it rests there";
  let [total, rows] = [0, 0];
  for (let query = 1; query < head.queries; query++) {
    if (head.allowed(query).indexOf(1) < 0) continue;
    total += head.row("weights", query)[head.allowed(query).indexOf(1)];
    rows += 1;
  }
  const mean = rows ? total / rows : 0;
  return mean >= RESTS ? "" : `for heads that mostly rest there; this one leaves ${ui.decimals(mean, 2)} of its weight with it on average`;
}

/** Why a query's edge to a key cannot be cut: it is the only one. */
function onlyKey(head, query, key, asks) {
  const open = head.allowed(query);
  if (!open) return "";
  return open[key] && open.reduce((sum, one) => sum + one, 0) === 1 ? `it is all that ${asks} may see` : "";
}

/** The lines with one more; one that says another thing of the same head, row or edge takes the place of the earlier. */
export function withLine(lines, line) {
  const same = (edit) => edit && lineOf({ ...edit, how: "", temperature: 1 }).replace(/-t1$/u, "");
  const isOther = (one) => same(editOf(one)) !== same(editOf(line));
  return [...lines.filter(isOther), line].slice(-MOST);
}

/** The lines with the look's own temperature and left out keys as changes of the run; `hidden` are those keys. */
export function fromLook({ run, head }, look, hidden) {
  const here = { kind: run.kinds?.length > 1 ? run.kind : "", layer: head.layer, head: head.head };
  let lines = look.edits;
  if (look.temperature !== 1) {
    const wanted = Math.min(HOTTEST, Math.max(COLDEST, Number((look.temperature * head.heat).toPrecision(DIGITS))));
    lines = withLine(lines, lineOf({ verb: "temper", ...here, temperature: wanted }));
  }
  return hidden.reduce((found, key) => withLine(found, lineOf({ verb: "cut", ...here, key })), lines);
}
