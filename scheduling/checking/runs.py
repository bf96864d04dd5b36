"""Rules on what follows on what: runs of days and nights, rests, sequences."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby

from scheduling.checking.line import DAY, SAME_H, Finding, Line


def consecutive_days(line: Line) -> Iterator[Finding]:
    for _, shift, contract in line.judged():
        run = 1
        while shift.day - run * DAY in line.days:
            run += 1
        if run > contract.max_consecutive_days:
            yield shift.day, f"day {run} in a row, contract {contract.max_consecutive_days}"


def consecutive_nights(line: Line) -> Iterator[Finding]:
    for number, shift, contract in line.judged():
        most = contract.max_consecutive_nights
        if most is None or not line.nights[number]:
            continue
        run = line.nights_before(number)
        if run > most:
            yield shift.day, f"night {run} in a row, contract {most}"


def consecutive_shifts(line: Line) -> Iterator[Finding]:
    """Told on the day off that ends a run too early.

    A run that may have begun before all we know is long enough, and so is one that ends with a
    contract. One of before the horizon is judged by the horizon's first day, unless that is
    granted time off.
    """
    site = line.site
    for day in sorted(line.days):
        off = day + DAY
        if off in line.days or not site.first_day <= off <= site.last_day:
            continue
        contract = line.contract_on(off)
        if contract is None or (off == site.first_day and line.agent.is_off(off)):
            continue
        run = 1
        while day - run * DAY in line.days:
            run += 1
        unknown = day - (run - 1) * DAY == site.first_day and not any(s.old for s in line.worked)
        if run < contract.min_consecutive_shifts and not unknown:
            yield off, f"off after {run} in a row, contract {contract.min_consecutive_shifts}"


def days_off(line: Line) -> Iterator[Finding]:
    for number, shift, contract in line.judged():
        if number == 0:
            continue
        off = (shift.day - line.worked[number - 1].day).days - 1
        if 0 < off < contract.min_consecutive_days_off:
            yield (
                shift.day,
                f"{off} off before it, contract {contract.min_consecutive_days_off}",
            )


def rest(line: Line) -> Iterator[Finding]:
    for number, shift, contract in line.judged():
        hours = line.rests[number]
        if hours < contract.min_rest_h - SAME_H:
            yield shift.day, f"{hours:g} h of rest, contract {contract.min_rest_h:g}"


def weekly_rest(line: Line) -> Iterator[Finding]:
    """Told on the last shift of the week."""
    for monday, numbers in groupby(range(len(line.worked)), lambda n: line.worked[n].monday):
        week = list(numbers)
        last = line.worked[week[-1]]
        if last.old or last.contract is None or monday + timedelta(days=6) > line.site.last_day:
            continue
        longest = max(line.rests[n] for n in week)
        if longest < last.contract.weekly_rest_h - SAME_H:
            yield (
                last.day,
                f"rests of {longest:g} h at most, contract {last.contract.weekly_rest_h:g}",
            )


def rest_after_nights(line: Line) -> Iterator[Finding]:
    for number, shift, contract in line.judged():
        if number == 0 or not contract.rest_after_nights_h or not line.nights[number - 1]:
            continue
        series = line.nights_before(number - 1)
        goes_on = line.nights[number] and shift.day == line.worked[number - 1].day + DAY
        hours = line.rests[number]
        if (
            series >= contract.nights_in_series
            and not goes_on
            and hours < contract.rest_after_nights_h - SAME_H
        ):
            yield (
                shift.day,
                f"{hours:g} h of rest after {series} nights, contract "
                f"{contract.rest_after_nights_h:g}",
            )


def sequence(line: Line) -> Iterator[Finding]:
    for _, shift, contract in line.judged():
        for before in line.days.get(shift.day - DAY, ()):
            pair = (line.worked[before].template, shift.template)
            if pair in contract.forbidden_sequences:
                yield shift.day, f"{pair[1]} on the day after {pair[0]}"


def start_change(line: Line) -> Iterator[Finding]:
    for _, shift, contract in line.judged():
        most = contract.max_start_change_h
        if most is None:
            continue
        for before in line.days.get(shift.day - DAY, ()):
            hours = abs(shift.start_min - line.worked[before].start_min) / 60
            if hours > most + SAME_H:
                yield shift.day, f"starts {hours:g} h from the day before, contract {most:g}"
