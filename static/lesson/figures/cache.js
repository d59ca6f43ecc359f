/** How many bytes a cache of keys and values takes, for sizes of models that are in use, by how keys and values are shared. */

const version = new URL(import.meta.url).search;
const [{ stageOf }, { bytesIn, cacheBytes }, { chart }, { choices, slider }] = await Promise.all(
  ["../stage", "../cost", "../../draw/chart", "../../draw/inputs"].map((name) => import(`${name}.js${version}`)));

/** Sizes from the models' own configurations: layers, query heads, key-value heads, width of a head. */
const MODELS = {
  gpt: { name: "GPT-2", layers: 12, heads: 12, own: 12, width: 64, bytes: 4 },
  llama: { name: "Llama 3 8B", layers: 32, heads: 32, own: 8, width: 128, bytes: 2 },
  large: { name: "Llama 2 70B", layers: 80, heads: 64, own: 8, width: 128, bytes: 2 },
};
const LENGTHS = [1, 128, 1024, 4096, 8192, 32768, 131072];
const SHARED = 8;

export default function ({ root, settings, context }) {
  const state = { model: settings.model, n: settings.n, bytes: MODELS[settings.model].bytes };
  const act = (changes) => {
    Object.assign(state, changes);
    width.set(state.bytes);
    draw();
    context.changed();
  };
  const width = choices({ label: "bytes a number", options: [[4, "4"], [2, "2"], [1, "1"]], value: state.bytes, change: (bytes) => act({ bytes }) });
  const stage = stageOf({ root, ui: context.ui }, [
    choices({ label: "sizes of", options: Object.entries(MODELS).map(([key, { name }]) => [key, name]), value: state.model, change: (model) => act({ model, bytes: MODELS[model].bytes }) }),
  ], [width, slider({ label: "tokens", values: LENGTHS, value: state.n, change: (n) => act({ n }) })]);

  function draw() {
    const palette = context.palette();
    const { name, heads, own } = MODELS[state.model];
    const bars = waysOf(MODELS[state.model]).map(({ words, kvHeads }) => {
      const value = totalOf(state, kvHeads);
      return { name: words, value, words: bytesIn(value), colour: kvHeads === own ? palette.value : palette.muted };
    });
    stage.show(chart({ palette, bars, width: stage.width(560), label: `${name}, ${state.n} tokens: ${bars.map((bar) => `${bar.name} ${bar.words}`).join(", ")}.` }));
    stage.says(`${name}: ${heads} query heads, ${own} key-value heads; 2 × layers × key-value heads × width × bytes = ${bytesIn(totalOf({ ...state, n: 1 }, own))} a token, ${bytesIn(totalOf(state, own))} for ${state.n.toLocaleString("en")}.`);
  }

  draw();
  return { facts: () => factsOf(state), draw, stop: () => root.replaceChildren() };
}

/** Every head its own keys and values (MHA), eight in all (GQA), one for all (MQA). */
function waysOf({ heads }) {
  return [{ words: `MHA, ${heads} KV`, kvHeads: heads }, ...(heads % SHARED === 0 ? [{ words: `GQA, ${SHARED} KV`, kvHeads: SHARED }] : [{ words: "GQA, 4 KV", kvHeads: 4 }]), { words: "MQA, 1 KV", kvHeads: 1 }];
}

function totalOf({ model, n, bytes }, kvHeads) {
  const { layers, width } = MODELS[model];
  return n * cacheBytes({ layers, kvHeads, width, bytes });
}

function factsOf(state) {
  const { heads, own } = MODELS[state.model];
  const one = totalOf({ ...state, n: 1 }, own);
  return { model: MODELS[state.model].name, kib: one / 1024, said: bytesIn(one), total: bytesIn(totalOf(state, own)), mha: bytesIn(totalOf({ ...state, n: 1 }, heads)), mqa: bytesIn(totalOf({ ...state, n: 1 }, 1)), saved: heads / own };
}
