"""The law of the clock under any order of events, against a witness that counts minutes.

The witness shares no code with the product: whether a queue is open in a minute it reads off the
wall clock of each zone and a calendar of holidays of its own making, and it finds every deadline by
walking on minute by minute. `WFM_CLOCK_EXAMPLES` sets how many lives are tried.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import event, given, settings
from hypothesis import strategies as st

from wfm import clocks as law
from wfm.calendars import Hours, ServiceWindow
from wfm.clocks import Clock
from wfm.sla import OpeningGoal

EXAMPLES = int(os.environ.get("WFM_CLOCK_EXAMPLES", "300"))

BERLIN, NEW_YORK, LONDON = "Europe/Berlin", "America/New_York", "Europe/London"
WORKDAYS, ALL_DAYS = frozenset(range(5)), frozenset(range(7))

# Both clock changes of Europe and of the United States lie within, and Easter and Thanksgiving.
SPRING = datetime(2026, 3, 6, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 21, tzinfo=UTC)
DAYS = 38
MINUTES = DAYS * 24 * 60

# Public holidays of those weeks, looked up by hand.
HOLIDAYS = {
    "DE": {date(2026, 4, 3), date(2026, 4, 6)},
    "US": {date(2026, 11, 11), date(2026, 11, 26)},
}

# (zone, weekdays, opens, closes, country); no edge lies within an hour that a clock change repeats.
WINDOWS: tuple[tuple[tuple[str, frozenset[int], int, int, str | None], ...], ...] = (
    (("UTC", ALL_DAYS, 0, 1440, None),),
    # Business hours with a lunch break, shut on holidays.
    ((BERLIN, WORKDAYS, 540, 720, "DE"), (BERLIN, WORKDAYS, 780, 1020, "DE")),
    # Two markets whose hours overlap, and whose clocks change on different days.
    ((BERLIN, ALL_DAYS, 480, 1200, None), (NEW_YORK, WORKDAYS, 480, 1080, "US")),
    # The night, over the hour of the clock change.
    ((BERLIN, ALL_DAYS, 0, 360, None), (BERLIN, ALL_DAYS, 1320, 1440, None)),
    # Three short spans a day.
    (
        (LONDON, ALL_DAYS, 480, 510, None),
        (LONDON, ALL_DAYS, 720, 765, None),
        (LONDON, ALL_DAYS, 1380, 1440, None),
    ),
)


def window_of(number: int) -> ServiceWindow:
    return ServiceWindow(tuple(Hours(*part) for part in WINDOWS[number]))


@cache
def open_minutes(start: datetime, number: int) -> bytes:
    """For each minute from `start` on, whether the window is open in it."""
    found = bytearray(MINUTES)
    for zone, weekdays, opens, closes, country in WINDOWS[number]:
        tz = ZoneInfo(zone)
        for minute in range(MINUTES):
            local = (start + timedelta(minutes=minute)).astimezone(tz)
            if (
                local.weekday() in weekdays
                and local.date() not in HOLIDAYS.get(country or "", ())
                and opens <= local.hour * 60 + local.minute < closes
            ):
                found[minute] = 1
    return bytes(found)


@dataclass
class Witness:
    """A promise whose minutes are counted one by one; instants are minutes from `start`.

    reached  since when no less than the threshold has passed
    """

    start: datetime
    began: int
    window: int
    threshold: int
    now: int
    passed: int = 0
    running: bool = True
    stopped: bool = False
    reached: int | None = None
    any_passed: int | None = None

    def walk(self, to: int, *, until_due: bool = False) -> None:
        is_open = open_minutes(self.start, self.window)
        while self.now < to and not (until_due and self.reached is not None):
            if self.running and is_open[self.now]:
                self.passed += 1
            self.now += 1
            if self.reached is None and self.running and self.passed >= self.threshold:
                self.reached = self.now

    def stand_still(self) -> None:
        self.running = False
        # What stands still at its very deadline has not run out.
        if self.passed <= self.threshold:
            self.reached = None

    def stop(self) -> None:
        self.stand_still()
        self.stopped = True
        if self.reached is None and self.passed > self.threshold:
            self.reached = self.now

    def go_on(self) -> None:
        self.running, self.stopped = True, False
        if self.reached is None and self.passed >= self.threshold:
            self.reached = self.now

    def limit(self, threshold: int) -> None:
        self.threshold = threshold
        if self.passed < threshold or (not self.running and self.passed == threshold):
            self.reached = None
        elif self.reached is None and self.running:
            self.reached = self.now

    def due(self) -> int | None:
        """When it is due, found by walking on; None beyond the end of the table."""
        ahead = replace(self)
        ahead.walk(MINUTES, until_due=True)
        return ahead.reached

    def passed_by(self, minute: int) -> int:
        ahead = replace(self)
        ahead.walk(minute)
        return ahead.passed


SPANS = st.one_of(
    st.integers(0, 90), st.sampled_from([15, 60, 480, 600, 1440]), st.sampled_from([2880, 4000])
)
THRESHOLDS = st.sampled_from([1, 15, 60, 240, 480])
NUMBERS = st.integers(0, len(WINDOWS) - 1)
WHAT = st.sampled_from(
    [
        "pause", "resume", "window", "policy", "automatic", "answer", "close", "reopen", "merge",
        "joined",
    ]
)  # fmt: skip
MOVES = st.tuples(SPANS, WHAT, st.booleans(), NUMBERS, THRESHOLDS)


class Life:
    """Two promises, each with its witness, and the moves that both go through."""

    def __init__(self, start: datetime, began: tuple[int, int], windows: tuple[int, int]) -> None:
        self.start = start
        self.clocks: list[Clock] = []
        self.witnesses: list[Witness] = []
        # A thin clock of its own for each: the second may begin before or after the first.
        for minute, number in zip(began, windows, strict=True):
            self.clocks.append(
                law.start_reply(window_of(number), 900, OpeningGoal(3600), self.at(minute))
            )
            is_open = open_minutes(start, number)[minute]
            witness = Witness(start, minute, number, 15 if is_open else 60, minute)
            assert self.clocks[-1].goal == ("first_response" if is_open else "opening")
            self.witnesses.append(witness)
        self.now = max(began)
        self.pass_time(0)

    def at(self, minute: int) -> datetime:
        return self.start + timedelta(minutes=minute)

    def pass_time(self, minutes: int) -> None:
        self.now += minutes
        for witness in self.witnesses:
            witness.walk(self.now)

    def move(self, what: str, which: int, number: int, threshold: int) -> None:
        which %= len(self.clocks)
        clock, witness, at = self.clocks[which], self.witnesses[which], self.at(self.now)
        window = window_of(witness.window)
        runs = witness.running and not witness.stopped
        if what == "pause":
            clock = law.pause(clock, window, at)
            if runs:
                witness.stand_still()
        elif what == "resume":
            clock = law.resume(clock, window, at)
            if not witness.running and not witness.stopped:
                witness.go_on()
        elif what == "window":
            clock = law.change(clock, window, window_of(number), at)
            witness.window = number
        elif what == "policy":
            clock = law.change(clock, window, window, at, threshold_s=threshold * 60)
            if not witness.stopped:
                witness.limit(threshold)
        elif what == "automatic":
            clock = law.replied_automatically(clock, window, at)
            if not witness.stopped and witness.any_passed is None:
                witness.any_passed = witness.passed
        elif what in ("answer", "close"):
            outcome = "cancelled" if what == "close" else None
            clock = law.stop(clock, window, at, outcome=outcome)
            if not witness.stopped:
                judged = "met" if witness.passed <= witness.threshold else "late"
                assert clock.outcome == (outcome or judged)
                witness.stop()
        elif what == "reopen":
            clock = law.reopen(clock, window, at)
            if witness.stopped:
                witness.go_on()
        elif what == "joined" and runs:
            self.join(clock, witness, window, threshold)
            return
        elif what == "merge" and len(self.clocks) == 2 and runs:
            self.merge()
            return
        self.clocks[which] = clock

    def join(self, clock: Clock, witness: Witness, window: ServiceWindow, threshold: int) -> None:
        """Another message, promised an answer within `threshold` minutes, came now."""
        fresh = Witness(self.start, self.now, witness.window, threshold, self.now)
        due = fresh.due()
        if due is None:
            return
        which = self.witnesses.index(witness)
        self.clocks[which] = law.due_by(clock, window, self.at(due))
        own = witness.due()
        if own is None or own > due:
            witness.threshold = witness.passed_by(due)
            event("joined and due sooner")

    def merge(self) -> None:
        (clock, other), (witness, others) = self.clocks, self.witnesses
        if not all(one.running and not one.stopped for one in self.witnesses):
            return
        window, moved = window_of(others.window), replace(others, window=witness.window)
        dues = witness.due(), moved.due()
        if None in dues:
            # The table ends before both are due: the witness cannot tell which is first.
            return
        merged = law.merge(clock, window_of(witness.window), other, window, self.at(self.now))
        assert merged.started_at == self.at(min(witness.began, others.began))
        first = witness if dues[0] <= dues[1] else moved
        event("merged into one that is due " + ("later" if first is moved else "first"))
        self.clocks, self.witnesses = [merged], [first]

    def check(self) -> None:
        for clock, witness in zip(self.clocks, self.witnesses, strict=True):
            window, at = window_of(witness.window), self.at(self.now)
            assert clock.threshold_s == 60 * witness.threshold
            assert law.elapsed(clock, window, at) == 60 * witness.passed
            assert law.has_run_out(clock, window, at) == (witness.passed > witness.threshold)
            assert (clock.running_since is not None) == witness.running
            assert (clock.stopped_at is not None) == witness.stopped
            if witness.any_passed is not None and len(self.clocks) == 2:
                assert clock.any_elapsed_s == 60 * witness.any_passed
            reached = None if witness.reached is None else self.at(witness.reached)
            if clock.running_since is None:
                assert clock.due_at is None or witness.stopped
                assert clock.breached_at == reached
            elif reached is not None:
                assert clock.due_at == reached
            else:
                assert clock.due_at > at

    def check_deadlines(self) -> None:
        for clock, witness in zip(self.clocks, self.witnesses, strict=True):
            due = witness.due() if witness.running else None
            if due is not None:
                assert clock.due_at == self.at(due)


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
@given(
    season=st.sampled_from([SPRING, AUTUMN]),
    began=st.tuples(st.integers(0, 14_000), st.integers(0, 1500)),
    second_first=st.booleans(),
    windows=st.tuples(NUMBERS, NUMBERS),
    moves=st.lists(MOVES, min_size=1, max_size=12),
)
def test_what_has_passed_and_when_it_is_due_are_the_minutes_counted_one_by_one(
    season, began, second_first, windows, moves
):
    first, later = began
    both = (first + later, first) if second_first else (first, first + later)
    life = Life(season, both, windows)
    life.check()
    for span, what, which, number, threshold in moves:
        if life.now + span >= MINUTES:
            break
        life.pass_time(span)
        life.check()
        life.move(what, which, number, threshold)
        life.check()
    life.check_deadlines()
