/**
 * Both texts as two rows of tokens, one step beside another: a line between equal tokens, a sign between those that differ
 * and beside those that one text alone has. Long texts go on in further pairs of rows.
 */
const version = new URL(import.meta.url).search;
const [{ ui }, { KINDS, SIDES }] = await Promise.all(["../headlight", "./steps"].map((name) => import(`${name}.js${version}`)));

const WORDS = { replaced: "in place of", first: "in A alone", second: "in B alone" };

/** The list of steps: {root, mark(step or null), pins(steps)}. point(step or null) and choose(step, event) tell what is done. */
export function drawTokens(steps, tokens, { label, point, choose }) {
  const items = Array.from({ length: steps.count }, (_, step) => item(steps, tokens, step, { point, choose }));
  const root = ui.make("ol", { class: "hl-steps", "aria-label": label }, ...items.map(({ element }) => element));
  root.addEventListener("keydown", (event) => walk(items, event));
  if (items.length) items[0].button.tabIndex = 0;
  return {
    root,
    mark: (step) => items.forEach(({ element }, i) => element.classList.toggle("hl-step-over", i === step)),
    pins: (pinned) => items.forEach(({ element, button }, i) => {
      element.classList.toggle("hl-step-pinned", pinned.includes(i));
      button.setAttribute("aria-pressed", String(pinned.includes(i)));
    }),
  };
}

function item(steps, tokens, step, { point, choose }) {
  const kind = steps.kind(step);
  const parts = [0, 1].map((side) => (steps.at(step, side) === null ? ui.make("span", { class: "hl-step-none" }) : token(tokens[side][steps.at(step, side)], side)));
  const sign = ui.make("span", { class: "hl-step-sign", "aria-hidden": "true" }, kind === "same" ? "" : KINDS[kind]);
  const button = ui.make("button", { type: "button", tabIndex: -1, "aria-label": words(steps, tokens, step) }, parts[0], sign, parts[1]);
  button.addEventListener("pointerenter", () => point(step));
  button.addEventListener("pointerleave", () => point(null));
  button.addEventListener("focus", () => point(step));
  button.addEventListener("blur", () => point(null));
  button.addEventListener("click", (event) => choose(step, event));
  return { button, element: ui.make("li", { class: `hl-step hl-step-${kind}` }, button) };
}

function token({ mark, text }, side) {
  const letters = ui.make("bdi", {}, text || "∅");
  return ui.make("span", { class: `hl-step-token hl-step-${SIDES[side].toLowerCase()}` }, ...(mark ? [ui.make("small", {}, mark)] : []), letters);
}

/** What a step is, for those who do not see it. */
function words(steps, tokens, step) {
  const [a, b] = [0, 1].map((side) => tokens[side][steps.at(step, side)]?.text);
  const kind = steps.kind(step);
  return { same: `${a}, in both`, replaced: `${b} ${WORDS.replaced} ${a}`, first: `${a}, ${WORDS.first}`, second: `${b}, ${WORDS.second}` }[kind];
}

/** Arrow keys go from step to step. */
function walk(items, event) {
  const by = { ArrowRight: 1, ArrowLeft: -1, Home: -items.length, End: items.length }[event.key];
  const here = items.findIndex(({ button }) => button === event.target.closest("button"));
  if (!by || here < 0 || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  event.stopPropagation();
  const next = Math.max(0, Math.min(items.length - 1, here + by));
  items[here].button.tabIndex = -1;
  items[next].button.tabIndex = 0;
  items[next].button.focus();
}
