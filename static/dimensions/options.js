/** In which form a figure group shows the products, for as long as the page is open, and the switches for it. */
const version = new URL(import.meta.url).search;
const [{ ui }, { explained }] = await Promise.all(["headlight", "terms"].map((name) => import(`../${name}.js${version}`)));

const FIRST = { sorted: false, paired: false, back: false, table: false };

/** What was chosen in a store's group. */
export const optionsOf = (store) => store.last("options") ?? FIRST;

// What is pressed when a switch says so, and the term that it is explained as; one with a single choice is on or off.
const SWITCHES = {
  paired: ["What a product is of", [[false, "single dimensions", "products"], [true, "rotary pairs", "pairs"]]],
  sorted: ["Order", [[false, "by dimension", "order.dimension"], [true, "by size", "order.size"]]],
  back: ["Turning by place", [[false, "as they meet", "turning.met"], [true, "before turning", "turning.before"]]],
  table: ["Form", [[true, "as a table", "table"]]],
};

export const isPaired = ({ options, turn }) => options.paired && Boolean(turn.pairs);

/** The queries and keys on the strips: as they meet, or where it is known and asked for before they were turned. */
export const onStrips = ({ options, vectors, before }) => (options.back && before ? before : vectors);

/** {root, press(state)}; the store tells "options" when a person changed something. */
export function switches({ store }) {
  const groups = Object.entries(SWITCHES).map(([name, [label, choices]]) => ({ name, ...group(store, name, label, choices) }));
  const root = ui.make("div", { class: "bar" }, ...groups.map((own) => own.root));
  const press = ({ options, turn, before }) => {
    for (const { name, root: own, buttons } of groups) {
      own.hidden = (name === "paired" && !turn.pairs) || (name === "back" && !before);
      for (const [value, button] of buttons) button.setAttribute("aria-pressed", String(options[name] === value));
    }
  };
  return { root, press };
}

function group(store, name, label, choices) {
  const buttons = choices.map(([value, text, key]) => {
    const button = explained(ui.make("button", { type: "button" }, text), key);
    button.addEventListener("click", () => {
      const options = optionsOf(store);
      store.say("options", { ...options, [name]: choices.length > 1 ? value : !options[name] });
    });
    return [value, button];
  });
  return { buttons, root: ui.make("div", { class: "switch", role: "group", "aria-label": label }, ...buttons.map(([, button]) => button)) };
}
