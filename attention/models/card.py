"""ModelCard: what is known of a model before any of its weights is read."""

from dataclasses import dataclass
from pathlib import Path

from attention.catalogue import Family


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """A model's facts, from its config and the headers of its files; None what they do not say.

    layers: of the encoder in an encoder-decoder, whose decoder has decoder_layers. parameters: learned numbers, each
    counted once. weight_bytes: of the files. dtype: as safetensors writes it ("F32", "BF16", "F16").
    max_positions: as the config has it (a model may keep some of them for itself: `LoadedModel.max_tokens`).
    files: (name, bytes) that a download consists of. folder: where config.json lies. complete: whether all the rest
    lies there too, so that nothing needs downloading.
    """

    id: str
    architecture: str
    model_type: str
    family: Family
    layers: int | None
    decoder_layers: int | None
    heads: int | None
    kv_heads: int | None
    d_model: int | None
    d_head: int | None
    max_positions: int | None
    parameters: int
    weight_bytes: int
    dtype: str
    licence: str | None
    revision: str | None
    folder: Path
    files: tuple[tuple[str, int], ...]
    complete: bool
