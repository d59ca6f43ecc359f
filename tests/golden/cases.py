"""What is held to an earlier version: heads, payloads and predictions of a few runs, as named arrays.

`python -m tests.golden.cases FOLDER` writes them, with one file of each exported form. The data in `data/` was made so
by commit e102a66, but for the local layer's, which were made when its words and weights became numbers of a hash.
Whoever moves what is called here changes these calls, never the data.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import attention
from attention.browser import codec, maps, overview, parts, rotary, store
from attention.record import HeadView, Kind, Trace
from attention.view import View, to_file

DATA = Path(__file__).parent / "data"
HELD, PREDICTED = "held.npz", "predicted.json"
STAGES = ("scores", "scaled", "masked", "weights")
TOP = 5


@dataclass(frozen=True, kw_only=True)
class Case:
    """One run, and the heads of it that are held: (kind, layer, head)."""

    name: str
    model: str
    text: str
    pair: str = ""
    heads: tuple[tuple[Kind, int, int], ...]

    @property
    def view(self) -> View:
        """On the first of its heads, with a row pinned."""
        kind, layer, head = self.heads[0]
        return View(model=self.model, text=self.text, pair=self.pair, kind=kind, layer=layer, head=head, query=2)


CASES = (
    Case(
        name="decoder", model="storyteller", text="The cat sat on the mat because it was tired.",
        heads=(("decoder", 1, 1), ("decoder", 0, 0), ("decoder", 3, 5)),
    ),
    Case(
        name="encoder", model="cloze", text="The dog ___ at the moon. Łódź 日本",
        heads=(("encoder", 0, 2), ("encoder", 3, 0)),
    ),
    Case(
        name="both", model="dates", text="the 3rd of May, 1998",
        heads=(("cross", 1, 1), ("encoder", 0, 3), ("decoder", 1, 0)),
    ),
    Case(name="local", model="local", text="one two three two one", heads=(("decoder", 0, 3),)),
)  # fmt: skip


@cache
def trace_of(case: Case) -> Trace:
    """The run, once."""
    return attention.trace(case.model, case.text, case.pair or None)


def held(case: Case) -> dict[str, np.ndarray]:
    """Everything that is held of one run, by names."""
    trace = trace_of(case)
    found = {f"heads/{name}": array for name, array in _heads(case, trace)}
    for name, data in _payloads(trace.head(case.heads[0][1], case.heads[0][2], case.heads[0][0]), case.view):
        found |= {f"payloads/{name}{path}": array for path, array in _arrays(codec.parse(data))}
    return found


def predicted(case: Case) -> list[Any]:
    """[position, [[token, probability], …]] of each place, the likeliest first."""
    if case.model == "local":
        return []
    made = attention.predict(case.model, case.text, case.pair or None, k=TOP)
    return [
        [one.position, [[candidate.text, round(candidate.probability, 6)] for candidate in one.candidates]]
        for one in made
    ]


def export(folder: Path) -> None:
    """One file of each form, of the first run."""
    case = CASES[0]
    trace, view = trace_of(case), case.view
    for ending in ("npz", "json", "csv", "svg", "html"):
        attention.save(trace, folder / f"run.{ending}", view=view)
    (folder / "view.json").write_bytes(to_file(view))


def _heads(case: Case, trace: Trace) -> Iterator[tuple[str, np.ndarray]]:
    for kind, layer, head in case.heads:
        view, place = trace.head(layer, head, kind), f"{kind}-{layer}-{head}"
        for name, stage in view.stages:
            if name in STAGES:
                yield f"{place}/{name}", np.asarray(stage)
        for name in ("output", "contribution"):
            array = getattr(view, name)
            if array is not None:
                yield f"{place}/{name}", np.asarray(array)


def _payloads(head_view: HeadView, view: View) -> Iterator[tuple[str, bytes]]:
    yield "run", store.run(head_view, view)
    yield "panels", parts.panels(head_view, view)
    yield "heads", overview.payload(head_view.trace, head_view.kind, view)
    yield "dimensions", rotary.payload(head_view, None)
    yield "averages", maps.averages(head_view, "layer")
    if head_view.kind != "cross":  # it follows one text
        yield "rollout", maps.rollout(head_view)
    yield "words", maps.words(head_view)


def _arrays(tree: Any, path: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """All arrays of a parsed payload by their paths."""
    if isinstance(tree, np.ndarray):
        yield path, tree
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, part in items:
        yield from _arrays(part, f"{path}/{key}")


def main(folder: Path) -> None:
    """Write all of it."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {f"{case.name}/{name}": array for case in CASES for name, array in held(case).items()}
    np.savez_compressed(folder / HELD, **arrays)
    told = {case.name: predicted(case) for case in CASES}
    (folder / PREDICTED).write_text(json.dumps(told, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    export(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
