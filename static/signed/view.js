/** What the views of the model's heads share: a state with a store and its bytes, drawn when other bytes or colours come. */
const version = new URL(import.meta.url).search;
const [{ ui }, { storeOf }, { watchTerms }, { dress }] = await Promise.all(
  ["../headlight", "../store", "../terms", "./style"].map((name) => import(`${name}.js${version}`)));

/**
 * A component's function. build(state) makes state.root and all below it, fill(state) draws what state.given says,
 * follow(state, look) the head on show, and heard(state, cell), where there is one, a head that is pointed at on any map.
 */
export function viewOf({ build, fill, follow, heard = () => {} }) {
  const states = new WeakMap();

  function begin(parent, store) {
    dress(parent);
    const state = { store, given: null, palette: null, at: null, stops: null, send: () => {} };
    build(state);
    parent.append(state.root);
    watchTerms(parent);
    return state;
  }

  const listen = (state) => [
    state.store.listen("shown", ({ look }) => follow(state, look)), state.store.listen("waiting", (look) => look && follow(state, look)),
    state.store.listen("pointed", (cell) => heard(state, cell)),
  ];

  return ({ data, store, parentElement, setTriggerValue }) => {
    const palette = ui.applyTheme(parentElement);
    const state = ui.once(states, parentElement, () => begin(parentElement, storeOf(store)));
    state.send = setTriggerValue;
    if (state.bytes !== data || state.palette !== palette) {
      Object.assign(state, { bytes: data, palette, given: ui.parse(data) });
      fill(state);
    }
    state.stops ??= listen(state);
    // An older call's end must not silence what a newer one listens to.
    const call = state.call = Symbol("call");
    return () => {
      if (state.call !== call) return;
      state.stops?.forEach((stop) => stop());
      state.stops = null;
    };
  };
}

/** Whether what came is of the head on show: what is of another one waits, in another colour. */
export function isHere(state, look) {
  const { given } = state;
  const shown = state.store.shown();
  return !given || given.reason || !look || ((given.run === undefined || !shown || shown.run.id === given.run)
    && look.layer === given.layer && look.head === given.head);
}
