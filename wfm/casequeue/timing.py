"""What each move of a case does to its clocks. Every move comes through here.

A breach that a move uncovers is written down with it, so that none goes by untold however seldom
`watch` (which stands in `watching`) looks.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from wfm import clocks as law
from wfm.brands import Brand, Queue
from wfm.care import Complexity
from wfm.casequeue.watching import ACTOR, tell
from wfm.casequeue.watching import watch as watch  # noqa: PLC0414 - offered here as well
from wfm.cases import Case
from wfm.clocks import Clock
from wfm.metrics import rollups
from wfm.store import casemoves, cases, clocks
from wfm.store.clocks import CaseClock
from wfm.store.engine import Store, Writing

REPLIES = ("first_response", "next_reply")

# Cases that wake at once are handled so many a transaction.
WOKEN = 500


def opening_clocks(
    brand: Brand, queue: Queue, complexity: Complexity, at: datetime
) -> tuple[Clock, Clock]:
    """The clocks of a case that is opened at `at`: of its first reply, and of its resolution."""
    return (
        law.start_reply(queue.window, queue.promise.threshold_s, queue.opening_goal, at),
        law.start_resolution(queue.window, brand.care.target(complexity), at),
    )


def mirrored(clock: Clock) -> dict[str, object]:
    """What a case shows of the clock of the reply that it owes; values for its update.

    While that is paused it has no deadline, and the case keeps the one it had.
    """
    shown: dict[str, object] = {"received_at": clock.started_at, "due_goal": clock.goal}
    return shown if clock.due_at is None else {**shown, "due_at": clock.due_at}


def customer_wrote(writing: Writing, brand: Brand, case: Case, at: datetime) -> Clock:
    """An answered, paused or closed case waits again: the clock of its reply, which runs now.

    One that was paused runs on. Otherwise a reply to what needs an answer now is owed from `at`:
    the first response still, where no human ever answered. A case that was closed is resolved no
    longer: the clock of its resolution runs on as if it had been paused.
    """
    queue = brand.queue(case.queue)
    if case.state == "closed":
        _unresolved(writing, brand, case, at)
    running: Clock | None = None
    for held in _open(writing, case):
        resumed = law.resume(held.clock, queue.window, at)
        _keep(writing, brand, case, held, resumed)
        if resumed.metric in REPLIES:
            running = resumed
    return running or _owe(writing, queue, case, at)


def joined(writing: Writing, brand: Brand, case: Case, at: datetime) -> Clock | None:
    """Another message came to a case that waits: its clock, if that is due earlier now.

    The earlier deadline counts; the response time is still counted from the first message.
    """
    queue = brand.queue(case.queue)
    for held in _open(writing, case):
        if held.clock.metric not in REPLIES or held.clock.due_at is None:
            continue
        follows = held.clock.metric == "next_reply"
        fresh = law.start_reply(
            queue.window,
            queue.follow_up_due_s if follows else queue.promise.threshold_s,
            queue.opening_goal,
            at,
        )
        sooner = law.due_by(held.clock, queue.window, fresh.due_at or at)
        if sooner == held.clock:
            return None
        _keep(writing, brand, case, held, sooner)
        return sooner
    return None


def answered(writing: Writing, brand: Brand, case: Case, at: datetime) -> None:
    """A human reply was sent: the reply's clock stops, the resolution's waits for the customer."""
    window = brand.queue(case.queue).window
    for held in _open(writing, case):
        if held.clock.metric in REPLIES:
            noted = law.replied_automatically(held.clock, window, at)
            _keep(writing, brand, case, held, law.stop(noted, window, at))
        else:
            _keep(writing, brand, case, held, law.pause(held.clock, window, at))


def acknowledged(writing: Writing, brand: Brand, case: Case, at: datetime) -> bool:
    """An automatic reply was sent: whether it is the first of any kind to what waits."""
    window = brand.queue(case.queue).window
    first = False
    for held in _open(writing, case):
        if held.clock.metric in REPLIES and held.clock.any_at is None:
            noted = law.replied_automatically(held.clock, window, at)
            _keep(writing, brand, case, held, noted)
            first = True
    return first


def paused(writing: Writing, brand: Brand, case: Case, at: datetime) -> None:
    """The case waits for something else than us: all its clocks stand still."""
    window = brand.queue(case.queue).window
    for held in _open(writing, case):
        _keep(writing, brand, case, held, law.pause(held.clock, window, at))


def closed(writing: Writing, brand: Brand, case: Case, at: datetime) -> None:
    """The case ends: a reply that was still owed is cancelled, the resolution is judged."""
    window = brand.queue(case.queue).window
    for held in _open(writing, case):
        outcome: law.Outcome | None = "cancelled" if held.clock.metric in REPLIES else None
        _keep(writing, brand, case, held, law.stop(held.clock, window, at, outcome=outcome))


def reopened(writing: Writing, brand: Brand, case: Case, at: datetime) -> Clock:
    """A closed case is taken up again by ourselves: the clock of the reply that is owed.

    Where it had been closed unanswered, that reply was owed all along: its clock runs on, and the
    time since counts.
    """
    queue = brand.queue(case.queue)
    _unresolved(writing, brand, case, at)
    replies = [
        held
        for held in clocks.clocks_of(writing.connection, case.case_id)
        if held.clock.metric in REPLIES
    ]
    last = replies[-1] if replies else None
    if last is None or last.clock.stopped_at is None or last.clock.outcome != "cancelled":
        return _owe(writing, queue, case, at)
    again = law.reopen(last.clock, queue.window, last.clock.stopped_at)
    _keep(writing, brand, case, last, again)
    return again


def moved(writing: Writing, brand: Brand, case: Case, to_queue: str, at: datetime) -> Clock | None:
    """The case goes on in another queue: the clock of its reply, if one is open.

    What was promised when the message came in stays promised, in the hours of the new queue from
    `at` on.
    """
    before, after = brand.queue(case.queue).window, brand.queue(to_queue).window
    reply: Clock | None = None
    for held in _open(writing, case):
        changed = law.change(held.clock, before, after, at)
        _keep(writing, brand, case, held, changed)
        if changed.metric in REPLIES:
            reply = changed
    clocks.move_clocks(writing, case.case_id, to_queue)
    return reply


def merged(writing: Writing, brand: Brand, kept: Case, merged: Case, at: datetime) -> Clock | None:
    """The case `merged` goes on in `kept`: the clock of the reply that `kept` owes now, if any.

    Its own clocks end as merged. The kept case counts from the older message and is due at the
    earlier deadline of the two, in the hours of its own queue from `at` on.
    """
    own = {_kind(held.clock): held for held in _open(writing, kept)}
    reply: Clock | None = None
    theirs = brand.queue(merged.queue).window
    ours = brand.queue(kept.queue).window
    for held in _open(writing, merged):
        ended = law.stop(held.clock, theirs, at, outcome="merged")
        _keep(writing, brand, merged, held, ended)
        if held.clock.running_since is None:
            continue
        owed = own.pop(_kind(held.clock), None)
        moving = replace(held.clock, breached_at=ended.breached_at)
        if owed is None:
            # Only a reply: a case that is not closed always has its resolution's clock.
            clock = law.change(law.as_next_reply(moving), theirs, ours, at)
            clocks.insert_clocks(writing, [(kept.case_id, kept.queue, kept.account, clock)])
        else:
            resumed = law.resume(owed.clock, ours, at)
            clock = law.merge(resumed, ours, moving, theirs, at)
            _keep(writing, brand, kept, owed, clock)
        if clock.metric in REPLIES:
            reply = clock
    for owed in own.values():
        if owed.clock.metric in REPLIES:
            reply = owed.clock
    return reply


def targeted(
    writing: Writing, brand: Brand, case: Case, complexity: Complexity, at: datetime
) -> None:
    """The case is of another complexity: the target of its resolution is that one's from now on."""
    window = brand.queue(case.queue).window
    target = brand.care.target(complexity)
    for held in _open(writing, case):
        if held.clock.metric == "resolution":
            changed = law.change(
                held.clock,
                window,
                window,
                at,
                threshold_s=target.threshold_s,
                warn_s=target.warn_s,
            )
            _keep(writing, brand, case, held, changed)


def _kind(clock: Clock) -> str:
    return "reply" if clock.metric in REPLIES else clock.metric


def _open(writing: Writing, case: Case) -> tuple[CaseClock, ...]:
    return clocks.open_clocks_of(writing.connection, [case.case_id]).get(case.case_id, ())


def _owe(writing: Writing, queue: Queue, case: Case, at: datetime) -> Clock:
    """A reply is owed from `at` on."""
    first = case.first_response_at is None
    clock = law.start_reply(
        queue.window,
        queue.promise.threshold_s if first else queue.follow_up_due_s,
        queue.opening_goal,
        at,
        metric="first_response" if first else "next_reply",
    )
    clocks.insert_clocks(writing, [(case.case_id, case.queue, case.account, clock)])
    return clock


def _unresolved(writing: Writing, brand: Brand, case: Case, at: datetime) -> None:
    """What was resolved is so no longer."""
    window = brand.queue(case.queue).window
    ended = [
        held
        for held in clocks.clocks_of(writing.connection, case.case_id)
        if held.clock.metric == "resolution"
    ]
    if ended:
        _keep(writing, brand, case, ended[-1], law.reopen(ended[-1].clock, window, at))


def _keep(writing: Writing, brand: Brand, case: Case, held: CaseClock, clock: Clock) -> None:
    """Keep what became of the clock; a breach that this uncovers becomes an event of the case."""
    clocks.write_clock(writing, held, clock)
    rollups.changed(writing, brand, case.opened_at, clock.started_at)
    if clock.breached_at is not None and held.clock.breached_at is None:
        tell(writing, brand, "breached", {case.case_id: case}, [replace(held, clock=clock)])


# -- cases that waited for something else -------------------------------------------------------


def wake(store: Store, *, brand: Brand, now: datetime | None = None) -> tuple[int, ...]:
    """Let the paused cases wait again whose time has come; gives their ids."""
    at = now or store.clock.now()
    woken: list[int] = []
    while True:
        with store.reading() as connection:
            due = casemoves.due_to_wake(connection, at, limit=WOKEN)
        if not due:
            return tuple(woken)
        with store.writing(ACTOR) as plain:
            writing = replace(plain, at=at)
            for case in casemoves.lock_cases(writing, due).values():
                if case.state == "paused" and case.paused_until and case.paused_until <= at:
                    waits_again(writing, brand, case, "resumed", "its time has come")
                    woken.append(case.case_id)


def waits_again(
    writing: Writing, brand: Brand, case: Case, kind: cases.EventKind, text: str | None = None
) -> Case:
    """A paused or answered case that this transaction has locked waits again, with an event."""
    clock = customer_wrote(writing, brand, case, writing.at)
    cases.add_event(writing, [case.case_id], kind, text=text)
    return cases.update_case(
        writing, case.case_id, {"state": "new", **WAITS_AFRESH, **mirrored(clock)}
    )


# What a case leaves behind that waits anew, rather than again after a hold.
WAITS_AFRESH: Mapping[str, object] = {
    "agent_id": None,
    "paused_until": None,
    "closed_at": None,
    "closed_reason": None,
    "escalation": 0,
}
