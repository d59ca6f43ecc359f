"""What lessons promise of models whose run is changed, held against the models, and the changes against hooks."""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

import attention
from attention.analysis.losses import losses_off
from attention.analysis.named import NAMED
from attention.browser import lessons as told
from attention.bundled import notes
from attention.capture import Inputs
from attention.catalogue import find
from attention.config import Limits
from attention.errors import InputError
from attention.lessons import folder
from attention.lessons.kinds import CHEAP, SMALL
from attention.lessons.outcomes import Outcomes
from attention.lessons.records import Figure
from attention.lessons.state import view_of
from attention.source import inputs_of, load_source
from attention.ui.lesson_changes import Asked, Score, Text, losses, measure, origins
from attention.view import View

DOOR = "The red door opens slowly. The red door"
NAME = "Mr. Quibbleton was a tailor. Everyone loved Mr. Quibble"
TWICE = "The red door opens slowly. The red door opens slowly."
LAYERS, HEADS, WIDTH = 4, 6, 32


@cache
def figure(where: str) -> Figure:
    name, _, anchor = where.partition("#")
    lesson = folder.find(folder.read(folder.OURS)[0], name)
    assert lesson is not None
    found = next(step.figure for step in lesson.steps if step.anchor == anchor)
    assert found is not None
    return found


@cache
def runs_of(text: str, each: tuple[str, ...], follow: str = "") -> Outcomes:
    view = view_of(figure("16-induction#needs"))
    prompt = View(model=view.model, text=text).prompt
    return measure(Asked(prompt, each, follow, Limits()))


def chance(text: str, line: str, token: str) -> float:
    """The probability of a token as the next one, with these edits."""
    made = runs_of(text, (line,) if line else ("hide-k1",), token)
    return float(made.chances[1 if line else 0, made.names.index(token)])


def told_by(where: str) -> tuple[list[str], list[float]]:
    """The changes of a figure, and what each leaves of the followed token: the first number is of no change."""
    settings = figure(where).settings
    text = view_of(figure(where)).text
    made = runs_of(text, settings["each"], settings["follow"])
    at = made.names.index(settings["follow"]) if settings["follow"] else 0
    return list(settings["each"]), [float(value) for value in made.chances[:, at]]


@cache
def weights(text: str, layer: int, head: int, edits: str = "") -> np.ndarray:
    return attention.trace("storyteller", text, edits=edits).head(layer, head).weights


# The same by hooks on the model's own eager code


@cache
def eager() -> tuple[Any, Any]:
    entry = find("storyteller")
    assert entry is not None
    assert entry.path is not None
    model = AutoModelForCausalLM.from_pretrained(entry.path, attn_implementation="eager", dtype=torch.float32).eval()
    return model, AutoTokenizer.from_pretrained(entry.path)


@contextmanager
def off(model: Any, layer: int, head: int, how: str, query: int | None) -> Iterator[None]:
    """What enters the output projection of a layer, a head's columns replaced."""

    def replace(module: torch.nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
        z = args[0].clone()
        own = z[0, :, head * WIDTH : (head + 1) * WIDTH]
        counts = torch.arange(1, len(own) + 1)[:, None]
        new = torch.zeros_like(own) if how == "zero" else own.cumsum(0) / counts
        rows = slice(None) if query is None else [query]
        own[rows] = new[rows].clone()
        return (z,)

    hook = model.model.layers[layer].self_attn.o_proj.register_forward_pre_hook(replace)
    try:
        yield
    finally:
        hook.remove()


@pytest.mark.parametrize(
    ("line", "layer", "head", "how", "query"),
    [
        ("off-3.2", 3, 2, "zero", None), ("off-1.1", 1, 1, "zero", None), ("off-3.2-running", 3, 2, "running", None),
        ("off-1.0-q4", 1, 0, "zero", 4), ("off-1.0-q10", 1, 0, "zero", 10),
    ],
)  # fmt: skip
def test_the_numbers_of_a_figure_are_those_of_hooks(
    line: str, layer: int, head: int, how: str, query: int | None
) -> None:
    model, tokenizer = eager()
    ids = tokenizer(DOOR, return_tensors="pt").input_ids
    with torch.no_grad():
        base = model(ids).logits[0].double().log_softmax(-1)
        with off(model, layer, head, how, query):
            logs = model(ids).logits[0].double().log_softmax(-1)
    made = runs_of(DOOR, (line,), "open")
    token = tokenizer(" open", add_special_tokens=False).input_ids[0]
    at = made.names.index("open")
    assert made.chances[:, at] == pytest.approx([base[-1, token].exp().item(), logs[-1, token].exp().item()], abs=1e-5)
    gap = (base[-1].exp() * (base[-1] - logs[-1])).sum().item()
    assert made.divergences == pytest.approx([0.0, gap], abs=1e-5)


@pytest.mark.parametrize("some", [{(3, 2)}, {(1, 0), (3, 4)}, {(0, head) for head in range(HEADS)}], ids=len)
def test_a_loss_without_heads_is_that_of_hooks(some: set[tuple[int, int]]) -> None:
    model, tokenizer = eager()
    ids = tokenizer(TWICE, return_tensors="pt").input_ids
    with torch.no_grad(), ExitStack() as hooks:
        base = model(ids).logits[0]
        for layer, head in some:
            hooks.enter_context(off(model, layer, head, "zero", None))
        logits = model(ids).logits[0]
    expected = [torch.nn.functional.cross_entropy(one[:-1].double(), ids[0, 1:]).item() for one in (base, logits)]
    source = load_source("storyteller", None, None, None)
    inputs = inputs_of(source, TWICE, None, None)[0]
    assert losses_off(source, inputs, [(), some]) == pytest.approx(expected, abs=1e-5)


def test_no_loss_where_nothing_is_foreseen() -> None:
    source = load_source("storyteller", None, None, None)
    with pytest.raises(InputError, match="longer"):
        losses_off(source, Inputs(ids=(0,)), [()])
    cloze = load_source("cloze", None, None, None)
    with pytest.raises(InputError, match="next token"):
        losses_off(cloze, inputs_of(cloze, "The cat sat.", None, None)[0], [()])


# Temperature


def test_a_temperature_of_one_head_moves_the_prediction() -> None:
    each, (before, *after) = told_by("04-softmax#head")
    assert each == ["temper-3.2-t4", "temper-3.2-t2", "temper-3.2-t0.5", "temper-3.2-t0.1", "temper-1.0-t4"]
    assert before == pytest.approx(0.88, abs=0.005)
    assert weights(DOOR, 3, 2)[-1, 4] == pytest.approx(0.82, abs=0.005)
    four, two, half, tenth, other = after
    assert before - four > 0.3
    assert before > two > four
    assert 0 < half - before < 0.05
    assert abs(tenth - half) < 0.01
    assert abs(other - before) < 0.01
    last = weights(DOOR, 1, 0)[-1]
    assert (int(last.argmax()), round(float(last.max()), 2)) == (9, 1.0)
    assert weights(DOOR, 1, 0, "temper-1.0-t4")[-1].max() > 0.95


# A weight and what it matters


def test_a_head_with_nearly_all_its_weight_on_one_word_is_not_needed() -> None:
    _, (before, *after) = told_by("05-values#off")
    assert before == pytest.approx(0.95, abs=0.005)
    row = weights(NAME, 1, 1)[19]
    assert (int(row.argmax()), round(float(row.max()), 2)) == (9, 0.98)
    assert len(after) == 5
    assert all(abs(one - before) < SMALL / 2 for one in after)


def test_two_heads_with_one_weight_matter_differently_and_stand_in_for_each_other() -> None:
    each, (before, zero, two, both, *means) = told_by("05-values#needed")
    assert each == ["off-3.0", "off-3.2", "off-3.0,off-3.2", "off-3.0-mean", "off-3.2-mean"]
    rows = [weights(NAME, 3, head)[19] for head in (0, 2)]
    assert [int(row.argmax()) for row in rows] == [6, 6]
    assert [round(float(row.max()), 2) for row in rows] == [1.0, 0.99]
    assert (round(before, 2), round(zero, 2), round(two, 2)) == (0.95, 0.92, 0.17)
    assert abs(means[0] - zero) < 0.01
    assert round(means[1], 2) == 0.04
    made = runs_of(NAME, tuple(each), "ton")
    at = made.names.index("ton")
    assert sum(made.chances[3] > made.chances[3, at]) >= 4, "no longer among the likely tokens"
    assert math.log(both / before) < math.log(zero / before) + math.log(two / before)


# What is lost without heads


@cache
def lost() -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    asked = Text(view_of(figure("07-heads#off")).prompt, LAYERS, HEADS, Limits())
    made = told.ablations(losses(asked), LAYERS, HEADS)
    assert view_of(figure("07-heads#off")).text == view_of(figure("07-heads#alone")).text == TWICE
    base = made["base"]
    one, others, whole = (np.array(made[name]) - base for name in ("one", "others", "whole"))
    return one, others, whole, base


def test_most_heads_can_be_missed_one_at_a_time() -> None:
    one, _, whole, base = lost()
    assert base == pytest.approx(2.82, abs=0.005)
    dear = {(int(layer), int(head)) for layer, head in np.argwhere(one >= CHEAP)}
    assert dear == {(0, 0), (0, 1), (1, 0), (3, 2)}
    assert not ((one > CHEAP - 0.05) & (one < CHEAP + 0.05)).any(), "none stands at the edge"
    ratio = whole / one.max(1)
    assert int(ratio.argmax()) == 3
    assert ratio[3] > 3 > 2.6 > max(ratio[:3])


def test_one_head_alone_is_enough_in_two_layers() -> None:
    one, others, _, _ = lost()
    best = others.min(1)
    assert [layer for layer in range(LAYERS) if best[layer] < CHEAP] == [1, 2]
    assert not ((best > CHEAP - 0.1) & (best < CHEAP + 0.1)).any(), "none stands at the edge"
    assert np.unravel_index(others.argmin(), others.shape) == (1, 0)
    assert abs(others.min()) < 0.02
    assert all((one[layer] < CHEAP).sum() > HEADS / 2 for layer in (0, 3))


def test_the_heads_that_are_missed_are_the_look_up() -> None:
    trace = attention.trace("storyteller", TWICE)
    found = attention.patterns(trace, least=NAMED)
    named = {(one.layer, one.head): one.pattern for one in found if one.pattern not in ("uniform", "self")}
    assert named[0, 0] == named[1, 0] == "previous token"
    assert named[0, 1] == "duplicate token"
    assert named[3, 2] == "induction"


# Question 49


def test_the_head_with_the_larger_weight_matters_less() -> None:
    each, (before, zero, two, *running) = told_by("13-interview#explanation")
    assert each == ["off-3.0", "off-3.2", "off-3.0-running", "off-3.2-running"]
    assert [round(float(weights(DOOR, 3, head)[-1, 4]), 2) for head in (0, 2)] == [0.98, 0.82]
    assert before - zero < 0.1 < 0.5 < before - two
    assert abs(running[1] - two) > 0.05, "with the mean so far the number is another one"
    assert running[0] > running[1]


# Question 48


def test_the_answer_needs_the_first_token_of_all_heads_together() -> None:
    each, (before, hidden, head, layer) = told_by("13-interview#hidden")
    assert each == ["hide-k0", "cut-3.0-k0", "cut-3-k0"]
    assert before == pytest.approx(0.88, abs=0.005)
    assert hidden < before / 2
    assert abs(head - before) < 0.03
    assert abs(layer - before) < 0.03


# One head taken apart


def test_three_heads_continue_a_pattern_and_one_was_never_guided() -> None:
    trace = attention.trace("storyteller", DOOR)
    found = {(one.layer, one.head) for one in attention.patterns(trace, least=NAMED) if one.pattern == "induction"}
    assert found == {(2, 0), (3, 0), (3, 2)}
    guided = {(layer, head) for _, layer, head in notes("storyteller").guided}
    assert found & guided == {(2, 0), (3, 0)}
    assert chance("The red door", "", "open") < 0.01
    assert chance(DOOR, "", "open") == pytest.approx(0.88, abs=0.005)
    surest = {head: float(weights(DOOR, *head)[-1].max()) for head in found}
    assert [round(surest[head], 2) for head in ((3, 0), (3, 2), (2, 0))] == [0.98, 0.82, 0.56]


def test_the_word_after_door_looks_at_door() -> None:
    every = weights(DOOR, 1, 0)
    assert all(every[place, place - 1] > 0.99 for place in range(1, len(every)))
    assert every[-1, 4] < 0.001


def parts_by_hand() -> tuple[float, float, float]:
    """Head 3.2's score of token 10 and 4; what head 1.0 wrote into its key; and that with what head 0.1 wrote into its
    query: from hooks, the norm's own scale held.
    """
    model, tokenizer = eager()
    ids = tokenizer(DOOR, return_tensors="pt").input_ids
    layers = model.model.layers
    seen: dict[int | str, Tensor] = {}
    hooks = [
        layers[at].self_attn.o_proj.register_forward_pre_hook(lambda _, args, at=at: seen.update({at: args[0][0]}))
        for at in (0, 1)
    ]
    hooks.append(layers[3].input_layernorm.register_forward_pre_hook(lambda _, args: seen.update(entered=args[0][0])))
    with torch.no_grad():
        model(ids)
    for hook in hooks:
        hook.remove()
    attend, norm = layers[3].self_attn, layers[3].input_layernorm
    entered = seen["entered"]
    inverse = (entered.pow(2).mean(-1, keepdim=True) + norm.variance_epsilon).rsqrt()

    def written(layer: int, head: int) -> Tensor:
        columns = slice(head * WIDTH, (head + 1) * WIDTH)
        return seen[layer][:, columns] @ layers[layer].self_attn.o_proj.weight[:, columns].T

    cos, sin = model.model.rotary_emb(entered[None], torch.arange(len(entered))[None])

    def turned(projection: torch.nn.Module, part: Tensor) -> Tensor:
        flat = projection(part * inverse * norm.weight)
        heads = flat.view(1, len(entered), -1, WIDTH).transpose(1, 2)
        made, _ = apply_rotary_pos_emb(heads, heads, cos, sin)
        return made[0]

    group = 2 * attend.k_proj.out_features // attend.q_proj.out_features
    with torch.no_grad():
        query, from_same = (turned(attend.q_proj, one)[2, 10] for one in (entered, written(0, 1)))
        key, from_previous = (turned(attend.k_proj, one)[group, 4] for one in (entered, written(1, 0)))
    pairs = ((query, key), (query, from_previous), (from_same, from_previous))
    score, share, pair = (float(one @ other) / math.sqrt(WIDTH) for one, other in pairs)
    return score, share, pair


def test_the_score_is_mostly_what_the_previous_token_head_wrote() -> None:
    view = view_of(figure("16-induction#sources"))
    found = origins(Score(view.prompt, "decoder", view.layer, view.head, 10, view.key or 0, Limits()))
    head = attention.trace(view.model, view.text).head(view.layer, view.head)
    made = told.origins(found, head)
    score, share, pair = parts_by_hand()
    assert (made["query"], made["key"], made["holds"]) == ("door", "open", True)
    assert made["score"] == pytest.approx(score, abs=1e-3)
    assert score == pytest.approx(11, abs=0.1)
    first, second, *_ = made["parts"]["key"]
    assert first == {"name": "head 1.0", "value": pytest.approx(share, abs=1e-3)}
    assert first["value"] > 0.7 * score > 7 * abs(second["value"])
    assert sum(one["value"] for one in made["parts"]["key"]) == pytest.approx(score, abs=1e-3)
    assert [one["name"] for one in made["parts"]["query"][:2]] == ["head 0.1", "MLP 0"]
    (largest,) = found.ranked(1)
    assert (largest.query.layer, largest.query.head, largest.key.layer, largest.key.head) == (0, 1, 1, 0)
    assert largest.value * found.scale == pytest.approx(pair, abs=1e-3)


def test_without_the_earlier_head_the_induction_head_finds_nothing() -> None:
    settings = figure("16-induction#before").settings
    assert settings["each"] == ("off-1.0", "off-1.0-running", "cut-1.0-q4-k3", "off-1.1", "off-0.0")
    rows = [weights(DOOR, 3, 2, line)[-1] for line in ("", *settings["each"])]
    before, zero, running, cut, *others = (float(row[4]) for row in rows)
    assert before == pytest.approx(0.82, abs=0.005)
    assert zero < 0.05
    assert rows[1].argmax() == 0
    assert rows[1][0] > 0.7
    assert running < 0.2
    assert cut / before == pytest.approx(1 / 3, abs=0.05)
    assert all(abs(one - before) < SMALL for one in others)


def test_the_answer_needs_most_a_head_that_does_not_look_at_the_word() -> None:
    each, (before, *after) = told_by("16-induction#needs")
    assert each == ["off-3.0", "off-3.2", "off-2.0", "off-1.0", "off-3.0,off-3.2", "off-3.2-mean", "off-2.0-mean"]
    three, two, early, previous, both, *means = after
    assert [round(one, 2) for one in (two, early, *means)] == [0.20, 0.45, 0.18, 0.08]
    assert before > three > early > two > previous
    assert previous < 0.01
    assert before - both > (before - three) + (before - two)
    assert math.log(both / before) < 2 * (math.log(three / before) + math.log(two / before))


def test_the_earlier_head_is_needed_at_the_first_open_and_not_at_the_end() -> None:
    each, (before, end, first) = told_by("16-induction#place")
    assert each == ["off-1.0-q10", "off-1.0-q4"]
    assert abs(end - before) < SMALL / 2
    assert first < 0.05
