/**
 * The page of an exported file: it takes the server's place. Components get the trees that the file holds; what they
 * change on the desk stays there, for there is nobody to tell.
 */
const [{ start }, { desk }] = await Promise.all(["headlight", "desk"].map((name) => import(`/app/static/${name}.js`)));
const ui = start(HEADLIGHT);
const table = desk(ui);
// Those whose styles belong to the document, as in `attention/ui/components.py`.
const OPEN = ["figures"];
const KINDS = { encoder: "encoder", decoder: "decoder", cross: "cross" };
const KIND_WORDS = { encoder: "the source looks at itself", decoder: "the target looks back at itself", cross: "the target looks at the source" };
const DETAILS = { links: "Links", dimensions: "q · k by dimension" };
const SIGNS = new Map([[true, ["good", "✓"]], [false, ["bad", "⚠"]], [null, ["open", "–"]]]);
const NOT_SAID = "This head’s check is the one below its sentence, which your browser makes; the page has the model’s own as well.";
const mounted = new Map();
const at = (id) => document.getElementById(id);

/** Show one component, or give one that is there new data; the same data change nothing. */
async function mount(name, data) {
  const { default: component } = await import(`/app/static/component/${name}.js`);
  if (mounted.get(name)?.data === data) return;
  mounted.set(name, { component, data, root: mounted.get(name)?.root ?? rootOf(name) });
  draw(name);
}

function rootOf(name) {
  const host = at(`hl-${name}`);
  const root = OPEN.includes(name) ? host : host.attachShadow({ mode: "open" });
  root.append(ui.make("style", {}, STYLES[name]));
  return root;
}

function draw(name) {
  const own = mounted.get(name);
  own.stop = own.component({ data: own.data, parentElement: own.root, key: name, setTriggerValue() {}, setStateValue() {} });
}

function takeDown(name) {
  mounted.get(name)?.stop?.();
  if (mounted.has(name)) mounted.get(name).data = null;
}

/** A row of buttons of which one is on. */
function choice(element, options, chosen, choose) {
  const buttons = options.map(([value, label]) => {
    const button = ui.make("button", { type: "button" }, label);
    button.addEventListener("click", () => choose(value));
    return [value, button];
  });
  element.replaceChildren(...buttons.map(([, button]) => button));
  const press = (on) => buttons.forEach(([value, button]) => button.setAttribute("aria-pressed", String(value === on)));
  press(chosen);
  return press;
}

/** Everything of one kind of attention. */
async function open({ held }, kind) {
  const own = held[kind];
  await mount("run", own.run);
  await mount("bench", own.look);
  await mount("sentence", {});
  await mount("figures", own.panels);
  await mount("arithmetic", {});
  await mount("heads", headsOf(own, table.look() ?? own.look.look));
}

/** The pictures or numbers of all heads that the look asks for; what the file has not stands as it was. */
const headsOf = ({ heads }, { measure }) => heads[measure] ?? heads.weights;

function tell(own, { look }) {
  const said = own.said.find((one) => one.layer === look.layer && one.head === look.head);
  const [kind, sign] = SIGNS.get(said?.holds ?? null);
  at("check").replaceChildren(ui.make("span", { class: kind }, `${sign} ${said?.check ?? NOT_SAID}`));
  at("said").replaceChildren(said?.habit ?? "", ...(said ? [ui.make("br")] : []), ui.make("small", {}, "← → heads, Shift + ↑ ↓ layers, or a swipe"));
}

async function look(name, data) {
  for (const other of Object.keys(DETAILS)) at(`hl-${other}`).hidden = other !== name;
  for (const other of Object.keys(DETAILS)) if (other !== name) takeDown(other);
  await mount(name, data);
}

/** Light or dark, by the system's wish until somebody chooses. */
function themes() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  const button = at("theme");
  const follow = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.title = `Show it on ${isDark() ? "light" : "dark"} paper`;
    for (const [name, { data }] of mounted) if (data !== null) draw(name);
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    follow();
  });
  system.addEventListener("change", follow);
  follow();
}

/** In a frame, tell whoever holds it how tall the page is, so that it need not scroll there. */
function grow() {
  if (parent === globalThis) return;
  const tell = () => parent.postMessage({ headlight: document.body.offsetHeight }, "*");
  new ResizeObserver(tell).observe(document.body);
  tell(); // an observer hears nothing as long as the frame is out of sight
}

/** Show what the file holds: {facts: {kind, kinds, details}, held: what the components of each kind are given}. */
export async function show(bytes) {
  const file = ui.parse(bytes);
  const state = { kind: file.facts.kind, details: file.facts.details };
  await Promise.all([400, 600, 700].map((weight) => document.fonts.load(`${weight} 16px "Source Sans 3"`)));
  at("desk").hidden = false;
  ui.listen("shown", (shown) => {
    const own = file.held[state.kind];
    if (shown.run !== own.run) return;
    tell(own, shown);
    if (mounted.has("heads")) mount("heads", headsOf(own, shown.look));
  });
  await open(file, state.kind);
  const details = (name) => {
    state.details = name;
    pressDetails(name);
    return look(name, name === "links" ? {} : file.held[state.kind].dimensions);
  };
  const pressDetails = choice(at("details"), Object.entries(DETAILS), state.details, details);
  await details(state.details);
  const kinds = at("kinds");
  kinds.hidden = file.facts.kinds.length < 2;
  const press = choice(kinds, file.facts.kinds.map((kind) => [kind, KINDS[kind]]), state.kind, async (kind) => {
    state.kind = kind;
    press(kind);
    kinds.title = KIND_WORDS[kind];
    await open(file, kind);
    await details(state.details);
  });
  themes();
  grow();
}
