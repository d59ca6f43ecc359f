"""The answers of the lesson on the encoder-decoder stack, computed a second time."""

from typing import Any

import torch


def three_masks(given: dict[str, Any]) -> int:
    source, target = given["source"], given["target"]
    own = torch.ones(target, target).tril()
    return int(torch.ones(source, source).sum() + own.sum() + torch.ones(target, source).sum())
