/** “Train it here”: a figure of the lessons below the page, loaded once it comes near. */

const version = new URL(import.meta.url).search;
const { ui } = await import(`../headlight.js${version}`);

const NEAR = "600px";

/** {root, begin(settings), draw(), stop()}. palette(): the present theme's. settings: the figure's own, from the server. */
export function training(palette) {
  const body = ui.make("div");
  const said = ui.make("p", { class: "note", role: "status" });
  const root = ui.make("section", { class: "train", "aria-label": "Train it here" }, ui.make("h2", {}, "Train it here"),
    ui.make("p", {}, "Why several heads? A small task that needs several look-ups at once, learned in your browser with 1, 2 and 4 heads of the same width in all."), body, said);
  const own = { root, body, said, palette, figure: null, observer: null, stopped: false };
  return {
    root, begin: (settings) => begin(own, settings), draw: () => own.figure?.draw(),
    stop() {
      own.stopped = true;
      own.observer?.disconnect();
      own.figure?.stop();
    },
  };
}

function begin(own, settings) {
  if (own.observer) return;
  own.observer = new IntersectionObserver(([entry]) => {
    if (!entry.isIntersecting) return;
    own.observer.disconnect();
    show(own, settings);
  }, { rootMargin: NEAR });
  own.observer.observe(own.root);
}

async function show(own, settings) {
  const context = {
    ui, palette: own.palette, sentence: () => "", changed: () => {}, store: "build-training", mount: () => () => {}, panels: () => null,
    say: (words) => { own.said.textContent = words; }, lesson: { name: "build", title: "Train it here", step: "train" },
  };
  try {
    const { default: figure } = await import(`../lesson/figures/training.js${version}`);
    const made = await figure({ root: own.body, settings, context });
    if (own.stopped) made.stop?.();
    else own.figure = made;
  } catch (error) {
    own.said.textContent = `The training could not be shown: ${error.message}`;
  }
}
