"""Axe-core on a page: what it finds there, in less time than it takes by itself."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# What axe finds in Streamlit's own elements, and nothing else: a rule, and which elements it may be found in.
# Its link to the main content stands before all landmarks, so that it comes first; it is not ours to move.
# Its place to drop files has a role and a name at once.
STREAMLITS = (
    ("region", "[data-testid=stSkipToContent]"),
    ("presentation-role-conflict", "[data-testid=stFileUploaderDropzone]"),
)
IS_STREAMLITS = """([target, selector]) => {
    let root = document;
    let found = null;
    for (const part of target.flat()) {
        found = root.querySelector(part);
        root = found?.shadowRoot ?? root;
    }
    return Boolean(found?.matches(selector));
}"""
# Axe reads the text of a colour anew for each element behind each text, which is a third of its time: the same few
# texts, thousands of times. What one says is kept; one that cannot be read throws each time, as it did.
READ_ONCE = """(() => {
    const { prototype } = axe.commons.color.Color;
    const read = prototype.parseString;
    const known = new Map();
    prototype.parseString = function (text) {
        if (!known.has(text)) {
            const { r, g, b, alpha } = read.call(this, text);
            known.set(text, { r, g, b, alpha });
        }
        return Object.assign(this, known.get(text));
    };
})();"""
# Axe is compiled for browsers without private fields: each of the hundred colours behind each text keeps its numbers
# in seven weak collections. Here an object holds these itself, which takes less time to make and to collect.
KEPT_ON_IT = """class WeakMap {
    #field = Symbol();
    constructor(pairs = []) { for (const [key, value] of pairs) this.set(key, value); }
    has(key) { return Object.hasOwn(key, this.#field); }
    get(key) { return key?.[this.#field]; }
    set(key, value) { key[this.#field] = value; return this; }
}
class WeakSet {
    #field = Symbol();
    has(key) { return Object.hasOwn(key, this.#field); }
    add(key) { key[this.#field] = true; return this; }
}"""
PLAIN = Axe().axe_script
AXE = f"(() => {{\n{KEPT_ON_IT}\n{PLAIN}\n{READ_ONCE}\n}})()"
VIOLATIONS = """async ([parts, rules]) => (await axe.run(parts ?? document,
    { resultTypes: ["violations"], ...(rules.length ? { runOnly: rules } : {}) })).violations"""
# What may differ between two themes of one page, whose elements are the same.
OF_COLOURS = ("color-contrast", "link-in-text-block")


def faults(page: Page, *parts: str, rules: tuple[str, ...] = ()) -> list[str]:
    """What axe finds on the page or in parts of it, by their selectors, without what is Streamlit's own.

    rules: these alone; none means all.
    """
    assert all(page.locator(part).count() for part in parts), "axe passes over a part that is not there"
    # Half a megabyte of script, which is there until another page is.
    if not page.evaluate("() => 'axe' in globalThis"):
        page.evaluate(AXE)
    found = []
    for violation in page.evaluate(VIOLATIONS, [parts or None, rules]):
        for node in violation["nodes"]:
            theirs = [selector for rule, selector in STREAMLITS if rule == violation["id"]]
            if any(page.evaluate(IS_STREAMLITS, [[node["target"]], selector]) for selector in theirs):
                continue
            found.append(f"{violation['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}")
    return found
