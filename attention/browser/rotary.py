"""What the `dimensions` component is given: how each layer turns pairs of dimensions.

Queries and keys are in the browser by then. How the model pairs and turns its dimensions is not, and cannot be seen
in them: it is found by one more run (`attention.analysis.dimensions`), and what was found is given here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from attention import derived
from attention.browser import codec, store

if TYPE_CHECKING:
    from attention.analysis.dimensions import Turns
    from attention.record import HeadView, Kind

NO_LAYER = "the test run did not reach this layer"


def payload(head_view: HeadView, found: Mapping[tuple[Kind, int], Turns | str] | str | None) -> bytes:
    """{run, awaited, layers: [{layer, turn, why}], turns: [{arrangement, pairs, angles, why}]} of this head's kind.

    run: which run it is about. awaited: whether the test run has not ended (found is None). turn: which of `turns` a
    layer has, or −1 with the reason in `why`. pairs: int32 (p, 2). angles: float32 (n, p), by how much each place turns
    each pair beyond the first, or null with the reason in `why`.
    """
    # What was found is counted where it is kept, with the test run.
    given = None if found is None or isinstance(found, str) else _Same(found)
    key = ("dimensions", head_view.kind, found if isinstance(found, str) else "")
    made = derived.kept(
        head_view.trace, key, lambda: (given, _pack(head_view, found)), holds=lambda kept: kept[0] == given
    )
    return made[1]


@dataclass(frozen=True)
class _Same:
    """Stands for what a test run found: equal only to itself, and without size."""

    __slots__ = ("found",)
    found: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.found is self.found

    def __hash__(self) -> int:
        return id(self.found)


def _pack(head_view: HeadView, found: Mapping[tuple[Kind, int], Turns | str] | str | None) -> bytes:
    trace, kind = head_view.trace, head_view.kind
    turns: list[Turns] = []
    layers = []
    for layer in trace.records(kind):
        own = "" if found is None else found if isinstance(found, str) else found.get((kind, layer), NO_LAYER)
        if not isinstance(own, str) and own not in turns:
            turns.append(own)
        turn, why = (-1, own) if isinstance(own, str) else (turns.index(own), "")
        layers.append({"layer": layer, "turn": turn, "why": why})
    return codec.pack({
        "run": store.run_id(trace, kind), "awaited": found is None, "layers": layers,
        "turns": [_turns(one) for one in turns],
    })  # fmt: skip


def _turns(turns: Turns) -> dict[str, Any]:
    return {
        "arrangement": turns.layout.arrangement, "pairs": turns.layout.pairs().astype(np.int32), "why": turns.why,
        "angles": None if turns.angles is None else turns.angles.astype(np.float32),
    }  # fmt: skip
