"""How a view gets what an analysis of the model finds: one request, in the queue, kept for all sessions.

A view draws what there is and goes on: while the analysis runs, a part of the page shows how far it is, with a way to
leave it, and has the page drawn again when it has ended. Nobody waits for it in the page's own run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from attention.catalogue import LOCAL
from attention.config import Limits
from attention.errors import HeadlightError
from attention.ui import model_runs, opened, runs

if TYPE_CHECKING:
    from attention.capture import Inputs
    from attention.prompt import Prompt
    from attention.record import HeadView, Kind, Token
    from attention.source import Source
    from attention.view import View

LEFT = "headlight.left-analysis"
STOPPED = "This was left before it was done."
LOCAL_PREDICTS_NOTHING = "The local model is one layer that was never trained, so it predicts nothing to ask about."
LOCAL_HAS_NO_STREAM = "The local model is one layer, so nothing comes before its queries and keys but the embedding."
F = TypeVar("F", bound=model_runs.OfModel)


@dataclass(frozen=True, kw_only=True)
class Asked(runs.OfPrompt):
    """What one analysis depends on: a run without changes, and one prediction of it.

    position: where it is made, None for the usual place. target, distractor: as of a `View`.
    """

    prompt: Prompt
    limits: Limits
    position: int | None = None
    target: int | None = None
    distractor: int | None = None


class Analyses(model_runs.ModelRuns[Any, F]):
    """Analyses of one kind. One person waits for one of them."""

    what = "analysing"
    one_each = True

    def _size(self, made: F) -> int:
        return weight(made)


def weight(made: object, depth: int = 4) -> int:
    """Bytes of all arrays in a record and the records in it, and a hundred for each of its parts."""
    if (own := getattr(made, "nbytes", None)) is not None:
        return int(own)
    parts: Any = ()
    if isinstance(made, tuple | list):
        parts = made
    elif isinstance(made, dict):
        parts = made.values()
    elif hasattr(made, "__dataclass_fields__"):
        parts = vars(made).values()
    return 100 + (sum(weight(part, depth - 1) for part in parts) if depth else 0)


def refusal(view: View, what: str, local: str = LOCAL_PREDICTS_NOTHING) -> str:
    """Why this view's model cannot be asked, where that is known before any run; else ""."""
    return local if view.model.strip() == LOCAL else opened.refusal(view, what)


def place_of(head_view: HeadView, pinned: int) -> int | None:
    """Where the prediction at the pinned token is made; None, the usual place, for a token of another side."""
    crosses = bool(head_view.trace.pair_tokens) and head_view.kind == "encoder"
    return None if crosses else pinned


def aimed(view: View, place: int | None) -> dict[str, Any]:
    """The fields of `Asked` for a view's prediction at a place."""
    return {
        "prompt": view.unedited, "limits": Limits.from_environment(), "position": place, "target": view.target,
        "distractor": view.distractor,
    }  # fmt: skip


def kind_of(head_view: HeadView) -> dict[str, Any]:
    """The kind of attention on show, and whether its model has several."""
    return {"kind": head_view.kind, "several": len(head_view.trace.kinds) > 1}


def entering(asked: Asked, job: runs.Job[Any]) -> tuple[Source, Inputs, tuple[Token, ...], tuple[Token, ...]]:
    """The model, what enters it, and the tokens of both sides."""
    from attention.source import inputs_of, load_source

    source = load_source(asked.model, asked.limits, job.report, job.follow)
    prompt = asked.prompt
    return source, *inputs_of(source, prompt.text, prompt.pair or None, None, prompt.chat, asked.limits)


def heads_of(source: Source, inputs: Inputs, kind: Kind) -> int:
    """How many heads of this kind the model has."""
    from attention.capture.observe import addresses_of

    config = source.model.config.get_text_config()
    count = int(getattr(config, "num_attention_heads", 0) or getattr(config, "num_heads", 0) or 1)
    return count * sum(address.kind == kind for address in addresses_of(source.model, inputs))


def made(shared: Analyses[F], asked: Asked, key: str, mount: Callable[[bytes], None]) -> F | None:
    """What came of this request; None where it is still made, or was left, which is then drawn here.

    key: of the widgets. mount: shows what the component of that key was given last, meanwhile. Raises HeadlightErrors.
    """
    if is_left(asked):
        st.text(STOPPED)
        st.button("Begin again", key=f"{key}-again", on_click=come_back, args=(asked,))
        return None
    job = shared.join(asked, runs.person())
    if runs.has_ended(job, model_runs.PATIENCE_SECONDS) and not job.dropped:
        return job.result()
    if (before := st.session_state.get(_last(key))) is not None:
        mount(before)
    _progress(shared, asked, key, job)
    return None


@st.fragment(run_every=0.5)
def _progress(shared: Analyses[F], asked: Asked, key: str, job: runs.Job[F]) -> None:
    """How far it is; the page is drawn again when it has ended."""
    if job.done.is_set() or is_left(asked):  # left by this page alone, it may go on for others
        st.rerun()
    job.watch(runs.person())
    with st.container(key=f"{key}-progress", gap="xxsmall"):
        st.text(job.line)
        if job.share is not None:
            st.progress(job.share)
        st.button("Stop", key=f"{key}-leave", on_click=partial(_leave, shared, asked))


def _leave(shared: Analyses[F], asked: Asked) -> None:
    shared.cancel(asked, runs.person())
    leave(asked)


def is_left(asked: object) -> bool:
    """Whether this session no longer wants what a request is about."""
    return hash(asked) in st.session_state.get(LEFT, ())


def leave(asked: object) -> None:
    """It no longer wants it."""
    st.session_state[LEFT] = {*st.session_state.get(LEFT, ()), hash(asked)}


def come_back(asked: object) -> None:
    """It wants it again."""
    st.session_state[LEFT] = st.session_state.get(LEFT, set()) - {hash(asked)}


def kept(key: str, data: bytes) -> bytes:
    """Keep what a component is given, to be shown on while the next is made; its own bytes again."""
    st.session_state[_last(key)] = data
    return data


def _last(key: str) -> str:
    return f"headlight.{key}-last"


def reason(err: Exception) -> str:
    """Why one part of an analysis is not there, in words; what nobody foresaw goes on."""
    if isinstance(err, HeadlightError):
        return str(err)
    raise err
