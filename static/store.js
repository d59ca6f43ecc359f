/**
 * The state of one figure group, by its name: the run that arrived, the look (which head, which token, which stage …), and
 * the head that is made of both. A component is told the name when it is mounted, and hands its store to the modules that
 * it uses; they ask there and change the look there, and the server hears of it afterwards. Groups of one page know
 * nothing of each other.
 *
 * The look is the server's, with the changes over it that the server has not confirmed yet, so that neither a slow
 * answer nor a lost message takes back what a person did. Names and values are those of `attention/view/fields.py`.
 *
 * A change of the run itself (`edits`) is made at once in the heads that it concerns, from what is here; the run that the
 * server then makes takes their place.
 *
 * On a store's bus: "shown" {run, look, head, running: whether the run with these edits is still being made} whenever what
 * is shown changed and is here; "waiting" the look that is not here yet, or null; "hover" {query, key, from} or null, of
 * which the server never hears; "several" whether clicks add pins; "changed" the fields that a person has just changed;
 * "steps" {undo, redo: functions, or null} of a page that keeps its states itself, or null; "swipe" 1 or −1; "count", "undo"
 * and "redo" as the look brought them; and what the map of all heads and the dimensions were given, "overview", "rotary" and
 * "options", of which pictures are made.
 */

const version = new URL(import.meta.url).search;
const shared = (name) => import(`./${name}.js${version}`);
const [{ head: make, specials }, { tiles }, { query: queryOf }, { busOf }, { pinsOf, written }, { concerns, editsOf, lineOf }] = await Promise.all(
  ["head", "tiles", "url", "bus", "look", "edits"].map(shared));

// Fast steps through the heads are one message.
const SETTLE_MS = 140;
// Keys of an address with which Streamlit stands inside another page.
const EMBEDDING = ["embed", "embed_options"];
const AGAIN_MS = 1500;
const TRIES = 4;
// A head and the seven that may be drawn beside it, and the last ones that were looked at.
const KEPT = 10;

/** The state behind a name, which all who ask for it share; the page keeps it as long as it is open. */
function stateOf(name) {
  if (!name) throw new Error("A component of a figure group must be mounted with the name of its store.");
  globalThis.headlightStores ??= new Map();
  const stores = globalThis.headlightStores;
  if (!stores.has(name)) {
    stores.set(name, {
      run: null, server: null, local: new Map(), seq: 0, send: null, shown: null, kept: new Map(), timer: 0, soon: false, told: 0,
      tries: 0, stepped: false, leave: null, target: new EventTarget(), last: new Map(),
    });
  }
  return stores.get(name);
}

/** The store of that name. */
export function storeOf(name) {
  const state = stateOf(name);
  const bus = busOf(state);
  if (!state.leave) {
    state.leave = leave;
    addEventListener("popstate", leave);
  }

  /** The look: what the server knows, and over it what it has not heard of yet. */
  function look() {
    if (!state.server) return null;
    return { ...state.server.look, ...Object.fromEntries([...state.local].map(([field, { value }]) => [field, value])) };
  }

  /** Change some fields of the look. What is here is shown at once; `now` tells the server without waiting for more. */
  function change(changes, { now = false } = {}) {
    state.seq += 1;
    const about = state.server?.base;
    for (const [field, value] of Object.entries(changes)) state.local.set(field, { value, seq: state.seq, about });
    update();
    bus.emit("changed", changes);
    publish(Object.keys(changes));
    plan(now || !isHere(look()) ? 0 : SETTLE_MS);
  }

  /**
   * Put what is shown now into the address. Fast steps are one entry of the browser's history, as they are one message.
   * Only the store whose look the page's address is: not in a file, and not in a frame inside another page.
   */
  function publish(fields) {
    const kept = state.server?.address;
    if (!kept || EMBEDDING.some((key) => new URLSearchParams(location.search).has(key))) return;
    const now = look();
    const told = [...new Set([...state.local.keys(), ...fields])].map((field) => [field, written(field, now[field])]);
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
    const each = (of) => Object.fromEntries([...state.local].map(([field, changed]) => [field, of(field, changed)]));
    state.send?.({ seq: state.seq, changes: each((field, { value }) => written(field, value)), about: each((_, { about }) => about ?? "") });
    // A message can be lost. What was heard is taken out when the answer comes; who never answers is not asked for ever.
    state.tries = state.told === state.seq ? state.tries + 1 : 1;
    state.told = state.seq;
    if (state.tries < TRIES) plan(AGAIN_MS);
  }

  /**
   * The browser's Back or Forward: what the server has not been told of is taken back with the step away from it. A store
   * that is not in the address has nothing to do with it.
   */
  function leave() {
    if (!state.server?.address) return;
    clearTimeout(state.timer);
    Object.assign(state, { timer: 0, stepped: false });
    for (const [field, { seq }] of state.local) if (seq > state.told) state.local.delete(field);
    if (state.local.size) plan(AGAIN_MS);
    update();
  }

  /** Take back a step to another head that the server has not heard of yet; whether there was one. */
  function takeBack() {
    const steps = ["layer", "head"].filter((field) => state.local.has(field));
    for (const field of steps) state.local.delete(field);
    if (steps.length) {
      update();
      publish(steps);
    }
    return steps.length > 0;
  }

  /** The function by which the server is told, or null; the component that owns the connection gives it. */
  function connect(send) {
    state.send = send;
  }

  /** Whether there is somebody who tells the server. */
  const isConnected = () => state.send !== null;

  /** A run arrived: its q, k, v, rules and tokens. */
  function arriveRun(run) {
    state.run = run;
    state.kept.clear();
    later();
  }

  /** The server's look arrived, and how far it has heard: {run, base, seen, look, about, tiles}, see `browser/store.py`. */
  function arriveLook(server) {
    state.server = server;
    for (const [field, { seq, about }] of state.local) {
      const gone = server.about.includes(field) && about !== server.base;
      if (seq <= server.seen || gone) state.local.delete(field);
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
      state.shown = { run: state.run, look: wanted, head: headAt(wanted.layer, wanted.head), running: isRunning() };
      bus.say("shown", state.shown);
    }
    bus.say("waiting", here ? null : wanted);
  }

  /** Whether what a look asks for has travelled: its head, and of a long text the very part of it. */
  function isHere(wanted) {
    if (!state.run || !wanted || state.server?.run !== state.run.id || !hasHead(wanted.layer, wanted.head)) return false;
    const { tiles: part } = state.run;
    return !part || JSON.stringify(part.asked) === JSON.stringify(state.server.tiles.map((field) => wanted[field]));
  }

  function hasHead(layer, number) {
    const { tiles: part, layers } = state.run ?? { tiles: null, layers: [] };
    if (part) return part.layer === layer && part.head === number;
    return Boolean(layers.find((own) => own.layer === layer)?.heads.includes(number));
  }

  /**
   * One head as the look alters it, or null where it did not travel; `plain` as the model ran it. What is asked for a row of
   * many heads is not kept (`isKept`): it would take the place of the few that are looked at.
   */
  function headAt(layer, number, { plain = false, isKept = true } = {}) {
    if (!hasHead(layer, number)) return null;
    const options = plain || state.run.tiles ? {} : { ...optionsOf(look(), layer), ...pendingOf(layer) };
    const key = JSON.stringify([layer, number, options]);
    const found = state.kept.get(key) ?? (state.run.tiles ? tiles(state.run.tiles) : make(state.run, layer, number, options));
    if (!isKept) return found;
    state.kept.delete(key);
    state.kept.set(key, found);
    if (state.kept.size > KEPT) state.kept.delete(state.kept.keys().next().value);
    return found;
  }

  /** Whether the edits that are wanted are not those that the server's run was made with. */
  const isRunning = () => Boolean(state.local.has("edits") && state.server && written("edits", look().edits) !== written("edits", state.server.look.edits));

  /** What `head.js` is told of edits that the run of this layer was not made with yet; nothing where it was. */
  function pendingOf(layer) {
    if (!isRunning()) return {};
    const own = state.run.layers.find((one) => one.layer === layer);
    const { kind, usual } = state.run;
    const edits = editsOf(look().edits).filter((edit) => concerns(edit, { kind, layer, op: own.op }, usual)).map((edit) => lineOf({ ...edit, kind: edit.kind || usual }));
    return JSON.stringify(edits) === JSON.stringify(own.edits ?? []) ? {} : { edits };
  }

  /** The keys of a layer that the look leaves out. */
  function hidden(layer) {
    const { hide } = look();
    return [...new Set([...(hide.includes("first") ? [0] : []), ...(hide.includes("special") ? specials(state.run, layer) : [])])];
  }

  /** What `head.js` is told of temperature and hiding; nothing where all is the model's own. */
  function optionsOf({ temperature, hide, rest }, layer) {
    if (temperature === 1 && !hide.length) return {};
    const own = state.run.layers.find((one) => one.layer === layer);
    const usual = { hidden: hidden(layer), hideSink: hide.includes("sink"), renormalised: rest === "shared" };
    return own.needs ? usual : { ...usual, temperature: own.temperature * temperature };
  }

  /** The address of what is shown now, with what the server has not heard of yet; as a page of its own, not inside another. */
  function address() {
    const query = new URLSearchParams(location.search);
    for (const key of EMBEDDING) query.delete(key);
    for (const [field, { value }] of state.local) {
      const [text, key] = [written(field, value), state.server.address?.keys[field] ?? field];
      if (text === "") query.delete(key);
      else query.set(key, text);
    }
    return `${location.origin}${location.pathname}${query.size ? `?${query}` : ""}`;
  }

  /** {field: text}: the pinned token, and what a person changed here that the server has not heard of. */
  function unheard() {
    const now = look();
    return now ? Object.fromEntries(["query", ...state.local.keys()].map((field) => [field, written(field, now[field])])) : {};
  }

  /** All pinned tokens, the first one first. */
  const pins = () => pinsOf(look());

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
  const isSeveral = (event) => Boolean(event?.shiftKey || event?.ctrlKey || event?.metaKey || bus.last("several"));

  return {
    ...bus, look, change, takeBack, tell, address, unheard, connect, isConnected, arriveRun, arriveLook, headAt, hidden, pins, pin, isSeveral,
    shown: () => state.shown, waiting: () => bus.last("waiting") ?? null,
  };
}
