/** Nothing to see: it lays a run (q, k, v, rules and tokens) on the desk, from which the others make what they show. */
const { start } = await import(`${location.origin}${HEADLIGHT.base}/app/static/headlight.js?v=${HEADLIGHT.version}`);
const { desk } = await import(`${location.origin}${HEADLIGHT.base}/app/static/desk.js?v=${HEADLIGHT.version}`);
const ui = start(HEADLIGHT);
const table = desk(ui);
const states = new WeakMap();

export default function ({ data, parentElement }) {
  const state = ui.once(states, parentElement, () => ({ bytes: null }));
  // A change of theme runs this again, with the bytes that are known.
  if (state.bytes === data) return;
  state.bytes = data;
  table.arriveRun(ui.parse(data));
}
