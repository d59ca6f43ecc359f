/**
 * A worker that trains: it gets the settings of a run, says at most ten times a second how far it is, and in the end what
 * came of it. Nothing that it needs comes from outside of the app's own files, and nothing goes there.
 */
const version = new URL(import.meta.url).search;
// Asked for here and awaited at each message: one that comes while the modules are on their way must find its listener.
const modules = import(`./train.js${version}`);
// Who sends a message hears of a failure; before the first one there is nobody to hear.
modules.catch(() => {});

const PAUSE_MS = 100;

/**
 * Train one run from its beginning to its end; `post` hears {step, curve} on the way, and then {result} or {error}. After
 * each it lets go: a browser gives a script that never does two seconds before it stops it.
 */
export async function train(settings, post) {
  try {
    const { training } = await modules;
    const began = performance.now();
    const run = training(settings);
    let said = began;
    while (!run.isDone()) {
      run.step();
      const now = performance.now();
      if (now - said < PAUSE_MS) continue;
      said = now;
      post({ step: run.taken(), curve: run.curve() });
      await new Promise((go) => { setTimeout(go); });
    }
    const result = run.result();
    post({ result: { ...result, seconds: (performance.now() - began) / 1000 } });
  } catch (error) {
    post({ error: error.message });
  }
}

const { WorkerGlobalScope } = globalThis;
if (WorkerGlobalScope && globalThis instanceof WorkerGlobalScope) {
  addEventListener("message", ({ data }) => train(data, (message) => postMessage(message)));
}
