"""The model's own untouched run with all of its outputs, and its writing of further tokens.

Writing is transformers' own `generate` (its cache, its inputs, for any architecture), told to take what a chooser
picks: so a random choice has a generator of its own, and the global one is left alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from attention.capture.anatomy import unchanged
from attention.capture.inputs import Inputs, arguments_of, check_inputs, has_decoder, same_draws
from attention.capture.lengths import longest
from attention.capture.outputs import named
from attention.capture.refusal import REFUSALS, refusal
from attention.capture.switch import switch_of
from attention.errors import HeadlightError, InputError, TooLongError, is_out_of_memory

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# Rules that a checkpoint brings for its writing and that are part of how it was trained: a translator's language, and
# tokens that must not be written. Everything else (beams, penalties, sampling) is somebody's taste, and is left out.
RULES = ("forced_bos_token_id", "bad_words_ids", "suppress_tokens", "begin_suppress_tokens")
PLAIN: dict[str, Any] = {
    "do_sample": False, "num_beams": 1, "num_return_sequences": 1, "repetition_penalty": 1.0,
    "encoder_repetition_penalty": 1.0, "no_repeat_ngram_size": 0, "encoder_no_repeat_ngram_size": 0, 
    "min_new_tokens": 0, "guidance_scale": 1.0, "output_attentions": False, "output_hidden_states": False,
    "output_scores": False, "output_logits": False, "return_dict_in_generate": False, "use_cache": True,
    "remove_invalid_values": False, "disable_compile": True,
}  # fmt: skip

# From the scores of all tokens (vocabulary,), float32, to the one that is written.
Chooser = Callable[[Tensor], int]
# Told the ids written so far; False stops the writing.
OnIds = Callable[[tuple[int, ...]], bool | None]

NO_NUMBER = "This model puts out what is not a finite number (NaN or infinity)"
NO_NUMBER_ADVICE = "its weights may be damaged, or its type too narrow: load it in float32."


class NoNumberError(InputError):
    """The model put out NaN, or infinity, where it should choose a token."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a model wrote. ids: without its end. logits, log_sums: of each id, and of its place's whole vocabulary,
    as the model's rules left it. ended: whether the model itself ended, with token `end`. stopped: on a callback's
    request.
    """

    ids: tuple[int, ...]
    logits: tuple[float, ...]
    log_sums: tuple[float, ...]
    ended: bool
    end: int | None = None
    stopped: bool = False


@unchanged
def run_untouched(model: PreTrainedModel, inputs: Inputs, *, keep: tuple[int, int] | None = None) -> Any:
    """The output of one plain run of the model as it was given to us. keep: start and stop of the positions whose
    logits are made, where `can_keep_some`; all without it.

    Raises TooLongError or InputError for ids that it cannot take, UnsupportedModelError where it takes none, and
    MemoryFullError.
    """
    check_inputs(model, inputs)
    arguments = arguments_of(model, inputs, whole=True)
    if keep is not None:
        arguments["logits_to_keep"] = torch.arange(*keep, device=next(model.parameters()).device)
    try:
        with switch_of(model).untouched(model), torch.inference_mode(False), torch.no_grad(), same_draws(model):
            return named(model(**arguments))
    except (*REFUSALS, MemoryError) as err:
        told = refusal(model, inputs, err)
        if told is err:
            raise
        raise told from err


def entering_for(model: PreTrainedModel, labels: tuple[int, ...]) -> tuple[int, ...] | None:
    """What the model itself has enter its decoder for these labels, or None where it has no say."""
    prepare = getattr(model, "prepare_decoder_input_ids_from_labels", None)
    return None if prepare is None else tuple(prepare(labels=torch.tensor([labels]))[0].tolist())


def most_likely(scores: Tensor) -> int:
    """The likeliest token; of equals the first."""
    return int(scores.argmax())


def room(model: PreTrainedModel, inputs: Inputs) -> int | None:
    """How many more tokens the model's positions have room for; None where nothing limits them."""
    limit = longest(model, second=bool(inputs.pair_ids))
    return None if limit is None else max(0, limit - len(inputs.pair_ids or inputs.ids))


def write(
    model: PreTrainedModel, inputs: Inputs, *, most: int, choose: Chooser = most_likely, on_ids: OnIds | None = None
) -> Written:
    """Let the model continue `ids` (a decoder) or `pair_ids` (an encoder-decoder) by at most `most` tokens.

    Nobody records meanwhile: it is the model as it was given to us. Global random numbers stay as they were. Raises
    TooLongError or InputError for ids that it cannot take.
    """
    check_inputs(model, inputs)
    space = room(model, inputs)
    most = most if space is None else min(most, space)
    if most < 1:
        return Written(ids=(), logits=(), log_sums=(), ended=False)
    before = len(inputs.pair_ids if _writes_apart(model) else inputs.ids)
    picker = _Picker(choose=choose, before=before, most=most, on_ids=on_ids, ends=_ends(model))
    try:
        with switch_of(model).untouched(model), torch.inference_mode(False), torch.no_grad(), same_draws(model):
            _write(model, inputs, picker)
    except (*REFUSALS, MemoryError) as err:
        told = refusal(model, _with(inputs, picker.ids), err)
        if picker.ids and isinstance(told, TooLongError):
            return picker.written()  # a limit that nothing told of: there is no room for more
        if told is err:
            raise
        raise told from err
    return picker.written()


def _write(model: PreTrainedModel, inputs: Inputs, picker: _Picker) -> None:
    try:
        _generate(model, inputs, picker)
    except REFUSALS as err:
        if picker.ids or isinstance(err, HeadlightError) or is_out_of_memory(err):
            raise
        # A few architectures cannot use the library's cache (T5 with more layers in its decoder): without it, then,
        # which gives the same and takes longer.
        _generate(model, inputs, picker, use_cache=False)


def _with(inputs: Inputs, written: list[int]) -> Inputs:
    """The inputs with what was written after them."""
    if inputs.pair_ids:
        return replace(inputs, pair_ids=(*inputs.pair_ids, *written))
    mask = inputs.attention_mask
    return replace(
        inputs,
        ids=(*inputs.ids, *written),
        extra={name: [*row, *[row[-1]] * len(written)] for name, row in inputs.extra.items()},
        attention_mask=None if mask is None else (*mask, *[1] * len(written)),
    )


def _generate(model: PreTrainedModel, inputs: Inputs, picker: _Picker, **other: bool) -> None:
    cast(Any, model).generate(
        **_entering(model, inputs),
        generation_config=_plain_config(model, inputs, picker.most, **other),
        logits_processor=[picker.pick],
        stopping_criteria=[picker.enough],
    )


@dataclass(eq=False)
class _Picker:
    """Chooses each token, notes its logit, and says when it is enough: the two hooks that `generate` offers."""

    choose: Chooser
    before: int
    most: int
    on_ids: OnIds | None
    ends: frozenset[int]
    ids: list[int] = field(default_factory=list)
    logits: list[float] = field(default_factory=list)
    log_sums: list[float] = field(default_factory=list)
    stopped: bool = False

    def pick(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        row = scores[0].float()
        log_sum = float(row.logsumexp(0))
        if not math.isfinite(log_sum):
            where = f" after {len(self.ids)} tokens of its own" if self.ids else ""
            raise NoNumberError(f"{NO_NUMBER}{where}, so no token can be chosen; {NO_NUMBER_ADVICE}")
        chosen = self.choose(row)
        self.ids.append(chosen)
        self.logits.append(float(row[chosen]))
        self.log_sums.append(log_sum)
        only = torch.full_like(scores, -torch.inf)
        only[0, chosen] = 0.0
        return only

    def enough(self, input_ids: Tensor, scores: Any, **_: Any) -> Tensor:
        going_on = self.ids[-1] not in self.ends
        if going_on and self.on_ids is not None and self.on_ids(tuple(self.ids)) is False:
            self.stopped = True
        done = self.stopped or not going_on or len(self.ids) >= self.most
        return torch.tensor([done], device=input_ids.device)

    def written(self) -> Written:
        ended = bool(self.ids) and self.ids[-1] in self.ends
        return Written(
            ids=tuple(self.ids[:-1] if ended else self.ids),
            logits=tuple(self.logits),
            log_sums=tuple(self.log_sums),
            ended=ended,
            end=self.ids[-1] if ended else None,
            stopped=self.stopped,
        )


def _writes_apart(model: PreTrainedModel) -> bool:
    """Whether what it writes is a second text."""
    return bool(model.config.is_encoder_decoder) and has_decoder(model)


def _entering(model: PreTrainedModel, inputs: Inputs) -> dict[str, Tensor]:
    device = next(model.parameters()).device
    mask = [1] * len(inputs.ids) if inputs.attention_mask is None else inputs.attention_mask
    rows = {"input_ids": inputs.ids, "attention_mask": mask, **inputs.extra}
    if _writes_apart(model):
        rows["decoder_input_ids"] = inputs.pair_ids
    return {name: torch.tensor([list(row)], device=device) for name, row in rows.items()}


def _plain_config(model: PreTrainedModel, inputs: Inputs, most: int, **other: bool) -> Any:
    """Plain writing, with the checkpoint's own rules. One token more than is wanted is allowed, for at the very last
    one some models must end, and that would be no choice of theirs.
    """
    from transformers import GenerationConfig

    own = model.generation_config
    kept = {name: getattr(own, name, None) for name in RULES}
    ends = sorted(_ends(model))
    pad = next(
        (one for one in (own.pad_token_id, model.config.get_text_config().pad_token_id, *ends) if one is not None), 0
    )
    started = {"decoder_start_token_id": inputs.pair_ids[0]} if _writes_apart(model) else {}
    return GenerationConfig(
        **(PLAIN | other), **{name: value for name, value in kept.items() if value is not None}, **started,
        max_new_tokens=most + 1, eos_token_id=ends or None, pad_token_id=pad,
    )  # fmt: skip


def _ends(model: PreTrainedModel) -> frozenset[int]:
    """The tokens with which the model ends a text."""
    for config in (getattr(model, "generation_config", None), model.config):
        ends = getattr(config, "eos_token_id", None)
        if ends is not None:
            return frozenset([ends] if isinstance(ends, int) else ends)
    return frozenset()
