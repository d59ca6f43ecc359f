"""`models`: what Headlight offers, and what lies on this machine."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from attention import imports
from attention.catalogue import LOCAL, ModelEntry, models
from attention.cli import codes, common
from attention.config import MEGABYTE, Limits, variable

if TYPE_CHECKING:
    from attention.models import ModelCard
    from attention.models.store import Own, Stored

NAME, HELP = "models", "the catalogue, and what is on this machine"
ABOUT = f"""List the models of the catalogue and those on this machine, with their sizes. `where` is one of: bundled
(comes with Headlight), cached (downloaded), folder (below {variable("model_folder")}), hub (would be downloaded), part
(a download that is not finished), other (in the cache, but in a form that Headlight cannot open). The last two are
listed with --all. No network is asked."""
EXAMPLES = """\
  python -m attention models --table
  python -m attention models --all
"""
COLUMNS = {
    "id": "id", "family": "family", "where": "where", "layers": "layers", "heads": "heads", "parameters": "parameters",
    "megabytes": "MB", "licence": "licence",
}  # fmt: skip
HIDDEN = ("part", "other")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--all", action="store_true", help="also what cannot be opened: part and other")
    parser.add_argument("--table", action="store_true", help="aligned text instead of JSON")


def run(given: argparse.Namespace) -> int:
    """List, and print."""
    found = [one for one in listed() if given.all or one["where"] not in HIDDEN]
    if given.table:
        common.put(common.lay_out(found, COLUMNS, digits=1))
    else:
        common.say(found)
    return codes.GOOD


def listed() -> list[dict[str, Any]]:
    """The catalogue in its order, then what else is in the cache, then the folder's models."""
    imports.at_once()
    from attention.models.store import downloaded, own

    here = {stored.id: stored for stored in downloaded()}
    offered = [_offered(entry, here.pop(entry.id, None)) for entry in models()]
    return [*offered, *map(_cached, here.values()), *map(_own, own(Limits.from_environment()))]


def _offered(entry: ModelEntry, stored: Stored | None) -> dict[str, Any]:
    named = {"title": entry.title, "family": entry.family, "licence": entry.licence, "about": entry.about}
    if entry.id == LOCAL:
        return _one(entry.id, "bundled", None) | _local() | named
    if entry.path is not None:
        size = sum(file.stat().st_size for file in entry.path.iterdir() if file.is_file())
        return _one(entry.id, "bundled", size, _inspected(entry.id)) | named
    return (_one(entry.id, "hub", None) if stored is None else _cached(stored)) | named


def _cached(stored: Stored) -> dict[str, Any]:
    where = "cached" if stored.state == "whole" else stored.state
    return _one(stored.id, where, stored.bytes, stored.card) | {"revisions": stored.revisions}


def _own(one: Own) -> dict[str, Any]:
    return _one(one.id, "folder", one.bytes, one.card) | ({"problem": one.problem} if one.problem else {})


def _one(id: str, where: str, size: int | None, card: ModelCard | None = None) -> dict[str, Any]:
    """What is said of every model; null is what is not known before it is opened."""
    return {
        "id": id,
        "title": id,
        "family": None if card is None else card.family,
        "licence": None if card is None else card.licence,
        "about": "",
        "where": where,
        "megabytes": None if size is None else round(size / MEGABYTE, 1),
        "architecture": None if card is None else card.architecture,
        "layers": None if card is None else card.layers,
        "decoder_layers": None if card is None else card.decoder_layers,
        "heads": None if card is None else card.heads,
        "parameters": None if card is None else card.parameters,
        "revisions": (),
    }


def _inspected(id: str) -> ModelCard:
    from attention.models import inspect, parse

    limits = Limits()
    return inspect(parse(id, limits), limits)


def _local() -> dict[str, Any]:
    from attention import local

    facts = local.facts(local.build())
    return {
        "architecture": facts.architecture, "layers": facts.n_layers, "heads": facts.n_heads,
        "parameters": facts.n_parameters,
    }  # fmt: skip
