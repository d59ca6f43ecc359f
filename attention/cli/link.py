"""`link`: a view as the address that shows it, and an address as the view that it shows."""

from __future__ import annotations

import argparse
import sys
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from attention.cli import codes, common
from attention.errors import InputError
from attention.view import PARAMETERS, Parameter, View, fits_address, parse, to_query

NAME, HELP = "link", "the address that shows a view, and back"
ABOUT = """Print the address at which the page shows what the options say, one option for each key of a link. Or, given
an address, print what it shows as JSON, with a notice for each thing in it that could not be read. An address carries
its text to whoever sees it."""
EXAMPLES = """\
  python -m attention link --model storyteller --text "The cat sat." --layer 1 --head 0 --query 2
  python -m attention link --base https://example.org/headlight/ --text "The cat sat." --lens rollout
  python -m attention link "http://localhost:8501/?v=1&model=storyteller&text=The+cat+sat.&layer=1"
"""
BASE = "http://localhost:8501/"
TOO_LONG = (
    "this address is complete, but longer than some programs and proxies carry; for a text of this length rather pass "
    "on a file (trace --export)."
)
KEYS = tuple(parameter for parameter in PARAMETERS if parameter.of)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments: an address, or one option a key."""
    parser.add_argument("url", nargs="?", metavar="URL", help="an address, or what follows its question mark")
    parser.add_argument("--base", default=None, metavar="URL", help=f"where the page is (default: {BASE})")
    for key in KEYS:
        parser.add_argument(
            f"--{key.name}",
            type=_reader(key),
            metavar="VALUE",
            default=argparse.SUPPRESS,
            help=f"{key.help}: {key.accepts} (default: {key.default})".replace("%", "%%"),
        )


def run(given: argparse.Namespace) -> int:
    """Print the one or the other."""
    chosen = {key.of: getattr(given, key.name) for key in KEYS if hasattr(given, key.name)}
    if given.url is None:
        view = View(**chosen)
        common.put(address(view, BASE if given.base is None else given.base))
        if not fits_address(view):
            print(f"headlight: {TOO_LONG}", file=sys.stderr)
        return codes.GOOD
    if chosen or given.base is not None:
        given.refuse("give an address to read, or options to write one of, not both")
    view, notices = read(given.url)
    common.say({"view": {key.name: getattr(view, key.of) for key in KEYS}, "notices": notices})
    return codes.GOOD


def address(view: View, base: str) -> str:
    """The view's address at a base; raises InputError for a base that is none."""
    try:
        parts = urlsplit(base)
    except ValueError as err:
        raise InputError(f"{base!r} is no address: {err}.") from err
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise InputError(f"{base!r} is no address of a page; it must begin with http:// or https:// and a host.")
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", urlencode(to_query(view)), ""))


def read(url: str) -> tuple[View, tuple[str, ...]]:
    """What an address shows, and what of it could not be read; raises InputError where it has no parameters at all."""
    try:
        query = urlsplit(url).query
        # Without its beginning: what follows the question mark.
        query = query or (url if "=" in url and "://" not in url else "")
        found: dict[str, Any] = dict(parse_qs(query, keep_blank_values=True, errors="surrogateescape"))
    except ValueError as err:
        raise InputError(f"This is no address that can be read: {err}.") from err
    if not any(parameter.name in found for parameter in PARAMETERS):
        raise InputError("This address has no key of a view; one looks like http://localhost:8501/?v=1&model=storyteller.")
    return parse(found)


def _reader(key: Parameter) -> Any:
    def read(raw: str) -> Any:
        try:
            return key.read(raw)
        except (ValueError, KeyError) as err:
            raise argparse.ArgumentTypeError(f"{raw[:40]!r} must be {key.accepts}") from err

    return read
