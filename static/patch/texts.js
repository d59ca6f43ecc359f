/** Both texts above each other, stretch by stretch, with what differs marked. */
const version = new URL(import.meta.url).search;
const { ui } = await import(`../headlight.js${version}`);

/** Draw an alignment; nothing where there is none. */
export function drawTexts(root, alignment) {
  root.hidden = !alignment;
  if (!alignment) return;
  const { first, second, stretches } = alignment;
  const side = (names, [start, stop], words) => {
    const own = names.slice(start, stop);
    return ui.make("span", { class: "side" }, ...(own.length ? own.map((name) => ui.make("bdi", {}, name)) : [ui.make("span", { class: "small" }, words)]));
  };
  root.replaceChildren(...stretches.map((one) => {
    const lines = one.same ? [side(first, one.first, "")] : [side(first, one.first, "nothing"), side(second, one.second, "nothing")];
    return ui.make("span", { class: one.same ? "stretch" : "stretch other", role: "group", "aria-label": one.same ? "the same in both" : "differs, first above second" }, ...lines);
  }));
  // Long texts are scrolled, by the keyboard too.
  root.tabIndex = root.scrollHeight > root.clientHeight ? 0 : -1;
}
