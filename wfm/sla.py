"""Service goals, the work law of a queue, and when an answer is due.

On the live queue's path: standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from wfm.calendars import ServiceWindow, add_open_seconds, is_open, next_opening
from wfm.errors import DataError

Metric = Literal["first_response", "next_reply", "resolution"]
Scope = Literal["interval", "hour", "day"]

# A later reply of a queue without a goal for it is due in this much open time.
FOLLOW_UP_S = 3600


@dataclass(frozen=True)
class ServiceGoal:
    """`share` of cases or more see `metric` within `threshold_s` of open time, in every `scope`."""

    metric: Metric = "first_response"
    threshold_s: int = 900
    share: float = 0.90
    scope: Scope = "hour"

    def __post_init__(self) -> None:
        if self.threshold_s <= 0:
            raise DataError(f"a goal's threshold_s is {self.threshold_s}; it must be above 0")
        if not 0 < self.share < 1:
            raise DataError(
                f"a goal's share is {self.share}; it must lie between 0 and 1, without them: no "
                "number of agents keeps a promise to everybody, 0.99 is the most that makes sense"
            )

    @classmethod
    def first_response(
        cls, *, share: float = 0.90, within_s: int = 900, scope: Scope = "hour"
    ) -> ServiceGoal:
        return cls("first_response", within_s, share, scope)


@dataclass(frozen=True)
class OpeningGoal:
    """The goal for what arrives while the queue is shut: within `threshold_s` after it opens."""

    threshold_s: int = 3600
    share: float = 0.90


@dataclass(frozen=True)
class Duration:
    """A positive random time by its mean, seconds, and coefficient of variation; lognormal."""

    mean_s: float
    cv: float

    def __post_init__(self) -> None:
        if not (0 <= self.mean_s < math.inf and 0 <= self.cv < math.inf):
            raise DataError(
                f"a duration of mean {self.mean_s} s, cv {self.cv} is negative or not finite"
            )

    def share_within(self, seconds: float) -> float:
        """Chance that it takes no longer than `seconds`.

        >>> Duration(180.0, 0.5).share_within(180.0) > 0.5  # the mean lies above the median
        True
        """
        if self.mean_s == 0 or self.cv == 0 or seconds <= 0:
            return float(self.mean_s <= seconds)
        variance = math.log1p(self.cv**2)
        z = (math.log(seconds / self.mean_s) + variance / 2) / math.sqrt(variance)
        return 0.5 * math.erfc(-z / math.sqrt(2))


@dataclass(frozen=True)
class WorkLaw:
    """How much work a case makes, and when.

    first_touch      from starting to read until the first human reply is sent
    follow_up        one later reply
    continue_p       chance that another customer message follows a reply
    think            time until that message comes
    concurrency_max  conversations an agent may hold open at once
    productivity     measured cases per agent-hour at 1, 2, .. open conversations; empty where it
                     was not measured
    """

    first_touch: Duration = Duration(180.0, 0.5)
    follow_up: Duration = Duration(120.0, 0.5)
    continue_p: float = 0.6
    think: Duration = Duration(1200.0, 1.0)
    concurrency_max: int = 1
    productivity: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.continue_p < 1:
            raise DataError(f"continue_p is {self.continue_p}; it must be 0 or more and below 1")
        if self.first_touch.mean_s <= 0:
            raise DataError("first_touch must take some time: its mean_s is 0")
        if self.concurrency_max < 1:
            raise DataError(f"concurrency_max is {self.concurrency_max}; it must be at least 1")
        if not all(0 < cases < math.inf for cases in self.productivity):
            raise DataError(
                f"productivity is {list(self.productivity)}; it must be finite and above 0 cases "
                "an hour for every number of open conversations"
            )

    @property
    def aht_s(self) -> float:
        """Mean active work on a case over its whole life, seconds."""
        follow_ups = self.continue_p / (1 - self.continue_p)
        return self.first_touch.mean_s + follow_ups * self.follow_up.mean_s


# From the finest scope, which holds the coarser ones with it.
SCOPES: tuple[Scope, ...] = ("interval", "hour", "day")
METRIC_WORDS: dict[Metric, str] = {
    "first_response": "first responses",
    "next_reply": "later replies",
    "resolution": "resolutions",
}


def goal_doubts(goals: Sequence[ServiceGoal], opening: OpeningGoal, *, shuts: bool) -> list[str]:
    """Goals of a queue that contradict or swallow each other, with the way out.

    shuts  whether the queue ever closes, so that its opening goal counts

    >>> goal_doubts((ServiceGoal(), ServiceGoal(share=0.8)), OpeningGoal(), shuts=False)[0][:49]
    'the goal 80% of first responses within 900 s adds '
    """
    found = [
        f"the goal {_told(idle)} adds nothing: whoever keeps {_told(strict)} keeps it too; drop "
        "it, or ask for a larger share or a shorter time"
        for i, idle in enumerate(goals)
        for j, strict in enumerate(goals)
        if i != j and _implies(strict, idle) and not (_implies(idle, strict) and i < j)
    ]
    for last in (goal for goal in goals if goal.metric == "resolution"):
        for first in (goal for goal in goals if goal.metric == "first_response"):
            if last.threshold_s <= first.threshold_s:
                found.append(
                    f"the goal {_told(last)} is sooner than {_told(first)}: no case is resolved "
                    "before it is answered; allow the resolution longer, or promise the first "
                    "response sooner"
                )
    promise = next((goal for goal in goals if goal.metric == "first_response"), None)
    if shuts and promise is not None and opening.threshold_s < promise.threshold_s:
        found.append(
            f"the opening goal, {opening.threshold_s} s after opening, is shorter than the "
            f"{promise.threshold_s} s that fresh messages may take: all that waited for the "
            "opening is due at once; allow it longer than that"
        )
    return found


def _implies(strict: ServiceGoal, idle: ServiceGoal) -> bool:
    return (
        strict.metric == idle.metric
        and strict.threshold_s <= idle.threshold_s
        and strict.share >= idle.share
        and SCOPES.index(strict.scope) <= SCOPES.index(idle.scope)
    )


def _told(goal: ServiceGoal) -> str:
    return f"{goal.share:.0%} of {METRIC_WORDS[goal.metric]} within {goal.threshold_s} s"


@dataclass(frozen=True)
class Due:
    """When an answer is due, and under which class of goal."""

    at: datetime
    goal: Literal["first_response", "opening"]


def first_response_due(
    window: ServiceWindow, goal: ServiceGoal, opening: OpeningGoal, received: datetime
) -> Due:
    """When the first human reply to a message received at `received` is due.

    Inside the window the goal's seconds count in open time; what arrives outside is due under the
    opening goal, counted from the next opening.
    """
    if is_open(window, received):
        return Due(add_open_seconds(window, received, goal.threshold_s), "first_response")
    opens = next_opening(window, received)
    return Due(opens + timedelta(seconds=opening.threshold_s), "opening")
