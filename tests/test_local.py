"""The local layer: its numbers, what its settings do, and its check, which is another implementation."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import attention
from attention import LocalSettings, local
from attention.errors import InputError, TooLongError
from attention.layer_settings import from_line
from attention.local import build, embed, folded, sinusoids, trace_local
from attention.prompt import Prompt
from attention.record import Trace
from attention.tokens import words

TEXT = "The cat sat on the mat because it was tired."
LINES = (
    "", "both", "heads=2,kv=1", "heads=8,kv=2,both,seed=7", "d=30,heads=5,unplaced", "unscaled", "temperature=0.05",
    "heads=8,kv=4,both,unscaled,temperature=3", "heads=1,both,temperature=20", "d=1,heads=1", "d=256,heads=16",
)  # fmt: skip


@pytest.fixture(scope="module")
def traces() -> dict[str, Trace]:
    return {line: attention.trace("local", TEXT, settings=line) for line in LINES}


@pytest.mark.parametrize("line", LINES)
def test_both_checks_hold_with_any_settings(traces: dict[str, Trace], line: str) -> None:
    trace, settings = traces[line], from_line(line)
    assert trace.fidelity is not None
    assert trace.fidelity.ok
    shares = settings.n_kv_heads != settings.n_heads
    assert trace.fidelity.of.endswith("scaled_dot_product_attention" if shares else "nn.MultiheadAttention")
    for head in range(settings.n_heads):
        error = trace.head(0, head).error
        assert set(error.parts) == {"weights", "output", "own output", "contributions"}
        assert error.ok


@pytest.mark.parametrize("line", LINES)
def test_a_trace_knows_its_settings(traces: dict[str, Trace], line: str) -> None:
    trace, settings = traces[line], from_line(line)
    assert trace.prompt == Prompt(model="local", text=TEXT, settings=settings)
    facts = trace.model
    assert (facts.d_model, facts.n_heads, facts.n_kv_heads, facts.d_head) == (
        settings.d_model, settings.n_heads, settings.n_kv_heads, settings.d_head,
    )  # fmt: skip
    weights = trace.head(0, 0).weights
    assert np.allclose(weights.sum(-1), 1, atol=1e-6)
    assert bool(np.triu(weights, 1).any()) == (not settings.causal)


@pytest.mark.parametrize("line", ["", "kv=1", "both", "kv=2,unscaled"])
@pytest.mark.parametrize("name", ["query", "key", "value", "output"])
def test_the_check_fails_where_a_weight_is_another(line: str, name: str) -> None:
    settings = from_line(line)
    layer, x = build(settings), embed(words(TEXT), settings)
    with torch.no_grad():
        ours = layer.run(x[None]).output[0]
        getattr(layer, f"to_{name}").weight[0] += 0.01
    assert not local._fidelity(layer, x, ours).ok


@pytest.mark.parametrize("change", [{"causal": False}, {"scaled": False}, {"temperature": 1.01}])
@pytest.mark.parametrize("kv", [4, 2])
def test_the_check_fails_where_a_rule_is_another(change: dict[str, object], kv: int) -> None:
    settings = LocalSettings(n_kv_heads=kv)
    x = embed(words(TEXT), settings)
    with torch.no_grad():
        ours = build(settings).run(x[None]).output[0]
    assert local._fidelity(build(settings), x, ours).ok
    assert not local._fidelity(build(replace(settings, **change)), x, ours).ok  # type: ignore[arg-type]


def test_what_each_setting_does(traces: dict[str, Trace]) -> None:
    def scaled(line: str) -> np.ndarray:
        return dict(attention.trace("local", TEXT, settings=line).head(0, 1).stages)["scaled"]

    usual = scaled("")
    assert np.allclose(scaled("unscaled"), usual * math.sqrt(16), atol=1e-4)
    assert not np.allclose(scaled("seed=7"), usual, atol=0.1)
    stages = dict(attention.trace("local", TEXT, settings="temperature=2,both").head(0, 1).stages)
    assert np.allclose(stages["tempered"], usual / 2, atol=1e-5)
    assert np.isfinite(stages["masked"]).all()
    both = attention.trace("local", TEXT, settings="both")
    assert both.kinds == ("encoder",), "who looks both ways is an encoder's"


def test_fewer_key_value_heads_have_the_first_of_more() -> None:
    four, two = build(), build(LocalSettings(n_kv_heads=2))
    assert torch.equal(two.to_key.weight, four.to_key.weight[:32])
    assert torch.equal(two.to_query.weight, four.to_query.weight)


def test_without_positions_equal_words_are_equal_vectors() -> None:
    x = embed(words("cat dog Cat"), LocalSettings(positions=False))
    assert torch.equal(x[0], x[2])
    assert not torch.equal(x[0], x[1])


def test_the_weights_have_the_spread_that_is_said() -> None:
    layer = build(LocalSettings(d_model=256, n_heads=4))
    for weight in layer.parameters():
        assert weight.std().item() == pytest.approx(local.GAIN / 16, rel=0.01)
        assert abs(weight.mean().item()) < 1e-3


def test_the_numbers_are_fixed() -> None:
    """What a link shows today it shows tomorrow. The first numbers of a word and of W_Q, by hand from the hash."""
    from attention import hashing

    due = np.float32(hashing.normal(hashing.number_of("word", "cat"), 64))
    assert np.array_equal(embed(words("Cat"), LocalSettings(positions=False))[0].numpy(), due)
    query = np.float32(hashing.normal(hashing.number_of("query", 7), 64 * 64) * (1.6 / 8)).reshape(64, 64)
    assert np.array_equal(build(LocalSettings(seed=7)).to_query.weight.numpy(), query.T)


@pytest.mark.parametrize("d_model", [1, 2, 7, 64, 256])
def test_sinusoids_are_the_papers(d_model: int) -> None:
    made = sinusoids(50, d_model)
    for position in (0, 1, 13, 49):
        for dimension in range(d_model):
            angle = position / 10_000 ** (2 * (dimension // 2) / d_model)
            due = math.cos(angle) if dimension % 2 else math.sin(angle)
            assert made[position, dimension].item() == pytest.approx(due, abs=2e-7)


def test_words_are_looked_up_by_their_letters_alone() -> None:
    assert folded("STRASSE") == folded("Straße")
    assert folded("ΟΔΟΣ") == folded("οδος")
    assert folded("cat") != folded("cats")


def test_texts_that_cannot_be_shown_are_refused() -> None:
    with pytest.raises(InputError, match="no word to look at"):
        trace_local(" \n")
    with pytest.raises(TooLongError, match="3 tokens; the limit here is 2"):
        trace_local("one two three", max_tokens=2)


def test_only_the_local_layer_can_be_set() -> None:
    with pytest.raises(InputError, match="Only the local model's layer can be set"):
        attention.trace("storyteller", TEXT, settings="heads=2")
    with pytest.raises(InputError, match="is no setting of the local layer"):
        attention.trace("local", TEXT, settings="colour=1")
    given = attention.trace("local", TEXT, settings=LocalSettings(n_heads=2))
    assert given.prompt == Prompt(model="local", text=TEXT, settings=LocalSettings(n_heads=2))
