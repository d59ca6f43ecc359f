/** An exercise: a small example to copy, and fields for what one's own lines made of it, compared step by step. */

const version = new URL(import.meta.url).search;
const [{ ui }, { button, choices }, { copyText }, { framed, verdict }, { LAYER, STEPS, TOKENS, exercise, judge }] = await Promise.all(
  ["../../headlight", "../../draw/inputs", "../../clipboard", "../common", "../judged"].map((name) => import(`${name}.js${version}`)));

const LIBRARIES = { numpy: ["import numpy as np", "np.array"], torch: ["import torch", "torch.tensor"] };
const MATRICES = [["W_Q", "query"], ["W_K", "key"], ["W_V", "value"], ["W_O", "output"]];
const LOOK = `
.compare label { display: block; margin: 10px 0 2px; }
.compare textarea { font: 13px/1.45 ui-monospace, "SF Mono", Menlo, Consolas, monospace; color: var(--hl-ink); background: var(--hl-card); border: 1px solid var(--hl-line);
  border-radius: 6px; padding: 6px 10px; width: 100%; max-width: 46em; box-sizing: border-box; display: block; }
.compare textarea:focus-visible { outline: 2px solid var(--hl-query); outline-offset: 2px; }
.compare .shape { color: var(--hl-muted); }
`;

export default function ({ root, settings, context }) {
  const state = { seed: settings.seed, library: "numpy", made: exercise(settings.seed), results: {} };
  const code = ui.make("pre", { class: "code", tabIndex: 0, "aria-label": "The example as code" });
  const told = ui.make("span", { class: "quiet", role: "status" });
  const steps = STEPS.map(([name, title, names]) => fieldOf(name, title, names));
  const { body, said } = framed(root,
    choices({ label: "for", options: [["numpy", "NumPy"], ["torch", "PyTorch"]], value: state.library, change: (library) => {
      state.library = library;
      draw();
    } }),
    button("copy", async () => {
      told.textContent = (await copyText(code.textContent)) === false ? "Select the text and copy it." : "Copied.";
    }), told, button("another example", () => {
      Object.assign(state, { seed: state.seed + 1, results: {} });
      state.made = exercise(state.seed);
      for (const step of steps) step.clear();
      draw();
      context.changed();
    }));
  root.append(ui.make("style", {}, LOOK));
  body.classList.add("compare");
  body.append(code, ...steps.flatMap((step) => [step.label, step.found]));

  /** A step's field, and what is found of it. */
  function fieldOf(name, title, names) {
    const text = ui.make("textarea", { rows: 2, spellcheck: false, autocomplete: "off" });
    const found = ui.make("div", { "aria-live": "polite" });
    const shapes = names.map((own) => `(${state.made.pass[own].shape.join(", ")})`).join(" or ");
    text.addEventListener("input", () => {
      state.results[name] = text.value.trim() ? judge(name, text.value, state.made) : null;
      const result = state.results[name];
      found.replaceChildren(...(result ? [verdict(result.ok, result.words)] : []));
      say();
      context.changed();
    });
    return {
      found, label: ui.make("label", {}, `${title} `, ui.make("span", { class: "shape" }, shapes), text),
      clear: () => {
        text.value = "";
        found.replaceChildren();
      },
    };
  }

  function say() {
    const results = Object.values(state.results).filter(Boolean);
    said.textContent = results.length ? `${results.filter(({ ok }) => ok).length} of ${results.length} pasted steps agree.` : "Nothing is pasted yet. Nothing of it leaves this page.";
  }

  function draw() {
    code.textContent = written(state.made, state.library);
    told.textContent = "";
    say();
  }

  draw();
  return {
    facts: () => {
      const results = Object.values(state.results).filter(Boolean);
      return { steps: STEPS.length, pasted: results.length, agree: results.filter(({ ok }) => ok).length };
    },
    draw, stop: () => {},
  };
}

/** The example as lines of code. */
function written({ x, weights }, library) {
  const [first, call] = LIBRARIES[library];
  const { d_model: m, n_heads: h } = LAYER;
  const rows = (matrix) => Array.from({ length: matrix.shape[0] }, (_, row) => `[${[...matrix.subarray(row * m, (row + 1) * m)].map((value) => (Math.round(10 * value) / 10 || 0).toFixed(1)).join(", ")}]`);
  const matrix = (name, values) => `${name} = ${call}([${rows(values).join(",\n".padEnd(name.length + call.length + 7))}])`;
  return [first, "", `# ${TOKENS} tokens, d_model ${m}, ${h} heads of width ${m / h}, causal, no biases`, `# Q = X @ W_Q; columns 0 to ${m / h - 1} are head 0`,
    matrix("X", x), ...MATRICES.map(([name, own]) => matrix(name, weights[own]))].join("\n");
}
