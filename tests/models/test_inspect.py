"""The look before the weights: facts of every family, and each reason to refuse."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
import torch
import transformers

import attention
import attention.source
from attention import catalogue
from attention.config import Limits
from attention.errors import ModelError
from attention.models import ModelRef, inspect, parse
from attention.models.inspect import family_of, glance
from attention.models.weights import read_header
from tests import small_models
from tests.models.hub_server import Hub

# family: (kind, layers, decoder layers, heads, kv heads, d_model, d_head, positions)
FACTS = {
    "bert": ("encoder", 2, None, 3, 3, 33, 11, 131),
    "distilbert": ("encoder", 2, None, 3, 3, 39, 13, 113),
    "roberta": ("encoder", 2, None, 5, 5, 55, 11, 103),
    "minilm": ("encoder", 3, None, 5, 5, 35, 7, 127),
    "gpt2": ("decoder", 2, None, 3, 3, 51, 17, 109),
    "gpt_neox": ("decoder", 3, None, 5, 5, 50, 10, 137),
    "llama": ("decoder", 2, None, 9, 3, 54, 6, 139),
    "qwen3": ("decoder", 2, None, 4, 2, 57, 22, 149),
    "t5": ("encoder-decoder", 2, 3, 5, 5, 31, 7, None),
    "marian": ("encoder-decoder", 3, 2, 3, 3, 42, 14, 107),
}


@pytest.fixture
def copy(twin_root: Path, tmp_path: Path) -> Path:
    """A copy of the GPT-2 twin to spoil, in a root of its own."""
    return Path(shutil.copytree(twin_root / "gpt2", tmp_path / "root" / "mine")).resolve()


@pytest.fixture
def copied(twin_root: Path, tmp_path: Path, family: str) -> Path:
    """A copy of that family's twin."""
    return Path(shutil.copytree(twin_root / family, tmp_path / "root" / family)).resolve()


def look(folder: Path, **limits: object):
    allowed = Limits(model_folder=str(folder.parent), **limits)
    return inspect(ModelRef(id=folder.name, folder=folder), allowed)


def rewrite(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes), encoding="utf-8")


@pytest.mark.parametrize("family", FACTS)
def test_the_facts_of_each_family(family: str, limits: Limits):
    card = inspect(parse(f"./{family}", limits), limits)
    found = (card.family, card.layers, card.decoder_layers, card.heads, card.kv_heads, card.d_model, card.d_head)
    assert (*found, card.max_positions) == FACTS[family]
    assert card.complete
    assert card.dtype == "F32"
    assert (card.revision, card.licence) == (None, None)


@pytest.mark.parametrize("family", FACTS)
def test_parameters_are_counted_from_the_header(family: str, limits: Limits):
    card = inspect(parse(f"./{family}", limits), limits)
    saved = small_models.model(family)
    learned = sum(weight.numel() for name, weight in saved.named_parameters() if "embed_positions" not in name)
    assert card.parameters == learned
    assert 4 * card.parameters <= card.weight_bytes < 4 * card.parameters + 20_000


@pytest.mark.parametrize("id", [entry.id for entry in catalogue.models() if entry.path])
def test_the_card_counts_what_the_foot_counts(id: str):
    """The header's count, on the page of models and the command line, is the loaded model's own."""
    card = inspect(parse(id, Limits()), Limits())
    model = attention.source.load_source(id, None, None).model
    assert card.parameters == sum(weight.numel() for weight in model.parameters())
    assert card.parameters == attention.trace(id, "3 May 1998").model.n_parameters


@pytest.mark.parametrize("family", ["gpt2", "t5", "bert"])
def test_weights_that_lie_in_a_file_twice_count_once(family: str, copied: Path):
    """Files of other makers hold tied weights under each of their names."""
    from safetensors.torch import save_file

    model = small_models.model(family)
    every = {name: weight.clone() for name, weight in model.state_dict().items()}
    path = copied / "model.safetensors"
    before = look(copied)
    assert len(read_header(path)) < len(every)
    save_file(every, path, metadata={"format": "pt"})
    after = look(copied)
    assert after.weight_bytes > before.weight_bytes
    assert after.parameters == before.parameters == sum(weight.numel() for weight in model.parameters())


def test_the_type_that_is_stored(tmp_path: Path):
    folder = small_models.save("llama", tmp_path / "half", torch.bfloat16)
    assert look(folder.resolve()).dtype == "BF16"


def test_a_config_in_a_config(twin_root: Path):
    text = transformers.Gemma3TextConfig(
        hidden_size=44, num_hidden_layers=7, num_attention_heads=11, num_key_value_heads=1
    )
    config = transformers.Gemma3Config(text_config=text)
    assert family_of(config) == "decoder"
    assert config.get_text_config().num_hidden_layers == 7


@pytest.mark.parametrize(
    ("config", "family"),
    [
        (transformers.BertConfig(architectures=["BertForSequenceClassification"]), "encoder"),
        (transformers.BertConfig(architectures=["BertLMHeadModel"]), "decoder"),
        (transformers.BertConfig(is_decoder=True), "decoder"),
        (transformers.RobertaConfig(architectures=["RobertaForCausalLM"]), "decoder"),
        (transformers.XLMConfig(architectures=["XLMWithLMHeadModel"]), "encoder"),
        (transformers.GPT2Config(), "decoder"),
        (transformers.BartConfig(), "encoder-decoder"),
        (transformers.ModernBertConfig(architectures=["ModernBertForMaskedLM"]), "encoder"),
    ],
)
def test_families_without_names_of_models(config: object, family: str):
    assert family_of(config) == family


def test_shards_are_added_up_and_a_missing_one_is_named(tmp_path: Path):
    folder = (tmp_path / "sharded").resolve()
    small_models.model("gpt2").save_pretrained(folder, max_shard_size="100KB")
    card = look(folder)
    assert card.parameters == sum(weight.numel() for weight in small_models.model("gpt2").parameters())
    shards = sorted(folder.glob("*.safetensors"))
    assert len(shards) > 2
    shards[1].unlink()
    with pytest.raises(ModelError, match=f"sharded lacks {shards[1].name}, which its index names"):
        look(folder)


def test_pickles_only_are_refused_with_the_way_out(copy: Path):
    (copy / "model.safetensors").unlink()
    (copy / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'echo'\ntR.")
    with pytest.raises(
        ModelError, match=r"only as pytorch_model\.bin, a kind of file that can run code .*save_pretrained"
    ):
        look(copy)


def test_no_weights_at_all(copy: Path):
    (copy / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"mine has no model\.safetensors"):
        look(copy)


def test_code_of_its_own_is_refused_only_where_it_is_needed(copy: Path):
    rewrite(copy, auto_map={"AutoModel": "evil.Model"})
    assert look(copy).model_type == "gpt2"
    rewrite(copy, model_type="evil")
    with pytest.raises(ModelError, match="mine needs Python code of its own, which is never run here"):
        look(copy)


@pytest.mark.parametrize(
    "changes", [{"attn_implementation": "evil/kernel"}, {"inner": {"_attn_implementation": "a/b"}}]
)
def test_a_kernel_from_the_hub_is_refused(copy: Path, changes: dict):
    rewrite(copy, **changes)
    with pytest.raises(ModelError, match="mine asks for compiled code from the hub"):
        look(copy)


def test_too_big_is_refused_by_its_size(copy: Path):
    with (copy / "model.safetensors").open("ab") as file:
        file.truncate(1_200_000)
    with pytest.raises(ModelError, match=r"mine has 1 MB of weights and 1 MB are allowed; .*HEADLIGHT_MAX_MODEL_MB"):
        look(copy, max_model_mb=1)
    with pytest.raises(ModelError, match="damaged"):
        look(copy)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not valid JSON"),
        (b"\xff", "is not valid JSON"),
        (b"[]", "describes no model"),
        (b'{"model_type": 3}', "describes no model"),
        (b'{"model_type": "gpt99"}', "does not know the architecture 'gpt99'"),
        (b"{}", "does not describe a model that the library knows"),
        (b'{"model_type": "gpt2", "n_layer": "many"}', "does not describe a model that the library knows"),
        (b" " * 5_000_001, "is too big"),
        (b'{"a":' * 700 + b"1" + b"}" * 700, "is not valid JSON"),
        (b'{"model_type": "gpt2", "architectures": {"a": 1}}', "does not say what a text model consists of"),
        (b'{"model_type": "gpt2", "architectures": [["a"]]}', "does not say what a text model consists of"),
    ],
)
def test_a_config_that_is_none(copy: Path, content: bytes, message: str):
    (copy / "config.json").write_bytes(content)
    with pytest.raises(ModelError, match=message):
        look(copy)


def test_no_config(copy: Path):
    for name in ("config.json", "model.safetensors"):
        (copy / name).unlink()
    with pytest.raises(ModelError, match=r"mine has no config\.json, so it is not a transformers model"):
        look(copy)


def test_a_file_that_leads_out_of_the_root_is_refused(copy: Path, tmp_path: Path):
    shutil.move(copy / "tokenizer.json", tmp_path / "elsewhere.json")
    (copy / "tokenizer.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(ModelError, match=r"tokenizer\.json in mine leads outside the folder of models"):
        look(copy)


def test_the_built_in_model_has_no_files():
    with pytest.raises(ModelError, match="local is built in"):
        inspect(ModelRef(id="local"), Limits())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_layer": 40_000_000}, r"says 'n_layer' is 40,000,000; at most 1,000 is allowed"),
        ({"n_inner": 10**12}, r"'n_inner' is 1,000,000,000,000; at most 20,000,000"),
        ({"inner": {"vocab_size": 10**9}}, r"'vocab_size' is 1,000,000,000"),
    ],
)
def test_sizes_that_no_model_has_are_refused_before_anything_is_built(copy: Path, changes: dict, message: str):
    rewrite(copy, **changes)
    with pytest.raises(ModelError, match=message):
        look(copy)


def test_a_strangers_words_are_short_and_can_be_seen(copy: Path):
    rewrite(copy, architectures=["\u202e\ud800" + "A" * 1000])
    assert look(copy).architecture == (r"\u202e\ud800" + "A" * 1000)[:80]


@pytest.mark.parametrize("name", ["tokenizer.json", "merges.txt", "model.safetensors.index.json"])
def test_files_beside_the_weights_that_would_fill_the_disk_are_refused(
    copy: Path, name: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys.modules["attention.models.inspect"], "MOST_BESIDE", 5_000_000)
    (copy / name).touch()
    os.truncate(copy / name, 6_000_000)
    if name.endswith("index.json"):
        (copy / "model.safetensors").rename(copy / "model-00001-of-00001.safetensors")
        index = {"weight_map": {"a": "model-00001-of-00001.safetensors"}}
        (copy / name).write_text(json.dumps(index).ljust(6_000_000))
    with pytest.raises(ModelError, match="mine has 6 MB of files beside its weights, and 5 MB are allowed"):
        look(copy)


def test_a_config_that_the_hub_says_is_huge_is_not_fetched(hub: Hub, copy: Path):
    (copy / "config.json").write_bytes(b" " * 5_000_001)
    hub.folders["tiny/gpt2"] = copy
    with pytest.raises(ModelError, match=r"The config\.json of tiny/gpt2 is too big to be one"):
        inspect(ModelRef(id="tiny/gpt2"), Limits())
    assert not hub.asked_for("/resolve/")


def test_a_template_in_a_file_of_its_own_is_fetched(hub: Hub, copy: Path):
    (copy / "chat_template.jinja").write_text("{{ messages[0].content }}")
    hub.folders["tiny/gpt2"] = copy
    card = inspect(ModelRef(id="tiny/gpt2"), Limits())
    assert "chat_template.jinja" in dict(card.files)


@pytest.mark.parametrize("kind", ["musicgen", "gemma4_unified", "dots3_note", "gpt2"])
def test_a_glance_at_what_other_programs_keep_raises_nothing(tmp_path: Path, kind: str):
    transformers.CONFIG_MAPPING[kind]().save_pretrained(tmp_path)
    card = glance(ModelRef(id="org/name"), tmp_path)
    assert (card is None) == (kind == "musicgen"), "which has two texts"


def test_the_size_of_heads_that_differ_by_layer_is_that_of_the_largest(tmp_path: Path):
    transformers.CONFIG_MAPPING["gemma4_unified_text"]().save_pretrained(tmp_path)
    card = glance(ModelRef(id="org/name"), tmp_path)
    assert card is not None
    assert card.d_head == 512
