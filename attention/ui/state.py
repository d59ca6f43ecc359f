"""What one browser session shows: the current View, the way back to earlier ones, and the browser's address.

The page “Compare” shows two: the current view is its first side, and `compared()` is both. What other pages show has
one side; the second one is kept meanwhile.

A page calls `current()` before its widgets, changes the view with `go()` (in callbacks or in its run), and calls
`sync()` as the last thing of its run. Widgets hold no truth of their own: before each one the page sets its session
state from the view, so that undo reaches them too.

The address is read when the session begins, when it holds something that this session has neither read nor written
(then somebody else changed it), and in `follow()`, when the browser went back or forward. Otherwise what was written
earlier is not read again: a click can arrive with the address of the run before, and reading that would undo the
person's last change. Links inside the app therefore call `go()` and then switch the page.

Streamlit sends each change of `st.query_params` to the browser, which makes a new entry of its history (pushState);
only while it answers Back or Forward does it replace the entry where it is. Those rerun the whole script with the
entry's address and without any callback, and that is how `follow()` knows them.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Any, cast

import streamlit as st

from attention.config import Limits
from attention.table import keys, rows, steps
from attention.ui.start import arrival
from attention.view import PARAMETERS, Comparison, View, address_of, is_of_second, parse, second_of

HISTORY = 50
# Characters of a view that one can go back to: a history of megabyte pastes would fill the memory.
LONGEST_KEPT = 100_000
_REMEMBERED = 200
_NAMES = frozenset(parameter.name for parameter in PARAMETERS)
# Changes of the others alone are not worth a step back.
_STEPS = steps(View)
_QUIET = tuple(name for name in rows(View) if name not in _STEPS)
_QUIET_KEYS = frozenset(keys(View)[name] for name in _QUIET)
# The page that shows two views.
COMPARE = "Compare"
# What a page shows.
Shown = View | Comparison


class Key(StrEnum):
    """Every key that Headlight keeps in a session's state, widgets aside."""

    VIEW = "headlight.view"
    # The second side of the page “Compare”.
    SECOND = "headlight.second"
    PAST = "headlight.past"
    FUTURE = "headlight.future"
    NOTICES = "headlight.notices"
    ADDRESSES = "headlight.addresses"
    # Whether this run has already changed or read the view, so that its address may be an old one.
    STEPPED = "headlight.stepped"
    # The hash of an address that the browser went back to and that stays as it is, or None.
    HELD = "headlight.held"
    PAGE = "headlight.page"
    # The number of the last message from the browser's store that was heard.
    SEEN = "headlight.seen"


def current() -> View:
    """The view of this session; the first call reads it from the address."""
    if Key.VIEW not in st.session_state:
        _begin()
    elif (address := _address()) and hash(address) not in _get(Key.ADDRESSES):
        _adopt()
    return cast(View, _get(Key.VIEW))


def follow(page: str) -> None:
    """Go where the browser's Back or Forward went; the first thing in the run of a page, named so.

    A view of the history is undone or redone to; any other known address is read again, and not written over.
    """
    same_page = st.session_state.get(Key.PAGE) == page
    # First, for it decides which keys of the address are ours.
    _put(Key.PAGE, page)
    current()
    _begin_second()
    here, stepped = _address(), _get(Key.STEPPED)
    _put(Key.STEPPED, False)
    known = hash(here) in _get(Key.ADDRESSES) and hash(here) != _get(Key.HELD)
    # A link between pages may drop the address; the view stays.
    if stepped or not known or here == _address_of(_shown()) or not (here or same_page):
        return
    _travel(here)
    _put(Key.HELD, hash(here))


def go(view: View) -> None:
    """Show another view. The present one can be undone to, unless what changes is quiet: a pin, a stage, details."""
    _step()
    _move(_shown(), Comparison(first=view, second=_get(Key.SECOND)) if _is_comparing() else view)


def compared() -> Comparison:
    """Both sides of the page “Compare”; at first the second one is as the first."""
    view = current()
    _begin_second()
    return Comparison(first=view, second=_get(Key.SECOND))


def compare(comparison: Comparison) -> None:
    """Show another comparison, as `go` shows another view."""
    _step()
    _move(_shown(), comparison)


def compare_anew() -> None:
    """Let both sides of the page “Compare” be as the current view, whatever was compared before."""
    _put(Key.SECOND, current())


def settle_compared(comparison: Comparison, notices: Iterable[str] = ()) -> None:
    """As `settle`, of both sides."""
    settle(comparison.first, notices)
    _put(Key.SECOND, comparison.second)


def carried_to(page: str) -> dict[str, str]:
    """The keys of a second side that go along to that page: none but to “Compare”."""
    if page != COMPARE or Key.SECOND not in st.session_state:
        return {}
    query = address_of(compared())
    _remember(_as_address(query.items()))
    return {key: value for key, value in query.items() if is_of_second(key)}


def settle(view: View, notices: Iterable[str] = ()) -> None:
    """Correct the present view to one that exists, with the notices that say so; no step to undo."""
    current()
    _put(Key.STEPPED, True)
    known = _notices()
    _put(Key.NOTICES, (*known, *(notice for notice in notices if notice not in known)))
    _put(Key.VIEW, view)


def undo() -> None:
    """Back to the view before the last change; nothing happens where there is none."""
    _step()
    _shift(Key.PAST, Key.FUTURE)


def redo() -> None:
    """Forward again to what `undo` left."""
    _step()
    _shift(Key.FUTURE, Key.PAST)


def can_undo() -> bool:
    """Whether there is an earlier view."""
    current()
    return bool(_get(Key.PAST))


def can_redo() -> bool:
    """Whether `undo` left a view to go forward to."""
    current()
    return bool(_get(Key.FUTURE))


def seen(store: str = "") -> int:
    """How far the browser's own changes have been heard: the number of its last message. store: of a side's own."""
    return int(st.session_state.get(f"{Key.SEEN}{store}", 0))


def hear(number: int, store: str = "") -> None:
    """A message of the browser's store was heard."""
    st.session_state[f"{Key.SEEN}{store}"] = max(seen(store), number)


def subject(view: View) -> str:
    """A name for what the tokens and heads of a view are about, which are the same whatever is changed while the model
    runs. What a widget keeps about them bears it in its key, so that it goes with its text, model or kind.
    """
    return sha256(repr((view.unedited, view.kind)).encode()).hexdigest()[:12]


def notices() -> tuple[str, ...]:
    """What could not be shown as it was asked for, in plain text to be drawn literally; until the next step."""
    current()
    return _notices()


def dismiss() -> None:
    """Drop the notices."""
    current()
    _put(Key.STEPPED, True)
    _put(Key.NOTICES, ())


def sync() -> None:
    """Write the view into the browser's address; the last thing in a page's run. Foreign keys stay."""
    current()
    shown = _shown()
    _put(Key.STEPPED, False)
    if _address() == _address_of(shown) or hash(_address()) == _get(Key.HELD):
        return
    _put(Key.HELD, None)
    _remember(_address_of(shown))
    foreign = {key: st.query_params.get_all(key) for key in st.query_params if not _is_ours(key)}
    st.query_params.from_dict({**address_of(shown), **foreign})


Address = tuple[tuple[str, str], ...]


def _begin() -> None:
    """First run of the session."""
    shown, found = _parse()
    _show(shown)
    _put(Key.NOTICES, found)
    _put(Key.PAST, ())
    _put(Key.FUTURE, ())
    _put(Key.ADDRESSES, deque(maxlen=_REMEMBERED))
    _put(Key.STEPPED, True)
    _put(Key.HELD, None)
    _remember(_address())


def _adopt() -> None:
    """The address was changed by somebody else: a step like any other, with its own notices."""
    shown, found = _parse()
    _put(Key.STEPPED, True)
    _put(Key.HELD, None)
    _remember(_address())
    _move(_shown(), shown)
    _put(Key.NOTICES, found)


def _travel(here: Address) -> None:
    """To the view of an address that this session knows."""
    read, found = _parse()
    # As it stands, for it may lack the long texts of its view; then with what a short one leaves out.
    if any(_find(_loud_part(one)) for one in (here, _address_of(read))):
        _show(_with_quiet(_shown(), read))
    else:
        _move(_shown(), read)
        _put(Key.NOTICES, found)


def _with_quiet(shown: Shown, read: Shown) -> Shown:
    """What is shown, with all that is no step as it was read; both have as many sides."""
    if isinstance(shown, Comparison) and isinstance(read, Comparison):
        return Comparison(first=_quieted(shown.first, read.first), second=_quieted(shown.second, read.second))
    return _quieted(_first(shown), _first(read))


def _quieted(view: View, read: View) -> View:
    return replace(view, **{name: getattr(read, name) for name in _QUIET})


def _find(wanted: Address) -> bool:
    """Undo or redo to the nearest view with that address, if there is one; the present one is the nearest of all."""
    if wanted == _loud_part(_address_of(_shown())):
        return True
    sides = type(_shown())  # a page shows one view or two
    for source, target in ((Key.PAST, Key.FUTURE), (Key.FUTURE, Key.PAST)):
        steps = [_loud_part(_address_of(one)) if isinstance(one, sides) else None for one in reversed(_get(source))]
        if wanted in steps:
            for _ in range(steps.index(wanted) + 1):
                _shift(source, target)
            return True
    return False


def _step() -> None:
    """The person changes the view: this run's address may be an old one, and none is held any longer."""
    current()
    _put(Key.STEPPED, True)
    _put(Key.HELD, None)


def _loud_part(here: Address) -> Address:
    return tuple(pair for pair in here if pair[0].removeprefix("b.") not in _QUIET_KEYS)


# A page asks several times a run.
@lru_cache(maxsize=64)
def _address_of(shown: Shown) -> Address:
    return _as_address(address_of(shown).items())


def _move(before: Shown, after: Shown) -> None:
    if _loud(before) != _loud(after):
        if sum(len(view.text) + len(view.pair) for view in _sides(before)) <= LONGEST_KEPT:
            _put(Key.PAST, (*_get(Key.PAST), before)[-HISTORY:])
        _put(Key.FUTURE, ())
        _put(Key.NOTICES, ())
    _show(after)


def _shift(source: Key, target: Key) -> None:
    current()
    here = _shown()
    *rest, found = _get(source) or (None,)
    if found is None:
        return
    _put(source, tuple(rest))
    _put(target, (*_get(target), here)[-HISTORY:])
    _show(found)
    _put(Key.NOTICES, ())


def _is_comparing() -> bool:
    return st.session_state.get(Key.PAGE) == COMPARE


def _begin_second() -> None:
    if _is_comparing() and Key.SECOND not in st.session_state:
        _put(Key.SECOND, _get(Key.VIEW))


def _shown() -> Shown:
    """What this page shows: one view, or two."""
    view = cast(View, _get(Key.VIEW))
    if not _is_comparing() or Key.SECOND not in st.session_state:
        return view
    return Comparison(first=view, second=_get(Key.SECOND))


def _show(shown: Shown) -> None:
    _put(Key.VIEW, _first(shown))
    if isinstance(shown, Comparison):
        _put(Key.SECOND, shown.second)


def _first(shown: Shown) -> View:
    return shown.first if isinstance(shown, Comparison) else shown


def _sides(shown: Shown) -> tuple[View, ...]:
    return (shown.first, shown.second) if isinstance(shown, Comparison) else (shown,)


def _loud(shown: Shown) -> tuple[Any, ...]:
    return tuple(getattr(view, name) for view in _sides(shown) for name in _STEPS)


def _parse() -> tuple[Shown, tuple[str, ...]]:
    query: dict[str, str | list[str]] = {
        name: st.query_params.get_all(name) for name in st.query_params if _is_ours(name)
    }
    longest = Limits.from_environment().max_characters
    view, found = parse(query, max_characters=longest)
    view = arrival(view, query)
    if not _is_comparing():
        return view, found
    second, more = second_of(view, query, max_characters=longest)
    return Comparison(first=view, second=second), (*found, *more)


def _is_ours(key: str) -> bool:
    return key in _NAMES or (_is_comparing() and is_of_second(key))


def _address() -> Address:
    # In one go, for each look-up asks Streamlit's state anew, and a run asks a dozen times where it is. Of a key that a
    # stranger's link gives twice the last one counts, as it does for `parse`.
    return _as_address((name, value) for name, value in st.query_params.to_dict().items() if _is_ours(name))


def _as_address(pairs: Iterable[tuple[str, str]]) -> Address:
    return tuple(sorted(pairs))


def _remember(seen: Address) -> None:
    """Hashes, not texts: a session may see many long ones."""
    _get(Key.ADDRESSES).append(hash(seen))


def _notices() -> tuple[str, ...]:
    return cast(tuple[str, ...], _get(Key.NOTICES))


def _get(key: Key) -> Any:
    return st.session_state[key]


def _put(key: Key, value: object) -> None:
    st.session_state[key] = value
