/** The link to what is shown, and the lines that put it into another page; each with a button that copies it. */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { storeOf }, { copyText }, { code }] = await Promise.all(["headlight", "store", "clipboard", "share/code"].map(shared));
const ui = start(HEADLIGHT);
const states = new WeakMap();
const WARNING = "A link carries its text: whoever sees the link can read it, in the logs of servers and proxies on the way too.";
const LEFT_OUT = "The text is too long for a link, so this one opens without it. Save the view as a file, and send that instead.";
const HERE = "Nobody else can open this link: its address means the computer that it is opened on. In your network, open Headlight by this"
  + " computer’s name or address there and copy the link again; for everybody else run it on a host, or send a file (see Files).";
const UNREADABLE = "This link is too long for a QR code that a phone reads from a screen: shorten the text, or send the link.";
const EMBED_PX = 800;
const ESCAPES = { "&": "&amp;", '"': "&quot;", "<": "&lt;", ">": "&gt;" };

function build(parent, store) {
  const state = { store, scans: false, asked: "", said: ui.make("p", { class: "said", role: "status" }), notes: ui.make("p", { class: "note" }), here: ui.make("p", { class: "note here", hidden: true }, HERE) };
  state.link = part(state, "Link", ui.make("input", { type: "text", readOnly: true, spellcheck: false }), "Copy link");
  state.snippet = part(state, "Inside another page", ui.make("textarea", { rows: 5, readOnly: true, spellcheck: false }), "Copy lines");
  state.size = ui.make("p", { class: "note size" });
  state.unreadable = ui.make("p", { class: "note", hidden: true }, UNREADABLE);
  state.code = ui.make("div", { class: "code", hidden: true });
  state.scan = ui.make("button", { type: "button" }, "QR code");
  state.scan.addEventListener("click", () => {
    state.scans = !state.scans;
    show(state);
  });
  state.link.line.append(state.scan);
  state.link.root.append(state.size, state.here, state.unreadable, state.code);
  parent.append(ui.make("div", { class: "share" }, state.link.root, state.notes, state.snippet.root, state.said));
  state.stop = store.listen("shown", () => show(state));
  return state;
}

/** A named field that is selected as a whole when it is entered, and its button. */
function part(state, name, field, label) {
  const button = ui.make("button", { type: "button" }, label);
  field.addEventListener("focus", () => field.select());
  button.addEventListener("click", async () => {
    const done = await copyText(field.value, field);
    state.said.textContent = done ? `${name} copied` : "Copying is not allowed here: the text is selected, copy it by hand";
    if (!done) field.focus();
  });
  field.setAttribute("aria-label", name);
  const line = ui.make("div", { class: "line" }, field, button);
  return { root: ui.make("div", { class: "part" }, ui.make("span", { class: "name", "aria-hidden": "true" }, name), line), line, field };
}

function show(state) {
  const { given } = state;
  if (!given) return;
  const link = state.store.address();
  const embedded = new URL(link);
  embedded.searchParams.set("embed", "true");
  state.link.field.value = link;
  state.snippet.field.value = `<iframe src="${escaped(embedded.href)}"\n  title="${escaped(given.title)}" width="100%" height="${EMBED_PX}"\n  style="border: 0" loading="lazy"></iframe>`;
  state.here.hidden = !ui.isHere(location.hostname);
  state.size.textContent = given.complete ? `${link.length.toLocaleString("en")} characters` : LEFT_OUT;
  state.notes.textContent = given.complete ? WARNING : "";
  scannable(state, link);
  state.notes.hidden = state.snippet.root.hidden = !given.complete; // a page inside another one has no use for another text
}

/** The code of the very link that is shown, once the server has made it; it is asked for by whoever wants to see it. */
function scannable(state, link) {
  const { given, scans } = state;
  const fits = link.length <= given.scannable;
  state.unreadable.hidden = !given.complete || fits;
  state.scan.hidden = !given.complete || !fits;
  state.scan.setAttribute("aria-expanded", String(scans));
  state.code.hidden = state.scan.hidden || !scans;
  if (state.code.hidden) return;
  if (given.code?.link === link) {
    if (!state.code.firstChild) requestAnimationFrame(() => state.code.scrollIntoView({ block: "nearest" }));
    state.code.replaceChildren(code(given.code.modules, "QR code of the link above"));
  } else {
    state.code.replaceChildren();
    if (state.asked !== link) state.send("code", link);
    state.asked = link;
  }
}

const escaped = (text) => text.replace(/[&"<>]/g, (sign) => ESCAPES[sign]);

export default function ({ data, store, parentElement, setTriggerValue }) {
  ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => build(parentElement, storeOf(store)));
  Object.assign(state, { given: ui.parse(data), send: setTriggerValue });
  show(state);
  return () => state.stop();
}
