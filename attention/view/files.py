"""A view as a small file, for texts that no link carries.

    {"format": "headlight-view", "version": 1, "view": {"v": "1", "model": …, "text": …, …}}

`view` holds the parameters of a link, each as text; no other keys are allowed. Reading is strict: a file that is not
exactly this raises InputError with one sentence, and nothing of it is shown.
"""

import json
from typing import Any

from attention.config import Limits
from attention.errors import InputError
from attention.view.fields import View
from attention.view.parameters import PACKED, PARAMETERS
from attention.view.url import in_full, parse, show

FORMAT, FILE_VERSION = "headlight-view", 1
KEYS = {"format", "version", "view"}
_NAMES = {parameter.name for parameter in PARAMETERS} - {PACKED}
# JSON may write a character as two escapes of six signs; all else of a view takes far less than this.
BYTES_A_CHARACTER, BYTES_BESIDE = 12, 20_000


def to_file(view: View) -> bytes:
    """The view as the bytes of a JSON file."""
    tree = {"format": FORMAT, "version": FILE_VERSION, "view": in_full(view)}
    return (json.dumps(tree, ensure_ascii=False, indent=1) + "\n").encode()


def from_file(data: bytes, *, max_characters: int = Limits().max_characters) -> View:
    """The view that `to_file` wrote. Raises InputError for anything else, and for texts that are too long here."""
    if len(data) > most_bytes(max_characters):
        raise InputError(
            f"This file has {len(data):,} bytes; a view with texts of at most {max_characters:,} characters has fewer."
        )
    view, notices = parse(_parameters(_tree(data)), max_characters=max_characters)
    if notices:
        wrong, _, _ = notices[0].partition(" Shown instead:")  # of a file nothing is
        raise InputError(f"This view file cannot be used as it is. {wrong}")
    return view


def most_bytes(max_characters: int) -> int:
    """No view file with texts of at most so many characters is larger."""
    return 2 * BYTES_A_CHARACTER * max_characters + BYTES_BESIDE


def _tree(data: bytes) -> dict[str, Any]:
    try:
        tree = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as err:
        raise InputError("This is no view file: it is not valid JSON. Choose one that Headlight saved.") from err
    if not isinstance(tree, dict) or tree.get("format") != FORMAT:
        raise InputError(
            "This JSON is no view of Headlight: it does not say so. Choose a file that Share saved as “This view”."
        )
    return tree


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON lets a key stand twice, and readers differ in which one counts."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError
    return dict(pairs)


def _parameters(tree: dict[str, Any]) -> dict[str, str]:
    if type(tree.get("version")) is not int or tree["version"] != FILE_VERSION:
        raise InputError(
            f"This view file is not of version {FILE_VERSION}, which this page reads. "
            "Open it with the Headlight that saved it."
        )
    query = tree.get("view")
    if set(tree) != KEYS or not isinstance(query, dict) or not all(isinstance(one, str) for one in query.values()):
        raise InputError("This view file is damaged: it must have format, version and view, and in it texts alone.")
    if unknown := sorted(set(query) - _NAMES):
        raise InputError(f"This view file names {show(unknown[0])}, which is no part of a view.")
    return query
