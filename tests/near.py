"""Two runs of one model may differ in the last digits: where arrays lie in memory decides which kernel adds them up."""

from typing import Any

import numpy as np
import torch


def near(one: Any, other: Any) -> bool:
    """Whether two runs gave the same: type and shape alike, and numbers but for the last digits of float32."""
    one, other = (array.detach() if isinstance(array, torch.Tensor) else np.asarray(array) for array in (one, other))
    return (
        one.dtype == other.dtype
        and one.shape == other.shape
        and bool(np.allclose(one, other, rtol=1e-5, atol=1e-6, equal_nan=True))
    )
