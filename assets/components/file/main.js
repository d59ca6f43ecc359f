/** A file that the server has made: saved as soon as it is there, and once more by its link. */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }] = await Promise.all(["headlight"].map(shared));
const ui = start(HEADLIGHT);
const states = new WeakMap();
// A page that is drawn anew shows the same file again, which is no reason to save it again.
const saved = (globalThis.headlightSaved ??= new Set());

function build(parent) {
  const state = { link: ui.make("a", { class: "again" }), said: ui.make("span", { class: "said", role: "status" }) };
  parent.append(ui.make("div", { class: "file" }, state.link, state.said));
  return state;
}

export default function ({ data, parentElement }) {
  ui.applyTheme(parentElement);
  const { link, said } = ui.once(states, parentElement, () => build(parentElement));
  const given = ui.parse(data);
  link.href = `${location.origin}${HEADLIGHT.base}${given.url}`;
  link.download = given.name;
  link.textContent = `Save again (${given.size})`;
  link.setAttribute("aria-label", `Save ${given.name} again, ${given.size}`);
  if (saved.has(given.turn)) return;
  saved.add(given.turn);
  link.click();
  said.textContent = "Saved to your downloads";
}
