"""What enters a model, checked before any work, and the plain forward pass."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from attention.capture.anatomy import weights_of
from attention.capture.lengths import longest, part_of
from attention.capture.outputs import Result, result_of
from attention.errors import InputError, TooLongError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What enters the model: ids (n,), and for an encoder-decoder the ids that enter its decoder.

    extra: per-token inputs such as token_type_ids. attention_mask: 1 for real tokens, None for all.
    """

    ids: tuple[int, ...]
    pair_ids: tuple[int, ...] = ()
    extra: Mapping[str, Sequence[int]] = field(default_factory=dict)
    attention_mask: tuple[int, ...] | None = None

    @property
    def sizes(self) -> tuple[int, int]:
        """How many ids enter, and how many of the pair."""
        return len(self.ids), len(self.pair_ids)


def too_long(count: int, limit: int) -> TooLongError:
    """The refusal of more tokens than a model takes."""
    return TooLongError(f"This text has {count} tokens; this model takes at most {limit}. Shorten the text.")


def check_inputs(model: PreTrainedModel, inputs: Inputs) -> None:
    """Raise before any work where the ids cannot enter the model."""
    for second, ids in enumerate((inputs.ids, inputs.pair_ids) if inputs.pair_ids else (inputs.ids,)):
        limit, table = longest(model, second=bool(second)), embedding(model, second=bool(second))
        if not ids:
            raise InputError("There is no token to look at: the text is empty.")
        if limit is not None and len(ids) > limit:
            raise too_long(len(ids), limit)
        size = max(ids) + 1 if table is None else table.shape[0]
        wrong = next((i for i in ids if not 0 <= i < size), None)
        if wrong is not None:
            raise InputError(f"Token id {wrong} is outside this model's vocabulary of 0 to {size - 1}.")
    if inputs.attention_mask is not None and len(inputs.attention_mask) != len(inputs.ids):
        raise InputError(f"attention_mask has {len(inputs.attention_mask)} entries for {len(inputs.ids)} tokens.")


def forward(
    model: PreTrainedModel,
    *texts: Inputs,
    whole: bool,
    differentiable: bool = False,
    positions: Sequence[int] | None = None,
) -> Result:
    """A plain forward pass of one text, or of several at once, the shorter ones padded behind their end.

    whole: the logits of every position, not of the last one alone. differentiable: gradients are recorded. positions:
    those whose logits are made, where the model `can_keep_some`. Models that draw random numbers as they run draw the
    same ones each time, and the caller's own are left alone.
    """
    arguments = arguments_of(model, *texts, whole=whole)
    if positions is not None and can_keep_some(model):
        arguments["logits_to_keep"] = torch.tensor(positions, device=next(model.parameters()).device)
    gradients = torch.enable_grad() if differentiable else torch.no_grad()
    with torch.inference_mode(False), gradients, same_draws(model):
        output = model(**arguments)
    return result_of(model, output)


@contextmanager
def same_draws(model: PreTrainedModel) -> Iterator[None]:
    """While inside, random numbers begin anew; the caller's own go on behind it as if nothing had been drawn."""
    cards = list({weight.device for weight in weights_of(model) if weight.device.type == "cuda"})
    with torch.random.fork_rng(cards):
        torch.default_generator.manual_seed(0)
        for card in cards:
            with torch.cuda.device(card):
                torch.cuda.manual_seed(0)
        yield


def arguments_of(model: PreTrainedModel, *texts: Inputs, whole: bool) -> dict[str, Any]:
    """What a model's forward is called with; see `forward`."""
    takes = inspect.signature(model.forward).parameters
    filler = _filler(model)
    rows = [_rows(model, inputs, takes) for inputs in texts]
    arguments: dict[str, Any] = {
        name: _padded([own[name] for own in rows], filler if "ids" in name and "type" not in name else 0, model)
        for name in rows[0]
    }
    switches = {"use_cache": False, "output_attentions": False, "output_hidden_states": False, "return_dict": True}
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in takes.values())
    named = takes if not open_ended else {*takes, *switches} - ({"use_cache"} - set(takes))
    arguments |= {name: value for name, value in switches.items() if name in named}
    if not whole and "logits_to_keep" in takes:
        arguments["logits_to_keep"] = 1
    return arguments


def _rows(model: PreTrainedModel, inputs: Inputs, takes: Mapping[str, Any]) -> dict[str, Sequence[int]]:
    """What enters for one text, one number a token each, by the names that the model's forward has for it."""
    main = "input_ids" if "input_ids" in takes else model.main_input_name
    rows: dict[str, Sequence[int]] = {main: inputs.ids, **inputs.extra}
    if "attention_mask" in takes:
        rows["attention_mask"] = [1] * len(inputs.ids) if inputs.attention_mask is None else inputs.attention_mask
    if inputs.pair_ids and has_decoder(model):
        rows["decoder_input_ids"] = inputs.pair_ids
    return rows


def _padded(rows: Sequence[Sequence[int]], filler: int, model: PreTrainedModel) -> Tensor:
    """Rows of unequal length as one tensor (texts, longest)."""
    longest_row = max(map(len, rows))
    padded = [[*row, *[filler] * (longest_row - len(row))] for row in rows]
    return torch.tensor(padded, device=next(model.parameters()).device)


def _filler(model: PreTrainedModel) -> int:
    """The id that stands where a text has no more tokens: the model's own, for some count their positions by it."""
    own = getattr(model.config.get_text_config(), "pad_token_id", None)
    return own if isinstance(own, int) and own >= 0 else 0


def can_keep_some(model: PreTrainedModel) -> bool:
    """Whether the model can make the logits of some positions alone."""
    return "logits_to_keep" in inspect.signature(model.forward).parameters


def takes_mask(model: PreTrainedModel) -> bool:
    """Whether a model can be told which tokens are padding."""
    return "attention_mask" in inspect.signature(model.forward).parameters


def has_decoder(model: PreTrainedModel) -> bool:
    """Whether a second text enters this class; an encoder alone can have the configuration of both stacks."""
    return "decoder_input_ids" in inspect.signature(model.forward).parameters


def embedding(model: PreTrainedModel, *, second: bool = False) -> Tensor | None:
    """The table of token vectors, (vocabulary, m); None where the model makes them otherwise (hashes, bytes).

    second: of the text that enters its decoder.
    """
    part = part_of(model, second=True) if second else None
    try:
        table = cast("PreTrainedModel", part or model).get_input_embeddings()
        return cast("Tensor | None", getattr(table, "weight", None))
    except (NotImplementedError, AttributeError):
        return None
