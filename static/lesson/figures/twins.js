/** Two heads trained by nothing but the loss, from the same start or from two: how far apart they are, step by step. */

const version = new URL(import.meta.url).search;
const [{ stageOf }, { trained }, { chart }, { button, choices }] = await Promise.all(
  ["../stage", "../twins", "../../draw/chart", "../../draw/inputs"].map((name) => import(`${name}.js${version}`)));

const STEPS = 300;

export default function ({ root, settings, context }) {
  const state = { start: settings.start, seed: settings.seed, made: null };
  const act = (changes) => {
    Object.assign(state, changes);
    draw();
    context.changed();
  };
  const stage = stageOf({ root, ui: context.ui }, [
    choices({ label: "the heads start", options: [["same", "as copies"], ["apart", "apart"]], value: state.start, change: (start) => act({ start }) }),
    button("Another seed", () => act({ seed: state.seed + 1 })),
  ]);

  function draw() {
    const { seed, start } = state;
    state.made = trained(seed, start === "same" ? seed : seed + 1_000_000, STEPS, seed);
    const { apart, losses } = state.made;
    const palette = context.palette();
    const points = (numbers) => [...numbers].map((value, step) => [step, value]);
    stage.show(chart({
      palette, width: stage.width(), height: 250, x: { label: "steps of gradient descent", from: 0, to: STEPS }, y: { from: 0, to: Math.max(0.2, ...apart, losses[0]) * 1.05 },
      lines: [{ name: "distance", points: points(apart), colour: palette.query }, { name: "loss", points: points(losses), colour: palette.muted, dash: 1 }],
      label: `The distance of the two heads: ${apart[0].toFixed(2)} at the start, ${apart.at(-1).toFixed(2)} after ${STEPS} steps; the loss goes from ${losses[0].toFixed(2)} to ${losses.at(-1).toFixed(3)}.`,
    }));
    stage.says(`Distance of the two heads' weights: ${apart[0].toFixed(3)} before training, ${apart.at(-1).toFixed(3)} after ${STEPS} steps.`);
  }

  draw();
  return { facts: () => factsOf(state.made), draw, stop: () => root.replaceChildren() };
}

function factsOf({ apart, losses }) {
  return { apart: apart.at(-1), loss: losses.at(-1), copies: apart.at(-1) === 0 ? 0 : 1 };
}
