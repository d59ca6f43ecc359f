"""Models that stay loaded: each once for all who ask, the least recently used one goes first.

A load runs in a thread of its own, and everyone who asks for the model waits for it. A download goes on as long as
somebody waits who has not cancelled: one who cancels leaves, and the last one to leave ends it.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from functools import cache

from attention.config import MEGABYTE, Limits
from attention.errors import ModelError, NotNowError
from attention.models import bounded, hub, memory
from attention.models.build import LoadedModel, build, tokenizer_of
from attention.models.card import ModelCard
from attention.models.download import OnProgress, Stop, download_all
from attention.models.inspect import inspect
from attention.models.reference import ModelRef, parse

OnCard = Callable[[ModelCard], None]
# from_pretrained changes the library's own classes while it builds a model, for all threads: so one model is built at a
# time. Looking at it, downloading it and opening its tokenizer, which take longer, run side by side.
BUILDING = threading.Lock()
# A model that has to leave may be in use: its run is let end, but no load waits for it longer than this.
LEAVING_SECONDS = 30.0
# Each look collects all garbage, which holds up everybody.
LEAVING_POLL_SECONDS = 0.25


class Wait:
    """One caller's wait for one model, from `ModelPool.ask`: how far it is, its end, and a way out."""

    def __init__(self, pool: ModelPool, ref: ModelRef, load: _Load) -> None:
        self._pool, self._load = pool, load
        self._result: Future[LoadedModel] = Future()
        self.ref = ref

    @property
    def card(self) -> ModelCard | None:
        """What is coming, as soon as it is known, which is before any weights are fetched."""
        return self._load.card

    @property
    def done(self) -> int:
        """Bytes that are here, of `total`."""
        return self._load.done

    @property
    def total(self) -> int:
        """Bytes of all files; 0 until they are known."""
        return self._load.total

    @property
    def over(self) -> bool:
        """Whether `result` would answer at once."""
        return self._result.done()

    def until_over(self) -> None:
        """Wait, and raise nothing."""
        wait_for((self._result,))

    def cancel(self) -> bool:
        """Leave: `result` raises ModelError. Whether that ended the load too, since nobody else waits for it."""
        return self._pool._leave(self)

    def result(self) -> LoadedModel:
        """The model; waits for it. Raises ModelError with what is wrong and what to do."""
        try:
            return self._result.result()
        except KeyboardInterrupt:  # a person in Python who has had enough
            self.cancel()
            raise


class ModelPool:
    """Loaded models by reference, safe to share between threads.

    The same model asked for by several threads is loaded once; a failed load is forgotten, so that one may try again.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits.from_environment()
        self._lock = threading.Lock()
        self._loads: OrderedDict[ModelRef, _Load] = OrderedDict()
        self._barred: set[str] = set()

    def get(
        self, ref: ModelRef | str, on_progress: OnProgress | None = None, on_card: OnCard | None = None
    ) -> LoadedModel:
        """The model, loaded now or before; waits where it is being loaded. See `ask`, which does not wait."""
        return self.ask(ref, on_progress, on_card).result()

    def ask(self, ref: ModelRef | str, on_progress: OnProgress | None = None, on_card: OnCard | None = None) -> Wait:
        """Begin to load a model, or join who is loading it already.

        on_card(card) is called once, before any weights are fetched where they are not here yet;
        on_progress(done_bytes, total_bytes) follows the download. Both may be called from another thread, and must not
        raise.
        """
        ref = parse(ref, self.limits) if isinstance(ref, str) else ref
        wait, card = self._join(ref, on_progress, on_card)
        if card is not None and on_card is not None:
            on_card(card)
        return wait

    def loaded(self) -> tuple[ModelRef, ...]:
        """The models in memory, the least recently used first."""
        with self._lock:
            return tuple(ref for ref, load in self._loads.items() if load.ready)

    @contextmanager
    def without(self, id: str) -> Iterator[None]:
        """While a hub model is removed from the disk: it is not in memory, and nobody begins to load it.

        Raises ModelError where it is being loaded.
        """
        with self._lock:
            mine = [ref for ref in self._loads if ref.id == id and ref.folder is None]
            if any(not load.ready and (ref in mine or load.stands_on(id)) for ref, load in self._loads.items()):
                raise ModelError(f"{id} is being downloaded or loaded; cancel that first, or wait until it is done.")
            for ref in mine:
                del self._loads[ref]
            self._barred.add(id)
        try:
            yield
        finally:
            with self._lock:
                self._barred.discard(id)

    def _join(
        self, ref: ModelRef, on_progress: OnProgress | None, on_card: OnCard | None
    ) -> tuple[Wait, ModelCard | None]:
        """The wait, and the card where it is known by now, so that `_load` will not tell it any more."""
        with self._lock:
            if ref.id in self._barred and ref.folder is None:
                raise NotNowError(f"{ref.id} is being removed from this computer; try again in a moment.")
            load = self._loads.get(ref)
            if load is None:
                load = self._loads[ref] = _Load()
                self._start(ref, load)
            self._loads.move_to_end(ref)
            wait = Wait(self, ref, load)
            load.add(wait, on_progress, on_card)
            return wait, load.card

    def _start(self, ref: ModelRef, load: _Load) -> None:
        thread = threading.Thread(target=self._run, args=(ref, load), name=f"headlight-load-{ref.id}", daemon=True)
        try:
            thread.start()
        except RuntimeError as err:  # the system allows this process no more of them; nobody may wait for this one
            del self._loads[ref]
            raise NotNowError(f"This machine has too much to do to load {ref.id}; try again in a moment.") from err

    def _leave(self, wait: Wait) -> bool:
        """Take a wait out of its load; the last one to leave ends the load, if it still can be ended."""
        load = wait._load
        with self._lock:
            if wait not in load.waits:  # it has ended, or was left before
                return False
            load.waits.remove(wait)
            others = bool(load.waits)
            ends = not others and not load.building
            if ends:
                load.stop.ask()
                if self._loads.get(wait.ref) is load:
                    del self._loads[wait.ref]
        wait._result.set_exception(hub.cancelled(wait.ref, goes_on=others))
        return ends

    def _run(self, ref: ModelRef, load: _Load) -> None:
        try:
            model = self._load(ref, load)
        except BaseException as err:
            with self._lock:
                if self._loads.get(ref) is load:
                    del self._loads[ref]
                waits = load.end(None)
            for wait in waits:
                wait._result.set_exception(err)
            return
        with self._lock:
            waits = load.end(model)
        for wait in waits:
            wait._result.set_result(model)

    def _load(self, ref: ModelRef, load: _Load) -> LoadedModel:
        if not bounded.trusted(ref):
            bounded.prepare()  # its libraries load while the hub is asked
        card = inspect(ref, self.limits)
        self._check(ref, card)
        with self._lock:
            listeners = load.look(card)
        for on_card in listeners:
            on_card(card)
        folder = download_all(ref, card, load.tell, load.stop)
        tokenizer = tokenizer_of(ref, card, folder)
        with BUILDING:
            with self._lock:
                load.building = True
            if load.stop.asked:
                raise hub.cancelled(ref)
            self._check(ref, card)  # others may have been loaded meanwhile
            self._make_room(ref, card)
            model = build(ref, card, folder, tokenizer, self.limits.device)
            with self._lock:
                load.model = model  # it counts before the next one is built
            return model

    def _check(self, ref: ModelRef, card: ModelCard) -> None:
        """Raise ModelError where a model has no room here, even after all others that may leave have left."""
        with self._lock:
            ready = [load for load in self._loads.values() if load.ready]
            freed = sum(_bytes(load) for load in self._leaving(ref, card))
        memory.check(ref, card, freed)
        memory.check_ceiling(ref, card, self._ceiling, sum(map(_bytes, ready)))

    def _make_room(self, ref: ModelRef, card: ModelCard) -> None:
        """Drop before loading and not after, so that never more than the allowed number, or more than the ceiling, is
        in memory.
        """
        with self._lock:
            leaving = self._leaving(ref, card)
            models = [weakref.ref(load.model.model) for load in leaving if load.model is not None]
            for gone in [own for own, load in self._loads.items() if load in leaving]:
                del self._loads[gone]
        if not leaving:
            return
        del leaving
        memory.give_back()
        end = time.monotonic() + (LEAVING_SECONDS if self._ceiling else 0.0)
        while any(model() is not None for model in models) and time.monotonic() < end:
            time.sleep(LEAVING_POLL_SECONDS)
            memory.give_back()

    def _leaving(self, ref: ModelRef, card: ModelCard) -> list[_Load]:
        """The least recently used: as many as stand over the allowed number, and as are needed to stay below the
        ceiling with one more model.

        Bundled models take a few megabytes each: they do not count, and go last.
        """
        counted = [load for own, load in self._loads.items() if load.ready and not own.bundled]
        bundled = [load for own, load in self._loads.items() if load.ready and own.bundled]
        ready, more = counted + bundled, 0 if ref.bundled else 1
        count = max(len(counted) - self.limits.models_in_memory + more, 0)
        over = memory.used() + memory.needed(card) - self._ceiling if self._ceiling else 0
        while count < len(ready) and over > sum(map(_bytes, ready[:count])):
            count += 1
        return ready[:count]

    @property
    def _ceiling(self) -> int:
        return self.limits.memory_mb * MEGABYTE


def _bytes(load: _Load) -> int:
    """What a loaded model gives back when it leaves."""
    return 0 if load.model is None else memory.needed(load.model.card)


class _Load:
    """One load, under way or done. Its waits and its model change under the pool's lock."""

    def __init__(self) -> None:
        self.waits: list[Wait] = []
        self.stop = Stop()
        self.card: ModelCard | None = None
        self.model: LoadedModel | None = None
        self.done = self.total = 0
        self.building = False
        self._listeners: list[tuple[Wait, OnProgress | None, OnCard | None]] = []

    @property
    def ready(self) -> bool:
        return self.model is not None

    def stands_on(self, id: str) -> bool:
        """Whether this is an adapter over that hub model, as far as is known by now."""
        base = None if self.card is None else self.card.base_ref
        return base is not None and base.id == id and base.folder is None

    def add(self, wait: Wait, on_progress: OnProgress | None, on_card: OnCard | None) -> None:
        if self.model is not None:
            wait._result.set_result(self.model)
            return
        self.waits.append(wait)
        self._listeners.append((wait, on_progress, on_card))

    def end(self, model: LoadedModel | None) -> list[Wait]:
        waits, self.waits, self._listeners = self.waits, [], []
        self.model = model
        return waits

    def look(self, card: ModelCard) -> list[OnCard]:
        """Keep the card; whom to tell of it."""
        self.card = card
        return [on_card for _, _, on_card in self._listeners if on_card is not None]

    def tell(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        for wait, on_progress, _ in tuple(self._listeners):
            if on_progress is not None and wait in self.waits:
                on_progress(done, total)


_first = threading.Lock()


def shared_pool() -> ModelPool:
    """The process's one pool, with the limits of its environment."""
    with _first:  # many may come at once to a server that has just begun
        return _made()


@cache
def _made() -> ModelPool:
    return ModelPool()
