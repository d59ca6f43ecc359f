/**
 * The check: what the browser made beside what `attention/mhsa.py` made on the server of the same sentence, settings and edits.
 * The server is asked a moment after the last change; everything else works without its answer.
 */

const version = new URL(import.meta.url).search;
const [{ ui }, { askOf }] = await Promise.all(["../headlight", "./model"].map((name) => import(`${name}.js${version}`)));

const SETTLE_MS = 400;
const AGAIN_MS = 1_500;
const TRIES = 40;
// Above this a difference is none of rounding: both keep steps or weights in float32, relative to the largest number there is.
const ALLOWED = 1e-5;
// A score is kept to 24 binary digits, and the softmax turns its absolute error into a relative one.
const PER_SCORE = 2 ** -22;

/** How far the two are apart: {gap, allowed, isEqual}. made: as from model.js; answer: {heads (l, h, n, d), output (l, n, m)}. */
export function judged(made, answer) {
  const pairs = [["heads", "heads"], ["output", "output"]].flatMap(([name]) => made.layers.map(({ pass }, layer) => [pass[name], partOf(answer[name], layer)]));
  const sizes = pairs.map(([own, theirs]) => own.length === theirs.length);
  if (!sizes.every(Boolean) || answer.heads.shape[0] !== made.layers.length) return { gap: Infinity, allowed: 0, isEqual: false };
  const [gap, size] = pairs.map(([own, theirs]) => apart(own, theirs)).reduce(([g, s], [gap1, size1]) => [worse(g, gap1), Math.max(s, size1)], [0, 0]);
  const scores = Math.max(...made.layers.map(({ pass }) => pass.masked.reduce((most, score) => (Number.isFinite(score) ? Math.max(most, Math.abs(score)) : most), 0)));
  const allowed = Math.max(1, size) * Math.max(ALLOWED, scores * PER_SCORE);
  return { gap, allowed, isEqual: gap <= allowed };
}

function partOf(array, at) {
  const size = array.length / array.shape[0];
  return array.subarray(at * size, (at + 1) * size);
}

/** The larger of two gaps; no number at all is the largest. */
const worse = (one, other) => (Number.isNaN(other) || Number.isNaN(one) ? NaN : Math.max(one, other));

function apart(own, theirs) {
  let [gap, size] = [0, 0];
  for (let i = 0; i < own.length; i++) {
    gap = worse(gap, Math.abs(own[i] - theirs[i]));
    size = Math.max(size, Math.abs(theirs[i]));
  }
  return [gap, size];
}

/** {root, told(state, made), answered(answer), stop()}: `send(ask)` tells the server. */
export function checking(send) {
  const root = ui.make("p", { class: "check", role: "status" });
  // Numbers of one visit: a reload begins with others, so that no old answer is taken for its own.
  const own = { root, send, id: Math.floor(Math.random() * 1e9), made: null, ask: null, timer: 0, tries: 0 };
  show(own, "", "Not compared with attention/mhsa.py yet.");
  return {
    root, stop: () => clearTimeout(own.timer),
    told: (state, made) => told(own, state, made), answered: (answer) => answered(own, answer),
  };
}

function told(own, state, made) {
  const ask = JSON.stringify(askOf(state));
  own.made = made;
  if (!made.layers.length || ask === own.ask) return;
  clearTimeout(own.timer);
  Object.assign(own, { ask, id: own.id + 1, tries: 0 });
  show(own, "", "Being compared with attention/mhsa.py …");
  plan(own, SETTLE_MS);
}

function plan(own, wait) {
  own.timer = setTimeout(() => {
    own.tries += 1;
    own.send({ ...JSON.parse(own.ask), id: own.id });
  }, wait);
}

/** What came from the server: {id, heads, output}, {id, problem}, or {id, waiting: why}; one of an earlier state says nothing. */
function answered(own, answer) {
  if (!answer || answer.id !== own.id || !own.made) return;
  if (answer.waiting) {
    show(own, "", `${answer.waiting} It will be compared in a moment.`);
    if (own.tries < TRIES) again(own);
  } else if (answer.problem) {
    show(own, "", `Not compared with attention/mhsa.py: ${answer.problem}`);
  } else {
    say(own, judged(own.made, answer));
  }
}

/** Ask the same once more, under another number, for a message that says the same is none. */
function again(own) {
  own.id += 1;
  clearTimeout(own.timer);
  plan(own, AGAIN_MS);
}

function say(own, { gap, allowed, isEqual }) {
  const size = ui.number(gap, 2);
  if (isEqual) show(own, "good", `✓ Heads and output equal attention/mhsa.py within ${size}.`);
  else show(own, "bad", `✗ Heads or output differ from attention/mhsa.py by ${size}, where ${ui.number(allowed, 2)} is allowed: do not trust these numbers.`);
}

function show({ root }, kind, words) {
  root.className = `check ${kind}`;
  root.textContent = words;
}
