"""Text that hides nothing: spaces, line ends, control and zero-width characters become signs that one can see."""

import regex

CLUSTER = r"\X"
# An emoji's own joiners and selectors stay where they belong to a picture; anywhere else they are named.
JOINED = r"(?<=\p{ExtPict}[\p{EMod}\uFE0F]?)\u200D(?=\p{ExtPict})|(?<=[\p{ExtPict}0-9#*])[\uFE0E\uFE0F]"
HIDDEN = regex.compile(rf"(?:{JOINED})(*SKIP)(*FAIL)|[\p{{C}}\p{{Z}}\p{{DI}}\u2800]", regex.V1)
LONE_MARK = regex.compile(r"^(?=[\p{M}--\p{DI}])", regex.V1)
SIGNS = {" ": "·", "\n": "⏎", "\t": "⇥", "\xa0": "⍽", "\x7f": "␡"}
DOTTED_CIRCLE = "◌"


def visible(text: str) -> str:
    """`text` with nothing invisible left in it.

    A space reads "·", a line's end "⏎", a tab "⇥", other control characters as their pictures ("␀"), and what has no
    picture (zero-width, bidirectional override, private or unassigned) as its number, "U+202E". An opening combining
    mark stands on "◌". Visible characters, right-to-left ones included, stay as they are and in their order.
    """
    if _is_plain(text) and " " not in text:
        return text
    return HIDDEN.sub(lambda match: _sign(match.group()), LONE_MARK.sub(DOTTED_CIRCLE, text))


def readable(text: str) -> str:
    """A sentence or a name from elsewhere, whose spaces and line ends stay as they are; else as `visible` has it."""
    if _is_plain(text):
        return text
    return HIDDEN.sub(lambda match: match.group() if match.group() in " \n" else _sign(match.group()), text)


def _is_plain(text: str) -> bool:
    """Whether there are but the letters, digits, signs and spaces of ASCII, as in most tokens and names."""
    return text.isascii() and text.isprintable()


def cut(text: str, max_chars: int) -> str:
    """At most `max_chars` characters as people count them, the last one "…" where something is left out."""
    if len(text) <= max_chars:  # a character as people count it is at least one of Python's
        return text
    clusters = regex.findall(CLUSTER, text)
    if len(clusters) <= max_chars:
        return text
    return "".join(clusters[: max(max_chars - 1, 0)]) + "…"


def _sign(character: str) -> str:
    if character in SIGNS:
        return SIGNS[character]
    return chr(0x2400 + ord(character)) if character < " " else f"U+{ord(character):04X}"
