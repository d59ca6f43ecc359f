"""What the model picker lists: what is in the box, what lies on this computer, what can be fetched; each with its
size.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from attention.catalogue import LOCAL, ModelEntry, is_offered, offered
from attention.config import Limits
from attention.ui import sizes, warmup
from attention.ui.problems import seen

if TYPE_CHECKING:
    from attention.models.store import Own, Stored

IN_THE_BOX, HERE, TO_FETCH = GROUPS = ("in the box", "on this computer", "to fetch")
ONE_LAYER = "one layer, not trained"
# So long what lies on the disk is not looked at again.
SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One line of the picker. model: the id that it stands for. facts: the family or architecture, and the size."""

    model: str
    title: str
    group: str
    facts: tuple[str, ...]


def choices() -> tuple[Choice, ...]:
    """All lines, the groups in their order and each by its titles; before all is loaded the catalogue's alone."""
    limits = Limits.from_environment()
    stored, own = on_disk(limits) if warmup.ready() else ((), ())
    here = {one.id: one for one in stored if one.state != "other"}
    listed = offered(limits)
    found = [_entry(entry, here.get(entry.id)) for entry in listed]
    known = {entry.id for entry in listed}
    found += [_stored(one) for one in here.values() if one.id not in known and is_offered(one.id, limits)]
    found += [_own(one) for one in own if one.card is not None]
    return tuple(sorted(found, key=lambda one: (GROUPS.index(one.group), one.title.casefold())))


def on_disk(limits: Limits) -> tuple[tuple[Stored, ...], tuple[Own, ...]]:
    """The hub's models and the host's own that lie on this computer, as they were within the last minute."""
    return _looked(limits, int(time.monotonic() // SECONDS))


def forget() -> None:
    """Look at the disk again: something was removed."""
    _looked.cache_clear()


@lru_cache(maxsize=4)
def _looked(limits: Limits, _minute: int) -> tuple[tuple[Stored, ...], tuple[Own, ...]]:
    from attention.models import store

    return store.downloaded(), store.own(limits)


def _entry(entry: ModelEntry, stored: Stored | None) -> Choice:
    if entry.path is not None or entry.id == LOCAL:
        # Of the local layer the person decides whether it looks back only, as a decoder does, or both ways.
        facts = (ONE_LAYER,) if entry.id == LOCAL else (entry.family, *_bundled(entry))
        return Choice(model=entry.id, title=entry.title, group=IN_THE_BOX, facts=facts)
    whole = stored is not None and stored.state == "whole"
    size = () if stored is None else (sizes.said(stored.bytes) + ("" if whole else " of it here"),)
    group = HERE if whole else TO_FETCH
    return Choice(model=entry.id, title=entry.title, group=group, facts=(entry.family, *size))


@lru_cache(maxsize=64)
def _bundled(entry: ModelEntry) -> tuple[str, ...]:
    if entry.path is None:
        return ()
    return (sizes.said(sum(path.stat().st_size for path in entry.path.iterdir() if path.is_file())),)


def _stored(one: Stored) -> Choice:
    sort = (one.card.family,) if one.card else ()
    whole = one.state == "whole"
    size = sizes.said(one.bytes) + ("" if whole else " of it here")
    return Choice(model=one.id, title=seen(one.id), group=HERE if whole else TO_FETCH, facts=(*sort, size))


def _own(one: Own) -> Choice:
    sort = (one.card.family,) if one.card else ()
    return Choice(model=one.id, title=seen(one.id), group=HERE, facts=(*sort, sizes.said(one.bytes)))
