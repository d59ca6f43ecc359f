/** The elements of one map: a heading, the picture with its cover, a reason where there is none, caption and legend. */
const { ui } = await import(`../headlight.js${new URL(import.meta.url).search}`);

const MARKS = ["row", "column", "cell", "zoom"];

/** A panel whose own classes begin with `kind`; what lies upon a map is named alike in all. */
export function panelOf(kind, name, title = "") {
  const part = (tag, own, properties = {}, ...children) => ui.make(tag, { class: own, ...properties }, ...children);
  const heading = ui.make("h3", {}, title);
  const header = ui.make("header", {}, heading);
  const plot = part("div", `${kind}-plot`);
  const marks = Object.fromEntries(MARKS.map((mark) => [mark, part("i", `hl-mark hl-${mark}`)]));
  const pins = part("span", `${kind}-pins`);
  const cover = part("div", `${kind}-cover`, { role: "application", tabIndex: 0 }, pins, ...Object.values(marks));
  const stage = part("div", "hl-stage", {}, plot, cover);
  const reason = part("p", "hl-reason");
  const [caption, legend] = [part("span", "hl-caption"), part("span", "hl-legend")];
  const root = part("section", `${kind}-panel`, {}, header, stage, reason, ui.make("footer", {}, caption, legend));
  return { name, root, header, title: heading, plot, marks, pins, cover, stage, reason, caption, legend, view: null, size: null };
}

/** Show the map, or in its place why there is none. */
export function explain({ stage, legend, reason }, hasMap, why) {
  stage.hidden = legend.hidden = !hasMap;
  reason.hidden = !why;
  reason.textContent = why ?? "";
}

/** The colours from the least number to the largest. */
export function ramp(scale, low, high) {
  const colours = ui.make("i");
  colours.style.background = `linear-gradient(90deg, ${scale.map(([, colour]) => colour).join(",")})`;
  return [ui.make("span", {}, low), colours, ui.make("span", {}, high)];
}

/** Put elements exactly where the map is. */
export function onMap({ left, top, width, height }, ...elements) {
  for (const { style } of elements) Object.assign(style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
}
