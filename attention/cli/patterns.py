"""`patterns`: a model's heads by what they do, on a text or on stored ones."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from attention.analysis.named import NAMED, NAMES
from attention.cli import codes, common
from attention.errors import InputError
from attention.view import clean

if TYPE_CHECKING:
    from attention.analysis.table import HeadPattern

NAME, HELP = "patterns", "a model's heads by what they do, as a table"
ABOUT = """Rank a model's heads by what they do: look at the token before, rest on the first token, find what followed
the last time (induction) and so on. Each score stands beside the one of a head that looks evenly; `way` is how far a
head goes from there (0) to nothing else (1). On --text, or without it on texts and random sequences that are stored
with Headlight, where induction and copying are measured too."""
EXAMPLES = """\
  python -m attention patterns --model storyteller --table
  python -m attention patterns --model storyteller --pattern induction --least 0
  python -m attention patterns --model cloze --text "The cat sat, and the cat slept." --table
"""
COLUMNS = {
    "pattern": "pattern", "layer": "layer", "head": "head", "score": "score", "even": "even", "way": "way",
    "rows": "rows", "named": "named",
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    common.add_model(parser)
    parser.add_argument("--text", metavar="TEXT", help="score on this text (default: on stored ones)")
    common.add_run(parser)
    parser.add_argument(
        "--pattern", action="append", choices=NAMES, metavar="NAME", help=f"only this one: {common.one_of(NAMES)}"
    )
    parser.add_argument(
        "--least",
        type=_way,
        default=NAMED,
        metavar="WAY",
        help=f"only heads that go at least so far (default: {NAMED}, from where a head is named after it)",
    )
    parser.add_argument("--table", action="store_true", help="aligned text instead of JSON")
    common.add_how(parser)


def _way(raw: str) -> float:
    """An argparse type: a number. Nothing is at least NaN."""
    try:
        number = float(raw)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise argparse.ArgumentTypeError(f"{raw[:40]!r} must be a number, such as {NAMED}")
    return number


def run(given: argparse.Namespace) -> int:
    """Score, and print; see `codes` for what comes back."""
    if given.text is None and (given.pair is not None or given.chat or given.local or given.edits):
        given.refuse("--pair, --chat, --local and --edits belong to a text: give --text, or leave them out")
    with common.working(given) as report:
        on, rows, checks = _stored(given, report) if given.text is None else _on_text(given, report)
    chosen = [asdict(row) for row in rows if given.pattern is None or row.pattern in given.pattern]
    if given.table:
        common.put(common.lay_out(chosen, COLUMNS))
    else:
        common.say({"model": given.model, "on": on, "checks": checks, "heads": chosen})
    if checks is None:
        return codes.GOOD
    common.warn_of(checks)
    return codes.GOOD if checks["ok"] else codes.NOT_TRUSTED


def _on_text(
    given: argparse.Namespace, report: common.Report
) -> tuple[str, Iterable[HeadPattern], dict[str, Any] | None]:
    from attention.api import patterns, trace

    changed = {"edits": given.edits or (), "patch_text": given.patch_text or ""}
    how: dict[str, Any] = {"chat": given.chat, "settings": given.local, **changed}
    made = trace(given.model, clean(given.text), given.pair, **how, on_progress=report)
    report("Scoring every head", None)
    return "this text", patterns(made, given.kind, least=given.least), common.checks_of(made)


def _stored(
    given: argparse.Namespace, report: common.Report
) -> tuple[str, Iterable[HeadPattern], dict[str, Any] | None]:
    """On stored texts. Only sums over their runs are kept, so there is nothing left to check."""
    from attention.analysis.probe import probe
    from attention.analysis.table import table
    from attention.catalogue import LOCAL
    from attention.source import load_source

    if given.model.strip() == LOCAL:
        raise InputError("The local model is scored on a text of yours alone: give --text.")
    source = load_source(given.model, None, report)
    scores = probe(source, given.kind, on_progress=lambda done, total: report("Scoring on stored texts", done / total))
    return scores.on, table(scores, least=given.least), None
