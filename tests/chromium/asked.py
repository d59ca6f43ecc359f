"""What the views that ask the model are given, for pages without a server: made as the page makes it."""

from collections import deque
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from playwright.sync_api import Page

import attention
from attention import HeadView, Trace
from attention.analysis.head_map import HeadMap
from attention.browser import matters as matters_payload
from attention.browser import patch as patch_payload
from attention.browser import why as why_payload
from attention.browser import writes as writes_payload
from attention.ui import analysed, matters, patch, sweeps, why, writes
from attention.ui.runs import Job
from attention.view import View
from tests.chromium.harness import mount

TEXT = "The old king came home. The old king came"
OTHER = "The old king came home. The old king went"
QUERY = 10


@cache
def story() -> Trace:
    return attention.trace("storyteller", TEXT)


def view(details: str, layer: int = 1, head: int = 0) -> View:
    return View(text=TEXT, query=QUERY, layer=layer, head=head, details=details, patch_text=OTHER)  # type: ignore[arg-type]


def asked_matters(head: HeadView, *, frozen: bool = False) -> matters.Request:
    return matters.Request(**analysed.aimed(view("matters"), QUERY), **analysed.kind_of(head), frozen=frozen)


@cache
def matters_bytes(state: str = "done", count: int = 24) -> bytes:
    """The view after so many heads have been tried."""
    head = story().head(1, 0)
    asked = asked_matters(head)
    known = matters._first(asked, Job()).known
    ((found,),) = deque(matters._each(asked, Job())[1], maxlen=1)
    if count < 24:
        found = first_of(found, count)
    line = f"{count} of 24 heads … 3 s" if state == "running" else ""
    way = matters_payload.Way(how="zero", frozen=False, state=state, line=line, share=count / 24)
    return matters_payload.payload(head, known, way, found if count else None, None)


def first_of(found: HeadMap, count: int) -> HeadMap:
    """A map of which only so many heads have been tried."""
    values = {}
    for address in sorted(found.values):
        row = found.values[address].copy()
        row[max(0, count) :] = np.nan
        count -= len(row)
        values[address] = row
    return replace(found, values=values)


@cache
def writes_bytes(layer: int = 3, head: int = 2) -> bytes:
    one = story().head(layer, head)
    asked = writes.Request(
        **analysed.aimed(view("writes"), QUERY), **analysed.kind_of(one), layer=layer, head=head
    )
    return writes_payload.payload(one, writes._run(asked, Job()).found, automatic=True)


@cache
def why_bytes(layer: int = 2, head: int = 1) -> bytes:
    one = story().head(layer, head)
    key = why_payload.key_of(one, QUERY, None)
    asked = why.Request(
        prompt=view("why").unedited, limits=analysed.Limits(), position=QUERY, kind="decoder", layer=layer, head=head,
        key=key,
    )  # fmt: skip
    return why_payload.payload(one, why._run(asked, Job()).origins, None)


@cache
def patch_bytes(other: str = OTHER) -> bytes:
    one = story().head(1, 0)
    asked = patch.Request(**analysed.aimed(view("patch"), QUERY), **analysed.kind_of(one), other=other)
    known = patch._first(asked, Job()).known
    if known.unequal:
        return patch_payload.refused(known)
    maps: sweeps.Maps = deque(patch._each(asked, Job())[1], maxlen=1)[0]
    return patch_payload.payload(one, known, maps, {"state": "done"}, automatic=True)


MADE = {"matters": matters_bytes, "writes": writes_bytes, "why": why_bytes, "patch": patch_bytes}
PLACES = {"matters": (1, 0), "writes": (3, 2), "why": (2, 1), "patch": (1, 0)}


def shown(open_page: Any, name: str, data: bytes | None = None, **more: Any) -> Page:
    """A page with a store and that view on it, without a server. more: of the page, and of `harness.mount`."""
    page: Page = open_page(size=more.pop("size", (1440, 1000)), touch=more.pop("touch", False))
    place = PLACES[name]
    mount(page, name, MADE[name]() if data is None else data, story().head(*place), view(name, *place), **more)
    return page
