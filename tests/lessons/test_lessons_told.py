"""Misconceptions that the lessons correct, and what they show live: each stands in the step that is named here."""

import re

import pytest

from attention.lessons.folder import OURS, find, read
from attention.lessons.records import Step

# A misconception → the step that corrects it, and words of that step which do.
CORRECTED = {
    "self-attention is invariant to the order of words": ("09-positions#shuffle", "It is often called invariance, but"),
    "each head gets a slice of x": ("07-heads#whole", "handed its own slice of the token’s vector. It is not"),
    "columns of weights sum to 1": ("04-softmax#axis", "Columns need not"),
    "the divisor is the root of d_model": ("03-scores#width", "To divide by √d_model is a bug"),
    "a weight is the importance": ("05-values#norms", "A token’s share in the output is not its weight"),
    "a weight is the reason": ("13-interview#explanation", "not why the answer came out"),
    "heads are given roles": ("07-heads#copies", "Heads are not given different tasks"),
    "W_O only brings the width back": ("08-output#mix", "does more than bring the width back"),
    "a cache makes attention constant": ("10-cost#next", "it does not make attention free"),
    "FlashAttention approximates": ("10-cost#flash", "it is no approximation"),
    "n² always dominates": ("10-cost#count", "“n² always dominates” is wrong"),
    "−1e9 is −∞": ("06-masks#fill", "For a row that sees nothing it does something else"),
    "queries, keys and values are three inputs": ("02-vectors#three", "They are not three inputs of the layer"),
    "heads that share keys share maps": ("10-cost#cache", "and so maps of their own"),
    "softmax temperature is sampling temperature": ("04-softmax#temperature", "It is not the *sampling temperature*"),
    "training goes token by token": ("06-masks#parallel", "training is not done token by token"),
}
# What a whole answer to one of the sixty questions needs besides figures → the step that says it, and its words.
NEEDED = {
    "1: what a convolution costs": ("01-why#operations", "k·nd²"),
    "3: the whole formula": ("05-values#mean", "softmax(Q·Kᵀ ÷ √d_k)·V"),
    "17: who leaves lengths out": ("03-scores#dot", "bring each query and key to length 1 first"),
    "34: the true text is read in training": ("06-masks#parallel", "teacher forcing"),
    "44: how fast each wave is": ("09-positions#sinusoids", "ω_i = 10,000^(−2i/d)"),
    "47: what a window costs": ("10-cost#window", "2·n·w·d at most"),
    "49: two kinds of explanation": ("13-interview#removed", "It may be *plausible*"),
    "50: an average counts all heads alike": ("13-interview#average", "all heads count alike in it"),
    "53: with an axis for texts": ("11-building#split", "`Q.view(B, n, h, d).transpose(1, 2)`"),
    "56: what a key bias must not do": ("12-testing#checks", "A bias of the keys"),
    "57: ways that add in another order": ("11-building#digits", "`flash_attention_2`, in blocks"),
}
# What is small, exact and surprising → the step that shows it, its figure, and settings of it.
SHOWN = {
    "a key bias does nothing": ("02-vectors#bias", "bias", {"which": "key"}),
    "√d_k and the entropy": ("03-scores#saturation", "saturation", {}),
    "a lead is diluted by n": ("04-softmax#dilution", "dilution", {}),
    "one map of weights, another of contributions": ("05-values#norms", "head", {}),
    "the last word changes, earlier rows do not": ("06-masks#parallel", "frozen", {"causal": True}),
    "the heads' bars sum to the output": ("08-output#add", "addends", {}),
    "words are shuffled, outputs with them": ("09-positions#shuffle", "shuffle", {}),
    "attention meets projections at n = 2d": ("10-cost#count", "cost", {"of": "layer"}),
    "the first token of a row is closed": ("13-interview#closed", "change", {"of": "row"}),
    "the wrong reshape beside the right one": ("11-building#split", "reshape", {}),
}


def step_of(where: str) -> Step:
    name, _, anchor = where.partition("#")
    lesson = find(read(OURS)[0], name)
    assert lesson is not None
    return next(step for step in lesson.steps if step.anchor == anchor)


def written(where: str) -> str:
    """A step as it stands in its file, on one line."""
    name, _, anchor = where.partition("#")
    text = (OURS / f"{name}.md").read_text("utf-8")
    found = re.search(rf"^## [^\n]*{{#{anchor}}}$(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    return " ".join(found[1].split())


@pytest.mark.parametrize("wrong", CORRECTED)
def test_a_misconception_is_corrected_by_name_where_the_figure_shows_it(wrong: str) -> None:
    where, words = CORRECTED[wrong]
    assert words in written(where)
    assert step_of(where).figure is not None


@pytest.mark.parametrize("what", NEEDED)
def test_what_an_answer_needs_is_said(what: str) -> None:
    where, words = NEEDED[what]
    assert words in written(where)


@pytest.mark.parametrize("what", SHOWN)
def test_a_demonstration_stands_in_its_step(what: str) -> None:
    where, kind, settings = SHOWN[what]
    figure = step_of(where).figure
    assert figure is not None
    assert figure.kind == kind
    assert settings.items() <= figure.settings.items()
