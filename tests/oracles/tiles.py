"""One stage's tiles by themselves."""

from attention.analysis.tiles import SIDE, Box, Tile, tiles
from attention.record import AttentionRecord


def tile(
    record: AttentionRecord, head: int, stage: str, box: Box | None = None, rows: int = SIDE, columns: int = SIDE
) -> Tile:
    """One stage of one head, at most rows × columns patches; see `tiles`."""
    return tiles(record, head, (stage,), box, rows, columns)[stage]
