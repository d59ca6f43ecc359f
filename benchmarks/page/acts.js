/** What a person does on the page, as the events that it makes, and how its effect is told. */
(() => {
  const { all, sleep, toFrame, toPainted, forget, messages, answered, seen } = probe;
  const pick = (selector) => all(selector)[0];
  const panels = () => all(".hl-cells").filter(({ cells }) => cells);

  function tell(target, type, place = {}) {
    target.dispatchEvent(new PointerEvent(type, { pointerType: "mouse", bubbles: true, composed: true, ...place }));
  }

  /** From one element to the next, as a pointer that leaves and enters. */
  function stepper(list) {
    let before = null;
    return (i) => {
      const target = list[i % list.length];
      if (before) tell(before, "pointerleave");
      tell(target, "pointerenter");
      before = target;
    };
  }

  /** Of each view the function that moves the pointer to its i-th place. */
  const HOVERS = {
    heatmap() {
      const cover = all(".hl-cover")[1];
      const box = cover.getBoundingClientRect();
      const [rows, columns] = all(".hl-cells")[1].cells.z.shape;
      return (i) => {
        const [row, column] = [(i * 7 + 3) % rows, (i * 5 + 1) % columns];
        tell(cover, "pointermove", { clientX: box.left + ((column + 0.5) / columns) * box.width, clientY: box.top + ((row + 0.5) / rows) * box.height });
      };
    },
    sentence: () => stepper(all(".sentence .tokens:not(.asking) .token")),
    links() {
      const tokens = all(".column.query .token");
      return (i) => tell(tokens[(i * 3 + 1) % tokens.length], "pointerover");
    },
    arithmetic: () => stepper(all(".arithmetic tr[data-key]")),
    overview() {
      const canvas = pick(".heads canvas");
      const [box, frame] = [canvas.getBoundingClientRect(), pick(".heads .frame").getBoundingClientRect()];
      const [width, height] = [Math.min(box.width, frame.width) - 34, Math.min(box.height, frame.height) - 8];
      return (i) => tell(canvas, "pointermove", { clientX: box.left + 28 + ((i * 37) % width), clientY: box.top + 4 + ((i * 23) % height) });
    },
  };

  /** {idle, moves: times of each, sent: messages to the server, marked: how often the maps or the enlarged head showed it}. */
  async function hover(view, rounds) {
    const move = HOVERS[view]();
    const enlarged = pick(".enlarged .name");
    const marks = () => [...all(".hl-row, .hl-column").map(({ style }) => style.cssText), enlarged.textContent].join();
    for (let i = 0; i < 3; i++) await toFrame(() => move(i));
    await sleep(300);
    seen.sent.length = 0;
    const [idle, moves] = [[], []];
    let marked = 0;
    for (let i = 3; i < rounds + 3; i++) {
      idle.push(await toFrame(() => {}));
      const before = marks();
      moves.push(await toFrame(() => move(i)));
      if (marks() !== before) marked += 1;
    }
    await sleep(400);
    const sent = seen.sent.length;
    tell(pick(".hl-cover"), "pointerleave");
    return { idle, moves, sent, marked };
  }

  function press(key) {
    const canvas = pick(".heads canvas");
    canvas.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, composed: true, cancelable: true }));
  }

  const isAt = (layer, head) => {
    const shown = globalThis.headlightStores.get("inspect").shown?.look;
    return shown?.layer === layer && shown.head === head;
  };

  /** Press these keys, [key, layer, head]. Those that are timed give {ms, …}; `here`: the head has travelled already. */
  async function walk(steps, here) {
    const [times, idle] = [[], []];
    for (const [key, layer, head, timed] of steps) {
      const before = panels().map(({ cells }) => cells);
      const painted = () => isAt(layer, head) && panels().every(({ cells }, i) => cells !== before[i]);
      if (timed) idle.push(await toFrame(() => {}));
      forget();
      const made = here && timed ? await toFrame(() => press(key)) : await toPainted(() => press(key), painted);
      if (!painted()) throw new Error(`layer ${layer}, head ${head} was not painted in time`);
      await answered();
      if (timed) times.push(here ? made : { ...made, finished: messages(0).finished - made.from });
    }
    return { times, idle };
  }

  /** Say again what the server knows: a rerun that changes nothing. Until the script has ended. */
  async function rerun(rounds) {
    const times = [];
    for (let i = 0; i < rounds; i++) {
      const { local, server, send } = globalThis.headlightStores.get("inspect");
      if (local.size) throw new Error("the store has something to tell");
      const from = forget();
      send({ seq: server.seen, changes: { layer: String(server.look.layer) } });
      await answered();
      times.push({ ms: messages(from).finished, ...messages(from) });
    }
    return times;
  }

  /** Draw all heads anew from these bytes, in the very component that is on the page. */
  async function overview(text, rounds) {
    const { default: component } = await globalThis.headlight.load("component/heads.js");
    const data = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const parentElement = pick(".heads").getRootNode();
    const [times, idle] = [[], []];
    for (let i = 0; i < rounds; i++) {
      idle.push(await toFrame(() => {}));
      times.push(await toFrame(() => component({ data: data.slice(), parentElement })));
    }
    return { times, idle };
  }

  /** Pin other queries of a text so long that only the server can make what is shown. */
  async function pins(rounds) {
    const cover = all(".hl-cover")[1];
    const times = [];
    for (let i = 0; i < rounds; i++) {
      const before = panels().map(({ cells }) => cells);
      const painted = () => globalThis.headlightStores.get("inspect").last.get("waiting") === null && panels().every(({ cells }, at) => cells !== before[at]);
      const box = cover.getBoundingClientRect();
      const place = { clientX: box.left + 2, clientY: box.top + ((i + 0.5) / rounds) * box.height };
      times.push(await toPainted(() => tell(cover, "click", place), painted));
      tell(cover, "pointerleave");
      await answered();
    }
    return times;
  }

  const button = (name) => [...document.querySelectorAll("button")].find((one) => one.textContent.trim() === name);

  /** Click until plotly's own charts have changed for the last time, and that is painted; all of them must change. */
  async function charts(rounds) {
    const numbers = () => [...document.querySelectorAll(".js-plotly-plot")].map(({ data }) => data[0].z);
    const times = [];
    for (let i = 0; i < rounds; i++) {
      const before = numbers();
      await probe.frame();
      await sleep(Math.random() * 16.7);
      const from = forget();
      let painted = from;
      const watch = new MutationObserver((changes) => {
        if (changes.some(({ target }) => target.closest?.(".js-plotly-plot"))) probe.frame().then(([, at]) => { painted = at; });
      });
      watch.observe(document.body, { subtree: true, childList: true, attributes: true });
      button("Next head").click();
      await answered();
      watch.disconnect();
      if (numbers().some((z, at) => z === before[at])) throw new Error("a chart did not change");
      times.push({ ...messages(from), ms: painted - from });
    }
    return times;
  }

  /** Click on a button that does nothing, until the script has ended. */
  async function nothing(rounds) {
    const times = [];
    for (let i = 0; i < rounds; i++) {
      const from = forget();
      button("Nothing").click();
      await answered();
      times.push({ ms: messages(from).finished, ...messages(from) });
    }
    return times;
  }

  globalThis.acts = { hover, press, walk, pins, rerun, overview, charts, nothing };
})();
