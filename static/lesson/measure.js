/**
 * How long this machine takes for one layer's projections and for its attention, in plain JavaScript, without keeping the page
 * from drawing: the work goes row by row, in turns of a few milliseconds.
 */

const version = new URL(import.meta.url).search;
const { costOf } = await import(`./cost.js${version}`);

const [TURN_MS, REPEATS, WHAT] = [10, 5, ["projections", "attention"]];
// A pass over few tokens is over before a clock ticks, so it is made several times.
const LEAST = 3e6;

/**
 * Begin, and return the function that ends it. told(share) now and then; done({projections, attention: [[n, milliseconds]], the
 * medians of a pass, rate: multiply-adds a millisecond of the largest projections, crossing: n or null}).
 */
export function measure({ d, lengths, told, done, clock = () => performance.now() }) {
  const jobs = jobsOf(d, lengths);
  const times = new Map(jobs.map(({ key }) => [key, []]));
  let [at, timer, isEnded] = [0, 0, false];
  const turn = () => {
    const until = clock() + TURN_MS;
    while (at < jobs.length && clock() < until) {
      const job = jobs[at];
      const from = clock();
      const isOver = job.work(until, clock);
      job.spent += clock() - from;
      if (isOver) {
        times.get(job.key).push(job.spent / job.passes);
        at++;
      }
    }
    told(at / jobs.length);
    if (isEnded) return;
    if (at < jobs.length) timer = setTimeout(turn);
    else done(resultOf(d, lengths, times));
  };
  timer = setTimeout(turn);
  return () => {
    isEnded = true;
    clearTimeout(timer);
  };
}

/** Where two measured curves cross, between the lengths by straight lines in logarithms; null where they do not. */
export function crossingOf(projections, attention) {
  const gaps = projections.map(([n, time], i) => [Math.log(n), Math.log(attention[i][1] / time)]);
  const last = gaps.findLastIndex(([, gap]) => gap < 0);
  if (last < 0 || last === gaps.length - 1) return null;
  const [[from, low], [to, high]] = [gaps[last], gaps[last + 1]];
  return Math.exp(from + ((to - from) * -low) / (high - low));
}

function resultOf(d, lengths, times) {
  const of = (what) => lengths.map((n) => [n, median(times.get(`${what} ${n}`))]);
  const [projections, attention] = WHAT.map(of);
  const [n, time] = projections.at(-1);
  return { projections, attention, rate: costOf({ n, m: d }).projections / time, crossing: crossingOf(projections, attention) };
}

function median(numbers) {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)];
}

/** Every length and both works, repeated, the first round for the browser's compiler and not counted. */
function jobsOf(d, lengths) {
  const most = lengths.at(-1);
  const room = { x: filled(most * d), weights: [1, 2, 3, 4].map(() => filled(d * d)), line: new Float64Array(d), row: new Float64Array(most), out: new Float32Array(most * d) };
  const jobs = [];
  for (let repeat = 0; repeat <= REPEATS; repeat++) {
    for (const n of lengths) for (const what of WHAT) jobs.push(jobOf(what, n, d, room, repeat === 0));
  }
  return jobs;
}

function filled(size) {
  return Float32Array.from({ length: size }, (_, i) => Math.sin(i * 1.7));
}

/** A pass over n rows, made `passes` times; work(until) goes on until it is over, and says whether it is. */
function jobOf(what, n, d, room, isWarming) {
  const passes = Math.max(1, Math.ceil(LEAST / costOf({ n, m: d })[what] / (isWarming ? 4 : 1)));
  const rows = passes * n;
  const once = what === "projections" ? projectRow : attendRow;
  let row = 0;
  const work = (until, clock) => {
    while (row < rows) {
      once(row % n, n, d, room);
      row++;
      if (row % 8 === 0 && clock() >= until) return row === rows;
    }
    return true;
  };
  return { key: isWarming ? "warming" : `${what} ${n}`, passes, work, spent: 0 };
}

/** One token's query, key, value and output: four times d × d. */
function projectRow(row, n, d, { x, weights, line, out }) {
  for (const matrix of weights) {
    line.fill(0);
    for (let i = 0; i < d; i++) {
      const factor = x[row * d + i];
      for (let column = 0, at = i * d; column < d; column++, at++) line[column] += factor * matrix[at];
    }
    out.set(line, row * d);
  }
}

/** One token's scores, softmax and weighted values over n keys: twice n × d, and the exponentials that no count has. */
function attendRow(row, n, d, { x, line, row: scores, out }) {
  let top = -Infinity;
  for (let key = 0; key < n; key++) {
    let sum = 0;
    for (let i = 0, a = row * d, b = key * d; i < d; i++, a++, b++) sum += x[a] * x[b];
    scores[key] = sum;
    if (sum > top) top = sum;
  }
  let total = 0;
  for (let key = 0; key < n; key++) {
    scores[key] = Math.exp(scores[key] - top);
    total += scores[key];
  }
  line.fill(0);
  for (let key = 0; key < n; key++) {
    const weight = scores[key] / total;
    for (let i = 0, at = key * d; i < d; i++, at++) line[i] += weight * x[at];
  }
  out.set(line, row * d);
}
