"""Days that are over, added up once and kept; added up anew when one of their cases changes.

On the live queue's path: standard library and SQLAlchemy only.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from wfm.brands import Brand
from wfm.metrics.cells import Cell, to_document
from wfm.metrics.ranges import count, law_of
from wfm.store import metrics
from wfm.store.engine import Store, Writing
from wfm.timegrid import local_day, local_midnight

ACTOR = "metrics"

# Days of one call, the newest first: a store with years of cases is added up over some calls.
DAYS_AT_ONCE = 14

_DAY = timedelta(days=1)


def changed(writing: Writing, brand: Brand, *instants: datetime) -> None:
    """Something of these instants has changed: a case opened then, a promise started then.

    Called in the transaction of the change. Costs nothing for instants of today.
    """
    today = local_midnight(local_day(writing.at, brand.tz), brand.tz)
    metrics.mark_changed(writing, [at for at in instants if at < today])


def refresh(
    store: Store,
    *,
    brand: Brand,
    now: datetime | None = None,
    limit: int = DAYS_AT_ONCE,
    actor: str = ACTOR,
) -> tuple[date, ...]:
    """Add up days that are over and not kept, or have changed; gives those, the newest first.

    Up to `limit` of them, and nobody waits for it. Done again it changes nothing.
    """
    at = now or store.clock.now()
    with store.reading() as connection:
        extent = metrics.first_and_last_case(connection)
        if extent is None:
            return ()
        first = local_day(extent[0], brand.tz)
        last = local_day(at - metrics.SETTLED, brand.tz) - _DAY
        kept = metrics.unchanged_days(connection, first, last, law_of(brand))
    behind = [day for n in range((last - first).days + 1) if (day := last - n * _DAY) not in kept][
        :limit
    ]
    return tuple(day for day in behind if _add_up(store, brand, day, now=at, actor=actor))


def _add_up(store: Store, brand: Brand, day: date, *, now: datetime, actor: str) -> bool:
    """Add up a day; False when it changed meanwhile, which the next call makes good."""
    start, end = local_midnight(day, brand.tz), local_midnight(day + _DAY, brand.tz)
    with store.writing(actor) as writing:
        token = metrics.begin_day(writing, day, start, end)
    with store.reading() as connection:
        cells = count(connection, brand, start, end, now=now)
    cells.setdefault((day, "", ""), Cell())
    parts = {(queue, account): to_document(cell) for (_, queue, account), cell in cells.items()}
    with store.writing(actor) as writing:
        return metrics.keep_day(writing, day, token, law_of(brand), parts)
