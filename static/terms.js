/**
 * Explanations of the page's terms where they stand: in one sentence, with a link to the lesson, while one points at a term,
 * has it in focus or has tapped it. What is explained bears the term's key as `data-term`; a component watches over its own.
 *
 * There is one tip on a page, in the top layer, below its term or above it, never over it. It stays while the pointer goes
 * to it; Escape closes it, Enter or Space on a term that is no button of its own keeps it open, and L opens the lesson.
 */
const version = new URL(import.meta.url).search;
const { ui } = await import(`./headlight.js${version}`);

// A pointer that only passes by opens nothing; one that leaves has so long to come to the tip.
const REST_MS = 350;
const LEAVE_MS = 220;
const GAP = 6;
const EDGE = 6;
const LESSON_KEY = "l";
const TIP_ID = "hl-explained";
const STYLE = `
[data-term] { text-decoration: underline dotted 1px color-mix(in srgb, currentColor 45%, transparent); text-underline-offset: 3px; }
:where(span[data-term][role=button]) { display: inline-block; box-sizing: border-box; min-width: 24px; min-height: 24px; padding-block: 3px; margin-block: -3.25px; cursor: help;
  border-radius: 3px; }
[data-term][hidden] { display: none !important; }
span[data-term][role=button]:focus-visible { outline: 2px solid var(--hl-query); outline-offset: 1px; }
#${TIP_ID} { position: fixed; inset: 0 auto auto 0; box-sizing: border-box; width: max-content; max-width: min(330px, calc(100vw - ${2 * EDGE}px)); margin: 0; padding: 8px 12px;
  border: 1px solid var(--hl-muted); border-radius: 9px; background: var(--hl-card); color: var(--hl-ink); font: 400 15px/1.4 "Source Sans 3", sans-serif; text-align: start;
  white-space: normal; letter-spacing: 0; overflow-wrap: anywhere; z-index: 1000; }
#${TIP_ID}:not(.open) { display: none; }
#${TIP_ID} p { margin: 0 0 4px; font: inherit; }
#${TIP_ID} p:last-child { margin: 0; }
#${TIP_ID} a { display: inline-block; min-height: 24px; line-height: 24px; color: var(--hl-query); text-underline-offset: 3px; }
#${TIP_ID} a:focus-visible { outline: 2px solid var(--hl-query); outline-offset: 2px; border-radius: 3px; }
#${TIP_ID} kbd { font: 400 13px/1.2 "Source Sans 3", sans-serif; color: var(--hl-muted); }
@media (pointer: coarse) {
  :where(span[data-term][role=button]) { padding-block: 8px; margin-block: -8px; }
  #${TIP_ID} a { min-height: 40px; line-height: 40px; }
  #${TIP_ID} kbd { display: none; }
}`;

/** The one tip: its element, the term that it explains, whether it was asked to stay, and what was clicked and not left since. */
const tip = { root: null, of: null, kept: false, timer: 0, touched: false, used: null };
let sheet = null;
let known = null;

// What is explained

/** Say that an element is the place of a term; returns the element. An element that is no control can be reached by Tab, too. */
export function explained(element, key, { isControl = true } = {}) {
  element.dataset.term = key;
  if (!isControl) Object.assign(element, { tabIndex: 0 }).setAttribute("role", "button");
  return element;
}

/** Words that are explained where they stand, in an element of their own. */
export const term = (key, ...words) => explained(ui.make("span", {}, ...words), key, { isControl: false });

/** Explain the terms below an element, those that come later too. Once for each; what is watched already stays as it is. */
export function watchTerms(parent) {
  if (parent.headlightTerms) return;
  parent.headlightTerms = true;
  adopt(parent.getRootNode());
  const on = (type, heard) => parent.addEventListener(type, (event) => heard(event, event.target.closest?.("[data-term]"), parent));
  on("pointerover", pointed);
  on("pointerout", gone);
  on("pointerdown", (event) => { tip.touched = event.pointerType === "touch"; });
  on("focusin", focused);
  on("focusout", blurred);
  on("click", pressed);
  on("keydown", keyed);
}

/** Give a tree the terms' styles, once it is a document's. */
function adopt(root) {
  sheet ??= styled();
  if (root.adoptedStyleSheets && !root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
}

function styled() {
  const made = new CSSStyleSheet();
  made.replaceSync(STYLE);
  return made;
}

// What a person does

const isMouse = (event) => event.pointerType !== "touch";

function pointed(event, element, parent) {
  if (!isMouse(event)) return;
  if (tip.root?.contains(event.target)) {
    clearTimeout(tip.timer);
    return;
  }
  if (!isSame(tip.used, element)) tip.used = null;
  if (element && isOf(element)) clearTimeout(tip.timer);
  else if (element && !tip.used) later(() => open(again(element, parent), parent), tip.of ? LEAVE_MS : REST_MS);
}

function gone(event, element) {
  if (element && !element.contains(event.relatedTarget)) tip.used = null;
  if (!isMouse(event) || !(element || tip.root?.contains(event.target))) return;
  if (tip.kept || tip.of?.matches?.(":focus-visible")) clearTimeout(tip.timer);
  else later(close, LEAVE_MS);
}

function focused(event, element, parent) {
  if (!element?.matches(":focus-visible")) return;
  tip.used = null;
  open(element, parent);
}

function blurred(event) {
  if (tip.of && !tip.kept && !tip.root.contains(event.relatedTarget)) later(close, 0);
}

/**
 * A tap explains whatever it is on but what opens a menu, which says all itself; a click only what has nothing else to do.
 * What a click did is looked at next, so no tip opens over it until the pointer comes back, also where the click drew its
 * control anew: the browser then says that the pointer came to it.
 */
function pressed(event, element, parent) {
  if (!element) return;
  const isPlain = isPlainTerm(element);
  if (!isPlain && (!tip.touched || element.hasAttribute("aria-haspopup"))) {
    close();
    tip.used = event.detail ? element : null;
  }
  else if (isPlain && isOf(element) && tip.kept) close();
  else keep(again(element, parent), parent);
}

function keyed(event, element, parent) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
  if (tip.root?.contains(event.target)) leaveLink(event);
  else if (!element) return;
  else if ((event.key === "Enter" || event.key === " ") && isPlainTerm(element)) enter(event, element, parent);
  else if (event.key.toLowerCase() === LESSON_KEY && isOf(element)) {
    event.preventDefault();
    tip.root.querySelector("a")?.click();
  }
}

/** Keep the tip of a plain term open, with the keyboard on its link; a second time close it. */
function enter(event, element, parent) {
  event.preventDefault();
  event.stopPropagation();
  if (isOf(element) && tip.kept) close();
  else keep(element, parent).then(() => tip.root.querySelector("a")?.focus({ preventScroll: true }));
}

/** From the tip's link the keyboard goes on from the term that the tip is of. */
function leaveLink(event) {
  if (event.key !== "Tab" && event.key !== "Escape") return;
  const element = tip.of;
  close();
  element?.focus({ preventScroll: true });
  close();
  if (event.key === "Escape" || event.shiftKey) event.preventDefault();
}

/** Escape closes the tip, wherever the keyboard is; so does a press elsewhere. */
function outside(event) {
  if (!tip.of) return;
  if (event.type === "keydown" ? event.key === "Escape" && !tip.root.contains(event.composedPath()[0]) : !isWithin(event)) close();
}

const isWithin = (event) => event.composedPath().some((one) => one === tip.root || one === tip.of);
const isPlainTerm = (element) => element.matches("span[role=button]");
const isOf = (element) => isSame(tip.of, element);
/** Whether an element is another one, or has been made in its place since. */
const isSame = (one, other) => Boolean(one && other) && (one === other || (!one.isConnected && one.dataset.term === other.dataset.term));

/** The element itself, or what has been made in its place since. */
function again(element, parent) {
  return element.isConnected ? element : parent.querySelector(`[data-term="${element.dataset.term}"]`);
}

function later(act, after) {
  clearTimeout(tip.timer);
  tip.timer = setTimeout(act, after);
}

// The tip

async function keep(element, parent) {
  await open(element, parent);
  tip.kept = Boolean(tip.of);
}

async function open(element, parent) {
  clearTimeout(tip.timer);
  if (!element) return;
  known ??= (await import(`./terms/list.js${version}`)).TERMS;
  const found = known[element.dataset.term];
  if (!found || !element.isConnected || tip.of === element || isSame(tip.used, element)) return;
  close();
  const root = tipIn(parent);
  root.replaceChildren(...wordsOf(found, element.dataset.more));
  Object.assign(tip, { of: element, kept: false });
  element.setAttribute("aria-describedby", TIP_ID);
  root.classList.add("open");
  root.showPopover?.();
  place();
}

/** Close the tip, if it is open. */
function close() {
  clearTimeout(tip.timer);
  if (!tip.of) return;
  tip.of.removeAttribute("aria-describedby");
  Object.assign(tip, { of: null, kept: false });
  tip.root.classList.remove("open");
  if (tip.root.isConnected) tip.root.hidePopover?.();
}

/** The tip within a component, for what describes an element must lie in the same tree. */
function tipIn(parent) {
  if (!tip.root) {
    tip.root = ui.make("div", { id: TIP_ID, role: "tooltip" });
    tip.root.setAttribute("popover", "manual");
    addEventListener("keydown", outside, true);
    addEventListener("pointerdown", outside, true);
    addEventListener("scroll", place, { capture: true, passive: true });
    addEventListener("resize", close);
  }
  if (tip.root.parentNode !== parent) parent.append(tip.root);
  adopt(tip.root.getRootNode());
  return tip.root;
}

function wordsOf({ says, lesson, step }, more) {
  const lines = [ui.make("p", {}, says), ...(more ? [ui.make("p", {}, more)] : [])];
  const base = ui.lessons();
  if (!base) return lines;
  const link = ui.make("a", { href: `${base}?lesson=${lesson}${step ? `&step=${step}` : ""}`, tabIndex: -1 }, titleOf(lesson));
  // A frame inside another page is too small for a lesson.
  if (new URLSearchParams(location.search).has("embed")) Object.assign(link, { target: "_blank", rel: "noopener" });
  return [...lines, ui.make("p", {}, link, " ", ui.make("kbd", {}, "key L"))];
}

/** "Lesson 3: scores" of 03-scores. */
function titleOf(lesson) {
  const [number, name] = lesson.split("-");
  return `Lesson ${Number(number)}: ${name}`;
}

/** Below the term where there is room, else above it, and above a finger; within the window. Moved by a transform, which shifts no layout. */
function place() {
  if (!tip.of) return;
  const box = tip.of.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = tip.root;
  if (tip.of.isConnected && (box.bottom < 0 || box.top > innerHeight)) {
    close();
    return;
  }
  if (!tip.of.isConnected) return;
  const [above, below] = [box.top - GAP - height >= 0, box.bottom + GAP + height <= innerHeight];
  const isBelow = tip.touched ? !above : below || !above;
  const top = isBelow ? box.bottom + GAP : box.top - GAP - height;
  const left = Math.max(EDGE, Math.min(box.left, innerWidth - width - EDGE));
  tip.root.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
}
