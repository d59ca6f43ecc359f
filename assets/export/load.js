/** Modules by name, each a function that runs when it is first asked for (`attention/export/bundle.py` makes them). */
globalThis.headlight = (() => {
  const made = new Map();
  const running = new Map();
  // Nothing is ever fetched from here: it only gives relative names something to be relative to.
  const BASE = "https://headlight.invalid/app/static/";

  /** The name of what a module asks for: beside itself, or below the app's own static files. */
  function nameOf(specifier, from) {
    const [, below] = specifier.split("/app/static/");
    return new URL(below ?? specifier, below ? BASE : from).pathname.replace("/app/static/", "");
  }

  function load(name) {
    if (!made.has(name)) return Promise.reject(new Error(`This file has no module ${name}.`));
    if (!running.has(name)) running.set(name, run(name));
    return running.get(name);
  }

  async function run(name) {
    const url = `${BASE}${name}?v=file`;
    const exports = {};
    await made.get(name)(exports, (specifier) => load(nameOf(specifier, url)), { url });
    return exports;
  }

  return { define: (name, module) => made.set(name, module), load };
})();
