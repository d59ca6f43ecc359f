/** The queries and keys of a head as they travelled, and as they were before the model turned them by their places. */

/** {query (n_q, d), key (n_k, d), layer}, or null where they are not here. */
export function vectorsOf({ run, look, head }) {
  const layer = run.layers.find((own) => own.layer === look.layer);
  if (!head || !layer?.query || !layer.key) return null;
  const at = layer.heads.indexOf(look.head);
  return { query: cut(layer.query, at), key: cut(layer.key, layer.groups[at]), layer };
}

function cut(whole, index) {
  const [, rows, columns] = whole.shape;
  return shaped(whole.subarray(index * rows * columns, (index + 1) * rows * columns), [rows, columns]);
}

function shaped(array, shape) {
  array.shape = shape;
  return array;
}

/** How the layer on show turns its dimensions: {pairs, angles, why, arrangement}, or {why, awaited} where that is not known. */
export function turnOf({ given, shown }) {
  if (!given || given.run !== shown.run.id) return { why: "" };
  const own = given.layers.find(({ layer }) => layer === shown.look.layer);
  if (!own || own.turn < 0) return { why: own?.why ?? "", awaited: given.awaited };
  return given.turns[own.turn];
}

/** {query, key} of all tokens before they were turned, or null where by how much is not known of every place. */
export function beforeTurning({ query, key }, { pairs, angles }) {
  if (!angles || Math.max(query.shape[0], key.shape[0]) * pairs.shape[0] > angles.length) return null;
  return { query: turnedBack(query, pairs, angles), key: turnedBack(key, pairs, angles) };
}

/** Vectors (n, d) as they would stand at the first place. */
function turnedBack(vectors, pairs, angles) {
  const [rows, width] = vectors.shape;
  const made = shaped(Float32Array.from(vectors), vectors.shape);
  const count = pairs.shape[0];
  for (let row = 0; row < rows; row++) {
    for (let pair = 0; pair < count; pair++) {
      const [a, b] = [row * width + pairs[2 * pair], row * width + pairs[2 * pair + 1]];
      const [cos, sin] = [Math.cos(angles[row * count + pair]), Math.sin(angles[row * count + pair])];
      [made[a], made[b]] = [vectors[a] * cos + vectors[b] * sin, vectors[b] * cos - vectors[a] * sin];
    }
  }
  return made;
}

/** The dimensions that belong together: each alone, or the turning pairs and after them what does not turn. */
export function unitsOf(width, pairs) {
  const alone = Array.from({ length: width }, (_, dim) => [dim]);
  if (!pairs) return alone;
  const found = Array.from({ length: pairs.shape[0] }, (_, i) => [pairs[2 * i], pairs[2 * i + 1]]);
  const turning = new Set(found.flat());
  return [...found, ...alone.filter(([dim]) => !turning.has(dim))];
}
