"""The brand file's activity codes, shift templates and contracts."""

from __future__ import annotations

import re
from itertools import pairwise

from wfm.errors import DataError
from wfm.ingest.faults import unknown
from wfm.ingest.hours import parse_clock
from wfm.ingest.tomltable import TomlTable, named, told
from wfm.people import DEFAULT_ACTIVITIES, ActivityCode, BreakRule, Contract, ShiftTemplate

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


def read_contracts(
    top: TomlTable,
    templates: tuple[ShiftTemplate, ...],
    faulty: frozenset[str],
    activities: tuple[ActivityCode, ...],
) -> tuple[Contract, ...]:
    contracts: list[Contract] = []
    taken: dict[str, int] = {}
    known = {t.name: t for t in templates}
    codes = {a.code: a for a in activities}
    for table in top.tables("contracts"):
        contract = Contract(
            name=named(table, taken),
            templates=table.texts("templates"),
            max_hours_per_day=table.number("max_hours_per_day", above=True, high=24),
            max_hours_per_week=table.number("max_hours_per_week", above=True, high=168),
            min_hours_per_week=table.number("min_hours_per_week", 0.0, high=168),
            max_days_per_week=table.whole("max_days_per_week", 5, low=1, high=7),
            max_consecutive_days=table.whole("max_consecutive_days", 5, low=1, high=28),
            min_rest_h=table.number("min_rest_h", 11.0, high=48),
            max_weekends_in_4=table.whole("max_weekends_in_4", 2, low=0, high=4),
        )
        if "templates" in table and not contract.templates:
            table.fault("templates", "a contract wants at least one shift template")
        for name in contract.templates:
            if name not in known:
                table.fault("templates", unknown("template", name, known), name)
                continue
            paid_h = known[name].paid_minutes(codes) / 60
            if paid_h > contract.max_hours_per_day and name not in faulty:
                table.fault(
                    "templates",
                    f"a shift of {paid_h:g} paid hours is longer than the contract's day of "
                    f"{contract.max_hours_per_day:g}; shorten the template or raise "
                    "max_hours_per_day",
                    name,
                )
        if contract.min_hours_per_week > contract.max_hours_per_week:
            table.fault(
                "min_hours_per_week",
                f"is above max_hours_per_week, {contract.max_hours_per_week:g}",
                contract.min_hours_per_week,
            )
        contracts.append(contract)
        table.done()
    if not contracts:
        top.fault("contracts", "the brand wants at least one [[contracts]]")
    return tuple(contracts)
