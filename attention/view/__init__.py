"""View: everything that the inspect page shows, as one frozen value, and its form as a link.

`parse` reads a query string and never fails: a value that makes no sense falls back to its default, with a notice in
plain words. `to_query` writes what `parse` reads back unchanged; `to_file` and `from_file` do the same with a file, for
texts that no link carries. `revised` takes over what a browser has changed. `fit` moves a view to a place that a trace
really has. Notices and labels are plain text, never markup: they may quote what a stranger put into a link, so they are
drawn literally. Keys that are not in PARAMETERS are ignored in silence: links collect campaign tags, and Streamlit has
keys of its own. A `Comparison` is two views, with a link of its own (`comparison`).
"""

from attention.prompt import DEFAULT_MODEL, DEFAULT_TEXT, Prompt
from attention.table import MAX_INDEX, clean
from attention.view.comparison import (
    Comparison,
    address_of,
    comparison_address,
    comparison_fits,
    comparison_query,
    is_of_second,
    parse_comparison,
    second_of,
)
from attention.view.fields import (
    COLDEST,
    COUNTED_ON,
    DETAILS,
    HIDE,
    HOTTEST,
    KINDS,
    MAX_BESIDE,
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
    label,
)
from attention.view.files import from_file, most_bytes, to_file
from attention.view.fitting import Place, fit
from attention.view.parameters import PARAMETERS, Parameter
from attention.view.url import LONGEST_QUERY, fits_address, parse, revised, show, to_address, to_query

__all__ = [
    "COLDEST",
    "COUNTED_ON",
    "DEFAULT_MODEL",
    "DEFAULT_TEXT",
    "DETAILS",
    "HIDE",
    "HOTTEST",
    "KINDS",
    "LONGEST_QUERY",
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
    "Comparison",
    "Parameter",
    "Place",
    "Prompt",
    "View",
    "address_of",
    "change",
    "clean",
    "comparison_address",
    "comparison_fits",
    "comparison_query",
    "fit",
    "fits_address",
    "from_file",
    "is_of_second",
    "label",
    "most_bytes",
    "parse",
    "parse_comparison",
    "revised",
    "second_of",
    "show",
    "to_address",
    "to_file",
    "to_query",
]
