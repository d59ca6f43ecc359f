"""What a browser may say: each value is checked before its widget sees it, and no callback breaks a page."""

import json
from typing import Any

import pytest
import streamlit as st
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.runtime.state.session_state import SessionState
from streamlit.testing.v1 import AppTest

from attention.ui import boundary

EVENT = json.dumps([{"event": "text", "value": "Hello"}])
DIGITS = "9" * 5_000


def of(kind: str, read: Any = lambda value: value) -> WidgetMetadata[Any]:
    return WidgetMetadata(id="one", deserializer=read, serializer=lambda value: value, value_type=kind)  # type: ignore[arg-type]


@pytest.mark.parametrize("raw", [
    "{", "", "5", '"x"', "null", "[5]", "[[]]", '{"event": 5}', '[{"event": "a"}, 5]', "[" * 100_000, f"[{DIGITS}]",
    '[{"event": "a", "value": ' + "[" * 40_000 + "]" * 40_000 + "}]", f'[{{"event": "a", "value": {DIGITS}}}]',
])  # fmt: skip
def test_what_is_no_event_is_dropped(raw: str) -> None:
    for metadata in (None, of("json_trigger_value")):
        assert not boundary.is_sound(WidgetState(id="one", json_trigger_value=raw), metadata)


@pytest.mark.parametrize("raw", ["{", "", "5", '"x"', "null", "[]", "[" * 100_000, f'{{"a": {DIGITS}}}', f'"{DIGITS}"'])
def test_a_state_that_is_no_object_is_dropped(raw: str) -> None:
    assert not boundary.is_sound(WidgetState(id="one", json_value=raw), None)


def test_a_state_too_large_for_any_of_ours_is_dropped() -> None:
    assert boundary.is_sound(WidgetState(id="one", json_value=json.dumps({"a": "x" * 100})), None)
    assert not boundary.is_sound(WidgetState(id="one", json_value=json.dumps({"a": "x" * boundary.MOST_STATE})), None)


def test_a_text_may_be_far_too_long_so_that_it_is_refused_in_words() -> None:
    long = json.dumps([{"event": "text", "value": "[x]" * 10_000}])
    assert boundary.is_sound(WidgetState(id="one", json_trigger_value=long), of("json_trigger_value"))


@pytest.mark.parametrize(("told", "kind"), [
    ({"int_value": 1}, "string_value"), ({"string_value": "x"}, "json_trigger_value"),
    ({"bool_value": True}, "int_value"),
    ({"json_value": "{}"}, "string_value"), ({"string_value": "x" * 200_000}, "string_value"),
])  # fmt: skip
def test_a_value_of_another_type_or_size_is_dropped(told: dict[str, Any], kind: str) -> None:
    assert not boundary.is_sound(WidgetState(id="one", **told), of(kind))


def test_a_value_that_its_widget_cannot_read_is_dropped() -> None:
    assert boundary.is_sound(WidgetState(id="one", int_value=1), of("int_value", ["a", "b"].__getitem__))
    assert not boundary.is_sound(WidgetState(id="one", int_value=5), of("int_value", ["a", "b"].__getitem__))


def test_what_is_sound_stays_and_the_rest_is_out_of_the_message_itself() -> None:
    """Streamlit reads the same message a second time where a callback asks for another run."""
    boundary.install()
    told = WidgetStates(widgets=[WidgetState(id="a", json_trigger_value=EVENT), WidgetState(id="b", json_value="{")])
    session = SessionState()
    session.set_widgets_from_proto(told)
    assert [one.id for one in told.widgets] == ["a"]
    assert set(session._new_widget_state.states) == {"a"}


def test_installed_twice_is_installed_once() -> None:
    boundary.install()
    hooks = SessionState.set_widgets_from_proto, SessionState.register_widget
    boundary.install()
    assert hooks == (SessionState.set_widgets_from_proto, SessionState.register_widget)


def _breaking() -> None:
    import streamlit as st

    from attention.ui import boundary, state

    boundary.install()

    def broken() -> None:
        raise KeyError("/srv/secret/folder")

    state.current()
    st.button("Break", key="break", on_click=broken)
    st.text("\n".join(state.notices()))


def test_what_a_callback_raises_is_a_sentence_without_the_hosts_folders() -> None:
    app = AppTest.from_function(_breaking).run()
    app.button(key="break").click().run()
    assert not app.exception
    assert "Something went wrong in Headlight itself (KeyError)" in app.text[0].value
    assert "secret" not in app.text[0].value


@pytest.mark.parametrize("told", [None, 5, "x", {}, {"text": 5}, {"text": ["x"]}])
def test_what_was_not_said_is_nothing(told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {} if told is None else {"prompt": told})
    assert boundary.said("prompt", "text", str) is None


def test_what_was_said_is_of_the_type_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {"prompt": {"text": "Hello"}})
    assert boundary.said("prompt", "text", str) == "Hello"
    assert boundary.said("prompt", "text", dict) is None
