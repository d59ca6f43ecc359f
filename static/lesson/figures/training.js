/** Training in this browser: a task of several look-ups, learned with different numbers of heads at the same width. */
const version = new URL(import.meta.url).search;
const [{ indexed }, { css: inputs, button, line }, { curves }, { exampleOf, strip }, { start }, { checked, curveOf, FRESH }, words, { PLACES, SYMBOLS }] = await Promise.all(
  ["../../draw/indices", "../../draw/inputs", "../../training/curves", "../../training/examples", "../../training/start", "../../training/train", "../../training/words", "../../training/task"]
    .map((name) => import(`${name}.js${version}`)));

const STYLE = `
.training { color: var(--hl-ink); }
.training p { margin: 4px 0; }
.training button:disabled { opacity: .5; cursor: default; }
.training .scroll:focus-visible { outline: 2px solid var(--hl-query); outline-offset: 2px; }
.training caption { text-align: left; color: var(--hl-muted); padding-bottom: 2px; }
.training progress { width: 180px; accent-color: var(--hl-ink); }
.training .far { color: var(--hl-muted); font-variant-numeric: tabular-nums; min-width: 11em; }
.training .scroll { overflow-x: auto; }
.training table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 8px 0; }
.training :is(th, td) { text-align: right; padding: 3px 16px 3px 0; border-bottom: 1px solid var(--hl-line); font-weight: 400; white-space: nowrap; }
.training th[scope=row] { text-align: left; font-weight: 600; }
.training thead th { color: var(--hl-muted); }
.training h4 { margin: 10px 0 2px; font-size: 1em; font-weight: 600; }
.training .said span { display: inline-block; margin-right: 1.2em; }
.training .note { color: var(--hl-muted); }
.training .wrong { color: var(--hl-bad); }
`;

/** The settings of all runs: seed by seed, each with every number of heads. */
function runsOf({ heads, lookups, d_model: width, seeds, steps }, seed) {
  const each = Array.from({ length: seeds }, (_, i) => seed + i);
  return each.flatMap((own) => heads.map((count) => ({ settings: checked({ heads: count, lookups, width, steps, seed: own }), curve: [], step: 0, result: null })));
}

export default function ({ root, settings, context }) {
  const { ui } = context;
  const state = { seed: settings.seed, runs: runsOf(settings, settings.seed), halt: null, example: 0, problem: "", isHere: false, frame: 0, isDown: false };
  const parts = build();

  function build() {
    const made = {
      train: button("Train", () => train(state.seed)), stop: button("Stop", halt),
      again: button("Another seed", () => train(state.seed + settings.seeds)), other: button("Another example", () => { state.example += 1; draw(); }),
      progress: ui.make("progress", { "aria-label": "training" }), far: ui.make("span", { class: "far" }),
      chart: ui.make("div"), end: ui.make("p", { "aria-live": "polite" }), problem: ui.make("p", { class: "wrong", role: "alert" }),
      // Wider than a phone, it is scrolled by keys, too.
      table: ui.make("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": "What came of training" }), check: ui.make("p", { class: "note" }), strips: ui.make("div"),
    };
    made.example = ui.make("div", { hidden: true }, line(ui.make("strong", {}, "A fresh example"), made.other), made.strips);
    root.append(ui.make("style", {}, inputs + STYLE), ui.make("div", { class: "training" }, ui.make("p", {}, ...indexed(taskOf(settings))),
      line(made.train, made.stop, made.again, made.progress, made.far), made.problem, made.chart, made.end, made.table, made.check, made.example));
    return made;
  }

  function train(seed) {
    halt();
    Object.assign(state, { seed, runs: runsOf(settings, seed), problem: "", isHere: false });
    state.halt = start(state.runs.map((run) => run.settings), { told, done, failed, here: () => { state.isHere = true; } });
    context.changed();
    draw();
  }

  function told(index, { step, curve }) {
    Object.assign(state.runs[index], { step, curve });
    soon();
  }

  function done(index, result) {
    Object.assign(state.runs[index], { step: settings.steps, curve: curveOf(result.losses), result });
    if (!state.runs.every((run) => run.result)) return soon();
    state.halt = null;
    context.changed();
    return draw();
  }

  function failed(message) {
    state.problem = message;
    halt();
  }

  function halt() {
    state.halt?.();
    state.halt = null;
    draw();
  }

  /** Draw in the next frame, however many messages come before it. */
  function soon() {
    state.frame ||= requestAnimationFrame(() => {
      state.frame = 0;
      draw();
    });
  }

  function draw() {
    if (!parts || state.isDown) return;
    const palette = context.palette();
    const room = root.clientWidth || 720;
    const made = words.outcomes(settings.heads, state.runs);
    drawControls();
    parts.problem.textContent = state.problem;
    parts.chart.replaceChildren(curves({ runs: state.runs, counts: settings.heads, seeds: settings.seeds, steps: settings.steps, palette, room }));
    drawEnd(made, palette, room);
  }

  function drawControls() {
    const runs = state.runs;
    const [taken, all] = [runs.reduce((sum, run) => sum + run.step, 0), runs.length * settings.steps];
    parts.stop.disabled = !state.halt;
    parts.train.disabled = Boolean(state.halt);
    Object.assign(parts.progress, { max: all, value: taken });
    const ended = runs.filter((run) => run.result).length;
    parts.far.textContent = state.halt || ended ? `${ended} of ${runs.length} runs${state.isHere ? ", on this page" : ""}` : `seed ${state.seed}`;
  }

  /** What is known once all runs have ended. */
  function drawEnd(made, palette, room) {
    const isOver = made.every(({ losses }) => losses.length === settings.seeds);
    parts.end.textContent = isOver ? words.endOf(made, settings.steps, settings.seeds) : "";
    parts.table.replaceChildren(...(isOver ? [tableOf(ui, made, settings)] : []));
    parts.table.hidden = !isOver;
    parts.check.textContent = isOver ? words.checkOf(state.runs) : "";
    parts.check.classList.toggle("wrong", state.runs.some((run) => run.result && !run.result.check.ok));
    parts.example.hidden = !isOver;
    if (!isOver) return;
    const example = exampleOf(settings.lookups, state.example);
    parts.strips.replaceChildren(...made.map(({ first }) => strip(first, example, palette, room)));
  }

  const stop = () => {
    state.halt?.();
    cancelAnimationFrame(state.frame);
    state.isDown = true;
  };
  const facts = () => words.factsOf(words.outcomes(settings.heads, state.runs).map((one) => (one.losses.length === settings.seeds ? one : { ...one, first: null })));

  draw();
  /** Train, unless it was done or is being done. */
  const prepare = () => {
    if (!state.halt && !state.runs.every((run) => run.result)) train(state.seed);
  };
  return { facts, draw, stop, prepare, isWaiting: () => Boolean(state.halt) };
}

function taskOf({ lookups, d_model: width, heads, seeds, steps }) {
  const marks = words.MARKS.slice(0, lookups).join(" ");
  const counts = heads.length > 1 ? `${heads.slice(0, -1).join(", ")} or ${words.headsOf(heads[heads.length - 1])}` : words.headsOf(heads[0]);
  const times = seeds > 1 ? `, from ${seeds} seeds` : "";
  return `The task: ${PLACES} places, each with one of ${SYMBOLS} letters, ${lookups} of them marked ${marks}. Name the letter at each mark. `
    + `The model is attention alone: one learned query, ${counts} that share d_model ${width} between them, ${steps} steps of training${times}. `
    + `Who guesses has a loss of ln ${SYMBOLS} = ${words.lossOf(words.BLIND)}.`;
}

/** One row a number of heads: the loss from each seed, and how often the answer at each mark is right. */
function tableOf(ui, made, { lookups, seeds, d_model: width }) {
  const cell = (content) => ui.make("td", {}, content);
  const head = ["heads", "d_head", ...Array.from({ length: seeds }, (_, i) => (seeds > 1 ? `loss, seed ${made[0].seeds[i]}` : "loss")), ...words.MARKS.slice(0, lookups).map((mark) => `right at ${mark}`)];
  const rows = made.map(({ heads, losses, accuracy }) => ui.make("tr", {}, ui.make("th", { scope: "row" }, String(heads)), cell(String(width / heads)),
    ...losses.map((loss) => cell(words.lossOf(loss))), ...accuracy.map((share) => cell(`${ui.decimals(100 * share, 1)} %`))));
  const caption = `The loss on ${FRESH} fresh examples, and how often the answer at each mark is right${seeds > 1 ? `, the mean of ${seeds} seeds` : ""}`;
  return ui.make("table", {}, ui.make("caption", {}, caption), ui.make("thead", {}, ui.make("tr", {}, ...head.map((name) => ui.make("th", { scope: "col" }, ...indexed(name))))), ui.make("tbody", {}, ...rows));
}
