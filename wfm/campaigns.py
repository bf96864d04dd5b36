"""Campaigns and other known events, and the shape of what they add to the volume."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Category = Literal["campaign", "launch", "viral", "regulatory", "market", "outage"]
CATEGORIES: tuple[Category, ...] = (
    "campaign",
    "launch",
    "viral",
    "regulatory",
    "market",
    "outage",
)


@dataclass(frozen=True)
class Campaign:
    """A push that brings contacts: rises, holds until `end`, then fades by half every half-life.

    queues       the queues it reaches
    reach        people addressed; 0 where unknown
    peak_uplift  contacts at the peak over the normal volume, as a share of it (1.0 doubles it);
                 None: learned from past campaigns
    """

    name: str
    start: datetime
    end: datetime
    queues: tuple[str, ...]
    category: Category = "campaign"
    reach: int = 0
    peak_uplift: float | None = None
    rise_min: float = 60.0
    half_life_min: float = 240.0

    def shape(self, instant: datetime) -> float:
        """Share of the peak uplift felt at `instant`, 0 to 1.

        >>> from datetime import UTC, timedelta
        >>> start = datetime(2026, 3, 2, 9, tzinfo=UTC)
        >>> c = Campaign("sale", start, start + timedelta(hours=4), ("x",))
        >>> c.shape(start + timedelta(minutes=30)), c.shape(c.end + timedelta(minutes=240))
        (0.5, 0.5)
        """
        if instant < self.start:
            return 0.0
        risen = (min(instant, self.end) - self.start).total_seconds() / 60.0
        level = min(1.0, risen / self.rise_min) if self.rise_min > 0 else 1.0
        past = max(0.0, (instant - self.end).total_seconds() / 60.0)
        return float(level * 0.5 ** (past / self.half_life_min))
