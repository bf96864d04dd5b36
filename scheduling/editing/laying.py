"""A shift as segments: laid out of a template, its breaks where they are missed least, and cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from scheduling.editing.changes import Segment
from scheduling.editing.coverage import Lacks
from scheduling.editing.ground import EditGround
from scheduling.rostering.need import Floats
from scheduling.rostering.shifts import break_windows
from wfm.people import ShiftTemplate
from wfm.timegrid import INTERVAL, INTERVAL_S

# Weight of a head to spare beside one that is missing: it only chooses among equal shortfalls.
SPARE_WEIGHT = 0.01


def laid(
    template: ShiftTemplate, at: datetime, places: Sequence[int], *, queue: str = ""
) -> tuple[Segment, ...]:
    """The shift from `at` with its breaks so many intervals after it."""
    segments = []
    on_from, ends = at, at + timedelta(minutes=template.minutes)
    for rule, place in zip(template.breaks, places, strict=True):
        pause = at + place * INTERVAL
        if pause > on_from:
            segments.append(Segment(on_from, pause, "on_queue", queue, template.name))
        on_from = pause + timedelta(minutes=rule.minutes)
        segments.append(Segment(pause, on_from, rule.activity, "", template.name))
    if ends > on_from:
        segments.append(Segment(on_from, ends, "on_queue", queue, template.name))
    return tuple(segments)


def missed(lacks: Lacks, group: int) -> Floats:
    """How much a head of the set is missed in each interval when it takes a break."""
    return lacks.cured(group) + SPARE_WEIGHT / (1.0 + lacks.spare(group))


def laid_best(
    template: ShiftTemplate, at: datetime, worth: Floats, ground: EditGround, *, queue: str = ""
) -> tuple[Segment, ...]:
    """The shift with its breaks, in order and in their windows, where they are missed least.

    worth  how much one head is missed in each interval of the horizon, the shift not counted;
           nothing is missed after its end
    """
    return laid(template, at, places_of(template, at, worth, ground)[0], queue=queue)


def places_of(
    template: ShiftTemplate, at: datetime, worth: Floats, ground: EditGround
) -> tuple[list[int], float]:
    """Intervals after the start at which each break is missed least, earliest first among equals,
    and how much they are missed together. Exact, by dynamic programming from the last break.
    """
    first = int((at - ground.start) / INTERVAL)
    length = template.minutes * 60 // INTERVAL_S
    during = np.zeros(length)
    inside = worth[max(0, first) : first + length]
    during[: len(inside)] = inside
    sums = np.concatenate([[0.0], during.cumsum()]).tolist()
    # Best cost and places of the breaks from this one on, by the interval they are free from.
    cost = [0.0] * (length + 2)
    after: list[list[int]] = [[] for _ in cost]
    for earliest, latest, taken in reversed(break_windows(template)):
        best, places = float("inf"), list[int]()
        new_cost, new_after = [best] * len(cost), [places] * len(cost)
        for place in range(latest, -1, -1):
            if place >= earliest:
                here = sums[place + taken] - sums[place] + cost[place + taken]
                if here <= best + 1e-12:
                    best, places = here, [place, *after[place + taken]]
            new_cost[place], new_after[place] = best, places
        cost, after = new_cost, new_after
    return after[0], cost[0]


def painted(
    segments: Sequence[Segment], start: datetime, end: datetime, activity: str, queue: str = ""
) -> tuple[Segment, ...]:
    """The shift with [start, end), which lies within it, given to another activity."""
    new = [replace(segments[0], start=start, end=end, activity=activity, queue=queue)]
    for s in segments:
        if s.start < start:
            new.append(replace(s, end=min(s.end, start)))
        if s.end > end:
            new.append(replace(s, start=max(s.start, end)))
    return joined(new)


def joined(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """The segments in order of time, those on the same queue one after the other made one."""
    whole: list[Segment] = []
    for s in sorted(segments):
        last = whole[-1] if whole else None
        if last and s.activity == "on_queue" and s == replace(last, start=last.end, end=s.end):
            whole[-1] = replace(last, end=s.end)
        else:
            whole.append(s)
    return tuple(whole)
