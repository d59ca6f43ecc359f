/**
 * What a cell of the panels says: both tokens, its exact number, and how that was made. Every number is made here, from
 * what travelled. A place is {query, key} (or {query, dimension}, or {query, sink: true}).
 */

const version = new URL(import.meta.url).search;
const [{ whyMasked }, { outputWords, rowWords }] = await Promise.all(["masks", "edits"].map((name) => import(`./${name}.js${version}`)));

/** The function (shown, panel, place) → elements, one a line; `ui` are the helpers of headlight.js. */
export function readout(ui, { exponentials, titlesOf, stageOf, layerOf }) {
  const words = (kind, ...text) => ui.make("span", { class: `hl-${kind}` }, ...text);
  const line = (...parts) => ui.make("div", {}, ...parts);
  const bracket = (text) => (text.startsWith("−") ? `(${text})` : text);

  function sentences(shown, panel, place) {
    const { tokens } = shown.run;
    const query = words("query", ...ui.named(ui.namesOf(tokens.queries), place.query));
    if (panel.name === "values") return valueSentences(shown, panel, query, place);
    if (place.sink) return sinkSentences(shown, query, place);
    const pair = line(query, " → ", words("key", ...ui.named(ui.namesOf(tokens.keys), place.key)));
    const { head, look } = shown;
    const masked = panel.name === "weights" || stageOf(head, look.stage) === "masked";
    const rows = head.rows(place.query);
    if (!rows) return [pair, ...bareSentences(panel, place)];
    if (masked && !head.allowed(place.query)[place.key] && !rows.weights[place.key]) return [pair, line(`masked: ${whyMasked(head, place.query, place.key)}`)];
    return [pair, ...(panel.name === "weights" ? weightSentences(shown, panel, place, rows) : scoreSentences(shown, place, rows))];
  }

  /** What a cell says whose row did not travel: its number alone. */
  const BARE = { norms: "share of what is brought ", difference: "share − weight " };
  const bareSentences = ({ name, what }, { value }) => [line(name === "weights" ? BARE[what] ?? "weight " : "score ", words("value", ui.number(value, 5)))];

  /** q·k, then each step up to the one that is shown, with its number. */
  function scoreSentences({ run, head, look }, { key }, rows) {
    const titles = titlesOf(head, layerOf(run, head.layer)?.titles ?? {});
    const stage = stageOf(head, look.stage);
    const steps = Object.keys(titles);
    const until = steps.includes(stage) ? steps.slice(0, steps.indexOf(stage) + 1) : steps;
    return until.map((name, i) => {
      const value = words("value", ui.number(rows[name][key], 5));
      return i ? line(titles[name], " = ", value) : line(titles[name], " ", value);
    });
  }

  /** weight = exp(s − max) / Σ, with the row's own max and sum. */
  function weightSentences(shown, panel, place, rows) {
    const { head, look } = shown;
    if (look.weights !== "weights") return broughtSentences(panel, place, rows);
    const weight = line("weight ", words("value", ui.decimals(rows.weights[place.key], 4)));
    if (head.isHidden(place.key)) return [weight, line("left out on this page")];
    const edit = head.changedRow?.(place.query);
    if (edit) return [weight, line(rowWords(edit)), line(`the softmax gave ${ui.decimals(rows.softmaxed[place.key], 4)}`)];
    const made = exponentials(head, rows.masked, head.sinkLogit(place.query));
    if (!made || made.top === null) return [weight];
    const text = `= exp(${ui.number(rows.masked[place.key])} − ${bracket(ui.number(made.top))}) / ${ui.number(made.total)}`;
    return [weight, line(text)];
  }

  /** The key's share of what the query is brought, beside its weight. */
  function broughtSentences(panel, place, rows) {
    const weight = rows.weights[place.key];
    const share = panel.what === "norms" ? place.value : place.value + weight;
    const lines = [line("share of what is brought ", words("value", ui.decimals(share, 4))), line(`weight ${ui.decimals(weight, 4)}`)];
    return panel.what === "norms" ? lines : [line("share − weight ", words("value", ui.decimals(place.value, 4))), ...lines];
  }

  function sinkSentences({ head, look }, query, place) {
    const share = ui.decimals(head.sinkShare(place.query), 4);
    return [line(query, " → sink"), line("share ", words("value", share)), line(look.hide.includes("sink") ? "left out on this page" : "taken by the learned sink, given to no token")];
  }

  function valueSentences({ run, head, look }, panel, query, place) {
    const first = line(query, ` · dimension ${place.dimension} `, words("value", ui.number(place.value)));
    const edit = look.values === "output" ? head.changedOutput?.(place.query) : null;
    if (edit) return [first, line(outputWords(edit))];
    const value = head.part?.("value");
    const weights = head.row("weights", place.query);
    if (look.values !== "output" || !value || !weights) return [first];
    const scale = head.outputScale(place.query);
    const terms = [...weights].map((weight, key) => scale * weight * value[key * head.width + place.dimension]);
    const best = terms.reduce((top, term, key) => (Math.abs(term) > Math.abs(terms[top]) ? key : top), 0);
    const made = `${ui.decimals(scale * weights[best], 4)} × ${ui.number(value[best * head.width + place.dimension])} = ${ui.number(terms[best])}`;
    return [first, line("= Σ weight × value; most of it from ", words("key", ...ui.named(ui.namesOf(run.tokens.keys), best))), line(made)];
  }
  return sentences;
}
