/** The components that a figure of one head is made of, in order, and the picture of what they show. */

const version = new URL(import.meta.url).search;
const [{ ui }, { pinsOf }] = await Promise.all(["../headlight", "../look"].map((name) => import(`${name}.js${version}`)));

/** {root, follow(), panels(), stop()} of these components on a store; what tells the result is marked as such. isOpen: they tell no result. */
export function partsOf(context, store, show, { isOpen = false } = {}) {
  const root = ui.make("div", { class: "parts" });
  const chips = ui.make("div", { class: "plain-sentence" });
  const stops = show.map((name) => {
    const host = ui.make("div", { class: `part part-${name}` });
    // Before a guess the sentence stands there without its shades; where it is all there is, it is the result.
    if (isOpen) root.append(host);
    else root.append(name === "sentence" && show.length > 1 ? ui.make("div", { class: "swap", "data-result": "" }, host, chips) : ui.make("div", { "data-result": "" }, host));
    return context.mount(name, host);
  });

  /** The tokens, the pinned one outlined as everywhere. */
  function follow() {
    const shown = store.shown();
    if (!shown?.head) return;
    const { queries, keys, same } = shown.run.tokens;
    const pins = pinsOf(shown.look);
    const line = (tokens, outlined) => ui.make("div", { class: "chips" }, ...tokens.map(({ mark, text }, at) =>
      ui.make("span", { class: outlined && pins.includes(at) ? "chip pinned" : "chip", dir: "auto" }, `${mark}${text}`)));
    const names = pins.map((pin) => `“${ui.namesOf(queries)[pin]}”`).join(", ");
    chips.replaceChildren(ui.make("span", { class: "label" }, `${names} looks at …`), ...(same ? [] : [line(queries, true)]), line(keys, same));
  }

  return { root, follow, panels: context.panels, stop: () => stops.forEach((stop) => stop()) };
}

/** What `share/` draws of what is on show: the panels where they are, else the largest part. */
export async function pictureOfParts(context, store, show, given) {
  const shown = store.shown();
  if (!shown?.head || !given) throw new Error("its numbers are still on their way");
  const modules = ["arithmetic", "dimensions", "heads", "links", "picture", "sizes"].map((name) => import(`../share/${name}.js${version}`));
  const [{ arithmeticDrawing }, { dimensionsDrawing }, { headsDrawing }, { linksDrawing }, { drawing }, { SIZES }] = await Promise.all(modules);
  const palette = context.palette();
  const options = { store, which: ["scores", "weights", "values"], stacked: false, size: SIZES.slide, palette, paper: palette.paper, sentence: true, title: true, legend: true, pin: true };
  const others = { arithmetic: arithmeticDrawing, links: linksDrawing, dimensions: dimensionsDrawing, heads: headsDrawing };
  const other = show.includes("figures") ? null : show.find((name) => others[name]);
  if (other) return others[other](given, shown, options);
  return drawing(given, shown, show.includes("figures") ? options : { ...options, which: ["weights"], size: SIZES.double });
}
