/** The slim bar: the name, the pages, and what one may do with this view. */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { storeOf }, { copyText }, { isPresenting, present, presentAsAsked }] = await Promise.all(["headlight", "store", "clipboard", "present"].map(shared));
const ui = start(HEADLIGHT);
const states = new WeakMap();
const SAID_MS = 1600;
const LONG_MS = 6000;
// What stands in an address for a text that is too long for it; `attention/view/packing.py` has the same.
const LEFT_OUT = "file.";
// Where what is predicted stands; on a narrow screen that is far below.
const ANSWER = ".st-key-prediction";
// When the browser has nothing else to do.
const idle = (act) => (globalThis.requestIdleCallback ? requestIdleCallback(act, { timeout: 3000 }) : setTimeout(act, 600));
const SVG = "http://www.w3.org/2000/svg";

/** A disc, half ink and half amber: a lamp that is on. */
function logo() {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  for (const [shape, side] of [["M10 1a9 9 0 0 0 0 18z", "shade"], ["M10 1a9 9 0 0 1 0 18z", "lit"]]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", shape);
    path.setAttribute("class", side);
    svg.append(path);
  }
  return svg;
}

function build(parent, store) {
  const nav = ui.make("nav", { "aria-label": "Pages" });
  const undo = button("Undo", "Back to the view before (Ctrl or ⌘ + Z)");
  const redo = button("Redo", "Forward again to what was undone (Ctrl or ⌘ + Shift + Z, Ctrl + Y)");
  undo.setAttribute("aria-keyshortcuts", "Control+Z Meta+Z");
  redo.setAttribute("aria-keyshortcuts", "Control+Shift+Z Control+Y Meta+Shift+Z");
  const copy = button("Copy link", "Copy the link to what is shown now");
  const share = button("Share", "Link, pictures, files");
  share.setAttribute("aria-haspopup", "dialog");
  const large = ui.make("button", { type: "button", class: "large", title: "Large maps for a projector, and nothing beside them (key P)", "aria-keyshortcuts": "P" },
    "Present ", ui.make("kbd", {}, "P"));
  const out = ui.make("a", { class: "out", target: "_blank", rel: "noopener" }, "Open in Headlight ", ui.make("span", { "aria-hidden": "true" }, "↗"));
  const said = ui.make("span", { class: "said", "aria-live": "polite" });
  const answer = ui.make("button", { type: "button", class: "answer", title: "Go to what the model predicts" }, "Prediction ", ui.make("span", { "aria-hidden": "true" }, "↓"));
  const actions = ui.make("div", { class: "actions" }, said, undo, redo, copy, share, large, out);
  const root = ui.make("div", { class: "bar" }, ui.make("span", { class: "name" }, logo(), "Headlight"), nav, answer, actions);
  parent.append(root);
  const state = {
    store, root, nav, answer, undo, redo, copy, share, large, out, actions, words: said, send: () => {}, own: false, said: false, forward: { own: false, said: false },
  };
  const step = (way, otherwise) => () => {
    const steps = store.last("steps");
    if (steps) steps[way]?.();
    else otherwise();
  };
  undo.addEventListener("click", step("undo", () => store.takeBack() || state.send("undo", true)));
  redo.addEventListener("click", step("redo", () => state.send("redo", true)));
  copy.addEventListener("click", () => report(state));
  answer.addEventListener("click", goToAnswer);
  large.addEventListener("click", () => present(true));
  share.addEventListener("click", () => {
    store.tell();
    state.send("share", true);
    comeBack(state);
  });
  // The view may have changed since: the way out leads to what is shown when it is taken.
  for (const event of ["pointerdown", "focus", "click"]) out.addEventListener(event, () => lead(state));
  return state;
}

/** What the steps below the bar say, and the keys of both ways, until the component is taken down. */
function connect(state) {
  const stops = [
    state.store.listen("undo", (can) => allow(Object.assign(state, { said: can }))),
    state.store.listen("redo", (can) => {
      state.forward.said = can;
      allow(state);
    }),
    state.store.listen("steps", () => allow(state)),
    state.store.listen("compare", () => state.send("compare", true)),
  ];
  const press = (event) => (isP(event) ? presented(state, event) : keyed(state, event));
  document.addEventListener("keydown", press);
  offered(state, stops);
  return () => {
    stops.forEach((stop) => stop());
    document.removeEventListener("keydown", press);
  };
}

const isP = (event) => event.key.toLowerCase() === "p" && !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;

/** P is the projector's layout and the way back from it, where nobody is typing. */
function presented({ shares }, event) {
  if (!shares || event.defaultPrevented || event.repeat || ui.typing() || document.querySelector("[role=dialog]")) return;
  event.preventDefault();
  present(!isPresenting());
}

/** Offer a tour on the first visit, once a head is shown and the browser has time: nobody waits for it. */
function offered(state, stops) {
  let isAsked = false;
  let isGone = false;
  const ask = async () => {
    const { isKnown, offer } = await shared("tour");
    if (isGone || isKnown() || !state.shares) return;
    stops.push(offer(state.root, state.actions, () => state.nav.querySelector("[aria-current]")));
  };
  stops.push(() => { isGone = true; }, state.store.listen("shown", () => {
    if (isAsked || !state.shares) return;
    isAsked = true;
    idle(ask);
  }));
}

/** Ctrl or ⌘ + Z and its ways back, but where text is written, which has an undo of its own. */
function keyed({ undo, redo }, event) {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || ui.writing()) return;
  const key = event.key.toLowerCase();
  const wanted = key === "z" ? (event.shiftKey ? redo : undo) : key === "y" && event.ctrlKey ? redo : null;
  if (!wanted || wanted.hidden || wanted.disabled || document.querySelector("[role=dialog]")) return;
  event.preventDefault();
  wanted.click();
}

/** Bring what is predicted into sight, and the keyboard with it. */
function goToAnswer() {
  const place = document.querySelector(ANSWER);
  if (!place) return;
  place.tabIndex = -1;
  place.focus({ preventScroll: true });
  place.scrollIntoView({ block: "start" });
}

/** When the dialog has come and gone, the keyboard is at the button again: Streamlit does not find what lies in a shadow. */
function comeBack(state) {
  let came = false;
  state.dialog?.disconnect();
  state.dialog = new MutationObserver(() => {
    const open = document.querySelector("[role=dialog]") !== null;
    if (came && !open) {
      state.dialog.disconnect();
      // What has taken the focus meanwhile keeps it.
      setTimeout(() => document.activeElement === document.body && state.share.focus(), 0);
    }
    came ||= open;
  });
  state.dialog.observe(document.body, { childList: true });
}

const button = (label, title) => ui.make("button", { type: "button", title }, label);

function lead({ store, out }) {
  out.href = store.address();
}

/**
 * What came with the bar wins: steps below the bar can only add something to take back, and old news must not undo it.
 * They can only end the way forward. A page that keeps its states itself says its own steps.
 */
function allow({ store, undo, redo, own, said, forward }) {
  const steps = store.last("steps");
  undo.disabled = steps ? !steps.undo : !(own || said);
  redo.disabled = steps ? !steps.redo : !(forward.own && forward.said);
}

async function report(state) {
  const link = state.store.address();
  const whole = !new URL(link).searchParams.get("packed")?.startsWith(LEFT_OUT);
  const done = await copyText(link);
  const here = ui.isHere(location.hostname);
  const words = whole ? `Link copied${here ? "; it opens on this computer alone: see Share" : ""}` : "Copied without its text, too long for a link: see Share";
  state.words.textContent = done ? words : "Copy the address from the browser’s bar";
  clearTimeout(state.timer);
  state.timer = setTimeout(() => { state.words.textContent = ""; }, done && whole && !here ? SAID_MS : LONG_MS);
}

/** One link a page; a plain click goes through the server, so that the view comes along. */
function fillNav(state, pages) {
  const links = pages.map((page) => {
    const link = ui.make("a", { href: `${HEADLIGHT.base}/${page.path}${location.search}` }, page.title);
    if (page.here) link.setAttribute("aria-current", "page");
    link.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      if (!page.here) state.send("open", page.path);
    });
    return link;
  });
  state.nav.replaceChildren(...links);
}

export default function ({ data, store, parentElement, setTriggerValue }) {
  ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement, storeOf(store)));
  state.send = setTriggerValue;
  state.stop ??= connect(state);
  const { pages, undo, redo, embedded, shares } = ui.parse(data);
  state.shares = shares && !embedded;
  if (!state.shares) present(false);
  else if (!state.asked) presentAsAsked();
  state.asked = true;
  state.root.classList.toggle("embedded", embedded);
  for (const own of [state.nav, state.undo, state.redo, state.copy]) own.hidden = embedded;
  state.share.hidden = state.answer.hidden = state.large.hidden = !state.shares;
  state.out.hidden = !embedded;
  lead(state);
  if (undo !== state.own) Object.assign(state, { own: undo, said: undo });
  if (redo !== state.forward.own) state.forward = { own: redo, said: redo };
  allow(state);
  fillNav(state, pages);
  return () => {
    state.stop?.();
    state.stop = null;
  };
}
