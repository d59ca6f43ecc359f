"""What the commands share: arguments, texts, JSON, tables, a bar that shows how far it is, and the offline switch."""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attention import imports
from attention.edits import ACCEPTS as EDITS_ACCEPTED
from attention.edits import Edit, edits_of
from attention.errors import InputError
from attention.layer_settings import ACCEPTS, LocalSettings, from_line
from attention.table import listed
from attention.view import KINDS, clean

if TYPE_CHECKING:
    from attention.record import Fidelity, Trace

Report = Callable[[str, float | None], None]
STDIN = "-"


def add_model(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """--model and where it may come from."""
    parser.add_argument(
        "--model",
        required=required,
        metavar="MODEL",
        help="storyteller, cloze, dates or local (bundled), a hub id (owner/name, owner/name@revision), or a folder",
    )


def add_run(parser: argparse.ArgumentParser) -> None:
    """--pair, --kind, --chat, --local: what a run consists of, and what is looked at in it."""
    parser.add_argument("--pair", metavar="TEXT", help="second text: what a decoder writes, or an encoder's sentence B")
    parser.add_argument("--kind", choices=KINDS, help="which attention, where a model has several (default: its usual)")
    parser.add_argument("--chat", action="store_true", help="put the text into the model's own chat template")
    parser.add_argument("--local", type=_settings, metavar="SETTINGS", help=f"how the local layer is built: {ACCEPTS}")
    add_edits(parser, "what is changed while the model runs")
    parser.add_argument("--patch-text", metavar="TEXT", help="a text of as many tokens, from which patches are taken")


def add_edits(parser: argparse.ArgumentParser, what: str) -> None:
    """--edits. what: is changed by them."""
    parser.add_argument(
        "--edits", type=_edits, metavar="EDITS", help=f"{what}, with commas between: {EDITS_ACCEPTED}"
    )


def add_how(parser: argparse.ArgumentParser) -> None:
    """--offline and --progress."""
    parser.add_argument("--offline", action="store_true", help="ask no network; only models that are already here")
    parser.add_argument(
        "--progress",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="show on stderr how far it is (default: where stderr is a terminal)",
    )


def count(least: int) -> Callable[[str], int]:
    """An argparse type: a whole number of at least so much."""

    def read(raw: str) -> int:
        if not (raw.isascii() and raw.isdigit() and len(raw) < 10 and int(raw) >= least):
            raise argparse.ArgumentTypeError(f"{raw[:40]!r} must be a whole number from {least}")
        return int(raw)

    return read


def _settings(raw: str) -> LocalSettings:
    """An argparse type: how the local layer is built."""
    try:
        return from_line(raw)
    except InputError as err:
        raise argparse.ArgumentTypeError(str(err)) from err


def _edits(raw: str) -> tuple[Edit, ...]:
    """An argparse type: what is changed while the model runs."""
    try:
        return edits_of(raw)
    except InputError as err:
        raise argparse.ArgumentTypeError(str(err)) from err


def texts_of(name: str) -> list[str]:
    """The lines of a file, or of stdin for "-", without the empty ones. Raises InputError."""
    try:
        raw = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
        # Not str.splitlines, which also cuts at form feeds and at separators within a text.
        lines = re.split("\r\n|\n|\r", raw.decode("utf-8-sig"))
    except OSError as err:
        raise InputError(f"{name} cannot be read: {err.strerror or err}.") from err
    except UnicodeDecodeError as err:
        raise InputError(f"{name} is not UTF-8 text (byte {err.start}); save it as UTF-8.") from err
    found = [clean(line) for line in lines if line.strip()]
    if not found:
        raise InputError(f"{'stdin' if name == STDIN else name} has no line with a text; write one text a line.")
    return found


def say(answer: object) -> None:
    """One line of JSON on stdout, at once. Numbers that JSON does not know become null."""
    put(json.dumps(plain(answer), ensure_ascii=False, allow_nan=False))


def put(text: str) -> None:
    """Lines on stdout, at once. Raises InputError where they cannot be written, as on a full disk."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise  # whoever read them has read enough
    except OSError as err:
        leave_quietly()
        raise InputError(f"The answer cannot be written to stdout: {err.strerror or err}.") from err


def leave_quietly() -> None:
    """Keep Python from writing what is left in stdout's buffer, and a complaint about it, when it ends."""
    with suppress(OSError, ValueError):  # a test's own stdout has no file behind it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def plain(value: Any) -> Any:
    """The value in what JSON has; NaN and infinities are null."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Path | LocalSettings):
        return str(value)
    return value


def lay_out(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], digits: int = 3) -> str:
    """Rows as aligned text: columns by their key, under a heading each; numbers to the right."""
    cells = [list(columns.values()), *([_cell(row.get(key), digits) for key in columns] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
    right = [bool(rows) and all(isinstance(row.get(key), int | float | None) for row in rows) for key in columns]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in cells
    )


def _cell(value: Any, digits: int) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.{digits}f}" if math.isfinite(value) else "–"
    return "".join(letter if letter.isprintable() else "�" for letter in str(value))


@contextmanager
def telling(asked: bool | None) -> Iterator[Report]:
    """A report(words, share) that draws a bar on stderr, where that is a terminal or it was asked for."""
    if not (sys.stderr.isatty() if asked is None else asked):
        yield lambda words, share: None
        return
    from tqdm import tqdm

    # One line for all: what is done now, and a share of it where one is known.
    with tqdm(total=100, file=sys.stderr, leave=False, bar_format="{desc}", disable=False) as bar:

        def report(words: str, share: float | None) -> None:
            bar.bar_format = "{desc}" if share is None else "{desc} {percentage:3.0f}% |{bar}|"
            bar.n = 100 * (share or 0.0)
            bar.set_description_str(words, refresh=True)

        yield report


@contextmanager
def working(given: argparse.Namespace) -> Iterator[Report]:
    """For the length of what runs models: the network as asked for, all libraries, and what tells of progress."""
    with network(given.offline), telling(given.progress) as report:
        imports.at_once()
        yield report


@contextmanager
def network(offline: bool) -> Iterator[None]:
    """Without a network where that was asked for: the hub's client reads this when it is first imported."""
    name = "HF_HUB_OFFLINE"
    before = os.environ.get(name)
    if not offline:
        yield
        return
    os.environ[name] = "1"
    loaded = sys.modules.get("huggingface_hub.constants")
    was = getattr(loaded, name, None)
    if loaded is not None:
        setattr(loaded, name, True)
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
        if loaded is not None:
            setattr(loaded, name, was)


def checks_of(trace: Trace) -> dict[str, Any]:
    """Both checks over every head of a trace, as JSON. ok: none failed; `unchecked` heads had nothing to compare."""
    failed, unchecked, worst = [], [], None
    n_heads = 0
    for record in trace.all_records:
        for head, error in enumerate(trace.layer_errors(record)):
            place = {"kind": record.kind, "layer": record.layer, "head": head}
            n_heads += 1
            if not error.parts:
                unchecked.append(place)
                continue
            part = error.parts[error.worst]
            found = place | {"part": error.worst, "relative": part.relative, "allowed": part.allowed}
            if not error.ok:
                failed.append(found)
            if worst is None or not part.excess <= worst[0]:  # NaN is the worst of all
                worst = (part.excess, found)
    run = trace.fidelity
    return {
        "ok": not failed and (run is None or bool(run.reason) or run.ok),
        "heads": n_heads,
        "failed": failed,
        "unchecked": unchecked,
        "worst": None if worst is None else worst[1],
        "run": None
        if run is None
        else {"ok": run.ok, "of": run.of, "relative": run.relative, "allowed": run.tolerance} | _edited(run),
    }


def _edited(run: Fidelity) -> dict[str, Any]:
    """What is said of an edited run beside: how long the second one took, or why there is none."""
    if not run.edited:
        return {}
    return {"edited": True, "reason": run.reason} if run.reason else {"edited": True, "seconds": run.seconds}


def warn_of(checks: Mapping[str, Any], what: str = "") -> None:
    """One sentence on stderr where a check failed."""
    if checks["ok"]:
        return
    found = []
    if checks["failed"]:
        found.append(f"{len(checks['failed'])} of {checks['heads']} heads differ from the model's own")
    if checks["run"] is not None and not checks["run"]["ok"] and "reason" not in checks["run"]:
        beside = "a second run's with the same edits" if "edited" in checks["run"] else "an untouched run's"
        found.append(f"the run's {checks['run']['of']} differ from {beside}")
    print(f"headlight: {what}do not trust these numbers: {'; '.join(found)}.", file=sys.stderr)


def one_of(names: Iterable[str]) -> str:
    """The names as “a, b or c”."""
    return listed(tuple(names))
