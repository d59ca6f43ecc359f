"""Files of what is shown. Names arrive when they are used: importing this package loads neither torch nor plotly.

`to_npz` and `from_npz`: a whole run as arrays, and back. `to_json`: one head as text. `to_csv`: a table of one head.
The modules beside them: `provenance` says where the numbers come from, `interactive` makes a page that opens offline,
`still` a figure for print, `files` picks one of all these by a file's ending. docs/files.md describes the formats.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attention.export.archive import Opened, from_npz, to_npz
    from attention.export.document import to_json
    from attention.export.provenance import Provenance
    from attention.export.table import to_csv

__all__ = ["Opened", "Provenance", "from_npz", "to_csv", "to_json", "to_npz"]

_HOME = {
    "Opened": "archive",
    "from_npz": "archive",
    "to_npz": "archive",
    "to_json": "document",
    "Provenance": "provenance",
    "to_csv": "table",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has: {', '.join(__all__)}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
