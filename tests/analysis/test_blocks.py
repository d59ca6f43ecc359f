"""Several heads made in one go are what each head is by itself."""

from dataclasses import replace

import pytest
import torch

from attention.analysis.blocks import step_of_heads
from attention.record import StoredMaps
from tests.chromium.test_head_js import RULES, H, N, record, record_without_values


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
@pytest.mark.parametrize("step", ["masked", "weights"])
def test_several_heads_at_once_are_each_head_by_itself(rules, step):
    known = "value" not in rules or rules["value"] is not None
    made = record(**rules) if known else record_without_values(**rules)
    for heads in ([0], [4, 1], list(range(H))):
        for start, stop in ((0, N), (3, 8)):
            found = step_of_heads(made, step, heads, start, stop)
            expected = torch.stack([made.stages(head)[step][start:stop] for head in heads])
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_heads_of_which_only_the_maps_are_known():
    scores = torch.randn(H, N, N, generator=torch.Generator().manual_seed(3))
    shown = replace(record(), query=None, key=None, maps=StoredMaps(scores=scores, weights=scores.softmax(-1)))
    assert torch.equal(step_of_heads(shown, "weights", [2, 5], 1, 9), scores.softmax(-1)[[2, 5], 1:9])
