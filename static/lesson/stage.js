/** What most figures stand on: their controls, a drawing as wide as there is room, what it says, and the check of it. */

const version = new URL(import.meta.url).search;
const [{ indexed }, { css: inputs, line }, { tokensOf }] = await Promise.all(["../draw/indices", "../draw/inputs", "../local/words"].map((name) => import(`${name}.js${version}`)));

const [NARROWEST, WIDEST] = [280, 640];
const css = `
.inputs :is(.group, label) { flex-wrap: wrap; }
.drawing { overflow-x: auto; margin: 6px 0; }
.says { margin: 6px 0; max-width: 68ch; font-variant-numeric: tabular-nums; }
.check { margin: 6px 0; font-variant-numeric: tabular-nums; }
.check[data-holds=yes] { color: var(--hl-good); }
.check[data-holds=no] { color: var(--hl-bad); }
.pair { display: flex; flex-wrap: wrap; gap: 12px 28px; align-items: flex-start; }
@media (max-width: 480px) { .inputs input[type=range] { width: 120px; } }
.pair > svg { flex: 0 1 auto; }
`;

/** A stage in `root`: {show(...drawings), says(words), check(holds, words), width(most)}. controls: rows of elements, each on a line of its own. */
export function stageOf({ root, ui }, ...controls) {
  const drawing = ui.make("div", { class: "drawing" });
  const said = ui.make("p", { class: "says", role: "status" });
  const checked = ui.make("p", { class: "check", hidden: true });
  // What stands under the cover until a person has guessed; the controls stay in sight.
  const result = ui.make("div", { class: "result-of-figure" }, drawing, said, checked);
  result.dataset.result = "";
  root.append(ui.make("style", {}, inputs + css), ...controls.map((row) => line(...row)), result);
  return {
    show: (...made) => drawing.replaceChildren(made.length > 1 ? ui.make("div", { class: "pair" }, ...made) : made[0]),
    says(words) {
      if (said.dataset.words === words) return;
      said.dataset.words = words;
      said.replaceChildren(...indexed(words));
    },
    check: (holds, words) => {
      checked.hidden = false;
      checked.dataset.holds = holds ? "yes" : "no";
      checked.textContent = `${holds ? "✓" : "✗"} ${words}`;
    },
    width: (most = WIDEST) => Math.max(NARROWEST, Math.min(most, root.clientWidth || most)),
  };
}

/** The first tokens of the figure's text, or of the person's own sentence where the figure follows it. */
export function tokensFor({ text, own }, context, most = 12) {
  const mine = own ? tokensOf(context.sentence()) : [];
  return (mine.length > 1 ? mine : tokensOf(text)).slice(0, most);
}

/** The place of the last of some tokens that is a word. */
export const { lastWord } = await import(`../local/run.js${version}`);

/** The largest difference of two arrays, and that as a share of the largest number in the second. */
export function gapOf(one, other) {
  let [gap, size] = [0, 0];
  for (let i = 0; i < other.length; i++) {
    gap = Math.max(gap, Math.abs(one[i] - other[i]));
    size = Math.max(size, Math.abs(other[i]));
  }
  return { gap, share: gap / (size || 1) };
}

/** What float32 may differ by, as a share of the largest number, where sums are taken in another order. */
export const ROUNDING = 1e-5;
