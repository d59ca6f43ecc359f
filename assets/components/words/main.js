/** Lines of words about what is shown: what a head does, what ran, and what was checked. */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { term, watchTerms }] = await Promise.all(["headlight", "terms"].map(shared));
const ui = start(HEADLIGHT);
const states = new WeakMap();

const TERM = "term:";

/** One line: its parts beside each other, each with what it is: plain, small, good, bad, open, or a term with its key. */
function line(parts) {
  const made = parts.map(({ sort, text }) => {
    if (sort.startsWith(TERM)) return ui.make("small", { class: "hl-small" }, term(sort.slice(TERM.length), text));
    // A failed check is said at once to whoever listens to the page.
    const role = sort === "bad" ? { role: "alert" } : {};
    return ui.make(sort === "small" ? "small" : "span", { class: `hl-${sort}`, ...role }, text);
  });
  return ui.make("p", {}, ...made.flatMap((part, index) => (index ? [" ", part] : [part])));
}

export default function ({ data, parentElement }) {
  ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => {
    const root = ui.make("div");
    parentElement.append(root);
    watchTerms(parentElement);
    return { root, bytes: null };
  });
  if (state.bytes === data) return;
  state.bytes = data;
  const { place, lines } = ui.parse(data);
  state.root.className = `hl-${place}`;
  state.root.replaceChildren(...lines.map(line));
}
