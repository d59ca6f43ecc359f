"""Five architectures that nothing here was written for, from a hub's id to panels in Chromium; one of them is refused.

Their weights are random and tiny. Nothing in this repository names these architectures but this test: one dispatches
through the registry, one computes attention in code of its own, one has attention in some layers only, one wears a LoRA
adapter, and one has no softmax attention at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Page, expect

from tests import small_models, tiny
from tests.lazy import Lazy
from tests.models.hub_server import Hub

peft = Lazy("peft")
WAIT = 60_000
PLAIN = {"arcee": "decoder", "ibert": "masked", "lfm3": "decoder", "seed_oss": "decoder", "xlstm": "decoder"}
TEXT = "The cat sat on the mat because it was tired."
# What the foot says of the model's own arithmetic, and which layers the page can show.
SHOWN = {
    "strangers/arcee": "ArceeAttention's own eager attention",
    "strangers/ibert": "IntSoftmax's own run",
    "strangers/lfm3": "Lfm3Attention's own eager attention",
    "strangers/dressed": "SeedOssAttention's own eager attention",
}


def save(name: str, folder: Path) -> Path:
    """A tiny random model of this architecture, as the hub would hold it."""
    tokenizer = small_models.tokenizer("roberta" if PLAIN[name] == "masked" else "gpt2")
    tiny.build(name, PLAIN[name], vocab_size=len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def dress(base: Path, folder: Path) -> Path:
    """A LoRA adapter over a base of the same hub, with weights that count."""
    from transformers import AutoModelForCausalLM

    config = peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj", "o_proj"], task_type="CAUSAL_LM")
    model = peft.get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.normal_(0, 0.3)
    config.base_model_name_or_path = "strangers/seed_oss"
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    folders = {f"strangers/{name}": save(name, tmp_path / name) for name in PLAIN}
    folders["strangers/dressed"] = dress(folders["strangers/seed_oss"], tmp_path / "dressed")
    served = Hub(folders=folders)
    server = served.start()
    yield served
    server.shutdown()
    server.server_close()


@pytest.fixture
def typed(serve: Callable[..., str], hub: Hub, tmp_path: Path, page: Page) -> Callable[[str], Page]:
    """Type an id into the picker of a fresh app that knows this hub alone."""
    url = serve("app.py", HF_ENDPOINT=hub.url, HF_HOME=str(tmp_path / "home"), HF_HUB_OFFLINE="0")
    page.goto(f"{url}/?text={TEXT}")
    expect(page.locator(".hl-foot")).to_contain_text("equal", timeout=WAIT)

    def choose(name: str) -> Page:
        picker = page.get_by_role("combobox", name="Model")
        picker.fill(name)
        picker.press("Enter")
        return page

    return choose


@pytest.mark.filterwarnings("ignore::FutureWarning:transformers.*", "ignore::UserWarning:peft.*")
def test_from_an_id_to_panels(typed: Callable[[str], Page], settle: Callable[[Page], None]) -> None:
    for name, witness in SHOWN.items():
        page = typed(name)
        foot = page.locator(".hl-foot")
        expect(foot).to_contain_text(name, timeout=WAIT)
        expect(foot).to_contain_text(f"weights and output equal {witness}", timeout=WAIT)
        expect(foot.locator(".hl-good")).to_have_count(2)
        expect(foot.locator(".hl-bad")).to_have_count(0)
        expect(page.locator(".hl-figures[data-drawn]")).to_be_visible(timeout=WAIT)
        expect(page.locator(".hl-plot")).to_have_count(3)
        settle(page)
    expect(page.locator(".hl-foot")).to_contain_text("strangers/seed_oss with a LoRA adapter in its layers")

    page = typed("strangers/xlstm")
    refusal = page.get_by_text(
        re.compile("No softmax attention of xLSTMForCausalLM could be watched: it is a recurrent")
    )
    expect(refusal).to_be_visible(timeout=WAIT)
