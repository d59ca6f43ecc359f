/** Questions as an interviewer asks them: time to think, a model answer with the figure that shows it, and a mark of one's own. */

const version = new URL(import.meta.url).search;
const [{ ui }, { button, choices, toggle }, { random }, { css }, { elements }, { marksOf }] = await Promise.all(
  ["../../headlight", "../../draw/inputs", "../../local/random", "../common", "../tree", "../marks"].map((name) => import(`${name}.js${version}`)));

const TIMES = [[0, "off"], [30, "30 s"], [60, "60 s"], [120, "2 min"]];
const MARKS = [["knew", "knew it"], ["partly", "knew it partly"], ["not", "not yet"]];
const LOOK = `
.interview .card { border: 1px solid var(--hl-line); border-radius: 10px; background: var(--hl-card); padding: 14px 20px 18px; margin: 10px 0; }
.interview .ask { font-size: 1.3em; line-height: 1.35; margin: 4px 0 12px; text-wrap: balance; }
.interview .answer { border-top: 1px solid var(--hl-line); margin-top: 14px; padding-top: 6px; max-width: 46em; }
.interview .answer p + p { margin-top: .5em; }
.interview .proof { margin-top: 10px; overflow-x: auto; }
.interview select { font: inherit; color: var(--hl-ink); background: var(--hl-card); border: 1px solid var(--hl-line); border-radius: 6px; min-height: 32px; max-width: 100%; padding: 3px 8px; }
.interview select:focus-visible { outline: 2px solid var(--hl-query); outline-offset: 2px; }
@media (pointer: coarse) { .interview select { min-height: 44px; } }
`;

export default function ({ root, settings, context }) {
  const kept = marksOf();
  const state = { lesson: "", unknown: false, time: 0, seed: settings.seed, shuffled: false, list: [], at: 0, open: false, end: 0, timer: 0, proof: null, call: 0 };
  const parts = partsOf(settings.asked, {
    lesson: (lesson) => choose({ lesson }), unknown: (unknown) => choose({ unknown }), time,
    order: (shuffled) => choose({ shuffled, seed: state.seed + 1 }),
  });
  const box = ui.make("div", { class: "interview" }, parts.filters, parts.count, parts.card);
  root.append(ui.make("style", {}, css, LOOK), box);

  /** Those that are asked, in their order; what is marked as known later stays among them and is passed over. */
  function choose(changes) {
    Object.assign(state, changes, { at: 0, open: false });
    const found = settings.asked.filter((asked) => (!state.lesson || asked.lesson === state.lesson) && isWanted(asked));
    state.list = state.shuffled ? random(state.seed).shuffle(found) : found;
    show();
  }

  /** Time to think begins at once, also for the question that stands there. */
  function time(seconds) {
    state.time = seconds;
    if (!state.open) show();
  }

  const isWanted = ({ number }) => !(state.unknown && kept.of(number) === "knew");

  function go(by) {
    const { length } = state.list;
    const on = Array.from({ length }, (_, step) => (((state.at + by * (step + 1)) % length) + length) % length);
    const next = on.find((at) => isWanted(state.list[at]));
    if (next === undefined) state.list = [];
    Object.assign(state, { at: next ?? 0, open: false });
    show();
    parts.card.querySelector(".ask")?.focus();
  }

  function show() {
    takeDown();
    count();
    const asked = state.list[state.at];
    if (!asked) {
      parts.card.replaceChildren(ui.make("p", {}, state.unknown ? "You have marked all of these as known." : "No question belongs to this choice."));
      return;
    }
    parts.card.replaceChildren(ui.make("p", { class: "quiet" }, `${state.at + 1} of ${state.list.length} · question ${asked.number}`),
      ui.make("p", { class: "ask", tabIndex: -1 }, ...elements(asked.ask)), ...(state.open ? answered(asked) : thinking()), nextLine());
  }

  const nextLine = () => ui.make("div", { class: "inputs" }, button("previous", () => go(-1)), button("next question", () => go(1)));

  function thinking() {
    const shown = ui.make("output", { role: "timer", "aria-label": "time to think" });
    const say = () => {
      const left = Math.ceil((state.end - Date.now()) / 1000);
      shown.textContent = left > 0 ? `${left} s to think` : "time is up";
      if (left <= 0) clearInterval(state.timer);
    };
    if (state.time) {
      state.end = Date.now() + 1000 * state.time;
      state.timer = setInterval(say, 250);
      say();
    }
    return [ui.make("div", { class: "inputs" }, button("show the answer", () => {
      state.open = true;
      show();
      parts.card.querySelector(".answer").focus();
    }), state.time ? shown : null)];
  }

  function answered(asked) {
    const marks = choices({ label: "I", options: MARKS, value: kept.of(asked.number), change: (mark) => {
      kept.put(asked.number, mark);
      count();
    } });
    marks.setAttribute("aria-label", "How well did you know it?");
    const where = asked.step ? [["p", {}, ["Shown in ", ["a", { href: `${asked.lesson}#${asked.step}` }, [`${asked.title}: ${asked.step_title}`]], "."]]] : [];
    const proof = ui.make("div", { class: "proof" });
    if (asked.figure) mount(asked.figure, proof);
    return [ui.make("div", { class: "answer", tabIndex: -1 }, ...elements([...asked.answer, ...where], { link: context.link })), proof, ui.make("div", { class: "inputs" }, marks)];
  }

  const known = () => settings.asked.filter(({ number }) => kept.of(number) === "knew").length;

  function count() {
    parts.count.textContent = `${known()} of ${settings.asked.length} known. Your marks stay in this browser.`;
    context.changed();
  }

  /** The figure that shows it; a model's run comes on the store of its own lesson. */
  async function mount({ module, settings: own, store, needs_run: isRun }, host) {
    const call = ++state.call;
    const { default: make } = await import(`./${module}.js${version}`);
    if (call !== state.call) return;
    const hosts = isRun ? context.hosts(store, false) : null;
    const bound = hosts ? { store, mount: hosts.mount, panels: hosts.panels } : {};
    const made = await make({ root: host, settings: own, context: { ...context, ...bound, changed: () => {} } });
    const stop = () => {
      made.stop();
      hosts?.stop();
    };
    const proof = { stop, draw() {
      hosts?.draw();
      made.draw();
    } };
    if (call === state.call) state.proof = proof;
    else stop();
  }

  function takeDown() {
    clearInterval(state.timer);
    state.call += 1;
    state.proof?.stop();
    state.proof = null;
  }

  choose({});
  return {
    facts: () => ({ asked: settings.asked.length, known: known() }),
    draw: () => state.proof?.draw(), stop: takeDown, wide: true,
  };
}

/** {filters, count, card}: what always stands there. */
function partsOf(asked, change) {
  const lessons = [...new Map(asked.filter(({ lesson }) => lesson).map(({ lesson, title }) => [lesson, title]))];
  const select = ui.make("select", { "aria-label": "lesson" }, ui.make("option", { value: "" }, "all lessons"), ...lessons.map(([value, title]) => ui.make("option", { value }, title)));
  select.addEventListener("change", () => change.lesson(select.value));
  return {
    filters: ui.make("div", { class: "inputs" }, select, toggle({ label: "only what I do not know yet", value: false, change: change.unknown }),
      toggle({ label: "shuffled", value: false, change: change.order }), choices({ label: "time to think", options: TIMES, value: 0, change: change.time })),
    count: ui.make("p", { class: "quiet", "aria-live": "polite" }), card: ui.make("div", { class: "card" }),
  };
}
