/** The first lines of every component that Streamlit shows: they tell it which figure group it belongs to. */

/** What Streamlit gives a component, and the name of its store, which stands behind its data (`attention/browser/codec.py`). */
export function withStore(given) {
  const { data } = given;
  const end = data.length - 1;
  return { ...given, store: new TextDecoder().decode(data.subarray(end - data[end], end)) };
}

/** Show the delivered component of that name. */
export async function show(given) {
  const name = given.name.slice(given.name.indexOf(".") + 1);
  const { default: component } = await globalThis.headlight.load(`component/${name}.js`);
  return component(withStore(given));
}
