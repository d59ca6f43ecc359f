"""How the steps before the mask are written."""

import pytest
import torch

from attention.analysis.titles import scale_title, stage_titles
from attention.record import Trace
from tests.figures.heads import N_K, tensors


def test_a_step_is_titled_by_what_it_did():
    trace = Trace.from_tensors(**tensors(), position_bias=torch.ones(1, 7, N_K))
    assert stage_titles(trace.head(0, 0))["biased"] == "+ bias"


@pytest.mark.parametrize(
    ("scale", "d_head", "title"),
    [
        (64**-0.5, 64, "× 1/√64"), (1.0, 64, "× 1"), (256**-0.5, 128, "× 0.0625"), (0.25, None, "× 0.25"),
        (1.0, 1, "× 1/√1"),
    ],
)  # fmt: skip
def test_a_scale_reads_as_what_it_is(scale, d_head, title):
    assert scale_title(scale, d_head) == title
