"""Adjustments: what planners know and no model can, kept apart from the model's output."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from wfm.errors import RequestError

AdjustmentKind = Literal["set", "percent", "range"]
ADJUSTMENT_KINDS: tuple[AdjustmentKind, ...] = ("set", "percent", "range")
MAX_CONTACTS = 1e9


@dataclass(frozen=True)
class Adjustment:
    """A planner's change of a queue's forecast over [start, end).

    kind    set: `value` contacts in all come in the span, spread as the model has them
            percent: the span has `value` % more contacts than the model says (-100 or more)
            range: the span's contacts lie between `low` and `high` in four days of five
    reason  why, in the planner's words
    """

    queue: str
    start: datetime
    end: datetime
    kind: AdjustmentKind
    reason: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    adjustment_id: int | None = None

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise RequestError(
                f"the adjustment ends at {self.end}, not after its start {self.start}"
            )
        if not self.reason.strip():
            raise RequestError("an adjustment needs a reason: those who read the forecast ask why")
        if self.kind == "range":
            low, high = self.low, self.high
            if low is None or high is None or not 0 <= low <= high <= MAX_CONTACTS:
                raise RequestError(
                    f"a range from {low} to {high} contacts; give low and high with "
                    f"0 <= low <= high <= {MAX_CONTACTS:,.0f}"
                )
            return
        least, most = (0.0, MAX_CONTACTS) if self.kind == "set" else (-100.0, 10_000.0)
        if self.value is None or not least <= self.value <= most:
            unit = "contacts" if self.kind == "set" else "percent"
            raise RequestError(
                f"a value of {self.value} {unit}; it lies between {least:,.0f} and {most:,.0f}"
            )
