"""What a checkpoint was trained for, read from its config: the class that loads it, and what it then predicts."""

from pathlib import Path

import pytest
import transformers

from attention.config import Limits
from attention.models import ModelPool, parse
from attention.models.task import auto_class, task_of, why_nothing
from tests import twins
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


def test_weights_that_were_made_up_predict_nothing() -> None:
    model = twins.model("bert")
    assert task_of(model) == "fill"
    assert task_of(model, ("cls.predictions.bias",)) == "none"
    assert "lack cls.predictions.bias, so its head has random numbers" in why_nothing(model, ("cls.predictions.bias",))


def test_a_head_that_the_files_lack_is_found_out(tmp_path: Path) -> None:
    whole = twins.model("bert")
    whole.bert.save_pretrained(tmp_path / "cut")
    config = tmp_path / "cut" / "config.json"
    config.write_text(config.read_text().replace('"BertModel"', '"BertForTokenClassification"'))
    twins.tokenizer("bert").save_pretrained(tmp_path / "cut")
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
