"""What each move of a case does to its clocks. Every move comes through here.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from datetime import datetime

from wfm import clocks as law
from wfm.brands import Brand, Queue
from wfm.care import Complexity
from wfm.cases import Case
from wfm.clocks import Clock
from wfm.store import clocks
from wfm.store.engine import Writing

REPLIES = ("first_response", "next_reply")


def opening_clocks(
    brand: Brand, queue: Queue, complexity: Complexity, at: datetime
) -> tuple[Clock, Clock]:
    """The clocks of a case that is opened at `at`: of its first reply, and of its resolution."""
    return (
        law.start_reply(queue.window, queue.promise.threshold_s, queue.opening_goal, at),
        law.start_resolution(queue.window, brand.care.target(complexity), at),
    )


def customer_wrote(writing: Writing, brand: Brand, case: Case, at: datetime) -> Clock:
    """An answered, paused or closed case waits again: the clock of its reply, which runs now."""
    queue = brand.queue(case.queue)
    running: Clock | None = None
    for held in clocks.open_clocks_of(writing.connection, [case.case_id]).get(case.case_id, ()):
        resumed = law.resume(held.clock, queue.window, at)
        clocks.write_clock(writing, held, resumed)
        if resumed.metric in REPLIES:
            running = resumed
    if running is None:
        running = law.start_reply(
            queue.window, queue.follow_up_due_s, queue.opening_goal, at, metric="next_reply"
        )
        clocks.insert_clocks(writing, [(case.case_id, case.queue, case.account, running)])
    return running


def joined(writing: Writing, brand: Brand, case: Case, at: datetime) -> Clock | None:
    """Another message came to a case that waits: its clock, if that is due earlier now.

    The earlier deadline counts; the response time is still counted from the first message.
    """
    queue = brand.queue(case.queue)
    for held in clocks.open_clocks_of(writing.connection, [case.case_id]).get(case.case_id, ()):
        if held.clock.metric not in REPLIES or held.clock.due_at is None:
            continue
        fresh = law.start_reply(queue.window, queue.promise.threshold_s, queue.opening_goal, at)
        if fresh.due_at is None or fresh.due_at >= held.clock.due_at:
            return None
        threshold_s = round(law.elapsed(held.clock, queue.window, fresh.due_at))
        sooner = law.change(held.clock, queue.window, queue.window, at, threshold_s=threshold_s)
        clocks.write_clock(writing, held, sooner)
        return sooner
    return None


def answered(writing: Writing, brand: Brand, case: Case, at: datetime) -> None:
    """A human reply was sent: the reply's clock stops, the resolution's waits for the customer."""
    window = brand.queue(case.queue).window
    for held in clocks.open_clocks_of(writing.connection, [case.case_id]).get(case.case_id, ()):
        if held.clock.metric in REPLIES:
            noted = law.replied_automatically(held.clock, window, at)
            clocks.write_clock(writing, held, law.stop(noted, window, at))
        else:
            clocks.write_clock(writing, held, law.pause(held.clock, window, at))


def closed(writing: Writing, brand: Brand, case: Case, at: datetime) -> None:
    """The case ends: a reply that was still owed is cancelled, the resolution is judged."""
    window = brand.queue(case.queue).window
    for held in clocks.open_clocks_of(writing.connection, [case.case_id]).get(case.case_id, ()):
        outcome: law.Outcome | None = "cancelled" if held.clock.metric in REPLIES else None
        clocks.write_clock(writing, held, law.stop(held.clock, window, at, outcome=outcome))
