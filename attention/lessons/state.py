"""What a figure of a model's run shows, as the view that a link of the inspect page carries."""

from __future__ import annotations

from typing import Any

from attention.lessons.kinds import OWN
from attention.lessons.records import Figure
from attention.table import keys
from attention.view import View

# Letters of a person's own sentence: as many as every figure of a lesson can show on one screen.
MOST_SENTENCE = 200


def view_of(figure: Figure, sentence: str = "") -> View:
    """The figure's view; sentence: the person's own, for a figure that takes it. Raises InputError.

    Where the person's sentence takes the text's place, the token that the lesson pins is none of it, and is left out.
    """
    fields: dict[str, Any] = {
        name: figure.settings[key] for name, key in keys(View).items() if key in figure.settings and key not in OWN
    }
    if takes(figure, sentence):
        fields |= {"text": sentence, "query": None, "also": (), "key": None, "zoom": None}
    return View(**fields)


def takes(figure: Figure, sentence: str) -> bool:
    """Whether the figure shows the person's own sentence."""
    return bool(sentence.strip()) and bool(figure.settings.get("own"))
