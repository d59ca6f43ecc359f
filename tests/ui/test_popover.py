"""What a popover holds is drawn while it is open, and what was chosen there is there when it opens again."""

from unittest.mock import patch

import pytest

from attention.browser import codec
from attention.ui import nav, popover, predicted, prompt_bar, search
from tests.ui.test_inspect import opened

pytestmark = pytest.mark.usefixtures("warm")


def keys(app):
    return {item.key for kind in ("button", "selectbox", "slider", "segmented_control") for item in app.get(kind)}


def test_closed_popovers_hold_nothing():
    drawn = keys(opened(popovers=False))
    assert "continue-go" not in drawn
    assert not [key for key in drawn if key and key.startswith(("shine-", "search-"))]
    drawn = keys(opened(popovers=True))
    assert {"continue-go", "shine-0", search.HOW} <= drawn


def test_a_closed_one_is_a_button_of_ours_and_none_of_streamlits():
    names = (prompt_bar.SHINES, search.OPEN, predicted.CONTINUE)
    for popovers in (False, True):
        app = opened(popovers=popovers)
        found = [item.proto for item in app.get("bidi_component") if item.proto.component_name == "headlight.opener"]
        assert sorted(codec.parse(one.bytes)["name"] for one in found) == ([] if popovers else sorted(names))
        assert len(app.get("popover")) == (len(names) if popovers else 0)


def test_the_button_opens_it():
    app = opened(popovers=False)
    with patch.object(nav, "_enter", lambda: popover._open(search.OPEN)):
        app.run()
    assert search.HOW in keys(app)


def test_a_choice_outlives_a_closed_popover():
    app = opened()
    app.slider(key="continue-tokens").set_value(3).run()
    app.selectbox(key=search.PATTERN).set_value("induction").run()
    for is_open in (False, False, True):
        for key in (prompt_bar.SHINES, search.OPEN, predicted.CONTINUE):
            app.session_state[key] = is_open
        app.run()
    assert not app.exception
    assert app.slider(key="continue-tokens").value == 3
    assert app.selectbox(key=search.PATTERN).value == "induction"
