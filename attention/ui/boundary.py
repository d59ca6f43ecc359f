"""The boundary for whatever a browser says: what is no message of ours reaches no page, and no callback breaks one.

Streamlit believes a browser: it parses what it is sent as the widget's own type, in the run of the page, and shows what
that raises. `install` puts a check in the two places that every value of a widget passes, `set_widgets_from_proto`
and `register_widget` of Streamlit's `SessionState`: a value that is too large, of another type, no JSON, or that its
widget cannot read is dropped as if it had never been sent. `said` then gives what a component said by an event of its,
of the type that is asked for, or nothing. Callbacks are guarded in the same place: what one raises becomes a notice.
"""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.state import session_state as streamlit_state
from streamlit.runtime.state.common import WidgetMetadata, unpack_widget_state_value

from attention.ui import state
from attention.ui.problems import describe_problem

if TYPE_CHECKING:
    from streamlit.runtime.state.session_state import SessionState

# A page has some fifty widgets, and a component's own state is empty: all of ours speak by events.
MOST_VALUES, MOST_STATE, MOST_BYTES = 1_000, 10_000, 100_000
# Lists and objects in what a component says; text may be as long as a message, so that it can be refused in words.
MOST_NODES = 50_000
MARK = "headlight_guarded"
EVENT, SERIALIZED = "json_trigger_value", streamlit_state.Serialized
_log = logging.getLogger(__name__)
T = TypeVar("T")


def said(key: str, event: str, kind: type[T]) -> T | None:
    """What the component of that key said by this event just now; None for nothing, and for what is of another type."""
    told = st.session_state.get(key)
    value = told.get(event) if isinstance(told, Mapping) else None
    return value if isinstance(value, kind) else None


def is_sound(told: WidgetState, metadata: WidgetMetadata[Any] | None) -> bool:
    """Whether a value may reach its widget. metadata: the widget's own, or None where the page has not drawn it yet."""
    name = told.WhichOneof("value")
    if name is None:  # cleared
        return True
    size = told.ByteSize()
    if metadata is not None and metadata.value_type not in (None, name):
        return False
    if name == EVENT:
        return _is_events(told.json_trigger_value)
    if name == "json_value":
        return size <= MOST_STATE and isinstance(_parsed(told.json_value), dict)
    return size <= MOST_BYTES and (metadata is None or _is_read(told, metadata))


def guarded(callback: Callable[..., Any]) -> Callable[..., Any]:
    """The callback, which leaves the page standing whatever it raises; what it raised is told above the panels."""
    if hasattr(callback, MARK):
        return callback

    @functools.wraps(callback)
    def calling(*args: Any, **kwargs: Any) -> None:
        try:
            callback(*args, **kwargs)
        except Exception as err:  # a stranger's message brought it about, or a fault of ours: a sentence, never a stack
            state.settle(state.current(), [describe_problem(err)])

    setattr(calling, MARK, True)
    return calling


def install() -> None:
    """Stand between browsers and every page of this process; more than once is the same as once."""
    owner = streamlit_state.SessionState
    if not hasattr(owner.set_widgets_from_proto, MARK):
        owner.set_widgets_from_proto = _receiving(owner.set_widgets_from_proto)  # type: ignore[method-assign]
        owner.register_widget = _registering(owner.register_widget)  # type: ignore[method-assign]


def _receiving(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def receive(self: SessionState, told: WidgetStates) -> None:
        known = self._new_widget_state.widget_metadata
        sound = [one for one in list(told.widgets)[:MOST_VALUES] if is_sound(one, known.get(one.id))]
        if len(sound) < len(told.widgets):
            _log.info("dropped %d values that no page of ours sends", len(told.widgets) - len(sound))
            kept = WidgetStates(widgets=sound)
            told.CopyFrom(kept)  # in place: Streamlit reads the message again where a callback asks for a rerun
        original(self, told)

    setattr(receive, MARK, True)
    return receive


def _registering(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def register(self: SessionState, metadata: WidgetMetadata[Any], user_key: str | None) -> Any:
        # What came before the page had drawn this widget, as after a lost connection, is checked now.
        waiting = self._new_widget_state.states.get(metadata.id)
        if isinstance(waiting, SERIALIZED) and not is_sound(waiting.value, metadata):
            del self._new_widget_state.states[metadata.id]
        return original(self, _with_guards(metadata), user_key)

    return register


def _with_guards(metadata: WidgetMetadata[Any]) -> WidgetMetadata[Any]:
    if metadata.callback is None and not metadata.callbacks:
        return metadata
    callbacks = metadata.callbacks and {name: guarded(one) for name, one in metadata.callbacks.items()}
    callback = None if metadata.callback is None else guarded(metadata.callback)
    return replace(metadata, callback=callback, callbacks=callbacks)


def _is_events(raw: str) -> bool:
    """Whether this is what components say: one event or several, each an object with its name."""
    if raw.count("[") + raw.count("{") > MOST_NODES:
        return False
    found = _parsed(raw)
    events = found if isinstance(found, list) else [found]
    return all(isinstance(one, dict) and isinstance(one.get("event"), str) for one in events)


def _parsed(raw: str) -> Any:
    """What the JSON says, or None: where it is none, is nested too deeply, or has a number of thousands of digits."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _is_read(told: WidgetState, metadata: WidgetMetadata[Any]) -> bool:
    """Whether the widget can make anything of it."""
    try:
        metadata.deserializer(unpack_widget_state_value(told))
    except Exception:
        return False
    return True
