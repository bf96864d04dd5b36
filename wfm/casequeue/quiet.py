"""Cases that were answered and whose customers have nothing to add: they end by themselves.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from wfm.brands import Brand
from wfm.casequeue import timing
from wfm.casequeue.watching import ACTOR
from wfm.store import casemoves, cases
from wfm.store.engine import Store

REASON = "answered, and the customer has not written again"

# Cases that end at once are handled so many a transaction.
ENDED = 500


def close_quiet(
    store: Store, *, brand: Brand, now: datetime | None = None, limit: int = ENDED
) -> tuple[int, ...]:
    """Close the cases that were answered `care.close_s` ago or longer; gives their ids.

    A case that has something left to do (an open task) stays. At most `limit` a call: the next one
    goes on.
    """
    at = now or store.clock.now()
    before = at - timedelta(seconds=brand.care.close_s)
    with store.reading() as connection:
        quiet = casemoves.quiet_since(connection, before, limit=limit)
    if not quiet:
        return ()
    closed: list[int] = []
    with store.writing(ACTOR) as plain:
        writing = replace(plain, at=at)
        for case in casemoves.lock_cases(writing, quiet).values():
            if case.state != "answered" or case.answered_at is None or case.answered_at > before:
                continue
            timing.closed(writing, brand, case, at)
            cases.add_event(writing, [case.case_id], "closed", text=REASON)
            values = {"state": "closed", "closed_at": at, "closed_reason": REASON}
            cases.update_case(writing, case.case_id, values)
            closed.append(case.case_id)
    return tuple(closed)
