/** How a person likes to see the products, for as long as the page is open, and the switches for it. */
const version = new URL(import.meta.url).search;
const { ui } = await import(`../headlight.js${version}`);

export const taste = { sorted: false, paired: false, back: false, table: false };
// What is pressed when a switch says so; one with a single choice is on or off.
const SWITCHES = {
  paired: ["What a product is of", [[false, "single dimensions"], [true, "rotary pairs"]]],
  sorted: ["Order", [[false, "by dimension"], [true, "by size"]]],
  back: ["Turning by place", [[false, "as they meet"], [true, "before turning"]]],
  table: ["Form", [[true, "as a table"]]],
};

export const isPaired = ({ turn }) => taste.paired && Boolean(turn.pairs);

/** The queries and keys on the strips: as they meet, or where it is known and asked for before they were turned. */
export const onStrips = ({ vectors, before }) => (taste.back && before ? before : vectors);

/** {root, press(state)}; `changed` is called when a person changed something. */
export function switches(changed) {
  const groups = Object.entries(SWITCHES).map(([name, [label, options]]) => ({ name, ...group(name, label, options, changed) }));
  const root = ui.make("div", { class: "bar" }, ...groups.map((own) => own.root));
  const press = ({ turn, before }) => {
    for (const { name, root: own, buttons } of groups) {
      own.hidden = (name === "paired" && !turn.pairs) || (name === "back" && !before);
      for (const [value, button] of buttons) button.setAttribute("aria-pressed", String(taste[name] === value));
    }
  };
  return { root, press };
}

function group(name, label, options, changed) {
  const buttons = options.map(([value, text]) => {
    const button = ui.make("button", { type: "button" }, text);
    button.addEventListener("click", () => {
      taste[name] = options.length > 1 ? value : !taste[name];
      changed();
    });
    return [value, button];
  });
  return { buttons, root: ui.make("div", { class: "switch", role: "group", "aria-label": label }, ...buttons.map(([, button]) => button)) };
}
