"""Where numbers come from: the model, what ran, when, and both checks as numbers and in words.

A file carries this, so that whoever finds it in a year knows what it holds and how far to trust it.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from attention.browser.edits import of_run
from attention.record import KINDS, held
from attention.sentences import head_check, run_check

if TYPE_CHECKING:
    from attention.record import Fidelity, HeadError, HeadView, Kind, ModelFacts, Trace

LIBRARIES = ("torch", "transformers", "numpy")


@dataclass(frozen=True, kw_only=True)
class HeadCheck:
    """The check of one head. holds: None where nothing could be compared. words: the sentence on the page."""

    kind: Kind = field(metadata=held.choice(KINDS))
    layer: int = field(metadata=held.whole(0, held.MOST_LAYER))
    op: int = field(metadata=held.whole(0, held.MOST_LAYER))
    head: int = field(metadata=held.whole(0, held.MOST_LAYER))
    error: HeadError

    @property
    def holds(self) -> bool | None:
        return head_check(self.error)[0]

    @property
    def words(self) -> str:
        return head_check(self.error)[1]


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What is known of the numbers in a file.

    made: when the file was made; measured: when the checks were, which is earlier where the trace itself was read from
    a file. Both in UTC. trace: the run's own id. versions: of Headlight, Python and the libraries, of the machine that
    made the file. settings: where and how the model ran. fidelity: the whole run's check; checks: those of heads.
    """

    made: str
    measured: str
    trace: str
    model: ModelFacts
    versions: Mapping[str, str]
    settings: Mapping[str, str | int | float]
    fidelity: Fidelity | None
    checks: tuple[HeadCheck, ...]
    notes: tuple[str, ...] = ()

    def tree(self) -> dict[str, Any]:
        """All of it as JSON can carry it; differences that are no number are "nan" or "inf"."""
        return {
            "made": self.made, "trace": self.trace, "model": held.written(self.model), "versions": dict(self.versions),
            "settings": dict(self.settings), "notes": list(self.notes),
            "checks": {
                "measured": self.measured, "run": _run_tree(self.fidelity),
                "heads": [_head_tree(check) for check in self.checks],
            },
        }  # fmt: skip


def provenance(trace: Trace, head_view: HeadView | None = None, *, now: datetime | None = None) -> Provenance:
    """What is known of a trace; the checks of all its heads, or of the one that is named.

    A layer's check is measured once for a trace, which runs the model's own attention code of that layer.
    """
    made = written(datetime.now(UTC) if now is None else now)
    return Provenance(
        made=made,
        measured=made if trace.checked is None else trace.checked.measured,
        trace=trace.id,
        model=trace.model,
        versions=versions(),
        settings=_settings(trace),
        fidelity=trace.fidelity,
        checks=tuple(_all_checks(trace) if head_view is None else [_check(head_view)]),
        notes=(*trace.notes, *filter(None, [_changed(trace)])),
    )


def _changed(trace: Trace) -> str:
    """What was changed while the model ran, in words and as the lines that change it again; "" for nothing."""
    first = trace.all_records[0]
    return of_run(trace.head(first.layer, 0, first.kind, op=first.op))


def versions() -> dict[str, str]:
    """Of Headlight, Python and the libraries that made the numbers; "" for one that is not here."""
    own = sys.modules[__name__.partition(".")[0]].__version__
    return {"headlight": own, "python": platform.python_version()} | {name: _version(name) for name in LIBRARIES}


def written(moment: datetime) -> str:
    """A moment as 2025-01-31T12:00:00Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _settings(trace: Trace) -> dict[str, str | int | float]:
    found: dict[str, str | int | float] = {
        "device": str(trace.all_records[0].rows_of.device), "road": trace.model.capture_mode,
        "seconds": float(trace.seconds), "tokens": len(trace.tokens),
    }  # fmt: skip
    return found | ({"pair_tokens": len(trace.pair_tokens)} if trace.pair_tokens else {})


def _all_checks(trace: Trace) -> list[HeadCheck]:
    return [
        HeadCheck(kind=record.kind, layer=record.layer, op=record.op, head=head, error=error)
        for record in trace.all_records
        for head, error in enumerate(trace.layer_errors(record))
    ]


def _check(head_view: HeadView) -> HeadCheck:
    record = head_view.record
    return HeadCheck(
        kind=record.kind, layer=record.layer, op=record.op, head=head_view.head, error=head_view.error
    )  # fmt: skip


def _run_tree(fidelity: Fidelity | None) -> dict[str, Any]:
    holds, words = run_check(fidelity)
    return {"holds": holds, "words": words} | ({} if fidelity is None else held.written(fidelity))


def _head_tree(check: HeadCheck) -> dict[str, Any]:
    return held.written(check) | {"holds": check.holds, "words": check.words} | held.written(check.error)
