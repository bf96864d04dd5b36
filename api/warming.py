"""Getting ready for what-ifs in the background: when the service starts, and after each publish."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from wfm.errors import Cancelled, NotFound, TryLater
from wfm.progress import Progress
from wfm.store import plans
from wfm.store.engine import Store

log = logging.getLogger("wfm.warming")

# The first requests come before it: whoever starts the service wants to see the page.
BEGINS_AFTER_S = 0.5
# Whoever publishes may be another process, so the store is asked.
POLL_S = 5.0
# A stopping service waits no longer for it; what it does is only ever reading.
WAITED_FOR_S = 1.0

Warm = Callable[[Store, Progress], None]


@dataclass(frozen=True)
class Readiness:
    """How far the roster in force is from being asked about without a wait.

    done     0 to 1; stage: what is being done, or why nothing is
    plan_id  of the roster that is, or is being made, ready; None while there is none
    """

    ready: bool
    done: float
    stage: str
    plan_id: int | None = None


NOT_HERE = Readiness(False, 0.0, "this service prepares nothing; the first what-if takes longer")


class Warming:
    """A thread that keeps the roster in force ready, from `start` to `stop`.

    warm  does the work: reads and computes, writes nothing

    A roster that cannot be made ready is logged and told, and tried again when another is
    published. What-ifs themselves never wait for it.
    """

    def __init__(self, store: Store, warm: Warm) -> None:
        self._store = store
        self._warm = warm
        self._stopping = threading.Event()
        self._told = Readiness(False, 0.0, "about to begin")
        self._thread: threading.Thread | None = None

    @property
    def readiness(self) -> Readiness:
        return self._told

    def start(self) -> None:
        """Begin; returns at once."""
        self._stopping.clear()
        # A daemon: a process that ends does not wait for it.
        self._thread = threading.Thread(target=self._run, name="wfm-warming", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End at the next word of progress; returns within a second."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(WAITED_FOR_S)

    def _run(self) -> None:
        done: tuple[int, datetime] | None = None
        wait = BEGINS_AFTER_S
        while not self._stopping.wait(wait):
            wait = POLL_S
            try:
                done = self._look(done)
            except Cancelled:
                return
            except TryLater as error:
                log.info("what-ifs could not be prepared yet: %s", error)
            except Exception:
                if self._stopping.is_set():
                    return  # the store was closed under it
                log.exception("what-ifs could not be looked after")

    def _look(self, done: tuple[int, datetime] | None) -> tuple[int, datetime] | None:
        """Make the roster in force ready unless it is the one that was; gives which it is."""
        try:
            with self._store.reading() as connection:
                plan = plans.find(connection, "current")
        except NotFound:
            self._told = Readiness(False, 0.0, "no roster is in force")
            return None
        named = (plan.plan_id, plan.written_at)
        if named != done:
            self._make_ready(plan.plan_id)
        return named

    def _make_ready(self, plan_id: int) -> None:
        self._told = Readiness(False, 0.0, "about to begin", plan_id)

        def told(done: float, stage: str) -> None:
            if self._stopping.is_set():
                raise Cancelled("the service is stopping")
            # A part that is done again, for longer, is no step back.
            further = max(round(done, 3), self._told.done)
            self._told = Readiness(False, further, stage or self._told.stage, plan_id)

        try:
            self._warm(self._store, told)
        except TryLater:
            raise
        except Exception:
            if self._stopping.is_set():
                raise
            log.exception("plan %s could not be prepared for what-ifs", plan_id)
            stage = "it could not be prepared; the service's log says why"
            self._told = Readiness(False, 0.0, stage, plan_id)
        else:
            self._told = Readiness(True, 1.0, "ready", plan_id)


def warming_of(store: Store) -> Warming:
    """The warming of a service: it loads what it needs in its own thread."""
    return Warming(store, _warm_whatif)


def _warm_whatif(store: Store, progress: Progress) -> None:
    progress(0.0, "loading")
    from api.planning.whatif.warming import warm  # late: loads the planning libraries

    warm(store, progress)
