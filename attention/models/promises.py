"""What a configuration promises, held against what the files hold: all else would be made up, in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from attention.config import MEGABYTE
from attention.errors import ModelError

# A head or pooler that the files lack is made up; more than this beside the weights that are there is not.
SPARE = 20_000_000
# Tables of positions and masks, which no file holds: each model makes its own.
MOST_TABLES = 256 * MEGABYTE


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What the files of a model hold. head, labels: the class by its name, and its size, that an adapter needs."""

    parameters: int
    weight_bytes: int
    head: str | None = None
    labels: int | None = None


def check(id: str, folder: Path, promise: Promise) -> None:
    """Raise ModelError where the config describes far more weights, or tables, than the files hold."""
    import torch
    import transformers
    from transformers import AutoConfig

    from attention.models.task import auto_class

    config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    if promise.labels is not None:
        config.num_labels = promise.labels
    wanted = getattr(transformers, promise.head) if promise.head else auto_class(config)
    try:
        with torch.device("meta"):
            # The config's own type would be torch's default meanwhile, for all threads.
            empty = wanted.from_config(config, dtype=torch.get_default_dtype())
            described = sum(weight.numel() for weight in empty.parameters())
            tables = sum(table.numel() * table.element_size() for table in empty.buffers())
    except (RuntimeError, NotImplementedError, ValueError) as err:  # some models compute on weights while being built
        if "allocate" in str(err):
            raise
        return
    if described > SPARE + 2 * promise.parameters:
        raise ModelError(
            f"The config of {id} describes {described:,} parameters, but its files hold {promise.parameters:,}; "
            "get a whole copy."
        )
    if tables > MOST_TABLES + promise.weight_bytes:
        raise ModelError(
            f"The config of {id} has the model make {tables / MEGABYTE:,.0f} MB of tables beside its weights of "
            f"{promise.weight_bytes / MEGABYTE:,.0f} MB; choose another model."
        )
