"""Claims: who may take which case next, on a lease, and what they may do with it.

A lease is known by its token and runs out. Whatever its holder does is a compare-and-set on it:
after it ran out the case waits again for anyone, and the late holder is told LeaseLost.

Every function takes `now` for the store's clock; None reads the clock.

On the live queue's path: no pandas.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wfm.brands import Brand
from wfm.calendars import is_open
from wfm.casequeue import timing
from wfm.cases import Case, check_move
from wfm.errors import LeaseLost, NoFreeSlot, OffShift, RequestError
from wfm.order import late_last_for
from wfm.store import cases, staffing, waiting
from wfm.store.engine import Store, Writing
from wfm.store.staffing import OnShift
from wfm.timegrid import format_instant

LEASE = timedelta(minutes=10)
ANSWER_MAX = 100_000
REASON_MAX = 200

_NO_LEASE: Mapping[str, object] = {"lease_token": None, "lease_until": None}
_WAITS_AGAIN: Mapping[str, object] = {"state": "new", "agent_id": None, **_NO_LEASE}


@dataclass(frozen=True)
class Claimed:
    """A case and the token of the lease it is held on, until `case.lease_until`."""

    case: Case
    lease_token: str


def claim_next(
    store: Store,
    agent_id: str,
    *,
    brand: Brand,
    actor: str,
    now: datetime | None = None,
    lease: timedelta = LEASE,
) -> Claimed | None:
    """The first case in the order that the agent may take, held for them on a lease.

    They may take the waiting cases of the queues of their stretch in the roster in force, as far
    as those queues are open. None when none waits, and only then: where all that wait are just
    being handled by others, it is waited until that is decided.

    Raises OffShift when the agent is off shift, on a break, or no roster is published; NoFreeSlot
    when they hold as many cases as the roster gives them slots.
    """
    expire_leases(store, actor=actor, now=now)
    with store.writing(actor) as plain:
        writing = _at(plain, now)
        shift = _shift_of(writing, agent_id)
        waiting.lock_agent(writing, agent_id)
        held = waiting.count_held(writing.connection, agent_id, now=writing.at)
        if held >= shift.slots:
            raise NoFreeSlot(
                f"{agent_id} holds {held} cases and has {shift.slots} slots; "
                "answer or release one first",
                agent_id=agent_id,
                held=held,
                slots=shift.slots,
            )
        queues = [
            queue.name
            for queue in brand.queues
            if queue.name in shift.queues and is_open(queue.window, writing.at)
        ]
        found = _take_first(writing, queues)
        if found is None:
            return None
        token = secrets.token_urlsafe(24)
        case = cases.update_case(
            writing,
            found.case_id,
            {
                "state": "assigned",
                "agent_id": agent_id,
                "lease_token": token,
                "lease_until": writing.at + lease,
            },
        )
        cases.add_event(writing, [case.case_id], "claimed", agent_ids=[agent_id])
        return Claimed(case, token)


def _at(writing: Writing, now: datetime | None) -> Writing:
    return writing if now is None else replace(writing, at=now)


def _shift_of(writing: Writing, agent_id: str) -> OnShift:
    shift = staffing.on_shift_at(writing.connection, agent_id, writing.at)
    if shift is not None:
        return shift
    if staffing.current_plan_id(writing.connection) is None:
        raise OffShift(
            "no roster is published, so nobody is on shift; run `wfm plan`, then "
            "`wfm publish latest`",
            agent_id=agent_id,
            next_start=None,
        )
    coming = staffing.next_on_shift(writing.connection, agent_id, writing.at)
    when = (
        f"next on shift at {format_instant(coming.start)}"
        if coming
        else "the published roster has no later shift of theirs"
    )
    raise OffShift(
        f"{agent_id} is not on shift at {format_instant(writing.at)}; {when}",
        agent_id=agent_id,
        next_start=format_instant(coming.start) if coming else None,
    )


def _take_first(writing: Writing, queues: list[str]) -> Case | None:
    if not queues:
        return None
    spiking = waiting.lock_spike_counters(writing, queues)
    late_last = {
        queue for queue, made in spiking.items() if late_last_for(made + 1, spike_mode=True)
    }
    found = waiting.lock_first_waiting(writing, queues, late_last=late_last)
    if found is not None and found.queue in spiking:
        waiting.count_spike_claim(writing, found.queue)
    return found


def expire_leases(store: Store, *, actor: str, now: datetime | None = None) -> tuple[int, ...]:
    """Let every case wait again whose lease has run out; gives their ids.

    Each claim begins with it; a service may also call it now and then.
    """
    with store.reading() as connection:
        if not waiting.has_expired(connection, now or store.clock.now()):
            return ()
    with store.writing(actor) as plain:
        writing = _at(plain, now)
        expired = waiting.lock_expired(writing)
        if not expired:
            return ()
        case_ids, agent_ids = zip(*expired, strict=True)
        for case_id in case_ids:
            cases.update_case(writing, case_id, _WAITS_AGAIN)
        cases.add_event(writing, case_ids, "expired", agent_ids=agent_ids)
        return tuple(case_ids)


def renew(
    store: Store,
    case_id: int,
    lease_token: str,
    *,
    actor: str,
    now: datetime | None = None,
    lease: timedelta = LEASE,
) -> Case:
    """Let the lease run `lease` from now on. LeaseLost when it has run out or passed on."""
    with store.writing(actor) as plain:
        writing = _at(plain, now)
        return _if_held(writing, case_id, lease_token, {"lease_until": writing.at + lease})


def answer(
    store: Store,
    case_id: int,
    lease_token: str,
    text: str,
    *,
    brand: Brand,
    actor: str,
    now: datetime | None = None,
) -> Case:
    """Send a human reply in the case and give up the lease; the case stays the agent's.

    The first one stops the clock of the first response for good. LeaseLost when the lease has run
    out or passed on: then nothing is sent. RequestError for a text of nothing, or too long.
    """
    if not text.strip() or len(text) > ANSWER_MAX or "\0" in text:
        raise RequestError(
            f"an answer has 1 to {ANSWER_MAX} characters, more than blanks and no NUL; "
            f"this one has {len(text)}"
        )
    with store.writing(actor) as plain:
        writing = _at(plain, now)
        case = _if_held(
            writing,
            case_id,
            lease_token,
            {
                "state": "answered",
                "answered_at": writing.at,
                "first_response_at": cases.first_response_or(writing.at),
                **_NO_LEASE,
            },
        )
        timing.answered(writing, brand, case, writing.at)
        cases.add_event(writing, [case_id], "answered", agent_ids=[case.agent_id], text=text)
        return case


def release(
    store: Store, case_id: int, lease_token: str, *, actor: str, now: datetime | None = None
) -> Case:
    """Give the case back unanswered: it waits again with the deadline it had."""
    with store.writing(actor) as plain:
        writing = _at(plain, now)
        held = _if_held(writing, case_id, lease_token, {})
        cases.add_event(writing, [case_id], "released", agent_ids=[held.agent_id])
        return cases.update_case(writing, case_id, _WAITS_AGAIN)


def close(
    store: Store,
    case_id: int,
    reason: str,
    *,
    brand: Brand,
    actor: str,
    lease_token: str | None = None,
    now: datetime | None = None,
) -> Case:
    """End the case for a reason; the author's next message opens a new one.

    A case that somebody holds is closed only with the token of their lease (LeaseLost without
    it). IllegalMove when it is closed already; RequestError for an empty reason.
    """
    if not reason.strip() or len(reason) > REASON_MAX or "\0" in reason:
        raise RequestError(
            f"a reason has 1 to {REASON_MAX} characters, more than blanks; "
            f"this one has {len(reason)}"
        )
    with store.writing(actor) as plain:
        writing = _at(plain, now)
        case = cases.lock_case(writing, case_id)
        check_move(case_id, case.state, "closed")
        is_held = case.lease_until is not None and case.lease_until > writing.at
        if is_held or lease_token is not None:
            _if_held(writing, case_id, lease_token or "", {})
        closed = cases.update_case(
            writing,
            case_id,
            {
                "state": "closed",
                "closed_at": writing.at,
                "closed_reason": reason,
                **_NO_LEASE,
            },
        )
        timing.closed(writing, brand, closed, writing.at)
        cases.add_event(writing, [case_id], "closed", agent_ids=[case.agent_id], text=reason)
        return closed


def _if_held(
    writing: Writing, case_id: int, lease_token: str, values: Mapping[str, object]
) -> Case:
    """Set columns of the case under a lease that still runs; LeaseLost says what became of it."""
    case = cases.update_if_held(writing, case_id, lease_token, values)
    if case is not None:
        return case
    found = cases.find_case(writing.connection, case_id)
    if found.lease_until is not None and found.lease_until > writing.at:
        what = f"is held by {found.agent_id} on another lease"
    elif found.state in ("new", "assigned"):
        what = "waits again: the lease ran out or was given up; claim it anew"
    else:
        what = f"is {found.state} already"
    raise LeaseLost(
        f"case {case_id} {what}. Nothing was changed", case_id=case_id, state=found.state
    )
