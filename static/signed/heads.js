/** A map of layers × heads of one store: what is pointed at is told to the map of all heads, and what is chosen is shown. */
const version = new URL(import.meta.url).search;
const { gridOf } = await import(`./grid.js${version}`);

/** A grid of heads. state: {store, given: {layers, counts}}; tell(cell): what is said of a head; cell: {layer, head}. */
export function headsGrid(state, tell) {
  const headAt = ({ row, column }) => ({ layer: state.given.layers[row], head: column });
  return gridOf({
    point(place) {
      state.store.say("pointed", { ...headAt(place), from: "signed" });
      tell(headAt(place));
    },
    leave() {
      state.store.say("pointed", null);
      tell(null);
    },
    choose: (place) => state.store.change(headAt(place), { now: true }),
  });
}

/** Where a head stands in the grid, or null. */
export function placeIn({ layers, counts }, cell) {
  const row = cell ? layers.indexOf(cell.layer) : -1;
  return row >= 0 && cell.head < counts[row] ? { row, column: cell.head } : null;
}

/** A head's number in an array (layers, heads). */
export const numberOf = (given, values, { layer, head }) => values[given.layers.indexOf(layer) * values.shape[1] + head];

/** The names of a grid's columns: as many as the layer with most heads has. */
export const columnsOf = ({ counts }) => Array.from({ length: Math.max(...counts) }, (_, head) => String(head));
