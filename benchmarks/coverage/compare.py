"""A trace against a model's own attention, number by number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from attention.record import AttentionRecord, Trace
from benchmarks.coverage.reference import Own, Reference

TOLERANCE = 1e-5  # relative to the largest magnitude
HANDED_OUT, SOFTMAX = "its maps", "its softmax"
Pairs = list[tuple[AttentionRecord, list[Own]]]


@dataclass
class Aligned:
    """Each record with the attentions of the model that it must equal.

    sources: what these come from. lacking: how many attentions the model showed that the trace does not have.
    """

    pairs: Pairs
    sources: list[str] = field(default_factory=list)
    lacking: int = 0


def align(trace: Trace, own: Reference) -> Aligned:
    """Find for each record what it must equal, in the maps that the model handed out and among its softmaxes."""
    pairs: Pairs = [(record, []) for record in trace.all_records]
    found = Aligned(pairs)
    handed, lacking_maps = _by_kind(trace, own)
    softmaxes, found.lacking = _in_order(trace, own)
    for source, owns in ((HANDED_OUT, handed), (SOFTMAX, softmaxes)):
        if any(one is not None for one in owns):
            found.sources.append(source)
        for (_, theirs), one in zip(pairs, owns, strict=True):
            theirs.extend([] if one is None else [one])
    if any(one is None for one in softmaxes):  # not all of the run's attention was seen there: count the maps as well
        found.lacking = max(found.lacking, lacking_maps)
    return found


def _by_kind(trace: Trace, own: Reference) -> tuple[list[Own | None], int]:
    """The map that the model handed out for each record, where their number and shapes agree; and how many are left."""
    answer: dict[int, Own] = {}
    lacking = 0
    for kind in ("encoder", "decoder", "cross"):
        records = [record for record in trace.all_records if record.kind == kind]
        maps = own.handed.get(kind) or (own.handed.get("", []) if kind in trace.kinds else [])
        for candidates in (maps, _joined(own)):
            fits = len(candidates) == len(records) and all(map(_fits, records, candidates))
            if fits:
                answer |= {id(record): one for record, one in zip(records, candidates, strict=True)}
                break
        lacking += max(0, len(maps) - len(records))
    return [answer.get(id(record)) for record in trace.all_records], lacking


def _joined(own: Reference) -> list[Own]:
    """Maps of decoder and cross-attention side by side, for models in which they are one softmax."""
    both = zip(own.handed.get("decoder", []), own.handed.get("cross", []), strict=False)
    return [Own(torch.cat([one.weights, other.weights], dim=-1)) for one, other in both if _same_rows(one, other)]


def _same_rows(one: Own, other: Own) -> bool:
    return one.weights.shape[:2] == other.weights.shape[:2]


def _in_order(trace: Trace, own: Reference) -> tuple[list[Own | None], int]:
    """The softmax of each record, both in running order; and how many between tokens are left over."""
    lengths = {len(trace.tokens), len(trace.pair_tokens)} - {0}
    answer: list[Own | None] = []
    left, place = [], 0
    for record in trace.all_records:
        at = next((i for i in range(place, len(own.softmaxes)) if _fits(record, own.softmaxes[i], sink=True)), None)
        if at is None:
            answer.append(None)
            continue
        one = own.softmaxes[at]
        answer.append(Own(one.weights[..., : record.n_k], one.output))
        left += own.softmaxes[place:at]
        place = at + 1
    left += own.softmaxes[place:]
    return answer, sum({*one.weights.shape[1:]} <= lengths and one.output is not None for one in left)


def _fits(record: AttentionRecord, own: Own, *, sink: bool = False) -> bool:
    """Whether the shapes agree; a softmax has one column more where the record has a sink in its weights."""
    more = sink and record.sink is not None and not record.sink_scales
    return own.weights.shape == (record.n_heads, record.n_q, record.n_k + more)


@dataclass
class Gap:
    """The worst relative difference of weights and of outputs; nan where there was nothing to compare."""

    weights: float = float("nan")
    output: float = float("nan")

    @property
    def worst(self) -> float:
        """nan where the weights were not compared: then nothing is shown to be right."""
        return (
            float("nan")
            if self.weights != self.weights
            else max(self.weights, 0 if self.output != self.output else self.output)
        )

    @property
    def ok(self) -> bool:
        return self.worst <= TOLERANCE


def gap(record: AttentionRecord, owns: Iterable[Own]) -> Gap:
    """All heads of one record against the model's own, and their outputs against what the run put out as well."""
    made = [record.stages(head) for head in range(record.n_heads)]
    weights = torch.stack([stages.weights for stages in made])
    output = None if any(stages.output is None for stages in made) else torch.stack([stages.mixed for stages in made])
    live = torch.stack([_live(record, head) for head in range(record.n_heads)])
    found = Gap()
    for own in owns:
        found.weights = _worse(found.weights, relative(weights[live], own.weights[live]))
        if output is not None and own.output is not None and not record.sink_scales:
            found.output = _worse(found.output, relative(output[live], own.output[live]))
    if output is not None and record.output is not None:
        found.output = _worse(found.output, relative(output[live], record.output.transpose(0, 1)[live]))
    return found


def _live(record: AttentionRecord, head: int) -> Tensor:
    """(n_q,): the queries that may attend to something. What the others give is anyone's choice."""
    allowed = record.allowed(head)
    return torch.ones(record.n_q, dtype=torch.bool) if allowed is None else allowed.any(dim=-1)


def relative(ours: Tensor, own: Tensor) -> float:
    """The largest difference, relative to the largest magnitude; infinite where shapes differ or a number is none."""
    if ours.shape != own.shape:
        return float("inf")
    difference = float((ours.double() - own.double()).abs().max())
    size = float(own.double().abs().max())
    return float("inf") if difference != difference else difference / size if size else difference


def _worse(before: float, now: float) -> float:
    return now if before != before else max(before, now)
