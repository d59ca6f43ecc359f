"""Heads made by hand: each does what it is named after, on many sentences; edits; and what a stranger may ask for."""

import random
from typing import Any

import pytest
import torch

from attention import handmade, local
from attention.errors import InputError
from attention.handmade import Plan, Room, ScoreEdit, WeightEdit
from attention.layer_settings import LocalSettings
from attention.mhsa import MultiHeadSelfAttention
from attention.stages import attend
from attention.tokens import words

VOCABULARY = [
    "the", "red", "fox", "saw", "old", "birds", "and", "then", "she", "read", "what", "we", "like", "in", "cold", "tea",
    "houses", "near", "here", "while", "it", "rains", "today", "again",
]  # fmt: skip
ONE_LAYER = [name for name in handmade.PRESETS if name and name != "induction"]
TELL = {"text": "The cat sat", "settings": {}, "preset": "", "tags": [], "edits": []}


def sentences(count: int = 6) -> list[str]:
    """Some of each length up to the most, words repeated as they come."""
    draw = random.Random(5)
    return [" ".join(draw.choices(VOCABULARY, k=n)) for n in (1, 2, 3, 5, 9, 14, 20, 24) for _ in range(count)]


def weights(plan: Plan) -> list[torch.Tensor]:
    """(n, n) of each layer, by the layer itself."""
    x, layers = handmade.made(plan, words(plan.text)[: handmade.MOST_TOKENS])
    found = []
    for layer in layers:
        passed = layer.run(x[None])
        found.append(passed.stages.weights[0, 0])
        x = x + passed.output[0]
    return found


@pytest.mark.parametrize("causal", [True, False])
def test_the_previous_token(causal: bool) -> None:
    for text in sentences():
        (found,) = weights(Plan(text=text, preset="previous", settings=LocalSettings(causal=causal)))
        assert torch.diagonal(found, -1).gt(0.99).all()


@pytest.mark.parametrize("causal", [True, False])
def test_the_same_word(causal: bool) -> None:
    for text in sentences():
        tokens = [token.text for token in words(text)]
        (found,) = weights(Plan(text=text, preset="same", settings=LocalSettings(causal=causal)))
        for row, token in enumerate(tokens):
            same = [at for at, other in enumerate(tokens) if other == token and (not causal or at <= row)]
            assert found[row, same].sum() > 0.99
            assert torch.allclose(found[row, same], found[row, same].mean(), atol=1e-9)


def test_the_first_token() -> None:
    for text in sentences():
        (found,) = weights(Plan(text=text, preset="first"))
        assert found[:, 0].gt(0.99).all()


def test_all_evenly() -> None:
    for text in sentences():
        (found,) = weights(Plan(text=text, preset="uniform"))
        even = torch.ones_like(found).tril() / torch.arange(1, len(found) + 1)[:, None]
        assert torch.allclose(found, even)


@pytest.mark.parametrize("causal", [True, False])
def test_the_nearest_verb(causal: bool) -> None:
    draw = random.Random(7)
    seen = 0
    for text in sentences():
        n = len(words(text))
        tags = sorted(draw.sample(range(n), k=min(n, draw.randint(1, 5))))
        (found,) = weights(Plan(text=text, preset="verb", tags=tuple(tags), settings=LocalSettings(causal=causal)))
        for row in range(n):
            open_ = [tag for tag in tags if not causal or tag <= row]
            nearest = [tag for tag in open_ if abs(tag - row) == min(abs(row - one) for one in open_)]
            if open_:
                seen += 1
                assert found[row, nearest].sum() > 0.99
    assert seen > 200


def test_induction_finds_what_followed() -> None:
    draw = random.Random(3)
    for n in (3, 4, 6, 12, 24):
        for _ in range(8):
            others = draw.sample(VOCABULARY, k=n - 1)
            first = draw.randrange(n - 2)
            text = " ".join([*others, others[first]])  # A B … A, with A once before
            found = weights(Plan(text=text, preset="induction"))
            assert found[1][-1, first + 1] > 0.9
            assert torch.diagonal(found[0], -1).gt(0.99).all()


def test_without_positions_no_head_knows_what_came_before() -> None:
    plan = Plan(text="a b c d", preset="previous", settings=LocalSettings(positions=False))
    (found,) = weights(plan)
    assert torch.allclose(found[-1], torch.full((4,), 0.25, dtype=torch.float64))


@pytest.mark.parametrize("preset", ONE_LAYER)
def test_a_head_hands_on_what_it_found(preset: Any) -> None:
    text = "the cat saw the dog"
    plan = Plan(text=text, preset=preset, tags=(2,))
    built = handmade.run(plan)
    room = Room.of(words(text), has_before=False)
    (found,) = weights(plan)
    held = torch.zeros(5, room.n_words, dtype=torch.float64)
    for token, word in enumerate(room.word_at):
        held[:, word] += found[:, token]
    assert torch.allclose(built.output[0, :, : room.n_words], held)


SETTINGS = [
    LocalSettings(), LocalSettings(d_model=8, n_heads=4, n_kv_heads=2, causal=False, scaled=False, temperature=3.0),
    LocalSettings(d_model=12, n_heads=3, n_kv_heads=1, positions=False, seed=5),
]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS)
def test_without_changes_it_is_the_local_layer(settings: LocalSettings) -> None:
    text = "The cat sat on the mat"
    trace = local.trace_local(text, settings)
    built = handmade.run(Plan(text=text, settings=settings))
    record = trace.all_records[0]
    assert record.output is not None
    assert record.projected is not None
    assert torch.allclose(built.heads[0].transpose(0, 1).float(), record.output, atol=2e-5)
    assert torch.allclose(built.output[0].float()[: len(record.projected)], record.projected, atol=2e-5)


@pytest.mark.parametrize("settings", SETTINGS)
def test_a_score_set_by_hand_is_as_if_it_had_come_out(settings: LocalSettings) -> None:
    """Against scores that are changed and divided, masked and summed here."""
    text = "The cat sat on the mat"
    edits = (
        ScoreEdit(layer=0, head=0, row=3, column=1, value=7.5), ScoreEdit(layer=0, head=1, row=5, column=0, value=-4.0)
    )  # fmt: skip
    built = handmade.run(Plan(text=text, settings=settings, edits=edits))
    x, (layer,) = handmade.made(Plan(text=text, settings=settings), words(text))
    passed = layer.run(x[None])
    scores = passed.stages["scores"][0].clone()
    for edit in edits:
        scores[edit.head, edit.row, edit.column] = edit.value
    finished = scores * layer.scale / layer.temperature
    if settings.causal:
        finished = finished.masked_fill(torch.ones(6, 6).triu(1).bool(), float("-inf"))
    value = passed.value[0].repeat_interleave(settings.n_heads // settings.n_kv_heads, dim=0)
    expected = finished.softmax(-1) @ value
    assert torch.allclose(built.heads[0], expected)
    assert torch.allclose(built.output[0], expected.transpose(0, 1).flatten(1) @ layer.to_output.weight.T)


@pytest.mark.parametrize("matrix", handmade.MATRICES)
def test_a_weight_set_by_hand(matrix: Any) -> None:
    text, settings = "The cat sat", LocalSettings(d_model=8, n_heads=2, n_kv_heads=1)
    edit = WeightEdit(layer=0, matrix=matrix, row=5, column=2, value=1.5)
    built = handmade.run(Plan(text=text, settings=settings, edits=(edit,)))
    x, (layer,) = handmade.made(Plan(text=text, settings=settings), words(text))
    getattr(layer, f"to_{matrix}").weight[2, 5] = 1.5
    passed = layer.run(x[None])
    assert torch.equal(built.output[0], passed.output[0])


def test_only_the_first_tokens_are_used() -> None:
    text = " ".join(map(str, range(60)))
    assert handmade.run(Plan(text=text)).output.shape == (1, handmade.MOST_TOKENS, 64)


def test_what_a_browser_tells_is_read() -> None:
    told = {
        **TELL, "preset": "verb", "tags": [1, 2],
        "settings": {"d_model": 16, "n_heads": 2, "n_kv_heads": 1, "causal": False, "scaled": True, "temperature": 2,
                     "positions": True, "seed": 3},
        "edits": [{"matrix": "query", "layer": 0, "row": 1, "column": 2, "value": 3},
                  {"matrix": "scores", "layer": 1, "head": 0, "row": 1, "column": 2, "value": -0.5}],
    }  # fmt: skip
    plan = handmade.read(told)
    assert plan == Plan(
        text="The cat sat", preset="verb", tags=(1, 2),
        settings=LocalSettings(d_model=16, n_heads=2, n_kv_heads=1, causal=False, temperature=2.0, seed=3),
        edits=(WeightEdit(layer=0, matrix="query", row=1, column=2, value=3.0),
               ScoreEdit(layer=1, head=0, row=1, column=2, value=-0.5)),
    )  # fmt: skip
    assert hash(plan) == hash(handmade.read(told))


EDIT = {"matrix": "query", "layer": 0, "row": 1, "column": 2, "value": 3}
STRANGE: list[Any] = [
    None, [], "text", {**TELL, "text": 1}, {**TELL, "text": "x" * 1_001}, {**TELL, "preset": "other"},
    {**TELL, "preset": ["verb"]}, {**TELL, "settings": None}, {**TELL, "settings": {"d_model": 10**9}},
    {**TELL, "settings": {"d_model": 7, "n_heads": 2}}, {**TELL, "settings": {"d_model": "64"}},
    {**TELL, "settings": {"shape": 1}}, {**TELL, "settings": {"temperature": float("nan")}}, {**TELL, "tags": [24]},
    {**TELL, "tags": [True]}, {**TELL, "tags": [0] * 25}, {**TELL, "edits": [EDIT] * 41}, {**TELL, "edits": [1]},
    *({**TELL, "edits": [{**EDIT, **change}]} for change in (
        {"value": float("inf")}, {"value": 1e9}, {"value": "1"}, {"value": None}, {"row": -1}, {"row": 1.5},
        {"layer": 2}, {"matrix": "bias"}, {"column": 10**9}, {"matrix": "scores"}, {"matrix": "scores", "head": 99},
        {"matrix": ["query"]},
    )),
]  # fmt: skip


@pytest.mark.parametrize("told", STRANGE)
def test_what_a_stranger_tells_is_refused_in_words(told: Any) -> None:
    with pytest.raises(InputError, match=r"\.$"):
        handmade.read(told)


@pytest.mark.parametrize(
    "edit",
    [
        WeightEdit(layer=0, matrix="key", row=0, column=40, value=1.0),
        WeightEdit(layer=0, matrix="query", row=64, column=0, value=1.0),
        ScoreEdit(layer=0, head=0, row=0, column=3, value=1.0), ScoreEdit(layer=0, head=4, row=0, column=0, value=1.0),
    ],
)  # fmt: skip
def test_a_cell_that_is_not_there_is_refused(edit: Any) -> None:
    settings = LocalSettings(n_kv_heads=2)
    with pytest.raises(InputError):
        handmade.run(Plan(text="a b c", settings=settings, edits=(edit,)))


def test_a_text_without_a_word_is_refused() -> None:
    with pytest.raises(InputError, match="no word"):
        handmade.run(Plan(text="  "))


def test_the_shared_keys_are_those_of_the_layer() -> None:
    """The stages with shared keys and values, once more by hand, give what the layer gives."""
    settings = LocalSettings(d_model=8, n_heads=4, n_kv_heads=2)
    x, (layer,) = handmade.made(Plan(text="a b c", settings=settings), words("a b c"))
    assert isinstance(layer, MultiHeadSelfAttention)
    passed = layer.run(x[None])
    key, value = (one.repeat_interleave(2, dim=1) for one in (passed.key, passed.value))
    stages = attend(passed.query, key, value, scale=layer.scale, mask=torch.ones(3, 3).tril().bool())
    edit = ScoreEdit(layer=0, head=0, row=0, column=2, value=9.0)  # a cell that the mask closes
    built = handmade.run(Plan(text="a b c", settings=settings, edits=(edit,)))
    assert torch.allclose(built.heads[0], stages.mixed[0])
