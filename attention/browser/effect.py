"""What the component of a change's effect is given, as bytes: no Streamlit here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attention.browser import codec

if TYPE_CHECKING:
    from attention.analysis.edited_effect import EditedEffect, Said
    from attention.analysis.effect import Moved, Standing
    from attention.record import Token

ONE_PROMPT = "One prompt: what a change does to another text can be something else."
ALONE = "Told of one alone, as the log of its probability; choose another one to compare it with."
SIGMOID = "Each label has a chance of its own here, so that there is no divergence of a whole."
BARE = "The model puts out a number here, no probability."


def told(
    found: EditedEffect, side: Sequence[Token], *, target: int | None = None, distractor: int | None = None
) -> bytes:
    """What the changes did: {where, metric {name, before, after, change}, target, distractor, kl, rose, fell,
    likeliest, chosen, notes, why}.

    side: the tokens that its position counts. target, distractor: as they were asked for. A candidate is {id, text,
    mark, before, after: {logit, rank, logProbability, probability}, probability, logProbability}, the last two the
    changes; numbers that are not known are null.
    """
    effect = found.effect
    notes = [
        *([ALONE] if effect.distractor is None and effect.metric.scale != "none" else []),
        *([SIGMOID] if effect.metric.scale == "sigmoid" else []), *([BARE] if effect.metric.scale == "none" else []),
        ONE_PROMPT,
    ]  # fmt: skip
    return codec.pack({
        "where": _where(found, side), "why": "",
        "metric": {
            "name": effect.metric.name, "before": effect.before, "after": effect.after, "change": effect.change,
        },
        "target": _moved(found, effect.target),
        "distractor": None if effect.distractor is None else _moved(found, effect.distractor),
        "kl": effect.kl, "rose": [_moved(found, one) for one in effect.rose],
        "fell": [_moved(found, one) for one in effect.fell],
        "likeliest": [{"id": number, **_named(found.names[number])} for number in found.likeliest],
        "chosen": {"target": target, "distractor": distractor}, "notes": notes,
    })  # fmt: skip


def nothing(why: str) -> bytes:
    """The same place with a sentence instead."""
    return codec.pack({"why": why})


def _where(found: EditedEffect, side: Sequence[Token]) -> str:
    from attention.tokens import label

    if found.position is None or found.position >= len(side):
        return "of the whole text"
    name = f"“{label(side[found.position], 24)}”"
    return f"at {name}" if found.task in ("fill", "tag") else f"after {name}"


def _moved(found: EditedEffect, one: Moved) -> dict[str, Any]:
    return {
        "id": one.id, **_named(found.names[one.id]), "before": _standing(one.before), "after": _standing(one.after),
        "probability": one.probability, "logProbability": one.log_probability,
    }  # fmt: skip


def _standing(one: Standing) -> dict[str, Any]:
    return {
        "logit": one.logit, "rank": one.rank, "logProbability": one.log_probability, "probability": one.probability,
    }  # fmt: skip


def _named(said: Said) -> dict[str, str]:
    from attention.tokens import readable, visible

    token = said.token
    if token is None:
        return {"text": readable(said.text), "mark": ""}
    return {"text": visible(token.text) if token.text else visible(token.piece), "mark": token.mark}
