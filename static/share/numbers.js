/** The numbers of a panel as rows of a table: all of those that are shown, each pair of tokens by itself. */
const version = new URL(import.meta.url).search;
const { placeOf } = await import(`../spans.js${version}`);

/** [[…]]: a line of names and one line a query; of a pooled map one line a cell. null where there are no numbers. */
export function rowsOf({ run, head }, { name, view }) {
  if (!view) return null;
  return view.pooled ? pooledRows(run, head, name, view) : plainRows(run, name, view);
}

function plainRows({ tokens }, name, view) {
  const [count, columns] = view.z.shape;
  const named = (token) => `${token.mark}${token.text}`;
  const keys = name === "values" ? Array.from({ length: columns }, (_, i) => `dimension ${i}`)
    : [...tokens.keys.slice(view.left, view.right + 1).map(named), ...(view.sink ? ["sink"] : [])];
  const body = Array.from({ length: count }, (_, row) => [named(tokens.queries[view.top + row]), ...view.z.subarray(row * columns, (row + 1) * columns)]);
  return [[name === "values" ? "query" : "query \\ key", ...keys], ...body];
}

/** Of a map whose cells stand for several: where each number stands, and the number. */
function pooledRows({ tokens }, head, name, view) {
  const [count, columns] = view.z.shape;
  const named = (token) => `${token.mark}${token.text}`;
  const rows = [];
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < columns; column++) {
      const { query, key, dimension, sink, value } = placeOf(view, { row, column }, name, head);
      if (Number.isNaN(value)) continue;
      const other = name === "values" ? ["", dimension] : sink ? ["sink", null] : [named(tokens.keys[key]), key];
      rows.push([named(tokens.queries[query]), query, ...other, value]);
    }
  }
  return [["query", "query place", "key", name === "values" ? "dimension" : "key place", "number"], ...rows];
}
