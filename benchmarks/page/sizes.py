"""Bytes: of what travels to the browser, of what the page really gets, and of BertViz's own page for the same run."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from typing import Any

import torch
from playwright.sync_api import Browser, Page

from attention.browser import overview, parts, store
from attention.capture import Inputs, trace_model
from attention.record import Token, Trace
from attention.view import View
from benchmarks.page import models, opening

LENGTHS = (64, 512, 2_048)
# BertViz writes every weight of every head as text: 512 tokens are a page of a gigabyte.
BERTVIZ = tuple(int(n) for n in os.environ.get("BERTVIZ_TOKENS", "64,256").split(",") if n)
OPENED = 64
PRESS = """async key => {
    probe.forget();
    acts.press(key);
    await probe.answered();
}"""


def payload_rows() -> Iterator[dict[str, Any]]:
    """A row a length: what is packed for the first head, for another of its layer, for another layer, for the rest."""
    model = models.build("gpt2-small-size")
    for n in sorted({*LENGTHS, *BERTVIZ}):
        facts = {"what": "bytes", "model": "gpt2-small-size", "tokens": n}
        yield facts | _packed(_trace(model, n)) | _bertviz(model, n)


def traffic_rows(browser: Browser, url: str) -> Iterator[dict[str, Any]]:
    """What comes over the WebSocket when a page opens, and when its head changes."""
    texts = {"storyteller": models.story(OPENED), "./gpt2-small-size": models.words(OPENED)}
    for model, text in texts.items():
        with opening.bare(browser) as page:
            got = _listen(page)
            opening.show(page, url, model=model, text=text)
            first = _taken(page, got)
            ways = {key: _pressed(page, got, key) for key in ("ArrowRight", "ArrowDown")}
        yield {
            "what": "websocket bytes", "model": model.removeprefix("./"), "tokens": OPENED, "first_open": first,
            "next_head": ways["ArrowRight"], "next_layer": ways["ArrowDown"],
        }  # fmt: skip


def _ids(n: int) -> list[int]:
    return models.tokenizer()(models.words(n)).input_ids


def _trace(model: Any, n: int) -> Trace:
    ids = _ids(n)
    tokens = tuple(
        Token(piece=word, text=word, id=number) for word, number in zip(models.words(n).split(), ids, strict=True)
    )
    return trace_model(model, Inputs(ids=tuple(ids)), tokens=tokens)


def _packed(trace: Trace) -> dict[str, Any]:
    kind, view = trace.default_kind, View(query=1)
    head = trace.head(0, 0, kind)
    first = store.run(head, view)

    def further(layer: int, number: int) -> int:
        """Nothing, where that head is in what has travelled."""
        other = store.run(trace.head(layer, number, kind), view)
        return 0 if other is first else len(other)

    return {
        "travels": store.level(trace, kind), "run": len(first), "same_layer": further(0, 1),
        "other_layer": further(1, 0), "overview": len(overview.payload(trace, kind, view)),
        "panels": len(parts.panels(head, view)),
    }  # fmt: skip


def _bertviz(model: Any, n: int) -> dict[str, Any]:
    """The bytes of BertViz's page, null where it is not installed or this length was not asked for."""
    if n not in BERTVIZ:
        return {"bertviz": None}
    try:
        draw = importlib.import_module("bertviz").head_view
    except ImportError:
        return {"bertviz": None, "note": "BertViz is not installed: pip install bertviz==1.4.1"}
    model.set_attn_implementation("eager")
    with torch.no_grad():
        weights = model(input_ids=torch.tensor([_ids(n)]), output_attentions=True, use_cache=False).attentions
    model.set_attn_implementation("sdpa")
    page = draw(weights, models.words(n).split(), html_action="return")
    return {"bertviz": len(page.data.encode())}


def _listen(page: Page) -> list[int]:
    """The sizes of all messages from the server, as they come."""
    got: list[int] = []
    session = page.context.new_cdp_session(page)
    session.on("Network.webSocketFrameReceived", lambda event: got.append(_length(event["response"])))
    session.send("Network.enable")
    return got


def _length(response: dict[str, Any]) -> int:
    data = response["payloadData"]  # in base64 where it is no text
    return 3 * len(data) // 4 - data[-2:].count("=") if response["opcode"] == 2 else len(data.encode())


def _taken(page: Page, got: list[int]) -> int:
    page.wait_for_timeout(300)
    total = sum(got)
    got.clear()
    return total


def _pressed(page: Page, got: list[int], key: str) -> int:
    page.evaluate(PRESS, key)
    return _taken(page, got)
