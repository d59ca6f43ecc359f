"""What a model expects after a text in several runs: as it is, and each with edits of its own.

Shape letters: r runs, the first without an edit; t tokens that are told of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from attention.errors import InputError

if TYPE_CHECKING:
    from attention.prediction import Predictions
    from attention.prediction.results import Rows

# As many likeliest tokens of each run are told of.
LIKELIEST = 5
NOT_NEXT = "A change is shown of a model that predicts the next token; this one does not."


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcomes:
    """What comes next in each run.

    names (t,): of the tokens that are told of, by falling chance in the first run. chances (r, t): of each as the next
    token. divergences (r,): KL(first ‖ run) of the whole distributions of the next token, in nats. tokens: the names of
    the text's own tokens.
    """

    names: tuple[str, ...]
    chances: np.ndarray
    divergences: np.ndarray
    tokens: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of its numbers and names, about."""
        return int(self.chances.nbytes + self.divergences.nbytes) + 100 * len(self.names)


def outcomes_of(runs: Sequence[Predictions], follow: str = "") -> Outcomes:
    """From the predictions of all runs, each with the whole vocabulary at the last place, the first without an edit.

    follow: a token that is told of in any case, by its name. Raises InputError for a model that predicts no next token.
    """
    rows = [found.rows for found in runs if found.task == "next" and found.rows is not None]
    if len(rows) < len(runs):
        raise InputError(NOT_NEXT)
    logs = np.stack([_logs(one) for one in rows])  # (r, V)
    ids = _told(logs, runs[0], follow)
    chances = np.exp(logs)
    gaps = (chances[0] * (logs[0] - logs)).sum(1)
    return Outcomes(
        names=tuple(name_of(runs[0], one) for one in ids),
        chances=chances[:, ids],
        divergences=np.maximum(gaps, 0.0),
        tokens=tuple(token.text.strip() or str(token) for token in runs[0].tokens),
    )


def _logs(rows: Rows) -> np.ndarray:
    """The log-chances (V,) of the next token after the last place, by id."""
    made = np.empty(rows.ids.shape[1])
    made[rows.ids[-1]] = rows.logits[-1].astype(np.float64) - rows.log_sum[-1]
    return made


def _told(logs: np.ndarray, first: Predictions, follow: str) -> list[int]:
    """The ids that are told of, by falling chance in the first run."""
    best = {int(one) for row in logs for one in np.argsort(-row, kind="stable")[:LIKELIEST]}
    order = np.argsort(-logs[0], kind="stable")
    if follow:
        best |= set([int(one) for one in order if name_of(first, int(one)) == follow][:1])
    return [int(one) for one in order if int(one) in best]


def name_of(found: Predictions, number: int) -> str:
    """A token as a lesson's words have it: without its space."""
    from attention.prediction.texts import read
    from attention.tokens import visible
    from attention.tokens.pieces import Vocabulary

    token, _ = read(None if found.tokenizer is None else Vocabulary.of(found.tokenizer), number)
    return visible(token.text).strip() or visible(token.piece)
