"""A link as a QR code, for the `share` component to draw. No Streamlit."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

# What 97 × 97 modules hold at the lowest level of correction (ISO/IEC 18004, version 20). With more, a module on a
# projector is smaller than what a phone at the back of a room tells apart.
LONGEST = 858


def payload(link: str | None) -> dict[str, Any] | None:
    """The code of the link that was asked for, with the link, so that the browser draws no other one's.

    modules: uint8 (side, side), 1 where dark, without the quiet zone around them. None for what is no link as browsers
    write them (ASCII), and for a link too long to be scanned.
    """
    if link is None or len(link) > LONGEST or not link.isascii() or not link.startswith(("http://", "https://")):
        return None
    return {"link": link, "modules": _modules(link)}


@lru_cache(maxsize=32)
def _modules(link: str) -> np.ndarray:
    import segno

    # The level of correction is raised as far as the size allows.
    found = np.array([list(row) for row in segno.make(link, error="l", micro=False).matrix], dtype=np.uint8)
    found.flags.writeable = False
    return found
