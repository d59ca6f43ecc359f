"""Faults planted in a trace: a comparison that does not fail on each of them shows nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from attention.record import AttentionRecord, Mask, check_heads
from benchmarks.coverage.compare import Aligned, gap


@dataclass(frozen=True)
class Mutant:
    """has: whether a record has the thing. plant: the record without it, or with a wrong one."""

    has: Callable[[AttentionRecord], bool]
    plant: Callable[[AttentionRecord], AttentionRecord]


MUTANTS: dict[str, Mutant] = {
    "scale": Mutant(lambda record: True, lambda record: replace(record, scale=record.scale * 1.01)),
    "mask": Mutant(lambda record: not record.mask.open, lambda record: replace(record, mask=Mask())),
    "softcap": Mutant(lambda record: record.softcap is not None, lambda record: replace(record, softcap=None)),
    "sink": Mutant(lambda record: record.sink is not None, lambda record: replace(record, sink=None)),
    "bias": Mutant(lambda record: record.position_bias is not None, lambda record: replace(record, position_bias=None)),
}


def noticed(aligned: Aligned) -> dict[str, bool]:
    """Of each mutant that applies: whether the comparison and our own check both fail, in every record that has it.

    Where query and key are not known, weights are the model's own and there is no rule of ours to leave out.
    """
    known = [(record, owns) for record, owns in aligned.pairs if record.query is not None]
    answer = {}
    for name, mutant in MUTANTS.items():
        planted = [(mutant.plant(record), owns) for record, owns in known if mutant.has(record)]
        if planted:
            answer[name] = all(
                not gap(record, owns).ok and not all(error.ok for error in check_heads(record))
                for record, owns in planted
            )
    return answer
