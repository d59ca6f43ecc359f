/** A small figure: its controls, its drawings and one sentence with its numbers, made anew at each change of its state. */

const version = new URL(import.meta.url).search;
const [{ ui }, { tokensOf }, { indexed }, { button, css, line }] = await Promise.all(
  ["../headlight", "../local/words", "./indices", "./inputs"].map((name) => import(`${name}.js${version}`)));

const STYLE = `${css}
.drawings { display: flex; flex-wrap: wrap; gap: 14px 30px; align-items: flex-start; margin: 8px 0; }
.drawings:empty { display: none; }
.drawings > * { flex: 0 1 auto; min-width: 0; }
.drawings :focus-visible { outline: 2px solid var(--hl-query); outline-offset: 2px; }
.scrolls { max-width: 100%; overflow-x: auto; }
.numbers { margin: 0; color: var(--hl-ink); font-variant-numeric: tabular-nums; max-width: 75ch; }
`;
const MOST_SEEDS = 1000;
// A drawing is made for at least so many pixels; where the room is not known yet, for the other number.
const [NARROW, WIDE] = [300, 640];

/**
 * A figure as the lesson takes it: {facts, draw, stop}.
 *
 * controls(draw): the controls, each of which changes the state and calls `draw`. compute(): {facts, …} of the state as it
 * is now. paint(made, palette, room): {shapes: what is drawn in so many pixels across, words: the sentence below, given: optional, what is drawn above and is no
 * result, so that a lesson need not cover it}. ready(drawings, draw), optional: where the shapes stand, for who listens to a
 * pointer there.
 */
export function panel({ root, context, controls, compute, paint, ready = null }) {
  const [above, drawings] = [0, 0].map(() => ui.make("div", { class: "drawings" }));
  const numbers = ui.make("p", { class: "numbers", "aria-live": "polite" });
  let facts = null;
  const draw = () => {
    const made = compute();
    const { shapes, words, given = [] } = paint(made, context.palette(), Math.max(NARROW, root.clientWidth || WIDE));
    keepFocus(above, () => above.replaceChildren(...given));
    keepFocus(drawings, () => drawings.replaceChildren(...shapes));
    if (numbers.dataset.words !== words) numbers.replaceChildren(...indexed(words));
    numbers.dataset.words = words;
    const hasChanged = facts && JSON.stringify(facts) !== JSON.stringify(made.facts);
    facts = made.facts;
    if (hasChanged) context.changed();
  };
  const all = controls(draw);
  root.replaceChildren(ui.make("style", {}, STYLE), ...(all.length ? [line(...all)] : []), above, ui.make("div", { "data-result": "" }, drawings, numbers));
  ready?.(drawings, draw);
  draw();
  return { facts: () => facts, draw, stop: () => root.replaceChildren() };
}

/** Change an element's inside; what had the focus there has it again, by its place among all that can have it. */
function keepFocus(element, change) {
  const reached = () => [...element.querySelectorAll("[tabindex]")];
  const at = reached().indexOf(element.getRootNode().activeElement);
  change();
  if (at >= 0) reached()[at]?.focus({ preventScroll: true });
}

/** The button that takes other random numbers: the seed after the present one. */
export function another(state, draw) {
  return button("Another seed", () => {
    state.seed = (state.seed + 1) % MOST_SEEDS;
    draw();
  });
}

// Figures that say that they show the beginning of a sentence alone.
const cut = new WeakSet();

/** The tokens of a figure's sentence, at most so many: the person's own where the figure takes it, else the settings'. */
export function sentenceOf(settings, context, most = 10) {
  const own = settings.own ? tokensOf(context.sentence()) : [];
  const tokens = own.length ? own : tokensOf(settings.text);
  if (tokens.length > most) {
    cut.add(context);
    context.say(`Shown are the first ${most} of ${tokens.length} tokens.`);
  } else if (cut.delete(context)) context.say("");
  return tokens.slice(0, most);
}

/** The tokens' names; one that stands more than once gets its place behind it, counted from 0. */
export function namesOf(tokens) {
  const names = tokens.map((token) => token.name);
  return names.map((name, i) => (names.indexOf(name) !== names.lastIndexOf(name) ? `${name} #${i}` : name));
}

/** So many empty names above columns, as long as the longest of these, so that a grid's rows stand level with its neighbour's. */
export function blanks(names, count) {
  const longest = Math.max(...names.map((name) => [...name].length));
  return Array(count).fill("\u2007".repeat(longest));
}
