/**
 * One live figure of a lesson: its module, what it is told, the cover that lies over its result until a person has guessed,
 * and what one can do with it (a picture, a link, the inspect page).
 */

const version = new URL(import.meta.url).search;
const [{ ui }, { css, large }, { hosting }, { fit }, { attempt, tools }] = await Promise.all(["../headlight", "./base", "./hosts", "./room", "./tools"].map((name) => import(`${name}.js${version}`)));

// Beside a figure that would not show what its step says with another text.
const KEEPS = "Your sentence is not used here: this figure needs its own text.";

/**
 * {root, start(), ready, facts(), tokens(), listen(heard), cover(on), draw(), arrive(), prepare(), picture(), stop(), isWide} of a figure
 * block. app: what the lesson knows (`main.js`). place: {lesson, title, step}. It loads nothing before `start()`.
 */
export function figureOf(app, block, place) {
  const host = ui.make("div", { class: "figure-body" });
  const body = ui.make("div", { class: "figure-root" });
  const enlarging = ui.make("style");
  host.attachShadow({ mode: "open" }).append(ui.make("style", {}, css), enlarging, body);
  const said = ui.make("p", { class: "figure-said", role: "status" });
  const keeps = ui.make("p", { class: "keeps", hidden: true }, KEEPS);
  const foot = ui.make("div", { class: "figure-foot" });
  const root = ui.make("div", { class: "figure", role: "figure", "aria-label": `Figure: ${place.title}` }, host, said, keeps, foot);
  const store = block.store || `${place.lesson}-${place.step}`;
  const hostsOf = (name, isLocal) => hosting({ load: app.component, data: app.data, store: name, isLocal });
  const hosts = hostsOf(store, !block.needs_run);
  const heard = new Set();
  const own = { made: null, covered: false, width: 0, started: null, failed: false, stopped: false, reads: false, observer: null, large: false, fitting: new MutationObserver(sized) };

  const changed = () => {
    if (own.covered) mark(); // what came since is a result too
    heard.forEach((hear) => hear());
  };

  /** The person's sentence, for a figure that takes it. */
  function sentence() {
    own.reads = true;
    return app.sentence();
  }

  /** Say so where a person has a sentence and the figure about a text does not take it. */
  function follow() {
    const isOfText = block.needs_run || Boolean(block.settings.text);
    keeps.hidden = !app.sentence() || !isOfText || Boolean(block.settings.own) || own.reads;
  }

  const context = {
    ui, palette: app.palette, sentence, changed, store, mount: hosts.mount, panels: hosts.panels, hosts: hostsOf,
    say: (text) => { said.textContent = text; }, link: app.link(place.lesson),
    inspector: (query) => `${app.base?.() ?? ""}/?${query}`,
    lesson: { name: place.lesson, title: place.title, step: place.step },
  };

  /** Load and show it; again does nothing. */
  function start() {
    own.started ??= begin();
    return own.started;
  }

  async function begin() {
    try {
      const { default: show } = await import(`./figures/${block.module}.js${version}`);
      if (own.stopped) return;
      const made = await show({ root: body, settings: block.settings, context });
      if (own.stopped) {
        made.stop?.();
        return;
      }
      own.made = made;
      result.isWide = Boolean(made.wide);
      root.classList.toggle("wide", result.isWide);
      foot.append(tools(app, result, block, place));
      watch();
      follow();
      mark();
      changed();
    } catch (error) {
      own.failed = true;
      body.replaceChildren(ui.make("p", { class: "problem", role: "alert" }, `This figure could not be shown: ${error.message}`));
    }
  }

  /** Draw again where it has another width, and as large as there is room. */
  function watch() {
    own.width = body.clientWidth;
    own.observer = new ResizeObserver(() => {
      if (body.clientWidth === own.width || !body.clientWidth) return;
      own.width = body.clientWidth;
      requestAnimationFrame(() => {
        own.made?.draw?.();
        sized();
      });
    });
    own.fitting.observe(body, { childList: true, subtree: true });
    sized();
    own.observer.observe(body);
  }

  /** Drawings as large as there is room. */
  function sized() {
    fit(body, own.large ? root.clientHeight : null);
  }

  /** The cover lies over what the figure calls its result, or over all of it. */
  function mark() {
    const parts = [...body.querySelectorAll("[data-result]")];
    for (const part of body.querySelectorAll(".covered")) if (!parts.includes(part)) part.classList.remove("covered");
    for (const part of parts) part.classList.toggle("covered", own.covered);
    body.classList.toggle("covered", own.covered && !parts.length);
    root.classList.toggle("is-covered", own.covered);
  }

  const result = {
    root, body, block, place, store, start, context, isWide: false,
    get ready() { return own.made !== null || own.failed; },
    facts: () => own.made?.facts?.() ?? {},
    tokens: () => own.made?.tokens?.() ?? [],
    listen(hear) {
      heard.add(hear);
      return () => heard.delete(hear);
    },
    /** Larger, while one presents. */
    enlarge(on) {
      own.large = on;
      enlarging.textContent = on ? large : "";
      requestAnimationFrame(sized);
    },
    cover(on) {
      own.covered = on;
      mark();
    },
    draw() {
      hosts.draw();
      own.made?.draw?.();
      follow();
      changed();
    },
    arrive: hosts.arrive,
    /** Begin what else waits for a press: paper has no buttons. */
    prepare: () => own.made?.prepare?.(),
    isWaiting: () => Boolean(own.made?.isWaiting?.()),
    picture: () => own.made?.picture?.() ?? null,
    hasPicture: () => Boolean(own.made?.picture || body.querySelector("svg")),
    attempt: (act) => attempt(context.say, act),
    stop() {
      own.stopped = true;
      own.observer?.disconnect();
      own.fitting.disconnect();
      own.made?.stop?.();
      hosts.stop();
    },
  };
  return result;
}
