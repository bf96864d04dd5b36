"""Service goals, the work law of a queue, and when an answer is due.

On the live queue's path: standard library only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from wfm.calendars import ServiceWindow, add_open_seconds, is_open, next_opening
from wfm.errors import DataError

Metric = Literal["first_response", "next_reply", "resolution"]
Scope = Literal["interval", "hour", "day"]


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
            raise DataError(f"a goal's share is {self.share}; it must lie between 0 and 1")

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
        if self.mean_s < 0 or self.cv < 0:
            raise DataError(f"a duration of mean {self.mean_s} s, cv {self.cv} is negative")

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
    """

    first_touch: Duration = Duration(180.0, 0.5)
    follow_up: Duration = Duration(120.0, 0.5)
    continue_p: float = 0.6
    think: Duration = Duration(1200.0, 1.0)
    concurrency_max: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.continue_p < 1:
            raise DataError(f"continue_p is {self.continue_p}; it must be 0 or more and below 1")
        if self.first_touch.mean_s <= 0:
            raise DataError("first_touch must take some time: its mean_s is 0")
        if self.concurrency_max < 1:
            raise DataError(f"concurrency_max is {self.concurrency_max}; it must be at least 1")

    @property
    def aht_s(self) -> float:
        """Mean active work on a case over its whole life, seconds."""
        follow_ups = self.continue_p / (1 - self.continue_p)
        return self.first_touch.mean_s + follow_ups * self.follow_up.mean_s


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
