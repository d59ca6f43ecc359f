/**
 * The projector's layout: the sentence, the maps and the pinned row's arithmetic as large as the window lets them, and nothing
 * beside them. It is the page's, not a figure group's, and the browser's alone: `assets/present.css` leaves out the rest, and
 * `present=1` in the address opens it.
 */
const CLASS = "hl-present";
const KEY = "present";
const EVENT = "headlight-present";
// From so many tokens a side the maps show the part around the pin.
const MANY = 24;
const [ROWS, COLUMNS] = [12, 14];

export const isPresenting = () => document.documentElement.classList.contains(CLASS);

/** Switch the layout, and say so in the address: in place, for it is no step of what is shown. */
export function present(isOn) {
  if (isOn === isPresenting()) return;
  document.documentElement.classList.toggle(CLASS, isOn);
  guard(isOn);
  address(isOn);
  if (isOn) document.querySelector("[data-testid=stMain]")?.scrollTo({ top: 0, behavior: "instant" });
  dispatchEvent(new CustomEvent(EVENT));
}

/** While it is on, whoever writes the address keeps it there: the server, whose page began without it, would leave it out. */
function guard(isOn) {
  for (const name of ["pushState", "replaceState"]) {
    delete history[name];
    if (!isOn) continue;
    history[name] = (...given) => {
      History.prototype[name].apply(history, given);
      address(true);
    };
  }
}

function address(isOn) {
  const query = new URLSearchParams(location.search);
  if (isOn === (query.get(KEY) === "1")) return;
  // Letter for letter as the others stand there: the server compares them.
  const others = location.search.slice(1).split("&").filter((part) => part && part.split("=")[0] !== KEY);
  const search = [...others, ...(isOn ? [`${KEY}=1`] : [])].join("&");
  History.prototype.replaceState.call(history, history.state, "", `${location.pathname}${search ? `?${search}` : ""}${location.hash}`);
}

// An older entry of the history was written without it.
addEventListener("popstate", () => isPresenting() && address(true));

/** Take the layout that the address asks for. */
export function presentAsAsked() {
  present(new URLSearchParams(location.search).get(KEY) === "1");
}

/** Call `heard(isOn)` now and at each change, and while it is on at each change of the window. Returns what stops it. */
export function whenPresented(heard) {
  const tell = () => heard(isPresenting());
  const resized = () => isPresenting() && tell();
  addEventListener(EVENT, tell);
  addEventListener("resize", resized);
  tell();
  return () => {
    removeEventListener(EVENT, tell);
    removeEventListener("resize", resized);
  };
}

/** What is shown, of many tokens only the part around the pinned one and its largest weight; a part that was chosen stays. */
export function closeUp(shown) {
  const { look, head } = shown;
  if (look.zoom || head.window || Math.max(head.queries, head.keys) <= MANY) return shown;
  const row = head.row("weights", look.query);
  const best = row ? row.reduce((top, weight, key) => (weight > row[top] ? key : top), 0) : look.query;
  const isNear = shown.run.tokens.same && Math.abs(best - look.query) < COLUMNS;
  const middle = isNear ? Math.round((best + look.query) / 2) : best;
  return { ...shown, look: { ...look, zoom: [...around(look.query, ROWS, head.queries), ...around(middle, COLUMNS, head.keys)] } };
}

/** [first, last] of so many places around one, within `count`. */
function around(place, size, count) {
  const first = Math.max(0, Math.min(count - size, place - Math.floor(size / 2)));
  return [first, Math.min(count, first + size) - 1];
}
