/** The slim bar: the name, the pages, and what one may do with this view. */
const { start } = await import(`${location.origin}${HEADLIGHT.base}/app/static/headlight.js?v=${HEADLIGHT.version}`);
const { desk } = await import(`${location.origin}${HEADLIGHT.base}/app/static/desk.js?v=${HEADLIGHT.version}`);
const ui = start(HEADLIGHT);
const table = desk(ui);
const states = new WeakMap();
const SAID_MS = 1600;
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

/** Copy this page's full address; where the clipboard is closed to us, a selected field is the second way. */
async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    return true;
  } catch {
    const field = ui.make("textarea", { value: location.href, class: "away" });
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

function build(parent) {
  const nav = ui.make("nav", { "aria-label": "Pages" });
  const undo = ui.make("button", { type: "button", class: "quiet", title: "Back to the view before" }, "Undo");
  const copy = ui.make("button", { type: "button" }, "Copy link");
  const said = ui.make("span", { class: "said", "aria-live": "polite" });
  const actions = ui.make("div", { class: "actions" }, said, undo, copy);
  const root = ui.make("div", { class: "bar" }, ui.make("span", { class: "name" }, logo(), "Headlight"), nav, actions);
  parent.append(root);
  const state = { nav, undo, copy, words: said, own: false, said: false, send: () => {} };
  undo.addEventListener("click", () => table.takeBack() || state.send("undo", true));
  copy.addEventListener("click", () => report(state));
  state.stop = ui.listen("undo", (can) => {
    state.said = can;
    allow(state);
  });
  return state;
}

/** What came with the bar wins: steps below the bar can only add something to take back, and old news must not undo it. */
function allow({ undo, own, said }) {
  undo.disabled = !(own || said);
}

async function report(state) {
  state.words.textContent = (await copyLink()) ? "Link copied" : "Copy the address from the browser’s bar";
  clearTimeout(state.timer);
  state.timer = setTimeout(() => { state.words.textContent = ""; }, SAID_MS);
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

export default function ({ data, parentElement, setTriggerValue }) {
  ui.dress(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement));
  state.send = setTriggerValue;
  const { pages, undo } = ui.parse(data);
  if (undo !== state.own) Object.assign(state, { own: undo, said: undo });
  allow(state);
  fillNav(state, pages);
  return () => state.stop();
}
