"""The interactive file before a browser opens it: what is in it, what is not, and what it weighs."""

import base64
import gzip
import html.parser
import re
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest
import torch

import attention
from attention import assets, delivery
from attention.browser import codec
from attention.errors import HeadlightError, InputError, NoSuchHeadError
from attention.export.interactive import interactive
from attention.record import Trace
from attention.view import View, parse

TEXT = "The cat sat on the mat because it was tired."
NASTY = "</script><script>alert(1)</script><img src=x onerror=alert(1)><!-- \u202e%%LINK%% &amp; {{x}}"


class Document(html.parser.HTMLParser):
    """What a reader of HTML makes of the file: its elements, with their attributes and the text straight in them."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[int, str] = {}
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts[len(self.elements) - 1] = self.texts.get(len(self.elements) - 1, "") + data

    def all(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [(own, self.texts.get(i, "")) for i, (name, own) in enumerate(self.elements) if name == tag]


@cache
def story() -> Trace:
    return attention.trace("storyteller", TEXT)


def own(n: int, **more: Any) -> Trace:
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 3, n, 16)
    return Trace.from_tensors(query=query, key=key, value=value, causal=True, **more)


def unpacked(page: bytes, name: str) -> bytes:
    (text,) = [text for given, text in Document(page).all("script") if given.get("id") == name]
    return gzip.decompress(base64.b64decode(text))


def held(page: bytes) -> Any:
    planes = np.frombuffer(unpacked(page, "data"), dtype=np.uint8).reshape(4, -1)
    return codec.parse(planes.T.tobytes())


def test_all_heads_of_all_layers_travel_with_the_models_own_output():
    run = held(interactive(story(), View(layer=1, head=2)))["held"]["decoder"]["run"]
    assert [len(layer["heads"]) for layer in run["layers"]] == [6, 6, 6, 6]
    for layer in run["layers"]:
        record = story().record(layer["layer"])
        for name in ("query", "key", "value", "output"):
            assert np.array_equal(layer[name], getattr(record, name).numpy())


def test_the_file_asks_for_nothing_and_lets_nothing_else_run():
    page = interactive(story(), View())
    document = Document(page)
    (policy,) = [own["content"] or "" for own, _ in document.all("meta") if own.get("http-equiv")]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert "connect-src" not in rules  # so that the default holds
    nonce = re.fullmatch(r"'nonce-(\w{24})'", rules["script-src"])
    assert nonce
    for given, _ in document.all("script"):
        assert given.get("nonce") == nonce[1] or given["type"] == "text/plain"
    links = [own.get(name) for _, own in document.elements for name in ("src", "href", "srcset", "data")]
    assert set(links) == {None}
    assert not [name for _, own in document.elements for name in own if name.startswith("on")]
    assert set(re.findall(r"url\((\w+:)", page.decode())) == {"data:"}


def test_what_a_person_typed_is_text_and_nothing_else():
    trace = own(4, tokens=[NASTY, "b", "c", "d"], name=NASTY)
    page = interactive(trace, View(model="own", text=NASTY))
    plain = Document(interactive(own(4, tokens=list("abcd")), View(model="own", text="a")))
    document = Document(page)
    assert [tag for tag, _ in document.elements] == [tag for tag, _ in plain.elements]
    assert [text.strip() for _, text in document.all("h1")] == [NASTY]
    assert document.all("title")[0][1].startswith(NASTY[:50])


def test_the_kinds_of_an_encoder_decoder_travel_together():
    trace = attention.trace("dates", "the 3rd of May, 1998")
    data = held(interactive(trace, View(model="dates", kind="cross", layer=1, head=1)))
    assert data["facts"]["kinds"] == ["encoder", "decoder", "cross"]
    assert data["facts"]["kind"] == "cross"
    assert data["held"]["cross"]["look"]["look"]["layer"] == 1
    assert {kind: one["run"]["kind"] for kind, one in data["held"].items()} == {k: k for k in data["facts"]["kinds"]}


def test_where_other_kinds_are_too_much_the_file_says_so(monkeypatch):
    monkeypatch.setattr("attention.export.interactive.SMALL", 10_000)
    page = interactive(attention.trace("dates", "the 3rd of May, 1998"), View(model="dates", kind="encoder"))
    assert list(held(page)["held"]) == ["encoder"]
    assert "those of decoder and cross would make it too large" in page.decode()


def test_the_checks_stand_in_words_before_any_script_runs():
    page = interactive(story(), View(layer=1, head=2)).decode()
    assert re.search(r'<p id=check><span class="good">✓ weights and output equal LlamaAttention', page)
    assert re.search(r'<p id=fidelity><span class="good">✓ the traced run’s logits', page)
    said = held(page.encode())["held"]["decoder"]["said"]
    assert len(said) == 24
    assert all(one["holds"] and one["habit"] for one in said)


def test_a_check_that_fails_says_so():
    torch.manual_seed(0)
    trace = own(5, output=torch.randn(5, 3, 16), tokens=list("abcde"))
    page = interactive(trace, View(model="own", text="x")).decode()
    assert '<span class="bad">⚠ Do not trust this head' in page


def test_lengths_travel_for_all_heads_and_a_contribution_for_the_one_on_show():
    view = View(layer=1, head=2, values="contribution")
    brought = held(interactive(story(), view))["held"]["decoder"]["panels"]["brought"]
    assert len(brought) == 24
    assert all(one["norms"]["lengths"].shape == (12,) for one in brought)
    with_it = [(one["layer"], one["head"]) for one in brought if one["contribution"]["z"] is not None]
    assert with_it == [(1, 2)]
    assert "layer 1, head 2 alone" in brought[0]["contribution"]["reason"]


def test_a_long_text_brings_fewer_numbers_and_says_why(monkeypatch):
    monkeypatch.setattr("attention.export.interactive.DESCRIBED", 0)
    monkeypatch.setattr("attention.export.interactive.MOST_LENGTHS", 0)
    view = View(layer=1, head=2, measure="uniform", weights="norms")
    data = held(interactive(story(), view))["held"]["decoder"]
    assert list(data["heads"]) == ["weights", "uniform"]
    whys = {one["value"]: one["why"] for one in data["heads"]["weights"]["measures"]}
    assert whys["scores"]
    assert not whys["uniform"]
    assert [(one["layer"], one["head"]) for one in data["said"]] == [(1, 2)]
    known = [one for one in data["panels"]["brought"] if one["norms"]["lengths"] is not None]
    assert [(one["layer"], one["head"]) for one in known] == [(1, 2)]


def test_the_file_grows_by_q_k_and_v_and_not_by_maps():
    sizes = [len(interactive(own(n), View(model="own", text="x"))) for n in (64, 128, 256)]
    first, second = sizes[1] - sizes[0], sizes[2] - sizes[1]
    assert second < 2.4 * first  # maps would make it four times as much
    maps = 3 * 256 * 256 * 4
    assert sizes[2] - sizes[0] < maps


def test_the_same_view_is_the_same_file():
    assert interactive(story(), View()) == interactive(story(), View())


def test_a_text_beyond_a_browser_is_refused_with_a_way():
    trace = own(1_100)
    with pytest.raises(InputError, match=r"1,210,000 cells; up to 1,100,000.*\.npz"):
        interactive(trace, View(model="own", text="x"))


def test_a_file_beyond_its_limit_is_refused_with_a_way():
    with pytest.raises(InputError, match=r"take 0 MB; 0 are allowed.*\.npz"):
        interactive(story(), View(), most_bytes=1_000)
    with pytest.raises(InputError, match=r"This file would have 0 MB; 0 are allowed.*\.npz"):
        interactive(story(), View(), most_bytes=200_000)


def test_a_head_that_is_not_there_is_refused():
    with pytest.raises(NoSuchHeadError, match="heads 0 to 5"):
        interactive(story(), View(head=6))


def test_the_live_view_is_linked_only_where_there_is_one():
    view = View(layer=3, head=1, text="a & b")
    assert not Document(interactive(story(), view)).all("a")
    ((link, _),) = Document(interactive(story(), view, base_url="https://example.org/x/?old=1#y")).all("a")
    address = link["href"] or ""
    assert address.startswith("https://example.org/x/?")
    assert parse(dict(parse_qsl(address.partition("?")[2]))) == (view, ())
    for address in ("javascript:alert(1)", "headlight", "file:///x"):
        with pytest.raises(InputError, match="http"):
            interactive(story(), view, base_url=address)


def test_every_module_is_in_the_file_and_none_is_imported_by_path():
    code = unpacked(interactive(story(), View()), "code").decode()
    names = re.findall(r'^headlight\.define\("([^"]+)"', code, re.MULTILINE)
    assert {"store.js", "head.js", "figures/draw.js", "component/heads.js", "export/page.js"} <= set(names)
    assert len(names) == len(set(names))
    assert not re.search(r"^(export|import)\b", code, re.MULTILINE)
    assert not re.search(r"(?<!\w)import\((?!…)", code)
    asked = set(re.findall(r'"((?:\.\./|\./)?(?:figures/|heads/|links/|dimensions/)?[a-z]+)"', code))
    assert asked  # the names are relative; the browser's own test loads each of them


FORMS = {
    "a default that is no function": "export default class A {}",
    "a list": "export { a, b };",
    "a static import": 'import { a } from "./a.js";',
    "a re-export": 'export * from "./a.js";',
}


@pytest.mark.parametrize("source", FORMS.values(), ids=FORMS)
def test_a_module_of_another_form_is_refused_and_not_half_taken(source):
    with pytest.raises(HeadlightError, match="cannot be put into a file"):
        delivery.defined("x.js", f"const a = 1;\n{source}\n")


def test_settings_end_no_script():
    assert "<" not in assets.in_script({"text": "</script><!--"})


def test_what_was_changed_while_it_ran_stands_above_and_every_head_is_of_that_run() -> None:
    from attention.export.provenance import provenance

    trace = attention.trace("storyteller", "The cat sat.", edits="off-1.2,even-2.1-q3")
    page = interactive(trace, View(text="The cat sat.", edits="off-1.2,even-2.1-q3", layer=2, head=1)).decode()
    told = "Changed while the model ran: off-decoder.1.2,even-decoder.2.1-q3."
    assert "Layer 1, head 2 switched off (zero ablation)" in page
    assert told in page
    assert any(told in note for note in provenance(trace).notes)
    assert told not in interactive(attention.trace("storyteller", "The cat sat."), View(text="The cat sat.")).decode()
