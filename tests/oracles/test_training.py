"""The training task in torch: what is asked can be known from the places, and attention is torch's layer of it."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from tests.oracles.training import PLACES, SYMBOLS, Draws, Task, examples, logits, loss, train, weights


def test_each_mark_stands_once_and_asks_for_its_own_symbol() -> None:
    marks, symbols, answers = examples(317, 3, Draws(5))
    for mark in (1, 2, 3):
        at = marks == mark
        assert (at.sum(1) == 1).all()
        assert torch.equal(symbols[at], answers[:, mark - 1])
    assert (marks > 0).sum().item() == 317 * 3
    assert set(symbols.unique().tolist()) == set(range(SYMBOLS))
    # No place has more than its share of marks: a tenth each, within five standard deviations.
    share = (marks > 0).double().mean(0)
    assert (share - 3 / PLACES).abs().max() < 5 * math.sqrt(0.3 * 0.7 / 317)


def test_draws_are_uniform_and_of_their_seed() -> None:
    one, two, again = Draws(1).uniform(10_000), Draws(2).uniform(10_000), Draws(1)
    assert np.array_equal(one, np.concatenate([again.uniform(1, 13).ravel(), again.uniform(10_000 - 13)]))
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.05
    assert abs(one.mean() - 0.5) < 0.015
    assert abs(one.var() - 1 / 12) < 0.005


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_the_model_is_torchs_layer(heads: int) -> None:
    task = Task(heads=heads, lookups=3, width=20)
    draws = Draws(3)
    made = {name: part.detach() for name, part in weights(task, draws).items()}
    marks, symbols, answers = examples(7, 3, draws)
    layer = nn.MultiheadAttention(20, heads, bias=False, batch_first=True, dtype=torch.float64)
    layer.load_state_dict({
        "in_proj_weight": torch.cat([made[name].T for name in ("query", "key", "value")]),
        "out_proj.weight": made["output"].T,
    })
    x = made["marks"][marks] + made["symbols"][symbols]
    out, _ = layer(made["asker"].expand(7, 1, -1), x, x)
    theirs = (out[:, 0] @ made["answers"]).view(7, 3, SYMBOLS)
    torch.testing.assert_close(logits(made, marks, symbols, heads), theirs)
    chosen = theirs.log_softmax(-1).gather(-1, answers[..., None])
    torch.testing.assert_close(loss(made, marks, symbols, answers, heads), -chosen.mean())


def test_training_lowers_the_loss() -> None:
    losses = train(Task(heads=2, lookups=2, steps=120))
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:10])
