"""“Patch”: one head of a run takes what it was in the run of a second text, for every head in turn, both ways round.

The two texts are aligned and run once when the view is opened; the heads are patched by themselves only where that is
quick, else when a person asks.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from attention.browser import codec, parts, patch, store
from attention.errors import HeadlightError
from attention.ui import aims, analysed, boundary, components, model_runs, prompt_bar, runs, sweeps, traces

if TYPE_CHECKING:
    from attention.capture import Inputs
    from attention.record import HeadView, Kind, Token
    from attention.source import Source
    from attention.view import View

KEY, BOX, ASKED = "patch", "patch-text", "headlight.patch"
TITLE = "A second text, of as many tokens"
PLACEHOLDER = "The same sentence with one word changed"


@dataclass(frozen=True, kw_only=True)
class Request(analysed.Asked):
    """What patches from another text do to a prediction. kind: of attention, of several or not."""

    kind: Kind
    several: bool
    other: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Begun(model_runs.OfModel):
    """What is known before heads are patched; see `patch.Known`."""

    known: patch.Known


class Firsts(analysed.Analyses[Begun]):
    """Two texts beside each other."""

    what = "comparing two texts"


def show(head_view: HeadView, view: View, pinned: int) -> None:
    """Draw the box of the second text, and what patches from it do to the prediction at the pinned token."""
    if why := analysed.refusal(view, "patching"):
        _mount(codec.pack({"reason": why}))
        return
    box = parts.prompt(view.patch_text, label=TITLE, title=TITLE, placeholder=PLACEHOLDER, count="")
    components.mount("prompt", box, key=BOX, store=store.INSPECT, on_text_change=_typed)
    wanted = analysed.aimed(view, analysed.place_of(head_view, pinned))
    asked = Request(**wanted, **analysed.kind_of(head_view), other=view.patch_text)
    if not view.patch_text.strip():
        _mount(codec.pack({"reason": patch.ASK}))
        return
    if said := traces.check_text(view.patch_text, asked.limits, what="second text"):
        _mount(codec.pack({"reason": said}))
        return
    st.session_state[ASKED] = asked
    try:
        begun = analysed.made(_firsts, asked, KEY, _mount)
    except HeadlightError as err:
        _mount(codec.pack({"reason": str(err)}))
        return
    if begun is None:
        return
    known = begun.known
    if known.unequal:
        _mount(patch.refused(known))
        return
    quick = sweeps.is_quick(2 * known.heads, known.tokens, head_view.trace.model.n_parameters)
    job = _sweeps.at_hand(asked, quick=quick)
    if job is not None and not job.done.is_set():
        _watch(head_view, asked, known)
    else:
        _draw(head_view, asked, known)


@st.fragment(run_every=0.5)
def _watch(head_view: HeadView, asked: Request, known: patch.Known) -> None:
    """The maps as they fill; the page is drawn again when they are done."""
    job = _sweeps.find(asked)
    if job is None or job.done.is_set():
        st.rerun()
    job.watch(runs.person())
    _draw(head_view, asked, known)


def _draw(head_view: HeadView, asked: Request, known: patch.Known) -> None:
    job = _sweeps.find(asked)
    told = sweeps.told(job)
    made = patch.payload(head_view, known, _sweeps.maps(job), told, automatic=asked.target is None)
    _mount(analysed.kept(KEY, made))


def _mount(data: bytes) -> None:
    components.mount(KEY, data, key=KEY, store=store.INSPECT, on_aim_change=_aimed, on_act_change=_act)


def _typed() -> None:
    if (text := boundary.said(BOX, "text", str)) is not None:
        prompt_bar.change_to(patch_text=text)


def _aimed() -> None:
    aims.hear(KEY)


def _act() -> None:
    said, asked = boundary.said(KEY, "act", dict), st.session_state.get(ASKED)
    if said is None or not isinstance(asked, Request):
        return
    if said.get("run") is True:
        _sweeps.begin(asked, runs.person())
    if said.get("stop") is True:
        _sweeps.stop(asked, runs.person())


@dataclass(frozen=True, eq=False)
class _Both:
    """A model and both texts as they enter it."""

    source: Source
    clean: Inputs
    corrupted: Inputs
    tokens: tuple[tuple[Token, ...], tuple[Token, ...]]


def _both(asked: Request, job: runs.Job[Any]) -> _Both:
    """Both texts; the second has the second side of the first, where there is one."""
    from attention.source import inputs_of

    source, clean, tokens, _ = analysed.entering(asked, job)
    prompt = replace(asked.prompt, text=asked.other)
    target: Any = list(clean.pair_ids) if clean.pair_ids else prompt.pair or None
    corrupted, others, _ = inputs_of(source, prompt.text, target, None, prompt.chat, asked.limits)
    return _Both(source, clean, corrupted, (tokens, others))


def _first(asked: Request, job: runs.Job[Begun]) -> Begun:
    from attention.analysis.choices import choices
    from attention.analysis.effect import logits_of, position_of
    from attention.analysis.patching import LEAST_GAP, UnequalTextsError, aligned_texts, check_alike, metric_of
    from attention.analysis.sweep import row_count
    from attention.tokens import label

    both = _both(asked, job)
    source = both.source
    first, second = ([label(token, patch.NAME_CHARS) for token in tokens] for tokens in both.tokens)
    known = patch.Known(alignment=aligned_texts(first, second))
    own = model_runs.own(source)
    try:
        check_alike(source, both.clean, both.corrupted)
    except UnequalTextsError as err:
        return Begun(known=replace(known, unequal=str(err)), model=own)
    place = position_of(source, both.clean, asked.position)
    metric = metric_of(source, both.clean, both.corrupted, asked.position, asked.target, asked.distractor)
    began = time.perf_counter()
    rows = [logits_of(source, inputs, [place])[0] for inputs in (both.clean, both.corrupted)]
    seconds = (time.perf_counter() - began) / 2
    clean, corrupted = (float(metric.of(row)) for row in rows)
    # What both texts predict, each once, by the first one's chances.
    listed = {one.id: one for one in (*choices(source, rows[1], metric, 4), *choices(source, rows[0], metric))}
    offered = tuple(sorted(listed.values(), key=lambda one: -(one.probability or 0)))
    side = both.tokens[0] if not both.clean.pair_ids else ()
    return Begun(model=own, known=replace(
        known, metric=metric, clean=clean, corrupted=corrupted, choices=offered,
        place=patch.named_place(side, place), least=LEAST_GAP, tokens=len(both.clean.ids), seconds=seconds,
        heads=_heads(asked, both), rows=row_count(source, both.clean),
    ))  # fmt: skip


def _heads(asked: Request, both: _Both) -> int:
    from attention.ui.matters import heads_of

    return heads_of(both.source, both.clean, asked.kind)


def _each(asked: Request, job: sweeps.Job) -> tuple[Source, Iterator[sweeps.Maps]]:
    from attention.analysis.head_map import HeadMap
    from attention.analysis.patching import each_patched

    both = _both(asked, job)
    how: dict[str, Any] = {
        "target": asked.target, "distractor": asked.distractor, "position": asked.position,
        "kinds": [asked.kind] if asked.several else None,
    }  # fmt: skip

    def found() -> Iterator[sweeps.Maps]:
        denoised: HeadMap | None = None
        for denoised in each_patched(both.source, both.clean, both.corrupted, direction="denoise", **how):
            yield (denoised,)
        if denoised is not None:
            for noised in each_patched(both.source, both.clean, both.corrupted, direction="noise", **how):
                yield (denoised, noised)

    return both.source, found()


_firsts = Firsts(_first)
_sweeps = sweeps.Sweeps(_each)
