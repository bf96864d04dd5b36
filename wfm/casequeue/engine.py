"""The queue's heartbeat: all that time brings about, in one call that may be repeated at any time.

Every part runs in transactions of its own. One that fails is told, and the others are done all the
same: a metric that cannot be added up must not keep a case from being assigned.

On the live queue's path: standard library and SQLAlchemy only.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter

from wfm.brands import Brand
from wfm.errors import WfmError
from wfm.store import levels
from wfm.store.engine import Store
from wfm.timegrid import floor_interval, format_instant, local_day

log = logging.getLogger("wfm.engine")

ACTOR = "service:queue"

# How many deliveries of the inbox and letters of the outbox one tick works off at most.
INBOX_AT_ONCE = 500
OUTBOX_AT_ONCE = 200

Part = Callable[[Store, Brand, datetime], int]


@dataclass(frozen=True)
class Ticked:
    """What a tick has done.

    done    by part, how many things it did
    failed  by part, why it could not
    took_s  by part, seconds
    """

    at: datetime
    done: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    took_s: Mapping[str, float] = field(default_factory=dict)


def tick(
    store: Store,
    *,
    brand: Brand,
    now: datetime | None = None,
    without: Collection[str] = (),
) -> Ticked:
    """Do what is due at `now`: leases, presence, tasks, clocks, policy, assignment, and the rest.

    without  names of `PARTS` that somebody else looks after, as a service's own threads do

    Repeated at the same instant it does nothing more. Several may tick at once; each thing is done
    once all the same, but one at a time is enough.
    """
    at = now or store.clock.now()
    done: dict[str, int] = {}
    failed: dict[str, str] = {}
    took_s: dict[str, float] = {}
    for name, part in PARTS.items():
        if name in without:
            continue
        begun = perf_counter()
        try:
            done[name] = part(store, brand, at)
        except WfmError as error:
            failed[name] = error.message
            log.warning("%s at %s: %s", name, format_instant(at), error.message)
        except Exception as error:
            failed[name] = f"a fault of ours ({type(error).__name__}); the service's log says more"
            log.exception("%s at %s", name, format_instant(at))
        took_s[name] = perf_counter() - begun
    return Ticked(at, done, failed, took_s)


# -- the parts, in the order in which they are done ----------------------------------------------
#
# Imported where they are used: whoever only wants the metrics need not load the rest.


def _inbox(store: Store, brand: Brand, at: datetime) -> int:
    from wfm.ingest.inbox import work

    return work(store, brand=brand, limit=INBOX_AT_ONCE).deliveries


def _leases(store: Store, _brand: Brand, at: datetime) -> int:
    from wfm.casequeue.claims import expire_leases

    return len(expire_leases(store, actor=ACTOR, now=at))


def _paused(store: Store, brand: Brand, at: datetime) -> int:
    from wfm.casequeue.timing import wake

    return len(wake(store, brand=brand, now=at))


def _notices(store: Store, brand: Brand, at: datetime) -> int:
    from wfm.casequeue.notices import tell_customers

    return len(tell_customers(store, brand=brand, now=at))


def _quiet(store: Store, brand: Brand, at: datetime) -> int:
    from wfm.casequeue.quiet import close_quiet

    return len(close_quiet(store, brand=brand, now=at))


def _presence(store: Store, brand: Brand, at: datetime) -> int:
    from wfm.casequeue.presence import expire_presence

    return len(expire_presence(store, brand=brand, now=at))


def _tasks(store: Store, brand: Brand, at: datetime) -> int:
    from wfm.casequeue.tasks import tell_due

    return len(tell_due(store, brand=brand, now=at))


def _clocks(store: Store, brand: Brand, at: datetime) -> int:
    from wfm.casequeue.watching import watch

    watched = watch(store, brand=brand, now=at)
    return len(watched.warned) + len(watched.breached)


def _ladder(store: Store, brand: Brand, at: datetime) -> int:
    from wfm.casequeue.escalation import climb

    return len(climb(store, brand=brand, now=at))


def _policy(store: Store, brand: Brand, at: datetime) -> int:
    from wfm.casequeue.policysteps import predict_and_act

    return len(predict_and_act(store, brand=brand, now=at).steps)


def _assignment(store: Store, brand: Brand, at: datetime) -> int:
    from wfm.casequeue.assignment import assign_waiting

    return len(assign_waiting(store, brand=brand, actor=ACTOR, now=at))


def _staffing(store: Store, brand: Brand, at: datetime) -> int:
    from wfm.casequeue.staffed import tell_staffing

    return len(tell_staffing(store, brand=brand, now=at))


def _outbox(store: Store, _brand: Brand, at: datetime) -> int:
    from wfm.casequeue.outgoing import deliver

    return deliver(store, now=at, limit=OUTBOX_AT_ONCE).sent


def _metrics(store: Store, brand: Brand, at: datetime) -> int:
    from wfm.metrics.rollups import refresh

    return len(refresh(store, brand=brand, now=at))


def _history(store: Store, brand: Brand, at: datetime) -> int:
    from wfm.metrics.feeding import feed_history

    fed = 0

    def feed() -> bool:
        nonlocal fed
        fed = feed_history(store, brand=brand, now=at)
        return True

    _until_done(store, "history", format_instant(floor_interval(at)), feed)
    return fed


def _retention(store: Store, brand: Brand, at: datetime) -> int:
    from wfm.customers.retention import retire

    # A piece a tick: a day's worth at once would hold the others up.
    return _until_done(
        store,
        "retention",
        str(local_day(at, brand.tz)),
        lambda: not retire(store, brand=brand, now=at).is_more,
    )


PARTS: Mapping[str, Part] = {
    "inbox": _inbox,
    "notices": _notices,
    "leases": _leases,
    "paused": _paused,
    "quiet": _quiet,
    "presence": _presence,
    "tasks": _tasks,
    "clocks": _clocks,
    "ladder": _ladder,
    "policy": _policy,
    "assignment": _assignment,
    "staffing": _staffing,
    "outbox": _outbox,
    "metrics": _metrics,
    "history": _history,
    "retention": _retention,
}


def _until_done(store: Store, name: str, period: str, work: Callable[[], bool]) -> int:
    """Work, unless it was finished in this period already; how often it was done now: 0 or 1.

    work  does a piece of it; whether it was the last. What fails is tried again at the next tick.
    """
    with store.reading() as connection:
        noted = levels.policy_documents(connection).get(levels.ALL, {}).get("done", {})
    if noted.get(name) == period:
        return 0
    if work():
        with store.writing(ACTOR) as writing:
            document = levels.lock_policy(writing, levels.ALL)
            done = {**document.get("done", {}), name: period}
            levels.write_policy(writing, levels.ALL, {**document, "done": done})
    return 1
