"""A run as an NPZ file, for numpy and for the page: everything but the model itself, and back.

The file has plain arrays, and `about`, JSON as bytes: provenance with every head's check, the view, tokens, rules, and
which array is what. The head on show is there once more under plain names (`weights`, `scores`, `contribution`, …).
docs/files.md describes it. What comes back shows the same page: the same payloads, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from attention.analysis.kept import MOST_BYTES, with_kept
from attention.analysis.norms import kept_norms
from attention.config import MEGABYTE, Limits
from attention.errors import InputError, NoSuchHeadError, TooLongError
from attention.export import members
from attention.export.provenance import HeadCheck, Provenance, provenance
from attention.export.reading import read_provenance
from attention.export.shown import on_show
from attention.record import KINDS, Checked, HeadError, Trace, pack, unpack
from attention.record.fields import Fields, refuse
from attention.record.plain import clean
from attention.record.tensors import OWN_TENSORS
from attention.tokens.visible import readable
from attention.view import View, parse
from attention.view.url import in_full

if TYPE_CHECKING:
    from attention.record import HeadView, Kind

FORMAT, VERSION = "headlight", 1
ABOUT = "about"
MOST_ABOUT = 8_000_000
EXACT = ("view", "tokens", "pair_tokens")
# More than nearly any model has: 96 layers of 96 heads are 9,216.
MOST_HEADS = 10_000
LONGEST_LINE, MOST = 20_000, 10**6
NOT_OURS = "This NPZ file is not one of Headlight’s: it has no readable {}. Choose one that Headlight saved."
WHAT = {
    "scores": "Q·K of each query and key", "scaled": "the scores times the model's scale", "softcapped": "capped",
    "biased": "with the bias by position", "tempered": "divided by the temperature",
    "masked": "what enters the softmax; -inf where the query may not look",
    "softmaxed": "the softmax over the keys, before an edit put other rows in its place",
    "weights": "the softmax over the keys",
    "output": "what each query receives, before W_O", "contribution": "what this head adds after W_O, for each query",
    "norms": "the length of what each key would write after W_O, without its weight",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Opened:
    """What a file held: the trace, the view that it was saved with, and where its numbers come from."""

    trace: Trace
    view: View
    provenance: Provenance


def to_npz(trace: Trace, view: View, limits: Limits | None = None) -> bytes:
    """The file. view: names the head on show. limits: where given, a file that they would not open is refused.

    All heads' checks are measured for it, and what each key would write, so it takes some seconds for large models.
    Raises NoSuchHeadError where the trace has no such head, InputError where it has no such token or is too large.
    """
    head_view = on_show(trace, view)
    tree, arrays = pack(with_kept(trace, head_view))
    shown = _shown(head_view)
    about = {
        "format": FORMAT, "version": VERSION, "provenance": provenance(trace).tree(), "view": in_full(view),
        "shown": {
            "kind": head_view.kind, "layer": head_view.layer, "head": head_view.head,
            "arrays": {name: WHAT[name] for name in shown},
        },
        "trace": tree,
    }  # fmt: skip
    text = json.dumps(sendable(about), allow_nan=False, separators=(",", ":")).encode("ascii")
    data = members.write({ABOUT: np.frombuffer(text, np.uint8), **shown, **arrays})
    if limits is not None and len(data) > limits.file_mb * MEGABYTE:
        raise InputError(
            f"This file would have {len(data) / MEGABYTE:.0f} MB, and at most {limits.file_mb} MB can be opened here. "
            "Shorten the text, or save a table of one head."
        )
    return data


def from_npz(data: bytes, limits: Limits | None = None) -> Opened:
    """What `to_npz` wrote. limits: of file size and tokens; without them a file of the usual size, however many tokens.

    Nothing in the file is ever run, and no array is made before its size is known to be allowed. Raises InputError with
    one sentence for everything else, TooLongError for a run of more tokens than are allowed here.
    """
    most = (Limits() if limits is None else limits).file_mb * MEGABYTE
    file = members.Members(data, most)
    given = Fields(_readable(_about(file)), "about")
    given.only("format", "version", "provenance", "view", "shown", "trace")
    if given.choice("format", (FORMAT,)) and given.whole("version", 0, MOST) != VERSION:
        raise InputError(f"This file is not of version {VERSION}, which is read here: open it with a newer Headlight.")
    if limits is not None:
        _check_length(given.part("trace"), limits)
    view = _view(given.part("view").tree, MOST_ABOUT if limits is None else limits.max_characters)
    trace = unpack(given.part("trace").tree, _Others(file))
    if limits is not None:
        _check_heads(trace)
    found = read_provenance(given.part("provenance"), trace)
    checked = Checked(measured=found.measured, errors=_by_place(found.checks, trace))
    prompt = None if trace.model.capture_mode == OWN_TENSORS else view.prompt
    trace = replace(
        trace, fidelity=found.fidelity, checked=checked, notes=(*trace.notes, checked.note), prompt=prompt
    )
    _check_shown(given.part("shown"), file, _inside(trace, view))
    return Opened(trace=trace, view=view, provenance=found)


class _Others(Mapping[str, np.ndarray]):
    """The arrays of a file without those that are for people."""

    def __init__(self, file: members.Members) -> None:
        self._file = file
        self._names = [name for name in file if name not in (ABOUT, *WHAT)]

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self:
            raise KeyError(name)
        return self._file[name]

    def __contains__(self, name: object) -> bool:
        return name in self._file and name not in (ABOUT, *WHAT)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


# Writing


def sendable(tree: Any) -> Any:
    """The tree with texts that every reader of JSON can take: half a character becomes U+FFFD."""
    if isinstance(tree, dict):
        return {clean(name): sendable(one) for name, one in tree.items()}
    if isinstance(tree, list | tuple):
        return [sendable(one) for one in tree]
    return clean(tree) if isinstance(tree, str) else tree


def _shown(head_view: HeadView) -> dict[str, np.ndarray]:
    """The head on show by names that speak for themselves, float32."""
    record = head_view.record
    small = 4 * record.n_q * record.n_k <= MOST_BYTES
    made: dict[str, np.ndarray | None] = dict(head_view.stages if small else ())
    made |= {"output": head_view.output if small else None, "contribution": head_view.contribution}
    norms = kept_norms(record, head_view.head)
    made["norms"] = None if isinstance(norms, str) else norms.lengths
    return {name: array for name, array in made.items() if array is not None and array.nbytes <= MOST_BYTES}


# Reading


def _about(file: members.Members) -> Any:
    if ABOUT not in file:
        raise InputError(NOT_OURS.format("part that says what it is"))
    if file.size(ABOUT) > MOST_ABOUT:
        size = file.size(ABOUT)
        raise InputError(f"What this file says of itself has {size:,} bytes; at most {MOST_ABOUT:,} are read.")
    array = file[ABOUT]
    if array.dtype != np.uint8 or array.ndim != 1:
        raise InputError(NOT_OURS.format("part that says what it is"))
    return load_json(array.tobytes())


def _readable(tree: Any) -> Any:
    """The tree with nothing hidden in what the file says of itself; the texts and their tokens stay exact, for the page
    writes those visibly wherever they stand. Raises InputError where it is nested more deeply than any of ours.
    """
    try:
        return _made_readable(tree)
    except RecursionError as err:
        raise InputError(NOT_OURS.format("description (it is nested too deeply)")) from err


def _made_readable(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: one if name in EXACT else _made_readable(one) for name, one in tree.items()}
    if isinstance(tree, list):
        return [_made_readable(one) for one in tree]
    return readable(tree) if isinstance(tree, str) else tree


def load_json(data: bytes) -> Any:
    """JSON as it is defined: no NaN, no infinite numbers, no name twice, no broken characters. Raises InputError."""
    try:
        text = data.decode("utf-8")
        tree = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite)
        json.dumps(tree, ensure_ascii=False).encode("utf-8")  # fails for half a character
    except (ValueError, RecursionError) as err:
        raise InputError(NOT_OURS.format("description (it is not valid JSON)")) from err
    return tree


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON lets a name stand twice, and readers differ in which one counts."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError
    return dict(pairs)


def _no_number(name: str) -> None:
    raise ValueError(name)


def _finite(raw: str) -> float:
    number = float(raw)
    if abs(number) == float("inf"):
        raise ValueError(raw)
    return number


def _check_length(given: Fields, limits: Limits) -> None:
    given.only("tokens", "pair_tokens", optional=tuple(given.names()))
    longest = max(len(given.parts(name)) for name in ("tokens", "pair_tokens"))
    if longest > limits.max_tokens:
        raise TooLongError(f"This file has {longest:,} tokens; the limit here is {limits.max_tokens:,}.")


def _check_heads(trace: Trace) -> None:
    """Each costs a millisecond or more wherever all heads are shown, however short the text is."""
    count = sum(record.n_heads for record in trace.all_records)
    if count > MOST_HEADS:
        raise InputError(f"This file has {count:,} heads; at most {MOST_HEADS:,} are opened here.")


def _view(tree: Mapping[str, Any], max_characters: int) -> View:
    """The view, as strictly as the page reads a link loosely."""
    if not all(isinstance(one, str) for one in tree.values()):
        refuse("view", "made of texts, as a link is")
    view, notices = parse(tree, max_characters=max_characters)
    if notices:
        raise InputError(f"This file’s view cannot be used. {notices[0]}")
    if in_full(view) != tree:
        refuse("view", "that of a link of this version")
    return view


def _inside(trace: Trace, view: View) -> HeadView:
    """The head on show; raises InputError where the view names what the trace does not have."""
    try:
        return on_show(trace, view)
    except (NoSuchHeadError, InputError) as err:
        raise InputError(f"This file’s view does not fit its run. {err}") from err


def _check_shown(given: Fields, file: members.Members, head_view: HeadView) -> None:
    """The arrays for people must have the shapes of the head on show; their numbers follow from the rest, unused."""
    given.only("kind", "layer", "head", "arrays")
    place = (given.choice("kind", KINDS), given.whole("layer", 0, MOST), given.whole("head", 0, MOST))
    if place != (head_view.kind, head_view.layer, head_view.head):
        refuse("shown", "of the head that its view names")
    listed = given.part("arrays")
    if set(listed.names()) != set(file) & set(WHAT):
        refuse("shown.arrays", "those that are there")
    for name in listed.names():
        listed.text(name, LONGEST_LINE)
        array = file[name]
        if array.dtype != np.float32 or not _is_shape(array.shape, name, head_view):
            refuse(f"shown.{name}", "float32, of the shape of its head")


def _is_shape(shape: tuple[int, ...], name: str, head_view: HeadView) -> bool:
    record = head_view.record
    if name == "norms":
        return shape == (record.n_k,)
    if name in ("output", "contribution"):
        return len(shape) == 2 and shape[0] == record.n_q
    return shape == (record.n_q, record.n_k)


def _by_place(checks: tuple[HeadCheck, ...], trace: Trace) -> dict[tuple[Kind, int, int], tuple[HeadError, ...]]:
    """The checks by layer; there must be one of each head."""
    named = {(check.kind, check.layer, check.op, check.head): check.error for check in checks}
    places = [
        (record.kind, record.layer, record.op, head) for record in trace.all_records for head in range(record.n_heads)
    ]
    if len(checks) != len(places) or named.keys() != set(places):
        refuse("provenance.checks", "one of each head")
    return {
        (record.kind, record.layer, record.op): tuple(
            named[record.kind, record.layer, record.op, head] for head in range(record.n_heads)
        )
        for record in trace.all_records
    }
