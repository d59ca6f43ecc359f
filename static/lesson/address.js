/**
 * Where a person is in the lessons, as the page's address says it: {lesson, step, text, article, presents}. The person's text
 * has the key `sentence`, for `text` is the inspect page's, which has a view of its own.
 */

// Keys with which the page stands inside another one; all others are none of a lesson's.
const EMBEDDING = ["embed", "embed_options"];

/** What an address' query says; lesson and step are "" where it names none. */
export function placeOf(search) {
  const query = new URLSearchParams(search);
  const of = (key) => query.get(key) ?? "";
  return { lesson: of("lesson"), step: of("step"), text: of("sentence"), article: of("article") === "1", presents: of("present") === "1" };
}

/** The query of a place; of `search` stays what says that the page stands inside another one. */
export function queryOf({ lesson = "", step = "", text = "", article = false, presents = false }, search = "") {
  const query = new URLSearchParams([...new URLSearchParams(search)].filter(([key]) => EMBEDDING.includes(key)));
  const says = { lesson: article ? "" : lesson, step: article ? "" : step, sentence: text, article: article ? "1" : "", present: presents ? "1" : "" };
  for (const [key, value] of Object.entries(says)) if (value) query.set(key, value);
  return query.size ? `?${query}` : "";
}

/** Where a link in a lesson's words leads: {url} outside, {lesson, step} inside, or null. `here` is the lesson that has it. */
export function targetOf(href, here) {
  if (/^https?:\/\//.test(href)) return { url: href };
  const found = /^([a-z0-9-]+)?(?:#([a-z0-9-]+))?$/.exec(href);
  return found && href ? { lesson: found[1] ?? here, step: found[2] ?? "" } : null;
}
