"""Every head switched off in turn, against the model's own eager run with hooks on the input of its projections."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from attention.analysis.ablation import Apart, HeadsOff, all_off, apart, each_off
from attention.analysis.effect import Metric
from attention.analysis.head_map import HeadMap
from attention.analysis.preview import preview
from attention.capture import Address, Inputs
from attention.capture.replaced import Head
from attention.errors import HeadlightError, InputError
from attention.reference import ReferenceTexts
from attention.source import Source, load_source, reference_inputs
from tests import small_models
from tests.analysis import by_hooks
from tests.analysis.by_hooks import PATHS, eager, heads_of, places, replacing, run, source_of, text_of
from tests.lazy import Lazy

peft = Lazy("peft")
FAMILIES = list(PATHS)
TARGET, DISTRACTOR = 17, 42


def difference(logits: Tensor, position: int) -> float:
    return float(logits[position, TARGET].double() - logits[position, DISTRACTOR].double())


def zeros(z: Tensor) -> Tensor:
    return torch.zeros_like(z)


def so_far(z: Tensor) -> Tensor:
    return torch.stack([z[: i + 1].mean(dim=0) for i in range(len(z))])


def map_by_hooks(
    family: str, model: Any, text: Inputs, position: int, new: Callable[[Tensor], Tensor], query: int | None = None
) -> dict[tuple[str, int, int], float]:
    own = eager(model)
    base = difference(run(family, own, text), position)
    return {
        (*at, head): difference(run(family, own, text, replacing(at, head, new, query)), position) - base
        for at in places(family)
        for head in range(by_hooks.HEADS)
    }


def check(made: HeadMap, wanted: dict[tuple[str, int, int], float], tolerance: float = 1e-5) -> None:
    found = {(at.kind, at.layer, head): row[head] for at, row in made.values.items() for head in range(len(row))}
    assert found.keys() == wanted.keys()
    assert max(abs(value) for value in wanted.values()) > 1e-2  # there is something to see
    assert {place: found[place] for place in wanted} == pytest.approx(wanted, abs=tolerance)


@pytest.mark.parametrize("how", [("zero", zeros), ("running", so_far)], ids=["zero", "running"])
@pytest.mark.parametrize("family", FAMILIES)
def test_each_head_off_is_what_a_hook_makes(family: str, how: tuple[Any, Callable[[Tensor], Tensor]]) -> None:
    source, text = source_of(family), text_of(family)
    made = all_off(source, text, how=how[0], target=TARGET, distractor=DISTRACTOR, position=5)
    check(made, map_by_hooks(family, source.model, text, 5, how[1]))
    assert made.done == made.total == len(places(family)) * by_hooks.HEADS


@pytest.mark.parametrize("family", ["llama", "bert", "bloom"])
def test_a_head_can_be_off_at_one_query(family: str) -> None:
    source, text = source_of(family), text_of(family)
    made = all_off(source, text, query=4, target=TARGET, distractor=DISTRACTOR, position=5)
    check(made, map_by_hooks(family, source.model, text, 5, zeros, query=4))


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_the_mean_is_that_of_reference_texts_without_their_first_token(family: str) -> None:
    """Told by hooks from one run for each text, of unequal lengths."""
    tokenizer, text = small_models.tokenizer("gpt2"), text_of(family)
    source = Source(model=source_of(family, vocab_size=len(tokenizer)).model, tokenizer=tokenizer, trained=True)
    made_of = ReferenceTexts(texts=("The cat sat.", "She walked to the bank", "x"), name="three texts")
    inputs = reference_inputs(source, made_of)
    assert len({len(one.ids) for one in inputs}) == 3
    own = eager(source.model)
    all_heads = [heads_of(family, own, one) for one in inputs]
    means = {at: torch.cat([heads[at][1:] for heads in all_heads]).double().mean(dim=0) for at in places(family)}
    made = all_off(source, text, how="mean", reference=made_of, target=TARGET, distractor=DISTRACTOR, position=5)
    base = difference(run(family, own, text), 5)
    wanted = {}
    for at in places(family):
        for head in range(by_hooks.HEADS):
            edit = replacing(at, head, lambda z, mean=means[at][head]: mean.expand_as(z))
            wanted[(*at, head)] = difference(run(family, own, text, edit), 5) - base
    check(made, wanted)
    assert "its mean over three texts" in made.sentence
    assert made_of.digest in made.sentence


VALUES = {
    "llama": ("model.layers.{}.self_attn.v_proj", slice(None)),
    "gpt2": ("transformer.h.{}.attn.c_attn", slice(96, None)),
    "bert": ("bert.encoder.layer.{}.attention.self.value", slice(None)),
}  # fmt: skip


@pytest.mark.parametrize("family", list(VALUES))
def test_a_head_rests_on_the_first_token(family: str) -> None:
    """Its output is the first token's value at every query: of its own group where values are shared."""
    source, text = source_of(family), text_of(family)
    own = eager(source.model)
    values: dict[int, Tensor] = {}
    path, columns = VALUES[family]
    named = dict(own.named_modules())

    def keep(layer: int) -> Any:
        def hook(module: Any, args: Any, output: Tensor) -> None:
            values[layer] = output[0, 0, columns].detach().reshape(-1, 12)  # (g, v)

        return hook

    with by_hooks.hooked(named[path.format(layer)].register_forward_hook(keep(layer)) for layer in range(3)):
        base = difference(run(family, own, text), 5)
    wanted = {}
    for kind, layer in places(family):
        for head in range(4):
            first = values[layer][head * len(values[layer]) // 4]
            edit = replacing((kind, layer), head, lambda z, first=first: first.expand_as(z))
            wanted[kind, layer, head] = difference(run(family, own, text, edit), 5) - base
    check(all_off(source, text, how="first", target=TARGET, distractor=DISTRACTOR, position=5), wanted)


@pytest.mark.parametrize("family", ["llama", "bert", "bloom", "t5"])
def test_with_later_outputs_frozen_the_effect_is_direct(family: str) -> None:
    """All heads but the one are given what they were in a run without a change."""
    source, text = source_of(family), text_of(family)
    own = eager(source.model)
    kept, base = heads_of(family, own, text), difference(run(family, own, text), 5)
    wanted = {}
    for place in places(family):
        for head in range(4):

            def edit(at: tuple[str, int], heads: Tensor, place: Any = place, head: int = head) -> Tensor:
                return replacing(place, head, zeros)(at, kept[at])

            wanted[(*place, head)] = difference(run(family, own, text, edit), 5) - base
    made = all_off(source, text, frozen="outputs", target=TARGET, distractor=DISTRACTOR, position=5)
    check(made, wanted)
    assert "later heads' outputs frozen" in made.sentence


@pytest.mark.parametrize("family", ["llama", "bert"])
def test_with_weights_frozen_later_heads_look_where_they_looked(family: str) -> None:
    """Each head's output is its weights of a run without a change on the values of this one."""
    source, text = source_of(family), text_of(family)
    own = eager(source.model)
    with torch.no_grad():
        maps = own(input_ids=torch.tensor([text.ids]), output_attentions=True).attentions  # (1, h, n, n) each
    base = difference(run(family, own, text), 5)
    named, path = dict(own.named_modules()), VALUES[family][0]
    values: dict[int, Tensor] = {}

    def keep(layer: int) -> Any:
        def hook(module: Any, args: Any, output: Tensor) -> None:
            values[layer] = output[0].reshape(len(text.ids), -1, 12)

        return hook

    wanted = {}
    with by_hooks.hooked(named[path.format(layer)].register_forward_hook(keep(layer)) for layer in range(3)):
        for place in places(family):
            for head in range(4):

                def edit(at: tuple[str, int], heads: Tensor, place: Any = place, head: int = head) -> Tensor:
                    shared = values[at[1]].repeat_interleave(4 // values[at[1]].shape[1], dim=1)
                    mixed = torch.einsum("hqk,khv->qhv", maps[at[1]][0], shared)
                    return replacing(place, head, zeros)(at, mixed)

                wanted[(*place, head)] = difference(run(family, own, text, edit), 5) - base
    check(all_off(source, text, frozen="weights", target=TARGET, distractor=DISTRACTOR, position=5), wanted)


def test_weights_are_frozen_on_the_softmax_mode_too() -> None:
    """With nothing changed by the frozen weights the map is that of the last layer, where no head is later."""
    source, text = source_of("bloom"), text_of("bloom")
    loose = all_off(source, text, target=TARGET, distractor=DISTRACTOR)
    frozen = all_off(source, text, frozen="weights", target=TARGET, distractor=DISTRACTOR)
    last = Address("decoder", 2)
    assert frozen.values[last] == pytest.approx(loose.values[last], abs=1e-9)
    assert np.abs(frozen.values[Address("decoder", 0)] - loose.values[Address("decoder", 0)]).max() > 1e-3


@pytest.mark.filterwarnings("ignore::FutureWarning:transformers.*", "ignore::UserWarning:peft.*")
def test_an_adapters_heads_are_switched_off_with_it() -> None:
    source, text = source_of("llama"), text_of("llama")
    config = peft.LoraConfig(r=3, target_modules=["q_proj", "v_proj", "o_proj"], task_type="CAUSAL_LM")
    made = peft.get_peft_model(copy.deepcopy(source.model), config)
    torch.manual_seed(3)
    with torch.no_grad():
        for name, weight in made.named_parameters():
            if "lora_" in name:
                weight.normal_(0, 0.3)
    adapted = made.get_base_model().eval()
    with_adapter = Source(model=adapted, tokenizer=None, trained=True)
    found = all_off(with_adapter, text, target=TARGET, distractor=DISTRACTOR, position=5)
    check(found, map_by_hooks("llama", adapted, text, 5, zeros))
    bare = all_off(source, text, target=TARGET, distractor=DISTRACTOR, position=5)
    assert np.abs(found.grid("decoder")[1] - bare.grid("decoder")[1]).max() > 1e-2


@pytest.mark.parametrize("how", ["zero", "running", "first"])
@pytest.mark.parametrize("family", ["llama", "gemma2", "bloom"])
def test_what_comes_later_changes_nothing(family: str, how: Any) -> None:
    """A head that is off at query 6 changes nothing at 5, to the last bit; nor does another last token."""
    source, text = source_of(family), text_of(family)
    later = all_off(source, text, how=how, query=6, target=TARGET, distractor=DISTRACTOR, position=5)
    assert all((row == 0).all() for row in later.values.values())
    other = Inputs(ids=(*text.ids[:-1], (text.ids[-1] + 1) % 100))
    maps = [all_off(source, one, how=how, target=TARGET, distractor=DISTRACTOR, position=5) for one in (text, other)]
    assert maps[0].base == maps[1].base
    for address in maps[0].values:
        assert maps[0].values[address].tolist() == maps[1].values[address].tolist()


def test_a_head_that_writes_nothing_changes_nothing() -> None:
    """To the last bit, in the middle of the others."""
    source, text = source_of("llama"), text_of("llama")
    with torch.no_grad():
        source.model.get_submodule("model.layers.1.self_attn.o_proj").weight[:, 24:36] = 0
    made = all_off(source, text, target=TARGET, distractor=DISTRACTOR)
    assert made.values[Address("decoder", 1)][2] == 0
    assert (np.abs(np.delete(made.grid("decoder")[1].ravel(), 6)) > 1e-6).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_preview_is_activation_times_gradient(family: str) -> None:
    """Told by gradients of the model's own run at the input of its projections."""
    source, text = source_of(family), text_of(family)
    own, entered = eager(source.model), {}

    def keep(at: tuple[str, int], heads: Tensor) -> Tensor:
        entered[at] = heads.detach().requires_grad_() if at == places(family)[0] else heads
        if entered[at].requires_grad:
            entered[at].retain_grad()
        return entered[at]

    logits = run(family, own, text, keep, gradients=True)
    (logits[5, TARGET].double() - logits[5, DISTRACTOR].double()).backward()
    wanted = {}
    for at in places(family):
        slope = entered[at].grad  # none where the metric does not depend on it
        moved = torch.zeros(4) if slope is None else -(entered[at].detach() * slope).sum(dim=(0, 2))
        wanted |= {(*at, head): float(moved[head]) for head in range(4)}
    made = preview(source, text, HeadsOff(target=TARGET, distractor=DISTRACTOR, position=5))
    check(made, wanted)
    assert not made.exact


def test_the_preview_is_near_the_truth_for_a_small_change() -> None:
    """A head whose output is small is where a line is a good guess of the curve."""
    source, text = source_of("gpt2"), text_of("gpt2")
    with torch.no_grad():
        for layer in range(3):
            source.model.get_submodule(f"transformer.h.{layer}.attn.c_proj").weight *= 1e-3
    true = all_off(source, text, target=TARGET, distractor=DISTRACTOR).grid("decoder")[1]
    guess = preview(source, text, HeadsOff(target=TARGET, distractor=DISTRACTOR)).grid("decoder")[1]
    assert np.abs(guess - true).max() < 0.02 * np.abs(true).max()


def test_the_map_fills_up_and_can_be_left() -> None:
    source, text = load_source("storyteller", None, None), Inputs(ids=tuple(range(20, 220)))
    seen: list[tuple[int, int]] = []
    maps = list(each_off(source, text, on_progress=lambda done, total: seen.append((done, total))))
    assert len(maps) > 1
    assert [one.done for one in maps] == [done for done, _ in seen]
    assert seen[-1] == (24, 24)
    assert np.isnan(maps[0].grid("decoder")[1]).sum() == 24 - maps[0].done
    assert maps[0].values[Address("decoder", 0)][0] == maps[-1].values[Address("decoder", 0)][0]

    class LeftError(HeadlightError):
        pass

    def leave() -> None:
        raise LeftError("left")

    with pytest.raises(LeftError):
        next(each_off(source, text, give_way=leave))


def test_the_two_likeliest_are_what_is_asked_where_nothing_is() -> None:
    source, text = source_of("llama"), text_of("llama")
    best = run("llama", eager(source.model), text)[-1].topk(2).indices.tolist()
    made = all_off(source, text)
    assert [made.metric.target, made.metric.distractor] == best
    assert made.metric.position == len(text.ids) - 1
    ranked = made.ranked()
    assert len(ranked) == 12
    assert abs(ranked[0][1]) == max(np.abs(row).max() for row in made.values.values())
    assert made.sentence.startswith("Every head in turn, zero, at every position, one prompt: change of the logit ")


def test_a_target_alone_is_measured_by_its_log_probability() -> None:
    source, text = source_of("gpt2"), text_of("gpt2")
    made = all_off(source, text, target=TARGET)
    own = eager(source.model)
    logs = [
        run("gpt2", own, text, edit)[-1].log_softmax(-1)[TARGET]
        for edit in (None, replacing(("decoder", 1), 3, zeros))
    ]
    assert made.values[Address("decoder", 1)][3] == pytest.approx(float(logs[1] - logs[0]), abs=1e-9)
    assert made.base == pytest.approx(float(logs[0]), abs=1e-9)


def test_one_kind_of_attention_can_be_asked_for() -> None:
    source, text = source_of("bart"), text_of("bart")
    made = all_off(source, text, kinds=["cross"])
    assert made.kinds == ("cross",)
    assert "of cross attention" in made.sentence
    with pytest.raises(InputError, match="no cross attention; it has decoder"):
        all_off(source_of("gpt2"), text_of("gpt2"), kinds=["cross"])
    with pytest.raises(InputError, match="no cross attention; it has decoder"):
        preview(source_of("gpt2"), text_of("gpt2"), HeadsOff(kinds=["cross"]))


def test_an_estimate_of_frozen_heads_is_refused() -> None:
    with pytest.raises(InputError, match="frozen there is no estimate"):
        preview(source_of("gpt2"), text_of("gpt2"), HeadsOff(frozen="outputs"))


def test_heads_of_which_zero_and_mean_differ_by_twice_or_more_are_named_with_both_numbers() -> None:
    def made(*rows: list[float], target: int = 1) -> HeadMap:
        values = {Address("decoder", at): np.array(row) for at, row in enumerate(rows)}
        return HeadMap(values=values, metric=Metric(target=target, distractor=0), base=1.0, sentence="")

    #                 alike  twice  sign  small  untried
    zero, mean = made([-1.0, -0.8, 0.3], [0.04, np.nan]), made([-0.9, -0.4, -0.1], [-0.01, 5.0])
    head = [Head(Address("decoder", 0), one) for one in range(3)]
    told = [(one.head, one.first, one.second) for one in apart(zero, mean)]
    assert told == [(head[1], -0.8, -0.4), (head[2], 0.3, -0.1)]
    assert apart(mean, zero)[0] == Apart(head=head[1], first=-0.4, second=-0.8)
    assert apart(zero, zero) == apart(made([np.nan]), made([np.nan])) == ()
    with pytest.raises(InputError, match="different predictions"):
        apart(zero, made([1.0], target=2))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"how": "off"}, "switched off by zero, mean, running, first"), ({"query": 11}, "queries are 0 to 10"),
        ({"position": 11}, "positions 0 to 10"), ({"target": 101}, "predicts numbers 0 to 100"),
        ({"target": 3, "distractor": 3}, "the same"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_refused(how: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        all_off(source_of("gpt2"), text_of("gpt2"), **how)
    if "how" not in how:
        with pytest.raises(InputError, match=message):
            preview(source_of("gpt2"), text_of("gpt2"), HeadsOff(**how))


def test_a_model_that_predicts_nothing_is_refused() -> None:
    source = Source(model=by_hooks.build("bert", "encoder"), tokenizer=None)
    with pytest.raises(InputError, match="predicts nothing"):
        all_off(source, text_of("gpt2"))


def test_a_model_that_labels_a_text_is_asked_for_its_labels() -> None:
    """Its decoder finds a text's end by padding alone, so without any its heads run one by one."""
    import transformers

    torch.manual_seed(2)
    config = transformers.GPT2Config(vocab_size=101, n_embd=48, n_layer=2, n_head=4, n_positions=64, num_labels=3)
    config.pad_token_id = None
    model = transformers.GPT2ForSequenceClassification(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.normal_(0, 0.15)
    text = text_of("gpt2")
    made = all_off(Source(model=model, tokenizer=None, trained=True), text, target=2, distractor=0)
    own = eager(model)

    def before(module: Any, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        heads = args[0].clone()
        heads[..., 12:24] = 0
        return (heads,)

    with torch.no_grad():
        base = own(torch.tensor([text.ids])).logits[0]
        with by_hooks.hooked([own.transformer.h[0].attn.c_proj.register_forward_pre_hook(before)]):
            off = own(torch.tensor([text.ids])).logits[0]
    change = float((off[2] - off[0]) - (base[2] - base[0]))
    assert made.values[Address("decoder", 0)][1] == pytest.approx(change, abs=1e-5)
    assert made.metric.position is None
    assert "“LABEL_2” − “LABEL_0”, " not in made.sentence
    assert "“LABEL_2” − “LABEL_0”" in made.sentence
