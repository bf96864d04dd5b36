"""Judges a roster of a Curtois & Qu instance by the instance's own words.

Written from the rules alone, a plain walk over every line; it shares no code with what makes
rosters. The edges, as the family has them: nothing is known of the days before and after the
horizon, so a run of days worked, or of days off, that touches either edge is never too short,
and only what lies inside counts towards the longest run. A weekend is worked when its Saturday or
its Sunday is.

A roster here is `lines`: employee -> the shift of each day, "" for a day off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from benchmarks.nrpfile import Employee, Instance

Lines = Mapping[str, Sequence[str]]

OFF = ""
WEEK = 7
WEEKEND = (5, 6)


@dataclass(frozen=True)
class Broken:
    """A rule that a line breaks; `day` is where it shows, None for a rule about the whole line."""

    rule: str
    employee: str
    day: int | None
    says: str


@dataclass(frozen=True)
class Cost:
    """What a roster costs, by the instance's weights."""

    requests: int
    under: int
    over: int

    @property
    def total(self) -> int:
        return self.requests + self.under + self.over


def broken(instance: Instance, lines: Lines) -> tuple[Broken, ...]:
    """Every hard rule that `lines` break; empty for a roster that keeps them all."""
    names = {employee.name for employee in instance.staff}
    found = [
        Broken("unknown_employee", name, None, "no such employee") for name in lines.keys() - names
    ]
    for employee in instance.staff:
        line = lines.get(employee.name)
        if line is None or len(line) != instance.days:
            told = "no line" if line is None else f"a line of {len(line)} days"
            found.append(
                Broken("horizon", employee.name, None, f"{told}, want {instance.days} days")
            )
            continue
        found += _broken(instance, employee, line)
    return tuple(found)


def _broken(instance: Instance, employee: Employee, line: Sequence[str]) -> list[Broken]:
    minutes = {shift.name: shift.minutes for shift in instance.shifts}
    told: list[tuple[str, int | None, str]] = [
        ("unknown_shift", day, f"no such shift as {name!r}")
        for day, name in enumerate(line)
        if name != OFF and name not in minutes
    ]
    if not told:
        told += _of_days(instance, employee, line)
        told += _of_runs(employee, line)
        told += _of_totals(employee, line, minutes)
    return [Broken(rule, employee.name, day, says) for rule, day, says in told]


def _of_days(
    instance: Instance, employee: Employee, line: Sequence[str]
) -> Iterator[tuple[str, int, str]]:
    barred = {shift.name: shift.barred for shift in instance.shifts}
    for day in _worked(line):
        if day in employee.off:
            yield "day_off", day, f"{line[day]} on a day off"
        if day > 0 and line[day - 1] != OFF and line[day] in barred[line[day - 1]]:
            yield "sequence", day, f"{line[day]} follows {line[day - 1]}"


def _of_runs(employee: Employee, line: Sequence[str]) -> Iterator[tuple[str, int, str]]:
    first = 0
    for works, days in groupby(line, lambda name: name != OFF):
        length = len(list(days))
        inside = first > 0 and first + length < len(line)
        if works and length > employee.max_run:
            yield "max_run", first, f"{length} days in a row, at most {employee.max_run}"
        if works and inside and length < employee.min_run:
            yield "min_run", first, f"{length} days in a row, at least {employee.min_run}"
        if not works and inside and length < employee.min_days_off:
            yield "min_days_off", first, f"{length} off, at least {employee.min_days_off}"
        first += length


def _of_totals(
    employee: Employee, line: Sequence[str], minutes: Mapping[str, int]
) -> Iterator[tuple[str, None, str]]:
    worked = _worked(line)
    for name, count in Counter(line[day] for day in worked).items():
        most = employee.most_of.get(name, len(line))
        if count > most:
            yield "max_shifts", None, f"{count} shifts {name}, at most {most}"
    total = sum(minutes[line[day]] for day in worked)
    if total > employee.max_minutes:
        yield "max_minutes", None, f"{total} minutes, at most {employee.max_minutes}"
    if total < employee.min_minutes:
        yield "min_minutes", None, f"{total} minutes, at least {employee.min_minutes}"
    weekends = len({day // WEEK for day in worked if day % WEEK in WEEKEND})
    if weekends > employee.max_weekends:
        yield "max_weekends", None, f"{weekends} weekends, at most {employee.max_weekends}"


def _worked(line: Sequence[str]) -> list[int]:
    return [day for day, name in enumerate(line) if name != OFF]


def cost(instance: Instance, lines: Lines) -> Cost:
    """What `lines` cost: requests not granted, and too few or too many on a shift.

    Lines may break rules; each must have all days. A shift and day without cover in the file cost
    nothing.
    """
    refused = sum(r.weight for r in instance.on if lines[r.employee][r.day] != r.shift)
    refused += sum(r.weight for r in instance.off if lines[r.employee][r.day] == r.shift)
    there = Counter((day, name) for line in lines.values() for day, name in enumerate(line))
    under = over = 0
    for want in instance.cover:
        heads = there[want.day, want.shift]
        under += want.under * max(0, want.wanted - heads)
        over += want.over * max(0, heads - want.wanted)
    return Cost(refused, under, over)
