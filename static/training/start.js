/**
 * Runs of training, side by side: in at most two workers of the browser, or in short turns on the page where workers are
 * refused. The numbers are the same either way. The server has no part in it.
 */
const version = new URL(import.meta.url).search;
const { training } = await import(`./train.js${version}`);

const MOST = 2;
// How long the page may be kept from drawing where it trains by itself.
const TURN_MS = 12;

/** Where the worker's module lies, with the version that it asks its own modules for. */
export function workerAddress() {
  const url = new URL("./worker.js", import.meta.url);
  // In one piece the modules don't know their version; then the page does.
  url.search = globalThis.HEADLIGHT?.version ? `?v=${globalThis.HEADLIGHT.version}` : version;
  return url.href;
}

/**
 * Train all runs; returns the function that stops what still runs. `on.told(index, {step, curve})` while one is under way,
 * `on.done(index, result)` when it has ended, `on.failed(message)` where one cannot be trained at all, `on.here()` once if
 * the page has to do it.
 */
export function start(runs, on) {
  const state = { waiting: runs.map((settings, index) => ({ settings, index })), workers: new Set(), timer: 0, isHere: false, isStopped: false, on };
  const count = Math.min(MOST, navigator.hardwareConcurrency || 1, runs.length);
  for (let i = 0; i < count; i++) open(state);
  return () => stop(state);
}

function stop(state) {
  state.isStopped = true;
  state.waiting = [];
  for (const worker of state.workers) worker.terminate();
  state.workers.clear();
  clearTimeout(state.timer);
  state.timer = 0;
}

/** One more worker, which takes run after run; where there can be none, the page trains. */
function open(state) {
  let worker;
  try {
    worker = new Worker(workerAddress(), { type: "module" });
  } catch {
    here(state);
    return;
  }
  state.workers.add(worker);
  let job = null;

  const close = () => {
    worker.terminate();
    state.workers.delete(worker);
  };
  const next = () => {
    job = state.waiting.shift() ?? null;
    if (job) worker.postMessage(job.settings);
    else close();
  };
  // A policy, a missing file, a browser without modules in workers: the run begins again on the page.
  const refuse = () => {
    if (!state.workers.has(worker)) return;
    close();
    if (job) state.waiting.unshift(job);
    here(state);
  };

  worker.addEventListener("error", (event) => {
    event.preventDefault();
    refuse();
  });
  worker.addEventListener("message", ({ data }) => {
    if (!state.workers.has(worker)) return;
    if (data.error) {
      refuse();
      return;
    }
    tell(state, job, data);
    if (data.result) next();
  });
  next();
}

function tell({ on }, { index }, { step, curve, result }) {
  if (result) on.done(index, result);
  else on.told(index, { step, curve });
}

/** Train what waits on the page, one run after the other, in turns that leave it time to draw. */
function here(state) {
  if (state.timer || state.isStopped) return;
  if (!state.isHere) state.on.here?.();
  state.isHere = true;
  let now = null;
  const turn = () => {
    state.timer = 0;
    try {
      now = turnOf(state, now);
    } catch (error) {
      stop(state);
      state.on.failed(error.message);
    }
    if (!state.isStopped && (now || state.waiting.length)) state.timer = setTimeout(turn);
  };
  state.timer = setTimeout(turn);
}

/** Some steps of a run, or of the next one that waits; {job, run, spent: milliseconds} that goes on, or null. */
function turnOf(state, now) {
  const began = performance.now();
  const job = now?.job ?? state.waiting.shift();
  if (!job) return null;
  const run = now?.run ?? training(job.settings);
  while (!run.isDone() && performance.now() - began < TURN_MS) run.step();
  const spent = (now?.spent ?? 0) + performance.now() - began;
  if (run.isDone()) {
    tell(state, job, { result: { ...run.result(), seconds: spent / 1000 } });
    return null;
  }
  tell(state, job, { step: run.taken(), curve: run.curve() });
  return { job, run, spent };
}
