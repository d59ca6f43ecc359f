"""Adapters over their bases: the trace sees both, the checks hold in every head, what is odd is refused in words."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

import attention
from attention.config import Limits
from attention.errors import InputError, ModelError
from attention.models import ModelPool, inspect, parse
from attention.models.store import remove
from tests import small_models
from tests.lazy import Lazy
from tests.models.conftest import use_hub
from tests.models.hub_server import Hub
from tests.traced import checks_hold

peft = Lazy("peft")
# It asks transformers for things by names that are going out of use.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning:transformers.*", "ignore::UserWarning:peft.*")
TEXT = "The cat sat on the mat"
QVO = ["q_proj", "v_proj", "o_proj"]
CONFIGS: dict[str, Callable[[], Any]] = {
    "LoRA": lambda: peft.LoraConfig(r=4, target_modules=QVO, task_type="CAUSAL_LM"),
    "LoRA by a pattern": lambda: peft.LoraConfig(
        r=4, target_modules=r".*(self_attn).*(q|o)_proj", task_type="CAUSAL_LM"
    ),
    "rank-stabilised LoRA": lambda: peft.LoraConfig(
        r=4, target_modules=QVO, use_rslora=True, rank_pattern={"q_proj": 2}
    ),
    "DoRA": lambda: peft.LoraConfig(r=4, target_modules=QVO, use_dora=True),
    "AdaLoRA": lambda: peft.AdaLoraConfig(target_modules=QVO, total_step=10),
    "LoHa": lambda: peft.LoHaConfig(r=4, target_modules=QVO),
    "LoKr": lambda: peft.LoKrConfig(r=4, target_modules=QVO),
    "IA³": lambda: peft.IA3Config(target_modules=["k_proj", "v_proj", "o_proj"], feedforward_modules=[]),
    "OFT": lambda: peft.OFTConfig(oft_block_size=6, target_modules=QVO),
    "BOFT": lambda: peft.BOFTConfig(boft_block_size=6, target_modules=["q_proj", "o_proj"]),
    "VeRA": lambda: peft.VeraConfig(r=4, target_modules=["q_proj", "o_proj"]),
    "FourierFT": lambda: peft.FourierFTConfig(n_frequency=20, target_modules=QVO),
    "HRA": lambda: peft.HRAConfig(r=4, target_modules=QVO),
    "LN tuning": lambda: peft.LNTuningConfig(target_modules=["input_layernorm"]),
}


@pytest.fixture
def root(tmp_path: Path, twin_root: Path) -> Path:
    """A folder with a base in it, and room for adapters."""
    folder = (tmp_path / "root").resolve()
    shutil.copytree(twin_root / "llama", folder / "base")
    return folder


def dress(root: Path, config: Any, name: str = "dressed", base: str = "./base") -> Path:
    """An adapter with weights that change much, saved beside its base."""
    model = peft.get_peft_model(transformers.AutoModelForCausalLM.from_pretrained(root / "base"), config)
    stir(model)
    config.base_model_name_or_path = base
    model.save_pretrained(root / name)
    return root / name


def stir(model: Any) -> None:
    torch.manual_seed(5)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(torch.randn_like(weight) * 0.3)


def load(root: Path, name: str = "dressed") -> Any:
    return ModelPool(Limits(model_folder=str(root))).get(f"./{name}")


def change(folder: Path, **changes: Any) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def refusal(root: Path, name: str = "dressed") -> str:
    limits = Limits(model_folder=str(root))
    with pytest.raises(ModelError) as caught:
        inspect(parse(f"./{name}", limits), limits)
    return str(caught.value)


@pytest.mark.parametrize("kind", CONFIGS)
def test_each_kind_is_put_on_and_the_checks_hold(kind: str, root: Path) -> None:
    folder = dress(root, CONFIGS[kind]())
    loaded = load(root)
    trace = attention.trace(loaded.model, TEXT, tokenizer=loaded.tokenizer)
    checks_hold(trace)
    own = peft.PeftModel.from_pretrained(
        transformers.AutoModelForCausalLM.from_pretrained(root / "base"), folder
    ).eval()
    ids = torch.tensor([[token.id for token in trace.tokens]])
    with torch.no_grad():
        plain = transformers.AutoModelForCausalLM.from_pretrained(root / "base")(ids).logits
        torch.testing.assert_close(loaded.model(ids).logits, own(ids).logits, rtol=1e-5, atol=1e-5)
        assert (own(ids).logits - plain).abs().max() > 1e-2, "the adapter changes nothing, so nothing was tested"


def test_the_adapters_share_is_in_the_contributions(root: Path) -> None:
    dress(root, peft.LoraConfig(r=4, target_modules=["o_proj"], task_type="CAUSAL_LM"))
    loaded = load(root)
    trace = attention.trace(loaded.model, TEXT, tokenizer=loaded.tokenizer)
    layer = loaded.model.model.layers[1].self_attn.o_proj
    seen: list[torch.Tensor] = []
    hook = layer.register_forward_hook(lambda module, args, output: seen.append(output))
    with torch.no_grad():
        loaded.model(torch.tensor([[token.id for token in trace.tokens]]))
    hook.remove()
    heads = [trace.head(1, head).contribution for head in range(9)]
    torch.testing.assert_close(torch.tensor(sum(heads)), seen[0][0], rtol=1e-4, atol=1e-5)
    bare = torch.tensor(trace.head(1, 0).output) @ layer.base_layer.weight[:, :6].T
    assert (torch.tensor(heads[0]) - bare).abs().max() > 1e-3


def test_the_card_says_what_is_coming_and_counts_both(root: Path) -> None:
    dress(root, CONFIGS["LoRA"]())
    limits = Limits(model_folder=str(root))
    card, base = (inspect(parse(name, limits), limits) for name in ("./dressed", "./base"))
    assert (card.adapter, card.adapter_of, card.architecture) == ("LoRA", "base", "LlamaForCausalLM")
    size = (root / "dressed" / "adapter_model.safetensors").stat().st_size
    assert card.weight_bytes == base.weight_bytes + size
    assert card.parameters > base.parameters
    assert "LoRA adapter over base, LlamaForCausalLM" in card.summary
    small = Limits(model_folder=str(root), max_model_mb=1)
    assert inspect(parse("./dressed", small), small).adapter == "LoRA"


def test_a_new_head_comes_with_its_adapter(root: Path) -> None:
    config = peft.LoraConfig(r=4, target_modules=["q_proj"], task_type="SEQ_CLS")
    base = transformers.AutoModelForSequenceClassification.from_pretrained(root / "base", num_labels=5)
    model = peft.get_peft_model(base, config)
    stir(model)
    config.base_model_name_or_path = "./base"
    model.save_pretrained(root / "judge")
    loaded = load(root, "judge")
    assert loaded.missing == ()
    assert type(loaded.model).__name__ == "LlamaForSequenceClassification"
    trace = attention.trace(loaded.model, TEXT, tokenizer=loaded.tokenizer)
    checks_hold(trace)
    ids = torch.tensor([[token.id for token in trace.tokens]])
    with torch.no_grad():
        found, own = loaded.model(ids).logits, model.eval()(ids).logits
    assert found.shape == (1, 5)
    torch.testing.assert_close(found, own, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["LoRA", "DoRA", "IA³"])
def test_a_loaded_peft_model_is_traced_and_comes_back_as_it_came(kind: str, root: Path) -> None:
    model = peft.get_peft_model(transformers.AutoModelForCausalLM.from_pretrained(root / "base"), CONFIGS[kind]())
    stir(model)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    training, learned = model.training, [weight.requires_grad for weight in model.parameters()]
    tokenizer = transformers.AutoTokenizer.from_pretrained(root / "base")
    trace = attention.trace(model, TEXT, tokenizer=tokenizer)
    checks_hold(trace)
    assert model.training == training
    assert [weight.requires_grad for weight in model.parameters()] == learned
    assert model.config._attn_implementation == "sdpa"
    assert type(model.config._attn_implementation) is str
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())


def test_a_loaded_model_with_learned_vectors_before_the_text_is_refused(root: Path) -> None:
    config = peft.PrefixTuningConfig(num_virtual_tokens=3, task_type="CAUSAL_LM")
    model = peft.get_peft_model(transformers.AutoModelForCausalLM.from_pretrained(root / "base"), config)
    with pytest.raises(InputError, match="learned vectors before the text"):
        attention.trace(model, [5, 6, 7])


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            lambda: peft.PrefixTuningConfig(num_virtual_tokens=3, task_type="CAUSAL_LM"),
            "before the text (prefix tuning)",
        ),
        (
            lambda: peft.PromptTuningConfig(num_virtual_tokens=3, task_type="CAUSAL_LM"),
            "before the text (prompt tuning)",
        ),
        (lambda: peft.RoadConfig(target_modules=QVO, group_size=18), "of the kind 'ROAD'; these are run: LoRA"),
    ],
)
def test_kinds_that_are_not_run_are_refused(config: Callable[[], Any], said: str, root: Path) -> None:
    dress(root, config())
    assert said in refusal(root)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"base_model_name_or_path": "/etc"}, "outside the folder"),
        ({"base_model_name_or_path": "../base"}, "outside the folder"),
        ({"base_model_name_or_path": "./dressed"}, "no model of the hub"),
        ({"base_model_name_or_path": "local"}, "no model of the hub"),
        ({"base_model_name_or_path": "a b\u202e"}, "cannot be opened"),
        ({"base_model_name_or_path": None}, "does not say which model"),
        ({"base_model_name_or_path": ["./base"]}, "does not say which model"),
        ({"r": 10**9}, "'r'"),
        ({"rank_pattern": {"q_proj": 10**9}}, "'rank_pattern'"),
        ({"rank_pattern": {"(a+)+b": 4}}, "'rank_pattern'"),
        ({"rank_pattern": {f"a+{n}": 4 for n in range(1001)}}, "'rank_pattern'"),
        ({"exclude_modules": "(a|a)*" * 20}, "'exclude_modules'"),
        ({"layer_replication": [[0, 1], [0, 1]]}, "'layer_replication'"),
        ({"megatron_config": {"a": 1}}, "'megatron_config'"),
        ({"alora_invocation_tokens": [1]}, "'alora_invocation_tokens'"),
        ({"a_new_option": 3}, "'a_new_option'"),
        ({"init_lora_weights": "pissa"}, "base that was changed first"),
        ({"peft_type": "XLORA"}, "of the kind 'XLORA'"),
        ({"peft_type": {"a": 1}}, "of the kind"),
    ],
)
def test_what_a_stranger_may_write_into_the_config(changes: dict[str, Any], said: str, root: Path) -> None:
    change(dress(root, CONFIGS["LoRA"]()), **changes)
    assert said in refusal(root)


def test_code_that_the_config_names_is_never_run(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "planted_module.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.syspath_prepend(tmp_path)
    folder = dress(root, CONFIGS["LoRA"]())
    change(
        folder,
        auto_mapping={"base_model_class": "A", "parent_library": "planted_module"},
        megatron_core="planted_module",
    )
    assert load(root).card.adapter == "LoRA"
    assert not (tmp_path / "ran").exists()


def test_a_folder_of_ones_own_from_python(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = dress(root, CONFIGS["LoRA"](), base=str(root / "base"))
    trace = attention.trace(folder, TEXT)
    checks_hold(trace)
    assert any("with a LoRA adapter in its layers, not merged" in note for note in trace.notes)
    change(folder, base_model_name_or_path="base")
    monkeypatch.chdir(root)
    again = attention.trace("./dressed", TEXT)
    torch.testing.assert_close(torch.tensor(again.head(1, 2).weights), torch.tensor(trace.head(1, 2).weights))


def test_without_the_packages_for_adapters_a_sentence_says_what_to_install(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dress(root, CONFIGS["LoRA"]())
    monkeypatch.setattr("attention.models.adapter.LIBRARIES", ("peft", "no_such_package"))
    said = refusal(root)
    assert said.endswith('an adapter, which needs no_such_package; install it with: pip install "headlight[adapters]".')


def test_pickled_weights_are_refused(root: Path) -> None:
    folder = dress(root, CONFIGS["LoRA"]())
    torch.save(load_file(folder / "adapter_model.safetensors"), folder / "adapter_model.bin")
    (folder / "adapter_model.safetensors").unlink()
    assert "only adapter_model.bin, which can run code" in refusal(root)


def test_a_file_that_lacks_tensors_or_does_not_fit_is_refused(root: Path) -> None:
    folder = dress(root, CONFIGS["LoRA"]())
    tensors = load_file(folder / "adapter_model.safetensors")
    left = dict(list(tensors.items())[1:])
    save_file(left, folder / "adapter_model.safetensors")
    with pytest.raises(ModelError, match="lacks 1 tensors"):
        load(root)
    save_file(
        {name: weight[:, :2].contiguous() for name, weight in tensors.items()}, folder / "adapter_model.safetensors"
    )
    with pytest.raises(ModelError, match="cannot be loaded"):
        load(root)


def test_an_adapter_over_an_adapter_is_refused(root: Path) -> None:
    folder = dress(root, CONFIGS["LoRA"]())
    shutil.copytree(folder, root / "second")
    change(root / "second", base_model_name_or_path="./dressed")
    assert "is itself an adapter" in refusal(root, "second")


@pytest.fixture
def served(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A hub with a base and an adapter over it."""
    dress(root, CONFIGS["LoRA"](), base="tiny/base")
    hub = Hub(folders={"tiny/base": root / "base", "tiny/dressed": root / "dressed"})
    server = hub.start()
    use_hub(monkeypatch, hub.url, tmp_path / "cache")
    yield hub
    server.shutdown()
    server.server_close()


def test_from_the_hub_both_are_inspected_and_then_fetched(served: Hub, root: Path, offline: Callable[[], None]) -> None:
    limits = Limits()
    card = inspect(parse("tiny/dressed", limits), limits)
    assert (card.adapter, card.adapter_of, card.complete) == ("LoRA", "tiny/base", False)
    assert not served.weights_sent()
    progress: list[tuple[int, int]] = []
    loaded = ModelPool(limits).get("tiny/dressed", lambda done, total: progress.append((done, total)))
    assert len(served.weights_sent()) == 2
    assert len({total for _, total in progress}) == 1
    assert [done for done, _ in progress] == sorted(done for done, _ in progress)
    assert progress[-1][0] == progress[-1][1]
    checks_hold(attention.trace(loaded.model, TEXT, tokenizer=loaded.tokenizer))
    offline()
    again = ModelPool(limits).get("tiny/dressed")
    assert again.card.complete
    assert again.card.adapter_of == "tiny/base"


def test_the_base_of_an_adapter_that_is_being_fetched_is_not_removed(served: Hub) -> None:
    limits = Limits()
    ModelPool(limits).get("tiny/base")
    pool = ModelPool(limits)
    looked = threading.Event()

    def hold(_: object) -> None:
        served.hold_after = 1000
        looked.set()

    wait = pool.ask("tiny/dressed", on_card=hold)
    assert looked.wait(120)
    with pytest.raises(ModelError, match="tiny/base is being downloaded or loaded"):
        remove("tiny/base", limits, pool)
    wait.cancel()
    with pytest.raises(ModelError, match="cancelled"):
        wait.result()


def test_an_adapter_of_the_hub_may_not_name_a_folder_here(served: Hub, root: Path) -> None:
    change(root / "dressed", base_model_name_or_path="./base")
    limits = Limits(model_folder=str(root))
    with pytest.raises(ModelError, match="no model of the hub"):
        inspect(parse("tiny/dressed", limits), limits)


def test_the_base_must_be_allowed_too(served: Hub) -> None:
    limits = Limits(any_model=False)
    with pytest.raises(ModelError, match="not among the models of this installation"):
        inspect(parse("tiny/dressed", Limits()), limits)


def test_the_base_has_the_revision_that_the_adapter_names(served: Hub, root: Path) -> None:
    change(root / "dressed", revision="gone")
    with pytest.raises(ModelError, match="tiny/base has no revision gone"):
        inspect(parse("tiny/dressed", Limits()), Limits())


def test_a_twin_of_each_family_is_left_alone(twin_root: Path) -> None:
    """No plain model is taken for an adapter."""
    limits = Limits(model_folder=str(twin_root))
    for family in small_models.FAMILIES:
        assert inspect(parse(f"./{family}", limits), limits).adapter is None
