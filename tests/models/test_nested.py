"""A folder whose model lies one folder deeper, or in a file that is not opened: the sentence says what to do."""

import shutil
from pathlib import Path

import pytest

from attention.config import Limits
from attention.errors import ModelError
from attention.models import inspect, parse


@pytest.fixture
def outer(tmp_path: Path) -> Path:
    """An empty folder in a root of its own."""
    folder = tmp_path.resolve() / "root" / "mine"
    folder.mkdir(parents=True)
    return folder


def refusal(folder: Path) -> str:
    limits = Limits(model_folder=str(folder.parent))
    with pytest.raises(ModelError) as caught:
        inspect(parse(f"./{folder.name}", limits), limits)
    return str(caught.value)


def test_one_checkpoint_of_a_training_is_named_and_opens(twin_root: Path, outer: Path) -> None:
    shutil.copytree(twin_root / "gpt2", outer / "checkpoint-500")
    (outer / "runs").mkdir()
    assert refusal(outer) == "mine holds no model itself. The model lies in ./mine/checkpoint-500: open that."
    limits = Limits(model_folder=str(outer.parent))
    assert inspect(parse("./mine/checkpoint-500", limits), limits).model_type == "gpt2"


def test_of_many_checkpoints_the_last_is_proposed(twin_root: Path, outer: Path) -> None:
    for number in (500, 1000, 1500, 20000):
        shutil.copytree(twin_root / "gpt2", outer / f"checkpoint-{number}")
    (outer / "training_args.bin").write_bytes(b"")
    assert refusal(outer) == (
        "mine holds no model itself. Models lie in checkpoint-1000, checkpoint-1500, checkpoint-20000 and 1 more: open "
        "one of them, as ./mine/checkpoint-20000."
    )


def test_an_older_sentence_transformer_has_its_model_in_a_module(twin_root: Path, outer: Path) -> None:
    shutil.copytree(twin_root / "bert", outer / "0_Transformer")
    (outer / "1_Pooling").mkdir()
    (outer / "1_Pooling" / "config.json").write_text("{}")
    (outer / "modules.json").write_text("[]")
    for config in (None, '{"__version__": "0.2.0"}'):
        if config:
            (outer / "config.json").write_text(config)
        assert refusal(outer).endswith("The model lies in ./mine/0_Transformer: open that.")


def test_a_root_that_is_everywhere_gives_whole_paths(twin_root: Path, outer: Path) -> None:
    shutil.copytree(twin_root / "gpt2", outer / "checkpoint-500")
    limits = Limits(model_folder="/")
    with pytest.raises(ModelError, match=f"lies in {outer}/checkpoint-500: open that"):
        inspect(parse(str(outer), limits), limits)


def test_a_link_to_elsewhere_is_not_followed(twin_root: Path, outer: Path) -> None:
    shutil.copytree(twin_root / "gpt2", outer.parent / "other")
    (outer / "linked").symlink_to(outer.parent / "other")
    assert "has no config.json, so it is not a transformers model" in refusal(outer)


@pytest.mark.parametrize("name", ["model.pt", "pytorch_model.bin", "last.ckpt"])
def test_a_pickle_alone_is_told_how_to_become_a_model(outer: Path, name: str) -> None:
    (outer / name).write_bytes(b"")
    (outer / "optimizer.pt").write_bytes(b"")
    said = refusal(outer)
    assert said.startswith(f"mine has only {name}, a kind of file that can run code when opened, and no config.json;")
    assert said.endswith("write it with save_pretrained(folder).")


def test_weights_without_a_config_lack_that_alone(twin_root: Path, outer: Path) -> None:
    shutil.copy(twin_root / "gpt2" / "model.safetensors", outer)
    assert refusal(outer).startswith("mine has model.safetensors and no config.json, which says what the weights are")


def test_what_a_training_leaves_beside_is_not_taken_for_weights(twin_root: Path, outer: Path) -> None:
    shutil.copy(twin_root / "gpt2" / "config.json", outer)
    (outer / "training_args.bin").write_bytes(b"")
    assert "has no model.safetensors" in refusal(outer)
