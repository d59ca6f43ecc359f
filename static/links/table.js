/** The links on show as a table, the heaviest first. */
const version = new URL(import.meta.url).search;
const [{ ui }, { term }, { LISTED }, { colourOf, swatch }, { sinkOf }, { captionOf, count }] = await Promise.all(
  ["../headlight", "../terms", "./geometry", "./heads", "./rows", "./words"].map((name) => import(`${name}.js${version}`)));

/** {root, body, listed: its lines, which are kept and refilled}; `pointed` and `found` hear of the token of a line, or null. */
export function listBox(pointed, left, found) {
  const caption = ui.make("caption");
  const heading = ui.make("tr");
  const body = ui.make("tbody");
  const placeOf = (event) => {
    const place = event.target.closest("tr")?.dataset.place;
    return place === undefined ? null : Number(place);
  };
  body.addEventListener("pointerover", (event) => pointed(placeOf(event)));
  body.addEventListener("pointerleave", left);
  body.addEventListener("click", (event) => found(placeOf(event)));
  const root = ui.make("div", { class: "list", tabIndex: 0, role: "region", "aria-label": "The links on show as a table" },
    ui.make("table", {}, caption, ui.make("thead", {}, heading), body));
  return { root, caption, heading, body, listed: [] };
}

/** Write what is on show. */
export function list(state) {
  const { list: box, subject, values } = state;
  const known = values.filter(({ values: numbers }) => numbers);
  const several = values.length > 1;
  box.caption.replaceChildren(...captionOf(state, subject));
  box.root.classList.toggle("several", several);
  box.heading.replaceChildren(
    ui.make("th", { scope: "col" }, subject.side === "query" ? term("side.keys", "key") : term("side.queries", "query")),
    ...known.map(({ own }) => ui.make("th", { scope: "col" }, ...(several ? [swatch(state, own.slot), own.name] : [term("weight", "weight")]))));
  fill(box, [...weightLines(state, known), ...sinkLines(state, known)], known.map(({ own }) => colourOf(state, own.slot)));
  for (const { element, place } of box.listed) element.classList.toggle("marked", place !== null && subject.side === "query" && place === subject.key);
}

/** {place, name, numbers by head}: the heaviest of the first head, and the rest in one. */
function weightLines({ columns, subject }, known) {
  const { names } = columns[subject.side === "query" ? "key" : "query"];
  const order = known.length ? sorted(known[0].values) : [];
  const lines = order.slice(0, LISTED).map((place) => ({
    place, name: ui.named(names, place), numbers: known.map(({ values }) => values[place]), out: subject.side === "query" && known[0].own.head.isHidden(place),
  }));
  const rest = order.slice(LISTED);
  if (!rest.length) return lines;
  const sum = (values) => rest.reduce((all, place) => all + (values[place] > 0 ? values[place] : 0), 0);
  return [...lines, { place: null, name: [`${count(rest.length)} others`], numbers: known.map(({ values }) => sum(values)) }];
}

/** What a learned sink takes, of rows that have one. */
function sinkLines({ subject, look }, known) {
  const shares = subject.side === "query" ? known.map(({ own }) => sinkOf(own, subject.places, look.together)) : [];
  if (shares.every((share) => share === null)) return [];
  const name = known.some(({ own }) => own.head.hasSinkColumn === false) ? "sink (of the output)" : "sink (no token)";
  return [{ place: null, name: [name], numbers: shares }];
}

/** Places that are open and known, by falling weight. */
function sorted(values) {
  const open = [...values.keys()].filter((place) => Number.isFinite(values[place]));
  return open.sort((a, b) => values[b] - values[a] || a - b);
}

/** Lines of the table are kept and refilled, for this runs at each move of the pointer. */
function fill({ body, listed }, lines, colours) {
  while (listed.length < lines.length) listed.push(line(body));
  for (const gone of listed.splice(lines.length)) gone.element.remove();
  lines.forEach(({ place, name, numbers, out }, i) => {
    const own = listed[i];
    own.place = place;
    own.name.replaceChildren(...name);
    if (place === null) delete own.element.dataset.place;
    else own.element.dataset.place = place;
    while (own.cells.length < numbers.length) own.cells.push(own.element.appendChild(cell()));
    for (const gone of own.cells.splice(numbers.length)) gone.remove();
    numbers.forEach((number, at) => {
      const [words, bar] = own.cells[at].children;
      words.textContent = out ? "left out" : Number.isFinite(number) ? ui.decimals(number, 3) : "–";
      bar.style.width = `${100 * Math.min(1, number || 0)}%`;
      bar.style.backgroundColor = colours[at];
    });
  });
}

function line(body) {
  const name = ui.make("th", { scope: "row", dir: "auto" });
  return { element: body.appendChild(ui.make("tr", {}, name)), name, cells: [], place: null };
}

const cell = () => ui.make("td", {}, ui.make("span", { class: "number" }), ui.make("span", { class: "weight", "aria-hidden": "true" }));
