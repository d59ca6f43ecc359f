/** Modules by name, each a function that runs when it is first asked for (`attention/delivery.py` makes them). */
globalThis.headlight = (() => {
  const made = new Map();
  const running = new Map();
  // Where the app's static files lie. In a file nothing is ever fetched: it only gives names something to be relative to.
  const BASE = globalThis.headlightBase ?? "https://headlight.invalid/app/static/";

  /** The name of what a module asks for: beside itself, or below the app's own static files. */
  function nameOf(specifier, from) {
    const [, below] = specifier.split("/app/static/");
    const { origin, pathname } = new URL(below ?? specifier, below ? BASE : from);
    return `${origin}${pathname}`.slice(BASE.length);
  }

  function load(name) {
    if (!made.has(name)) return Promise.reject(new Error(`There is no module ${name}.`));
    if (!running.has(name)) running.set(name, run(name));
    return running.get(name);
  }

  async function run(name) {
    const url = `${BASE}${name}?v=file`;
    const exports = {};
    await made.get(name)(exports, (specifier) => load(nameOf(specifier, url)), { url });
    return exports;
  }

  return { define: (name, module) => made.set(name, module), load: (specifier) => load(nameOf(specifier, BASE)) };
})();
