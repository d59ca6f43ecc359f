/** What can be read from a look, and from the run that it is of, without the store that holds them. */

/** All pinned tokens, the first one first; none without a look. */
export const pinsOf = (look) => (look ? [look.query, ...look.also] : []);

/** What came beside a layer of a run: its titles, and why its contributions cannot be told; null where it is not here. */
export const layerOf = (run, layer) => run?.tiles ?? run?.layers.find((own) => own.layer === layer) ?? null;

/** A field as a link writes it; "" is the default. */
export function written(name, value) {
  if (value === null) return "";
  if (typeof value === "boolean") return value ? "1" : "0";
  if (name === "zoom") return `${value[0]}-${value[1]},${value[2]}-${value[3]}`;
  if (Array.isArray(value)) return value.map((part) => (Array.isArray(part) ? part.join(".") : String(part))).join(",");
  return String(value);
}
