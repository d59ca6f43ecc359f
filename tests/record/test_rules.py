"""The rules around an operation: whether a mask closes anything at all."""

import pytest
import torch

from attention.record import Mask

N_Q, N_K = 5, 7
MASKS = {
    "all open": (Mask(), False), "causal": (Mask(after=0), True), "a window": (Mask(before=2), True),
    "a window as wide as the text": (Mask(before=N_Q - 1, after=N_K - 1), False),
    "padding": (Mask(keys=torch.arange(N_K) < 6), True), "no padding": (Mask(keys=torch.arange(N_K) < 9), False),
    "an array": (Mask(array=torch.eye(N_Q, N_K) > 0), True),
    "an open array": (Mask(array=torch.ones(2, N_Q, N_K, dtype=torch.bool)), False),
}  # fmt: skip


@pytest.mark.parametrize(("mask", "closes"), MASKS.values(), ids=MASKS)
def test_whether_a_mask_closes_anything(mask: Mask, closes: bool) -> None:
    rows = mask.rows(0, N_Q, N_K)
    assert mask.closes(N_Q, N_K) == closes == (rows is not None and not bool(rows.all()))


def test_one_query_looks_at_nothing_that_comes_later() -> None:
    assert not Mask(after=0).closes(1, 1)
    assert Mask(after=0).closes(1, 2)
