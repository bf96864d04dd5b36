"""The service's inbox: signed deliveries are stored many at once, and worked in the background.

A request is answered when its delivery is committed. Those that come while a commit runs wait for
the next, which takes them all: so the disk is written once for many. How many may wait is bounded;
more are told to come again.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections import deque
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from wfm.errors import InboxFull, InternalFault, NotFound, TryLater, WfmError
from wfm.ingest import inbox
from wfm.ingest.inbox import Accepted
from wfm.store.brands import load_brand
from wfm.store.deliveries import Incoming
from wfm.store.engine import Store
from wfm.store.sources import Source, list_sources

log = logging.getLogger("wfm.inbox")

# Deliveries, and bytes of them, that may wait to be committed.
WAITING_MAX = 2000
WAITING_BYTES = 64 * 2**20
# A commit takes as many as this.
COMMITTED = 500

# Another process may have stored deliveries, or one may have been taken out of quarantine.
POLL_S = 1.0
# What comes within so much is worked together: a transaction of thirty costs little more than one.
GATHERED_S = 0.1
# After an error nobody foresaw.
PAUSE_S = 5.0
# A stopping service waits so long for what it has begun.
WAITED_FOR_S = 10.0
# For so long a source is taken for what it was: a disabled one is refused soon after.
SOURCES_S = 1.0


@dataclass(frozen=True, eq=False)
class _Waiting:
    incoming: Incoming
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Accepted | WfmError]


class Inbox:
    """Two threads, from `start` to `stop`: one commits deliveries, one works them.

    Whatever `accept` returned for is stored. On `stop` what waits is still committed; what is not
    worked then is worked by the next service.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._arrived = threading.Event()
        self._stopping = threading.Event()
        self._threads: tuple[threading.Thread, ...] = ()
        self._sources: tuple[float, dict[str, Source]] = (-math.inf, {})

    def start(self) -> None:
        """Begin; returns at once."""
        self._stopping.clear()
        self._threads = tuple(
            # Daemons: a process that ends does not wait for them.
            threading.Thread(target=target, name=f"wfm-inbox-{name}", daemon=True)
            for name, target in (("commit", self._commit), ("work", self._work))
        )
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Commit what waits, and end."""
        with self._changed:
            self._stopping.set()
            self._changed.notify()
        self._arrived.set()
        for thread in self._threads:
            thread.join(WAITED_FOR_S)

    async def source(self, name: str) -> Source | None:
        """The source of this name if it is there and not disabled, as it was a second ago."""
        if time.monotonic() - self._sources[0] > SOURCES_S:
            await run_in_threadpool(self._read_sources)
        source = self._sources[1].get(name)
        return None if source is None or source.disabled_at is not None else source

    def _read_sources(self) -> None:
        with self._store.reading() as connection:
            found = {one.source: one for one in list_sources(connection)}
        self._sources = (time.monotonic(), found)

    async def accept(self, incoming: Incoming) -> Accepted:
        """Store the delivery; returns once it is committed.

        InboxFull when too much waits already, StoreBusy when the store is, Replayed or Conflict
        for an id that came before; it is not stored then.
        """
        loop = asyncio.get_running_loop()
        one = _Waiting(incoming, loop, loop.create_future())
        with self._changed:
            size = self._bytes + len(incoming.body)
            is_full = len(self._waiting) >= WAITING_MAX or size > WAITING_BYTES
            if self._stopping.is_set() or not self._threads or is_full:
                raise InboxFull(
                    "more is delivered than can be stored just now; send it again in a moment",
                    waiting=len(self._waiting),
                )
            self._waiting.append(one)
            self._bytes = size
            self._changed.notify()
        answer = await one.answer
        if isinstance(answer, WfmError):
            raise answer
        return answer

    # -- the thread that commits -----------------------------------------------------------------

    def _commit(self) -> None:
        while batch := self._next():
            answers: tuple[Accepted | WfmError, ...]
            try:
                answers = inbox.accept(self._store, [one.incoming for one in batch])
            except WfmError as error:
                answers = (error,) * len(batch)
            except Exception:
                log.exception("%s deliveries could not be stored", len(batch))
                answers = (InternalFault("the delivery could not be stored"),) * len(batch)
            self._arrived.set()
            for one, answer in zip(batch, answers, strict=True):
                _tell(one, answer)

    def _next(self) -> list[_Waiting]:
        """What waits to be committed, once something does; nothing when the service has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping.is_set())
            batch = [self._waiting.popleft() for _ in range(min(COMMITTED, len(self._waiting)))]
            self._bytes -= sum(len(one.incoming.body) for one in batch)
            return batch

    # -- the thread that works -------------------------------------------------------------------

    def _work(self) -> None:
        while not self._stopping.is_set():
            if self._arrived.wait(POLL_S):
                self._stopping.wait(GATHERED_S)
            self._arrived.clear()
            try:
                while not self._stopping.is_set() and self._work_once():
                    pass
            except TryLater as error:
                log.info("deliveries wait: %s", error)
            except Exception:
                if self._stopping.is_set():
                    return  # the store was closed under it
                log.exception("deliveries could not be worked; trying again")
                self._stopping.wait(PAUSE_S)

    def _work_once(self) -> bool:
        """Work some deliveries; whether there may be more."""
        try:
            with self._store.reading() as connection:
                brand = load_brand(connection)
        except NotFound:
            return False  # they wait until a brand is imported
        worked = inbox.work(self._store, brand=brand)
        return worked.deliveries + len(worked.quarantined) >= inbox.BATCH


def _tell(one: _Waiting, answer: Accepted | WfmError) -> None:
    def tell() -> None:
        if not one.answer.done():
            one.answer.set_result(answer)

    try:
        one.loop.call_soon_threadsafe(tell)
    except RuntimeError:
        log.info("a delivery was stored whose sender's loop has ended")
