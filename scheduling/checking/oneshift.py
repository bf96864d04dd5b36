"""Rules on a shift alone: what the agent can and may, and what the contract allows."""

from __future__ import annotations

from collections.abc import Iterator

from scheduling.checking.line import SAME_H, Finding, Line, Shift, minute_of
from wfm.people import Limit


def skill(line: Line) -> Iterator[Finding]:
    skills = {s.queue for s in line.agent.skills} & line.site.queues
    for shift in line.shifts:
        served = dict.fromkeys(s.queue for s in shift.segments if s.activity == "on_queue")
        for queue in served:
            if not skills or (queue and queue not in skills):
                yield shift.day, f"serves {queue or 'any queue'!r}"


def availability(line: Line) -> Iterator[Finding]:
    hours = line.agent.availability
    if not hours:
        return
    for shift in line.shifts:
        outside = sum(
            not any(
                h.weekday == wall.weekday() and h.from_min <= minute_of(wall) <= h.to_min - 15
                for h in hours
            )
            for wall in line.site.quarters(shift)
        )
        if outside:
            yield shift.day, f"{15 * outside} min outside"


def time_off(line: Line) -> Iterator[Finding]:
    if not line.agent.time_off:
        return
    for shift in line.shifts:
        days = {wall.date() for wall in line.site.quarters(shift)}
        off = sorted(day for day in days if line.agent.is_off(day))
        if off:
            yield off[0], f"works on {len(off)} day{'s' if len(off) > 1 else ''} of time off"


def limits(line: Line) -> Iterator[Finding]:
    for number, shift in enumerate(line.worked):
        for limit in line.agent.limits:
            if not shift.old and limit.holds_on(shift.day):
                told = _over(line, number, shift, limit)
                if told:
                    yield shift.day, told


def _over(line: Line, number: int, shift: Shift, limit: Limit) -> str:
    """How the shift goes over the limit; "" when it keeps it."""
    if limit.kind == "no_nights":
        return "a night shift, limit none" if line.nights[number] else ""
    if limit.kind == "hours":
        outside = sum(
            not limit.from_min <= minute_of(wall) <= limit.to_min - 15
            for wall in line.site.quarters(shift)
        )
        span = f"{clock(limit.from_min)} to {clock(limit.to_min)}"
        return f"{15 * outside} min outside the limit, {span}" if outside else ""
    weekly = limit.kind == "max_hours_per_week"
    counted = line.since(shift.monday if weekly else shift.day, number)
    hours = sum(s.paid_h for s in counted)
    if hours <= limit.hours + SAME_H:
        return ""
    return f"{hours:g} h in the {'week' if weekly else 'day'}, limit {limit.hours:g}"


def contract(line: Line) -> Iterator[Finding]:
    for shift in line.shifts:
        if shift.contract is None:
            yield shift.day, "works without a contract in force"


def template(line: Line) -> Iterator[Finding]:
    for shift in line.shifts:
        known = line.site.templates.get(shift.template)
        if known is None:
            yield shift.day, f"no template {shift.template!r}"
            continue
        if shift.contract is not None and known.name not in shift.contract.templates:
            yield shift.day, f"{shift.contract.name} does not allow {known.name}"
        minutes = int((shift.end - shift.start).total_seconds()) // 60
        if minutes != known.minutes:
            yield shift.day, f"{known.name} lasts {minutes} min"
        if shift.start_min not in known.starts:
            yield shift.day, f"{known.name} starts at {clock(shift.start_min)}"


def day_hours(line: Line) -> Iterator[Finding]:
    for number, shift, held in line.judged():
        hours = sum(s.paid_h for s in line.since(shift.day, number))
        if hours > held.max_hours_per_day + SAME_H:
            yield shift.day, f"{hours:g} h, contract {held.max_hours_per_day:g}"


def clock(minutes: int) -> str:
    """Minutes after midnight as people write them."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
