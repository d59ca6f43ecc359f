"""A download as a process of its own, so that it can be ended at any moment: `download` starts it and reads from it.

It takes one order, a line of JSON on stdin, and answers with lines of JSON on stdout: {"done": bytes} as they arrive,
and last {"ok": true} or {"problem": "one sentence"}. When stdin closes it ends at once, for then its parent has
cancelled it, or is gone. Neither torch nor transformers is loaded here.

The hub's own client deletes what has arrived when a download is broken off. So the bytes are received here, into
`<etag>.incomplete` beside the cache's other files, and go on from there the next time; the rest is the client's: the
lock, the layout of the cache, and the link from the model's folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from attention.errors import ModelError, NotNowError
from attention.models import hub
from attention.models.reference import ModelRef

# Progress is told this often, and whenever so much of the whole has come since the last time.
TELL_SECONDS, TELL_SHARE = 0.1, 0.005
SHA256 = re.compile(r"[0-9a-f]{64}")
SAFE_ETAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,199}")
CANCELLED = 3

Report = Callable[[int], None]


def main() -> None:
    """Serve one order. Whatever else prints, stdout carries the answers alone."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    order = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    total = sum(size for _, size in order["files"])
    _say(answers, serve(order, _teller(answers, total * TELL_SHARE)))


def serve(order: dict[str, Any], report: Report) -> dict[str, Any]:
    """Fetch the order's files, in their order; the last answer."""
    from huggingface_hub import logging

    logging.set_verbosity_error()
    ref = ModelRef(id=order["id"], revision=order["revision"])
    try:
        with hub.plain_errors(ref):
            _fetch_all(ref, order, report)
    except ModelError as err:
        return {"problem": str(err), "may_pass": err.may_pass}
    return {"ok": True}


def _fetch_all(ref: ModelRef, order: dict[str, Any], report: Report) -> None:
    from huggingface_hub import try_to_load_from_cache

    before = 0
    for name, size in order["files"]:
        if not isinstance(try_to_load_from_cache(ref.id, name, revision=order["commit"]), str):
            _fetch(ref, name, order, lambda done, before=before: report(before + done))  # type: ignore[misc]
        before += size
        report(before)


def _fetch(ref: ModelRef, name: str, order: dict[str, Any], report: Report) -> None:
    """One file, into the cache as its own client would put it there."""
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.file_download import repo_folder_name
    from huggingface_hub.utils import WeakFileLock

    url = hf_hub_url(ref.id, name, revision=order["commit"])
    about = get_hf_file_metadata(url, timeout=hub.TIMEOUT)
    if about.etag is None or about.size is None or not SAFE_ETAG.fullmatch(about.etag):
        raise NotNowError(f"The hub does not say what {name} of {ref.id} is; try again later, or check HF_ENDPOINT.")
    cache, folder = Path(constants.HF_HUB_CACHE), repo_folder_name(repo_id=ref.id, repo_type="model")
    blob, lock = cache / folder / "blobs" / about.etag, cache / ".locks" / folder / f"{about.etag}.lock"
    for path in (blob, lock):
        path.parent.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(lock):  # the same lock as the client's: whoever is second finds the file
        if not blob.exists():
            partial = blob.with_name(f"{about.etag}.incomplete")
            resumed = _receive(url, partial, about.size, order, report)
            _check(ref, name, partial, about.etag, resumed)
            os.replace(partial, blob)
    pointer = Path(hf_hub_download(ref.id, name, revision=order["commit"]))
    if not pointer.is_symlink():  # a disk without links: the client has made a copy, and one is enough
        blob.unlink(missing_ok=True)


def _receive(url: str, partial: Path, size: int, order: dict[str, Any], report: Report) -> bool:
    """Receive until the file is whole, again and again where that helps; whether it was begun by an earlier process."""
    from huggingface_hub.errors import HTTPError

    begun = had = _size(partial)
    failures = 0
    while (had := _size(partial)) != size:
        if had > size:
            partial.unlink()
            continue
        try:
            _stream(url, partial, had, size, report)
            if _size(partial) == had:
                raise HTTPError("no more bytes came")
            failures = 0
        except HTTPError as err:
            failures = 1 if _size(partial) > had else failures + 1
            if _is_final(err) or failures > order["tries"]:
                raise
            time.sleep(order["pause"] * failures)
    return begun > 0


def _stream(url: str, partial: Path, had: int, size: int, report: Report) -> None:
    """One request for what is missing; every byte is on the disk before it is reported, and none beyond the size."""
    from huggingface_hub import constants, get_session
    from huggingface_hub.errors import HTTPError
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status

    headers = {**build_hf_headers(), "Accept-Encoding": "identity", **({"Range": f"bytes={had}-"} if had else {})}
    timeout = constants.HF_HUB_DOWNLOAD_TIMEOUT
    with get_session().stream("GET", url, headers=headers, timeout=timeout, follow_redirects=True) as response:
        hf_raise_for_status(response)
        had = had if response.status_code == 206 else 0  # 200: the server begins anew
        with partial.open("ab" if had else "wb", buffering=0) as file:
            report(had)
            for chunk in response.iter_raw():
                had += len(chunk)
                if had > size:  # it might never end
                    partial.unlink()
                    raise HTTPError("more came than the hub had said")
                file.write(chunk)
                report(had)


def _is_final(err: Exception) -> bool:
    """Whether asking again is no use: an answer of the hub, other than that it is busy."""
    status = getattr(getattr(err, "response", None), "status_code", None)
    return status is not None and status not in (408, 429) and status < 500


def _check(ref: ModelRef, name: str, partial: Path, etag: str, resumed: bool) -> None:
    """A file made of several tries is compared with the hub's checksum, where it has one (all large files have)."""
    if not resumed or not SHA256.fullmatch(etag):
        return
    with partial.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != etag:
        partial.unlink()
        raise NotNowError(f"What arrived of {name} of {ref.id} is damaged and was removed; try again, it begins anew.")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(CANCELLED)


def _teller(answers: TextIO, step: float) -> Report:
    """A report that says not each of many small pieces."""
    last, told = -TELL_SECONDS, 0

    def tell(done: int) -> None:
        nonlocal last, told
        if time.monotonic() - last >= TELL_SECONDS or abs(done - told) >= step:
            last, told = time.monotonic(), done
            _say(answers, {"done": done})

    return tell


def _say(answers: TextIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
