"""What lies on this machine: hub models in the cache, with their sizes and a way to remove them, and the host's own."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from attention.config import Limits, variable
from attention.errors import ModelError
from attention.models import adapter
from attention.models.card import ModelCard
from attention.models.hub import CONFIG
from attention.models.inspect import glance, inspect
from attention.models.pool import ModelPool, shared_pool
from attention.models.reference import ModelRef, parse
from attention.models.weights import INDEX, choose, named_in_index

if TYPE_CHECKING:
    from huggingface_hub import CachedRepoInfo, HFCacheInfo

# "whole": can be opened without the hub. "part": a download that is not finished. "other": what Headlight cannot open,
# such as weights that are pickled or a model that another program keeps in a form of its own.
State = Literal["whole", "part", "other"]
_log = logging.getLogger(__name__)
LEVELS, MOST_MODELS, MOST_FOLDERS = 2, 200, 2_000


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A hub model in the cache of this machine.

    id: as on the hub. revisions: the commits that are here, the newest first. bytes: on the disk, with what a download
    left half-way. card: of the newest whole revision, from its config alone; None where there is none or it cannot be
    read.
    """

    id: str
    revisions: tuple[str, ...]
    bytes: int
    state: State
    folder: Path
    card: ModelCard | None = None


@dataclass(frozen=True, kw_only=True)
class Own:
    """A model in the host's folder. id: what the picker takes ("./name"). bytes: of its files.

    card: None where it cannot be opened; problem is then the sentence that says why, and else "".
    """

    id: str
    folder: Path
    bytes: int
    card: ModelCard | None
    problem: str = ""


def downloaded() -> tuple[Stored, ...]:
    """The models in the hub's cache, by id; datasets and whatever else lies there are left out."""
    cache = _scan()
    if cache is None:
        return ()
    partial = _partial(cache)
    found = []
    for repo in _models(cache):
        with suppress(OSError):  # somebody else removes it at this very moment
            found.append(_stored(repo, partial.get(repo.repo_path, 0)))
    return tuple(sorted(found, key=lambda stored: stored.id.lower()))


def remove(id: str, limits: Limits | None = None, pool: ModelPool | None = None) -> int:
    """Delete a downloaded model with all its revisions and half-done files; the bytes that this freed.

    A model in memory is dropped from the pool first; who looks at it keeps it until they are done. Raises ModelError:
    not allowed here, not downloaded, or being fetched right now.
    """
    pool = pool or shared_pool()
    if not (limits or pool.limits).may_remove:
        raise ModelError(
            f"Models may not be removed on this installation; its host can set {variable('may_remove')}=1."
        )
    cache = _scan()
    # Looked up among what is there, and never made into a path: no text can lead outside the cache.
    repo = next((repo for repo in _models(cache) if repo.repo_id == id), None) if cache else None
    if cache is None or repo is None:
        raise ModelError(f"{id[:200]} is not among the downloaded models; choose one from the list.")
    with pool.without(id):
        return _delete(cache, repo)


def own(limits: Limits) -> tuple[Own, ...]:
    """The models in the host's folder, at most two levels down, by id; no more than 200 are looked at."""
    root = limits.local_root
    if root is None or not root.is_dir():
        return ()
    found = []
    for folder in _folders(root):
        with suppress(OSError):  # one that may not be read, or is gone
            if (folder / CONFIG).is_file() or (folder / adapter.CONFIG).is_file():
                found.append(_own(folder, root, limits))
        if len(found) == MOST_MODELS:
            break
    return tuple(sorted(found, key=lambda own: own.id.lower()))


def _scan() -> HFCacheInfo | None:
    from huggingface_hub import constants, scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        return scan_cache_dir(constants.HF_HUB_CACHE)
    except (CacheNotFound, OSError, ValueError):  # none yet, one that may not be read, or a file in its place
        return None


def _models(cache: HFCacheInfo) -> Iterator[CachedRepoInfo]:
    """Only what really lies in the cache: a link to elsewhere is not ours to list or to delete."""
    for repo in cache.repos:
        if repo.repo_type == "model" and not repo.repo_path.is_symlink():
            yield repo


def _partial(cache: HFCacheInfo) -> dict[Path, int]:
    """The bytes of half-done files, by the folder of their model."""
    sizes: dict[Path, int] = {}
    for file in cache.incomplete_files:
        folder = file.file_path.parent.parent
        sizes[folder] = sizes.get(folder, 0) + file.size_on_disk
    return sizes


def _stored(repo: CachedRepoInfo, partial: int) -> Stored:
    newest = sorted(repo.revisions, key=lambda revision: revision.last_modified, reverse=True)
    states = [_state(revision.snapshot_path) for revision in newest]
    state: State = "part" if "part" in states or partial else "other"
    return Stored(
        id=repo.repo_id,
        revisions=tuple(revision.commit_hash for revision in newest),
        bytes=repo.size_on_disk + partial,
        state="whole" if "whole" in states else state,
        folder=repo.repo_path,
        card=next((_card(repo, one.snapshot_path) for one in newest if _state(one.snapshot_path) == "whole"), None),
    )


def _card(repo: CachedRepoInfo, snapshot: Path) -> ModelCard | None:
    return glance(ModelRef(id=repo.repo_id, revision=snapshot.name), snapshot)


def _state(snapshot: Path) -> State:
    names = {path.name for path in snapshot.iterdir()}
    if adapter.CONFIG in names and not choose(names):
        return "whole" if adapter.WEIGHTS in names else "part"
    if CONFIG not in names:
        return "other"
    chosen = choose(names)
    if chosen:
        return "whole" if INDEX not in chosen or _shards(snapshot) <= names else "part"
    # Headlight fetches the weights last, so that an unfinished download has no weights at all or some shards.
    foreign = any(name.endswith((".bin", ".h5", ".msgpack", ".onnx", ".gguf", ".safetensors")) for name in names)
    return "other" if foreign and INDEX not in names else "part"


def _shards(snapshot: Path) -> set[str]:
    """The weight files that the index names; an impossible one where the index is damaged."""
    try:
        return named_in_index(snapshot)
    except (OSError, ValueError):
        return {""}


def _delete(cache: HFCacheInfo, repo: CachedRepoInfo) -> int:
    from huggingface_hub import constants

    freed = repo.size_on_disk + _partial(cache).get(repo.repo_path, 0)
    # Among this model's alone: a copy of it under another name may have commits of the same hash.
    only = replace(cache, repos=frozenset({repo}))
    only.delete_revisions(*(revision.commit_hash for revision in repo.revisions)).execute()
    _clear(Path(constants.HF_HUB_CACHE) / ".locks" / repo.repo_path.name)
    if repo.repo_path.exists():
        raise ModelError(
            f"{repo.repo_id} could not be removed from the disk; check the permissions of {repo.repo_path}."
        )
    return freed


def _clear(locks: Path) -> None:
    """Remove the empty files that locked a download of this model; what cannot go may stay."""
    import shutil

    shutil.rmtree(locks, ignore_errors=True)


def _folders(root: Path) -> Iterator[Path]:
    """The folders below the root, the nearer ones first, not through links; a bounded number."""
    level: list[Path] = [root]
    left = MOST_FOLDERS
    for _ in range(LEVELS):
        level = [child for folder in level for child in _children(folder)][:left]
        left -= len(level)
        yield from level


def _children(folder: Path) -> Iterable[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())
    except OSError:
        return ()


def _own(folder: Path, root: Path, limits: Limits) -> Own:
    name = "./" + folder.relative_to(root).as_posix()
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    try:
        return Own(id=name, folder=folder, bytes=size, card=inspect(parse(name, limits), limits))
    except ModelError as err:
        return Own(id=name, folder=folder, bytes=size, card=None, problem=str(err))
    except Exception:  # one folder that nobody foresaw hides no other
        _log.exception("%s cannot be looked at", name)
        problem = f"{name} cannot be read; put a whole copy in its place."
        return Own(id=name, folder=folder, bytes=size, card=None, problem=problem)
