/** A stack of residual blocks with the norm before or after the work: how the stream grows, and the gradient that comes back. */

const version = new URL(import.meta.url).search;
const [{ stageOf }, { stacked }, { random }, { chart }, { button, choices, slider }] = await Promise.all(
  ["../stage", "../norms", "../../local/random", "../../draw/chart", "../../draw/inputs"].map((name) => import(`${name}.js${version}`)));

const BLOCKS = [2, 4, 8, 16, 32];
const WIDTH = 64;

export default function ({ root, settings, context }) {
  const state = { blocks: settings.blocks, seed: settings.seed, shows: settings.shows, pre: null, post: null };
  const act = (changes) => {
    Object.assign(state, changes);
    draw();
    context.changed();
  };
  const stage = stageOf({ root, ui: context.ui }, [
    slider({ label: "blocks", values: BLOCKS, value: state.blocks, change: (blocks) => act({ blocks }) }),
    button("Another seed", () => act({ seed: state.seed + 1 })),
  ], [choices({ label: "shown", options: [["sizes", "size of the stream"], ["gradients", "gradient at each block"]], value: state.shows, change: (shows) => act({ shows }) })]);

  function draw() {
    for (const kind of ["pre", "post"]) state[kind] = stacked(kind, state.blocks, WIDTH, random(state.seed));
    const palette = context.palette();
    const line = (kind, name, colour, dash) => ({ name, colour, dash, points: state[kind][state.shows].map((value, i) => [i + 1, value]) });
    const facts = factsOf(state);
    const words = state.shows === "sizes"
      ? `After ${state.blocks} blocks the stream's size is ${facts.pre_size.toFixed(2)} with the norm before, ${facts.post_size.toFixed(2)} with the norm after.`
      : `The gradient at the last of ${state.blocks} blocks is ${facts.pre_gradient.toFixed(3)} with the norm before, ${facts.post_gradient.toFixed(3)} with the norm after.`;
    stage.show(chart({
      palette, width: stage.width(), height: 250, x: { label: "block", from: 1, to: state.blocks }, y: { label: state.shows === "sizes" ? "root mean square" : "gradient, r.m.s.", from: 0 },
      lines: [line("pre", "norm before", palette.query, 0), line("post", "norm after", palette.key, 1)], label: words,
    }));
    stage.says(words);
  }

  draw();
  return { facts: () => factsOf(state), draw, stop: () => root.replaceChildren() };
}

function factsOf({ blocks, pre, post }) {
  const [one, other] = [pre, post].map(({ sizes }) => sizes.at(-1));
  return {
    blocks, pre_size: one, post_size: other, pre_gradient: pre.gradients.at(-1), post_gradient: post.gradients.at(-1),
    larger: one > 1.2 * other ? 0 : other > 1.2 * one ? 1 : 2, steeper: post.gradients.at(-1) > 1.2 * pre.gradients.at(-1) ? 1 : 0,
  };
}
