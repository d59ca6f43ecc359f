/** The box in which a person chooses the key. */
const version = new URL(import.meta.url).search;
const [{ ui }, { term }] = await Promise.all(["headlight", "terms"].map((name) => import(`../${name}.js${version}`)));
const FREE = "the largest weight";

/** {root, select}. */
export function keyBox({ store }) {
  const select = ui.make("select", { "aria-label": "key" });
  select.addEventListener("change", () => store.change({ key: select.value === "" ? null : Number(select.value) }));
  return { select, root: ui.make("span", { class: "choose" }, term("chosen", "key"), " ", select), names: null };
}

/** Offer the keys by these names; without a choice the box says which one has the largest weight. */
export function offer(box, names, chosen, shown) {
  const { select } = box;
  if (box.names !== names) {
    box.names = names;
    const option = (_, i) => ui.make("option", { value: String(i) }, ...ui.named(names, i).map((node) => node.textContent ?? node));
    select.replaceChildren(ui.make("option", { value: "" }), ...names.map(option));
  }
  select.value = ui.inside(chosen, names.length) === null ? "" : String(chosen);
  select.options[0].textContent = select.value === "" ? `${FREE}: ${select.options[shown + 1].textContent}` : FREE;
}
