"""A view as a link, and a link as a view."""

from collections.abc import Mapping
from typing import Any

from attention.config import Limits
from attention.view.fields import REPLACEMENT, UNSENDABLE, VERSION, View, change
from attention.view.parameters import PARAMETERS, Parameter, written, written_box

ALWAYS = ("model", "text")
MAX_WRITTEN = 2_000
SHOWN = 40


def parse(
    query: Mapping[str, str | list[str]], *, max_characters: int = Limits().max_characters
) -> tuple[View, tuple[str, ...]]:
    """A link's parameters → (view, notices). Total: whatever stands in the link, there is a view."""
    fields: dict[str, Any] = {}
    notices: list[str] = []
    for parameter in PARAMETERS:
        raw = _single(parameter, query.get(parameter.name, []), notices)
        if raw is not None:
            _read(parameter, raw, max_characters, fields, notices)
    fields.pop("v", None)
    return View(**fields), tuple(notices)


def to_query(view: View) -> dict[str, str]:
    """The view as link parameters: the version, model and text always, the rest where it differs from the default."""
    default = View()
    named = {
        name: written_box(value) if name == "zoom" else written(value)
        for name, value in ((p.name, getattr(view, p.name)) for p in PARAMETERS if p.name != "v")
        if name in ALWAYS or value != getattr(default, name)
    }
    return {"v": VERSION, **named}


def revised(view: View, told: Mapping[str, object]) -> View:
    """The view with some fields changed, each as a link writes it; "" is the default. What cannot be read stays as it
    was: this comes from a browser, whose own page would not have sent it.
    """
    default, changes = View(), {}
    for parameter in PARAMETERS:
        raw = told.get(parameter.name)
        if parameter.name == "v" or not isinstance(raw, str) or len(raw) > MAX_WRITTEN:
            continue
        try:
            changes[parameter.name] = parameter.read(raw) if raw else getattr(default, parameter.name)
        except ValueError:
            continue
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
    if parameter.name in ("text", "pair") and len(value) > longest:
        notices.append(
            f"The link's {parameter.name} has {len(value):,} characters; at most {longest:,} are read here. "
            f"Shown instead: {parameter.default}."
        )
        return
    if UNSENDABLE.search(raw):
        notices.append(f"The link's {parameter.name} holds broken characters; each became “{REPLACEMENT}”.")
    fields[parameter.name] = value


def _refusal(parameter: Parameter, raw: str) -> str:
    if parameter.name == "v":
        return f"The link is of version {show(raw)}, this page reads version {VERSION}: what it knows of it is shown."
    return (
        f"The link's {parameter.name} is {show(raw)}; it must be {parameter.accepts}. "
        f"Shown instead: {parameter.default}."
    )


def show(text: str, longest: int = SHOWN) -> str:
    """A stranger's text as part of a sentence: quoted, shortened, with invisible characters written out."""
    short = text if len(text) <= longest else text[: longest - 1] + "…"
    return "“" + "".join(_visible(character) for character in short) + "”"


def _visible(character: str) -> str:
    return character if character.isprintable() else f"U+{ord(character):04X}"
