/** What is on show: the pinned rows, or in their place the row or the key that somebody looks at. */
const version = new URL(import.meta.url).search;
const [{ ui }, { pinsOf }] = await Promise.all(["headlight", "look"].map((name) => import(`../${name}.js${version}`)));

// Tokens a side up to which the lines of all queries are drawn; beyond, only those of the rows on show.
export const ALL_UP_TO = 160;

export const isLong = ({ run }) => Math.max(run.tokens.queries.length, run.tokens.keys.length) > ALL_UP_TO;

/** Whether a column's tokens ask; in a text that looks at itself all of them do. */
export const isQuery = ({ run }, own) => own.side === "query" || run.tokens.same;

/** {side, places, key, hovered}. side "query": those rows; "key": what arrives at one key. */
export function subjectOf(state) {
  const { queries, keys } = state.run.tokens;
  const query = ui.inside(state.at?.query, queries.length);
  const key = ui.inside(state.at?.key, keys.length);
  if (query !== null) return { side: "query", places: [query], key, hovered: true };
  const looked = key ?? ui.inside(state.held, keys.length);
  if (looked !== null) return { side: "key", places: [looked], key: looked, hovered: true };
  const pins = pinsOf(state.look).filter((place) => ui.inside(place, queries.length) !== null);
  return { side: "query", places: pins, key: null, hovered: false };
}
