/** What is pointed at and pinned on one side is on the other too, over the tokens that correspond, as long as this is on. */

// Who says something that comes from the other side, and who speaks to both at once.
const LINKED = "linked";
const TO_BOTH = ["difference", "steps"];

/**
 * Link two stores. given() is {isOn, queries, keys} or null: whether they are linked, and the steps of both sides' tokens
 * (`steps.js`); null where those are not of what is shown. Returns the function that ends it.
 */
export function link(stores, given) {
  // What one side is told here it would tell the other in turn.
  let isPassing = false;
  const pass = (act) => {
    const now = given();
    if (isPassing || !now?.isOn) return;
    isPassing = true;
    act(now);
    isPassing = false;
  };
  const stops = stores.flatMap((store, side) => [
    store.listen("hover", (at) => at?.from !== LINKED && !TO_BOTH.includes(at?.from) && pass((now) => point(stores[1 - side], at, side, now))),
    store.listen("changed", (changes) => ("query" in changes || "also" in changes) && pass((now) => pin(stores, side, now))),
  ]);
  return () => stops.forEach((stop) => stop());
}

/** Point at the partners on the other side; at nothing where there are none, unless it points at something of its own. */
function point(other, at, side, { queries, keys }) {
  if (!at && other.last("hover")?.from !== LINKED) return;
  const query = partner(queries, side, at?.query);
  const key = partner(keys, side, at?.key);
  other.say("hover", query === null && key === null ? null : { query, key, from: LINKED });
}

/** Pin the partners of what is pinned; where the first pin has none, the other side keeps its own. */
function pin(stores, side, { queries }) {
  const found = stores[side].pins().map((token) => partner(queries, side, token));
  if (found[0] === null) return;
  const [query, ...also] = found.filter((token) => token !== null);
  const other = stores[1 - side];
  if (JSON.stringify(other.pins()) !== JSON.stringify([query, ...also])) other.change({ query, also });
}

const partner = (steps, side, token) => (token === null || token === undefined ? null : steps.to(side, token));
