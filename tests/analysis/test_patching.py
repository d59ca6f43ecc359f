"""Heads patched from one text into another, against the model's own eager runs with hooks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from torch import Tensor

from attention.analysis.patching import UnequalTextsError, aligned_texts, all_patched, each_patched
from attention.capture import Inputs
from attention.errors import HeadlightError, InputError
from attention.source import Source
from tests import small_models
from tests.analysis.by_hooks import PATHS, eager, heads_of, places, replacing, run, source_of, text_of

FAMILIES = list(PATHS)
TARGET, DISTRACTOR = 17, 42


def pair_of(family: str) -> tuple[Inputs, Inputs]:
    """Two texts that differ in three tokens."""
    clean = text_of(family)
    ids = list(clean.ids)
    ids[1], ids[2], ids[4] = 50, 61, 72
    return clean, Inputs(ids=tuple(ids), pair_ids=clean.pair_ids)


def difference(logits: Tensor, position: int) -> float:
    return float(logits[position, TARGET].double() - logits[position, DISTRACTOR].double())


@pytest.mark.parametrize("direction", ["denoise", "noise"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_patched_head_is_what_a_hook_makes(family: str, direction: Any) -> None:
    source = source_of(family)
    clean, corrupted = pair_of(family)
    own = eager(source.model)
    into, other = (corrupted, clean) if direction == "denoise" else (clean, corrupted)
    given = heads_of(family, own, other)
    ends = {name: difference(run(family, own, text), 5) for name, text in (("clean", clean), ("bad", corrupted))}
    gap = ends["clean"] - ends["bad"]
    made = all_patched(source, clean, corrupted, direction=direction, target=TARGET, distractor=DISTRACTOR, position=5)
    assert (made.clean, made.corrupted) == pytest.approx((ends["clean"], ends["bad"]), abs=1e-5)
    assert bool(made.why_raw) == (abs(gap) < 0.5)
    for at in places(family):
        for head in range(4):
            new = given[at][:, head]
            patched = difference(run(family, own, into, replacing(at, head, lambda z, new=new: new)), 5)
            start = ends["bad"] if direction == "denoise" else ends["clean"]
            wanted = patched - start if made.why_raw else (patched - ends["bad"]) / gap
            found = next(row[head] for place, row in made.values.items() if (place.kind, place.layer) == at)
            assert found == pytest.approx(wanted, abs=1e-5 / min(1.0, abs(gap)))
    assert np.abs(made.grid(places(family)[0][0])[1]).max() > 1e-3


def test_one_query_alone_can_be_patched() -> None:
    source = source_of("llama")
    clean, corrupted = pair_of("llama")
    own, given = eager(source.model), heads_of("llama", eager(source.model), clean)
    made = all_patched(source, clean, corrupted, query=4, target=TARGET, distractor=DISTRACTOR, position=5)
    ends = [difference(run("llama", own, text), 5) for text in (clean, corrupted)]
    new = given["decoder", 0][:, 2]
    patched = difference(run("llama", own, corrupted, replacing(("decoder", 0), 2, lambda z: new, query=4)), 5)
    wanted = (patched - ends[1]) / (ends[0] - ends[1]) if not made.why_raw else patched - ends[1]
    assert made.grid("decoder")[1][0, 2] == pytest.approx(wanted, abs=1e-4)
    assert "at position 4" in made.sentence


def test_weights_can_be_patched_alone() -> None:
    """In the first layer: the clean weights on the values of the corrupted text, all told from the model's own code."""
    import torch

    source = source_of("gpt2")
    clean, corrupted = pair_of("gpt2")
    own = eager(source.model)
    with torch.no_grad():
        maps = own(input_ids=torch.tensor([clean.ids]), output_attentions=True).attentions[0][0]
    values: list[Tensor] = []

    def keep(module: Any, args: Any, output: Tensor) -> None:
        values.append(output[0, :, 96:].reshape(-1, 4, 12))

    hook = own.transformer.h[0].attn.c_attn.register_forward_hook(keep)
    bad = difference(run("gpt2", own, corrupted), 5)
    hook.remove()
    good = difference(run("gpt2", own, clean), 5)
    made = all_patched(source, clean, corrupted, what="weights", target=TARGET, distractor=DISTRACTOR, position=5)
    for head in range(4):
        new = maps[head] @ values[0][:, head]
        patched = difference(run("gpt2", own, corrupted, replacing(("decoder", 0), head, lambda z, new=new: new)), 5)
        wanted = patched - bad if made.why_raw else (patched - bad) / (good - bad)
        assert made.grid("decoder")[1][0, head] == pytest.approx(wanted, abs=1e-7)


@pytest.mark.parametrize("what", ["output", "weights"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_text_patched_with_itself_changes_nothing(family: str, what: Any) -> None:
    """Bit for bit, in both directions."""
    source, text = source_of(family), text_of(family)
    for direction in ("denoise", "noise"):
        made = all_patched(source, text, text, direction=direction, what=what, position=6)
        assert all((row == 0).all() for row in made.values.values())
        assert made.clean == made.corrupted == made.base
        assert "differ by only 0.00" in made.why_raw
        assert made.why_raw in made.sentence


def test_shares_are_not_clipped_and_the_two_directions_are_two_maps() -> None:
    source = source_of("llama")
    clean, corrupted = pair_of("llama")
    how = {"target": 3, "distractor": 44, "position": 5}
    maps = [all_patched(source, clean, corrupted, direction=one, **how) for one in ("denoise", "noise")]
    if maps[0].why_raw:
        pytest.fail(f"these texts differ too little to tell: {maps[0].why_raw}")
    grids = [one.grid("decoder")[1] for one in maps]
    assert (grids[0] < 0).any()
    assert (grids[1] > 1).any()
    assert np.abs(grids[0] - (1 - grids[1])).max() > 1e-3
    assert [one.base for one in maps] == [maps[0].corrupted, maps[0].clean]
    assert "into the corrupted run from the clean one" in maps[0].sentence
    assert "share of clean − corrupted in the logit difference" in maps[0].sentence


def test_the_answers_of_both_texts_are_compared_where_nothing_is_asked() -> None:
    source = source_of("llama")
    clean, corrupted = pair_of("llama")
    own = eager(source.model)
    best = [int(run("llama", own, text)[3].argmax()) for text in (clean, corrupted)]
    if best[0] == best[1]:
        pytest.fail("both texts have one answer")
    made = all_patched(source, clean, corrupted, position=3)
    assert [made.metric.target, made.metric.distractor] == best


def test_texts_of_unequal_length_are_refused_with_their_alignment() -> None:
    tokenizer = small_models.tokenizer("gpt2")
    source = Source(model=small_models.model("gpt2"), tokenizer=tokenizer, trained=True)
    texts = [Inputs(ids=tuple(tokenizer(one)["input_ids"])) for one in ("The cat sat on it", "The dog sat on the mat")]
    with pytest.raises(UnequalTextsError, match=r"tokens, and a patch needs as many in both") as caught:
        all_patched(source, *texts)
    assert isinstance(caught.value, InputError)
    alignment = caught.value.alignment
    assert "".join(alignment.first) == "The cat sat on it"
    assert any(one.same for one in alignment.stretches)
    for one in alignment.stretches:
        assert (alignment.first[slice(*one.first)] == alignment.second[slice(*one.second)]) == one.same
    assert str(alignment) in str(caught.value)


def test_an_alignment_covers_both_texts() -> None:
    made = aligned_texts(["The", " Mary", " went", " home"], ["The", " old", " John", " went", " home", "."])
    assert [(one.same, one.first, one.second) for one in made.stretches] == [
        (True, (0, 1), (0, 1)), (False, (1, 2), (1, 3)), (True, (2, 4), (3, 5)), (False, (4, 4), (5, 6))
    ]  # fmt: skip
    assert str(made) == "“ Mary” ↔ “ old John” at 1; nothing ↔ “.” at 4"


def test_it_can_be_left_and_says_what_it_takes() -> None:
    source = source_of("gpt2")
    clean, corrupted = pair_of("gpt2")

    class LeftError(HeadlightError):
        pass

    def leave() -> None:
        raise LeftError("left")

    with pytest.raises(LeftError):
        next(each_patched(source, clean, corrupted, give_way=leave))
    with pytest.raises(InputError, match="denoises or noises"):
        all_patched(source, clean, corrupted, direction="up")  # type: ignore[arg-type]
