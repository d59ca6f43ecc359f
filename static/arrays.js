/** Typed arrays with a `shape`, and parts of them. */

/** The array, with this shape from now on. */
export function shaped(array, shape) {
  array.shape = shape;
  return array;
}

/** Slab `index` of an array's first axis, without copying. */
export function slab(array, index) {
  const size = array.length / array.shape[0];
  return array.subarray(index * size, (index + 1) * size);
}

/** Row `row` of slab `index` of a map (h, n_q, n_k), or of a map [n_q, n_k], without copying. */
export function cut(array, index, row) {
  const [queries, keys] = array.shape.slice(-2);
  const from = (index * queries + row) * keys;
  return array.subarray(from, from + keys);
}
