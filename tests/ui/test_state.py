"""Session state and the browser's address, in a page that does nothing else."""

import subprocess
import sys
from collections.abc import Callable

import pytest
from streamlit.runtime.state import QueryParamsProxy
from streamlit.testing.v1 import AppTest

from attention.bundled import notes
from attention.ui.state import HISTORY, Key
from attention.view import DEFAULT_MODEL, DEFAULT_TEXT, View, change, fits_address, to_address, to_query

# No two of its characters are alike, so no link can carry it.
LONG = "".join(map(chr, range(0x4E00, 0x4E00 + 2_000)))


def page() -> None:
    """Follows the browser, does what the test put under `do`, shows the view, and syncs."""
    import streamlit as st

    from attention.ui import state
    from attention.view import View

    state.follow(st.session_state.get("page", "Inspect"))
    st.button("Head 7", on_click=lambda: state.go(View(head=7)))
    st.button("Undo", on_click=state.undo)
    st.button("Redo", on_click=state.redo)
    st.button("Dismiss", on_click=state.dismiss)
    if "do" in st.session_state:
        st.session_state.pop("do")(state)
    st.session_state.seen = state.current()
    st.session_state.can = (state.can_undo(), state.can_redo())
    st.session_state.told = state.notices()
    state.sync()


class Session:
    """One browser session: `do` and `open` run the page once each. It begins at a link, or at the plain default's."""

    def __init__(self, *, bare: bool = False, **query: str | list[str]) -> None:
        self.app = AppTest.from_function(page)
        self.open(**(query if query or bare else {"v": "1"}))

    def open(self, **query: str | list[str]) -> "Session":
        return self.arrive(**query).run()

    def arrive(self, **query: str | list[str]) -> "Session":
        """The next run comes with this address."""
        self.app.query_params.clear()
        self.app.query_params.update(query)
        return self

    def do(self, action: Callable[..., object]) -> "Session":
        self.app.session_state["do"] = action
        return self.run()

    def go(self, view: View) -> "Session":
        return self.do(lambda state: state.go(view))

    def click(self, name: str) -> "Session":
        next(button for button in self.app.button if button.label == name).click()
        return self.run()

    def run(self) -> "Session":
        self.app.run()
        assert not self.app.exception, self.app.exception[0].value
        return self

    @property
    def view(self) -> View:
        return self.app.session_state["seen"]

    @property
    def can(self) -> tuple[bool, bool]:
        return self.app.session_state["can"]

    @property
    def told(self) -> tuple[str, ...]:
        return self.app.session_state["told"]

    @property
    def query(self) -> dict[str, str]:
        return dict(self.app.query_params)


def test_the_first_run_reads_the_address_and_writes_all_of_it_back() -> None:
    session = Session(model="gpt2", layer="3")
    assert session.view == View(model="gpt2", layer=3)
    assert session.query == {"v": "1", "model": "gpt2", "text": DEFAULT_TEXT, "layer": "3"}
    assert session.told == ()


def test_with_nothing_but_the_version_it_is_the_default_and_still_a_whole_link() -> None:
    assert Session().view == View()
    assert Session().query == {"v": "1", "model": DEFAULT_MODEL, "text": DEFAULT_TEXT}


def test_a_first_visit_begins_at_the_head_that_the_models_makers_found() -> None:
    visit = Session(utm_source="mail")
    layer, head = notes(DEFAULT_MODEL).opening
    assert (layer, head) != (0, 0)
    assert visit.view == View(layer=layer, head=head)
    assert visit.query == to_query(visit.view) | {"utm_source": "mail"}


def test_a_link_opened_elsewhere_shows_the_same() -> None:
    view = View(model="org/m@main", text="a&b=c #é\n👩‍👧 <b>", pair="%20+", kind="cross", layer=2, query=0, ids=True)
    first = Session().go(view)
    assert first.query == to_query(view)
    assert Session(**first.query).view == view


def test_an_address_that_needs_no_change_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[dict[str, str]] = []
    monkeypatch.setattr(QueryParamsProxy, "from_dict", lambda _, query: written.append(query))
    session = Session(**to_query(View(layer=1))).run()
    assert written == []
    session.go(View(layer=2))
    assert written == [to_query(View(layer=2))]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("layer", "1e9"), ("layer", "-1"), ("head", "NaN"), ("stage", "<script>alert(1)</script>"), ("v", "7"),
        ("layer", ["1", "x"]), ("query", "$\\infty$"), ("text", "z" * 20_001), ("model", "\n"), ("ids", "**1**"),
    ],
)  # fmt: skip
def test_hostile_parameters_fall_back_with_a_notice_and_leave_the_address(name: str, value: str | list[str]) -> None:
    session = Session(**{name: value})
    assert session.view == View()
    assert session.told
    assert session.query == to_query(View())


def test_a_model_that_is_a_path_reaches_the_page_as_it_is() -> None:
    assert Session(model="../../etc/passwd").view.model == "../../etc/passwd"


def test_the_limit_for_texts_is_the_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADLIGHT_MAX_CHARACTERS", "5")
    session = Session(text="too long")
    assert session.view.text == DEFAULT_TEXT
    assert "at most 5 are read" in session.told[0]


def test_notices_stay_until_the_next_step_or_until_dismissed() -> None:
    session = Session(layer="x")
    assert session.run().told
    assert session.go(View(query=2)).told, "a pin is no step"
    assert not session.go(View(head=1)).told
    assert not Session(layer="x").click("Dismiss").told


# Undo and redo


def test_undo_and_redo_go_back_and_forth_and_the_address_follows() -> None:
    session = Session().go(View(head=1)).go(View(head=2))
    assert session.can == (True, False)
    assert session.click("Undo").view == View(head=1)
    assert session.query == to_query(View(head=1))
    assert session.can == (True, True)
    assert session.click("Undo").view == View()
    assert session.can == (False, True)
    assert session.click("Undo").view == View(), "nothing before the first"
    assert session.click("Redo").click("Redo").view == View(head=2)
    assert session.click("Redo").view == View(head=2)
    assert session.can == (True, False)


def test_a_new_step_after_undo_ends_the_way_forward() -> None:
    session = Session().go(View(head=1)).click("Undo").go(View(head=2))
    assert session.can == (True, False)
    assert session.click("Undo").view == View()


@pytest.mark.parametrize("loud", [{"model": "m"}, {"text": "t"}, {"pair": "p"}, {"kind": "cross"}, {"layer": 1}])
def test_what_is_a_step(loud: dict[str, object]) -> None:
    session = Session().go(change(View(), **loud))
    assert session.can == (True, False)
    assert session.click("Undo").view == View()


@pytest.mark.parametrize(
    "quiet",
    [{"query": 1}, {"stage": "scores"}, {"weights": "norms"}, {"values": "contribution"}, {"ids": True}],
)
def test_what_is_no_step_but_is_kept(quiet: dict[str, object]) -> None:
    quietly = change(View(), **quiet)
    session = Session().go(quietly)
    assert session.can == (False, False)
    assert session.view == quietly
    assert session.query == to_query(quietly)
    assert session.go(change(quietly, head=1)).click("Undo").view == quietly, "undo finds it as it was left"


def test_a_pin_after_undo_leaves_the_way_forward_open() -> None:
    session = Session().go(View(head=1)).click("Undo").go(View(query=3))
    assert session.click("Redo").view == View(head=1)


def test_the_same_view_again_is_no_step() -> None:
    session = Session().go(View(head=1)).go(View(head=1))
    assert session.click("Undo").can == (False, True)


def test_the_history_is_bounded() -> None:
    def many(state: object) -> None:
        for head in range(1, HISTORY + 11):
            state.go(View(head=head))  # type: ignore[attr-defined]

    session = Session().do(many)
    assert len(session.app.session_state[Key.PAST]) == HISTORY

    def back(state: object) -> None:
        while state.can_undo():  # type: ignore[attr-defined]
            state.undo()  # type: ignore[attr-defined]

    assert session.do(back).view == View(head=10)
    assert session.can == (False, True)


def test_settling_corrects_without_a_step_and_says_so_once() -> None:
    def settle(state: object) -> None:
        state.settle(View(layer=5), ("moved",))  # type: ignore[attr-defined]

    session = Session(layer="999", stage="x").do(settle).do(settle)
    assert session.view == View(layer=5)
    assert session.can == (False, False)
    assert session.query == to_query(View(layer=5))
    assert [notice.split()[0] for notice in session.told] == ["The", "moved"]


# The address changes under the session


def test_a_navigation_click_drops_the_query_and_the_view_stays() -> None:
    session = Session(layer="3").open()
    assert session.view == View(layer=3)
    assert session.query == to_query(View(layer=3))
    assert session.can == (False, False)


def test_an_address_changed_from_outside_is_a_step_that_can_be_undone() -> None:
    session = Session(layer="3").open(model="gpt2", head="x")
    assert session.view == View(model="gpt2")
    assert session.told == ("The link's head is “x”; it must be a whole number from 0. Shown instead: 0.",)
    assert session.query == to_query(View(model="gpt2"))
    assert session.click("Undo").view == View(layer=3)


def test_a_click_that_arrives_with_the_address_of_the_run_before_undoes_nothing() -> None:
    session = Session(layer="3")
    stale = session.query
    session.go(View(layer=4)).arrive(**stale).click("Head 7")
    assert session.view == View(head=7)
    assert session.query == to_query(View(head=7))
    assert session.click("Undo").view == View(layer=4)
    session.go(View(layer=5)).arrive(layer="3").click("Undo")
    assert session.view == View(layer=4), "also the address as it was first opened"


# The browser's Back and Forward: a run with an address of before and without a callback


def test_back_and_forward_undo_and_redo_and_write_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    views = [View(head=head) for head in range(4)]
    session = Session(**to_query(views[0])).go(views[1]).go(views[2]).go(views[3])
    written = writing(monkeypatch)
    for view in (views[2], views[1], views[0], views[1], views[2], views[3], views[1]):
        assert session.open(**to_query(view)).view == view
        assert session.query == to_query(view)
    assert session.can == (True, True)
    assert session.click("Redo").view == views[2]
    assert written == [to_query(views[2])], "only the button writes"


def test_back_over_a_pin_is_no_step_and_keeps_what_lies_ahead() -> None:
    pinned = View(head=1, query=3)
    session = Session(**to_query(View())).go(View(head=1)).go(pinned).go(View(head=2))
    assert session.open(**to_query(pinned)).view == pinned
    assert session.open(**to_query(View(head=1))).view == View(head=1)
    assert session.can == (True, True)
    assert session.open(**to_query(View())).view == View()
    assert session.open(**to_query(pinned)).view == pinned, "found by its head, pinned as the address says"
    assert session.open(**to_query(View(head=2))).view == View(head=2)
    assert session.can == (True, False)


def test_back_to_where_a_bare_session_began_is_its_first_view_and_stays_bare(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(bare=True)
    first = session.view
    session.go(View(head=1))
    written = writing(monkeypatch)
    assert session.open().view == first
    assert session.run().run().query == {}
    assert written == []
    assert session.go(View(head=2)).query == to_query(View(head=2))


def test_back_to_a_link_that_had_to_be_corrected_does_not_write_over_it(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(layer="99").do(lambda state: state.settle(View(layer=5))).go(View(layer=4))
    written = writing(monkeypatch)
    assert session.open(layer="99").view == View(layer=99)
    session.do(lambda state: state.settle(View(layer=5))).run()
    assert session.view == View(layer=5)
    assert session.query == {"layer": "99"}
    assert written == []


def test_back_to_a_text_too_long_for_an_address_finds_it() -> None:
    long, longer = View(text=LONG, layer=1), View(text=LONG + "!", layer=1)
    session = Session().go(long)
    short = session.query
    assert "text" not in short
    assert session.go(View(head=1)).open(**short).view == long
    assert session.go(longer).query != short
    assert session.open(**short).view == long
    assert session.told == ()


def test_an_address_without_its_text_says_so_to_whoever_gets_it() -> None:
    received = Session(**to_address(View(text=LONG, layer=1)))
    assert received.view == View(layer=1)
    assert "does not carry its text" in received.told[0]
    assert received.query == to_query(View(layer=1))


def test_a_packed_text_is_read_and_written_back_as_it_was() -> None:
    view = View(text="All that glitters is not gold. " * 40, pair="Ein zweiter Satz.", head=2)
    session = Session(**to_query(view))
    assert session.view == view
    assert session.query == to_query(view)
    assert set(session.query) == {"v", "model", "head", "packed"}


def test_another_page_that_drops_the_address_keeps_the_view() -> None:
    session = Session().go(View(head=1))
    session.app.session_state["page"] = "Compare"
    assert session.open().view == View(head=1)
    assert session.query == to_query(View(head=1))


def writing(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """From now on, what is written into the address."""
    written: list[dict[str, str]] = []
    real = QueryParamsProxy.from_dict

    def write(proxy: QueryParamsProxy, query: dict[str, str]) -> None:
        written.append(query)
        real(proxy, query)

    monkeypatch.setattr(QueryParamsProxy, "from_dict", write)
    return written


def test_foreign_keys_stay_in_the_address_and_change_nothing() -> None:
    session = Session(utm_source="mail", lesson=["1", "2"], layer="2")
    assert session.view == View(layer=2)
    assert session.query == to_query(View(layer=2)) | {"utm_source": "mail", "lesson": ["1", "2"]}
    assert session.open(**session.query | {"utm_source": "other"}).can == (False, False)


def test_a_text_too_long_for_an_address_stays_in_the_session_but_not_in_the_address() -> None:
    view = View(text=LONG, layer=1)
    session = Session().go(view)
    assert not fits_address(view)
    assert session.run().view == view
    assert session.query == to_address(view)
    assert set(session.query) == {"v", "model", "layer", "packed"}
    assert session.can == (True, False)


def test_two_sessions_do_not_meet() -> None:
    one, other = Session(), Session()
    one.go(View(head=1))
    assert other.run().view == View()


def test_state_needs_no_torch() -> None:
    code = "import sys, attention.ui.state; print([m for m in ('torch', 'transformers') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
