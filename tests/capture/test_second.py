"""An edited run against a second run of the model's own code, with the same edits made by other means."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

from attention.capture import Call, Inputs, fidelity
from attention.capture import edited as editing
from attention.capture.anatomy import CHOICE, anatomy_of
from attention.capture.anew import NotComparedError
from attention.capture.edited import Given
from attention.capture.edited_run import edits_of_run, patched_from
from attention.capture.fidelity import Sources, compare_edited, replacements_anew
from attention.capture.means import means_of
from attention.capture.recorded import record_edited
from attention.capture.second import second_run
from attention.edits import Edit, edits_of
from attention.record import Fidelity
from tests.capture.test_observe import FAMILIES, SINGLE
from tests.tiny import build, ids

# Every verb and every way of it, alone; and several on one head, in orders that matter. P stands for the kind.
LINES = (
    "off-P1.2", "off-P1", "off-P1.2-q3", "off-P1.1-running", "off-P1.1-running-q4", "off-P1.3-first",
    "off-P1.3-first-q5", "off-P1.2-mean", "off-P1.2-mean-q3", "cut-P1.2-q5-k3", "cut-P1-q5-k3", "cut-Q-q5-k3",
    "hide-Q-k2", "temper-P1.1-t0.5", "temper-P1-t2.5,temper-P1.2-t3", "even-P1.2-q5", "even-P1", "patch-P1.2",
    "patch-P1.2-q3", "patch-P1.1-weights", "patch-P1.1-weights-q5",
    "even-P1.1,off-P1.1-running,cut-P1.1-q5-k3,temper-P1.1-t2,off-P1.1-q2",
    "off-P1.1-first-q5,even-P1.1-q5,off-P1.2,off-P1.2-mean-q4",
)  # fmt: skip
MORE: list[tuple[str, str, dict[str, Any], str]] = [
    ("granite_swa", "decoder", {}, "registry"), ("qwen3", "decoder", {}, "registry"),
]  # fmt: skip
KINDS = {"decoder": ("decoder",), "encoder": ("encoder",), "masked": ("encoder",),
         "both": ("encoder", "decoder", "cross")}  # fmt: skip
CASES = [(*family, kind) for family in FAMILIES + MORE for kind in KINDS[family[1]]]
NAMES = [f"{case[0]}-{case[4]}" for case in CASES]
BY_NAME = {family[0]: family for family in FAMILIES + MORE}


@cache
def shared(name: str, dtype: torch.dtype = torch.float32) -> Any:
    """The family's model, for tests that change nothing in it: what is edited is a run."""
    _, kind, sizes, _ = BY_NAME[name]
    return build(name, kind, **sizes).to(dtype)


def lines_of(kind: str) -> list[str]:
    return [line.replace("P", f"{kind}.").replace("Q", kind) for line in LINES]


def texts_of(kind: str) -> tuple[Inputs, Inputs]:
    """A text and another one of as many tokens."""
    pairs = [tuple(ids(7, seed=50 + n)) if kind == "both" else () for n in range(2)]
    return Inputs(ids=tuple(ids(9, seed=20)), pair_ids=pairs[0]), Inputs(ids=tuple(ids(9, seed=21)), pair_ids=pairs[1])


def reference_of(kind: str) -> list[Inputs]:
    return [
        Inputs(ids=tuple(ids(n, seed=n)), pair_ids=tuple(ids(n - 1, seed=n + 9)) if kind == "both" else ())
        for n in (5, 11)
    ]


def sources_of(kind: str, patch: Inputs | None = None) -> Sources:
    return Sources(patch=patch, texts=lambda: reference_of(kind), digest="of a test")


def compared(model: Any, lines: str, kind: str) -> tuple[Fidelity, Tensor]:
    """An edited run's fidelity, and what it put out. What means and patches take is made by either run for itself."""
    text, other = texts_of(kind)
    edits = edits_of_run(model, text, edits_of(lines))
    anew = replacements_anew(model, text, edits, sources_of(kind, other))
    given = patched_from(model, text, other, edits) if "patch" in lines else Given()
    if "mean" in lines:
        given = Given({**anew.outputs, **given.outputs}, given.weights)
    put_out = record_edited(model, text, edits, given).put_out.tensor
    return compare_edited(model, text, edits, anew, put_out), put_out


@pytest.mark.parametrize(("name", "kind", "sizes", "mode", "at"), CASES, ids=NAMES)
def test_an_edited_run_is_the_second_run(name: str, kind: str, sizes: dict[str, Any], mode: str, at: str) -> None:
    # Two whole runs of random, sharp layers part by more than rounding of one: in double where the model can run so.
    model = shared(name, torch.float32 if name in SINGLE else torch.float64)
    before = {id(config): getattr(config, CHOICE) for config in anatomy_of(model).configs}
    base = compared(model, "", kind)[1]
    changed = 0
    for line in lines_of(at):
        found, result = compared(model, line, kind)
        assert found.edited
        assert found.ok, (line, found)
        assert found.seconds > 0
        changed += bool((result - base).abs().max() > 1e-3 * base.abs().max())
    assert changed > len(LINES) / 2
    assert {id(config): getattr(config, CHOICE) for config in anatomy_of(model).configs} == before


# The second run itself, against hooks that this file writes


def plain(model: Any, text: Inputs) -> Tensor:
    with torch.no_grad():
        given = {"decoder_input_ids": torch.tensor([text.pair_ids]), "use_cache": False} if text.pair_ids else {}
        return model(input_ids=torch.tensor([text.ids]), attention_mask=torch.ones(1, len(text.ids)), **given)[0][0]


HOOKED = {
    "gpt2": "transformer.h.1.attn.c_proj", "llama": "model.layers.1.self_attn.o_proj",
    "gemma2": "model.layers.1.self_attn.o_proj", "gpt_oss": "model.layers.1.self_attn.o_proj",
    "falcon": "transformer.h.1.self_attention.dense", "bloom": "transformer.h.1.self_attention.dense",
    "gptj": "transformer.h.1.attn.out_proj", "t5": "decoder.block.1.layer.0.SelfAttention.o",
}  # fmt: skip
OUTPUTS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "off-1.2": lambda z, _: torch.zeros_like(z),
    "off-1.2-q3": lambda z, _: torch.cat([z[:3], 0 * z[3:4], z[4:]]),
    "off-1.2-running": lambda z, _: z.cumsum(0) / torch.arange(1, len(z) + 1)[:, None],
    "off-1.2-mean": lambda z, mean: mean.expand_as(z),
    "off-1.2-mean-q3": lambda z, mean: torch.cat([z[:3], mean, z[4:]]),
}


@contextmanager
def entering(module: Any, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """While inside, head 2 of 4 is changed as it enters the projection."""

    def before(module: Any, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        heads = args[0].clone()
        own = heads.reshape(-1, 4, heads.shape[-1] // 4)
        own[:, 2] = change(own[:, 2].clone())
        return (heads, *args[1:])

    hook = module.register_forward_pre_hook(before)
    try:
        yield
    finally:
        hook.remove()


@pytest.mark.parametrize("name", HOOKED)
def test_a_heads_output_is_what_a_hook_at_the_projections_input_makes(name: str) -> None:
    kind = BY_NAME[name][1]
    model, (text, _), projection = shared(name), texts_of(kind), HOOKED[name]
    module, kept = model.get_submodule(projection), []
    for one in reference_of(kind):
        with entering(module, lambda z: kept.append(z) or z):  # type: ignore[func-returns-value]
            plain(model, one)
    mean = torch.cat([z[1:] for z in kept]).mean(dim=0, keepdim=True)
    for line, change in OUTPUTS.items():
        edits = edits_of_run(model, text, edits_of(line))
        given = replacements_anew(model, text, edits, sources_of(kind))
        second = second_run(model, text, edits, given).result.tensor[0]
        with entering(module, lambda z, change=change: change(z, mean)):  # type: ignore[misc]
            own = plain(model, text)
        assert (second - own).abs().max() < 1e-5 * own.abs().max(), line


def test_without_edits_the_second_run_is_the_models_own() -> None:
    for name, kind, _, _ in FAMILIES:
        model, (text, _) = shared(name), texts_of(kind)
        own = plain(model, text)
        assert (second_run(model, text, ()).result.tensor[0] - own).abs().max() < 1e-5 * own.abs().max()


@contextmanager
def attending(model: Any, attend: Callable[..., Any]) -> Iterator[None]:
    """While inside, layer 1 of a model runs this function in place of its own eager one, which it is given first."""
    module = model.model.layers[1].self_attn
    own = type(module).forward.__globals__
    eager, before = own["eager_attention_forward"], model.config._attn_implementation

    def chosen(asking: Any, *args: Any, **arguments: Any) -> Any:
        if asking is not module:
            return eager(asking, *args, **arguments)
        return attend(eager, asking, *args, **arguments)

    own["eager_attention_forward"] = chosen
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        own["eager_attention_forward"] = eager
        model.set_attn_implementation(before)


def by_hand(model: Any, text: Inputs, change: Callable[..., Tensor]) -> Tensor:
    """The model with head 2's row of weights in layer 1 made by hand: scores as they enter the softmax, then these."""

    def attend(eager: Any, module: Any, query: Any, key: Any, value: Any, mask: Any, **arguments: Any) -> Any:
        output, weights = eager(module, query, key, value, mask, **arguments)
        scale, cap = arguments["scaling"], arguments.get("softcap")
        groups = query.shape[1] // key.shape[1]
        scores = query[0, 2] @ key[0, 2 // groups].T * scale
        scores = scores if cap is None else cap * torch.tanh(scores / cap)
        visible = mask[0, 0] > -1
        sinks = getattr(module, "sinks", None)
        sink = torch.full((len(scores), 1), -torch.inf) if sinks is None else sinks[2].expand(len(scores), 1)
        changed = change(scores.double(), visible, sink.double()).float()
        output = output.clone()
        output[0, :, 2] = changed @ value[0, 2 // groups]
        return output, weights

    with attending(model, attend):
        return plain(model, text)


def rows(scores: Tensor, visible: Tensor, sink: Tensor) -> Tensor:
    """The softmax over what is visible, beside a sink."""
    beside = torch.cat([scores.masked_fill(~visible, -torch.inf), sink], dim=-1)
    return torch.softmax(beside, dim=-1)[:, :-1]


def cut(scores: Tensor, visible: Tensor, sink: Tensor) -> Tensor:
    visible = visible.clone()
    visible[5, [1, 3, 5]] = False
    return rows(scores, visible, sink)


def hidden(scores: Tensor, visible: Tensor, sink: Tensor) -> Tensor:
    visible = visible.clone()
    visible[3:, 2] = False
    return rows(scores, visible, sink)


def even(scores: Tensor, visible: Tensor, sink: Tensor) -> Tensor:
    made = rows(scores, visible, sink)
    made[6] = made[6].sum() * visible[6] / visible[6].sum()
    return made


def first(scores: Tensor, visible: Tensor, sink: Tensor) -> Tensor:
    made = rows(scores, visible, sink)
    one_hot = visible * (visible.cumsum(-1) == 1)
    return made.sum(-1, keepdim=True) * one_hot


ROWS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "temper-1.2-t0.5": lambda scores, visible, sink: rows(scores / 0.5, visible, sink),
    "temper-1.2-t3": lambda scores, visible, sink: rows(scores / 3, visible, sink),
    "cut-1.2-q5-k1,cut-1.2-q5-k3,cut-1.2-q5-k5": cut, "even-1.2-q6": even, "off-1.2-first": first,
}  # fmt: skip


@pytest.mark.parametrize("line", ROWS)
@pytest.mark.parametrize("name", ["llama", "mistral", "gemma2", "gpt_oss"])
def test_a_heads_rows_are_what_a_hand_made_softmax_gives(name: str, line: str) -> None:
    """Grouped heads, windows of 5, a cap, sinks: not by our functions, and not by those of the second run."""
    model, (text, _) = shared(name), texts_of(BY_NAME[name][1])
    second = second_run(model, text, edits_of_run(model, text, edits_of(line))).result.tensor[0]
    own = by_hand(model, text, ROWS[line])
    assert (second - own).abs().max() < 1e-5 * own.abs().max()
    assert (own - plain(model, text)).abs().max() > 1e-4


def test_a_hidden_token_is_hidden_in_every_layer_from_all_but_itself() -> None:
    model, (text, _) = build("llama", "decoder"), texts_of("decoder")
    hiding = torch.zeros(9, 9).masked_fill(torch.ones(9, 9).triu(1).bool(), torch.finfo(torch.float32).min)
    hiding[3:, 2] = torch.finfo(torch.float32).min
    model.set_attn_implementation("eager")
    with torch.no_grad():
        own = model(input_ids=torch.tensor([text.ids]), attention_mask=hiding[None, None])[0][0]
    second = second_run(model, text, edits_of_run(model, text, edits_of("hide-k2"))).result.tensor[0]
    assert (second - own).abs().max() < 1e-5 * own.abs().max()


def test_a_token_of_the_source_is_hidden_from_the_decoder_too() -> None:
    """As if the source's encoder and cross-attention were told that it is padding, but for its own row."""
    model, (text, _) = shared("bart"), texts_of("both")
    second = second_run(model, text, edits_of_run(model, text, edits_of("hide-encoder-k4"))).result.tensor[0]
    mask = torch.ones(1, 9, dtype=torch.long)
    mask[0, 4] = 0
    with torch.no_grad():
        own = model(
            input_ids=torch.tensor([text.ids]), decoder_input_ids=torch.tensor([text.pair_ids]), attention_mask=mask
        )[0][0]
    assert (second - own).abs().max() < 1e-5 * own.abs().max()


# Faults that are planted into the observer that edits


def transposed(edit: Edit) -> Edit:
    return replace(edit, query=edit.key, key=edit.query) if edit.verb == "cut" else edit


def one_head_on(edit: Edit) -> Edit:
    return edit if edit.head is None else replace(edit, head=(edit.head + 1) % 4)


def one_layer_on(edit: Edit) -> Edit:
    return edit if edit.layer is None else replace(edit, layer=edit.layer - 1)


def wrong(change: Callable[[Edit], Edit]) -> Callable[..., tuple[Edit, ...]]:
    right = editing.edits_at
    return lambda edits, address: right(tuple(map(change, edits)), address)


ONE_HEAD = ("off-1.2", "off-1.2-running", "cut-1.2-q5-k3", "temper-1.2-t3", "even-1.2-q6", "off-1.2-first")
FAULTS = [(one_head_on, line) for line in ONE_HEAD]
FAULTS += [(one_layer_on, line) for line in ("off-1.2", "temper-1.2-t3", "off-1")]


@pytest.mark.parametrize("name", ["llama", "falcon", "bloom"])
def test_an_edit_in_the_wrong_place_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, kind = shared(name), BY_NAME[name][1]
    for change, line in FAULTS:
        assert compared(model, line, kind)[0].ok
        with monkeypatch.context() as patch:
            patch.setattr(editing, "edits_at", wrong(change))
            assert not compared(model, line, kind)[0].ok, line


def test_a_transposed_edge_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("bert", "mpnet"):
        model, kind = shared(name), BY_NAME[name][1]
        assert compared(model, "cut-1.2-q5-k3", kind)[0].ok
        with monkeypatch.context() as patch:
            patch.setattr(editing, "edits_at", wrong(transposed))
            assert not compared(model, "cut-1.2-q5-k3", kind)[0].ok


@pytest.mark.parametrize("line", ["off-1.2-mean", "patch-1.2", "patch-1.2-weights"])
def test_a_mean_or_a_patch_of_the_wrong_rows_is_seen(line: str) -> None:
    model, (text, other) = shared("llama"), texts_of("decoder")
    edits = edits_of_run(model, text, edits_of(line))
    anew = replacements_anew(model, text, edits, sources_of("decoder", other))
    place = ("decoder", 1, 0, 2)
    wrongly = edits_of_run(model, text, edits_of(line.replace("1.2", "1.3")))
    shifted = replacements_anew(model, text, wrongly, sources_of("decoder", other))
    for given, holds in ((anew, True), (shifted, False)):
        own = Given(*({place: next(iter(one.values()))} if one else {} for one in (given.outputs, given.weights)))
        put_out = record_edited(model, text, edits, own).put_out.tensor
        assert compare_edited(model, text, edits, anew, put_out).ok is holds
    whole = edits_of_run(model, text, edits_of("off-1.2-mean"))
    with_first = torch.cat([second_run(model, one, (), keep=[_at("decoder", 1)]).seen[_at("decoder", 1)].outputs[:, 2]  # type: ignore[index]
                            for one in reference_of("decoder")]).mean(dim=0, keepdim=True)  # fmt: skip
    put_out = record_edited(model, text, whole, Given({place: with_first})).put_out.tensor
    mean = replacements_anew(model, text, whole, sources_of("decoder"))
    assert not compare_edited(model, text, whole, mean, put_out).ok


def _at(kind: Any, layer: int) -> Any:
    from attention.capture import Address

    return Address(kind, layer)


def test_the_mean_that_is_put_in_place_is_the_one_made_anew() -> None:
    for name, at in (("llama", "decoder"), ("bart", "cross"), ("bloom", "decoder")):
        _, kind, sizes, _ = BY_NAME[name]
        model, (text, _) = build(name, kind, **sizes), texts_of(kind)
        edits = edits_of_run(model, text, edits_of(f"off-{at}.1-mean"))
        means = means_of(model, reference_of(kind), "of a test")[_at(at, 1)]
        for _ in range(2):  # made, then remembered
            anew = replacements_anew(model, text, edits, sources_of(kind))
            for head in range(4):
                own = anew.outputs[at, 1, 0, head]
                assert (own[0] - means[head]).abs().max() < 1e-5 * own.abs().max()
        with torch.no_grad():
            for weight in model.parameters():
                weight.mul_(1.5)
        changed = replacements_anew(model, text, edits, sources_of(kind)).outputs[at, 1, 0, 2]
        assert (changed - anew.outputs[at, 1, 0, 2]).abs().max() > 1e-3


def test_each_text_that_edits_take_from_is_run_once_for_all_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    model, (text, other) = build("llama", "decoder"), texts_of("decoder")
    edits = edits_of_run(model, text, edits_of("off-0-mean,off-1-mean,off-2.1-mean,patch-2.2,patch-2.3"))
    ran: list[Inputs] = []

    def counted(model: Any, inputs: Inputs, *args: Any, **how: Any) -> Any:
        ran.append(inputs)
        return second_run(model, inputs, *args, **how)

    monkeypatch.setattr(fidelity, "second_run", counted)
    made = replacements_anew(model, text, edits, sources_of("decoder", other))
    assert len(made.outputs) == 4 + 4 + 1 + 2
    assert ran == [other, *reference_of("decoder")]
    replacements_anew(model, text, edits, sources_of("decoder", other))
    assert ran[1 + len(reference_of("decoder")) :] == [other]  # the means are remembered


def test_a_trace_is_checked_against_what_its_edits_take_from() -> None:
    """A patch that is given wrongly is seen where the check makes it anew, and only there."""
    model, (text, other) = shared("llama"), texts_of("decoder")
    edits = edits_of_run(model, text, edits_of("patch-1.2"))
    right = patched_from(model, text, other, edits)
    wrongly = Given({place: one.flip(0) for place, one in right.outputs.items()})
    for given, sources, holds in (
        (right, Sources(patch=other), True), (wrongly, Sources(patch=other), False), (wrongly, None, True)
    ):  # fmt: skip
        put_out = record_edited(model, text, edits, given).put_out.tensor
        assert compare_edited(model, text, edits, given, put_out, sources).ok is holds


def test_a_temperature_behind_the_mask_or_on_another_head_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind an additive bias that is mixed into the mask, or beside a cap, it is another temperature."""
    right = editing._stages_of

    def neighbour(call: Call, head: int, temperature: float, value: Tensor) -> Any:
        return right(call, (head + 1) % call.n_heads, temperature, value)

    def inverse(call: Call, head: int, temperature: float, value: Tensor) -> Any:
        return right(call, head, 1 / temperature, value)

    model = shared("gemma2")
    assert compared(model, "temper-1.2-t3", "decoder")[0].ok
    for fault in (neighbour, inverse):
        monkeypatch.setattr(editing, "_stages_of", fault)
        assert not compared(model, "temper-1.2-t3", "decoder")[0].ok


def test_a_dropped_edit_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    model = shared("gpt2")
    monkeypatch.setattr(editing, "changes_of", lambda *_: None)
    for line in ("off-1.2", "temper-1.2-t3", "even-1.2-q6"):
        assert not compared(model, line, "decoder")[0].ok


# What an edit cannot reach, and what comes back


@pytest.mark.parametrize("name", ["gpt2", "gpt_oss", "falcon", "bloom", "t5"])
def test_nothing_before_the_edited_position_changes(name: str) -> None:
    model, (text, _) = shared(name), texts_of(BY_NAME[name][1])
    base = second_run(model, text, ()).result.tensor[0]
    for line in ("off-decoder.1.2-q5", "cut-decoder-q5-k3", "even-decoder.1.2-q5", "off-decoder.1.2-running-q5"):
        made = second_run(model, text, edits_of_run(model, text, edits_of(line))).result.tensor[0]
        assert torch.allclose(made[:5], base[:5], rtol=0, atol=1e-6 * float(base.abs().max()))
        assert (made[5] - base[5]).abs().max() > 1e-4


def test_a_running_mean_knows_nothing_of_later_tokens() -> None:
    model, (text, _) = shared("llama"), texts_of("decoder")
    edits = edits_of_run(model, text, edits_of("off-1.2-running"))
    other = replace(text, ids=(*text.ids[:-1], text.ids[-1] + 1))
    one, two = (second_run(model, each, edits).result.tensor[0] for each in (text, other))
    assert torch.equal(one[:-1], two[:-1])


def test_a_text_patched_with_itself_changes_nothing() -> None:
    model, (text, _) = shared("qwen3"), texts_of("decoder")
    base = second_run(model, text, ()).result.tensor
    for line in ("patch-1.2", "patch-1-weights"):
        edits = edits_of_run(model, text, edits_of(line))
        given = replacements_anew(model, text, edits, Sources(patch=text))
        made = second_run(model, text, edits, given).result.tensor
        assert (made - base).abs().max() < 1e-6 * base.abs().max()


def test_the_model_comes_back_as_it_was_also_on_failure() -> None:
    model, (text, _) = build("llama", "decoder"), texts_of("decoder")
    edits = edits_of_run(model, text, edits_of("off-1.2"))
    model.train()
    before = dict(vars(model.config))

    def fails(*_: Any) -> None:
        raise ValueError("on the way")

    hook = model.model.layers[1].register_forward_pre_hook(fails)
    with pytest.raises(ValueError, match="on the way"):
        second_run(model, text, edits)
    hook.remove()
    assert vars(model.config) == before
    assert model.training
    projection = model.model.layers[1].self_attn.o_proj
    assert not projection._forward_pre_hooks
    model.eval()
    own = plain(model, text)
    assert (second_run(model, text, ()).result.tensor[0] - own).abs().max() < 1e-5 * own.abs().max()


def test_two_threads_share_a_model() -> None:
    model, (text, _) = build("gpt2", "decoder"), texts_of("decoder")
    lines = ["off-1.2", "cut-1.2-q5-k3", "off-0.1", ""] * 2
    edits = [edits_of_run(model, text, edits_of(line)) for line in lines]
    own = [second_run(model, text, one).result.tensor for one in edits]
    found: dict[int, Tensor] = {}

    def work(at: int) -> None:
        for _ in range(4):
            found[at] = second_run(model, text, edits[at]).result.tensor
            record_edited(model, text, edits[at], Given())

    threads = [threading.Thread(target=work, args=(at,)) for at in range(len(lines))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(found[at], own[at]) for at in range(len(lines)))
    assert (own[0] - own[3]).abs().max() > 1e-3
    assert model.config._attn_implementation == "sdpa"


def test_what_cannot_be_made_again_is_said() -> None:
    model, (text, _) = shared("gpt2"), texts_of("decoder")
    edits = edits_of_run(model, text, edits_of("off-1.2-mean"))
    found = compare_edited(model, text, edits, None, torch.zeros(1, 9, 101))
    assert not found.ok
    assert "was not given" in found.reason
    with pytest.raises(NotComparedError, match="texts that the edits take from"):
        replacements_anew(model, text, edits, Sources())
    with pytest.raises(ValueError, match="name the kind"):
        second_run(model, text, edits_of("off-1.2"))
