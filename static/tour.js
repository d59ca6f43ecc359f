/**
 * A first visitor's tour of the inspect page: five parts in a sentence each, offered once in a line of the bar, left at any
 * time. Everything lies in the top layer, so that nothing on the page moves for it.
 */
const version = new URL(import.meta.url).search;
const { ui } = await import(`./headlight.js${version}`);

const KEPT = "headlight.tour";
const GAP = 12;
const EDGE = 8;
const NARROW = 640;
const STICKS = 56;
const SVG = "http://www.w3.org/2000/svg";
// What each step points at, by class and by place among those of that class, and what it says.
const STEPS = [
  { parts: [[".heads", 0]], says: "Each small square is one attention head of the model; the outlined one is shown on this page, and a click chooses another." },
  { parts: [[".sentence", 0]], says: "The token with the thick outline is the one that asks, and the darker another token is, the more it takes from it; a click pins another." },
  { parts: [[".hl-panel", 0]], says: "Scores: each row is a token that asks, each column one that is looked at, and the number says how well the two match." },
  { parts: [[".hl-panel", 1]], says: "Weights: the softmax makes each row of scores into shares that sum to 1." },
  { parts: [[".hl-panel", 2], [".arithmetic", 0]], says: "Weighted values: each token’s value is taken by its weight and all are added up; below stands every number of the outlined row." },
];

// Where a browser keeps nothing, as long as the page is open.
let wasOffered = false;

/** Whether the tour was offered in this browser before. */
export function isKnown() {
  try {
    return wasOffered || localStorage.getItem(KEPT) !== null;
  } catch {
    return wasOffered;
  }
}

function remember() {
  wasOffered = true;
  try {
    localStorage.setItem(KEPT, "1");
  } catch {
    // Refused: it is known until the page is closed.
  }
}

/** Offer the tour in an element of the bar; `after()` has the keyboard when it ends. Returns the function that takes all away. */
export function offer(root, before, after) {
  if (isKnown()) return () => {};
  const begin = ui.make("button", { type: "button" }, "A tour", ui.make("span", { class: "more" }, " in five steps"));
  const leave = ui.make("button", { type: "button", class: "no", "aria-label": "No tour" }, "×");
  const base = ui.lessons();
  const lesson = base ? [" or ", ui.make("a", { href: base }, ui.make("span", { class: "more" }, "start with "), "the first lesson")] : [];
  const line = ui.make("div", { class: "offer", role: "group", "aria-label": "For a first visit" }, ui.make("span", {}, "New here? ", begin, ...lesson), leave);
  let stop = () => line.remove();
  const end = () => {
    line.remove();
    remember();
  };
  begin.addEventListener("click", () => {
    end();
    stop = tour(root, after);
  });
  leave.addEventListener("click", () => {
    end();
    after()?.focus({ preventScroll: true });
  });
  root.insertBefore(line, before);
  return () => stop();
}

/** Walk through the steps; the function that ends it. */
function tour(root, after) {
  const state = { at: 0, steps: STEPS.map((step) => ({ ...step, found: step.parts.map(([name, nth]) => partOf(name, nth)).filter(Boolean) })).filter(({ found }) => found.length) };
  Object.assign(state, veil(), card(state));
  for (const element of [state.veil, state.card]) {
    root.append(element);
    element.showPopover?.();
  }
  const outside = new AbortController();
  const options = { capture: true, passive: true, signal: outside.signal };
  addEventListener("scroll", () => place(state), options);
  addEventListener("resize", () => place(state), options);
  addEventListener("keydown", (event) => event.key === "Escape" && state.end(), options);
  state.end = () => {
    outside.abort();
    state.veil.remove();
    state.card.remove();
    after()?.focus({ preventScroll: true });
  };
  state.next.addEventListener("click", () => {
    state.at += 1;
    if (state.at < state.steps.length) show(state);
    else state.end();
  });
  state.leave.addEventListener("click", () => state.end());
  show(state);
  state.next.focus({ preventScroll: true });
  return state.end;
}

/** Darkness over all but the parts that are spoken of. */
function veil() {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("aria-hidden", "true");
  const [dark, edge] = ["dark", "edge"].map((name) => {
    const path = picture.appendChild(document.createElementNS(SVG, "path"));
    path.setAttribute("class", name);
    return path;
  });
  dark.setAttribute("fill-rule", "evenodd");
  const element = ui.make("div", { class: "veil" }, picture);
  element.setAttribute("popover", "manual");
  return { veil: element, dark, edge };
}

function card(state) {
  const says = ui.make("p", { id: "tour-says" });
  const count = ui.make("span", { class: "step" });
  const next = ui.make("button", { type: "button", class: "next" }, "Next");
  const leave = ui.make("button", { type: "button" }, "Leave");
  const base = ui.lessons();
  const lesson = base ? ui.make("a", { href: base, hidden: true }, "Start with the first lesson") : ui.make("span", { hidden: true });
  const element = ui.make("div", { class: "tour", role: "dialog", "aria-label": "Tour", "aria-describedby": "tour-says" }, says,
    ui.make("div", { class: "line" }, count, lesson, leave, next));
  element.setAttribute("popover", "manual");
  return { card: element, says, count, next, leave, lesson, size: state.steps.length };
}

function show(state) {
  const { at, steps, next, leave, lesson } = state;
  const isLast = at === steps.length - 1;
  state.says.textContent = steps[at].says;
  state.count.textContent = `${at + 1} of ${steps.length}`;
  next.textContent = isLast ? "Done" : "Next";
  leave.hidden = isLast;
  lesson.hidden = !isLast;
  const [first] = steps[at].found;
  const isNarrow = innerWidth < NARROW;
  first.scrollIntoView({ block: isNarrow ? "start" : "nearest", behavior: "instant" });
  // The head's name sticks to the top there.
  if (isNarrow) document.querySelector("[data-testid=stMain]")?.scrollBy({ top: -STICKS, behavior: "instant" });
  place(state);
}

/** The boxes of the parts, and the card where it covers none of them, if there is such a place. */
function place({ at, steps, card: element, dark, edge }) {
  const step = steps[at];
  if (!step || !element.isConnected) return;
  const boxes = step.found.map((part) => part.getBoundingClientRect()).filter(({ width }) => width).map(grown);
  const holes = boxes.map(({ left, top, right, bottom }) => `M${left} ${top}H${right}V${bottom}H${left}Z`).join("");
  dark.setAttribute("d", `M0 0H${innerWidth}V${innerHeight}H0Z${holes}`);
  edge.setAttribute("d", holes);
  const { offsetWidth: width, offsetHeight: height } = element;
  const [left, top] = innerWidth < NARROW ? [EDGE, innerHeight - height - EDGE] : spot(boxes, width, height);
  element.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
}

function grown({ left, top, right, bottom }) {
  const by = 5;
  return { left: left - by, top: top - by, right: right + by, bottom: bottom + by };
}

/** Below the parts, above, right or left of them: the first place within the window that is over none of them. */
function spot(boxes, width, height) {
  const all = {
    left: Math.min(...boxes.map((box) => box.left)), right: Math.max(...boxes.map((box) => box.right)),
    top: Math.min(...boxes.map((box) => box.top)), bottom: Math.max(...boxes.map((box) => box.bottom)),
  };
  const fit = (left, top) => [Math.max(EDGE, Math.min(left, innerWidth - width - EDGE)), Math.max(EDGE, Math.min(top, innerHeight - height - EDGE))];
  const free = [
    fit(all.left, all.bottom + GAP), fit(all.left, all.top - GAP - height), fit(all.right + GAP, all.top), fit(all.left - GAP - width, all.top),
    fit(EDGE, innerHeight), fit(innerWidth, innerHeight), fit(innerWidth, 0), fit(0, 0),
  ];
  const isFree = ([left, top]) => boxes.every((box) => left + width <= box.left || left >= box.right || top + height <= box.top || top >= box.bottom);
  return free.find(isFree) ?? free[5];
}

/** The part of that class at a place, in whichever component it lies; null where it is not to be seen. */
function partOf(name, at) {
  const roots = [document, ...[...document.querySelectorAll("*")].filter((one) => one.shadowRoot).map((one) => one.shadowRoot)];
  const found = roots.flatMap((root) => [...root.querySelectorAll(name)]).filter((one) => one.getClientRects().length);
  return found[at] ?? null;
}
