"""Maps of what is made of several heads or tokens: averages, rollout, words.

They look as the panels of one head do: row 0 on top, weights in purple from 0 to 1, differences around 0, and a cell
that nothing can ever be in is NaN, over a hatching. Which cells those are, is told by the masks and not by the numbers:
a weight that got past the mask stays in sight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from attention.figures.axes import labels
from attention.figures.heatmaps import border_lines, closed, frame, hatching, heatmap, literal, symmetric
from attention.figures.palette import LIGHT, Palette

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attention.analysis.averages import Average
    from attention.analysis.rollout import Rollout
    from attention.analysis.words import Word, WordMap
    from attention.record import AttentionRecord, HeadView, Kind, Token, Trace

LABEL_CHARS = 14


def average(
    made: Average, queries: Sequence[Token], keys: Sequence[Token], *, hidden: np.ndarray, palette: Palette = LIGHT
) -> tuple[go.Figure, go.Figure]:
    """(mean, spread), on one range of colours, for they are to be compared. hidden: (n_q, n_k), see `closed_to_all`."""
    return (
        _tokens(made.mean, queries, keys, hidden, palette, what="mean weight"),
        _tokens(made.spread, queries, keys, hidden, palette, what="standard deviation"),
    )


def rollout(
    made: Rollout, tokens: Sequence[Token], *, hidden: np.ndarray, palette: Palette = LIGHT
) -> tuple[go.Figure, go.Figure | None]:
    """(mixed, mixed − even), the second None where there is no `even`. hidden: (n, n), see `unreachable`.

    The difference stands beside it and not `even` itself: both drift to the first token, so the two pictures look
    alike, and what the heads chose is only in what is left of one when the other is taken away.
    """
    mixed = _tokens(made.mixed, tokens, tokens, hidden, palette, what="share of the input token")
    if made.even is None:
        return mixed, None
    z = _without(made.mixed - made.even, hidden)
    limit, note = symmetric(z)
    trace = heatmap(z, "scores", palette, zmin=-limit, zmax=limit, what="share − share by even layers")
    return mixed, _framed(trace, labels(tokens), labels(tokens), hidden, palette, note, tokens, tokens)


def words(
    made: WordMap, queries: Sequence[Token], keys: Sequence[Token], *, hidden: np.ndarray, palette: Palette = LIGHT
) -> go.Figure:
    """Weights between words. queries, keys: the tokens that they were made of. hidden: see `closed_words`."""
    trace = heatmap(_without(made.weights, hidden), "weights", palette, zmin=0, zmax=1, what="weight")
    rows, columns = ([literal(name) for name in word_names(side, LABEL_CHARS)] for side in (made.queries, made.keys))
    firsts = [[tokens[word.start] for word in side] for side, tokens in ((made.queries, queries), (made.keys, keys))]
    return _framed(trace, rows, columns, hidden, palette, "", *firsts)


def word_names(found: Sequence[Word], most: int) -> list[str]:
    """What each word reads as, made visible, and … where it is too long; not escaped."""
    from attention.tokens.visible import cut, visible

    return [cut(visible(word.text), most) for word in found]


# Where nothing can be


def closed_to_all(trace: Trace, made: Average, kind: Kind) -> np.ndarray:
    """(n_q, n_k), True where none of the averaged heads may look, and none took anything."""
    hidden = made.mean == 0
    for layer in dict.fromkeys(layer for layer, _ in made.heads):
        record = trace.record(layer, kind)
        for head in _distinct(record, [head for own, head in made.heads if own == layer]):
            hidden &= ~_allowed(record, head)
    return hidden


def unreachable(trace: Trace, made: Rollout) -> np.ndarray:
    """(n, n), True where no path through the layers leads from that input token to that place, and nothing is left."""
    reach = np.eye(len(made.mixed), dtype=bool)
    last = None
    for layer in made.layers:
        record = trace.record(layer, made.kind)
        step = np.any([_allowed(record, head) for head in _distinct(record, range(record.n_heads))], axis=0)
        np.fill_diagonal(step, True)
        further = step.astype(np.float32) @ reach.astype(np.float32) > 0
        # Where one more step of the same mask led nowhere new, none will.
        if last is not None and np.array_equal(step, last) and np.array_equal(further, reach):
            continue
        reach, last = further, step
    return ~reach & (made.mixed == 0)


def closed_words(head_view: HeadView, made: WordMap) -> np.ndarray:
    """(query words, key words), True where no token of the one may look at any of the other, and nothing is taken."""
    hidden = np.logical_and.reduceat(closed(head_view), [word.start for word in made.queries], axis=0)
    return np.asarray(np.logical_and.reduceat(hidden, [word.start for word in made.keys], axis=1))


def _distinct(record: AttentionRecord, heads: Sequence[int]) -> Sequence[int]:
    """Those heads whose masks can differ; a rule, or an array without an axis of heads, is everyone's."""
    array = record.mask.array
    return heads if array is not None and array.ndim == 3 else heads[:1]


def _allowed(record: AttentionRecord, head: int) -> np.ndarray:
    rows = record.allowed(head)
    return np.ones((record.n_q, record.n_k), dtype=bool) if rows is None else np.array(rows.cpu().numpy())


# In words


def in_words(title: str, z: np.ndarray, rows: Sequence[str], columns: Sequence[str]) -> str:
    """A map in two sentences: its size, and its largest cell among the rows that have a choice."""
    start = f"{title}: {len(rows)} rows by {len(columns)} columns."
    cell = largest(z)
    if cell is None:
        return f"{start} Nothing is in it."
    row, column = cell
    return f"{start} The largest cell: row “{rows[row]}”, column “{columns[column]}”, {z[cell]:.4g}."


def largest(z: np.ndarray) -> tuple[int, int] | None:
    """The cell that is farthest from 0; a row with one open cell, whose weight can only be 1, counts only with none
    other. None where no cell is open.
    """
    size = np.where(np.isnan(z), -1, np.abs(z))
    choice = (size >= 0).sum(axis=1) > 1
    if choice.any():
        size = np.where(choice[:, None], size, -1)
    row, column = divmod(int(size.argmax()), z.shape[1])
    return (row, column) if size[row, column] >= 0 else None


# Drawing


def _without(z: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    shown = np.where(hidden, np.float32(np.nan), z).astype(np.float32)
    shown.flags.writeable = False
    return shown


def _tokens(
    z: np.ndarray, queries: Sequence[Token], keys: Sequence[Token], hidden: np.ndarray, palette: Palette, *, what: str
) -> go.Figure:
    trace = heatmap(_without(z, hidden), "weights", palette, zmin=0, zmax=1, what=what)
    return _framed(trace, labels(queries), labels(keys), hidden, palette, "", queries, keys)


def _framed(
    trace: go.Heatmap, rows: Sequence[str], columns: Sequence[str], hidden: np.ndarray, palette: Palette, note: str,
    queries: Sequence[Token], keys: Sequence[Token],
) -> go.Figure:
    layout = frame(rows, palette, columns=columns, note=note)
    layout["shapes"] = border_lines(queries, keys, palette)
    if hidden.any():
        layout["images"] = [hatching(len(rows), len(columns))]
    return go.Figure(trace, layout)
