/** Which links are drawn, by weight and by number, and whether the tokens stand in two columns or in one. */
const version = new URL(import.meta.url).search;
const [{ ui }, { explained, term }] = await Promise.all(["headlight", "terms"].map((name) => import(`../${name}.js${version}`)));
const TOPS = [0, 1, 3, 5, 10];

/** {labels: the two of them, write(look)}. */
export function thresholds({ store }) {
  const least = ui.make("input", { type: "range", min: "0", max: "1", step: "0.01", class: "least", "aria-label": "Smallest weight that is drawn" });
  const words = ui.make("output", { class: "number" });
  const top = ui.make("select", { class: "top", "aria-label": "Most links of a token that are drawn" });
  least.addEventListener("input", () => store.change({ least: Number(least.value) }));
  top.addEventListener("change", () => store.change({ top: Number(top.value) }));
  const write = (look) => {
    if (Number(least.value) !== look.least) least.value = String(look.least);
    words.textContent = ui.decimals(look.least, 2);
    offer(top, look.top);
  };
  return { labels: [part("least", "weight from", least, words), part("top", "strongest of a token", top)], write };
}

/** A control and what it is called, which is explained. */
const part = (key, words, ...controls) => ui.make("span", { class: "part" }, term(key, words), ...controls);

/** A number from a link stands among the usual ones. */
function offer(top, chosen) {
  const numbers = [...new Set([...TOPS, chosen])].sort((a, b) => a - b);
  if ([...top.options].map(({ value }) => value).join() !== numbers.join()) {
    top.replaceChildren(...numbers.map((number) => ui.make("option", { value: String(number) }, number ? String(number) : "all")));
  }
  top.value = String(chosen);
}

/** Two buttons, "columns" and "arcs"; `chosen` hears of a press. */
export function shapes(chosen) {
  const buttons = ["columns", "arcs"].map((name) => {
    const button = explained(ui.make("button", { type: "button", class: "switch" }, name), name);
    button.addEventListener("click", () => chosen(name === "arcs"));
    return button;
  });
  const root = ui.make("div", { class: "shape", role: "group", "aria-label": "How the tokens stand" }, ...buttons);
  const press = (arcs) => buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(arcs === Boolean(i))));
  return { root, press };
}
