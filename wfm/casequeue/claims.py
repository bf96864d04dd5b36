"""Claims: who may take which case next, on a lease, and what they may do with it.

A lease is known by its token and runs out. Whatever its holder does is a compare-and-set on it:
after it ran out the case waits again for anyone, and the late holder is told LeaseLost.

Every function takes `now` for the store's clock; None reads the clock.

On the live queue's path: no pandas.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from wfm.brands import Brand
from wfm.calendars import is_open
from wfm.casequeue import timing
from wfm.casequeue.holding import NO_LEASE, let_go, note_hold
from wfm.casequeue.outgoing import reply_out
from wfm.casequeue.presence import may_claim, shift_of
from wfm.cases import Case, check_move
from wfm.errors import LeaseLost, NoFreeSlot, RequestError
from wfm.order import late_last_for
from wfm.store import cases, claiming, waiting
from wfm.store.claiming import Standing, Wanted
from wfm.store.engine import Store, Writing
from wfm.store.people import level_of
from wfm.store.staffing import OnShift

ANSWER_MAX = 100_000
REASON_MAX = 200


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
    lease: timedelta | None = None,
) -> Claimed | None:
    """The first case in the order that the agent may take, held for them on a lease.

    They may take the waiting cases of the queues of their stretch in the roster in force, as far
    as those queues are open and the cases need no more skill than they have there. None when none
    waits, and only then: where all that wait are just being handled by others, it is waited until
    that is decided.

    lease  how long it is theirs; None: as the brand has it

    Raises OffShift when the agent is off shift, on a break, or no roster is published; NotPresent
    when they said that they are away or gone; NoFreeSlot when they hold as many cases as the roster
    gives them slots.
    """
    with store.writing(actor) as plain:
        writing = plain.on(now)
        known = claiming.standing(writing, agent_id)
        if known.expired:
            _expire(writing)
        shift = _shift_of(writing, agent_id, known)
        wanted = _wanted(writing, brand, known, shift)
        token = secrets.token_urlsafe(24)
        case = claiming.take_first(
            writing,
            agent_id,
            wanted,
            slots=shift.slots,
            lease_token=token,
            lease_until=writing.at + (lease or timedelta(seconds=brand.care.lease_s)),
        )
        if case is not None:
            if any(one.counted for one in wanted if one.queue == case.queue):
                claiming.count_spike_claim(writing, case.queue)
            return Claimed(case, token)
        may_claim(writing.connection, agent_id, writing.at)
        held = waiting.count_held(writing.connection, agent_id, now=writing.at)
        if held < shift.slots:
            return None
        raise NoFreeSlot(
            f"{agent_id} holds {held} cases and has {shift.slots} slots; "
            "answer or release one first",
            agent_id=agent_id,
            held=held,
            slots=shift.slots,
        )


def _shift_of(writing: Writing, agent_id: str, known: Standing) -> OnShift:
    if known.word is not None:
        may_claim(writing.connection, agent_id, writing.at)
    return known.shift or shift_of(writing.connection, agent_id, writing.at)


def _wanted(writing: Writing, brand: Brand, known: Standing, shift: OnShift) -> tuple[Wanted, ...]:
    """The open queues of the stretch, each with the agent's level there and the order it is in."""
    queues = [
        queue.name
        for queue in brand.queues
        if queue.name in shift.queues and is_open(queue.window, writing.at)
    ]
    modes: dict[str, waiting.Mode] = {}
    if not known.as_usual and queues:
        # Not locked: of claims made at the same moment some may count alike. That each waited
        # for the others would cost a spike its speed.
        modes = claiming.modes(writing)
    wanted = []
    for name in queues:
        mode = modes.get(name, waiting.AS_USUAL)
        level = level_of(known.levels, name)
        late_last = late_last_for(mode.claims + 1, spike_mode=mode.spike_mode)
        wanted.append(Wanted(name, level, late_last, mode.put_off_s, counted=mode.spike_mode))
    return tuple(wanted)


def expire_leases(store: Store, *, actor: str, now: datetime | None = None) -> tuple[int, ...]:
    """Let every case wait again whose lease has run out; gives their ids.

    Each claim begins with it; a service may also call it now and then.
    """
    with store.reading() as connection:
        if not waiting.has_expired(connection, now or store.clock.now()):
            return ()
    with store.writing(actor) as plain:
        return _expire(plain.on(now))


def _expire(writing: Writing) -> tuple[int, ...]:
    expired = waiting.lock_expired(writing)
    for case in expired:
        let_go(writing, case, kind="expired", ended_by="expired")
    return tuple(case.case_id for case in expired)


def renew(
    store: Store,
    case_id: int,
    lease_token: str,
    *,
    actor: str,
    brand: Brand,
    now: datetime | None = None,
) -> Case:
    """Let the lease run anew from now on. LeaseLost when it has run out or passed on."""
    with store.writing(actor) as plain:
        writing = plain.on(now)
        until = writing.at + timedelta(seconds=brand.care.lease_s)
        return _if_held(writing, case_id, lease_token, {"lease_until": until})


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
        writing = plain.on(now)
        held = _if_held(writing, case_id, lease_token, {})
        note_hold(writing, held, "answered")
        case = cases.update_case(
            writing,
            case_id,
            {
                "state": "answered",
                "answered_at": writing.at,
                "first_response_at": held.first_response_at or writing.at,
                "first_any_at": held.first_any_at or writing.at,
                "escalation": 0,
                **NO_LEASE,
            },
        )
        timing.answered(writing, brand, case, writing.at)
        event_id = cases.add_answer(writing, case, text)
        reply_out(writing, case, text, kind="reply", key=f"reply-{event_id}")
        return case


def release(
    store: Store, case_id: int, lease_token: str, *, actor: str, now: datetime | None = None
) -> Case:
    """Give the case back unanswered: it waits again with the deadline it had."""
    with store.writing(actor) as plain:
        writing = plain.on(now)
        held = _if_held(writing, case_id, lease_token, {})
        return let_go(writing, held, kind="released", ended_by="released")


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
        writing = plain.on(now)
        case = cases.lock_case(writing, case_id)
        check_move(case_id, case.state, "closed")
        is_held = case.lease_until is not None and case.lease_until > writing.at
        if is_held or lease_token is not None:
            _if_held(writing, case_id, lease_token or "", {})
        if case.state == "assigned":
            note_hold(writing, case, "closed")
        closed = cases.update_case(
            writing,
            case_id,
            {
                "state": "closed",
                "closed_at": writing.at,
                "closed_reason": reason,
                "paused_until": None,
                **NO_LEASE,
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
