/**
 * Words that Python made of Markdown, as elements: a tree of strings and [tag, attributes, children]. Only the tags and
 * links named here are made, and all text stays text.
 */

const version = new URL(import.meta.url).search;
const [{ ui }, { indexed }, { filled }] = await Promise.all(["../headlight", "../draw/indices", "./words"].map((name) => import(`${name}.js${version}`)));

const TAGS = new Set([
  "p", "strong", "em", "code", "pre", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "a", "blockquote", "h3", "h4", "br", "hr",
  "sub", "sup", "formula",
]);
const CLASS = /^[a-z -]{1,60}$/;

/**
 * Nodes of a tree, or of one text. facts: what {names} in it are filled with, null to leave them. link(href): {href, isOutside,
 * act} of where a link leads, or null where it leads nowhere that is known here.
 */
export function elements(tree, { facts = null, link = () => null } = {}) {
  if (typeof tree === "string") return indexed(facts ? filled(tree, facts) : tree);
  return (tree ?? []).map((node) => (typeof node === "string" ? (facts ? filled(node, facts) : node) : elementOf(node, { facts, link })));
}

/** What a tree says, without its tags. */
export function plain(tree) {
  return typeof tree === "string" ? tree : (tree ?? []).map((node) => (typeof node === "string" ? node : plain(node[2]))).join("");
}

function elementOf([tag, attributes, children], options) {
  const inner = elements(children, options);
  if (!TAGS.has(tag)) return ui.make("span", {}, ...inner);
  if (tag === "a") return linked(attributes?.href ?? "", inner, options.link);
  if (tag === "formula") return ui.make("div", { class: "formula" }, ...inner);
  const kind = CLASS.test(attributes?.class ?? "") ? { class: attributes.class } : {};
  if (tag === "th") Object.assign(kind, { scope: "col" });
  const made = ui.make(tag, kind, ...inner);
  // A table that is wider than the page is scrolled, also by the keyboard.
  return tag === "table" ? ui.make("div", { class: "wide-table", tabIndex: 0, role: "group", "aria-label": "Table" }, made) : made;
}

function linked(address, inner, link) {
  const found = link(address);
  if (!found) return ui.make("span", {}, ...inner);
  const made = ui.make("a", { href: found.href }, ...inner);
  if (found.isOutside) Object.assign(made, { target: "_blank", rel: "noopener noreferrer" });
  if (found.act) {
    made.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      found.act();
    });
  }
  return made;
}
