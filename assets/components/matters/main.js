/**
 * Which heads matter for one prediction: a map of what changes when each head is switched off in turn, beside one of what
 * each head writes by itself. Estimates are hatched, and replaced as the runs come in; both maps choose a head.
 */
const shared = (name) => import(`${location.origin}${HEADLIGHT.base}/app/static/${name}.js?v=${HEADLIGHT.version}`);
const [{ start }, { storeOf }, { watchTerms }, { dress }] = await Promise.all(["headlight", "store", "terms", "signed/style"].map(shared));
const ui = start(HEADLIGHT);
const [{ build }, { fill, follow, heard }] = await Promise.all(["build", "draw"].map((name) => shared(`matters/${name}`)));
const states = new WeakMap();

function begin(parent, store) {
  dress(parent);
  const state = { store, given: null, palette: null, at: null, stops: null, send: () => {} };
  build(state);
  parent.append(state.root);
  watchTerms(parent);
  return state;
}

export default function ({ data, store, parentElement, setTriggerValue }) {
  const palette = ui.applyTheme(parentElement);
  const state = ui.once(states, parentElement, () => begin(parentElement, storeOf(store)));
  state.send = setTriggerValue;
  if (state.bytes !== data || state.palette !== palette) {
    Object.assign(state, { bytes: data, palette, given: ui.parse(data) });
    fill(state);
  }
  state.stops ??= [
    state.store.listen("shown", ({ look }) => follow(state, look)), state.store.listen("waiting", (look) => look && follow(state, look)),
    state.store.listen("pointed", (cell) => heard(state, cell)),
  ];
  const call = state.call = Symbol("call");
  return () => {
    if (state.call !== call) return;
    state.stops?.forEach((stop) => stop());
    state.stops = null;
  };
}
