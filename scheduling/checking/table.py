"""What a roster is at all: known activities, the grid, the horizon, shifts in one piece."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from scheduling.checking.line import QUARTER, Finding, Line, Shift
from wfm.people import BreakRule, ShiftTemplate

BREAKS = ("break", "meal")


def activity(line: Line) -> Iterator[Finding]:
    codes = {a.code for a in line.site.brand.activities}
    for segment in line.segments:
        if segment.activity not in codes:
            yield line.site.wall(segment.start).date(), f"activity {segment.activity!r}"


def grid(line: Line) -> Iterator[Finding]:
    for segment in line.segments:
        length = segment.end - segment.start
        if length <= timedelta(0) or length % QUARTER or segment.start.minute % 15:
            yield (
                line.site.wall(segment.start).date(),
                f"{segment.start:%H:%M} to {segment.end:%H:%M} UTC",
            )


def horizon(line: Line) -> Iterator[Finding]:
    for shift in line.shifts:
        if not line.site.start <= shift.start < line.site.end:
            yield shift.day, f"starts at {shift.start:%Y-%m-%d %H:%M} UTC"


def overlap(line: Line) -> Iterator[Finding]:
    earlier = [s for shift in line.worked if shift.old for s in shift.segments]
    last = max(earlier, key=lambda s: s.end, default=None)
    for segment in line.segments:
        if last is not None and segment.start < last.end:
            yield (
                line.site.wall(segment.start).date(),
                f"{last.activity} and {segment.activity} overlap",
            )
        if last is None or segment.end > last.end:
            last = segment


def gap(line: Line) -> Iterator[Finding]:
    for shift in line.shifts:
        for one, two in pairwise(shift.segments):
            if two.start > one.end:
                yield shift.day, f"nothing from {one.end:%H:%M} to {two.start:%H:%M} UTC"


def breaks(line: Line) -> Iterator[Finding]:
    for shift in line.shifts:
        template = line.site.templates.get(shift.template)
        if template is not None:
            yield from _breaks(shift, template)


def _breaks(shift: Shift, template: ShiftTemplate) -> Iterator[Finding]:
    kinds = {b.activity for b in template.breaks} | set(BREAKS)
    taken = [s for s in shift.segments if s.activity in kinds]
    if len(taken) != len(template.breaks):
        yield shift.day, f"{len(taken)} breaks, {template.name} has {len(template.breaks)}"
        return
    for segment, rule in zip(taken, template.breaks, strict=True):
        after = int((segment.start - shift.start).total_seconds()) // 60
        minutes = int((segment.end - segment.start).total_seconds()) // 60
        if not _fits(segment.activity, minutes, after, rule):
            yield (
                shift.day,
                f"{segment.activity} of {minutes} min after {after} min, want {rule.activity} of "
                f"{rule.minutes} after {rule.earliest} to {rule.latest}",
            )


def _fits(activity: str, minutes: int, after: int, rule: BreakRule) -> bool:
    return (
        activity == rule.activity
        and minutes == rule.minutes
        and rule.earliest <= after <= rule.latest
    )


def one_shift_a_day(line: Line) -> Iterator[Finding]:
    for day, numbers in line.days.items():
        again = [n for n in numbers[1:] if not line.worked[n].old]
        if again:
            yield day, f"starts {len(numbers)} shifts"
