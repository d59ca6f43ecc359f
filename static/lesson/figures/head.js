/** One head of a model's run, by the components of the inspect page; the run comes to the figure's store from the server. */

const version = new URL(import.meta.url).search;
const [{ storeOf }, { factsOf, tokensOf }, { partsOf, pictureOfParts }] = await Promise.all(
  ["../../store", "../facts", "../parts"].map((name) => import(`${name}.js${version}`)));

const SIGNS = new Map([[true, ["good", "✓"]], [false, ["bad", "⚠"]], [null, ["open", "–"]]]);
const WAITING = "The model is being run …";

export default function ({ root, settings, context }) {
  const { ui, changed } = context;
  const store = storeOf(context.store);
  const status = ui.make("p", { class: "run-status", role: "status" }, WAITING);
  const parts = partsOf(context, store, settings.show);
  const check = ui.make("p", { class: "run-check" });
  root.append(status, parts.root, check);
  const isHere = () => Boolean(store.shown()?.head);
  const follow = () => {
    status.hidden = isHere();
    parts.root.classList.toggle("waiting", !isHere());
    parts.follow();
    changed();
  };
  const stops = [
    store.listen("shown", follow),
    store.listen("facts", ({ model, holds, check: words }) => {
      const [kind, sign] = SIGNS.get(holds);
      check.replaceChildren(`${model} · `, ui.make("span", { class: kind }, `${sign} ${words}`));
    }),
    store.listen("problem", (problem) => {
      if (!problem) return;
      status.hidden = false;
      status.className = "run-status problem";
      status.textContent = problem.words;
    }),
  ];
  follow();
  return {
    facts: () => factsOf(store.shown()),
    tokens: () => tokensOf(store.shown()),
    picture: () => pictureOfParts(context, store, settings.show, parts.panels()),
    isWaiting: () => !isHere() && !store.last("problem"),
    draw: parts.follow,
    stop() {
      stops.forEach((stop) => stop());
      parts.stop();
    },
  };
}
