/** How a head was made by hand: in words, and as W_Q·W_Kᵀ, which says what asks for what. */

const version = new URL(import.meta.url).search;
const [{ ui }, { button, line }, { presetOf }, { place }, { imageButtons }] = await Promise.all(
  ["../headlight", "../draw/inputs", "../local/presets", "./matrix", "./picture"].map((name) => import(`${name}.js${version}`)));

// More names than this do not read above a matrix.
const NAMED = 40;

/** {root, draw(now)}; use(preset) takes its own sentence, tag(index) puts the tag on a token or takes it off. */
export function making({ use, tag }) {
  const own = {
    tag, title: ui.make("h2"), does: ui.make("p"), how: ui.make("ol"), reads: place(), known: "", tags: ui.make("div", { class: "tags" }),
    sample: button("", () => use(own.preset)), readout: ui.make("p", { class: "note", "aria-live": "polite" }), at: { row: 0, column: 0 }, root: null,
  };
  const images = imageButtons("How it is made", () => ({
    heading: own.title.textContent, name: "made", figure: own.root, palette: own.palette, lines: [own.does, ...own.how.children].map((one) => one.textContent),
  }));
  own.root = ui.make("section", { class: "made" }, ui.make("header", {}, own.title, images),
    ui.make("div", { class: "halves" }, ui.make("div", {}, own.does, own.tags, own.how, line(own.sample)), ui.make("div", {}, own.reads.root, own.readout)));
  return { root: own.root, draw: (now) => draw(own, now) };
}

function draw(own, now) {
  const preset = presetOf(now.state.preset);
  own.root.hidden = !preset;
  if (!preset) return;
  Object.assign(own, { preset, palette: now.palette });
  own.title.textContent = `How “${preset.title}” is made`;
  own.does.textContent = preset.does;
  own.how.replaceChildren(...preset.how.map((sentence) => ui.make("li", {}, sentence)));
  own.sample.textContent = `Take its sentence: “${preset.sample}”`;
  own.sample.hidden = now.state.text === preset.sample;
  drawTags(own, now, preset);
  drawReads(own, now);
}

function drawTags({ tags, tag }, now, preset) {
  tags.hidden = preset.name !== "verb";
  if (tags.hidden) return;
  const tagged = new Set(now.state.tags);
  const focused = [...tags.querySelectorAll("button")].findIndex((one) => one.matches(":focus"));
  const chips = now.names.map((name, i) => {
    const chip = button(name, () => tag(i));
    chip.setAttribute("aria-pressed", String(tagged.has(i)));
    return chip;
  });
  const none = tagged.size ? "" : " No token bears it yet, so each looks at the nearest of all, itself.";
  tags.replaceChildren(ui.make("span", {}, `Which tokens bear the tag “verb”?${none}`), line(...chips));
  if (focused >= 0) chips[focused]?.focus();
}

/** Where the largest number of a matrix stands, which says most of how it is made. */
function largestIn(matrix) {
  const at = matrix.reduce((best, value, i) => (Math.abs(value) > Math.abs(matrix[best]) ? i : best), 0);
  return { row: Math.floor(at / matrix.shape[1]), column: at % matrix.shape[1] };
}

function drawReads(own, now) {
  const { reads } = now.step;
  const [m] = reads.shape;
  const names = m <= NAMED ? now.dims : null;
  const size = Math.max(4, Math.min(16, 420 / m));
  const within = (at) => Math.min(at, m - 1);
  const known = `${now.state.preset} ${now.state.layer} ${m}`;
  own.at = known === own.known ? own.at : largestIn(reads);
  own.known = known;
  own.at = { row: within(own.at.row), column: within(own.at.column) };
  own.reads.draw({
    values: reads, title: now.layers > 1 ? `W_Q·W_Kᵀ of layer ${now.state.layer + 1}` : "W_Q·W_Kᵀ", shape: `${m} × ${m}; rows ask, columns are asked for`, scale: "scores", palette: now.palette,
    rows: size >= 9 ? names : null, names: now.dims, dims: now.dims, cell: size, at: own.at, label: `W_Q·W_Kᵀ, ${m} × ${m}: what a query’s number asks for in a key.`,
    choose: (row, column) => {
      own.at = { row, column: column ?? own.at.column };
      drawReads(own, now);
    },
  });
  const { row, column } = own.at;
  own.readout.textContent = `A query with “${now.dims[row]}” asks for “${now.dims[column]}” with ${(reads[row * m + column] / Math.sqrt(m)).toFixed(1).replace("-", "−")} (÷ √d_head).`;
}
