"""Moves of a case apart from claiming and answering: pause, resume, reopen, hand over, acknowledge.

Each locks the case first, changes its clocks with it and leaves an event. A case that somebody
holds is moved only with the token of their lease (LeaseLost without it). Those that end in `_in`
work on a case that the caller's transaction has locked.

Every function takes `now` for the store's clock; None reads the clock.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from datetime import datetime

from wfm.brands import Brand
from wfm.casequeue import timing
from wfm.casequeue.holding import EndedBy, let_go
from wfm.casequeue.outgoing import reply_out
from wfm.casequeue.texts import check_text
from wfm.cases import Case, check_move
from wfm.errors import Conflict, IllegalMove, LeaseLost, RequestError
from wfm.store import casemoves, cases
from wfm.store.cases import EventKind
from wfm.store.engine import Store, Writing
from wfm.timegrid import format_instant

ACKNOWLEDGEMENT_MAX = 10_000
SEVERITY_MAX = 100


def pause(
    store: Store,
    case_id: int,
    reason: str,
    *,
    brand: Brand,
    actor: str,
    until: datetime | None = None,
    lease_token: str | None = None,
    now: datetime | None = None,
) -> Case:
    """Let a waiting or held case rest for a reason; its clocks stand still.

    It waits again at `until`, when its author writes, or when it is resumed. RequestError for an
    `until` that has passed; IllegalMove for a case that is answered, paused or closed.
    """
    check_text("reason", reason)
    with store.writing(actor) as plain:
        writing = plain.on(now)
        if until is not None and until <= writing.at:
            raise RequestError(
                f"a case cannot be paused until {format_instant(until)}: it is "
                f"{format_instant(writing.at)} already",
                until=format_instant(until),
            )
        case = cases.lock_case(writing, case_id)
        check_move(case_id, case.state, "paused")
        text = reason if until is None else f"until {format_instant(until)}: {reason}"
        _check_lease(writing, case, lease_token)
        timing.paused(writing, brand, case, writing.at)
        _leave(writing, case, "paused", "paused", text)
        return cases.update_case(
            writing, case_id, {"state": "paused", "paused_until": until, "escalation": 0}
        )


def resume(
    store: Store,
    case_id: int,
    *,
    brand: Brand,
    actor: str,
    now: datetime | None = None,
) -> Case:
    """Let a paused case wait again, with what was left of its clocks. IllegalMove for any other."""
    with store.writing(actor) as plain:
        writing = plain.on(now)
        case = cases.lock_case(writing, case_id)
        if case.state != "paused":
            raise IllegalMove(
                f"case {case_id} is {case.state}; only a paused case is resumed",
                case_id=case_id,
                state=case.state,
            )
        return timing.waits_again(writing, brand, case, "resumed")


def reopen(
    store: Store,
    case_id: int,
    reason: str,
    *,
    brand: Brand,
    actor: str,
    now: datetime | None = None,
) -> Case:
    """Let a closed case wait again.

    IllegalMove for one that is not closed, or was merged into another: that one is meant.
    Conflict when its author has another case open: the two can be merged.
    """
    check_text("reason", reason)
    with store.writing(actor) as plain:
        writing = plain.on(now)
        case = cases.lock_case(writing, case_id)
        if case.state != "closed":
            raise IllegalMove(
                f"case {case_id} is {case.state}; only a closed case is reopened",
                case_id=case_id,
                state=case.state,
            )
        if case.merged_into is not None:
            raise IllegalMove(
                f"case {case_id} was merged into case {case.merged_into}; go on there",
                case_id=case_id,
                merged_into=case.merged_into,
            )
        clock = timing.reopened(writing, brand, case, writing.at)
        again = casemoves.reopen_case(
            writing,
            case_id,
            {"state": "new", **timing.WAITS_AFRESH, **timing.mirrored(clock)},
        )
        if again is None:
            other = casemoves.open_case_of(writing.connection, case.author_id or 0)
            raise Conflict(
                f"the author of case {case_id} has case {other} open; go on there",
                case_id=case_id,
                open_case=other,
            )
        cases.add_event(writing, [case_id], "reopened", text=reason)
        return again


def move_queue(
    store: Store,
    case_id: int,
    to_queue: str,
    *,
    brand: Brand,
    actor: str,
    reason: str = "",
    lease_token: str | None = None,
    now: datetime | None = None,
) -> Case:
    """Hand the case over to another queue; whoever held it holds it no longer.

    What was promised stays promised, in the hours of that queue. NotFound for a queue the brand
    does not have, RequestError for the one it is in, IllegalMove for a closed case.
    """
    if reason:
        check_text("reason", reason)
    with store.writing(actor) as plain:
        writing = plain.on(now)
        case = cases.lock_case(writing, case_id)
        _check_lease(writing, case, lease_token)
        return move_queue_in(writing, brand, case, to_queue, reason)


def move_queue_in(
    writing: Writing, brand: Brand, case: Case, to_queue: str, reason: str = ""
) -> Case:
    """`move_queue` of a case that is locked, whoever holds it."""
    queue = brand.queue(to_queue)
    if case.state == "closed":
        raise IllegalMove(
            f"case {case.case_id} is closed; reopen it before it is moved",
            case_id=case.case_id,
            state=case.state,
        )
    if case.queue == queue.name:
        raise RequestError(f"case {case.case_id} is in {queue.name} already", queue=queue.name)
    clock = timing.moved(writing, brand, case, queue.name, writing.at)
    text = f"{case.queue} to {queue.name}" + (f": {reason}" if reason else "")
    _leave(writing, case, "moved", "released", text)
    return cases.update_case(
        writing,
        case.case_id,
        {"queue": queue.name, **({} if clock is None else timing.mirrored(clock))},
    )


def set_severity(
    store: Store,
    case_id: int,
    severity: int,
    *,
    actor: str,
    reason: str = "",
    now: datetime | None = None,
) -> Case:
    """Make the case more or less grave: of those due at once, the gravest comes first.

    RequestError for a severity below 0 or above 100, IllegalMove for a closed case.
    """
    if reason:
        check_text("reason", reason)
    with store.writing(actor) as plain:
        writing = plain.on(now)
        return set_severity_in(writing, cases.lock_case(writing, case_id), severity, reason)


def set_severity_in(writing: Writing, case: Case, severity: int, reason: str = "") -> Case:
    """`set_severity` of a case that is locked; one that has it already stays as it is."""
    if not 0 <= severity <= SEVERITY_MAX:
        raise RequestError(
            f"a severity lies between 0 and {SEVERITY_MAX}; this one is {severity}",
            severity=severity,
        )
    if case.state == "closed":
        raise IllegalMove(
            f"case {case.case_id} is closed; its severity no longer matters",
            case_id=case.case_id,
            state=case.state,
        )
    if case.severity == severity:
        return case
    text = f"{case.severity} to {severity}" + (f": {reason}" if reason else "")
    cases.add_event(writing, [case.case_id], "severity", text=text)
    return cases.update_case(writing, case.case_id, {"severity": severity})


def acknowledge(
    store: Store,
    case_id: int,
    text: str,
    *,
    brand: Brand,
    actor: str,
    now: datetime | None = None,
) -> Case:
    """Send an automatic acknowledgement to what waits, once; it is no answer.

    It counts as the first reply of any kind, never as a human one: the case waits on with the
    deadline it has. A case that was acknowledged since it waits stays as it is; IllegalMove for one
    that does not wait.
    """
    check_text("acknowledgement", text, ACKNOWLEDGEMENT_MAX)
    with store.writing(actor) as plain:
        writing = plain.on(now)
        case = cases.lock_case(writing, case_id)
        if case.state not in ("new", "assigned"):
            raise IllegalMove(
                f"case {case_id} is {case.state}; only what waits is acknowledged",
                case_id=case_id,
                state=case.state,
            )
        return acknowledge_in(writing, brand, case, text)


def acknowledge_in(writing: Writing, brand: Brand, case: Case, text: str) -> Case:
    """`acknowledge` of a waiting or held case that is locked."""
    if not timing.acknowledged(writing, brand, case, writing.at):
        return case
    cases.add_event(writing, [case.case_id], "acknowledged", text=text)
    # One a wait: the key is that of the message that needs an answer.
    key = f"acknowledgement-{case.case_id}-{format_instant(case.received_at)}"
    reply_out(writing, case, text, kind="acknowledgement", key=key)
    if case.first_any_at is not None:
        return case
    return cases.update_case(writing, case.case_id, {"first_any_at": writing.at})


def _leave(writing: Writing, case: Case, kind: EventKind, ended_by: EndedBy, text: str) -> None:
    """Write the event of a move down; a hold of the case ends with it."""
    if case.state == "assigned":
        let_go(writing, case, kind=kind, ended_by=ended_by, text=text)
    else:
        cases.add_event(writing, [case.case_id], kind, text=text)


def _check_lease(writing: Writing, case: Case, lease_token: str | None) -> None:
    """LeaseLost unless nobody holds the case, or it is held on this lease."""
    is_held = (
        case.state == "assigned" and case.lease_until is not None and case.lease_until > writing.at
    )
    if not is_held and lease_token is None:
        return
    if lease_token is None or cases.update_if_held(writing, case.case_id, lease_token, {}) is None:
        what = f"is held by {case.agent_id}" if is_held else "is held by nobody any more"
        raise LeaseLost(
            f"case {case.case_id} {what}, on another lease if on any. Nothing was changed",
            case_id=case.case_id,
            state=case.state,
        )
