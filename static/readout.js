/**
 * What a cell of the panels says: both tokens, its exact number, and how that was made. Every number comes from the
 * arrays that the browser already has. `given` is the payload of the `figures` component.
 */

/** The function (given, panel, {row, column}) → elements, one a line; `ui` are the helpers of headlight.js. */
export function readout(ui) {
  const words = (kind, ...text) => ui.make("span", { class: `hl-${kind}` }, ...text);
  const line = (...parts) => ui.make("div", {}, ...parts);

  function sentences(given, panel, { row, column }) {
    const { queries, keys } = given;
    const query = words("query", ...ui.named(queries, row));
    if (panel.name === "values") return valueSentences(given, panel, query, row, column);
    if (column >= keys.length) return sinkSentences(given, query, row);
    const pair = line(query, " → ", words("key", ...ui.named(keys, column)));
    if (closed(given, row, column) && (panel.name === "weights" || panel.given.current === "masked")) {
      return [pair, line("masked: this query may not look here")];
    }
    return [pair, ...(panel.name === "weights" ? weightSentences(given, panel, row, column) : scoreSentences(given, panel, row, column))];
  }

  const closed = (given, row, column) => Number.isNaN(ui.row(given.stages.weights, row)[column]);

  /** q·k, then each step up to the one that is shown, with its number. */
  function scoreSentences(given, panel, row, column) {
    const { stages, titles } = given;
    const names = Object.keys(titles);
    const until = names.includes(panel.given.current) ? names.indexOf(panel.given.current) : names.length - 1;
    const steps = names.slice(0, until + 1).filter((name) => name in stages);
    if (panel.given.current === "masked" && !(names.at(-1) in stages)) steps.push("masked");
    return steps.map((name, i) => {
      const value = ui.number(ui.row(stages[name], row)[column], 5);
      const title = titles[name] ?? "enters the softmax as";
      return i ? line(title, " = ", words("value", value)) : line(title, " ", words("value", value));
    });
  }

  /** weight = exp(s − max) / Σ, with the row's own max and sum. */
  function weightSentences(given, panel, row, column) {
    const { stages, sink } = given;
    if (panel.given.current !== "weights") return broughtSentences(given, panel, row, column);
    const weight = line("weight ", words("value", ui.decimals(ui.row(stages.weights, row)[column], 4)));
    if (!stages.masked) return [weight];
    const scores = ui.row(stages.masked, row);
    const open = scores.filter((score) => !Number.isNaN(score));
    const top = open.reduce((most, score) => Math.max(most, score), sink ? sink.logit : -Infinity);
    const total = open.reduce((sum, score) => sum + Math.exp(score - top), sink ? Math.exp(sink.logit - top) : 0);
    const text = `= exp(${ui.number(scores[column])} − ${bracket(ui.number(top))}) / ${ui.number(total)}`;
    return [weight, line(text)];
  }

  /** The key's share of what the query is brought, beside its weight. */
  function broughtSentences(given, panel, row, column) {
    const z = ui.row(panel.given.figure.data[0].z, row)[column];
    const weight = ui.row(given.stages.weights, row)[column];
    const share = panel.given.current === "norms" ? z : z + weight;
    const lines = [line("share of what is brought ", words("value", ui.decimals(share, 4))), line(`weight ${ui.decimals(weight, 4)}`)];
    return panel.given.current === "norms" ? lines : [line("share − weight ", words("value", ui.decimals(z, 4))), ...lines];
  }

  const bracket = (text) => (text.startsWith("−") ? `(${text})` : text);

  function sinkSentences(given, query, row) {
    const share = ui.decimals(given.sink.weights[row], 4);
    return [line(query, " → sink"), line("share ", words("value", share)), line("taken by the learned sink, given to no token")];
  }

  function valueSentences(given, panel, query, row, column) {
    const { value, stages, keys } = given;
    const z = ui.row(panel.given.figure.data[0].z, row)[column];
    const first = line(query, ` · dimension ${column} `, words("value", ui.number(z)));
    if (panel.given.current !== "output" || !value) return [first];
    const weights = ui.row(stages.weights, row);
    const terms = [...weights].map((weight, key) => (Number.isNaN(weight) ? 0 : weight * ui.row(value, key)[column]));
    const best = terms.reduce((top, term, key) => (Math.abs(term) > Math.abs(terms[top]) ? key : top), 0);
    const made = `${ui.decimals(weights[best] || 0, 4)} × ${ui.number(ui.row(value, best)[column])} = ${ui.number(terms[best])}`;
    return [first, line("= Σ weight × value; most of it from ", words("key", ...ui.named(keys, best))), line(made)];
  }
  return sentences;
}
