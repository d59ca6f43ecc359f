/** Word by word, in plain terms: what each token looks for, which key fits that best, and what it takes from whom. */

const version = new URL(import.meta.url).search;
const [{ ui }, { button, line }, { fine, named, percent, ranked, rowOf, said }] = await Promise.all(
  ["../headlight", "../draw/inputs", "./words"].map((name) => import(`${name}.js${version}`)));

const SHOWN = 3;
const TITLES = [["query", "looks for (query)"], ["key", "fits it best (key)"], ["value", "takes (value)"]];

/** What is said of token `i` of the chosen head: {query, key, value}, each a few words. Where numbers have names, with these. */
export function wordOf(now, i) {
  const { names, dims, head, group, step: { pass } } = now;
  const [best, ...others] = ranked(rowOf(pass.weights, i, head)).slice(0, SHOWN);
  const nameOf = (at) => (at === i ? "itself" : said(names[at]));
  const carried = (at) => named(rowOf(pass.value, at, group), dims, 2);
  const takes = [best, ...others].filter(([, weight], rank) => !rank || weight >= 0.005);
  return {
    query: dims ? asked(rowOf(pass.query, i, head), dims) : listed(rowOf(pass.query, i, head)),
    key: `${nameOf(best[0])}${dims ? offered(rowOf(pass.query, i, head), rowOf(pass.key, best[0], group), dims) : `, score ${fine(rowOf(pass.tempered, i, head)[best[0]])}`}`,
    value: takes.map(([at, weight]) => `${percent(weight)} of ${nameOf(at)}${dims ? `, which carries ${carried(at)}` : ""}`).join("; "),
  };
}

const listed = (values) => `(${Array.from(values.slice(0, SHOWN), fine).join(", ")}${values.length > SHOWN ? ", …" : ""})`;

/** What a query asks for by name: its numbers above 0, for those below 0 only turn others away. */
function asked(query, dims) {
  const found = Array.from(query, (value, at) => [at, value]).filter(([, value]) => value > 0.005).sort((a, b) => b[1] - a[1]).slice(0, 2);
  return found.length ? found.map(([at]) => said(dims[at])).join(" and ") : "nothing: its query is 0 or only turns away";
}

/** By which named number a key answers a query, if by any. */
function offered(query, key, dims) {
  const [at, product] = Array.from(query, (value, d) => [d, value * key[d]]).reduce((best, one) => (one[1] > best[1] ? one : best), [0, 0]);
  return product > 0.005 ? `, which offers ${said(dims[at])}` : ": no key has what it asks for";
}

/** {root, draw(now)}; pin(query) pins a token, use(preset) takes a head made by hand. */
export function byWord({ pin, use }) {
  const table = ui.make("table");
  const hint = line(ui.make("span", { class: "note" }, "These weights are random, so what is looked for has no name, only numbers."), button("Let each word look for something: “previous token”", () => use("previous")));
  const root = ui.make("section", { class: "byword", "aria-label": "Word by word" }, ui.make("h2", {}, "Word by word"),
    ui.make("p", { class: "said" }, "A query is what a word looks for, a key is what it offers to be found by, a value is what it carries to whoever looks at it. Press a word to follow it through all steps below."),
    table, hint);
  const own = { table, hint, pin, rows: [], known: "" };
  return { root, draw: (now) => draw(own, now) };
}

function draw(own, now) {
  own.hint.hidden = now.dims !== null;
  const known = now.names.join("\u0000");
  if (known !== own.known) Object.assign(own, { known, rows: now.names.map((name, i) => rowFor(own, name, i)) });
  if (own.table.tBodies[0]?.rows[0] !== own.rows[0]?.root) {
    const head = ui.make("tr", {}, ui.make("th", { scope: "col" }, "word"), ...TITLES.map(([name, title]) => ui.make("th", { scope: "col", class: name }, title)));
    own.table.replaceChildren(ui.make("thead", {}, head), ui.make("tbody", {}, ...own.rows.map(({ root }) => root)));
  }
  own.rows.forEach(({ chip, cells }, i) => {
    chip.setAttribute("aria-pressed", String(i === now.i));
    const words = wordOf(now, i);
    TITLES.forEach(([name], at) => { cells[at].textContent = words[name]; });
  });
}

function rowFor(own, name, i) {
  const chip = button(name, () => own.pin(i));
  const cells = TITLES.map(([, title]) => ui.make("td", { "data-title": title }));
  return { root: ui.make("tr", {}, ui.make("th", { scope: "row" }, chip), ...cells), chip, cells };
}
