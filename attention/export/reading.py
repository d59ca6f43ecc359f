"""Provenance as a file has it, read back and looked at: whatever does not fit raises InputError with one sentence."""

from __future__ import annotations

from datetime import datetime

from attention.export.provenance import HeadCheck, Provenance
from attention.record import KINDS, Difference, Fidelity, HeadError, Kind, Trace
from attention.record.fields import Fields, refuse
from attention.record.readback import read_model

LONGEST_LINE, LONGEST_NAME, MOST_LINES, MOST = 20_000, 400, 20, 10**6


def read_provenance(given: Fields, trace: Trace) -> Provenance:
    """What `Provenance.tree` gave, about this trace. Sentences are made anew from their numbers."""
    given.only("made", "trace", "model", "versions", "settings", "notes", "checks")
    checks = given.part("checks")
    checks.only("measured", "run", "heads")
    if given.text("trace", 12) != trace.id or read_model(given.part("model")) != trace.model:
        refuse("provenance", "about the run that the file holds")
    versions, settings = given.part("versions"), given.part("settings")
    return Provenance(
        made=_moment(given, "made"),
        measured=_moment(checks, "measured"),
        trace=trace.id,
        model=trace.model,
        versions={name: versions.text(name, 100) for name in _few(versions)},
        settings={name: settings.text_or_number(name, LONGEST_NAME) for name in _few(settings)},
        fidelity=_fidelity(checks.part("run")),
        checks=tuple(map(_head_check, checks.parts("heads"))),
        notes=tuple(given.texts("notes", LONGEST_LINE)),
    )


def _few(given: Fields) -> list[str]:
    names = list(given.names())
    if len(names) > MOST_LINES or any(len(name) > 40 for name in names):
        refuse(given.where, f"at most {MOST_LINES} lines with short names")
    return names


def _moment(given: Fields, name: str) -> str:
    text = given.text(name, 20)
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        refuse(f"{given.where}.{name}", "a date and time as 2025-01-31T12:00:00Z")
    return text


def _fidelity(given: Fields) -> Fidelity | None:
    given.only("holds", "words", optional=("of", "absolute", "relative", "allowed"))
    if not given.has("of"):
        return None
    given.only("holds", "words", "of", "absolute", "relative", "allowed")
    return Fidelity(
        of=given.text("of", LONGEST_NAME), absolute=given.measured("absolute"), relative=given.measured("relative"),
        tolerance=given.measured("allowed"),
    )  # fmt: skip


def _head_check(given: Fields) -> HeadCheck:
    given.only("kind", "layer", "op", "head", "holds", "words", "against", "allowed", "parts", "unchecked")
    parts = given.part("parts")
    error = HeadError(
        parts={name: _difference(parts.part(name)) for name in _few(parts)}, tolerance=given.measured("allowed"),
        against=given.text("against", LONGEST_NAME), unchecked=tuple(given.texts("unchecked", LONGEST_LINE)),
    )  # fmt: skip
    kind: Kind = given.choice("kind", KINDS)  # type: ignore[assignment]
    layer, op, head = (given.whole(name, 0, MOST) or 0 for name in ("layer", "op", "head"))
    return HeadCheck(kind=kind, layer=layer, op=op, head=head, error=error)


def _difference(given: Fields) -> Difference:
    given.only("absolute", "relative", "allowed")
    absolute, relative = given.measured("absolute"), given.measured("relative")
    return Difference(absolute, relative, given.real("allowed", above=0))
