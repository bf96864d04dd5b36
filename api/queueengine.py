"""The live queue's threads in a service: its heartbeat, and what is delivered to others."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from wfm.errors import NotFound, TryLater
from wfm.store.brands import load_brand
from wfm.store.engine import Store
from wfm.store.turns import turn

if TYPE_CHECKING:
    from wfm.casequeue.engine import Ticked
    from wfm.casequeue.outgoing import Record
    from wfm.settings import Settings

log = logging.getLogger("wfm.engine")

# The first requests come before it.
BEGINS_AFTER_S = 1.0
# Clocks are told, and cases assigned, no later than this.
TICK_S = 5.0
# The outbox is looked into so often while it is empty.
DELIVER_S = 1.0
# What another thread of the service does at its own pace.
APART = ("inbox", "outbox")
# A stopping service waits no longer: a tick and a delivery that are cut off lose nothing.
WAITED_FOR_S = 2.0


class QueueEngine:
    """Two threads that keep the queue going, from `start` to `stop`.

    record  takes activities to the CRM; None: there is none, and they wait

    Of several services that share a store one ticks at a time; all of them deliver.
    """

    def __init__(self, store: Store, record: Record | None = None) -> None:
        self._store = store
        self._record = record
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.last: Ticked | None = None

    def start(self) -> None:
        """Begin; returns at once."""
        self._stopping.clear()
        self._threads = [
            # Daemons: a process that ends does not wait for them.
            threading.Thread(target=self._run, args=args, name=f"wfm-{args[0]}", daemon=True)
            for args in (("tick", TICK_S, self.tick), ("deliver", DELIVER_S, self.deliver))
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End after the part that is being done."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(WAITED_FOR_S)

    def tick(self) -> None:
        """One tick, if it is this service's turn."""
        from wfm.casequeue.engine import tick

        with turn(self._store, "tick") as ours:
            if not ours:
                return
            with self._store.reading() as connection:
                brand = load_brand(connection)
            self.last = tick(self._store, brand=brand, without=APART)

    def deliver(self) -> None:
        """Deliver until nothing is due."""
        from wfm.casequeue.outgoing import deliver
        from wfm.customers.crm import collect

        # Where there is no CRM to take them, activities would only pile up.
        if self._record is not None:
            collect(self._store)
        while not self._stopping.is_set():
            if not deliver(self._store, record=self._record).tried:
                return

    def _run(self, name: str, every_s: float, work: Callable[[], None]) -> None:
        wait = BEGINS_AFTER_S
        while not self._stopping.wait(wait):
            wait = every_s
            try:
                work()
            except NotFound:
                continue  # no brand was imported yet
            except TryLater as error:
                log.info("%s: %s", name, error)
            except Exception:
                if self._stopping.is_set():
                    return  # the store was closed under it
                log.exception("%s", name)


def engine_of(store: Store, settings: Settings) -> QueueEngine:
    """The engine of a service, with the CRM that the settings name."""
    from wfm.customers.crm import crm_of

    crm = crm_of(settings)
    return QueueEngine(store, None if crm is None else crm.record)
