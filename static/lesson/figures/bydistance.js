/** Biases by distance: ALiBi's straight lines, one slope a head, or the buckets in which T5 learns its biases. */

const version = new URL(import.meta.url).search;
const [{ stageOf }, { bucketOf, slopes }, { chart }, { slider }] = await Promise.all(
  ["../stage", "../places", "../../draw/chart", "../../draw/inputs"].map((name) => import(`${name}.js${version}`)));

const HEADS = [2, 4, 8, 16];

export default function ({ root, settings, context }) {
  const isAlibi = settings.of === "alibi";
  const farthest = isAlibi ? 32 : 200;
  const state = { heads: settings.heads, distance: settings.distance };
  const act = (changes) => {
    Object.assign(state, changes);
    draw();
    context.changed();
  };
  const distance = slider({ label: "distance", low: 0, high: farthest, step: 1, value: state.distance, digits: 0, change: (own) => act({ distance: own }) });
  const stage = stageOf({ root, ui: context.ui }, isAlibi ? [slider({ label: "heads", values: HEADS, value: state.heads, change: (heads) => act({ heads }) }), distance] : [distance]);

  function draw() {
    const palette = context.palette();
    const shown = isAlibi ? biases(state, palette, stage.width()) : buckets(state, palette, stage.width());
    stage.show(chart(shown));
    stage.says(shown.words);
  }

  /** What a key at each distance gets, by head: the weight beside one at distance 0, where their scores are equal. */
  function biases({ heads, distance: at }, palette, width) {
    const own = slopes(heads);
    const drawn = [...new Set([0, Math.floor(heads / 4), Math.floor(heads / 2), heads - 1])];
    const factor = (head) => Math.exp(-own[head] * at);
    const words = `At distance ${at} ALiBi takes ${(own[0] * at).toFixed(3)} from head 0's score (weight × ${context.ui.number(factor(0), 3)}), and ${(own[heads - 1] * at).toFixed(3)} from head ${heads - 1}'s (× ${context.ui.number(factor(heads - 1), 3)}).`;
    return {
      palette, width, height: 250, words, label: words, x: { label: "distance i − j", from: 0, to: farthest }, y: { label: "weight × exp(−m·distance)", from: 0, to: 1 },
      lines: drawn.map((head, i) => ({ name: `head ${head}, ${context.ui.number(own[head], 2)}`, dash: i, colour: [palette.query, palette.key, palette.value, palette.ink][i],
        points: Array.from({ length: farthest + 1 }, (_, k) => [k, Math.exp(-own[head] * k)]) })),
      marks: [{ x: at, label: `${at}` }],
    };
  }

  /** The bucket of each distance, before and after the query. */
  function buckets({ distance: at }, palette, width) {
    const words = `A key ${at} places before its query is in bucket ${bucketOf(-at)}, one ${at} after it in bucket ${bucketOf(at)}; each bucket has one learned number a head.`;
    const line = (name, sign, colour, dash) => ({ name, colour, dash, points: Array.from({ length: farthest + 1 }, (_, k) => [k, bucketOf(sign * k)]) });
    return {
      palette, width, height: 250, words, label: words, x: { label: "distance", from: 0, to: farthest }, y: { label: "bucket", from: 0, to: 31 },
      lines: [line("after", 1, palette.key, 0), line("before", -1, palette.query, 1)], marks: [{ x: at, label: `${at}` }],
    };
  }

  draw();
  return { facts: () => factsOf(state), draw, stop: () => root.replaceChildren() };
}

function factsOf({ heads, distance }) {
  const own = slopes(heads);
  const used = new Set(Array.from({ length: 401 }, (_, i) => bucketOf(i - 200)));
  return {
    heads, distance, first: own[0], last: own[heads - 1], first_takes: own[0] * distance, last_takes: own[heads - 1] * distance, bucket: bucketOf(-distance),
    next: bucketOf(-distance - 1), shared: bucketOf(-distance) === bucketOf(-distance - 1) ? 0 : 1, used: used.size,
  };
}
