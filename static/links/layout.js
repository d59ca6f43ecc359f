/** Give every part its place and size, by the room that there is. */
const version = new URL(import.meta.url).search;
const [{ sizes }, { populate }, { tell }] = await Promise.all(["geometry", "columns", "words"].map((name) => import(`./${name}.js${version}`)));

export function layOut(state) {
  if (!state.run) return;
  const { columns, arcs } = state;
  const room = state.frame.clientWidth;
  if (!room) return;
  const both = arcs && looksAhead(state);
  const hasSink = state.heads.some(({ head }) => head.sinkShare(0) !== null);
  state.size = sizes({ room, arcs, both, columns, heads: state.heads.length, hasSink });
  stretch(state);
  columns.query.element.setAttribute("aria-label", arcs ? "Tokens" : "Tokens that ask, queries");
  columns.key.element.setAttribute("aria-label", "Tokens that are looked at, keys");
  columns.key.element.hidden = arcs;
  for (const own of Object.values(columns)) populate(state, own);
  state.shapes.press(arcs);
  tell(state.sides, !arcs ? "" : both ? "Right: what a token takes from earlier ones. Left: from later ones." : "Each arc goes from a token up to what it takes from.");
  state.lines = null;
  state.stale = true;
  state.later();
}

/** Whether some query may look at later keys, or nobody knows: then arcs stand on both sides. */
function looksAhead({ heads }) {
  const allowed = heads[0]?.head.allowed(0) ?? null;
  return !allowed || allowed.indexOf(1, 1) > 0;
}

function stretch({ size, arcs, ...parts }) {
  const { width, height, asking, looked, lines, before } = size;
  const across = (...widths) => widths.map((pixels) => (typeof pixels === "number" ? `${pixels}px` : pixels)).join(" ");
  parts.frame.classList.toggle("wide", size.wide);
  parts.stage.classList.toggle("arcs", arcs);
  parts.headings.hidden = arcs;
  parts.headings.style.gridTemplateColumns = across(asking, lines, looked);
  const tracks = arcs ? across(before, asking, "1fr") : across(asking, "1fr", looked);
  Object.assign(parts.stage.style, { width: `${width}px`, height: `${height}px`, gridTemplateColumns: tracks });
  // Always as high, or the page below would move with every row.
  parts.list.root.style.height = size.wide ? `${size.list}px` : "";
  for (const canvas of [parts.rest, parts.strong]) Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
}

/** Lay out anew whenever there is another room. Returns the function that stops it. */
export function watch(state) {
  let before = 0;
  const observer = new ResizeObserver(() => {
    const { clientWidth } = state.frame;
    if (clientWidth === before) return;
    before = clientWidth;
    layOut(state);
  });
  observer.observe(state.frame);
  return () => observer.disconnect();
}
