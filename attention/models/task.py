"""What a checkpoint was trained to do: which class of the library loads it, and what that class predicts.

Read from the architecture that the config names and from the library's own tables; no model is known here by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

# next: the next token. fill: a masked token. translate: a second text's next token. classify: a label of the text.
# tag: a label of each token. answer: a span of the text.
Task = Literal["next", "fill", "translate", "classify", "tag", "answer", "none"]
JUDGES = re.compile(r"For(Sequence|Token)Classification|ForQuestionAnswering")


def judges(architecture: str) -> bool:
    """Whether a class of that name judges a text, or its tokens, or answers a question, and writes nothing."""
    return JUDGES.search(architecture) is not None


def auto_class(config: Any) -> Any:
    """The library's auto class with which a checkpoint of this config keeps its head; AutoModel where it has none.

    An encoder's head is kept only where its checkpoint names it: the head of another class would be made up.
    """
    import transformers

    from attention.models.inspect import family_of

    for table, auto in _heads():
        if _named(config) & _names(table, config.model_type):
            return getattr(transformers, auto)
    if sees_more_than_text(config):
        return transformers.AutoModelForMultimodalLM
    family = family_of(config)
    if family != "encoder":
        return transformers.AutoModelForCausalLM if family == "decoder" else transformers.AutoModelForSeq2SeqLM
    return transformers.AutoModelForMaskedLM if _fills_blanks(config) else transformers.AutoModel


def sees_more_than_text(config: Any) -> bool:
    """Whether a checkpoint's class writes text and reads pictures or sounds too: no other class has its head."""
    from transformers.models.auto import modeling_auto as tables

    alone = (tables.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, tables.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES)
    listed = _names(tables.MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES, config.model_type)
    named = _named(config)
    return bool(named & listed) and not any(named & _names(table, config.model_type) for table in alone)


def task_of(model: Any, missing: tuple[str, ...] = ()) -> Task:
    """What this loaded model predicts; "none" where it has no head, or where weights of its own were made up."""
    if missing:
        return "none"
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    names = {one.__name__ for one in type(inner).__mro__}
    kind = getattr(inner.config, "model_type", "")
    listed: Task = next((task for table, task in _tasks() if names & _names(table, kind)), "none")
    return _task_seen(inner) if listed == "none" else listed


def words_in_head(model: Any) -> int:
    """How many words the model's own head chooses from; 0 where it has none.

    Seen from the model: an output layer with one row for each word that may enter.
    """
    try:
        head, entering = model.get_output_embeddings(), model.get_input_embeddings()
    except (NotImplementedError, AttributeError):
        return 0
    rows = getattr(getattr(head, "weight", None), "shape", (0,))[0]
    known = {getattr(getattr(entering, "weight", None), "shape", (0,))[0], _vocabulary(model.config)}
    return int(rows) if rows in known else 0


def _task_seen(model: Any) -> Task:
    """The task of a model that no table lists for one: a head for words beside others, or beneath eyes and ears."""
    if not words_in_head(model):
        return "none"
    if getattr(model.config, "is_encoder_decoder", False):
        return "translate"
    causal = model.can_generate() or any(getattr(module, "is_causal", False) is True for module in model.modules())
    return "next" if causal else "fill"


def _vocabulary(config: Any) -> int:
    return int(getattr(config.get_text_config(), "vocab_size", 0) or 0)


def why_nothing(model: Any, missing: tuple[str, ...] = ()) -> str:
    """Why this model predicts nothing, in a sentence; "" where it predicts something."""
    if task_of(model, missing) != "none":
        return ""
    if missing:
        return (
            f"The files of this model lack {missing[0]}, so its head has random numbers in that place and predicts "
            "nothing; choose a checkpoint that has its head."
        )
    return (
        f"{type(model).__name__} predicts nothing that can be shown: it has no head for words, labels or answers; "
        "choose a checkpoint with such a head."
    )


def _heads() -> Iterator[tuple[Mapping[str, Any], str]]:
    """The tables of the heads that judge a text, with their auto classes; and encoders that are saved alone."""
    from transformers.models.auto import modeling_auto as tables

    yield tables.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES, "AutoModelForSequenceClassification"
    yield tables.MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES, "AutoModelForTokenClassification"
    yield tables.MODEL_FOR_QUESTION_ANSWERING_MAPPING_NAMES, "AutoModelForQuestionAnswering"
    yield _alone(tables), "AutoModelForTextEncoding"


def _alone(tables: Any) -> dict[str, Any]:
    """Encoders that have a class of their own although their config describes a decoder too."""
    everything = tables.MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES
    return {kind: name for kind, name in everything.items() if "Encoder" in str(name)}


def _tasks() -> Iterator[tuple[Mapping[str, Any], Task]]:
    from transformers.models.auto import modeling_auto as tables

    yield tables.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES, "classify"
    yield tables.MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES, "tag"
    yield tables.MODEL_FOR_QUESTION_ANSWERING_MAPPING_NAMES, "answer"
    yield tables.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES, "translate"
    yield tables.MODEL_FOR_MASKED_LM_MAPPING_NAMES, "fill"
    yield tables.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, "next"


def _named(config: Any) -> set[str]:
    return set(config.architectures or ())


def _names(table: Mapping[str, Any], kind: str) -> set[str]:
    """The class names that a table has for a model type: one, several, or none."""
    names = table.get(kind, ())
    return {names} if isinstance(names, str) else set(names)


def _fills_blanks(config: Any) -> bool:
    """Whether the checkpoint has the weights of its masked language model's head."""
    from transformers.models.auto import modeling_auto as tables

    masked = _names(tables.MODEL_FOR_MASKED_LM_MAPPING_NAMES, config.model_type)
    if _named(config) & masked:
        return not getattr(config, "causal", False)
    whole = _named(config) & _names(tables.MODEL_FOR_PRETRAINING_MAPPING_NAMES, config.model_type)
    return bool(whole and masked) and _contains(config, whole.pop(), masked.pop())


def _contains(config: Any, whole: str, part: str) -> bool:
    """Whether one class has every weight of another: BERT's pretraining class has the masked head, ELECTRA's not."""
    import torch
    import transformers

    try:
        with torch.device("meta"):
            names = [set(getattr(transformers, name)(config).state_dict()) for name in (whole, part)]
    except Exception:  # model classes raise what they like on a config that is not theirs
        return False
    return names[1] <= names[0]
