/** The heads whose links are drawn, the one in view and those beside it, and the line that each of them has. */
const version = new URL(import.meta.url).search;
const { ui } = await import(`../headlight.js${version}`);

export const MOST_BESIDE = 7;
// The first is the head in view, which has the colour of weights. The hues of Okabe and Ito, moved until all eight
// keep apart under the three kinds of colour blindness, and stand 3:1 or more against the paper.
const MAIN = 12 / 16;
const COLOURS = {
  light: ["#1a98bc", "#885200", "#177c65", "#fc3ba2", "#1d3c6e", "#9c842d", "#672708"],
  dark: ["#fed667", "#048cfc", "#4eeed7", "#e59d83", "#c62975", "#97820a", "#4074b0"],
};
export const DASHES = [[], [8, 4], [2, 3], [12, 3, 2, 3], [5, 2], [1, 5], [16, 5], [6, 3, 1, 3, 1, 3]];

export const nameOf = (layer, head) => `${layer}.${head}`;

/** The heads beside the one in view, [layer, head]. */
export const besides = ({ look }) => look.beside.filter(([layer, head]) => layer !== look.layer || head !== look.head);

/** Draw these heads beside the one in view. */
export const setBeside = ({ store }, heads) => store.change({ beside: heads.slice(0, MOST_BESIDE) });

/** All heads that travelled, [layer, head]. */
export const here = ({ run }) => run.layers.flatMap((own) => own.heads.map((head) => [own.layer, head]));

/**
 * Find the heads to draw: {name, layer, number, head, slot, known}. `slot` picks colour and dashes, 0 for the head in
 * view; `known` are its rows as far as they were asked for, kept as long as nothing changes the head.
 */
export function gather(state) {
  const { store, look } = state;
  const before = new Map(state.heads.map((own) => [own.name, own]));
  state.heads = [];
  state.missing = [];
  const add = (layer, number, slot, head) => {
    const name = nameOf(layer, number);
    if (!head) state.missing.push(name);
    else {
      const kept = before.get(name);
      const known = kept?.head === head ? kept.known : new Array(head.queries);
      state.heads.push({ name, layer, number, head, slot, known });
    }
  };
  add(look.layer, look.head, 0, state.head);
  look.beside.forEach(([layer, number], i) => {
    if (layer !== look.layer || number !== look.head) add(layer, number, i + 1, store.headAt(layer, number));
  });
}

/** The head in view, as `gather` found it. */
export const mainOf = ({ heads }) => heads.find(({ slot }) => slot === 0);

export function colourOf({ palette }, slot) {
  return slot ? COLOURS[palette.name][slot - 1] : ui.css(ui.mix(palette.weights, MAIN));
}

/** A short piece of a head’s line. */
export function swatch(state, slot) {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  const piece = picture.appendChild(document.createElementNS(space, "line"));
  const set = (element, given) => Object.entries(given).forEach(([name, value]) => element.setAttribute(name, value));
  set(picture, { class: "swatch", width: 30, height: 10, "aria-hidden": "true" });
  set(piece, { x1: 1, x2: 29, y1: 5, y2: 5, stroke: colourOf(state, slot), "stroke-width": 3, "stroke-dasharray": DASHES[slot].join(" ") });
  return picture;
}
