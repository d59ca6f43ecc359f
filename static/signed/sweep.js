/** The runs that try every head: the button that begins them with what they cost, or how far they are and a way to stop. */
const version = new URL(import.meta.url).search;
const { ui } = await import(`../headlight.js${version}`);

const RUN = { preview: "Run all heads", stopped: "Run all heads again", failed: "Try again" };
const LONG_SECONDS = 90;

/** {parts: elements, fill(given)}. say(act): {run: true} or {stop: true}. */
export function sweepOf(say) {
  const button = (words, act) => {
    const made = ui.make("button", { type: "button", class: "plain" }, words);
    made.addEventListener("click", () => say(act));
    return made;
  };
  const [run, stop] = [button("", { run: true }), button("Stop", { stop: true })];
  const bar = ui.make("progress", { max: 1, "aria-label": "heads tried" });
  const line = ui.make("span", { class: "small", role: "status" });

  function fill({ state, share, line: words, error, cost }) {
    const running = state === "running";
    run.hidden = !(state in RUN);
    run.textContent = RUN[state] ?? "";
    stop.hidden = bar.hidden = !running;
    if (share === null) bar.removeAttribute("value");
    else bar.value = share;
    line.textContent = running ? words : state === "failed" ? error : state in RUN ? costOf(cost) : "";
  }
  return { parts: [run, bar, line, stop], fill };
}

function costOf({ heads, runs, seconds }) {
  const time = seconds < 1 ? "a second" : seconds < LONG_SECONDS ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
  return `${heads} heads in ${runs} runs, about ${time}`;
}
