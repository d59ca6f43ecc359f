"""The likeliest few of each place, from one untouched run of the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from attention.capture import Inputs
from attention.capture.decode import NO_NUMBER, NO_NUMBER_ADVICE, run_untouched
from attention.capture.edited import Given
from attention.capture.edited_run import run_edited
from attention.capture.inputs import can_keep_some
from attention.config import Limits
from attention.edits import Edit
from attention.errors import InputError
from attention.models.task import Task, task_of, why_nothing, words_in_head
from attention.prediction.answers import best_answers
from attention.prediction.results import Predictions, Rows, Scale
from attention.record import Token
from attention.reference import ReferenceTexts
from attention.source import Source, inputs_of
from attention.source.editing import Editing, editing_of

# A run's logits are made for all positions at once up to this many numbers (1 GB as float32), else in blocks of rows.
MOST_LOGITS = 2**28
# Rows that are reduced at once hold up to this many numbers: they become float64 (32 MB) for their sums. Where there
# are more in all, whoever traces does not wait for them: a prediction has a run of its own then.
BLOCK = 2**22
# Tasks whose output has a number for each word of the vocabulary at each place.
OVER_WORDS: tuple[Task, ...] = ("next", "translate", "fill")
# (model, inputs, keep=…) → the model's output.
Run = Callable[..., Any]
NO_BLANK = "There is no blank to fill: write ___ where a word is wanted, or ask for a position."


def refusal(source: Source) -> str:
    """Why this model predicts nothing, in a sentence; "" where it predicts something."""
    return why_nothing(source.model, source.missing)


def predict(
    source: Source,
    text: Any,
    pair: Any = None,
    *,
    attention_mask: Any = None,
    chat: bool = False,
    positions: Sequence[int] | None = None,
    k: int = 10,
    limits: Limits | None = None,
    edits: Sequence[Edit] = (),
    patch_text: str = "",
    reference: ReferenceTexts | None = None,
) -> Predictions:
    """What the model predicts for a text; see `attention.predict`. Raises InputError where it predicts nothing."""
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise InputError(f"k is {k!r}; it must be a whole number of at least 1, such as 10.")
    why = refusal(source)
    if why:
        raise InputError(why)
    inputs, tokens, pair_tokens = inputs_of(source, text, pair, attention_mask, chat, limits)
    run: Run = run_untouched
    if edits:
        run = run_with(editing_of(source, inputs, edits, patch_text, pair, chat, limits, reference))
    empty = _empty(source, tokens, pair_tokens, text, pair, chat)
    _check_positions(empty.task, positions, len(empty.side))
    return _predicted(source, inputs, empty, positions, k, run)


def can_be_read(source: Source, inputs: Inputs) -> bool:
    """Whether the model predicts something, and its numbers are so few that a run for other ends makes them beside."""
    if refusal(source):
        return False
    task = task_of(source.model)
    if task not in OVER_WORDS:
        return True
    return len(inputs.pair_ids if task == "translate" else inputs.ids) * _vocabulary_of(source.model) <= BLOCK


def read_from(
    output: Any, source: Source, inputs: Inputs, tokens: tuple[Token, ...], pair_tokens: tuple[Token, ...], *,
    text: Any, pair: Any = None, chat: bool = False, k: int = 10,
) -> Predictions:  # fmt: skip
    """What `predict` says of a text, from the output of a run that has been made, with the logits of every position."""
    empty = _empty(source, tokens, pair_tokens, text, pair, chat)
    return _predicted(source, inputs, empty, None, k, lambda model, inputs, keep=None: output)


def _empty(
    source: Source, tokens: tuple[Token, ...], pair_tokens: tuple[Token, ...], text: Any, pair: Any, chat: bool
) -> Predictions:
    return Predictions(
        task=task_of(source.model),
        tokens=tokens,
        pair_tokens=pair_tokens,
        tokenizer=source.tokenizer,
        texts=(text if isinstance(text, str) and not chat else "", pair if isinstance(pair, str) else ""),
    )


def _predicted(
    source: Source, inputs: Inputs, empty: Predictions, positions: Sequence[int] | None, k: int, run: Run
) -> Predictions:
    if empty.task in ("next", "translate"):
        return _following(source, inputs, empty, positions, k, run)
    if empty.task == "fill":
        return _fillers(source, inputs, empty, positions, k, run)
    return _judged(source, inputs, empty, positions, k, run)


def run_with(editing: Editing) -> Run:
    """A run with the edits in place of an untouched one."""
    given = editing.given or Given()

    def run(model: Any, inputs: Inputs, *, keep: tuple[int, int] | None = None) -> Any:
        return run_edited(model, inputs, editing.edits, given, keep=keep)

    return run


def _check_positions(task: Task, positions: Sequence[int] | None, count: int) -> None:
    if positions is None:
        return
    if task in ("classify", "answer"):
        raise InputError("This model judges the text as a whole; leave positions out.")
    wrong = next((one for one in positions if not 0 <= one < count), None)
    if wrong is not None:
        raise InputError(f"There is no position {wrong}; this text has positions 0 to {count - 1}.")


def _following(
    source: Source, inputs: Inputs, empty: Predictions, positions: Sequence[int] | None, k: int, run: Run
) -> Predictions:
    """The next token after each position; where a token follows, what that one's chance was."""
    ids = inputs.pair_ids if empty.task == "translate" else inputs.ids
    mask = inputs.attention_mask if empty.task == "next" else None
    real = [at for at in range(len(ids)) if mask is None or mask[at]]
    after = {at: ids[following] for at, following in pairwise(real)}
    wanted = [at for at in real if positions is None or at in positions]
    parts = [
        likeliest(logits, [at - start for at in here], [after.get(at, -1) for at in here], k)
        for start, stop, logits in _logits(source.model, inputs, len(ids), run)
        if (here := [at for at in wanted if start <= at < stop])
    ]
    return numbers_only(replace(empty, positions=tuple(wanted), rows=joined(parts) if parts else None))


def _logits(model: Any, inputs: Inputs, count: int, run: Run) -> Iterator[tuple[int, int, Tensor]]:
    """(start, stop, logits (stop − start, vocabulary)) of all positions, in one run where they fit, else in several."""
    step = max(1, MOST_LOGITS // _vocabulary_of(model))
    if count <= step or not can_keep_some(model):
        yield 0, count, words_of(model, run(model, inputs))[-count:]
        return
    for start in range(0, count, step):
        stop = min(start + step, count)
        yield start, stop, words_of(model, run(model, inputs, keep=(start, stop)))


def _vocabulary_of(model: Any) -> int:
    return int(getattr(model.config.get_text_config(), "vocab_size", 0) or 1)


def words_of(model: Any, output: Any) -> Tensor:
    """The logits over the words (n, vocabulary) in an output, which may hold those of other heads, too."""
    logits = getattr(output, "logits", None)
    size = words_in_head(model)
    if isinstance(logits, Tensor) and logits.dim() == 3 and (not size or logits.shape[-1] == size):
        return logits[0]
    found = [one for one in output.values() if isinstance(one, Tensor) and one.dim() == 3 and one.shape[-1] == size]
    if size and found:
        return found[0][0]
    if isinstance(logits, Tensor):
        return logits[0]
    raise InputError(f"{type(model).__name__} puts out no logits over its words; choose another model.")


def _fillers(
    source: Source, inputs: Inputs, empty: Predictions, positions: Sequence[int] | None, k: int, run: Run
) -> Predictions:
    """Fillers of each blank, from one run; and of each asked position, from a run in which a blank hides it."""
    blank = getattr(source.tokenizer, "mask_token_id", None)
    if blank is None:
        blank = getattr(source.model.config, "mask_token_id", None)
    blanks = [at for at, number in enumerate(inputs.ids) if number == blank]
    wanted = sorted(set(blanks) if positions is None else set(positions))
    if not wanted:
        return replace(empty, notes=(NO_BLANK,))
    if blank is None:
        raise InputError("Hiding a token needs the model's blank: pass tokenizer=, or leave positions out.")
    parts = []
    if open_ := [at for at in wanted if at in blanks]:
        logits = words_of(source.model, run(source.model, inputs))
        parts.append((open_, likeliest(logits, open_, [-1] * len(open_), k)))
    for at in (one for one in wanted if one not in blanks):
        hidden = replace(inputs, ids=(*inputs.ids[:at], blank, *inputs.ids[at + 1 :]))
        logits = words_of(source.model, run(source.model, hidden))
        parts.append(([at], likeliest(logits, [at], [inputs.ids[at]], k)))
    order = np.argsort([at for places, _ in parts for at in places])
    return numbers_only(replace(empty, positions=tuple(wanted), rows=joined([rows for _, rows in parts], order)))


def _judged(
    source: Source, inputs: Inputs, empty: Predictions, positions: Sequence[int] | None, k: int, run: Run
) -> Predictions:
    """Labels of the text or of its tokens, or the best answers."""
    output = run(source.model, inputs)
    if empty.task == "answer":
        return replace(empty, answers=best_answers(output, empty, inputs.attention_mask, k))
    logits = output.logits[0]
    labels = labels_of(source.model.config, logits.shape[-1])
    if empty.task == "classify":
        places: tuple[int | None, ...] = (None,)
        rows = likeliest(logits.reshape(1, -1), [0], [-1], logits.shape[-1])
        scale = scale_of(source.model.config, labels)
        return numbers_only(replace(empty, positions=places, rows=rows, labels=labels, scale=scale))
    mask = inputs.attention_mask
    wanted = [at for at in range(len(inputs.ids)) if (mask is None or mask[at]) and (not positions or at in positions)]
    rows = likeliest(logits, wanted, [-1] * len(wanted), min(k, len(labels)))
    alone: Scale = "none" if len(labels) == 1 else "softmax"
    return numbers_only(replace(empty, positions=tuple(wanted), rows=rows, labels=labels, scale=alone))


def numbers_only(made: Predictions) -> Predictions:
    """Without the places for which the model put out what is no number (NaN, or infinite); a note says so."""
    if made.rows is None or np.isfinite(made.rows.log_sum).all():
        return made
    good = np.isfinite(made.rows.log_sum)
    rows = Rows(**{name: getattr(made.rows, name)[good] for name in Rows.__dataclass_fields__})
    positions = tuple(place for place, kept in zip(made.positions, good, strict=True) if kept)
    where = "" if not positions else f" at {len(good) - len(positions)} of {len(good)} places"
    return replace(made, positions=positions, rows=rows, notes=(*made.notes, f"{NO_NUMBER}{where}; {NO_NUMBER_ADVICE}"))


def labels_of(config: Any, count: int) -> tuple[str, ...]:
    """The names of a classifier's labels, by their numbers."""
    names = getattr(config, "id2label", None) or {}
    return tuple(str(names.get(number, names.get(str(number), f"label {number}"))) for number in range(count))


def scale_of(config: Any, labels: tuple[str, ...]) -> Scale:
    """How a classifier's logits are read: one label of several, several at once, or numbers as they are."""
    kind = getattr(config, "problem_type", None)
    if kind == "regression" or (kind is None and len(labels) == 1):
        return "none"
    return "sigmoid" if kind == "multi_label_classification" or len(labels) == 1 else "softmax"


def likeliest(logits: Tensor, rows: Sequence[int], actual: Sequence[int], k: int) -> Rows:
    """The best k of the given rows of logits (n, vocabulary), and the standing of each row's actual id (−1 for none).

    Of equal logits the lower id comes first, as argmax has it.
    """
    k = min(k, logits.shape[-1])
    step = max(1, BLOCK // logits.shape[-1])
    return joined([_block(logits, rows[at : at + step], actual[at : at + step], k) for at in range(0, len(rows), step)])


def _block(logits: Tensor, rows: Sequence[int], actual: Sequence[int], k: int) -> Rows:
    some = logits[list(rows)].detach().cpu().double()
    best = _top(some, k)
    log_sum = some.logsumexp(-1)
    surprise = log_sum[:, None] - some
    entropy = (torch.exp(-surprise) * surprise.nan_to_num(posinf=0.0)).sum(-1) / np.log(2)
    known = torch.tensor(actual)
    own = some.gather(1, known.clamp(min=0)[:, None])
    rank = (some > own).sum(-1) + 1
    return Rows(
        ids=best.numpy(),
        logits=some.gather(1, best).float().numpy(),
        log_sum=log_sum.numpy(),
        entropy=entropy.numpy(),
        actual=known.numpy(),
        actual_logit=own[:, 0].float().numpy(),
        actual_rank=torch.where(known >= 0, rank, 0).numpy(),
    )


def _top(some: Tensor, k: int) -> Tensor:
    """The ids of the best k of each row; of equals the lower id first, also at the edge of the k."""
    values, ids = some.topk(k, dim=-1)
    if k < some.shape[-1]:
        tied = (some == values[:, -1:]).sum(-1) > (values == values[:, -1:]).sum(-1)
        for row in tied.nonzero()[:, 0].tolist():
            ids[row] = some[row].sort(descending=True, stable=True).indices[:k]
            values[row] = some[row, ids[row]]
    by_id = ids.argsort(dim=-1)
    ids, values = ids.gather(1, by_id), values.gather(1, by_id)
    return ids.gather(1, values.argsort(dim=-1, descending=True, stable=True))


def joined(parts: Sequence[Rows], order: Any = None) -> Rows:
    """Blocks of rows as one, in another order where one is given."""
    names = Rows.__dataclass_fields__
    whole = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return Rows(**{name: array if order is None else array[order] for name, array in whole.items()})
