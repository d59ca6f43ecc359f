"""A view as a link, and a link as a view."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any
from urllib.parse import urlencode

from attention.config import Limits
from attention.table import REPLACEMENT, UNSENDABLE, defaults, keys, rows
from attention.view.fields import View, change
from attention.view.packing import LEFT_OUT, left_out, pack, unpack
from attention.view.parameters import PACKED, PARAMETERS, VERSION, VERSION_KEY, Parameter

ALWAYS = ("model", "text")
TEXTS = ("text", "pair")
# Texts that take more of an address than this are packed, where that is shorter. Below it they stay readable.
READABLE = 500
# Longer queries are cut by chat programs, and stop at some proxies (nginx takes 8 KB for the whole request line).
LONGEST_QUERY = 2_048
ASK_FOR_THE_FILE = "Its text was too long for a link: ask whoever sent it for the file."
MAX_WRITTEN = 2_000
SHOWN = 40


Query = Mapping[str, str | list[str]]


def parse(query: Query, *, max_characters: int = Limits().max_characters) -> tuple[View, tuple[str, ...]]:
    """A link's parameters → (view, notices). Total: whatever stands in the link, there is a view."""
    fields, notices = fields_of(PARAMETERS, query, max_characters, "the first sample")
    return View(**fields), notices


def fields_of(
    parameters: Sequence[Parameter], query: Query, longest: int, instead: str
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """(the fields of a view that these parameters name, notices); what cannot be read is left out. Total.

    longest: of a text, in characters. instead: what is shown in place of texts that are packed and damaged, in words.
    """
    fields: dict[str, Any] = {}
    notices: list[str] = []
    for parameter in parameters:
        raw = _single(parameter, query.get(parameter.name, []), notices)
        if raw is not None:
            _read(parameter, raw, longest, fields, notices)
    packed = fields.pop(PACKED, None)
    if packed is not None:
        _read_packed(packed, longest, fields, notices, instead)
    return fields, tuple(notices)


def to_query(view: View) -> dict[str, str]:
    """The view as link parameters: the version, model and text always, the rest where it differs from the default.

    Long texts are packed into one value. This is complete for every view; `to_address` is what fits into an address.
    """
    query = in_full(view)
    packed = carried_as(view.text, view.pair)
    return without_texts(query) | {PACKED: packed} if packed else query


def carried_as(text: str, pair: str) -> str:
    """Both texts as the one value into which a link packs them; "" where they stay readable."""
    return _carried(text, pair).packed


def in_full(view: View) -> dict[str, str]:
    """The same with its texts as they are, however long."""
    return {VERSION_KEY: VERSION, **_named(view)}


def _named(view: View) -> dict[str, str]:
    of = type(view)
    values = {name: getattr(view, name) for name in rows(of)}
    return {
        keys(of)[name]: rows(of)[name].sort.write(value)
        for name, value in values.items()
        if name in ALWAYS or value != defaults(of)[name]
    }


def fits_address(view: View) -> bool:
    """Whether a link can carry the whole view. Where it cannot, the page says so, and a file can."""
    return _fits(in_full(view), _carried(view.text, view.pair))


def to_address(view: View) -> dict[str, str]:
    """The view as an address carries it: texts that are too long for a link are left out, with a mark that says so."""
    query, carried = in_full(view), _carried(view.text, view.pair)
    if _fits(query, carried):
        return query if not carried.packed else without_texts(query) | {PACKED: carried.packed}
    return without_texts(query) | {PACKED: carried.mark}


@dataclass(frozen=True)
class _Carried:
    """What a link does with two texts. packed: both as one value, "" where they stay readable; length: what they take
    of an address; mark: what stands for them where that is too much.
    """

    packed: str
    length: int
    mark: str


# A page asks for the address of the same texts several times a run, and a long paste takes a second to pack.
@lru_cache(maxsize=4)
def _carried(text: str, pair: str) -> _Carried:
    mark, size = left_out(text, pair), len(text) + len(pair)
    texts = {"text": text} | ({"pair": pair} if pair else {})
    # No character takes less than one of the address, so long texts need not be written out to be compared.
    if size <= READABLE and (length := len(urlencode(texts))) <= READABLE:
        return _Carried(packed="", length=length, mark=mark)
    packed = pack(text, pair)
    length = len(urlencode({PACKED: packed}))
    if length > size and length >= (readable := len(urlencode(texts))):
        return _Carried(packed="", length=readable, mark=mark)
    return _Carried(packed=packed, length=length, mark=mark)


def _fits(query: dict[str, str], carried: _Carried) -> bool:
    return len(urlencode(without_texts(query))) + len("&") + carried.length <= LONGEST_QUERY


def without_texts(query: dict[str, str]) -> dict[str, str]:
    """The parameters without those that are texts."""
    return {name: value for name, value in query.items() if name not in TEXTS}


def revised(view: View, told: Mapping[str, object]) -> View:
    """The view with some fields changed, each as a link writes it; "" is the default. What cannot be read stays as it
    was: this comes from a browser, whose own page would not have sent it.
    """
    of, changes = type(view), {}
    for name, row in rows(of).items():
        raw = told.get(name)
        if not isinstance(raw, str) or len(raw) > MAX_WRITTEN:
            continue
        with suppress(ValueError):
            changes[name] = row.sort.read(raw) if raw else defaults(of)[name]
    return change(view, **changes)


def _single(parameter: Parameter, given: str | list[str], notices: list[str]) -> str | None:
    """The one value of a key; of several the last counts, as in Streamlit itself."""
    several = [given] if isinstance(given, str) else given
    if len(set(several)) > 1:
        notices.append(f"The link names {parameter.name} {len(several)} times; the last one counts.")
    return several[-1] if several else None


def _read(parameter: Parameter, raw: str, longest: int, fields: dict[str, Any], notices: list[str]) -> None:
    try:
        value = parameter.read(raw)
    except ValueError:
        notices.append(_refusal(parameter, raw))
        return
    if parameter.of in TEXTS and len(value) > longest:
        notices.append(
            f"The link's {parameter.name} has {len(value):,} characters; at most {longest:,} are read here. "
            f"Shown instead: {parameter.default}."
        )
        return
    if UNSENDABLE.search(raw):
        notices.append(f"The link's {parameter.name} holds broken characters; each became “{REPLACEMENT}”.")
    if parameter.name != VERSION_KEY:
        fields[parameter.of or PACKED] = value


def _read_packed(raw: str, longest: int, fields: dict[str, Any], notices: list[str], instead: str) -> None:
    """What is packed counts where the link has no readable text of its own."""
    if any(name in fields for name in TEXTS):
        notices.append("The link names its text twice; the readable one counts.")
        return
    if raw.startswith(LEFT_OUT):
        notices.append(f"This link does not carry its text. {ASK_FOR_THE_FILE}")
        return
    try:
        saved = unpack(raw, longest)
    except ValueError:
        notices.append(f"The link's text is damaged, and nothing of it can be read. Shown instead: {instead}.")
        return
    if saved.too_long:
        notices.append(
            f"The link's text has more than {longest:,} characters, the most that are read here. "
            f"Shown instead: {instead}."
        )
        return
    fields |= {"text": saved.text, "pair": saved.pair}
    if not saved.whole:
        count = len(saved.text) + len(saved.pair)
        notices.append(f"The link is damaged or was cut off: the first {count:,} characters of its text were saved.")


def _refusal(parameter: Parameter, raw: str) -> str:
    if parameter.name == VERSION_KEY:
        return f"The link is of version {show(raw)}, this page reads version {VERSION}: what it knows of it is shown."
    return (
        f"The link's {parameter.name} is {show(raw)}; it must be {parameter.accepts}. "
        f"Shown instead: {parameter.default}."
    )


def show(text: str, longest: int = SHOWN) -> str:
    """A stranger's text as part of a sentence: quoted, with invisible characters written out, and then shortened."""
    signs = [_visible(character) for character in text[: longest + 1]]
    ends = list(accumulate(map(len, signs)))
    if not ends or ends[-1] <= longest:
        return f"“{''.join(signs)}”"
    kept = "".join(sign for sign, end in zip(signs, ends, strict=True) if end < longest)
    return f"“{kept}…”"


def _visible(character: str) -> str:
    return character if character.isprintable() else f"U+{ord(character):04X}"
