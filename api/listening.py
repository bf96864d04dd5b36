"""Telling listeners what happens as it happens: one look at the store for all of them.

A thread looks how far the events are settled while anybody listens, and wakes those who do. Each
listener reads from its own position, so that a slow one misses nothing and holds nobody up.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

from wfm.errors import TryLater, WfmError
from wfm.store.engine import Store
from wfm.store.queueevents import Follower, Position, Told, since

log = logging.getLogger("wfm.listening")

# How often the store is asked while somebody listens: an event is told within twice this.
POLL_S = 0.4
# Events that a listener reads at once.
PAGE = 200
# Listeners at once; each costs a connection and little else.
MOST = 200


@dataclass(eq=False)
class Listener:
    """One who listens, woken on their own event loop."""

    loop: asyncio.AbstractEventLoop
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class Listening:
    """The listeners of a service, and the thread that wakes them; it lives while there are any."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._listeners: set[Listener] = set()
        self._follower: Follower | None = None
        self._thread: threading.Thread | None = None
        self.is_closed = False

    def close(self) -> None:
        """Let all listeners go: the service is stopping."""
        self.is_closed = True
        self._wake()

    def check_room(self) -> None:
        """TryLater when too many listen."""
        if len(self._listeners) >= MOST:
            raise TryLater(f"{MOST} listen already; listen again in a moment")

    @asynccontextmanager
    async def listener(self) -> AsyncIterator[Listener]:
        """Be woken whenever there is more to read."""
        listener = Listener(asyncio.get_running_loop())
        with self._lock:
            self._listeners.add(listener)
            if self._thread is None:
                self._follower = None
                self._thread = threading.Thread(target=self._run, name="wfm-listening", daemon=True)
                self._thread.start()
        try:
            yield listener
        finally:
            with self._lock:
                self._listeners.discard(listener)

    @property
    def position(self) -> Position | None:
        """How far the events are settled; None as long as that is not known."""
        follower = self._follower
        return follower.position if follower is not None and follower.is_settled else None

    async def read(self, after: Position) -> tuple[Told, ...]:
        """The next events after the position, as far as they are settled."""
        upto = self.position
        if upto is None or (
            after.case_event >= upto.case_event and after.queue_event >= upto.queue_event
        ):
            return ()
        return await run_in_threadpool(self._page, after, upto)

    def _page(self, after: Position, upto: Position) -> tuple[Told, ...]:
        with self._store.reading() as connection:
            return since(connection, after, upto, limit=PAGE)

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            with self._lock:
                if not self._listeners:
                    self._thread = None
                    return
            try:
                if self._look():
                    self._wake()
            except WfmError as error:
                log.info("events could not be looked for: %s", error)
            except Exception:
                log.exception("events could not be looked for")
            pause.wait(POLL_S)

    def _look(self) -> bool:
        """Whether there is more to read than before."""
        before = self.position
        with self._store.reading() as connection:
            if self._follower is None:
                self._follower = Follower.from_now_on(connection)
            self._follower.advance(connection)
        return self.position != before

    def _wake(self) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for one in listeners:
            # A loop that was closed has nobody left to wake.
            if not one.loop.is_closed():
                one.loop.call_soon_threadsafe(one.wake.set)
