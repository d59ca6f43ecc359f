"""Provenance as a file has it, read back and looked at: whatever does not fit raises InputError with one sentence."""

from __future__ import annotations

from datetime import datetime

from attention.export.provenance import HeadCheck, Provenance
from attention.record import Fidelity, HeadError, ModelFacts, Trace, held
from attention.record.fields import Fields, refuse

LONGEST_LINE, LONGEST_NAME = 20_000, 400
# What is said of a check beside its numbers, of which the sentence is made anew.
SAID = ("holds", "words")


def read_provenance(given: Fields, trace: Trace) -> Provenance:
    """What `Provenance.tree` gave, about this trace. Sentences are made anew from their numbers."""
    given.only("made", "trace", "model", "versions", "settings", "notes", "checks")
    checks = given.part("checks")
    checks.only("measured", "run", "heads")
    if given.text("trace", 12) != trace.id or held.read(ModelFacts, given.part("model")) != trace.model:
        refuse("provenance", "about the run that the file holds")
    versions, settings = given.part("versions"), given.part("settings")
    return Provenance(
        made=_moment(given, "made"),
        measured=_moment(checks, "measured"),
        trace=trace.id,
        model=trace.model,
        versions={name: versions.text(name, 100) for name in versions.few()},
        settings={name: settings.text_or_number(name, LONGEST_NAME) for name in settings.few()},
        fidelity=_fidelity(checks.part("run")),
        checks=tuple(map(_head_check, checks.parts("heads"))),
        notes=tuple(given.texts("notes", LONGEST_LINE)),
    )


def _moment(given: Fields, name: str) -> str:
    text = given.text(name, 20)
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        refuse(f"{given.where}.{name}", "a date and time as 2025-01-31T12:00:00Z")
    return text


def _fidelity(given: Fields) -> Fidelity | None:
    """The check of the whole run; None where nothing but words is there."""
    if set(given.names()) == set(SAID):
        return None
    held.demand(Fidelity, given, beside=SAID)
    return Fidelity(**held.values(Fidelity, given))


def _head_check(given: Fields) -> HeadCheck:
    held.demand(HeadCheck, given, beside=(*SAID, *held.keys(HeadError).values()))
    return HeadCheck(**held.values(HeadCheck, given), error=HeadError(**held.values(HeadError, given)))
