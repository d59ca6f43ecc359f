"""Put a model on the recording attention for a while, and back as it was, with several threads sharing it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attention.capture.anatomy import CHOICE, anatomy_of, modules_of
from attention.capture.registry import EAGER, SDPA

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Holds:
    """Attributes that are set for a while: what each was before, and how many still want it so.

    Models can share configurations and modules (a language model and its base, two heads on one trunk), so this is
    counted for the object that is changed, not for the model that asked.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[tuple[int, str], tuple[Any, Any, int]] = {}

    def set(self, objects: Iterable[tuple[Any, Any]], name: str) -> list[Any]:
        """Set `name` of each (object, value) that is not so yet; returns the objects to give to `release`."""
        with self._lock:
            return [owner for owner, value in objects if self._hold(owner, name, value)]

    def _hold(self, owner: Any, name: str, value: Any) -> bool:
        key = id(owner), name
        now = getattr(owner, name)
        if key not in self._held and now is value:  # our alias of a name equals it and is not it
            return False
        _, before, count = self._held.get(key, (owner, now, 0))
        self._held[key] = owner, before, count + 1
        setattr(owner, name, value)
        return True

    def release(self, objects: Iterable[Any], name: str) -> None:
        """Give each back its own value when the last one that held it lets go."""
        with self._lock:
            for owner in objects:
                _, before, count = self._held.pop((id(owner), name))
                if count > 1:
                    self._held[id(owner), name] = owner, before, count - 1
                else:
                    setattr(owner, name, before)

    def before(self, owner: Any, name: str) -> Any:
        """The owner's own value, whatever it is set to now."""
        with self._lock:
            held = self._held.get((id(owner), name))
        return getattr(owner, name) if held is None else held[1]


_holds = Holds()


class Switch:
    """The switch of all models that share one configuration: many recording runs at a time, or one untouched run alone.

    A recording run puts every configuration in its model on our attention, and its modules into evaluation mode; they
    come back as they were with the last such run, also after an exception.
    """

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._recording = 0
        self._alone = False

    @contextmanager
    def recording(self, model: PreTrainedModel) -> Iterator[None]:
        """While inside, the model runs on the recording attention."""
        with self._turn:
            self._turn.wait_for(lambda: not self._alone)
            self._recording += 1
        try:
            with _evaluating(model), _on_ours(model):
                yield
        finally:
            with self._turn:
                self._recording -= 1
                self._turn.notify_all()

    @contextmanager
    def untouched(self, model: PreTrainedModel) -> Iterator[None]:
        """While inside, the model runs as it was given to us, in evaluation mode, and nobody records."""
        with self._turn:
            self._turn.wait_for(lambda: not self._alone and self._recording == 0)
            self._alone = True
        try:
            with _evaluating(model):
                yield
        finally:
            with self._turn:
                self._alone = False
                self._turn.notify_all()

    @contextmanager
    def alone_on(self, model: PreTrainedModel, implementation: str) -> Iterator[None]:
        """While inside, the model runs on this attention of the registry, in evaluation mode, and nobody records."""
        with self.untouched(model), _set_to(model, lambda _: implementation):
            yield


@contextmanager
def _evaluating(model: PreTrainedModel) -> Iterator[None]:
    """In evaluation mode, and with outputs by name: inside a model that is set to give tuples, its own parts fail."""
    configs = [config for config in anatomy_of(model).configs if hasattr(config, "return_dict")]
    named = _holds.set([(config, True) for config in configs], "return_dict")
    held = _holds.set(((module, False) for module in modules_of(model)), "training")
    try:
        yield
    finally:
        _holds.release(held, "training")
        _holds.release(named, "return_dict")


@contextmanager
def _on_ours(model: PreTrainedModel) -> Iterator[None]:
    with _set_to(model, lambda before: _ours(model, before)):
        yield


@contextmanager
def _set_to(model: PreTrainedModel, chosen: Callable[[str | None], str]) -> Iterator[None]:
    """Every configuration in the model chooses an attention, by its own choice before."""
    configs = anatomy_of(model).configs
    held = _holds.set([(config, chosen(_holds.before(config, CHOICE))) for config in configs], CHOICE)
    try:
        yield
    finally:
        _holds.release(held, CHOICE)


def _ours(model: PreTrainedModel, before: str | None) -> str:
    """The recording alias of an implementation: of fused ones, where the model knows them, or of its own eager one."""
    fused = before == "sdpa" or (before not in (None, "eager") and getattr(model, "_supports_sdpa", False))
    return SDPA if fused else EAGER


_switches: dict[int, tuple[weakref.ReferenceType[Any], Switch]] = {}
_guard = threading.Lock()


def switch_of(model: PreTrainedModel) -> Switch:
    """The one switch of this model and of all that share its configuration."""
    config = model.config
    with _guard:
        known = _switches.get(id(config))
        if known is None or known[0]() is not config:
            known = _switches[id(config)] = weakref.ref(config), Switch()
            weakref.finalize(config, _switches.pop, id(config), None)
        return known[1]
