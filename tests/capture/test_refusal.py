"""Why a run failed is told in one sentence: too long a text, no memory, or a model that takes no text."""

from typing import Any

import pytest
import torch
import transformers
from transformers import BertConfig, EncoderDecoderConfig, EncoderDecoderModel

import attention
from attention.capture import refusal as refusals
from attention.capture.lengths import longest
from attention.errors import InputError, MemoryFullError, TooLongError, UnsupportedModelError
from tests.tiny import build, ids

SIZES = {"vocab_size": 101, "hidden_size": 48, "num_attention_heads": 4, "num_hidden_layers": 1,
         "intermediate_size": 56}  # fmt: skip


def made_of_two() -> Any:
    """An encoder with 64 positions and 101 tokens, and a decoder with 32 positions and 53 tokens."""
    encoder = BertConfig(**SIZES, max_position_embeddings=64)
    decoder = BertConfig(
        **{**SIZES, "vocab_size": 53}, max_position_embeddings=32, is_decoder=True, add_cross_attention=True
    )
    torch.manual_seed(1)
    model = EncoderDecoderModel(config=EncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)).eval()
    for config in (model.config, model.generation_config):
        config.decoder_start_token_id, config.pad_token_id, config.eos_token_id = 2, 0, None
    return model


def test_a_model_made_of_two_has_a_limit_a_side() -> None:
    model = made_of_two()
    assert (longest(model), longest(model, second=True)) == (64, 32)
    assert attention.trace(model, ids(64), [2, *range(5, 36)]).fidelity.ok
    with pytest.raises(TooLongError, match="has 65 tokens; this model takes at most 64"):
        attention.trace(model, ids(65), [2, 5])
    with pytest.raises(TooLongError, match="has 33 tokens; this model takes at most 32"):
        attention.trace(model, ids(5), [2, *range(5, 37)])
    with pytest.raises(InputError, match="Token id 53 is outside this model's vocabulary of 0 to 52"):
        attention.trace(model, ids(5), [2, 53])


def test_a_model_made_of_two_writes_up_to_its_decoders_end() -> None:
    model = made_of_two()
    made = attention.generate(model, [2, 10, 3], n_tokens=100)
    assert len(made.ids) == 32
    assert len(attention.trace(model, [2, 10, 3]).pair_tokens) == 32, "its own text, up to the last position"
    assert attention.predict(model, [2, 10, 3]).positions


TABLES = [
    ("IBertModel", "IBertConfig", {**SIZES, "max_position_embeddings": 66, "pad_token_id": 1}),
    ("CTRLModel", "CTRLConfig", {"vocab_size": 101, "n_positions": 64, "n_embd": 48, "n_layer": 1, "n_head": 4}),
    ("RobertaModel", "RobertaConfig", {**SIZES, "max_position_embeddings": 66, "pad_token_id": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "config", "sizes"), TABLES, ids=[one[0] for one in TABLES])
def test_positions_in_any_kind_of_table_are_counted(name: str, config: str, sizes: dict[str, Any]) -> None:
    model = getattr(transformers, name)(getattr(transformers, config)(**sizes)).eval()
    assert longest(model) == 64
    attention.trace(model, ids(64))
    with pytest.raises(TooLongError, match="has 65 tokens; this model takes at most 64"):
        attention.trace(model, ids(65))


@pytest.mark.parametrize("name", ["t5", "xglm", "m2m_100", "bloom"])
def test_a_number_that_nothing_obeys_is_no_limit(name: str) -> None:
    kind = "both" if name in ("t5", "m2m_100") else "decoder"
    model = build(name, kind, max_position_embeddings=16) if name != "t5" else build(name, kind, n_positions=16)
    trace = attention.trace(model, ids(23), ids(5, seed=4) if kind == "both" else None)
    assert trace.model.max_tokens is None
    assert len(trace.tokens) == 23


def with_unknown_limit() -> Any:
    """A model with 19 positions whose configuration and tables say 4,096."""
    model = build("gpt2", "decoder", n_positions=4_096, max_position_embeddings=4_096)

    def look_up(module: Any, args: Any) -> None:
        if int(args[0].max()) >= 19:
            raise IndexError("index out of range in self")

    model.transformer.wpe.register_forward_pre_hook(look_up)
    return model


def test_a_limit_that_nothing_tells_is_found_by_asking_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    model = with_unknown_limit()
    assert longest(model) == 4_096
    attention.trace(model, ids(5))
    for run in (attention.trace, attention.predict):
        with pytest.raises(TooLongError, match="has 31 tokens; this model takes at most 19"):
            run(model, ids(31))
        monkeypatch.setattr(refusals, "forward", None)  # the second time nobody has to ask
    assert longest(model) == 19
    assert len(attention.trace(model, ids(19)).tokens) == 19


def test_a_model_writes_up_to_a_limit_that_nothing_tells() -> None:
    model = with_unknown_limit()
    model.generation_config.eos_token_id = model.config.eos_token_id = None
    made = attention.generate(model, ids(15), n_tokens=20)
    assert len(made.steps) in (4, 5), "the last one that it can choose needs no position of its own"


@pytest.mark.parametrize(
    "err", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError(),
            RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried")],
    ids=["graphics card", "Python", "processor"],
)  # fmt: skip
@pytest.mark.parametrize("first", [True, False])
def test_a_lack_of_memory_is_told_as_one_and_may_pass(err: Exception, first: bool) -> None:
    model = build("gpt2", "decoder")
    if not first:
        attention.trace(model, ids(5))

    def full(*args: Any) -> None:
        raise err

    hook = model.transformer.h[0].register_forward_pre_hook(full)
    for run in (attention.trace, attention.predict, lambda one, text: attention.generate(one, text, n_tokens=3)):
        with pytest.raises(MemoryFullError, match=r"^There is not enough memory for this here: choose") as caught:
            run(model, ids(5))
        assert caught.value.may_pass
    hook.remove()
    assert attention.trace(model, ids(5)).fidelity.ok


def test_a_model_that_takes_no_text_is_no_matter_of_length() -> None:
    model = build("bert", "encoder")

    def demand(*args: Any) -> None:
        raise ValueError("You have to specify pixel_values")

    model.encoder.register_forward_pre_hook(demand)
    with pytest.raises(UnsupportedModelError, match="BertModel does not run on a text alone"):
        attention.trace(model, ids(13))
    assert longest(model) == 128


def reads_pictures_too(kind: str) -> Any:
    """A tiny model of pictures and texts, in which the text has a model of its own."""
    text = {**SIZES, "max_position_embeddings": 32, "eos_token_id": 2, "bos_token_id": 1}
    seen = {name: SIZES[name] for name in ("hidden_size", "num_attention_heads", "num_hidden_layers")}
    vision = {**seen, "intermediate_size": 56, "image_size": 32, "patch_size": 16}
    config = getattr(transformers, f"{kind}Config")(text_config=text, vision_config=vision, projection_dim=48)
    return getattr(transformers, f"{kind}Model")(config).eval()


@pytest.mark.parametrize("kind", ["CLIP", "Siglip", "AltCLIP"])
def test_of_a_model_of_several_the_part_that_reads_text_is_named_and_runs(kind: str) -> None:
    model = reads_pictures_too(kind)
    with pytest.raises(UnsupportedModelError, match=r"from Python give model\.text_model, with tokenizer="):
        attention.trace(model, ids(5))
    for model.text_model.config.return_dict in (True, False):
        assert attention.trace(model.text_model, ids(5)).fidelity.ok


def test_no_part_is_named_where_none_runs_on_the_text() -> None:
    config = transformers.ViTConfig(hidden_size=48, num_attention_heads=4, num_hidden_layers=1, intermediate_size=56,
                                    image_size=32, patch_size=16)  # fmt: skip
    with pytest.raises(UnsupportedModelError, match=r"does not run on a text alone\. Its own message"):
        attention.trace(transformers.ViTModel(config).eval(), ids(5))
