"""The words that reasons share: costs, hours, days, shifts and rules as planners say them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from scheduling.editing.changes import Segment
from scheduling.editing.ground import EditGround
from scheduling.rostering.need import Prices
from scheduling.why.costs import Cost
from scheduling.why.trying import Broken
from wfm.rules import RULES

# Paid hours below which two costs are the same.
SAME_H = 0.005


def dearer(cost: float, prices: Prices) -> str:
    """How much dearer, in what a paid hour costs.

    >>> dearer(2.5, Prices())
    '2.50 paid hours dearer'
    """
    worth = cost / prices.paid if prices.paid > 0 else cost
    if abs(worth) < SAME_H:
        return "no dearer"
    unit = "paid hours" if prices.paid > 0 else "in money"
    return f"{abs(worth):,.2f} {unit} {'dearer' if worth > 0 else 'cheaper'}"


def hours(value: float) -> str:
    """Hours with as many digits as matter.

    >>> hours(7.5), hours(8.0)
    ('7.5 h', '8 h')
    """
    return f"{round(value, 1):g} h"


def of_day(day: date) -> str:
    return f"{day:%a %d %b}"


def shift_told(shift: Sequence[Segment], ground: EditGround) -> str:
    """A shift by its template and local times."""
    zone = ground.brand.tz
    start, end = shift[0].start.astimezone(zone), max(s.end for s in shift).astimezone(zone)
    return f"{shift[0].template} {start:%H:%M}-{end:%H:%M}"


def rules_told(broken: Sequence[Broken]) -> str:
    """Broken rules with their figures and what they say."""
    return "; ".join(f"{b.rule} ({b.detail}: {RULES[b.rule].says})" for b in broken)


def parts_told(cost: Cost, prices: Prices) -> str:
    """The parts of a cost that matter, in brackets; nothing where none does."""
    parts = []
    if abs(cost.covers_h) >= 0.05:
        parts.append(
            f"{hours(abs(cost.covers_h))} of shortfall {'cured' if cost.covers_h > 0 else 'left'}"
        )
    if abs(cost.paid_h) >= 0.05:
        parts.append(f"{hours(abs(cost.paid_h))} paid {'more' if cost.paid_h > 0 else 'less'}")
    if cost.wishes:
        parts.append("a wish not granted" if cost.wishes > 0 else "a wish granted")
    if abs(cost.unfair) >= SAME_H:
        parts.append("above the fair share" if cost.unfair > 0 else "nearer to the fair share")
    if cost.minimum:
        filled = hours(abs(cost.minimum) / prices.below_minimum)
        parts.append(
            f"{filled} below the contract's minimum"
            if cost.minimum > 0
            else f"{filled} of the contract's minimum filled"
        )
    return f" ({', '.join(parts)})" if parts else ""


def clock(minute: int | None) -> str:
    """Local minutes after midnight as a time of day.

    >>> clock(390)
    '06:30'
    """
    minute = minute or 0
    return f"{minute // 60:02d}:{minute % 60:02d}"
