"""“Why there?”: one score of the head on show, taken apart by where its query and its key came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from attention.browser import codec, store, why
from attention.config import Limits
from attention.errors import HeadlightError
from attention.ui import analysed, components, model_runs, runs

if TYPE_CHECKING:
    from attention.analysis.origins import Origins
    from attention.record import HeadView, Kind
    from attention.view import View

KEY = "why"


@dataclass(frozen=True, kw_only=True)
class Request(analysed.Asked):
    """One score of one head. `position` is its query."""

    kind: Kind
    layer: int
    head: int
    key: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Split(model_runs.OfModel):
    """The score by its origins."""

    origins: Origins


class Splits(analysed.Analyses[Split]):
    """Scores that were taken apart."""

    what = "taking a score apart"


def show(head_view: HeadView, view: View, pinned: int) -> None:
    """Draw where the score of the pinned query and the chosen key, or the one with most weight, came from."""
    if reason := analysed.refusal(view, "where a score came from", analysed.LOCAL_HAS_NO_STREAM):
        _mount(codec.pack({"reason": reason}))
        return
    key = why.key_of(head_view, pinned, view.key)
    asked = Request(
        prompt=view.unedited, limits=Limits.from_environment(), position=pinned, kind=head_view.kind,
        layer=head_view.layer, head=head_view.head, key=key,
    )  # fmt: skip
    try:
        made = analysed.made(_shared, asked, KEY, _mount)
    except HeadlightError as err:
        _mount(why.refused(head_view, pinned, key, view.key, str(err)))
        return
    if made is not None:
        _mount(analysed.kept(KEY, why.payload(head_view, made.origins, view.key)))


def _mount(data: bytes) -> None:
    components.mount(KEY, data, key=KEY, store=store.INSPECT)


def _run(asked: Request, job: runs.Job[Split]) -> Split:
    from attention.analysis.origins import score_origins
    from attention.capture import Address

    source, inputs, _, _ = analysed.entering(asked, job)
    job.report("Taking the score apart")
    query = asked.position or 0
    made = score_origins(source.model, inputs, Address(asked.kind, asked.layer), asked.head, query, asked.key)
    return Split(origins=made, model=model_runs.own(source))


_shared = Splits(_run)
