"""Render one chat template, as a program of its own: `chat` runs this file and reads what it writes.

A template comes from strangers. The sandbox keeps it from the machine, but not from looping for hours or from asking
for all memory; a process can be given limits, and ended. So this file is run by its path, alone: it loads jinja2 and
neither torch nor transformers, and is ready in a tenth of a second. The environment is the one that transformers makes
for chat templates (a test holds the two together).

One order comes in on stdin, {"template": …, "values": …, "longest": …}; one answer goes out, {"text": …} or
{"problem": …}. How many seconds of a processor's time it may take is its one argument.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

MEMORY_BYTES = 512_000_000


class Generation(Extension):
    """`{% generation %}` marks what an assistant wrote, for training; here it shows what is inside."""

    tags = {"generation"}  # noqa: RUF012  jinja2 reads it from the class

    def parse(self, parser: Any) -> Any:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class Names(Namespace):
    """A namespace in which no name leads to Python's own insides."""

    def __init__(*args: Any, **kwargs: Any) -> None:
        self, *rest = args
        values = dict(*rest, **kwargs)
        for name in values:
            _plain(name)
        Namespace.__init__(self, values)

    def __setitem__(self, name: str, value: Any) -> None:
        _plain(name)
        Namespace.__setitem__(self, name, value)


class Table:
    """`dict(…)`, of which nothing but the call can be reached."""

    def __call__(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return dict(*args, **kwargs)


def render(template: str, values: dict[str, Any], longest: int) -> str:
    """The template's text; raises ValueError where it grows longer than `longest` characters."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals.update(raise_exception=_refuse, strftime_now=_now, dict=Table(), namespace=Names)
    parts, length = [], 0
    for part in environment.from_string(template).generate(values):
        parts.append(part)
        length += len(part)
        if length > longest:
            raise ValueError(f"it makes more than {longest:,} characters")
    return "".join(parts)


def main() -> None:
    """Serve one order."""
    _limit(int(sys.argv[1]))
    order = json.loads(sys.stdin.buffer.read())
    try:
        answer = {"text": render(order["template"], order["values"], order["longest"])}
    except MemoryError:
        answer = {"problem": "it asks for too much memory"}
    except Exception as err:  # a template can raise what it likes
        line = (str(err).strip().splitlines() or [""])[0]
        answer = {"problem": line[:200] or type(err).__name__}
    sys.stdout.write(json.dumps(answer))


def _limit(seconds: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has none of this; there the parent's clock alone ends it
        return
    for kind, most in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, MEMORY_BYTES)):
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError):  # macOS refuses to bound the address space
            continue


def _plain(name: object) -> None:
    if isinstance(name, str) and name.startswith("_"):
        raise jinja2.exceptions.SecurityError(f"a template may not set {name[:40]!r}")


def _refuse(message: str) -> None:
    raise jinja2.exceptions.TemplateError(message)


def _tojson(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _now(format: str) -> str:
    return datetime.now().strftime(format)


if __name__ == "__main__":
    main()
