/** The frame of a figure of changed runs: what the model's runs tell comes once they are made, or words for why it does not. */

const version = new URL(import.meta.url).search;
const [{ storeOf }, { partsOf }, { framed }] = await Promise.all(["../store", "./parts", "./common"].map((name) => import(`${name}.js${version}`)));

const WAITING = "The model is being run …";

/**
 * {again(), figure}: the figure as its module hands it back, and what draws it once more and says that it changed. controls: what
 * stands above the result. show(change, {body, said, store}): draw what came, which may be there at once. factsOf(change): what a
 * guess can ask for. tokens(change): what it can choose from. isOfLook: whether what is drawn is told of the head on show, too.
 */
export function awaited({ root, settings, context }, { controls, show, factsOf, tokens, isOfLook = false }) {
  const store = storeOf(context.store);
  let change = store.last("change") ?? null;
  const parts = partsOf(context, store, settings.show, { isOpen: true });
  const { body, said } = framed(root, controls);
  body.parentElement.before(parts.root);
  const isThere = () => Boolean(change) && !change.why;

  function draw() {
    parts.follow();
    if (isThere()) show(change, { body, said, store });
    else said.textContent = change?.why ?? store.last("problem")?.words ?? WAITING;
  }

  function again() {
    draw();
    context.changed();
  }

  const stops = [
    store.listen("change", (came) => {
      change = came;
      again();
    }),
    store.listen("shown", isOfLook ? again : parts.follow),
    store.listen("problem", draw),
  ];
  draw();
  return {
    again,
    figure: {
      facts: () => (isThere() ? factsOf(change) : {}), draw, isWaiting: () => !change && !store.last("problem"),
      ...(tokens ? { tokens: () => (isThere() ? tokens(change) : []) } : {}),
      stop() {
        stops.forEach((stop) => stop());
        parts.stop();
      },
    },
  };
}
