/**
 * What the benchmark asks of a page, put in before the page's own scripts: times of the page's own clock, and what went
 * over the WebSocket. The clock has steps of 0.1 ms.
 */
(() => {
  const seen = { sent: [], received: [], finished: [] };
  const sizeOf = (data) => data.byteLength ?? data.size ?? data.length;
  // Streamlit's message that a run of the script has ended: one number alone, which no other message is.
  const END_BYTES = 2;
  const Native = globalThis.WebSocket;
  globalThis.WebSocket = class extends Native {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => {
        seen.received.push([performance.now(), sizeOf(data)]);
        if (sizeOf(data) === END_BYTES) seen.finished.push(performance.now());
      });
    }
    send(data) {
      seen.sent.push(performance.now());
      super.send(data);
    }
  };
  const BUSY = '[data-testid="stStatusWidget"], [data-testid="stSpinner"], [data-testid="stSkeleton"]';

  /** Elements of the page and of every shadow root in it. */
  function all(selector, root = document) {
    const inner = [...root.querySelectorAll("*")].filter((element) => element.shadowRoot).flatMap(({ shadowRoot }) => all(selector, shadowRoot));
    return [...root.querySelectorAll(selector), ...inner];
  }

  const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

  /** [when the next frame begins, when it has been laid out and painted by this thread]. */
  function frame() {
    return new Promise((resolve) => {
      requestAnimationFrame(() => {
        const begun = performance.now();
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => resolve([begun, performance.now()]);
        port2.postMessage(0);
      });
    });
  }

  /** {ms: until the next frame is painted, work: without the wait for it, handler} of something done in one go. */
  async function toFrame(act) {
    await frame();
    // An act may come at any time between two frames.
    await sleep(Math.random() * 16.7);
    // Asked for first, so that all that the act asks of this frame comes after its beginning.
    const next = frame();
    const from = performance.now();
    act();
    const handler = performance.now() - from;
    const [begun, painted] = await next;
    return { ms: painted - from, work: handler + painted - begun, handler };
  }

  /** {ms: until the frame is painted in which `there()` holds, and what `messages` tells}. */
  async function toPainted(act, there, limit = 30_000) {
    await frame();
    await sleep(Math.random() * 16.7);
    const from = forget();
    act();
    for (;;) {
      const [, painted] = await frame();
      if (there()) return { from, ms: painted - from, ...messages(from) };
      if (painted - from > limit) throw new Error("nothing was painted");
    }
  }

  /** Forget what went over the line so far; the time now. */
  function forget() {
    for (const name of ["sent", "received", "finished"]) seen[name].length = 0;
    return performance.now();
  }

  /** When the first message left, the first and the largest came, and the script had ended; and all bytes that came. */
  function messages(from) {
    const largest = seen.received.reduce((best, one) => (one[1] > best[1] ? one : best), [NaN, 0]);
    return { sent: seen.sent[0] - from, first: seen.received[0]?.[0] - from, largest: largest[0] - from,
      finished: seen.finished.at(-1) - from, bytes: seen.received.reduce((sum, [, bytes]) => sum + bytes, 0) };
  }

  /** Wait until what was asked has been answered to its end, and the page has come to rest. */
  async function answered(limit = 60_000) {
    for (const from = performance.now(); !(seen.finished.at(-1) > (seen.sent.at(-1) ?? Infinity));) {
      if (performance.now() - from > limit) throw new Error("the server never came to an end");
      await sleep(10);
    }
    await quiet();
  }

  /** Wait until nothing came over the line, and nothing moved in the page, for so long. */
  async function quiet(ms = 200, limit = 60_000) {
    const from = performance.now();
    let changed = from;
    const watch = new MutationObserver(() => { changed = performance.now(); });
    watch.observe(document.body, { subtree: true, childList: true, attributes: true });
    for (;;) {
      const now = performance.now();
      const last = Math.max(changed, seen.received.at(-1)?.[0] ?? 0, seen.sent.at(-1) ?? 0);
      const rests = now - last > ms && !document.querySelector(BUSY);
      if (rests || now - from > limit) {
        watch.disconnect();
        if (rests) return;
        throw new Error("the page never came to rest");
      }
      await sleep(20);
    }
  }

  globalThis.probe = { seen, all, sleep, frame, toFrame, toPainted, forget, messages, quiet, answered };
})();
