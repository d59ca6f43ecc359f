"""How rotary models pair dimensions, and by how much each place turns each pair, found by a test run.

The browser shows a score as the products q_i · k_i, which sum to it. Single dimensions mean little by themselves: any
rotation of both q and k leaves every score as it is. In rotary models (Su et al. 2021, equation 34) dimensions turn in
pairs, and a pair's two products belong together. Which dimensions are a pair differs between models, and cannot be seen
in q and k; it is found by a test run, or not told. The same run shows by how much each place turns each pair, so that q
and k can be turned back (`turns_of`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import torch

from attention.analysis.blocks import fixed
from attention.capture import Inputs, trace_model
from attention.capture.inputs import embedding, has_decoder
from attention.capture.lengths import longest
from attention.errors import HeadlightError, InputError
from attention.record import Kind, Token, Trace

if TYPE_CHECKING:
    from torch import Tensor

    from attention.capture import PreTrainedModel
    from attention.record import AttentionRecord

Arrangement = Literal["halves", "neighbours"]
ARRANGEMENTS: tuple[Arrangement, ...] = ("halves", "neighbours")
NO_QUERY = "query and key are not known here, so the score cannot be taken apart"
NO_RUN = "the model does not run on one token repeated, so how it pairs dimensions is not known"
STILL = "its keys do not depend on their place, so its dimensions are in no pairs"
NO_PAIRS = "it does not turn its queries and keys by their place"
NOT_ALIKE = "the test run cannot tell: what enters this layer depends on its place by itself"
FEW_DIGITS = "the model computes in few digits, too few to turn its queries and keys back exactly"
TWO_TEXTS = "its queries and keys stand in different texts, so they have no places in common"
NOT_BACK = "turned back by what was measured, its queries and keys do not become those of the first place"
# How often a token is said in the test run, and how constant a turned pair's length is, relative, by the type's digits.
TIMES, EXACT, ROUNDED = 24, 1e-4, 3e-2
# The slowest pairs turn by less than that within the run; what moves by this part of it is taken to turn.
SLOW = 0.05


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a model pairs the dimensions it turns: width of them, from `start` on; all others stand alone.

    halves: dimension i turns with i + width/2; neighbours: 2i with 2i + 1.
    """

    arrangement: Arrangement
    start: int
    width: int

    def pairs(self) -> np.ndarray:
        """(width/2, 2): the two dimensions of each pair."""
        half = np.arange(self.width // 2)
        first = half if self.arrangement == "halves" else 2 * half
        second = half + self.width // 2 if self.arrangement == "halves" else 2 * half + 1
        return self.start + np.stack([first, second], axis=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Turns:
    """How one layer turns queries and keys. angles: (n, width/2), by how much place t turns each pair beyond what the
    first place does, in radians; None where that is not known exactly, with the reason in `why`.
    """

    layout: Layout
    angles: np.ndarray | None = None
    why: str = ""

    def back(self, vectors: np.ndarray) -> np.ndarray:
        """Queries or keys (…, n, d) as they would stand at the first place. Raises InputError without angles."""
        if self.angles is None:
            raise InputError(f"They cannot be turned back: {self.why}.")
        made = np.array(vectors, dtype=np.float64)
        pairs = self.layout.pairs()
        turned = _complex(made, pairs) * np.exp(-1j * self.angles[: made.shape[-2]])
        made[..., pairs[:, 0]], made[..., pairs[:, 1]] = turned.real, turned.imag
        return made


def _complex(vectors: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Each pair as one complex number, (…, p)."""
    return vectors[..., pairs[:, 0]] + 1j * vectors[..., pairs[:, 1]]


def turns_of(model: PreTrainedModel, places: int) -> dict[tuple[Kind, int], Turns | str] | str:
    """How each layer turns queries and keys at the first `places` places, or in words why that is not known.

    By a test run, which is as long, for some models turn otherwise in long texts. Angles are measured on the keys of
    one layer, and stand only for layers whose own queries and keys they turn back into those of the first place.
    """
    trace = _said_again(model, max(places, TIMES))
    if isinstance(trace, str):
        return trace
    found: dict[tuple[Kind, int], Turns | str] = {}
    known: list[Turns] = []
    for kind in trace.kinds:
        for layer, record in trace.records(kind).items():
            found[kind, layer] = turns = _turns_of(record, known, first=layer == min(trace.records(kind)))
            if isinstance(turns, Turns) and turns.angles is not None and turns not in known:
                known.append(turns)
    return found


def _said_again(model: PreTrainedModel, times: int) -> Trace | str:
    """One token, again and again: all places are alike but for what their position does to queries and keys.

    That holds in every layer: where all values are the same, so is whatever is mixed of them. A pair that turns keeps
    its length, and what does not turn stays as it is.
    """
    table, most = embedding(model), longest(model)
    times = times if most is None else min(times, most)
    if times < 2:
        return NO_RUN
    number = 0 if table is None else len(table) // 2
    tokens = tuple(Token(piece=str(number), text="", id=number) for _ in range(times))
    ids, two = (number,) * times, has_decoder(model)
    try:
        inputs = Inputs(ids=ids, pair_ids=ids if two else ())
        return trace_model(model, inputs, tokens=tokens, pair_tokens=tokens if two else ())
    except (HeadlightError, ValueError, RuntimeError, TypeError):
        return NO_RUN


def _layout_of(record: AttentionRecord) -> Layout | str:
    # The first places are enough to tell, and a layout that is wrong costs as much as one that is right.
    return NO_QUERY if record.key is None else layout_in(record.key[:, :TIMES])


def _turns_of(record: AttentionRecord, known: list[Turns], *, first: bool) -> Turns | str:
    """known: those of other layers, tried first. first: whether this is the first layer, where all places are alike."""
    if record.query is None or record.key is None:
        return NO_QUERY
    for turns in known:
        if _turn_back(turns, record):
            return turns
    layout = _layout_of(record)
    if isinstance(layout, str):
        return layout if first or layout == STILL else NOT_ALIKE
    if record.n_q != record.n_k:
        return Turns(layout=layout, why=TWO_TEXTS)
    if record.dtype not in (torch.float32, torch.float64):
        return Turns(layout=layout, why=FEW_DIGITS)
    turns = Turns(layout=layout, angles=_angles(record.key, layout))
    return turns if _turn_back(turns, record) else Turns(layout=layout, why=NOT_BACK)


def _angles(key: Tensor, layout: Layout) -> np.ndarray:
    """(n, p) in radians, by the keys (g, n, d) of all groups together."""
    turned = _complex(_double(key), layout.pairs())
    return fixed(np.angle((turned * turned[:, :1].conj()).sum(axis=0)))


def _turn_back(turns: Turns, record: AttentionRecord) -> bool:
    """Whether the queries and the keys of all places, turned back, are those of the first place."""
    sides = [_double(cast("Tensor", tensor)) for tensor in (record.query, record.key)]
    if any(side.shape[1] > len(cast(np.ndarray, turns.angles)) for side in sides):
        return False
    if turns.layout.start + turns.layout.width > sides[0].shape[2]:
        return False
    gaps = [np.abs(turns.back(side) - side[:, :1]).max() / np.sqrt(np.mean(side**2) or 1) for side in sides]
    return bool(max(gaps) <= EXACT)


def _double(tensor: Tensor) -> np.ndarray:
    return tensor.detach().double().cpu().numpy()


def layout_in(key: Tensor) -> Layout | str:
    """The layout that explains keys (g, n, d) of one and the same token at n places."""
    exact = EXACT if key.dtype in (torch.float32, torch.float64) else ROUNDED
    key = key.detach().double().cpu()
    allowed = exact * float(key.pow(2).mean().sqrt())
    way = (key - key[:, :1]).abs().amax((0, 1))  # (d,)
    if not (way > allowed).any():
        return STILL
    for width in range(2, len(way) + 1, 2):
        for start in sorted({0, len(way) - width}):
            for arrangement in ARRANGEMENTS:
                layout = Layout(arrangement=arrangement, start=start, width=width)
                if _explains(layout, key, way > SLOW * allowed, allowed):
                    return layout
    return NO_PAIRS


def _explains(layout: Layout, key: Tensor, moves: Tensor, allowed: float) -> bool:
    """Whether every pair keeps its length in all places and heads, and all that moves is in a pair."""
    pairs = torch.from_numpy(layout.pairs())
    lengths = key[..., pairs].norm(dim=-1)  # (g, n, p)
    others = torch.ones_like(moves)
    others[pairs.flatten()] = False
    steady = (lengths - lengths[:, :1]).abs().max() <= allowed
    return bool(steady) and not bool((moves & others).any())
