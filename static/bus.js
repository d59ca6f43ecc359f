/** The bus of one figure group: what its components tell each other, and of which the server never hears. */

/** The bus of a state {target: an EventTarget, last: the last message of each name}. */
export function busOf({ target, last }) {
  /** Tell who listens now; nothing is kept. */
  const emit = (name, detail) => target.dispatchEvent(new CustomEvent(name, { detail }));

  /** Tell all components of the group; `detail` is kept for those that mount later. */
  function say(name, detail) {
    last.set(name, detail);
    emit(name, detail);
  }

  /** Call `heard(detail)` now with the last message, if any, and at each new one. Returns the function that stops it. */
  function listen(name, heard) {
    const call = (event) => heard(event.detail);
    target.addEventListener(name, call);
    if (last.has(name)) heard(last.get(name));
    return () => target.removeEventListener(name, call);
  }

  return { emit, say, listen, last: (name) => last.get(name) };
}
