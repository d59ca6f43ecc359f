"""What is said of a run and a head, in words."""

import re
from dataclasses import replace

import torch

import attention
from attention import Trace, sentences
from attention.record import Difference, Fidelity, HeadError


def error(relative: float, **more) -> HeadError:
    parts = {"weights": Difference(relative, relative, 1e-5), "output": Difference(0.0, 0.0, 1e-5)}
    return HeadError(parts=parts, tolerance=1e-5, against="GPT2's own eager attention", **more)


def fidelity(relative: float, of: str = "logits") -> Fidelity:
    return Fidelity(of=of, absolute=relative, relative=relative, tolerance=1e-5)


def test_a_check_that_holds_rounds_its_difference_up():
    holds, words = sentences.head_check(error(1.23e-7))
    assert holds
    assert words == "weights and output equal GPT2's own eager attention within 2e-7"


def test_nine_and_a_bit_rounds_to_the_next_power():
    assert sentences.head_check(error(9.5e-8))[1].endswith("within 1e-7")


def test_a_check_that_fails_is_a_warning_in_words():
    holds, words = sentences.head_check(error(3e-2))
    assert not holds
    assert words.startswith("Do not trust this head: its weights differ")
    assert "3.0e-02" in words
    assert "1e-05 is allowed" in words


def test_the_part_that_fails_is_told_with_its_own_numbers():
    parts = {"weights": Difference(2e-3, 2e-3, 5e-3), "output": Difference(3e-4, 3e-4, 1e-5)}
    words = sentences.head_check(HeadError(parts=parts, tolerance=5e-3, against="its own code"))[1]
    assert "its output differs from its own code by 3.0e-04" in words
    assert "1e-05 is allowed" in words


def test_a_difference_that_is_no_number_fails_too():
    holds, words = sentences.head_check(error(float("nan")))
    assert holds is False
    assert "nan" in words


def test_what_could_not_be_compared_is_neither_good_nor_bad():
    nothing = HeadError(parts={}, tolerance=1e-5, against="", unchecked=("the weights: no second implementation",))
    holds, words = sentences.head_check(nothing)
    assert holds is None
    assert "no second implementation" in words


def test_the_run_itself():
    assert sentences.run_check(fidelity(0.0)) == (True, "the traced run’s logits equal an untouched run’s exactly")
    words = sentences.run_check(fidelity(2e-7, "last hidden state"))[1]
    assert words == "the traced run’s last hidden state equals an untouched run’s within 2e-7"
    assert sentences.run_check(fidelity(1.0))[0] is False
    assert sentences.run_check(None)[0] is None


def test_counts_as_people_say_them():
    assert [sentences.count(n) for n in (16_384, 124_439_808, 1_100_000_000)] == ["16,384", "124 M", "1.1 B"]


# Two words that are said to score high together


CAT_AND_MAT = "The cat sat on the mat because it was tired."


def heads_between(trace: Trace, query: int, key: int) -> list[tuple[float, int, int]]:
    """(weight, layer, head) of every head, read off whole maps."""
    return [
        (float(trace.head(layer, head).weights[query, key]), layer, head)
        for layer, record in trace.records().items() for head in range(record.n_heads)
    ]  # fmt: skip


def test_what_is_seen_between_two_words_is_read_off_the_run_in_both_directions() -> None:
    trace = attention.trace("cloze", CAT_AND_MAT)
    cat, mat = (next(i for i, token in enumerate(trace.tokens) if token.text == word) for word in ("cat", "mat"))
    ways = {("cat", "mat"): heads_between(trace, cat, mat), ("mat", "cat"): heads_between(trace, mat, cat)}
    best = {way: max(found) for way, found in ways.items()}
    query, key = max(best, key=lambda way: best[way])
    weight, layer, head = best[query, key]
    said = sentences.related(trace, ("cat", "mat"))
    assert f"“{query}” takes at most {weight:.2f} of “{key}” (layer {layer}, head {head})" in said
    assert f"an even look {1 / len(trace.tokens):.2f}." in said
    assert "no head shows it clearly" in said
    assert "may not look" not in said


def test_in_a_causal_model_the_first_word_may_not_look() -> None:
    trace = attention.trace("storyteller", CAT_AND_MAT)
    said = sentences.related(trace, ("cat", "mat"))
    cat, mat = (next(i for i, token in enumerate(trace.tokens) if token.text == word) for word in ("cat", "mat"))
    weight, layer, head = max(heads_between(trace, mat, cat))
    assert f"“mat” takes at most {weight:.2f} of “cat” (layer {layer}, head {head})" in said
    assert f"an even look {1 / (mat + 1):.2f}. “cat” may not look at “mat”." in said
    rows = trace.head(layer, head).weights
    others = [row for row in range(cat + 1, len(rows)) if row != mat]
    assert f"So do {sum(rows[row].argmax() == cat for row in others)} of the {len(others)} other tokens" in said


def test_a_head_that_shows_it_and_an_untrained_one_are_told_apart() -> None:
    key = torch.eye(3)[None]
    trace = attention.Trace.from_tensors(query=9 * key, key=key.roll(1, 1), value=key, tokens=["a", "b", "c"])
    trace = replace(trace, model=replace(trace.model, trained=False))
    said = sentences.related(trace, ("a", "b"))
    assert re.search(r"Here a head shows it: “a” takes at most 0\.9\d of “b” \(layer 0, head 0\), an even look", said)
    assert said.endswith("This layer is not trained.")


def test_nothing_is_said_of_words_that_are_no_tokens() -> None:
    assert sentences.related(attention.trace("cloze", CAT_AND_MAT), ("cat", "dog")) == ""
