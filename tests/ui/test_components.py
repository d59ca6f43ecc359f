"""The page's components: what is registered under which name."""

from typing import Any

import pytest
import streamlit as st

from attention.ui import components


def test_style_sheets_of_one_length_are_two_components(monkeypatch: pytest.MonkeyPatch) -> None:
    registered: dict[str, str] = {}

    def component(name: str, *, css: str, **_: Any) -> Any:
        registered[name] = css
        return lambda **_: None

    monkeypatch.setattr(st.components.v2, "component", component)
    components._sheet.cache_clear()
    for css in ("a { top: 1px; }", "a { top: 2px; }", "a { top: 1px; }"):
        components.style(css)
    components._sheet.cache_clear()
    assert list(registered.values()) == ["a { top: 1px; }\n", "a { top: 2px; }\n"]
