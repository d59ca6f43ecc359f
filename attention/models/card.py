"""ModelCard: what is known of a model before any of its weights is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from attention.catalogue import Family, find
from attention.config import MEGABYTE
from attention.models.reference import ModelRef

NAMES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """A model's facts, from its config and the headers of its files; None what they do not say.

    layers: of the encoder in an encoder-decoder, whose decoder has decoder_layers. parameters: learned numbers, each
    counted once. weight_bytes: of the files. dtype: as safetensors writes it ("F32", "BF16", "F16").
    max_positions: as the config has it (a model may keep some of them for itself: `ModelFacts.max_tokens`).
    files: (name, bytes) that a download consists of. folder: where config.json lies. complete: whether all the rest
    lies there too, so that nothing needs downloading. renamed: the id that the hub has it under by now, or None.
    quantised: the method ("fp8"), where the weights are stored so; parameters are then counted unpacked. adapter: its
    kind ("LoRA"), where this is one over the model adapter_of, whose own card is base; sizes are then of both together.
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
    renamed: str | None = None
    quantised: str | None = None
    adapter: str | None = None
    adapter_of: str | None = None
    base: ModelCard | None = None
    base_ref: ModelRef | None = None

    @property
    def summary(self) -> str:
        """What is coming, in one line: "GPT-2: GPT2LMHeadModel, 12 layers × 12 heads, 548 MB as float32"."""
        entry = find(self.id)
        size = f"{self.weight_bytes / MEGABYTE:,.0f} MB" if self.weight_bytes >= MEGABYTE else "less than 1 MB"
        dtype = NAMES.get(self.dtype, self.dtype)
        kept = f"{size} as {dtype}" if dtype else size
        kept = f"{size} quantised with {self.quantised}" if self.quantised else kept
        over = f"{self.adapter} adapter over {self.adapter_of}" if self.adapter else ""
        parts = [over, self.architecture, self.layers_and_heads, kept]
        return f"{entry.title if entry else self.id}: {', '.join(part for part in parts if part)}"

    @property
    def notice(self) -> str:
        """What a person should know although nothing is wrong, in a sentence or two; "" where there is nothing."""
        said = []
        if self.renamed is not None:
            said.append(
                f"{self.id} is called {self.renamed} on the hub now: use the new name, the old one may stop working."
            )
        if self.adapter is not None:
            said.append(f"This is {self.adapter_of} with a {self.adapter} adapter in its layers, not merged.")
        if self.quantised is not None:
            said.append(
                f"The weights are stored quantised with {self.quantised}; what is shown is computed from those."
            )
        return " ".join(said)

    @property
    def layers_and_heads(self) -> str:
        """Like "12 layers × 12 heads"; "" where the config does not say."""
        if self.layers is None or self.heads is None:
            return ""
        layers = f"{self.layers} layer{'' if self.layers == 1 else 's'}"
        if self.decoder_layers is not None:
            layers = f"{self.layers} + {self.decoder_layers} layers"
        return f"{layers} × {self.heads} head{'' if self.heads == 1 else 's'}"
