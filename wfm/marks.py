"""Marks on the past: spans of a queue's history that its baseline should not take as they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

MarkKind = Literal["outage", "outlier"]
MarkState = Literal["proposed", "accepted", "rejected"]
MARK_KINDS: tuple[MarkKind, ...] = ("outage", "outlier")
MARK_STATES: tuple[MarkState, ...] = ("proposed", "accepted", "rejected")


@dataclass(frozen=True)
class Mark:
    """A span [start, end) in which a queue's counts were not what its customers do.

    kind      outage: contacts could not come in; outlier: far more or fewer came than is normal
    state     proposed: found by the cleaning, and in force; accepted: confirmed by a person, and
              left out of the baseline; rejected: these counts are normal and learned from
    contacts  what was counted; expected: what a normal span would have had

    >>> from datetime import UTC
    >>> Mark("x", datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 2, 11, tzinfo=UTC),
    ...      "outage", "rejected").in_force
    False
    """

    queue: str
    start: datetime
    end: datetime
    kind: MarkKind
    state: MarkState = "proposed"
    contacts: float = 0.0
    expected: float = 0.0
    reason: str = ""
    mark_id: int | None = None

    @property
    def in_force(self) -> bool:
        return self.state != "rejected"
