"""What customers are told by itself: that nobody is there just now, and where complaints are heard.

On the live queue's path: standard library and SQLAlchemy only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from wfm.brands import Brand
from wfm.calendars import ServiceWindow, open_spans
from wfm.care import Handle
from wfm.casequeue import timing
from wfm.casequeue.outgoing import reply_out
from wfm.cases import Case
from wfm.store import cases, noticing
from wfm.store.engine import Store, Writing
from wfm.timegrid import format_instant
from wfm.triage.handles import handles_of, notice_for, plain_name, redirect_for, window_of

ACTOR = "service:notices"

# How far back a handle's last closing is looked for.
LOOK_BACK = timedelta(days=31)


def tell_customers(
    store: Store, *, brand: Brand, now: datetime | None = None, limit: int = 500
) -> tuple[int, ...]:
    """Tell those who wait what they have not been told: off-hours notices, and redirects.

    - Who has written to a handle outside its hours gets its notice, once a wait, while it is shut.
    - Who complains to a handle that speaks for the brand is sent to the one that helps, once.

    The case stays in the queue, with its deadline: a notice is the first reply of any kind, never
    a human one. Only by sources that take replies from us. Gives the cases, at most `limit` a
    handle; repeated, it tells nothing twice.
    """
    at = now or store.clock.now()
    handles = [h for h in handles_of(brand) if h.off_hours_notice or h.care_handle]
    if not handles:
        return ()
    told: list[int] = []
    for handle in handles:
        told += _tell_notice(store, brand, handle, at, limit)
        told += _tell_redirect(store, brand, handle, at, limit)
    return tuple(told)


def _tell_notice(store: Store, brand: Brand, handle: Handle, at: datetime, limit: int) -> list[int]:
    text = notice_for(brand, handle.name, at, platform=handle.channel)
    if text is None:
        return []
    since = _shut_since(window_of(brand, handle), at)
    with store.reading() as connection:
        accounts = _accounts(handle, noticing.accounts_in_use(connection))
        waiting = noticing.untold(connection, accounts, handle.channel, since, limit)
    told = []
    for case_id in waiting:
        with store.writing(ACTOR) as plain:
            writing = replace(plain, at=at)
            case = cases.lock_case(writing, case_id)
            # Since it was looked at, an agent may have answered.
            if case.state in ("new", "assigned") and case.received_at >= since:
                key = f"notice-{case_id}-{format_instant(case.received_at)}"
                if _say(writing, brand, case, text, key):
                    told.append(case_id)
    return told


def _tell_redirect(
    store: Store, brand: Brand, handle: Handle, at: datetime, limit: int
) -> list[int]:
    text = redirect_for(brand, handle.name, platform=handle.channel)
    if text is None:
        return []
    with store.reading() as connection:
        accounts = _accounts(handle, noticing.accounts_in_use(connection))
        waiting = noticing.misplaced(connection, accounts, handle.channel, limit)
    told = []
    for case_id in waiting:
        with store.writing(ACTOR) as plain:
            writing = replace(plain, at=at)
            case = cases.lock_case(writing, case_id)
            key = f"{noticing.REDIRECT_KEY}{case_id}"
            if case.state == "new" and _say(writing, brand, case, text, key):
                told.append(case_id)
    return told


def _say(writing: Writing, brand: Brand, case: Case, text: str, key: str) -> bool:
    """Put the words into the outbox; whether they were not there before."""
    if reply_out(writing, case, text, kind="notice", key=key) is None:
        return False
    cases.add_event(writing, [case.case_id], "notified", text=text)
    timing.acknowledged(writing, brand, case, writing.at)
    if case.first_any_at is None:
        cases.update_case(writing, case.case_id, {"first_any_at": writing.at})
    return True


def _accounts(handle: Handle, in_use: Iterable[str]) -> list[str]:
    """The handle's account as sources write it, e.g. with and without its @."""
    return [account for account in in_use if plain_name(account) == plain_name(handle.name)]


def _shut_since(window: ServiceWindow, at: datetime) -> datetime:
    """When the window, which is shut, closed last."""
    spans = open_spans(window, at - LOOK_BACK, at)
    return spans[-1][1] if spans else at - LOOK_BACK
