"""Loading: every family through the real code, once for all who ask, and refusals in plain words."""

from __future__ import annotations

import gc
import json
import shutil
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import attention
from attention.capture.lengths import longest
from attention.config import Limits
from attention.errors import InputError, ModelError
from attention.models import ModelPool, ModelRef, memory
from attention.models import pool as module
from attention.source import loading
from attention.tokens import encode
from tests import small_models

CLASSES = {
    "bert": "BertForMaskedLM",
    "distilbert": "DistilBertForMaskedLM",
    "roberta": "RobertaForMaskedLM",
    "minilm": "BertModel",
    "gpt2": "GPT2LMHeadModel",
    "gpt_neox": "GPTNeoXForCausalLM",
    "llama": "LlamaForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "t5": "T5ForConditionalGeneration",
    "marian": "MarianMTModel",
}
SENTENCE = "The cat sat on the mat."


def answer(model, ids: torch.Tensor) -> torch.Tensor:
    """The last layer's output: of an encoder-decoder, its decoder's."""
    if model.config.is_encoder_decoder:
        return model(input_ids=ids, decoder_input_ids=ids, output_hidden_states=True).decoder_hidden_states[-1]
    return model.base_model(input_ids=ids).last_hidden_state


@pytest.fixture
def copy(twin_root: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(twin_root / "gpt2", tmp_path / "root" / "mine")).resolve()


def pool_of(folder: Path) -> ModelPool:
    return ModelPool(Limits(model_folder=str(folder.parent)))


@pytest.mark.parametrize("family", CLASSES)
def test_each_family_comes_back_as_it_was_saved(family: str, pool: ModelPool):
    loaded = pool.get(f"./{family}")
    assert type(loaded.model).__name__ == CLASSES[family]
    assert not loaded.model.training
    assert not any(weight.requires_grad for weight in loaded.model.parameters())
    ids = torch.tensor([encode(loaded.tokenizer, SENTENCE).ids])
    with torch.no_grad():
        ours, saved = answer(loaded.model, ids), answer(small_models.model(family), ids)
    assert ours.std() > 0.1
    torch.testing.assert_close(ours, saved, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "most"), [("bert", 131), ("roberta", 101), ("gpt2", 109), ("llama", 139), ("t5", None), ("marian", 107)]
)
def test_the_most_tokens_that_there_are_positions_for(family: str, most: int | None, pool: ModelPool):
    loaded = pool.get(f"./{family}")
    assert longest(loaded.model) == most
    if family == "roberta":
        loaded.model(input_ids=torch.full((1, 101), 7))
        with pytest.raises((IndexError, RuntimeError)):
            loaded.model(input_ids=torch.full((1, 102), 7))


def test_twins_attend_unevenly(pool: ModelPool):
    loaded = pool.get("./llama")
    loaded.model.set_attn_implementation("eager")
    ids = torch.tensor([encode(loaded.tokenizer, SENTENCE).ids])
    weights = loaded.model(input_ids=ids, output_attentions=True).attentions[1][0, :, -1]
    assert weights.max() > 3 / ids.shape[1]


def test_weights_that_the_files_lack_are_listed(pool: ModelPool, twin_root: Path, tmp_path: Path):
    headless = Path(shutil.copytree(twin_root / "bert", tmp_path / "headless"))
    config = json.loads((headless / "config.json").read_text())
    (headless / "config.json").write_text(json.dumps(config | {"architectures": ["BertModel"]}))
    assert pool_of(headless).get("./headless").missing == ("pooler.dense.bias", "pooler.dense.weight")
    assert pool.get("./minilm").missing == ()


@pytest.mark.parametrize(
    ("stored", "loaded"),
    [(torch.float32, torch.float32), (torch.bfloat16, torch.bfloat16), (torch.float16, torch.float32)],
)
def test_types_in_memory(stored: torch.dtype, loaded: torch.dtype, tmp_path: Path):
    folder = small_models.save("llama", tmp_path / "typed", stored).resolve()
    model = pool_of(folder).get("./typed").model
    assert {weight.dtype for weight in model.parameters()} == {loaded}
    assert torch.get_default_dtype() == torch.float32
    expected = small_models.model("llama").to(stored).lm_head.weight.to(loaded)
    assert torch.equal(model.lm_head.weight, expected)


def test_the_same_model_is_the_same_object_and_told_as_done(pool: ModelPool):
    seen: list[tuple[int, int]] = []
    first = pool.get("./gpt2", on_progress=lambda done, total: seen.append((done, total)))
    assert pool.get("./gpt2") is first
    assert len(seen) == 1
    assert seen[0][0] == seen[0][1] > 0


def test_the_least_recently_used_goes_first(pool: ModelPool):
    for family in ("gpt2", "bert", "gpt2", "t5"):
        pool.get(f"./{family}")
    assert [ref.id for ref in pool.loaded()] == ["gpt2", "t5"]


def test_bundled_models_stay_and_take_nobodys_place(pool: ModelPool):
    for name in ("storyteller", "./gpt2", "cloze", "./bert", "dates"):
        pool.get(name)
    assert [ref.id for ref in pool.loaded()] == ["storyteller", "gpt2", "cloze", "bert", "dates"]
    pool.get("./t5")
    assert [ref.id for ref in pool.loaded()] == ["storyteller", "cloze", "bert", "dates", "t5"]


def test_models_that_are_built_at_once_are_not_more_than_allowed(twin_root: Path, monkeypatch: pytest.MonkeyPatch):
    """Each is counted before the next one makes room, however late those who wait hear of it."""
    pool = ModelPool(Limits(model_folder=str(twin_root), models_in_memory=1))
    load = pool._load

    def late(*given):
        model = load(*given)
        time.sleep(0.3)
        return model

    monkeypatch.setattr(pool, "_load", late)
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(pool.get, ("./gpt2", "./bert", "./t5")))
    assert len(pool.loaded()) == 1


def test_room_is_made_before_the_next_is_built(twin_root: Path, monkeypatch: pytest.MonkeyPatch):
    pool = ModelPool(Limits(model_folder=str(twin_root), models_in_memory=1))
    pool.get("./gpt2")
    held: list[tuple[ModelRef, ...]] = []
    build = module.build
    monkeypatch.setattr(module, "build", lambda *given: (held.append(pool.loaded()), build(*given))[1])
    pool.get("./bert")
    assert held == [()]


def test_many_threads_load_one_model_once(pool: ModelPool, monkeypatch: pytest.MonkeyPatch):
    calls: list[str] = []
    build = module.build

    def slow(ref, *given):
        calls.append(ref.id)
        time.sleep(0.1)
        return build(ref, *given)

    monkeypatch.setattr(module, "build", slow)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: pool.get("./gpt2"), range(8)))
    assert calls == ["gpt2"]
    assert len({id(each) for each in found}) == 1


def test_different_models_are_fetched_side_by_side(pool: ModelPool, monkeypatch: pytest.MonkeyPatch):
    both = threading.Barrier(2, timeout=10)
    fetch = module.download_all
    monkeypatch.setattr(module, "download_all", lambda *given: (both.wait(), fetch(*given))[1])
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(pool.get, ["./gpt2", "./t5"]))
    assert [each.ref.id for each in found] == ["gpt2", "t5"]


def test_one_model_is_built_at_a_time(pool: ModelPool, monkeypatch: pytest.MonkeyPatch):
    inside, most = [], []
    build = module.build

    def watched(ref, *given):
        inside.append(ref)
        most.append(len(inside))
        time.sleep(0.1)
        inside.remove(ref)
        return build(ref, *given)

    monkeypatch.setattr(module, "build", watched)
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(pool.get, ["./gpt2", "./t5", "./bert"]))
    assert most == [1, 1, 1]


def test_those_who_wait_get_the_same_refusal_and_a_next_try_loads(copy: Path, monkeypatch: pytest.MonkeyPatch):
    pool = pool_of(copy)
    weights = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(weights[:-5])
    with ThreadPoolExecutor(3) as threads:
        for attempt in [threads.submit(pool.get, "./mine") for _ in range(3)]:
            with pytest.raises(ModelError, match=r"model\.safetensors is damaged"):
                attempt.result()
    assert pool.loaded() == ()
    (copy / "model.safetensors").write_bytes(weights)
    assert pool.get("./mine").card.layers == 2


def test_weights_missing_inside_a_layer_are_refused(copy: Path):
    weights = load_file(copy / "model.safetensors")
    del weights["transformer.h.1.attn.c_attn.weight"]
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"mine lack 1 tensors, such as transformer\.h\.1\.attn\.c_attn\.weight"):
        pool_of(copy).get("./mine")


def test_weights_of_another_size_are_refused(copy: Path):
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"n_embd": 54}), encoding="utf-8")
    with pytest.raises(ModelError, match=r"mine cannot be loaded: .* Choose another model or revision"):
        pool_of(copy).get("./mine")


def test_no_tokenizer_is_said(copy: Path):
    for path in copy.glob("tokenizer*"):
        path.unlink()
    assert pool_of(copy).get("./mine").tokenizer is None
    with pytest.raises(InputError, match=f"^{copy} has no tokenizer, and a string needs one: pass"):
        attention.trace(str(copy), "the cat")
    made = attention.trace(str(copy), "the cat", tokenizer=small_models.tokenizer("gpt2"))
    own = attention.trace(str(copy), [token.id for token in made.tokens])
    assert np.array_equal(made.head(1, 2).weights, own.head(1, 2).weights)
    (copy / "tokenizer_config.json").write_text('{"tokenizer_class": "GPT2Tokenizer"}')
    with pytest.raises(ModelError, match=r"mine.*tokenizer"):
        pool_of(copy).get("./mine")


def test_a_tokenizer_that_is_damaged_is_said(copy: Path):
    (copy / "tokenizer.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match=r"The tokenizer of mine cannot be loaded .* must lie beside the model"):
        pool_of(copy).get("./mine")


def test_a_text_that_is_no_model_is_refused(pool: ModelPool):
    with pytest.raises(ModelError, match="is not the id of a model"):
        pool.get("a/b/c")


def test_the_shared_pool_is_one():
    assert module.shared_pool() is module.shared_pool()


def test_loading_leaves_the_librarys_own_messages_as_they_were(pool: ModelPool, capfd: pytest.CaptureFixture[str]):
    from transformers.utils import logging

    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    pool.get("./bert")
    assert capfd.readouterr() == ("", "")
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


def test_a_config_that_promises_far_more_than_the_files_hold_is_refused(copy: Path):
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"n_inner": 1_500_000}))
    with pytest.raises(ModelError, match=r"describes [\d,]+ parameters, but its files hold [\d,]+; get a whole copy"):
        pool_of(copy).get("./mine")


# A ceiling on the memory of this process


class Meter:
    """What a process takes that holds nothing but this pool's models, and `rest` bytes beside them."""

    def __init__(self, pool: ModelPool, rest: int) -> None:
        self.pool, self.rest = pool, rest

    def __call__(self) -> int:
        held = [load.model for load in self.pool._loads.values() if load.model is not None]
        return self.rest + sum(memory.needed(model.card) for model in held)


def sizes_of(folder: Path, *families: str) -> dict[str, int]:
    found = ModelPool(Limits(model_folder=str(folder), models_in_memory=9))
    return {family: memory.needed(found.get(f"./{family}").card) for family in families}


@pytest.fixture
def below(twin_root: Path, monkeypatch: pytest.MonkeyPatch):
    """A pool of nine places, whose process takes `rest` MB beside its models and may take `megabytes`."""

    def made(megabytes: int, rest: float = 0.0) -> ModelPool:
        monkeypatch.setattr(module, "MEGABYTE", 1000)  # the small_models have a few hundred kilobytes
        pool = ModelPool(Limits(model_folder=str(twin_root), models_in_memory=9, memory_mb=megabytes))
        monkeypatch.setattr(memory, "used", Meter(pool, int(1000 * rest)))
        return pool

    return made


def test_the_least_recently_used_leave_before_the_ceiling_is_passed(below, twin_root: Path):
    size = sizes_of(twin_root, "gpt2", "bert", "llama")
    pool = below(-(-sum(size.values()) // 1000) + 50, rest=50.0)
    for family in ("gpt2", "bert", "gpt2", "llama"):
        pool.get(f"./{family}")
    assert [ref.id for ref in pool.loaded()] == ["bert", "gpt2", "llama"], "all fit"
    tight = below((sum(size.values()) - min(size.values())) // 1000 + 50, rest=50.0)
    for family in ("gpt2", "bert", "gpt2", "llama"):
        tight.get(f"./{family}")
        assert memory.used() <= 1000 * tight.limits.memory_mb
    left = [ref.id for ref in tight.loaded()]
    assert left[-1] == "llama"
    assert "bert" not in left, "it was used the longest time ago"


def test_a_model_that_alone_exceeds_the_ceiling_is_refused_and_drives_nobody_out(below, twin_root: Path):
    size = sizes_of(twin_root, "gpt2", "llama")
    small, large = sorted(size, key=size.__getitem__)
    pool = below(size[small] // 1000 + 1)
    pool.get(f"./{small}")
    with pytest.raises(ModelError, match=rf"^{large} needs .* MB of memory, and this installation allows .* smaller"):
        pool.get(f"./{large}")
    assert [ref.id for ref in pool.loaded()] == [small]


def test_one_that_would_fit_into_an_emptier_process_may_be_tried_again(below, twin_root: Path):
    size = sizes_of(twin_root, "gpt2")["gpt2"] // 1000
    pool = below(size + 100, rest=101.0)
    with pytest.raises(ModelError, match=r"There is not enough memory for it here: .* are taken; .* try again"):
        pool.get("./gpt2")
    memory.used.rest = 0
    assert pool.get("./gpt2").card.layers == 2


def test_a_model_that_leaves_is_really_freed_whatever_was_made_with_it(twin_root: Path, monkeypatch):
    """Traces, predictions, test runs and continuations are kept; the weights behind them are not."""
    import attention
    from attention.ui import predicted, rotary_pairs, scoring, traces
    from attention.view import View

    monkeypatch.setenv("HEADLIGHT_MODEL_FOLDER", str(twin_root))
    monkeypatch.setattr(traces, "_shared", traces.Traces(traces._run))
    view = View(model="./gpt2", text=SENTENCE)
    request = traces.request_of(view)
    trace = traces.get_trace(view)
    question = predicted.Question(request)
    kept = [
        predicted._answers.join(question), scoring._shared.join(scoring._request(view, "decoder")),
        predicted._writings.join(predicted.Writing("./gpt2", SENTENCE, None, 2, request.limits)),
        rotary_pairs._shared.join(rotary_pairs.Request("./gpt2", len(trace.tokens), request.limits)),
    ]  # fmt: skip
    assert all(job.done.wait(60) for job in kept)
    assert [job.error for job in kept] == [None] * 4
    assert trace.head(1, 0).weights.shape == (len(trace.tokens), len(trace.tokens))

    shared = attention.source.loading._pool(request.limits, str(twin_root))
    model = weakref.ref(shared.get("./gpt2").model)
    weights = [weakref.ref(one) for one in model().parameters()]
    monkeypatch.setattr(shared, "limits", replace(shared.limits, models_in_memory=1))
    shared.get("./bert")
    gc.collect()
    assert model() is None
    assert not [one for one in weights if one() is not None]
    assert trace.head(1, 1).weights is not None, "what was kept is still there to look at"
    assert all(job.made is not None for job in kept)


def test_a_model_in_use_is_waited_for_before_the_next_is_built(below, twin_root: Path, monkeypatch):
    size = sizes_of(twin_root, "gpt2", "bert")
    pool = below(max(size.values()) // 1000 + 1)
    in_use = [pool.get("./gpt2").model]
    gone = weakref.ref(in_use[0])
    built: list[bool] = []
    build = module.build
    monkeypatch.setattr(module, "build", lambda *given: (built.append(gone() is None), build(*given))[1])
    waiting = threading.Thread(target=pool.get, args=("./bert",))
    waiting.start()
    time.sleep(0.3)
    assert built == [], "its run is let end first"
    in_use.clear()
    waiting.join(20)
    assert built == [True]


def test_what_this_process_takes_and_gives_back():
    before = memory.used()
    assert 50e6 < before < 50e9
    block = torch.ones(50_000_000)
    assert memory.used() - before > 150e6
    del block
    memory.give_back()
    assert memory.used() - before < 50e6


def test_where_the_system_gives_no_thread_nobody_waits_for_ever(pool: ModelPool, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:

        def refuse(thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(ModelError, match=r"too much to do to load gpt2; try again"):
            pool.ask("./gpt2")
    assert not pool._loads
    assert pool.get("./gpt2").card.layers > 0


def test_many_who_come_at_once_to_a_new_process_share_one_pool(monkeypatch: pytest.MonkeyPatch):
    made = []

    def make() -> object:
        time.sleep(0.02)
        made.append(object())
        return made[-1]

    module._made.cache_clear()
    monkeypatch.setattr(module, "ModelPool", make)
    found: list[object] = []
    askers = [threading.Thread(target=lambda: found.append(module.shared_pool())) for _ in range(8)]
    try:
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join(10)
    finally:
        module._made.cache_clear()
    assert len(found) == 8
    assert len(made) == 1


def test_a_hosts_own_folder_has_no_pool_of_its_own(twin_root: Path, monkeypatch: pytest.MonkeyPatch):
    """`models_in_memory` is meant for all models together."""
    monkeypatch.setenv("HEADLIGHT_MODEL_FOLDER", str(twin_root))
    module._made.cache_clear()
    loading._other_pool.cache_clear()
    try:
        limits = Limits.from_environment()
        assert loading.load_source("./gpt2", limits, None).name == "gpt2"
        assert [ref.id for ref in module.shared_pool().loaded()] == ["gpt2"]
    finally:
        module._made.cache_clear()
        loading._other_pool.cache_clear()
