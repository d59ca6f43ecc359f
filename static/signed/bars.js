/** Lines with a name, a bar to either side of 0 and a number. */
const version = new URL(import.meta.url).search;
const [{ ui }, { colourOf, limitOf, signed }] = await Promise.all(["../headlight", "./scale"].map((name) => import(`${name}.js${version}`)));

/** A list's lines. rows: [{name, value, before, words, act}]: before: what stands before the name; act: what a click does. */
export function barLines(palette, rows, { limit = limitOf(rows.map(({ value }) => value)), count = 2, onPoint = () => {} } = {}) {
  return rows.map((row) => {
    const bar = ui.make("i");
    const share = Math.max(-1, Math.min(1, row.value / limit));
    Object.assign(bar.style, { width: `${Math.max(1, 50 * Math.abs(share))}%`, [share < 0 ? "right" : "left"]: "50%", background: ui.css(colourOf(palette, Math.sign(share) * Math.max(0.45, Math.abs(share)))) });
    const track = ui.make("span", { class: "track", "aria-hidden": "true" }, bar);
    const line = ui.make("li", { title: row.words ?? "" }, ui.make("span", { class: "before" }, row.before ?? ""),
      ui.make("span", { class: "named", dir: "auto" }, ...(Array.isArray(row.name) ? row.name : [row.name])), track,
      ui.make("span", { class: "number" }, signed(row.value, count)));
    if (row.words) line.append(ui.make("span", { class: "unseen" }, row.words));
    line.addEventListener("pointerenter", () => onPoint(row));
    line.addEventListener("pointerleave", () => onPoint(null));
    return line;
  });
}
