"""Caches, proven by counting: after the first run each change makes anew what it touches, and nothing else."""

from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from streamlit.testing.v1 import AppTest

from attention.browser import codec
from attention.ui import head, prompt_bar, warmup

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60
# What is counted, by the module in which its name is looked up when it is called.
COUNTED = {
    "trace": "attention.api", "heads_tree": "attention.browser.store", "thumbnails": "attention.analysis.thumbnails",
    "norm_weighted": "attention.analysis.norms", "rollout": "attention.analysis.rollout",
    "score_trace": "attention.analysis.patterns", "over_heads": "attention.analysis.averages",
    "merged": "attention.analysis.words",
}  # fmt: skip
_fresh = count()

pytestmark = pytest.mark.usefixtures("warm")


@pytest.fixture
def calls() -> Iterator[Counter[str]]:
    """How often each was called; of `codec.pack` only the packing of a run and of the map of all heads."""
    found: Counter[str] = Counter()
    patches = [patch.object(import_module(module), name, _spy(found, module, name)) for name, module in COUNTED.items()]
    patches.append(patch.object(codec, "pack", _packer(found)))
    for one in patches:
        one.start()
    yield found
    for one in patches:
        one.stop()


def _spy(found: Counter[str], module: str, name: str) -> Callable[..., Any]:
    own = getattr(import_module(module), name)

    def counted(*args: Any, **named: Any) -> Any:
        found[name] += 1
        return own(*args, **named)

    return counted


def _packer(found: Counter[str]) -> Callable[[Any], bytes]:
    own = codec.pack

    def counted(tree: Any) -> bytes:
        if "grid" in tree:
            found["pack of a run"] += 1
        if "measures" in tree:
            found["pack of all heads"] += 1
        return own(tree)

    return counted


class Page:
    """The page with a text that nobody looked at before."""

    def __init__(self, calls: Counter[str], **query: str) -> None:
        self.calls = calls
        self.app = AppTest.from_file(ROOT / "app.py", default_timeout=SECONDS)
        text = f"The cat sat on mat number {next(_fresh)} because it was tired."
        for name, value in ({"v": "1", "text": text} | query).items():
            self.app.query_params[name] = value
        self.app.run()
        assert not self.app.exception

    def tell(self, **changes: str) -> dict[str, int]:
        """The browser tells of a change; what was called for it."""
        return self.act(lambda: head.hear({"seq": 1, "changes": changes, "about": dict.fromkeys(changes, self.run())}))

    def run(self) -> str:
        """The name of the run that the browser has."""
        about: str = self.app.session_state[head.SENT][0]
        return about

    def choose(self, **changes: Any) -> dict[str, int]:
        """A widget of the page changes the view; what was called for it."""
        return self.act(lambda: prompt_bar.change_to(**changes))

    def act(self, what: Callable[[], object]) -> dict[str, int]:
        self.calls.clear()
        waiting = [what]
        with patch.object(warmup, "start", lambda: waiting.pop()() if waiting else None):
            self.app.run()
        assert not self.app.exception
        assert not waiting
        return {name: number for name, number in self.calls.items() if number}

    def look(self) -> Any:
        found = {item.proto.component_name: item.proto.bytes for item in self.app.get("bidi_component")}
        return codec.parse(found["headlight.controls"])["look"]


def test_the_first_run_makes_each_thing_once(calls: Counter[str]) -> None:
    Page(calls)
    wanted = {"trace": 1, "heads_tree": 1, "thumbnails": 1, "pack of a run": 1, "pack of all heads": 1}
    assert {name: calls[name] for name in wanted} == wanted
    assert calls["norm_weighted"] == calls["rollout"] == calls["over_heads"] == calls["merged"] == 0


@pytest.mark.parametrize("changes", [
    {"layer": "2", "head": "5"}, {"head": "3"}, {"query": "4"}, {"query": "4", "also": "5,6"}, {"together": "sum"},
    {"stage": "scores"}, {"temperature": "0.5"}, {"hide": "special", "rest": "shared"}, {"zoom": "0-4,0-4"},
    {"sort": "1"}, {"ids": "1"}, {"least": "0.1", "top": "3"}, {"beside": "0.1,1.2"}, {"key": "3"},
], ids=lambda changes: ", ".join(changes))  # fmt: skip
def test_what_the_browser_makes_by_itself_costs_nothing_here(calls: Counter[str], changes: dict[str, str]) -> None:
    page = Page(calls)
    before = page.look()
    found = page.tell(**changes)
    assert found == {}
    assert page.look() != before, "the change was taken in"


def test_many_heads_and_back_cost_nothing(calls: Counter[str]) -> None:
    page = Page(calls)
    for layer, number in ((0, 1), (1, 1), (3, 5), (0, 0), (3, 5)):
        assert page.tell(layer=str(layer), head=str(number)) == {}


def test_the_norms_are_made_once_for_a_head(calls: Counter[str]) -> None:
    page = Page(calls)
    assert page.tell(weights="norms") == {"norm_weighted": 1}
    assert page.tell(query="3") == {}, "another pin needs no other norms"
    assert page.tell(weights="difference") == {}, "the difference is made of the same norms"
    assert page.tell(weights="weights") == {}
    assert page.tell(weights="norms") == {}
    assert page.tell(head="2") == {"norm_weighted": 1}
    assert page.tell(head="0") == {}


def test_a_contribution_runs_no_model(calls: Counter[str]) -> None:
    page = Page(calls)
    assert page.tell(values="contribution") == {}
    assert page.tell(head="3") == {}


@pytest.mark.parametrize(("lens", "made"), [
    ("averages", {"over_heads": 1}), ("rollout", {"rollout": 1}), ("words", {"merged": 1}), ("dimensions", {}),
    ("links", {}),
])  # fmt: skip
def test_a_lens_makes_its_own_view_once(calls: Counter[str], lens: str, made: dict[str, int]) -> None:
    page = Page(calls)
    assert page.choose(lens=lens) == made
    assert page.tell(query="4") == {}
    assert page.choose(lens="links") == {}
    assert page.choose(lens=lens) == {}


def test_rollout_is_of_no_single_head_and_averages_of_no_single_head_of_a_layer(calls: Counter[str]) -> None:
    page = Page(calls, lens="rollout")
    assert page.tell(head="3", layer="2") == {}
    assert page.choose(lens="averages") == {"over_heads": 1}
    assert page.tell(head="1") == {}
    assert page.tell(layer="1") == {"over_heads": 1}


def test_a_measure_makes_its_own_map_once(calls: Counter[str]) -> None:
    page = Page(calls)
    assert page.tell(measure="scores") == {"thumbnails": 1, "pack of all heads": 1}
    scored = page.tell(measure="induction")
    assert scored == {"pack of all heads": 1} | ({"score_trace": 1} if "score_trace" in scored else {})
    assert page.tell(measure="previous token") == {"pack of all heads": 1}, "all patterns are counted in one pass"
    for measure in ("weights", "scores", "induction", "previous token"):
        assert page.tell(measure=measure) == {}, "seen before"
    assert page.tell(head="4") == {}


def test_a_second_person_with_the_same_text_pays_nothing(calls: Counter[str]) -> None:
    first = Page(calls)
    text = first.app.query_params["text"]
    calls.clear()
    Page(calls, text=text if isinstance(text, str) else text[-1])
    assert {name: number for name, number in calls.items() if number} == {}


def test_another_text_is_one_run_and_the_text_before_none(calls: Counter[str]) -> None:
    page = Page(calls)
    before = page.app.query_params["text"]
    found = page.choose(text=f"Another text, number {next(_fresh)}.")
    assert (found["trace"], found["heads_tree"], found["thumbnails"], found["pack of a run"]) == (1, 1, 1, 1)
    assert page.choose(text=before if isinstance(before, str) else before[-1]) == {}


def test_of_an_encoder_decoder_each_kind_is_packed_once(calls: Counter[str]) -> None:
    page = Page(calls, model="dates", text=f"{next(_fresh) + 3} May 1998", pair="1998-05-03", kind="cross")
    assert page.choose(kind="encoder").get("trace", 0) == 0
    assert page.choose(kind="cross") == {}
    assert page.choose(kind="encoder") == {}
