"""Why a waiting case stands where it stands, in one sentence. Pure.

On the live queue's path: standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from wfm.order import LOST


@dataclass(frozen=True)
class Place:
    """What the order sees of a case, and what bears on it.

    late_last  its queue is in spike mode: cases that can be saved come first
    put_off_s  its queue is put off by so much
    """

    case_id: int
    queue: str
    due_at: datetime
    severity: int
    received_at: datetime
    late_last: bool = False
    put_off_s: int = 0

    @property
    def ordered_as(self) -> datetime:
        """The deadline by which it is ordered."""
        return self.due_at + timedelta(seconds=self.put_off_s)

    def is_lost(self, now: datetime) -> bool:
        """Whether spike mode lets it come last."""
        return self.late_last and self.due_at <= now + LOST


def why_here(place: Place, following: Place | None, *, now: datetime, zone: ZoneInfo) -> str:
    """What puts the case before the one that follows it; with what bends the order for it.

    >>> at = datetime(2026, 3, 2, 9, 0, tzinfo=ZoneInfo("UTC"))
    >>> one = Place(1, "x", at, 2, at)
    >>> why_here(one, Place(2, "x", at, 0, at), now=at - LOST, zone=ZoneInfo("UTC"))
    'Due 09:00 like the next, and of higher severity (2 over 0).'
    """
    due = _clock(place.due_at, now, zone)
    if place.is_lost(now):
        return f"Spike mode: due {due} and past saving, so those that can be saved come first."
    if following is not None and following.is_lost(now):
        return f"Spike mode: due {due}, so it can still be saved; the next cannot."
    put_off = ""
    if place.put_off_s:
        minutes = round(place.put_off_s / 60)
        put_off = (
            f", ordered as if {_clock(place.ordered_as, now, zone)} (put off by {minutes} min)"
        )
    if following is None:
        return f"Due {due}{put_off}; none that waits comes after it."
    return f"Due {due}{put_off}{_difference(place, following)}."


def _difference(place: Place, following: Place) -> str:
    before = following.ordered_as - place.ordered_as
    if before:
        return f", {_span(before)} before the next"
    if place.severity != following.severity:
        return (
            f" like the next, and of higher severity ({place.severity} over {following.severity})"
        )
    if place.received_at != following.received_at:
        waited = _span(following.received_at - place.received_at)
        return f" like the next, and has waited {waited} longer"
    return " like the next in all; it came in first"


def _clock(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    same_day = local.date() == now.astimezone(zone).date()
    return f"{local:%H:%M}" if same_day else f"{local:%a} {local.day} {local:%b %H:%M}"


def _span(span: timedelta) -> str:
    """
    >>> _span(timedelta(seconds=40)), _span(timedelta(minutes=90)), _span(timedelta(days=2))
    ('40 s', '1 h 30 min', '2 days')
    """
    seconds = max(1, round(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // 60, 60)
    if hours >= 48:
        return f"{hours // 24} days"
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
