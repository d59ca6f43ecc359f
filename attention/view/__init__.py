"""View: everything that the inspect page shows, as one frozen value, and its form as a link.

`parse` reads a query string and never fails: a value that makes no sense falls back to its default, with a notice in
plain words. `to_query` writes what `parse` reads back unchanged. `revised` takes over what a browser has changed. `fit`
moves a view to a place that a trace really has. Notices and labels are plain text, never markup: they may quote what a
stranger put into a link, so they are drawn literally. Keys that are not in PARAMETERS are ignored in silence: links
collect campaign tags, and Streamlit has keys of its own.
"""

from attention.view.fields import (
    COLDEST,
    DEFAULT_MODEL,
    DEFAULT_TEXT,
    GROUNDS,
    HIDE,
    HOTTEST,
    KINDS,
    LENSES,
    MAX_BESIDE,
    MAX_INDEX,
    MAX_PINS,
    MEASURES,
    NUMBERS,
    OVER,
    PICTURES,
    REST,
    STAGE_LABELS,
    STAGES,
    TOGETHER,
    VALUES,
    VALUES_LABELS,
    WEIGHTS,
    WEIGHTS_LABELS,
    View,
    change,
    clean,
    label,
)
from attention.view.fitting import Place, fit, nearest, step
from attention.view.links import parse, revised, show, to_query
from attention.view.parameters import PARAMETERS, Parameter

__all__ = [
    "COLDEST",
    "DEFAULT_MODEL",
    "DEFAULT_TEXT",
    "GROUNDS",
    "HIDE",
    "HOTTEST",
    "KINDS",
    "LENSES",
    "MAX_BESIDE",
    "MAX_INDEX",
    "MAX_PINS",
    "MEASURES",
    "NUMBERS",
    "OVER",
    "PARAMETERS",
    "PICTURES",
    "REST",
    "STAGES",
    "STAGE_LABELS",
    "TOGETHER",
    "VALUES",
    "VALUES_LABELS",
    "WEIGHTS",
    "WEIGHTS_LABELS",
    "Parameter",
    "Place",
    "View",
    "change",
    "clean",
    "fit",
    "label",
    "nearest",
    "parse",
    "revised",
    "show",
    "step",
    "to_query",
]
