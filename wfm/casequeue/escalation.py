"""Escalation: the ladder that a waiting case climbs as its deadline comes near, and by hand.

Slack is the open time that is left until the deadline, below 0 after it. Each rung is climbed once
a wait; a case that was answered begins at the foot again.

What only specialists answer (`SPECIAL`) is never handed to others, however late it gets: rungs that
would do so only alert.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from wfm.brands import Brand, Queue
from wfm.calendars import add_open_seconds, before_open_seconds, open_seconds
from wfm.care import FLAGGED, Rung
from wfm.casequeue import moves
from wfm.casequeue.holding import let_go
from wfm.casequeue.texts import check_text
from wfm.casequeue.watching import ACTOR
from wfm.cases import Case
from wfm.errors import Conflict, IllegalMove, LeaseLost
from wfm.store import casemoves, cases, climbing, queueevents
from wfm.store.engine import Store, Writing
from wfm.timegrid import format_instant

# Flags of cases that only specialists answer: of whom they come, or what they are about.
SPECIAL: frozenset[str] = frozenset({*FLAGGED, "sensitive"})

# Cases that climb in one transaction, and rungs that are climbed in one call.
BATCH = 200
LIMIT = 500


@dataclass(frozen=True)
class Climbed:
    """A case and the rung that it has climbed, counted from 1."""

    case_id: int
    rung: int


def slack_s(queue: Queue, due_at: datetime, at: datetime) -> float:
    """Open seconds of the queue from `at` to the deadline; below 0 after it."""
    if due_at >= at:
        return open_seconds(queue.window, at, due_at)
    return -open_seconds(queue.window, due_at, at)


def climb(
    store: Store, *, brand: Brand, now: datetime | None = None, limit: int = LIMIT
) -> tuple[Climbed, ...]:
    """Let every waiting case climb the rungs of `care.ladder` that its slack has come to.

    Each rung is an event of the case and is told; what it does is in `care.Rung`. Once `limit`
    rungs are climbed the rest is left for the next call, so that a storm holds up nothing else.
    """
    at = now or store.clock.now()
    ladder = _ladder(brand)
    climbed: list[Climbed] = []
    for queue in brand.queues:
        until = [_due_until(queue, rung.slack_s, at) for rung in ladder]
        while len(climbed) < limit and (some := _climb_some(store, brand, queue, until, at)):
            climbed += some
    return tuple(climbed)


def _ladder(brand: Brand) -> list[Rung]:
    return sorted(brand.care.ladder, key=lambda rung: -rung.slack_s)


def _due_until(queue: Queue, slack: int, at: datetime) -> datetime:
    """What is due later has more slack."""
    if slack == 0:
        return at
    if slack < 0:
        return before_open_seconds(queue.window, at, -slack)
    return add_open_seconds(queue.window, at, slack)


def _climb_some(
    store: Store, brand: Brand, queue: Queue, until: list[datetime], at: datetime
) -> list[Climbed]:
    if not until:
        return []
    with store.reading() as connection:
        found = climbing.to_climb(connection, queue.name, until, limit=BATCH)
    if not found:
        return []
    with store.writing(ACTOR) as plain:
        writing = replace(plain, at=at)
        told: dict[Climbed, str] = {}
        for case in casemoves.lock_cases(writing, found).values():
            if case.state == "new" and case.queue == queue.name:
                told |= _climb_one(writing, brand, queue, case)
        casemoves.add_events(
            writing, "escalated", [(one.case_id, text) for one, text in told.items()]
        )
        climbing.note_rungs(writing, {one.case_id: one.rung for one in told})
        return list(told)


def _climb_one(writing: Writing, brand: Brand, queue: Queue, case: Case) -> dict[Climbed, str]:
    """Do what the rungs do that a locked, waiting case climbs now; these, each in words."""
    ladder = _ladder(brand)
    slack = slack_s(queue, case.due_at, writing.at)
    reached = sum(slack <= rung.slack_s for rung in ladder)
    told = {}
    for number in range(case.escalation, reached):
        rung = ladder[number]
        case = _act(writing, brand, case, rung)
        text = f"rung {number + 1} of {len(ladder)}, {_left(slack)}: {_done(rung, case)}"
        _tell(writing, case, text, rung=number + 1, slack=round(slack))
        told[Climbed(case.case_id, number + 1)] = text
    return told


def stays_with_specialists(case: Case) -> bool:
    """Whether nobody but a specialist may have it, however late it gets."""
    return not SPECIAL.isdisjoint(case.flags)


def _act(writing: Writing, brand: Brand, case: Case, rung: Rung) -> Case:
    if rung.action == "severity" and rung.severity > case.severity:
        return moves.set_severity_in(writing, case, rung.severity, "escalated")
    if stays_with_specialists(case):
        return case
    if rung.action == "queue" and rung.queue != case.queue:
        return moves.move_queue_in(writing, brand, case, rung.queue, "escalated")
    if rung.action == "open" and case.needs_level > 1:
        return cases.update_case(writing, case.case_id, {"needs_level": 1})
    return case


def _done(rung: Rung, case: Case) -> str:
    if rung.action in ("queue", "open") and stays_with_specialists(case):
        return "alert; it stays with the specialists"
    return {
        "alert": "alert",
        "severity": f"severity {case.severity}",
        "queue": f"to {case.queue}",
        "open": f"any agent of {case.queue} may take it",
    }[rung.action]


def _left(slack: float) -> str:
    minutes, seconds = divmod(round(abs(slack)), 60)
    span = f"{minutes} min" + (f" {seconds} s" if seconds else "")
    return f"{span} left" if slack > 0 else "due now" if slack == 0 else f"{span} late"


def _tell(writing: Writing, case: Case, text: str, *, rung: int | None, slack: int | None) -> None:
    queueevents.add(
        writing,
        "case.escalated",
        queue=case.queue,
        case_id=case.case_id,
        body={
            "case_id": case.case_id,
            "rung": rung,
            "slack_s": slack,
            "due_at": format_instant(case.due_at),
            "severity": case.severity,
            "text": text,
        },
    )


# -- by hand -------------------------------------------------------------------------------------


def escalate(
    store: Store,
    case_id: int,
    reason: str,
    *,
    brand: Brand,
    actor: str,
    lease_token: str | None = None,
    now: datetime | None = None,
) -> Case:
    """Hand a case to the specialists, for a reason: it waits for them, with the deadline it had.

    lease_token  of the agent who gives it up; None: somebody who may do so whoever holds it

    LeaseLost when that lease has run out; IllegalMove for a closed case; Conflict when it is with
    the specialists already.
    """
    check_text("reason", reason)
    with store.writing(actor) as plain:
        writing = plain.on(now)
        case = cases.lock_case(writing, case_id)
        if lease_token is not None and not cases.update_if_held(writing, case_id, lease_token, {}):
            raise LeaseLost(
                f"case {case_id} is not held on this lease any more. Nothing was changed",
                case_id=case_id,
                state=case.state,
            )
        if case.state == "closed":
            raise IllegalMove(
                f"case {case_id} is closed; reopen it before it is escalated",
                case_id=case_id,
                state=case.state,
            )
        handed = _hand_over(writing, brand, case, reason)
        # The reason stays with the case: it may say what its customer wrote.
        _tell(writing, handed, "handed to the specialists", rung=None, slack=None)
        return handed


def _hand_over(writing: Writing, brand: Brand, case: Case, reason: str) -> Case:
    triage = brand.care.triage
    needs = max(case.needs_level, triage.specialist_level if not triage.specialist_queue else 1)
    moves_on = triage.specialist_queue not in ("", case.queue)
    if not moves_on and needs == case.needs_level:
        raise Conflict(f"case {case.case_id} is with the specialists already", case_id=case.case_id)
    holder = case.agent_id
    if moves_on:
        case = moves.move_queue_in(writing, brand, case, triage.specialist_queue, reason)
    elif case.state == "assigned":
        case = let_go(writing, case, kind="released", ended_by="released", text="escalated")
    cases.add_event(writing, [case.case_id], "escalated", agent_ids=[holder], text=reason)
    return cases.update_case(writing, case.case_id, {"needs_level": needs})
