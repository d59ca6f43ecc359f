/** Drawing, at most once a frame, and only what changed. */
const version = new URL(import.meta.url).search;
const [{ drawRest, drawStrong }, { linesOf, linesTo, others }, { isLong, subjectOf }, { valuesOf }, { follow, shade }, { list }, { say }] = await Promise.all(
  ["draw", "lines", "subject", "rows", "columns", "table", "words"].map((name) => import(`./${name}.js${version}`)));

/** The function that asks for a drawing of `state` in the next frame, however often it is called before. */
export function frames(state) {
  let asked = 0;
  return () => {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      draw(state);
    });
  };
}

/** `lines` and `all` are null where they must be counted anew; `stale` is whether the thin lines must be painted. */
function draw(state) {
  if (!state.run || !state.size.width) return;
  // Not while the pointer moves: to scroll is to lay out the page.
  if (state.follow) follow(state, state.follow);
  state.follow = null;
  const subject = subjectOf(state);
  const rests = !subject.hovered && !isLong(state);
  if (rests && !state.all) {
    state.all = linesOf(state, others(state, subject));
    state.stale = true;
  }
  if (!state.lines) {
    state.subject = subject;
    state.lines = subject.side === "query" ? linesOf(state, subject.places) : linesTo(state, subject.places[0]);
    state.values = valuesOf(state, subject);
    list(state);
    shade(state);
    say(state);
  }
  if (rests && state.stale) {
    drawRest(state);
    state.stale = false;
  }
  drawStrong(state);
  state.rest.style.visibility = rests ? "" : "hidden";
  if (!state.lines.waits) return;
  state.lines = null;
  state.later();
}
