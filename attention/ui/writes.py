"""“What it writes”: the tokens that the head on show promotes and suppresses at the pinned position."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from attention.browser import codec, store, writes
from attention.errors import HeadlightError
from attention.ui import aims, analysed, components, model_runs, runs

if TYPE_CHECKING:
    from attention.record import HeadView, Kind
    from attention.view import View

KEY = "writes"
LISTED = 10
NO_PLACE = "This model gives one answer for the whole text, so no head writes to a prediction at one place."


@dataclass(frozen=True, kw_only=True)
class Request(analysed.Asked):
    """What one head writes at a position."""

    kind: Kind
    several: bool
    layer: int
    head: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Written(model_runs.OfModel):
    """What came of it; see `browser.writes.Found`."""

    found: writes.Found


class Writes(analysed.Analyses[Written]):
    """What heads write."""

    what = "reading what the head writes"


def show(head_view: HeadView, view: View, pinned: int) -> None:
    """Draw what the head on show writes."""
    if why := analysed.refusal(view, "what a head writes"):
        _mount(codec.pack({"reason": why}))
        return
    place = analysed.place_of(head_view, pinned)
    asked = Request(
        **analysed.aimed(view, place), **analysed.kind_of(head_view), layer=head_view.layer, head=head_view.head
    )
    try:
        made = analysed.made(_shared, asked, KEY, _mount)
    except HeadlightError as err:
        _mount(codec.pack({"reason": str(err)}))
        return
    if made is not None:
        _mount(analysed.kept(KEY, writes.payload(head_view, made.found, automatic=view.target is None)))


def _mount(data: bytes) -> None:
    components.mount(KEY, data, key=KEY, store=store.INSPECT, on_aim_change=partial(aims.hear, KEY))


def _run(asked: Request, job: runs.Job[Written]) -> Written:
    from attention.analysis.choices import choices
    from attention.analysis.effect import logits_of, metric_for, position_of
    from attention.analysis.writing import head_writing
    from attention.capture import Address

    source, inputs, tokens, pair = analysed.entering(asked, job)
    place = position_of(source, inputs, asked.position)
    if place is None:
        raise HeadlightError(NO_PLACE)
    logits = logits_of(source, inputs, [place])[0]
    metric = metric_for(source, logits, place, asked.target, asked.distractor)
    job.report("Reading what the head writes")
    aim: dict[str, Any] = {"target": metric.target, "distractor": metric.distractor}
    found = head_writing(
        source.model, inputs, Address(asked.kind, asked.layer), asked.head, place, tokenizer=source.tokenizer,
        k=LISTED, **aim,
    )  # fmt: skip
    made = writes.Found(
        metric=metric, choices=choices(source, logits, metric), writing=found,
        place=writes.named_place(pair or tokens, place),
    )  # fmt: skip
    return Written(found=made, model=model_runs.own(source))


_shared = Writes(_run)
