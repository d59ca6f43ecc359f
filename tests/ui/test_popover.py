"""What a popover holds is drawn while it is open, and what was chosen there is there when it opens again."""

import pytest

from attention.ui import ask, predicted, search
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


def test_a_choice_outlives_a_closed_popover():
    app = opened()
    app.slider(key="continue-tokens").set_value(3).run()
    app.selectbox(key=search.PATTERN).set_value("induction").run()
    for is_open in (False, False, True):
        for key in (ask.SHINES, search.OPEN, predicted.CONTINUE):
            app.session_state[key] = is_open
        app.run()
    assert not app.exception
    assert app.slider(key="continue-tokens").value == 3
    assert app.selectbox(key=search.PATTERN).value == "induction"
