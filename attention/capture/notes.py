"""What of a model's attention is not in a trace, or why there is no trace, in words for the person who asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attention.capture.address import Address, layers_in_words
from attention.capture.inputs import has_decoder
from attention.capture.recorder import Operation
from attention.capture.seam import Seam
from attention.record import KINDS, Kind

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_LONGEST = 200  # characters of a model's own message that are passed on
# Words in the names of a model's parts or settings, and what a model with such parts does instead of softmax attention
# over all tokens. The first that is found is meant; they are looked for only where no attention was seen.
_SIGNS = (
    (("lsh", "hash"), "it attends by hashing, which has no map of all tokens"),
    (("window", "band"), "it attends in bands, which have no map of all tokens"),
    (("block_per_row",), "it attends to chosen blocks of the text, which have no map of all tokens"),
    (("fourier",), "it mixes the tokens by a Fourier transform and has no attention"),
    (("rwkv", "lstm"), "it is a recurrent model and has no softmax attention"),
    (("mamba", "ssm"), "it is a state-space model and has no attention"),
)
_LISTS = ("layer_types", "layers_block_type")


def notes(model: PreTrainedModel, seam: Seam, operations: list[Operation], where: Sequence[Address]) -> tuple[str, ...]:
    """What of the model's attention is not in the trace."""
    counted = (
        (seam.batches, "run on windows of the text at once"),
        (seam.elsewhere, "do not run over the tokens of the text, but over parts, windows or other states"),
        (seam.missed, "could not be followed from their softmax to the values they weigh"),
    )
    found = [f"Not shown: weighted sums after a softmax that {what} ({number})." for number, what in counted if number]
    found += _other_layers(model, where)
    kinds: tuple[Kind, ...] = KINDS if getattr(model.config, "is_encoder_decoder", False) and has_decoder(model) else ()
    if kinds and _joined(seam, operations, where):
        found.append("Decoder and cross attention are one softmax here: its keys are the tokens of both texts.")
        kinds = ("encoder", "decoder")
    missing = [kind for kind in kinds if kind not in {place.kind for place in where}]
    if missing:
        found.append(f"No {' or '.join(missing)} attention is shown: it runs in bands, by hashing, or was not run.")
    return tuple(found)


def _other_layers(model: PreTrainedModel, where: Sequence[Address]) -> list[str]:
    """Which layers of a hybrid model do something else than attention, as its configuration calls it."""
    config = model.config.get_text_config()
    sorts: list[str] = next((own for name in _LISTS if (own := getattr(config, name, None))), [])
    without = [i for i in range(len(sorts)) if i not in {place.layer for place in where}]
    if not without or len(sorts) != getattr(config, "num_hidden_layers", None):
        return []
    names = ", ".join(sorted({str(sorts[i]) for i in without}))
    layers = f"Layer {without[0]} has" if len(without) == 1 else f"Layers {layers_in_words(without)} have"
    return [f"{layers} no softmax attention: {names}."]


def _joined(seam: Seam, operations: list[Operation], where: Sequence[Address]) -> bool:
    """Whether a decoder's operation has its own tokens and another text's as its keys."""
    pairs = zip(operations, where, strict=True)
    return any(place.kind == "decoder" and op.record.n_k - op.record.n_q in seam.lengths for op, place in pairs)


def nothing_seen(model: PreTrainedModel, seam: Seam) -> str:
    """Why there is nothing to show of a model that ran."""
    name = type(model).__name__
    if seam.batches:
        return f"{name} cuts the text into windows before it attends, which Headlight does not show yet."
    if seam.elsewhere:
        return (
            f"{name} attends between other things than the tokens of the text (latents, parts, or a text with more "
            "positions), which Headlight does not show yet."
        )
    return f"No softmax attention of {name} could be watched: {_instead(model)}."


def _instead(model: PreTrainedModel) -> str:
    """What the model does in place of softmax attention, told by the names of its parts and settings."""
    parts = {type(module).__name__ for module in model.modules()} | set(vars(model.config))
    names = " ".join(parts).lower()
    known = (what for words, what in _SIGNS if any(word in names for word in words))
    unknown = (
        "it has none (a state-space, convolution or Fourier model), or it attends in bands or by hashing, which have "
        "no map of all tokens"
    )
    return next(known, unknown)


def does_not_run(model: PreTrainedModel, err: Exception, part: str = "") -> str:
    """Why a model that was loaded could not run, in its own words. part: of it, by its path, that runs on the text."""
    said = " ".join(str(err).split())
    said = said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"
    instead = f" Its part that reads text does: from Python give model.{part}, with tokenizer=." if part else ""
    return (
        f"{type(model).__name__} does not run on a text alone.{instead} Its own message ({type(err).__name__}): {said}"
    )
