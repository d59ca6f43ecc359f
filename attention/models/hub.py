"""The Hugging Face hub, asked through its own client: what a model consists of, and its refusals in plain words."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from attention.errors import ModelError, NotNowError
from attention.models.quiet import Quiet
from attention.models.reference import ModelRef
from attention.models.weights import TensorFacts, is_size

TIMEOUT = 10.0  # seconds that one answer of the hub may take
LONGEST_CONFIG = 5_000_000
CONFIG, ADAPTER_CONFIG = "config.json", "adapter_config.json"


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What the hub says of a model at one commit. folder: where its config.json lies here, in the hub's cache.

    files: (name, bytes) of its top folder; None where the hub could not be asked and only the cache speaks. renamed:
    the id that it has on the hub now, where that is another one.
    """

    folder: Path
    commit: str
    files: tuple[tuple[str, int], ...] | None = None
    licence: str | None = None
    renamed: str | None = None


def look(ref: ModelRef) -> Listing:
    """Fetch the config and the list of files, at one and the same commit; from the cache where there is no hub.

    Raises ModelError: not found, gated, offline and not here, no config.
    """
    import huggingface_hub as hub
    from huggingface_hub.errors import HTTPError, OfflineModeIsEnabled

    with plain_errors(ref):
        try:  # first this, for it fails at once without a network, where a download tries again and again
            info = _info(ref, ref.revision)
        except (HTTPError, OfflineModeIsEnabled) as err:
            return _cached(ref, err)
        # By the name and not by the commit, so that the cache knows the name's commit when offline.
        names = {entry.rfilename for entry in info.siblings or ()}
        _refuse_long(ref, info)
        first = ADAPTER_CONFIG if ADAPTER_CONFIG in names and CONFIG not in names else CONFIG
        folder = Path(hub.hf_hub_download(ref.id, first, revision=ref.revision)).parent
        if folder.name != info.sha:  # it moved on between the two
            info = _info(ref, folder.name)
        if first == CONFIG and ADAPTER_CONFIG in names:
            hub.hf_hub_download(ref.id, ADAPTER_CONFIG, revision=folder.name)
    renamed = info.id if info.id != ref.id else None  # the hub leads on from an old name to the new one
    return Listing(folder=folder, commit=folder.name, files=_files(info), licence=_licence(info), renamed=renamed)


def _refuse_long(ref: ModelRef, info: Any) -> None:
    """Raise before anything is fetched where what is called a config is far too big to be one."""
    for name, size in _files(info):
        if name in (CONFIG, ADAPTER_CONFIG) and size > LONGEST_CONFIG:
            raise ModelError(f"The {name} of {ref.id} is too big to be one; choose another model.")


def _info(ref: ModelRef, revision: str | None) -> Any:
    from huggingface_hub import HfApi

    return HfApi().model_info(ref.id, revision=revision, files_metadata=True, timeout=TIMEOUT)


def _cached(ref: ModelRef, err: Exception) -> Listing:
    """What the cache alone knows, where the hub gave `err` and that was not a refusal."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    answer = getattr(err, "response", None)
    if answer is not None and answer.status_code < 500:
        raise err
    for name in (CONFIG, ADAPTER_CONFIG):
        try:
            folder = Path(hf_hub_download(ref.id, name, revision=ref.revision, local_files_only=True)).parent
        except LocalEntryNotFoundError:
            continue
        return Listing(folder=folder, commit=folder.name)
    raise (_not_here(ref) if answer is None else err) from err


def tensors(ref: ModelRef, commit: str, names: tuple[str, ...]) -> tuple[TensorFacts, ...]:
    """The tensors of safetensors files on the hub, from their headers alone; raises ModelError."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError, SafetensorsParsingError

    found: list[TensorFacts] = []
    with plain_errors(ref):
        for name in names:
            try:
                header = HfApi().parse_safetensors_file_metadata(ref.id, name, revision=commit, timeout=TIMEOUT)
            except (SafetensorsParsingError, TypeError, AttributeError, RecursionError, ArithmeticError) as err:
                raise _no_weights(ref, name) from err
            except ValueError as err:
                if isinstance(err, HFValidationError | OSError):
                    raise
                raise _no_weights(ref, name) from err
            if not all(map(is_size, (size for entry in header.tensors.values() for size in entry.shape))):
                raise _no_weights(ref, name)
            found += [TensorFacts(key, str(entry.dtype), tuple(entry.shape)) for key, entry in header.tensors.items()]
    return tuple(found)


def _no_weights(ref: ModelRef, name: str) -> ModelError:
    return ModelError(f"{name} of {ref.id} is not a safetensors file; choose another revision.")


@contextmanager
def plain_errors(ref: ModelRef) -> Iterator[None]:
    """Turn whatever the hub's client raises into one ModelError, and keep its log of retries off stderr."""
    from huggingface_hub.errors import HTTPError

    try:
        with _quiet:
            yield
    except (OSError, HTTPError, ValueError) as err:
        raise translate(ref, err) from err


def _hush() -> Callable[[], None]:
    """Let the hub client's logger say errors only."""
    from huggingface_hub import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    return partial(logging.set_verbosity, level)


_quiet = Quiet(_hush)


def translate(ref: ModelRef, err: BaseException) -> ModelError:
    """One plain sentence or two for an error of the hub's client."""
    from huggingface_hub import errors

    if isinstance(err, errors.GatedRepoError):
        return _gated(ref)
    if isinstance(err, errors.DisabledRepoError):
        return ModelError(f"{ref.id} was disabled by the hub or by its authors; choose another model.")
    if isinstance(err, errors.RepositoryNotFoundError):
        return ModelError(
            f"There is no public model {ref.id} on the hub; check the spelling, or set HF_TOKEN for a private one."
        )
    if isinstance(err, errors.RevisionNotFoundError):
        return ModelError(f"{ref.id} has no revision {ref.revision}; leave out the @ to get its main branch.")
    if isinstance(err, errors.HfHubHTTPError) and not isinstance(err, errors.EntryNotFoundError):
        return _status(ref, err.response.status_code)
    if isinstance(err, errors.LocalEntryNotFoundError | errors.OfflineModeIsEnabled):
        cause = err.__cause__
        return translate(ref, cause) if isinstance(cause, errors.HfHubHTTPError) else _not_here(ref)
    if isinstance(err, errors.EntryNotFoundError):
        return no_config(ref)
    if isinstance(err, OSError) and err.errno in (errno.ENOSPC, errno.EDQUOT):
        return no_space(ref)
    if isinstance(err, errors.HFValidationError):
        return ModelError(f"{ref.id} is not an id that the hub accepts; check the spelling.")
    return interrupted(ref, type(err).__name__)


def interrupted(ref: ModelRef, reason: str) -> ModelError:
    """The sentence for a download that broke off."""
    return NotNowError(f"The download of {ref.id} was interrupted ({reason}); try again, it goes on from there.")


def cancelled(ref: ModelRef, *, goes_on: bool = False) -> ModelError:
    """The sentence for who has cancelled; goes_on: because somebody else still waits for the same model."""
    if goes_on:
        return NotNowError(
            f"You have left the download of {ref.id}, which goes on for somebody else; try again to join it."
        )
    return NotNowError(f"The download of {ref.id} was cancelled; try again, it goes on from where it stopped.")


def no_config(ref: ModelRef) -> ModelError:
    """The refusal of what is no transformers model."""
    return ModelError(f"{ref.id} has no {CONFIG}, so it is not a transformers model; choose another one.")


def no_space(ref: ModelRef, needed: int | None = None) -> ModelError:
    """The refusal where the disk is full, or would be."""
    amount = "" if needed is None else f" of {needed / 1e6:,.0f} MB"
    return NotNowError(
        f"There is no space on the disk for {ref.id}{amount}; free some, or set HF_HOME to another disk."
    )


def not_complete(ref: ModelRef) -> ModelError:
    """The refusal where only a part of a model is in the cache and the hub cannot be asked."""
    return NotNowError(
        f"Only a part of {ref.id} is on this computer, and the hub cannot be reached; connect once to get the rest."
    )


def _gated(ref: ModelRef) -> ModelError:
    return NotNowError(
        f"{ref.id} is open only to people who accepted its terms; accept them on its page of the hub, "
        "and set HF_TOKEN to your access token."
    )


def _status(ref: ModelRef, status: int) -> ModelError:
    if status in (401, 403):
        return _gated(ref)
    if status == 429:
        return NotNowError(f"The hub asks for a pause before {ref.id} (too many requests); try again in some minutes.")
    return NotNowError(f"The hub answered with error {status} for {ref.id}; try again later.")


def _not_here(ref: ModelRef) -> ModelError:
    from huggingface_hub.constants import is_offline_mode

    reason = "offline mode is on" if is_offline_mode() else "the hub cannot be reached"
    return NotNowError(f"{ref} is not on this computer, and {reason}; connect once to get it, or choose another model.")


def _files(info: Any) -> tuple[tuple[str, int], ...]:
    return tuple((entry.rfilename, entry.size or 0) for entry in info.siblings or () if "/" not in entry.rfilename)


def _licence(info: Any) -> str | None:
    tags = info.tags or ()
    return next((tag.removeprefix("license:") for tag in tags if tag.startswith("license:")), None)
