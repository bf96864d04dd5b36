"""Rules that count over a week, a period or four weekends; each is told at the shift that is one
too many, and at those after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from scheduling.checking.line import SAME_H, WEEK, Finding, Line
from wfm.people import PERIODS_FROM, Contract

WEEKENDS_OF = 4


def week_hours(line: Line) -> Iterator[Finding]:
    for number, shift, contract in line.judged():
        hours = sum(s.paid_h for s in line.since(shift.monday, number))
        if hours > contract.max_hours_per_week + SAME_H:
            yield shift.day, f"{hours:g} h, contract {contract.max_hours_per_week:g}"


def week_days(line: Line) -> Iterator[Finding]:
    for number, shift, contract in line.judged():
        days = len({s.day for s in line.since(shift.monday, number)})
        if days > contract.max_days_per_week:
            yield shift.day, f"{days} days, contract {contract.max_days_per_week}"


def period_hours(line: Line) -> Iterator[Finding]:
    for number, shift, contract in line.judged():
        if contract.max_hours_per_period is None:
            continue
        first = _period_from(contract, shift.day)
        hours = sum(s.paid_h for s in line.since(first, number))
        if hours > contract.max_hours_per_period + SAME_H:
            yield (
                shift.day,
                f"{hours:g} h since {first}, contract {contract.max_hours_per_period:g}",
            )


def template_shifts(line: Line) -> Iterator[Finding]:
    for number, shift, contract in line.judged():
        most = dict(contract.max_shifts).get(shift.template)
        if most is None:
            continue
        first = _period_from(contract, shift.day)
        count = sum(s.template == shift.template for s in line.since(first, number))
        if count > most:
            yield shift.day, f"{shift.template} {count} times since {first}, contract {most}"


def holidays(line: Line) -> Iterator[Finding]:
    for number, shift, contract in line.judged():
        most = contract.max_holidays_per_period
        if most is None or not line.site.is_holiday(shift.day):
            continue
        first = _period_from(contract, shift.day)
        count = len({s.day for s in line.since(first, number) if line.site.is_holiday(s.day)})
        if count > most:
            yield shift.day, f"public holiday {count} since {first}, contract {most}"


def _period_from(contract: Contract, day: date) -> date:
    """First day of the period that the day lies in."""
    return PERIODS_FROM + contract.period_of(day) * contract.period_weeks * WEEK


def weekends(line: Line) -> Iterator[Finding]:
    for number, shift, contract in line.judged():
        if not line.site.is_weekend(shift.day):
            continue
        first = shift.monday - timedelta(weeks=WEEKENDS_OF - 1)
        worked = [s for s in line.since(first, number) if line.site.is_weekend(s.day)]
        count = len({s.monday for s in worked})
        new = sum(s.monday == shift.monday for s in worked) == 1
        if new and count > contract.max_weekends_in_4:
            yield (
                shift.day,
                f"weekend {count} of four weeks, contract {contract.max_weekends_in_4}",
            )
