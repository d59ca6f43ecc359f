/**
 * The query of the page's address, letter for letter as the server writes it, so that what a person changes stands in the
 * address at once and the server, who hears of it later, has nothing to add.
 */

/** As Python's urlencode writes a text. */
function encoded(text) {
  const rest = (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text).replace(/[!'()*]/g, rest).replace(/%20/g, "+");
}

/**
 * The query of what the server shows with some fields changed. address: {query: [[key, text], …] as the server wrote it,
 * order: all keys of a link, defaults: {key: text}, keys: {field: its key, where that has another name}}; changes:
 * {field: text, "" for the default}; search: the present query, of which keys that are none of a link's stay, at the end.
 */
export function query({ query: written, order, defaults, keys }, changes, search) {
  const named = new Map(written);
  for (const [name, text] of Object.entries(changes)) {
    const key = keys[name] ?? name;
    if (text === "" || text === defaults[key]) named.delete(key);
    else named.set(key, text);
  }
  const own = order.filter((key) => named.has(key)).map((key) => [key, named.get(key)]);
  const foreign = [...new URLSearchParams(search)].filter(([key]) => !order.includes(key));
  return [...own, ...foreign].map(([key, text]) => `${encoded(key)}=${encoded(text)}`).join("&");
}
