"""The brand file's activity codes and shift templates."""

from __future__ import annotations

import re
from itertools import pairwise

from wfm.errors import DataError
from wfm.ingest.hours import parse_clock
from wfm.ingest.tomltable import TomlTable, named, told
from wfm.people import DEFAULT_ACTIVITIES, ActivityCode, BreakRule, ShiftTemplate

GRID_MIN = 15

_STARTS = re.compile(r"(?P<first>\d{1,2}:\d{2})\s*-\s*(?P<last>\d{1,2}:\d{2})\s*/\s*(?P<every>\d+)")


def read_activities(top: TomlTable) -> tuple[ActivityCode, ...]:
    """The built-in codes, with the file's own added or put in their place."""
    codes = {activity.code: activity for activity in DEFAULT_ACTIVITIES}
    for table in top.tables("activities"):
        code = table.text("code")
        codes[code] = ActivityCode(
            code, paid=table.flag("paid"), counts_as_shrinkage=table.flag("counts_as_shrinkage")
        )
        table.done()
    return tuple(codes.values())


def _starts(table: TomlTable) -> tuple[int, ...]:
    """Starting times, minutes after midnight."""
    starts: list[int] = []
    for text in table.texts("starts"):
        try:
            if found := _STARTS.fullmatch(text):
                first, last = parse_clock(found["first"]), parse_clock(found["last"])
                every = int(found["every"])
                if every == 0 or last < first:
                    raise DataError(f"{text!r} gives no starts; write 06:00-10:00/30")
                listed = list(range(first, last + 1, every))
            else:
                listed = [parse_clock(text)]
        except DataError as error:
            told(table, "starts", error, text)
            continue
        if any(minute % GRID_MIN or minute >= 24 * 60 for minute in listed):
            table.fault("starts", "shifts start on a quarter-hour, 00:00 to 23:45", text)
        starts += listed
    if not starts and table.values.get("starts") == []:
        table.fault("starts", "a template wants at least one start")
    return tuple(sorted(set(starts)))


def read_templates(
    top: TomlTable, activities: tuple[ActivityCode, ...]
) -> tuple[tuple[ShiftTemplate, ...], frozenset[str]]:
    """The templates, and the names of those with faults, whose length says nothing."""
    faulty: set[str] = set()
    templates: list[ShiftTemplate] = []
    taken: dict[str, int] = {}
    for table in top.tables("templates"):
        before = table.reading.faults.total
        name = named(table, taken)
        minutes = table.whole("minutes", low=GRID_MIN, high=24 * 60)
        if minutes % GRID_MIN:
            table.fault("minutes", f"want a multiple of {GRID_MIN}", minutes)
        starts = _starts(table)
        breaks = tuple(_break(b, minutes, activities) for b in table.tables("breaks"))
        for i, (one, next_one) in enumerate(pairwise(breaks), start=1):
            ends = one.latest + one.minutes
            if next_one.earliest < ends:
                table.reading.fault(
                    (*table.place, "breaks", i, "earliest"),
                    next_one.earliest,
                    f"the break before it may last until minute {ends}; begin at {ends} or later",
                )
        templates.append(ShiftTemplate(name, minutes, starts, breaks))
        table.done()
        if table.reading.faults.total > before:
            faulty.add(name)
    if not templates:
        top.fault("templates", "the brand wants at least one [[templates]]")
    return tuple(templates), frozenset(faulty)


def _break(table: TomlTable, shift: int, activities: tuple[ActivityCode, ...]) -> BreakRule:
    rule = BreakRule(
        table.choice("activity", [a.code for a in activities if a.code != "on_queue"]),
        table.whole("minutes", low=GRID_MIN, high=24 * 60),
        table.whole("earliest", low=0, high=24 * 60),
        table.whole("latest", low=0, high=24 * 60),
    )
    for key in ("minutes", "earliest", "latest"):
        minutes = getattr(rule, key)
        if minutes % GRID_MIN:
            table.fault(key, f"want a multiple of {GRID_MIN}", minutes)
    if rule.latest < rule.earliest:
        table.fault("latest", f"lies before earliest, {rule.earliest}", rule.latest)
    if rule.latest + rule.minutes > shift:
        table.fault(
            "latest", f"the break would pass the shift's end at minute {shift}", rule.latest
        )
    table.done()
    return rule
