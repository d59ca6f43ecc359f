"""Put a model on the recording attention for a while, and back as it was, with several threads sharing it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attention.capture.anatomy import CHOICE, anatomy_of
from attention.capture.recorder import EAGER, SDPA

if TYPE_CHECKING:
    from transformers import PreTrainedModel

class Switch:
    """One model's switch: many recording runs at a time, or one untouched run alone.

    The first recording run puts every configuration in the model on our attention and its modules into evaluation
    mode; the last one puts both back, also after an exception.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = weakref.ref(model)
        self._turn = threading.Condition()
        self._recording = 0
        self._alone = False
        self._configs: list[tuple[Any, str | None]] = []
        self._training: list[Any] = []

    @contextmanager
    def recording(self) -> Iterator[None]:
        """While inside, the model runs on the recording attention."""
        with self._turn:
            self._turn.wait_for(lambda: not self._alone)
            if self._recording == 0:
                self._put_on()
            self._recording += 1
        try:
            yield
        finally:
            with self._turn:
                self._recording -= 1
                if self._recording == 0:
                    self._put_back()
                self._turn.notify_all()

    @contextmanager
    def untouched(self) -> Iterator[None]:
        """While inside, the model runs as it was given to us, in evaluation mode, and nobody records."""
        with self._turn:
            self._turn.wait_for(lambda: not self._alone and self._recording == 0)
            self._alone = True
            self._rest()
        try:
            yield
        finally:
            with self._turn:
                self._wake()
                self._alone = False
                self._turn.notify_all()

    def _put_on(self) -> None:
        model = self._rest()
        self._configs = [] if model is None else [(c, getattr(c, CHOICE)) for c in anatomy_of(model).configs]
        for config, before in self._configs:
            setattr(config, CHOICE, EAGER if before in (None, "eager") else SDPA)

    def _put_back(self) -> None:
        for config, before in self._configs:
            setattr(config, CHOICE, before)
        self._configs = []
        self._wake()

    def _rest(self) -> PreTrainedModel | None:
        model = self._model()
        self._training = [] if model is None else [module for module in model.modules() if module.training]
        for module in self._training:
            module.training = False
        return model

    def _wake(self) -> None:
        for module in self._training:
            module.training = True
        self._training = []


_switches: weakref.WeakKeyDictionary[Any, Switch] = weakref.WeakKeyDictionary()
_guard = threading.Lock()


def switch_of(model: PreTrainedModel) -> Switch:
    """The one switch of this model, shared by all who trace it."""
    with _guard:
        if model not in _switches:
            _switches[model] = Switch(model)
        return _switches[model]
