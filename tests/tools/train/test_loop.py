"""The shared parts: optimiser, loss, loop; a run that was killed goes on as if nothing had happened."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn

from tools.train.loop import Plan, _share_gradients, train
from tools.train.loss import cross_entropy
from tools.train.optim import Muon, orthogonal, schedule


@dataclass
class Line:
    """A task of one matrix: learn to double. dies_at: the step at which the process is killed."""

    dies_at: int = -1
    matrix_rate: float = 0.02
    other_rate: float = 1e-2
    model: nn.Module = field(init=False)
    steps: int = 0

    def __post_init__(self) -> None:
        torch.manual_seed(3)
        self.model = nn.ModuleDict({"layers": nn.Linear(5, 5)})

    def batch(self, size: int, share: float, rng: np.random.Generator) -> Tensor:
        return torch.from_numpy(rng.standard_normal((size, 5), dtype=np.float32))

    def losses(self, batch: Tensor, share: float) -> dict[str, Tensor]:
        if self.steps == self.dies_at:
            raise KeyboardInterrupt
        self.steps += 1
        return {"total": (self.model["layers"](batch) - 2 * batch).pow(2).mean()}

    def check(self) -> dict[str, float]:
        return {"held": 0.0}


def weights(task: Line) -> Tensor:
    return nn.utils.parameters_to_vector(task.model.parameters()).detach()


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path: Path):
    whole, killed, resumed = Line(), Line(dies_at=7), Line()
    train(whole, Plan(folder=tmp_path / "a", minutes=60, steps=13))
    plan = Plan(folder=tmp_path / "b", minutes=60, steps=13, save_every=0)
    with pytest.raises(KeyboardInterrupt):
        train(killed, plan)
    progress = train(resumed, plan)
    assert (progress.step, resumed.steps) == (13, 6)
    assert torch.allclose(weights(resumed), weights(whole), atol=1e-6)
    assert not torch.allclose(weights(killed), weights(whole), atol=1e-3)


def test_a_run_ends_when_its_time_is_over(tmp_path: Path):
    progress = train(Line(), Plan(folder=tmp_path, minutes=0.002))
    assert 0.12 <= progress.seconds < 10
    assert (tmp_path / "log.jsonl").read_text("utf-8").count("held") == 1


def test_gradients_are_the_mean_over_processes(tmp_path: Path):
    task = Line()
    task.losses(torch.ones(2, 5), 0)["total"].backward()
    before = [p.grad.clone() for p in task.model.parameters()]
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/meeting", rank=0, world_size=1)
    try:
        _share_gradients(task.model)
    finally:
        dist.destroy_process_group()
    after = [p.grad for p in task.model.parameters()]
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_the_chunked_loss_and_its_gradients_are_those_of_torch():
    torch.manual_seed(5)
    hidden, matrix = torch.randn(1037, 7, requires_grad=True), torch.randn(11, 7, requires_grad=True)
    labels, counted = torch.randint(11, (1037,)), torch.rand(1037)
    ours = cross_entropy(hidden, matrix, labels, counted)
    plain = (nn.functional.cross_entropy(hidden @ matrix.T, labels, reduction="none") * counted).sum() / counted.sum()
    assert ours.item() == pytest.approx(plain.item(), rel=1e-5)
    ours_back = torch.autograd.grad(3 * ours, (hidden, matrix))
    plain_back = torch.autograd.grad(3 * plain, (hidden, matrix))
    for one, other in zip(ours_back, plain_back, strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_orthogonal_brings_singular_values_near_one():
    torch.manual_seed(7)
    for shape in ((3, 5, 11), (2, 13, 5)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
        assert values.min() > 0.3
        assert values.max() < 1.3


def test_muon_is_torchs_muon():
    torch.manual_seed(11)
    ours, theirs = nn.Parameter(torch.randn(5, 3)), nn.Parameter(torch.zeros(5, 3))
    theirs.data.copy_(ours.data)
    mine = Muon([ours], lr=0.1, momentum=0.95, decay=0.02)
    reference = torch.optim.Muon([theirs], lr=0.1, momentum=0.95, weight_decay=0.02)
    for seed in (1, 2, 3):
        gradient = torch.randn(5, 3, generator=torch.Generator().manual_seed(seed))
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        mine.step()
        reference.step()
    assert torch.allclose(ours, theirs, atol=0.02)  # theirs rounds to bfloat16


def test_the_rate_rises_stays_and_falls():
    assert [round(schedule(share), 2) for share in (0.0, 0.01, 0.15, 0.575, 1.0)] == [0.1, 1.0, 1.0, 0.5, 0.01]
