"""One queue while the next hour passes, as a fluid; what `wfm.casequeue.prediction` reckons with.

Pure; on the live queue's path: standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from wfm.casequeue.ahead import QUARTER_S, Ahead, Outlook, Quarter
from wfm.order import LOST
from wfm.sla import Duration

STEP_S = 60
# Work below this many seconds is none: what is left of sums that should be 0.
NOTHING_S = 1e-6

# Sorts behind all work: (whether it comes last, when it is due, the minute it is due in).
NO_WORK = (True, math.inf, -1)
_HELD = (False, -math.inf, -1)


class Flow:
    """One queue while time passes: what waits, by the minute in which it is due."""

    def __init__(self, ahead: Ahead, quarters: int) -> None:
        self.ahead = ahead
        # Minute 0 holds what is late already; the last, all that is due after twice the time.
        minutes = 2 * quarters * QUARTER_S // STEP_S + 2
        self.first, self.again = [0.0] * minutes, [0.0] * minutes
        self.begin = minutes
        self.tallies = [_Tally(in_s=i * QUARTER_S) for i in range(quarters)]
        touch = ahead.work.first_touch
        # What is left of a case that is being worked on, met at any moment of it.
        self.held_s = ahead.held * touch.mean_s * (1 + touch.cv**2) / 2
        self.thinking = ahead.thinking
        for owed in ahead.owed:
            self.owe(owed.due_in_s, owed.first, owed.again)
        # Since the queue was last empty: what was done, its variance, and in how much time.
        self.done_s, self.variance, self.worked_s = 0.0, 0.0, 0
        # Cases that wait already: how many they are is certain, how long they take is not.
        self.known = sum(self.first) + sum(self.again)
        # Within the step: those who serve it, what they had to spare, whose replies went out.
        self.agents, self.spare_s, self.is_worked_on = 0.0, 0.0, False
        self.sent: list[tuple[int, float]] = []
        # The queues, its own among them, whose agents it shares.
        self.peers: Sequence[Flow] = (self,)

    def minute(self, due_in_s: float) -> int:
        return int(max(0, min(due_in_s // STEP_S + 1, len(self.first) - 1)))

    def owe(self, due_in_s: float, first: float, again: float = 0.0) -> None:
        """Let cases wait that are due then; a first reply counts as late until it is sent."""
        k = self.minute(due_in_s)
        self.first[k] += first
        self.again[k] += again
        self.begin = min(self.begin, k)
        if (tally := self.tally(due_in_s)) is not None:
            tally.due += first
            tally.late += first

    def tally(self, due_in_s: float) -> _Tally | None:
        """The quarter it falls due in; what is late already, and waits, is late in the first."""
        if due_in_s >= len(self.tallies) * QUARTER_S:
            return None
        return self.tallies[max(0, int(due_in_s // QUARTER_S))]

    def is_open(self, at: float) -> bool:
        return any(opens <= at < closes for opens, closes in self.ahead.opens)

    def arrive(self, at: int) -> None:
        """Let in what comes within the step: new cases, and customers who write again."""
        new = self.ahead.arrivals[at // QUARTER_S] * STEP_S / QUARTER_S
        back = self.thinking * -math.expm1(-STEP_S / max(self.ahead.work.think.mean_s, STEP_S))
        self.thinking -= back
        middle = at + STEP_S / 2
        self.owe(self.due_in(middle, self.ahead.threshold_s), new)
        self.owe(self.due_in(middle, self.ahead.follow_up_s), 0.0, back)
        self.agents, self.spare_s, self.is_worked_on = 0.0, 0.0, False

    def due_in(self, at: float, threshold_s: float) -> float:
        """When what arrives at `at` is due: in open time, or under the goal of the next opening."""
        left = threshold_s
        for opens, closes in self.ahead.opens:
            if at < opens and left == threshold_s:
                return opens + self.ahead.opening_s
            begins = max(at, opens)
            if closes - begins >= left:
                return begins + left
            left -= max(0.0, closes - begins)
        return math.inf

    def head(self, at: float, late_last: bool) -> tuple[bool, float, int]:
        """Where the queue's next work stands in the order, and the minute it is due in."""
        if self.held_s > NOTHING_S:
            return _HELD
        lost = self.minute(at + LOST.total_seconds()) if late_last and self.ahead.spike_mode else 0
        k = self.next_minute(max(lost, self.begin))
        if k is None and lost > self.begin:
            k = self.next_minute(self.begin)
        if k is None:
            return NO_WORK
        return k < lost, k * STEP_S + self.ahead.put_off_s, k

    def next_minute(self, begin: int) -> int | None:
        waits = (k for k in range(begin, len(self.first)) if self.first[k] + self.again[k] > 0)
        return next(waits, None)

    def work(self, seconds: float, k: int) -> float:
        """Work on the minute's cases (-1: those in hand) for so long at most; how long it took."""
        if not self.is_worked_on:
            self.is_worked_on = True
            self.worked_s += STEP_S
        if k < 0:
            taken = min(seconds, self.held_s)
            self.held_s -= taken
            self.done_s += taken
            return taken
        law = self.ahead.work
        first_s = min(seconds, self.first[k] * law.first_touch.mean_s)
        first = first_s / law.first_touch.mean_s
        self.first[k] = _rest(self.first[k], first)
        self.sent.append((k, first))
        self.thinking += first * law.continue_p
        again_s = min(seconds - first_s, self.again[k] * law.follow_up.mean_s)
        again = again_s / law.follow_up.mean_s if law.follow_up.mean_s else self.again[k]
        self.again[k] = _rest(self.again[k], again)
        self.thinking += again * law.continue_p
        self.done_s += first_s + again_s
        self.variance += self.spread(first, law.first_touch) + self.spread(again, law.follow_up)
        return max(first_s + again_s, NOTHING_S)

    def spread(self, cases: float, each: Duration) -> float:
        """Variance of the work of so many cases, as far as it is not known how many they are."""
        known = min(cases, self.known)
        self.known -= known
        return each.mean_s**2 * (known * each.cv**2 + (cases - known) * (1 + each.cv**2))

    def judge(self, at: int) -> None:
        """Tell how many of the step's replies were in time, and how the queue stands after it."""
        while self.begin < len(self.first) and self.first[self.begin] + self.again[self.begin] == 0:
            self.begin += 1
        is_empty = self.begin == len(self.first)
        touch_s = self.ahead.work.first_touch.mean_s
        for k, cases in self.sent:
            due = (k - 0.5) * STEP_S
            # A fluid is worked on by all agents at once, so that half of a reply's own time has
            # passed when it is half done; a reply for which an agent is free takes its whole time.
            left = due - (at + STEP_S / 2) - (touch_s if is_empty else touch_s / 2)
            if due >= 0 and (tally := self.tally(due)) is not None:
                tally.late -= cases * self.in_time(left, at, is_empty)
        if at % QUARTER_S == QUARTER_S - STEP_S:
            tally = self.tallies[at // QUARTER_S]
            tally.waiting = sum(self.first) + sum(self.again)
            tally.agents = self.agents
            law = self.ahead.work
            work_s = self.held_s + sum(self.first) * law.first_touch.mean_s
            work_s += sum(self.again) * law.follow_up.mean_s
            tally.wait_s = 0.0 if work_s == 0 else work_s / self.speed() if self.speed() else None

    def speed(self) -> float:
        """Seconds of its work done in a second, while any was done."""
        return self.done_s / self.worked_s if self.worked_s else 0.0

    def end_step(self) -> None:
        """Forget what was done if nothing waits any more: what comes next comes afresh."""
        self.sent.clear()
        if self.begin == len(self.first):
            self.done_s, self.variance, self.worked_s = 0.0, 0.0, 0

    def in_time(self, left_s: float, at: int, is_empty: bool) -> float:
        """Chance that a reply goes out in time which on average does so `left_s` before."""
        # Queues that share agents share their luck: it is the work of all that may take longer.
        variance = sum(peer.variance for peer in self.peers)
        if variance > 0:
            speed = sum(peer.speed() for peer in self.peers)
            sure = _normal(left_s * speed / math.sqrt(variance))
        else:
            sure = float(left_s >= 0)
        if not is_empty:
            return sure
        loads = [peer.load(at) for peer in self.peers]
        spare = self.spare_s / STEP_S
        work_s = left_s * (spare + sum(work for work, _ in loads))
        return min(sure, 1.0 - _more_waits(work_s, spare, sum(noise for _, noise in loads), at))

    def load(self, at: int) -> tuple[float, float]:
        """Mean and variance of the work that new cases bring in a second."""
        each = self.ahead.work.first_touch
        come = self.ahead.arrivals[at // QUARTER_S] / QUARTER_S
        return come * each.mean_s, come * each.mean_s**2 * (1 + each.cv**2)

    def outlook(self) -> Outlook:
        quarters = tuple(
            Quarter(t.in_s, t.due, max(0.0, t.late), t.waiting, t.agents, t.wait_s)
            for t in self.tallies
        )
        late, breaks = 0.0, None
        for quarter in quarters:
            late += quarter.late
            if breaks is None and late >= 1.0 and quarter.share < self.ahead.share:
                breaks = quarter.in_s
        return Outlook(self.ahead.queue, quarters, late, sum(q.due for q in quarters), breaks)


@dataclass
class _Tally:
    """What becomes of one quarter, while it is being reckoned."""

    in_s: int
    due: float = 0.0
    late: float = 0.0
    waiting: float = 0.0
    agents: float = 0.0
    wait_s: float | None = 0.0


def _rest(cases: float, done: float) -> float:
    """What is left; exactly nothing where only rounding is."""
    left = cases - done
    return left if left > 1e-9 else 0.0


def _normal(z: float) -> float:
    """The standard normal distribution."""
    return 0.5 * math.erfc(-z / math.sqrt(2))


def _more_waits(work_s: float, spare: float, noise: float, passed_s: float) -> float:
    """Chance that more than `work_s` of work waits in a queue that was empty `passed_s` ago.

    spare  agents that its work leaves idle; noise: variance of the work that comes in a second

    Source: the law of Brownian motion that is reflected at 0.
    """
    if noise <= 0 or passed_s <= 0:
        return 0.0
    if work_s <= 0:
        return 1.0
    scale = math.sqrt(noise * passed_s)
    drift = spare * passed_s
    above = _normal((-work_s - drift) / scale)
    back = math.exp(min(0.0, -2 * spare * work_s / noise)) * _normal((drift - work_s) / scale)
    return min(1.0, above + back)
