/** Nothing to see: it brings a run (q, k, v, rules and tokens) to the store, from which the others make what they show. */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { storeOf }] = await Promise.all(["headlight", "store"].map(shared));
const ui = start(HEADLIGHT);
const states = new WeakMap();

export default function ({ data, store, parentElement }) {
  const state = ui.once(states, parentElement, () => ({ bytes: null }));
  // A change of theme runs this again, with the bytes that are known.
  if (state.bytes === data) return;
  state.bytes = data;
  storeOf(store).arriveRun(ui.parse(data));
}
