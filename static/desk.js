/**
 * What lies on the desk: the run that arrived, the look (which head, which token, which stage …), and the head that is
 * made of both. Components ask here and change the look here; the server hears of it afterwards, for the address.
 *
 * The look is the server's, with the changes over it that the server has not confirmed yet, so that neither a slow
 * answer nor a lost message takes back what a person did. Names and values are those of `attention/view/fields.py`.
 *
 * On the bus: "shown" {run, look, head} whenever what is shown changed and is here; "waiting" the look that is not here
 * yet, or null; "hover" {query, key, from} or null, of which the server never hears.
 */

const version = new URL(import.meta.url).search;
const shared = (name) => import(`./${name}.js${version}`);
const [{ head: make, specials }, { tiles }, { query: queryOf }] = await Promise.all(["head", "tiles", "address"].map(shared));

// Fast steps through the heads are one message.
const SETTLE_MS = 140;
// Keys of an address with which Streamlit stands inside another page.
const EMBEDDING = ["embed", "embed_options"];
const AGAIN_MS = 1500;
const TRIES = 4;
// A head and the seven that may be drawn beside it, and the last ones that were looked at.
const KEPT = 10;

/** The functions of the desk; `ui` are the helpers of headlight.js. The desk itself is one for the whole page. */
export function desk(ui) {
  globalThis.headlightDesk ??= {
    run: null, server: null, local: new Map(), seq: 0, send: null, shown: null, kept: new Map(), timer: 0, soon: false, told: 0, tries: 0, stepped: false, leave: null,
  };
  const state = globalThis.headlightDesk;
  if (!state.leave) {
    state.leave = leave;
    addEventListener("popstate", leave);
  }

  /** The look: what the server knows, and over it what it has not heard of yet. */
  function look() {
    if (!state.server) return null;
    return { ...state.server.look, ...Object.fromEntries([...state.local].map(([name, { value }]) => [name, value])) };
  }

  /** Change some fields of the look. What is here is shown at once; `now` tells the server without waiting for more. */
  function change(changes, { now = false } = {}) {
    state.seq += 1;
    const run = state.server?.run;
    for (const [name, value] of Object.entries(changes)) state.local.set(name, { value, seq: state.seq, run });
    update();
    publish(Object.keys(changes));
    plan(now || !isHere(look()) ? 0 : SETTLE_MS);
  }

  /**
   * Put what is shown now into the address. Fast steps are one entry of the browser's history, as they are one message.
   * Only where a server keeps the address: not in a file, and not in a frame inside another page.
   */
  function publish(names) {
    const kept = state.server?.address;
    if (!kept || EMBEDDING.some((name) => new URLSearchParams(location.search).has(name))) return;
    const now = look();
    const told = [...new Set([...state.local.keys(), ...names])].map((name) => [name, written(name, now[name])]);
    const next = queryOf(kept, Object.fromEntries(told), location.search);
    if (next === location.search.slice(1)) return;
    history[state.stepped ? "replaceState" : "pushState"]({}, "", `${location.pathname}?${next}`);
    state.stepped = true;
  }

  function plan(wait) {
    clearTimeout(state.timer);
    state.timer = setTimeout(tell, wait);
  }

  /** Tell the server what it has not heard of yet. */
  function tell() {
    clearTimeout(state.timer);
    state.timer = 0;
    state.stepped = false;
    if (!state.local.size) return;
    const each = (of) => Object.fromEntries([...state.local].map(([name, change]) => [name, of(name, change)]));
    state.send?.({ seq: state.seq, changes: each((name, { value }) => written(name, value)), about: each((name, { run }) => run ?? "") });
    // A message can be lost. What was heard is taken out when the answer comes; who never answers is not asked for ever.
    state.tries = state.told === state.seq ? state.tries + 1 : 1;
    state.told = state.seq;
    if (state.tries < TRIES) plan(AGAIN_MS);
  }

  /** The browser's Back or Forward: what the server has not been told of is taken back with the step away from it. */
  function leave() {
    clearTimeout(state.timer);
    Object.assign(state, { timer: 0, stepped: false });
    for (const [name, { seq }] of state.local) if (seq > state.told) state.local.delete(name);
    if (state.local.size) plan(AGAIN_MS);
    update();
  }

  /** Take back a step to another head that the server has not heard of yet; whether there was one. */
  function takeBack() {
    const steps = ["layer", "head"].filter((name) => state.local.has(name));
    for (const name of steps) state.local.delete(name);
    if (steps.length) {
      update();
      publish(steps);
    }
    return steps.length > 0;
  }

  /** The function by which the server is told; the component that owns the connection gives it. */
  function connect(send) {
    state.send = send;
  }

  /** A run arrived: its q, k, v, rules and tokens. */
  function arriveRun(run) {
    state.run = run;
    state.kept.clear();
    later();
  }

  /** The server's look arrived, and how far it has heard: {run, seen, look, about, tiles}, see `browser/store.py`. */
  function arriveLook(server) {
    state.server = server;
    for (const [name, { seq, run }] of state.local) {
      const gone = server.about.includes(name) && run !== server.run;
      if (seq <= server.seen || gone) state.local.delete(name);
    }
    later();
  }

  /** Both come in one go: look at them together. */
  function later() {
    if (state.soon) return;
    state.soon = true;
    queueMicrotask(() => {
      state.soon = false;
      update();
    });
  }

  function update() {
    const wanted = look();
    if (!wanted || !state.run) return;
    const here = isHere(wanted);
    if (here) {
      state.shown = { run: state.run, look: wanted, head: headAt(wanted.layer, wanted.head) };
      ui.say("shown", state.shown);
    }
    ui.say("waiting", here ? null : wanted);
  }

  /** Whether what a look asks for has travelled: its head, and of a long text the very part of it. */
  function isHere(wanted) {
    if (!state.run || !wanted || state.server?.run !== state.run.id || !hasHead(wanted.layer, wanted.head)) return false;
    const { tiles: part } = state.run;
    return !part || JSON.stringify(part.asked) === JSON.stringify(state.server.tiles.map((name) => wanted[name]));
  }

  function hasHead(layer, number) {
    const { tiles: part, layers } = state.run ?? { tiles: null, layers: [] };
    if (part) return part.layer === layer && part.head === number;
    return Boolean(layers.find((own) => own.layer === layer)?.heads.includes(number));
  }

  /** One head as the look alters it, or null where it did not travel; `plain` as the model ran it. */
  function headAt(layer, number, { plain = false } = {}) {
    if (!hasHead(layer, number)) return null;
    const options = plain || state.run.tiles ? {} : optionsOf(look(), layer);
    const name = JSON.stringify([layer, number, options]);
    const found = state.kept.get(name) ?? (state.run.tiles ? tiles(state.run.tiles) : make(state.run, layer, number, options));
    state.kept.delete(name);
    state.kept.set(name, found);
    if (state.kept.size > KEPT) state.kept.delete(state.kept.keys().next().value);
    return found;
  }

  /** What `head.js` is told of temperature and hiding; nothing where all is the model's own. */
  function optionsOf({ temperature, hide, rest }, layer) {
    if (temperature === 1 && !hide.length) return {};
    const own = state.run.layers.find((one) => one.layer === layer);
    const hidden = [...new Set([...(hide.includes("first") ? [0] : []), ...(hide.includes("special") ? specials(state.run, layer) : [])])];
    const usual = { hidden, hideSink: hide.includes("sink"), renormalised: rest === "shared" };
    return own.needs ? usual : { ...usual, temperature: own.temperature * temperature };
  }

  /** The address of what is shown now, with what the server has not heard of yet; as a page of its own, not inside another. */
  function address() {
    const query = new URLSearchParams(location.search);
    for (const name of EMBEDDING) query.delete(name);
    for (const [name, { value }] of state.local) {
      const [text, key] = [written(name, value), state.server.address?.keys[name] ?? name];
      if (text === "") query.delete(key);
      else query.set(key, text);
    }
    return `${location.origin}${location.pathname}${query.size ? `?${query}` : ""}`;
  }

  /** All pinned tokens, the first one first. */
  function pins(from = look()) {
    return from ? [from.query, ...from.also] : [];
  }

  /** Pin a token: alone, or with `several` beside those that are pinned, where a pinned one is taken out again. */
  function pin(query, { several = false } = {}) {
    const before = pins();
    if (!several) {
      if (before.length > 1 || before[0] !== query) change({ query, also: [], key: null });
      return;
    }
    const after = before.includes(query) ? before.filter((one) => one !== query) : [...before, query];
    if (after.length) change({ query: after[0], also: after.slice(1) });
  }

  /** Whether a click is meant to pin one more token: with Ctrl, ⌘ or Shift, or after “several” was pressed. */
  const isSeveral = (event) => Boolean(event?.shiftKey || event?.ctrlKey || event?.metaKey || ui.last("several"));

  /** What came beside a layer: its titles, and why its contributions cannot be told. */
  const layerOf = (layer) => state.run?.tiles ?? state.run?.layers.find((own) => own.layer === layer) ?? null;

  return {
    look, change, takeBack, tell, address, layerOf, connect, arriveRun, arriveLook, headAt, pins, pin, isSeveral,
    shown: () => state.shown, waiting: () => ui.last("waiting") ?? null,
  };
}

/** A field as a link writes it; "" is the default. */
export function written(name, value) {
  if (value === null) return "";
  if (typeof value === "boolean") return value ? "1" : "0";
  if (name === "zoom") return `${value[0]}-${value[1]},${value[2]}-${value[3]}`;
  if (Array.isArray(value)) return value.map((part) => (Array.isArray(part) ? part.join(".") : String(part))).join(",");
  return String(value);
}
