"""Settings that kinds of several lessons share."""

from __future__ import annotations

from attention.lessons.kinds.record import setting
from attention.lessons.kinds.sorts import whole, yes
from attention.table import free_text

CAT = "The cat sat on the mat because it was tired."
BUGS = ("transpose", "axis", "unscaled", "width", "late", "diagonal", "split", "merge", "average")
SEED = setting(1, whole(0, 999_999), "where its random numbers begin")
OWN_TEXT = setting(False, yes(), "yes: the person's own sentence takes the text's place")
# The text of a figure that takes the person's own words wherever there are some.
WORDS = setting(CAT, free_text(), "the words, where the person has none of their own")
# Settings of a figure that makes words of its own layer, and of one that reads a short sentence.
OF_A_TEXT = {"text": setting(CAT, free_text(), "the words"), "own": OWN_TEXT}
OF_A_SENTENCE = {"text": setting("The cat sat on the mat", free_text(), "the sentence"), "own": OWN_TEXT}
