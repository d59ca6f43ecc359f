"""What a checkpoint was trained for, read from its config: the class that loads it, and what it then predicts."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

import attention
from attention.config import Limits
from attention.models import ModelPool, parse
from attention.models.task import auto_class, task_of, why_nothing, words_in_head
from tests import small_models
from tests.tiny import SIZES

# model type, architecture in its config → the auto class, the class that it then builds, and its task.
CASES = {
    "masked": ("bert", "BertForMaskedLM", "AutoModelForMaskedLM", "BertForMaskedLM", "fill"),
    "masked, pretraining": ("bert", "BertForPreTraining", "AutoModelForMaskedLM", "BertForMaskedLM", "fill"),
    "masked, ALBERT": ("albert", "AlbertForPreTraining", "AutoModelForMaskedLM", "AlbertForMaskedLM", "fill"),
    "no head": ("bert", "BertModel", "AutoModel", "BertModel", "none"),
    "unnamed": ("bert", None, "AutoModel", "BertModel", "none"),
    "discriminator": ("electra", "ElectraForPreTraining", "AutoModel", "ElectraModel", "none"),
    "generator": ("electra", "ElectraForMaskedLM", "AutoModelForMaskedLM", "ElectraForMaskedLM", "fill"),
    "XLM": ("xlm", "XLMWithLMHeadModel", "AutoModelForMaskedLM", "XLMWithLMHeadModel", "fill"),
    "Flaubert": ("flaubert", "FlaubertWithLMHeadModel", "AutoModelForMaskedLM", "FlaubertWithLMHeadModel", "fill"),
    "classifier": (
        "distilbert", "DistilBertForSequenceClassification", "AutoModelForSequenceClassification",
        "DistilBertForSequenceClassification", "classify",
    ),
    "classifier, decoder": (
        "gpt2", "GPT2ForSequenceClassification", "AutoModelForSequenceClassification",
        "GPT2ForSequenceClassification", "classify",
    ),
    "classifier, both": (
        "bart", "BartForSequenceClassification", "AutoModelForSequenceClassification",
        "BartForSequenceClassification", "classify",
    ),
    "tagger": (
        "roberta", "RobertaForTokenClassification", "AutoModelForTokenClassification",
        "RobertaForTokenClassification", "tag",
    ),
    "answerer": (
        "bert", "BertForQuestionAnswering", "AutoModelForQuestionAnswering", "BertForQuestionAnswering", "answer",
    ),
    "choices": ("bert", "BertForMultipleChoice", "AutoModel", "BertModel", "none"),
    "next sentence": ("bert", "BertForNextSentencePrediction", "AutoModel", "BertModel", "none"),
    "decoder": ("gpt2", "GPT2LMHeadModel", "AutoModelForCausalLM", "GPT2LMHeadModel", "next"),
    "decoder, no head": ("gpt2", "GPT2Model", "AutoModelForCausalLM", "GPT2LMHeadModel", "next"),
    "BERT as decoder": ("bert", "BertLMHeadModel", "AutoModelForCausalLM", "BertLMHeadModel", "next"),
    "two heads": ("gpt2", "GPT2DoubleHeadsModel", "AutoModelForCausalLM", "GPT2LMHeadModel", "next"),
    "both": ("t5", "T5ForConditionalGeneration", "AutoModelForSeq2SeqLM", "T5ForConditionalGeneration", "translate"),
    "both, no head": ("bart", "BartModel", "AutoModelForSeq2SeqLM", "BartForConditionalGeneration", "translate"),
    "half of both": ("t5", "T5EncoderModel", "AutoModelForTextEncoding", "T5EncoderModel", "none"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "architecture", "auto", "built", "task"), CASES.values(), ids=CASES)
def test_the_class_that_keeps_the_head(kind: str, architecture: str | None, auto: str, built: str, task: str) -> None:
    config_class = transformers.CONFIG_MAPPING[kind]
    known = config_class()
    sizes = {key: value for key, value in SIZES.items() if hasattr(known, key) and key != "vocab_size"}
    config = config_class(**sizes, architectures=[architecture] if architecture else None, vocab_size=101)
    wanted = auto_class(config)
    assert wanted is getattr(transformers, auto)
    model = wanted.from_config(config)
    assert type(model).__name__ == built
    assert task_of(model) == task
    assert bool(why_nothing(model)) == (task == "none")


TEXT = {
    "vocab_size": 101, "hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "bos_token_id": 1, "eos_token_id": None, "pad_token_id": 0,
}  # fmt: skip
SEEN = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 37, "image_size": 28,
        "patch_size": 14}  # fmt: skip
ROPE = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [1, 1, 2]}
# Models that read pictures, too: their configurations.
PICTURES = {
    "Qwen2_5_VL": {
        "text_config": TEXT | {"rope_parameters": ROPE}, "image_token_id": 90, "video_token_id": 91,
        "vision_config": {
            "depth": 1, "hidden_size": 32, "num_heads": 2, "out_hidden_size": 32, "intermediate_size": 37,
        },
    },
    "PaliGemma": {
        "text_config": TEXT | {"model_type": "gemma"}, "image_token_index": 90, "projection_dim": 32,
        "vision_config": SEEN | {"model_type": "siglip_vision_model"},
    },
    "Idefics3": {
        "text_config": TEXT | {"model_type": "llama"}, "image_token_id": 90, "vision_config": SEEN,
    },
}  # fmt: skip


def picture_reader(name: str) -> Any:
    torch.manual_seed(3)
    config = getattr(transformers, f"{name}Config")(**PICTURES[name])
    return getattr(transformers, f"{name}ForConditionalGeneration")(config).eval()


@pytest.mark.parametrize("name", PICTURES)
def test_a_model_that_reads_pictures_too_has_its_head_for_words(name: str) -> None:
    model, text = picture_reader(name), [5, 6, 9, 7, 8]
    made, written = attention.predict(model, text), attention.generate(model, text, n_tokens=3)
    entered = torch.tensor([text])
    with torch.no_grad():
        own = model(input_ids=entered).logits[0].double().softmax(-1)
    assert made.task == "next"
    assert [one.candidates[0].id for one in made] == own.argmax(-1).tolist()
    assert [one.candidates[0].probability for one in made] == pytest.approx(own.amax(-1).tolist(), rel=1e-4)
    asked = {"attention_mask": torch.ones_like(entered), "do_sample": False, "max_new_tokens": 3}
    assert list(written.ids) == model.generate(entered, **asked)[0].tolist()


def test_a_folder_of_one_keeps_its_head(tmp_path: Path) -> None:
    model = picture_reader("Idefics3")
    model.save_pretrained(tmp_path / "eyes")
    limits = Limits(model_folder=str(tmp_path))
    loaded = ModelPool(limits).get(parse("./eyes", limits))
    assert type(loaded.model) is type(model)
    assert (loaded.missing, loaded.task, loaded.card.family) == ((), "next", "decoder")
    assert torch.equal(loaded.model.lm_head.weight, model.lm_head.weight)


def test_a_model_with_two_heads_says_words_with_the_one_that_is_for_words() -> None:
    sizes = {"vocab_size": 101, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    two = transformers.GPT2DoubleHeadsModel(transformers.GPT2Config(vocab_size=101, n_embd=32, n_layer=1, n_head=2))
    two, text = two.eval(), [5, 6, 9, 7]
    filler = transformers.BertForPreTraining(transformers.BertConfig(**sizes, mask_token_id=4)).eval()
    with torch.no_grad():
        own = two(input_ids=torch.tensor([text])).logits[0]
        filled = filler(input_ids=torch.tensor([[5, 4, 9]])).prediction_logits[0, 1]
    assert [one.candidates[0].id for one in attention.predict(two, text)] == own.argmax(-1).tolist()
    made = attention.predict(filler, [5, 4, 9])
    assert (made.task, made.positions) == ("fill", (1,))
    assert made.last.candidates[0].id == int(filled.argmax())
    assert made.last.candidates[0].probability == pytest.approx(float(filled.softmax(-1).max()), rel=1e-4)


def test_no_head_is_seen_where_there_is_none() -> None:
    for name in ("BertModel", "BertForNextSentencePrediction", "BertForMultipleChoice"):
        config = transformers.BertConfig(vocab_size=101, hidden_size=24, num_hidden_layers=1)
        model = getattr(transformers, name)(config)
        assert words_in_head(model) == 0
        assert task_of(model) == "none"


def test_weights_that_were_made_up_predict_nothing() -> None:
    model = small_models.model("bert")
    assert task_of(model) == "fill"
    assert task_of(model, ("cls.predictions.bias",)) == "none"
    assert "lack cls.predictions.bias, so its head has random numbers" in why_nothing(model, ("cls.predictions.bias",))


def test_a_head_that_the_files_lack_is_found_out(tmp_path: Path) -> None:
    whole = small_models.model("bert")
    whole.bert.save_pretrained(tmp_path / "cut")
    config = tmp_path / "cut" / "config.json"
    config.write_text(config.read_text().replace('"BertModel"', '"BertForTokenClassification"'))
    small_models.tokenizer("bert").save_pretrained(tmp_path / "cut")
    limits = Limits(model_folder=str(tmp_path))
    loaded = ModelPool(limits).get(parse("./cut", limits))
    assert type(loaded.model).__name__ == "BertForTokenClassification"
    assert "classifier.weight" in loaded.missing
    assert loaded.task == "none"


@pytest.mark.parametrize(("family", "task"), [("bert", "fill"), ("gpt2", "next"), ("t5", "translate")])
def test_a_whole_checkpoint_keeps_its_head(twin_root: Path, limits: Limits, family: str, task: str) -> None:
    loaded = ModelPool(limits).get(parse(f"./{family}", limits))
    assert loaded.missing == ()
    assert loaded.task == task
