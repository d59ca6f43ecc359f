"""What the component of predictions is given, as bytes: no Streamlit here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attention.browser import codec

if TYPE_CHECKING:
    from attention.prediction import Candidate, Prediction, Predictions

HERE = "what stands there now"
NUMBERS = "As the model puts it out: a number, no probability."
CHANGED = "Of the run with the changes."
AIM = "Ask about this one"
ACTS = {"next": "Click to go on with it", "translate": "Click to go on with it", "fill": "Click to fill it in"}


def predicted(
    found: Predictions, position: int | None, *, key: str, shown: int, clickable: bool, aim: bool = False,
    target: int | None = None, changed: bool = False,
) -> bytes:  # fmt: skip
    """The likeliest few at a position, or the labels or answers of the whole text.

    rows: [{id, text, mark, probability, number, here, control}]; probability: None where the model gives a bare number;
    here: whether it is what stands there; control: that it is a control token, with which no text can go on. key comes
    back with a click. aim: whether one of them can be chosen to be asked about; target: the one that is. changed:
    whether the run has changes.
    """
    if found.task == "answer":
        return _answers(found, shown)
    at = found.at(position)
    rows = [_candidate(one, at.actual) for one in at.candidates[:shown]]
    act = ACTS.get(found.task, "") if clickable and not _hides_control(found, at) else ""
    notes = [CHANGED if changed else "", _rank_note(at, shown), NUMBERS if found.scale == "none" else "", *found.notes]
    return _packed(
        _title(found, at), rows, key=key, clickable=act, note=" ".join(filter(None, notes)), aim=AIM if aim else "",
        target=(at.candidates[0].id if target is None and at.candidates else target) if aim else None,
    )  # fmt: skip


def nothing(why: str) -> bytes:
    """The same place with a sentence instead."""
    return _packed(note=why)


def _answers(found: Predictions, shown: int) -> bytes:
    from attention.tokens import readable

    chances = [(readable(one.text), one.probability) for one in found.answers[:shown]]
    rows = [{"text": text, "mark": "", "probability": p, "number": percent(p), "here": False} for text, p in chances]
    return _packed("Answers, the likeliest first", rows, note=" ".join(found.notes))


def _packed(
    title: str = "", rows: Sequence[dict[str, Any]] = (), *, key: str = "", clickable: str = "", note: str = "",
    aim: str = "", target: int | None = None,
) -> bytes:  # fmt: skip
    given = {"title": title, "rows": list(rows), "key": key, "here": HERE, "clickable": clickable, "note": note}
    return codec.pack(given | {"aim": aim, "target": target})


def _candidate(one: Candidate, actual: Candidate | None) -> dict[str, Any]:
    from attention.tokens import readable, visible

    token = one.token  # none for a label, which is words for people: its spaces are spaces
    text = readable(one.text) if token is None else visible(token.text) if token.text else visible(token.piece)
    chance = one.probability
    return {
        "id": one.id, "text": text, "mark": token.mark if token else "", "probability": chance,
        "number": bare(one.logit) if chance is None else percent(chance),
        "here": actual is not None and actual.id == one.id, "control": token is not None and token.special,
    }  # fmt: skip


def percent(share: float) -> str:
    """A probability as people say it: 31 %, 2.4 %, <0.1 %."""
    if share < 0.001:
        return "<0.1 %"
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.1f} %"


def bare(number: float) -> str:
    """A model's own number, which is no share of anything: 0.0312, −4.57, 1,235."""
    shown = f"{number:.3g}" if abs(number) < 1000 or abs(number) >= 1e7 else f"{number:,.0f}"
    return shown.replace("-", "−")


def _hides_control(found: Predictions, at: Prediction) -> bool:
    """Whether a control token is what was hidden, which is no part of the text that a click could change."""
    hidden = found.task == "fill" and at.position is not None and at.actual is not None
    return hidden and found.side[at.position or 0].special


def _title(found: Predictions, at: Prediction) -> str:
    from attention.tokens import label

    if at.position is None:
        return "What the model says of this text"
    name = label(found.side[at.position], 24)
    if found.task == "fill":
        return "The likeliest fillers of the blank" if at.actual is None else f"If “{name}” were a blank"
    return f"“{name}” is" if found.task == "tag" else f"After “{name}” comes"


def _rank_note(at: Prediction, shown: int) -> str:
    """Where the token that stands there has its place, if it is not among those shown."""
    if at.actual is None or at.rank is None or at.rank <= shown or at.actual.probability is None:
        return ""
    from attention.tokens import label

    name = label(at.actual.token, 24) if at.actual.token else at.actual.text
    return f"“{name}”, which stands there, has rank {at.rank:,} with {percent(at.actual.probability)}."
