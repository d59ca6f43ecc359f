"""The answers of the lesson on the encoder-decoder stack, computed a second time."""

from typing import Any

import torch


def three_masks(given: dict[str, Any]) -> int:
    source, target = given["source"], given["target"]
    own = torch.ones(target, target).tril()
    return int(torch.ones(source, source).sum() + own.sum() + torch.ones(target, source).sum())


def made_once(given: dict[str, Any]) -> int:
    """A key is made wherever none is kept, step by step."""
    made, kept = 0, set()
    for step in range(given["target"]):
        for key in ((layer, place) for layer in range(given["layers"]) for place in range(given["source"])):
            if key not in kept:
                made += 1
                if "kept" in given["how"]:
                    kept.add(key)
        assert step == 0 or kept or "anew" in given["how"]
    return made


def stream_length(given: dict[str, Any]) -> float:
    """A stream that is added to along one axis after the other."""
    stream = torch.zeros(given["blocks"] + 1, dtype=torch.float64)
    stream[0] = 1
    for block in range(given["blocks"]):
        stream[block + 1] += 1
        if given["where"].startswith("after"):
            stream /= stream.norm()
    return float(stream.norm())
