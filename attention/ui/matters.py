"""“Which heads matter?”: every head switched off in turn, beside what each writes for the same prediction.

What costs little, the estimate from gradients and the direct logit attribution, is made when the view is opened. The
runs with each head switched off begin by themselves only where they are quick; else a person is told how many.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from attention.browser import codec, matters, store
from attention.errors import HeadlightError
from attention.ui import aims, analysed, boundary, components, model_runs, prompt_bar, runs, sweeps
from attention.view.fields import SWITCHED_OFF

if TYPE_CHECKING:
    from attention.analysis.ablation import HeadsOff, Off
    from attention.analysis.head_map import HeadMap
    from attention.record import HeadView, Kind
    from attention.source import Source
    from attention.view import View

KEY, ASKED = "matters", "headlight.matters"
BOTH_WAYS: tuple[Off, Off] = ("zero", "mean")
NO_PLACE = "not defined: this model gives one answer for the whole text, of which no position’s stream is the sum"


@dataclass(frozen=True, kw_only=True)
class Request(analysed.Asked):
    """Which heads matter for a prediction. kind: of attention, of several or not. how: what stands in a head's place.
    frozen: whether later heads keep what they put out.
    """

    kind: Kind
    several: bool = False
    how: Off = "zero"
    frozen: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Begun(model_runs.OfModel):
    """What is known before heads are tried; see `matters.Known`."""

    known: matters.Known


class Firsts(analysed.Analyses[Begun]):
    """What is made when the view is opened."""

    what = "estimating"


def show(head_view: HeadView, view: View, pinned: int) -> None:
    """Draw the view for the prediction at the pinned token."""
    if why := analysed.refusal(view, "which heads matter"):
        _mount(codec.pack({"reason": why}))
        return
    wanted = analysed.aimed(view, analysed.place_of(head_view, pinned))
    asked = Request(**wanted, **analysed.kind_of(head_view), how=view.switched_off, frozen=view.frozen)
    st.session_state[ASKED] = asked
    # Whether later heads are frozen changes nothing of what comes first.
    first = replace(asked, frozen=False)
    try:
        begun = analysed.made(_firsts, first, KEY, _mount)
    except HeadlightError as err:
        _mount(codec.pack({"reason": str(err)}))
        return
    if begun is None:
        return
    known = begun.known
    quick = sweeps.is_quick(known.heads, known.tokens, head_view.trace.model.n_parameters)
    job = _sweeps.at_hand(asked, quick=quick)
    if job is not None and not job.done.is_set():
        _watch(head_view, asked, known)
    else:
        _draw(head_view, asked, known)


@st.fragment(run_every=0.5)
def _watch(head_view: HeadView, asked: Request, known: matters.Known) -> None:
    """The map as it fills; the page is drawn again when it is done."""
    job = _sweeps.find(asked)
    if job is None or job.done.is_set():
        st.rerun()
    job.watch(runs.person())
    _draw(head_view, asked, known)


def _draw(head_view: HeadView, asked: Request, known: matters.Known) -> None:
    job = _sweeps.find(asked)
    other = _sweeps.maps(_sweeps.find(replace(asked, frozen=not asked.frozen)))
    maps = _sweeps.maps(job)
    way = matters.Way(how=asked.how, frozen=asked.frozen, automatic=asked.target is None, **sweeps.told(job))
    made = matters.payload(
        head_view, known, way, maps[0] if maps else None, other[0] if other else None, _zero_and_mean(asked)
    )
    _mount(analysed.kept(KEY, made))


def _zero_and_mean(asked: Request) -> tuple[HeadMap, HeadMap] | None:
    """What heads are told to matter by both ways, as far as both were run."""
    made = [_sweeps.maps(_sweeps.find(replace(asked, how=how))) for how in BOTH_WAYS]
    return (made[0][0], made[1][0]) if all(made) else None


def _mount(data: bytes) -> None:
    components.mount(KEY, data, key=KEY, store=store.INSPECT, on_aim_change=_aimed, on_act_change=_act)


def _aimed() -> None:
    aims.hear(KEY)


def _act() -> None:
    """A button or a switch of the component."""
    said = boundary.said(KEY, "act", dict)
    asked = st.session_state.get(ASKED)
    if said is None or not isinstance(asked, Request):
        return
    if said.get("run") is True:
        _sweeps.begin(asked, runs.person())
    if said.get("stop") is True:
        _sweeps.stop(asked, runs.person())
    if said.get("how") in SWITCHED_OFF:
        prompt_bar.change_to(switched_off=said["how"])
    if isinstance(said.get("frozen"), bool):
        prompt_bar.change_to(frozen=said["frozen"])


def _first(asked: Request, job: runs.Job[Begun]) -> Begun:
    from attention.analysis.choices import choices
    from attention.analysis.direct import direct_attribution
    from attention.analysis.effect import logits_of, metric_for, position_of
    from attention.analysis.sweep import row_count

    source, inputs, tokens, pair = analysed.entering(asked, job)
    place = position_of(source, inputs, asked.position)
    logits = logits_of(source, inputs, [place])[0]
    began = time.perf_counter()
    logits_of(source, inputs, [place])  # once more: the first run of a model takes longer than those after it
    seconds = time.perf_counter() - began
    metric = metric_for(source, logits, place, asked.target, asked.distractor)
    job.report("Estimating from gradients")
    estimate = _estimate(source, inputs, asked)
    job.give_way()
    job.report("Adding up what each head writes")
    direct: Any = NO_PLACE
    if place is not None:
        try:
            direct = direct_attribution(
                source.model, inputs, position=place, target=metric.target, distractor=metric.distractor
            )
        except HeadlightError as err:
            direct = str(err)
    known = matters.Known(
        metric=metric, base=float(metric.of(logits)), place=matters.named_place(pair or tokens, place),
        choices=choices(source, logits, metric), estimate=estimate, direct=direct, tokens=len(inputs.ids),
        rows=row_count(source, inputs), heads=heads_of(source, inputs, asked.kind), seconds=seconds,
    )  # fmt: skip
    return Begun(known=known, model=model_runs.own(source))


def heads_of(source: Source, inputs: Any, kind: Kind) -> int:
    """How many heads of this kind the model has."""
    from attention.capture.observe import addresses_of

    config = source.model.config.get_text_config()
    count = int(getattr(config, "num_attention_heads", 0) or getattr(config, "num_heads", 0) or 1)
    return count * sum(address.kind == kind for address in addresses_of(source.model, inputs))


def _estimate(source: Source, inputs: Any, asked: Request) -> Any:
    """The preview, or why there is none."""
    from attention.analysis.preview import preview

    try:
        return preview(source, inputs, _wanted(asked))
    except HeadlightError as err:
        return str(err)


def _wanted(asked: Request) -> HeadsOff:
    """What is asked of the heads, of one kind of attention where a model has several."""
    from attention.analysis.ablation import HeadsOff

    return HeadsOff(
        how=asked.how, target=asked.target, distractor=asked.distractor, position=asked.position,
        kinds=[asked.kind] if asked.several else None, frozen="outputs" if asked.frozen else None,
    )  # fmt: skip


def _each(asked: Request, job: sweeps.Job) -> tuple[Source, Iterator[sweeps.Maps]]:
    from attention.analysis.ablation import each_off

    source, inputs, _, _ = analysed.entering(asked, job)
    return source, ((one,) for one in each_off(source, inputs, _wanted(asked)))


_firsts = Firsts(_first)
_sweeps = sweeps.Sweeps(_each)
