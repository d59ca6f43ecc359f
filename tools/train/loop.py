"""The loop that all three models share: a budget of wall-clock time, checkpoints, a log, one or more processes.

Each process takes batches of its own and they add up their gradients (gloo), so every process makes the same step.
A run that was killed goes on from its last checkpoint; the batches depend on seed, process and step alone.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from tqdm import tqdm

from tools.train.optim import Optimiser

CALM_MALLOC = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "100000000000"}  # few page faults: 2.5 x as fast


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long, where, with how much. steps: an upper bound, or 0 for none. folder: of log and checkpoint."""

    folder: Path
    minutes: float
    steps: int = 0
    batch: int = 16
    seed: int = 1
    workers: int = 1
    threads: int = 1
    save_every: float = 120.0
    log_every: int = 10


class Task(Protocol):
    """What one model brings to the loop."""

    model: nn.Module
    matrix_rate: float
    other_rate: float

    def batch(self, size: int, share: float, rng: np.random.Generator) -> Any:
        """A batch made from this generator alone, for a run of which `share` is done."""

    def losses(self, batch: Any, share: float) -> dict[str, Tensor]:
        """Named losses; "total" is the one that is made small. share: of the run that is done."""

    def check(self) -> dict[str, float]:
        """Figures on held-out data, for the log; called now and then."""


@dataclass
class Progress:
    """How far a run is: steps, seconds, and seconds when it was last saved."""

    step: int = 0
    seconds: float = 0.0
    saved: float = 0.0

    def share(self, plan: Plan) -> float:
        """0 to 1: of the time, or of the steps where these end sooner."""
        by_steps = self.step / plan.steps if plan.steps else 0.0
        return min(1.0, max(self.seconds / (plan.minutes * 60), by_steps))


def launch(make: Callable[[], Task], plan: Plan) -> None:
    """Train in `plan.workers` processes of their own; returns when the last checkpoint is written."""
    os.environ.update(CALM_MALLOC)  # read when the children start
    with tempfile.TemporaryDirectory() as folder:
        meeting = f"file://{folder}/meeting"
        torch.multiprocessing.spawn(_worker, args=(make, plan, meeting), nprocs=plan.workers)


def _worker(rank: int, make: Callable[[], Task], plan: Plan, meeting: str) -> None:
    torch.set_num_threads(plan.threads)
    if plan.workers > 1:
        dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=plan.workers)
    torch.manual_seed(plan.seed)
    train(make(), plan, rank)
    if plan.workers > 1:
        dist.destroy_process_group()


def train(task: Task, plan: Plan, rank: int = 0) -> Progress:
    """Train a task to the end of the plan, from its checkpoint where there is one; rank 0 writes log and checkpoint."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    optimiser = Optimiser(task.model, matrix_rate=task.matrix_rate, other_rate=task.other_rate)
    progress = resume(task.model, optimiser, plan.folder)
    bar = tqdm(total=round(plan.minutes, 1), unit="min", disable=rank > 0, mininterval=5, bar_format=BAR)
    while progress.share(plan) < 1:
        begun, share = time.monotonic(), progress.share(plan)
        optimiser.set_share(share)
        losses = _step(task, optimiser, plan, rank, progress)
        progress.step += 1
        progress.seconds += _agreed(time.monotonic() - begun)
        if rank == 0:
            _report(task, optimiser, plan, progress, losses, bar)
    if rank == 0:
        save(task.model, optimiser, progress, plan.folder)
        _log(plan.folder, {"step": progress.step, "minutes": progress.seconds / 60, **task.check()})
    bar.close()
    return progress


BAR = "{l_bar}{bar}| {n:.1f}/{total:.1f} min {postfix}"


def _step(task: Task, optimiser: Optimiser, plan: Plan, rank: int, progress: Progress) -> dict[str, float]:
    rng = np.random.default_rng((plan.seed, rank, progress.step))
    share = progress.share(plan)
    losses = task.losses(task.batch(plan.batch, share, rng), share)
    losses["total"].backward()
    _share_gradients(task.model)
    nn.utils.clip_grad_norm_(task.model.parameters(), 1.0)
    optimiser.step()
    return {name: float(value.detach()) for name, value in losses.items()}


def _share_gradients(model: nn.Module) -> None:
    """The mean over all processes, in one message."""
    if not dist.is_initialized():
        return
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def _agreed(seconds: float) -> float:
    """The mean over all processes, so that all of them end at the same step."""
    if not dist.is_initialized():
        return seconds
    shared = torch.tensor([seconds], dtype=torch.float64)
    dist.all_reduce(shared)
    return float(shared) / dist.get_world_size()


def _report(
    task: Task, optimiser: Optimiser, plan: Plan, progress: Progress, losses: dict[str, float], bar: tqdm[Any]
) -> None:
    bar.n = min(bar.total, round(progress.seconds / 60, 2))
    bar.set_postfix({"step": progress.step, **{name: f"{value:.2f}" for name, value in losses.items()}})
    if progress.step % plan.log_every == 0:
        _log(plan.folder, {"step": progress.step, "minutes": round(progress.seconds / 60, 3), **losses})
    if progress.seconds - progress.saved >= plan.save_every:
        progress.saved = progress.seconds
        save(task.model, optimiser, progress, plan.folder)
        _log(plan.folder, {"step": progress.step, "minutes": round(progress.seconds / 60, 3), **task.check()})


def _log(folder: Path, line: dict[str, float]) -> None:
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps({name: round(float(value), 4) for name, value in line.items()}) + "\n")


def save(model: nn.Module, optimiser: Optimiser, progress: Progress, folder: Path) -> None:
    """Write checkpoint.pt in one stroke: a kill leaves the old one or the new one, never a part."""
    state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "progress": vars(progress)}
    torch.save(state, folder / "checkpoint.new")
    (folder / "checkpoint.new").replace(folder / "checkpoint.pt")


def resume(model: nn.Module, optimiser: Optimiser, folder: Path) -> Progress:
    """Put model and optimiser where the checkpoint left them; a fresh Progress where there is none."""
    path = folder / "checkpoint.pt"
    if not path.exists():
        return Progress()
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    return Progress(**state["progress"])
