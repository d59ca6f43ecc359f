"""A number of bytes, to be read."""

from attention.config import MEGABYTE


def said(count: int) -> str:
    """So many bytes in the unit that they fill: KB up to a tenth of a megabyte, MB above."""
    if count < MEGABYTE / 10:
        return f"{max(1, round(count / 1000))} KB"
    return f"{count / MEGABYTE:,.0f} MB" if count >= 10 * MEGABYTE else f"{count / MEGABYTE:.1f} MB"
