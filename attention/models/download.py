"""Fetch a hub model's files into the hub's own cache: config, tokenizer and safetensors, nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attention.models import hub
from attention.models.card import ModelCard
from attention.models.reference import ModelRef
from attention.models.weights import choose

OnProgress = Callable[[int, int], None]
SPARE = 50_000_000  # bytes that must stay free on the disk


def download(ref: ModelRef, card: ModelCard, on_progress: OnProgress | None = None) -> Path:
    """The folder with all of the model's files, fetched where they are not here yet.

    on_progress(done_bytes, total_bytes) is called from this thread, at least once at the end. The weights come last, so
    that a cache which has them has the rest. Raises ModelError; what has arrived is kept and need not come again.
    """
    total = sum(size for _, size in card.files)
    report = on_progress or (lambda done, total: None)
    if not card.complete:
        _fetch(ref, card, report, total)
    report(total, total)
    return card.folder


def _fetch(ref: ModelRef, card: ModelCard, report: OnProgress, total: int) -> None:
    from huggingface_hub import hf_hub_download

    heavy = choose(name for name, _ in card.files)
    ordered = sorted(card.files, key=lambda file: file[0] in heavy)
    _room(ref, card, sum(size for name, size in ordered if not (card.folder / name).exists()))
    done = 0
    for name, size in ordered:
        meter = _meter(done, total, report)
        with hub.plain_errors(ref):
            hf_hub_download(ref.id, name, revision=card.revision, tqdm_class=meter)
        done += size
        report(done, total)


def _room(ref: ModelRef, card: ModelCard, needed: int) -> None:
    if needed and shutil.disk_usage(card.folder).free < needed + SPARE:
        raise hub.no_space(ref, needed)


def _meter(before: int, total: int, report: OnProgress) -> Any:
    """A class that the hub's client takes for a progress bar: it draws nothing and passes the bytes on."""

    class Meter:
        def __init__(self, *_: Any, initial: int = 0, total: int | None = None, **__: Any) -> None:
            self.n, self.total = initial, total

        def __enter__(self) -> Meter:
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def update(self, n: float | None = 1) -> None:
            self.n += int(n or 0)
            report(min(before + self.n, total), total)

        def __getattr__(self, name: str) -> Callable[..., None]:
            return lambda *_, **__: None  # refresh, close, set_description and their like

    return Meter
