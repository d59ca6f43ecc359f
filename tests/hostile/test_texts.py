"""More than a thousand nasty texts: each becomes a correct picture, or one clear sentence.

Most of them go through what a run of the page consists of, text → trace → payloads → words, without Streamlit around
it; some hundreds through `pages/inspect.py` itself, by the box, the address and the second box. Some dozens are typed
into Chromium (`tests/chromium/test_hostile.py`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from html.parser import HTMLParser
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
import torch
from streamlit.testing.v1 import AppTest

import attention
from attention.browser import codec, overview, parts, store
from attention.config import Limits
from attention.errors import HeadlightError
from attention.record import HeadView, Token, Trace
from attention.tokens import visible
from attention.ui import foot, prompt_bar, search, state, traces, warmup
from attention.ui.problems import describe_problem
from attention.view import View, clean
from tests.hostile.texts import KINDS, KNOWN, LONG, PASTE, texts
from tests.ui.test_inspect import COMPONENTS, TOP, opened, shown

SEED, SOME, FEW = 20_260, 1_000, 25
# Tokens: enough for each kind of text, few enough for a thousand runs.
LIMITS = Limits(max_tokens=96)
OURS = "Something went wrong"
TAGS = {"style", "span", "div", "p", "b", "br", "small", "h2", "strong", "code"}
HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
JOINER = "\N{ZERO WIDTH JOINER}"


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Small runs are faster so, above all where several tests share the cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def looked_at(model: str, text: str) -> str:
    """What the page makes of a text: "picture", after all that must hold of it, or the sentence in its place."""
    view = View(model=model, text=text)
    try:
        request = traces.Request(view.prompt, LIMITS)
        traces._refuse_texts(request)
        trace = attention.trace(view.model, view.text, limits=LIMITS)
    except HeadlightError as err:  # anything else is a finding
        return describe_problem(err)
    _holds(trace, view)
    return "picture"


def _holds(trace: Trace, view: View) -> None:
    assert trace.fidelity is not None
    assert trace.fidelity.ok, view.text[:200]
    record = trace.all_records[len(trace.tokens) % len(trace.all_records)]
    view, _ = traces.fit_to(view, trace)
    head_view = trace.head(record.layer, len(view.text) % record.n_heads, record.kind)
    assert head_view.error.ok, view.text[:200]
    rebuilds(trace.tokens, view.text)
    told = _told(head_view, view)
    assert codec.parse(parts.prompt(view.text, label="", title="", placeholder=""))["text"] == view.text
    for side, tokens in (("keys", head_view.key_tokens), ("queries", head_view.query_tokens)):
        assert told["tokens"][side] == [visible(token.text) if token.text else visible(token.piece) for token in tokens]
    assert all(map(_can_be_seen, told["tokens"]["keys"])), told["tokens"]["keys"]


def _told(head_view: HeadView, view: View) -> dict[str, Any]:
    """Everything that the browser is given, parsed as it parses it, and the words beside it."""
    pinned = parts.default_query(head_view.query_tokens)
    assert 0 <= pinned < len(head_view.query_tokens)
    run = codec.parse(store.run(head_view, view))
    look = codec.parse(store.look(head_view, view, pinned, seen=0, limit=LIMITS.max_tokens, undo=False))
    assert look["run"] == run["id"]
    frames = codec.parse(parts.panels(head_view, view))["frames"]
    for axis in ("xaxis", "yaxis"):
        for label in frames["tokens"][axis]["ticktext"]:
            assert not Tags(label).tags, label
    assert codec.parse(overview.payload(head_view.trace, head_view.kind, view))
    for words in (*foot.facts(head_view.trace), search.name_in_words(head_view)):
        assert words.isprintable(), words
    return {"tokens": {side: [one["text"] for one in run["tokens"][side]] for side in ("keys", "queries")}}


def _can_be_seen(name: str) -> bool:
    """No control character, no bidirectional sign, nothing of no width; an emoji's own joiner is a part of it."""
    return all(letter == JOINER or unicodedata.category(letter) not in HIDDEN for letter in name)


def rebuilds(tokens: tuple[Token, ...], text: str) -> None:
    """The tokens' spans lie in order, and nothing that could be seen is left out between them."""
    end = 0
    for token in tokens:
        if token.segment or token.span is None:
            continue
        start, stop = token.span
        assert 0 <= start <= stop <= len(text)
        assert start >= end or token.part is not None, (token, text[:200])
        assert not text[end:start].strip(), (token, text[:200])
        end = max(end, stop)
    assert not text[end:].strip(), (text[end:], text[:200])


def is_clear(sentence: str) -> bool:
    """One that a person can act on: short, whole, printable, and without anything of Python's."""
    pythons = re.search(r"Traceback|[a-z]Error\b|File \"|0x[0-9a-f]{6}", sentence)
    whole = sentence.endswith(".") and len(sentence) < 400 and sentence.isprintable()
    return whole and not pythons and OURS not in sentence


class Tags(HTMLParser):
    """What a browser would make of our own HTML: names of elements, and of their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def no_markup(app: AppTest, text: str) -> None:
    """No element that renders markup holds the text, and our own HTML has our own tags alone."""
    for item in app.get("html"):
        if not item.proto.body.startswith("<style>"):
            found = Tags(item.proto.body)
            assert found.tags <= TAGS, (text[:200], found.tags - TAGS)
            assert found.attributes <= {"class", "role"}, (text[:200], found.attributes)
    part = text.strip()[:60]
    if len(part) >= 12:  # shorter ones stand in our own words, too
        assert not [words for words in _rendered(app) if part in words], text[:200]


def _rendered(app: AppTest) -> Iterator[str]:
    """Everything that Streamlit draws as Markdown: markdown itself, captions, labels, helps."""
    for element in _elements(app._tree):
        if element.type not in ("text", "bidi_component", "code", "html"):
            values = (getattr(element.proto, name, None) for name in ("body", "label", "help"))
            yield from (value for value in values if isinstance(value, str))


def _elements(node: Any) -> Iterator[Any]:
    for child in getattr(node, "children", {}).values():
        if hasattr(child, "proto") and not hasattr(child, "children"):
            yield child
        yield from _elements(child)


def typed(app: AppTest, text: str, name: str = "text") -> None:
    """What a box sends reaches its callback before the run; here it comes as the run begins."""
    waiting, follow = [{name: text}], state.follow

    def heard(page: str) -> None:
        if waiting:
            prompt_bar.change_to(**waiting.pop())
        follow(page)

    with patch.object(state, "follow", heard):
        app.run()


def outcome(app: AppTest, text: str, box: int = 0) -> str:
    """"picture" or "sentence" of a page on which the text stands, after all that must hold of either."""
    assert not app.exception, (text[:200], app.exception[0].value)
    assert not app.error, text[:200]
    mounted = [item.proto for item in app.get("bidi_component")]
    boxes = [codec.parse(one.bytes)["text"] for one in mounted if one.component_name == "headlight.prompt"]
    assert boxes[box] == clean(text), "what was typed stays"
    said = shown(app)
    assert OURS not in said, (text[:200], said[-300:])
    no_markup(app, text)
    names = {one.component_name.removeprefix("headlight.") for one in mounted}
    if names == TOP:
        refused = [item.value.removeprefix("⚠ ") for item in app.text if item.value.startswith("⚠")]
        assert [is_clear(one) for one in refused] == [True], refused
        return "sentence"
    assert names >= COMPONENTS - {"links"}, (text[:200], names)
    assert said.count("✓") == 2, (text[:200], said[-300:])
    return "picture"


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Opens the page, with this file's limits and with no trace kept from elsewhere."""
    monkeypatch.setenv("HEADLIGHT_MAX_TOKENS", str(LIMITS.max_tokens))
    warmup.start()
    assert warmup._shared.wait(120)
    return opened


class TestWhatARunConsistsOf:
    def test_a_thousand_from_a_seed(self) -> None:
        self._go("local", texts(SEED, SOME), most_refused=SOME // 3)

    @pytest.mark.parametrize("model", ["storyteller", "cloze", "dates"])
    def test_trained_models_with_tokenizers_of_their_own(self, model: str) -> None:
        self._go(model, texts(SEED + len(model), 4 * FEW), most_refused=3 * FEW)

    def _go(self, model: str, some: Iterable[str], most_refused: int) -> None:
        found = [looked_at(model, text) for text in some]
        refused = [one for one in found if one != "picture"]
        assert all(map(is_clear, refused)), [one for one in refused if not is_clear(one)]
        assert len(refused) <= most_refused


class TestThePage:
    """One session that lives through all of them."""

    def test_by_the_box(self, page: Callable[..., AppTest]) -> None:
        app = page(model="local")
        found = []
        for text in (*KNOWN, *texts(SEED + 1, 4 * FEW)):
            typed(app, text)
            found.append(outcome(app, text))
        assert set(found) == {"picture", "sentence"}

    def test_by_the_address(self, page: Callable[..., AppTest]) -> None:
        app = page(model="local")
        for text in texts(SEED + 2, 2 * FEW):
            if 0 < len(text) <= LONG:
                app.query_params["text"] = clean(text)
                assert outcome(app.run(), text)

    def test_by_the_second_box(self, page: Callable[..., AppTest]) -> None:
        """A decoder's own text, in a model that has two sides."""
        app = page(model="dates", text="3 May 2024")
        for text in texts(SEED + 3, FEW):
            typed(app, text, "pair")
            assert outcome(app, text, box=1)

    def test_a_megabyte_is_refused_by_its_length_and_not_kept_for_undoing(self, page: Callable[..., AppTest]) -> None:
        app = page(model="local")
        for letter in "abc":
            typed(app, letter * PASTE)
            assert outcome(app, letter * PASTE) == "sentence"
        assert all(len(view.text) < PASTE for view in app.session_state[state.Key.PAST])


class TestTheTextsThemselves:
    def test_one_seed_gives_the_same_texts(self) -> None:
        assert list(texts(3, 100)) == list(texts(3, 100)) != list(texts(4, 100))

    def test_every_kind_is_there_and_lengths_are_bounded(self) -> None:
        some = list(texts(SEED, 10_000))
        assert len(set(some)) > 5_000
        assert max(map(len, some)) == PASTE
        assert "" in some
        together = "".join(text[:1000] for text in some)
        assert {ord(letter) >> 16 for letter in together} == set(range(17)), "every plane"
        for sign in ("\0", "\u202e", "\u200b", "\ud800", "\u2028", "<script>", "[CLS]", ":material/", "=1+1", "%s"):
            assert sign in together, sign

    @pytest.mark.parametrize("kind", KINDS)
    def test_each_kind_has_many(self, kind: str) -> None:
        assert len({KINDS[kind](Random(number)) for number in range(50)}) > 15
