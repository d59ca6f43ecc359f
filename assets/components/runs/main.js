/** Nothing to see: it brings the runs and looks of a page's figure groups, each to the store of its name. */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { storeOf }] = await Promise.all(["headlight", "store"].map(shared));
const ui = start(HEADLIGHT);
const states = new WeakMap();

/** One group's run and look, or in words why there is none. */
function bring({ store: name, run, look, panels, facts, overview, rotary, change, problem }) {
  const store = storeOf(name);
  store.say("problem", problem ? { words: problem } : null);
  if (problem) return;
  store.say("panels", panels);
  store.say("facts", facts);
  if (overview) store.say("overview", overview);
  if (rotary) store.say("rotary", rotary);
  if (change) store.say("change", change);
  store.arriveRun(run);
  store.arriveLook(look);
}

export default function ({ data, parentElement }) {
  const state = ui.once(states, parentElement, () => ({ bytes: null }));
  // A change of theme runs this again, with the bytes that are known.
  if (state.bytes === data) return;
  state.bytes = data;
  ui.parse(data).groups.forEach(bring);
}
