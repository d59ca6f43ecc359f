"""What a model's heads do on stored texts, whatever text is on the page; induction on stored random sequences.

Prefix matching and copying (Olsson et al. 2022) are measured where nothing but repetition can help: random tokens said
twice. The ids are drawn from the tokenizer's vocabulary with a fixed seed, so a model always gets the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from attention.analysis.blocks import allowed_of, fixed, weights_of
from attention.analysis.copying import DirectPath, watching, why_not
from attention.analysis.named import FORWARDS
from attention.analysis.patterns import PatternScores, Scored, score_traces
from attention.capture import Inputs, trace_model
from attention.capture.inputs import embedding
from attention.capture.lengths import longest
from attention.errors import InputError, TooLongError
from attention.source import START_ALONE, has_two_sides, inputs_of
from attention.tokens import encode, from_ids
from attention.tokens.pieces import Piece, Vocabulary

if TYPE_CHECKING:
    from torch import Tensor

    from attention.record import Kind, Trace
    from attention.source import Source

ON = "stored texts"
TEXTS = (
    "The old woman put the basket on the table, because it was heavy.",
    "Two boats left the harbour at noon. One boat came back; the other boat did not.",
    "“Where is my hat?” asked Tom. “Your hat,” said Anna, “is on your head.”",
    "In spring the farmer sows, in summer he waits, and in autumn he brings the harvest home.",
    "Ruth Calder lives in Leeds. Last week Ruth Calder bought a red bicycle for her son.",
    "First wash the apples, then cut the apples, and at last bake the apples with sugar.",
)
SEQUENCES, PERIOD, LEAST_PERIOD, SEED = 4, 25, 5, 2022
TOO_FEW = "its vocabulary has too few ordinary tokens to make a random sequence of"
TOO_SHORT = "it reads too few tokens for a sequence said twice"
NO_TEXT = "none of the stored texts can be read by this model"
Report = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Repeated:
    """Random tokens said twice. ids: `begin` tokens that open any text, `period` different ones, the same again."""

    ids: tuple[int, ...]
    begin: int
    period: int

    @property
    def rows(self) -> range:
        """The queries that have a match: the second saying, but for its last token, which is followed by nothing."""
        return range(self.begin + self.period, len(self.ids) - 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Induction:
    """Prefix matching and copying on random sequences, for heads of the layers by number; see the patterns' table.

    copying: logits, above the mean of the vocabulary; None with the reason in why_no_copying.
    """

    layers: tuple[int, ...]
    matching: Scored
    copying: Scored | None
    why_no_copying: str = ""


def probe(source: Source, kind: Kind | None = None, *, on_progress: Report | None = None) -> PatternScores:
    """All patterns on the stored texts, prefix matching and copying on random sequences instead.

    Texts that the model cannot take are left out. on_progress(done, total) after each run. Raises InputError where the
    model can read none of the texts.
    """
    total = len(TEXTS) + (SEQUENCES if _reads_forwards(source) else 0)
    report = on_progress or (lambda done, total: None)
    pair = START_ALONE if kind == "encoder" and has_two_sides(source) else None  # what nobody looks at is not written
    scores = score_traces(_traces(source, pair, lambda done: report(done, total)), kind, on=ON)
    if scores.kind != "decoder" or not _reads_forwards(source):
        return scores
    made = induction(source, on_progress=lambda done: report(len(TEXTS) + done, total))
    found, why = dict(scores.found), dict(scores.why)
    if isinstance(made, str):
        found["induction"], why["induction"], why["copying"] = None, made, made
        return replace(scores, found=found, why=why)
    found |= {"induction": made.matching, "copying": made.copying}
    why = {name: text for name, text in why.items() if found[name] is None}
    return replace(scores, found=found, why=why | ({"copying": made.why_no_copying} if made.why_no_copying else {}))


def induction(source: Source, *, on_progress: Callable[[int], None] | None = None) -> Induction | str:
    """Prefix matching and copying of a decoder's heads, or in words why they cannot be measured."""
    if not _reads_forwards(source):
        return FORWARDS
    asked = sequences(source)
    if isinstance(asked, str):
        return asked
    parts = []
    for done, one in enumerate(asked, start=1):
        parts.append(_measured(source, one))
        if on_progress is not None:
            on_progress(done)
    layers = parts[0].layers
    return Induction(
        layers=layers,
        matching=_mean([part.matching for part in parts]),
        copying=_mean([part.copying for part in parts if part.copying is not None]) if parts[0].copying else None,
        why_no_copying=parts[0].why_no_copying,
    )


def sequences(source: Source, count: int = SEQUENCES, period: int = PERIOD, seed: int = SEED) -> list[Repeated] | str:
    """The stored random sequences of a model, shorter where it reads less; or in words why there are none."""
    opening, most = _opening(source), longest(source.model)
    if most is not None:
        period = min(period, (most - len(opening)) // 2)
    if period < LEAST_PERIOD:
        return TOO_SHORT
    drawn = _ordinary(source, count * period, np.random.default_rng(seed))
    if len(drawn) < period:
        return TOO_FEW
    rng = np.random.default_rng(seed + 1)
    halves = [[int(drawn[at]) for at in rng.choice(len(drawn), period, replace=False)] for _ in range(count)]
    return [Repeated(ids=(*opening, *half, *half), begin=len(opening), period=period) for half in halves]


def _traces(source: Source, pair: str | None, report: Callable[[int], None]) -> Iterator[Trace]:
    read = 0
    for done, text in enumerate(TEXTS, start=1):
        try:
            inputs, tokens, pair_tokens = inputs_of(source, text, pair, None)
            trace = trace_model(source.model, inputs, tokens=tokens, pair_tokens=pair_tokens, name=source.name)
        except TooLongError:
            trace = None
        if trace is not None:
            read += 1
            yield trace
        report(done)
    if not read:
        raise InputError(f"There is nothing to score: {NO_TEXT}.")


def _reads_forwards(source: Source) -> bool:
    """Whether it is a decoder alone: it can write, and has one side."""
    return not has_two_sides(source) and bool(source.model.can_generate())


def _opening(source: Source) -> tuple[int, ...]:
    """The special tokens that the tokenizer puts before any text."""
    if source.tokenizer is None:
        return ()
    tokens = encode(source.tokenizer, "a").tokens
    opening: list[int] = []
    for token in tokens:
        if not token.special or token.id is None:
            break
        opening.append(token.id)
    return tuple(opening) if len(opening) < len(tokens) else ()


def _ordinary(source: Source, count: int, rng: np.random.Generator) -> list[int]:
    """Up to `count` different ids of whole, ordinary pieces, in random order; all ids but those of roles, without a
    tokenizer.
    """
    table = embedding(source.model)
    size = len(source.tokenizer) if source.tokenizer is not None else 0 if table is None else len(table)
    size = size if table is None else min(size, len(table))
    order = rng.permutation(size)
    if source.tokenizer is None:
        config = source.model.config
        roles = {getattr(config, f"{role}_token_id", None) for role in ("bos", "eos", "pad", "unk", "mask")}
        return [int(one) for one in order if int(one) not in roles][:count]
    vocabulary = Vocabulary.of(source.tokenizer)
    found: list[int] = []
    for one in order:
        if len(found) == count:
            break
        if int(one) not in vocabulary.added and _is_ordinary(vocabulary.piece(int(one))):
            found.append(int(one))
    return found


def _is_ordinary(piece: Piece) -> bool:
    """Whether the piece is neither special nor a byte: it reads as two characters or more, all of them whole."""
    if piece.special or piece.unknown or piece.blank:
        return False
    try:
        return len(piece.body.decode("utf-8")) > 1
    except UnicodeDecodeError:
        return False


def _measured(source: Source, one: Repeated) -> Induction:
    """One sequence, run once."""
    tokens = from_ids(source.tokenizer, one.ids)
    with watching(source.model) as seen:
        trace = trace_model(source.model, Inputs(ids=one.ids), tokens=tokens, name=source.name)
        path = seen.path()
    records = trace.records("decoder")
    scores = [_matching(trace, layer, one) for layer in records]
    why = why_not(path, list(records.values()))
    raised = [] if isinstance(path, str) or why else [_copying(path, trace, layer, one) for layer in records]
    missing = any(row is None for row in raised)
    known = bool(raised) and not missing
    return Induction(
        layers=tuple(records),
        matching=_scored([score for score, _ in scores], [base for _, base in scores], len(one.rows)),
        copying=_logits([row for row in raised if row is not None], len(one.rows)) if known else None,
        why_no_copying=why or ("" if known else "the model is no longer loaded"),
    )


def _matching(trace: Trace, layer: int, one: Repeated) -> tuple[Tensor, Tensor]:
    """Mean weight (h,) on the token that followed the query's earlier place, and an even head's."""
    record = trace.record(layer, "decoder")
    rows, wanted = torch.arange(len(one.rows)), torch.tensor(one.rows) - one.period + 1
    score, base = torch.zeros(2, record.n_heads, dtype=torch.float32)
    for head in range(record.n_heads):
        weights = weights_of(record, head, one.rows.start, one.rows.stop)
        allowed = allowed_of(record, head, one.rows.start, one.rows.stop)
        score[head] = weights[rows, wanted].mean()
        base[head] = (allowed[rows, wanted].float() / allowed.sum(-1).clamp(min=1)).mean()
    return score, base


def _copying(path: DirectPath, trace: Trace, layer: int, one: Repeated) -> Tensor | None:
    rows = torch.tensor(one.rows)
    labels = torch.tensor(one.ids)[rows + 1]
    made = path.raised(trace.record(layer, "decoder"), rows, labels)
    return None if made is None else made.cpu()


def _scored(scores: list[Tensor], bases: list[Tensor], rows: int) -> Scored:
    score, base = _grid(scores), _grid(bases)
    count = np.where(np.isnan(score), 0, rows)
    return Scored(score=fixed(score), base=fixed(base), way=fixed((score - base) / (1 - base)), rows=fixed(count))


def _logits(scores: list[Tensor], rows: int) -> Scored:
    score = _grid(scores)
    count = np.where(np.isnan(score), 0, rows)
    return Scored(score=fixed(score), base=fixed(np.zeros_like(score)), way=fixed(score), rows=fixed(count))


def _grid(rows: list[Tensor]) -> np.ndarray:
    grid = np.full((len(rows), max(len(row) for row in rows)), np.nan)
    for index, row in enumerate(rows):
        grid[index, : len(row)] = row.double().numpy()
    return grid


def _mean(parts: list[Any]) -> Scored:
    """The mean over sequences of one length, and the sum of their queries."""
    means = {name: np.mean([getattr(part, name) for part in parts], axis=0) for name in ("score", "base", "way")}
    return Scored(**{name: fixed(mean) for name, mean in means.items()}, rows=fixed(sum(part.rows for part in parts)))
