"""Which days a market's public holidays touch, and how: the calendar's part of the forecast.

A holiday reaches beyond its date. A workday caught between days of rest is a bridge; the weekend
beside a holiday is a long one; the eves of Christmas and of the new year are half holidays; the
days between two holidays of one week are slow, or not: what such days do is learned elsewhere.
Days of rest are those of the series, told from its own weeks, so a Friday-Saturday weekend needs
no setting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

import numpy as np

from forecasting.grid import Days, Floats, Ints, as_date
from wfm.calendars import public_holidays, weekend_of

Kind = Literal[
    "great holiday", "holiday", "bridge", "long weekend", "festive eve", "eve", "between", "after"
]
# In the order of their strength: a day is the strongest of what it is in any market.
KINDS: tuple[Kind, ...] = (
    "great holiday",
    "holiday",
    "bridge",
    "long weekend",
    "festive eve",
    "eve",
    "between",
    "after",
)
# These are left out of what ordinary days are learned from.
SET_APART: frozenset[Kind] = frozenset(
    {"great holiday", "holiday", "bridge", "long weekend", "festive eve"}
)
# And on these people rest.
REST: frozenset[Kind] = frozenset({"great holiday", "holiday", "bridge", "festive eve"})
# Where they are holidays, these stand out from all others, and their eves are kept.
GREAT = ((12, 25), (1, 1))
ONE = timedelta(days=1)
# Two holidays at most this far apart leave days between them.
BETWEEN_DAYS = 7
DEFAULT_WEEKEND = frozenset({5, 6})
WEEKENDS = (frozenset({3, 4}), frozenset({4, 5}), frozenset({5, 6}))
# Another weekend than the calendar's must explain the week this much better.
WEEKEND_GAIN = 0.8
# Parts of the day by which weekdays are compared.
PARTS = 8

Weekend = frozenset[int]


@dataclass(frozen=True)
class Touched:
    """A day that public holidays touch.

    row    its index in the days asked about
    name   of the holiday that touches it, the same every year
    like   the weekday whose shape it takes on: one that rests or works as it and the next day do
    where  countries in which the day is of this kind; share: that part of the markets
    """

    row: int
    kind: Kind
    name: str
    like: int
    where: frozenset[str]
    share: float


def own_name(name: str) -> str:
    """A holiday's name without what differs between years: "(observed)" and second names.

    >>> own_name("Christmas Day (observed); Boxing Day")
    'Christmas Day'
    """
    return name.split(";", maxsplit=1)[0].split(" (", maxsplit=1)[0].strip()


@dataclass(frozen=True)
class _Day:
    kind: Kind
    name: str
    like: int


@lru_cache(maxsize=1024)
def _touched_in(country: str, year: int, weekend: Weekend) -> dict[date, _Day]:
    """Every day of the year that the country's holidays touch."""
    names = {
        day: own_name(name)
        for known in (year - 1, year, year + 1)
        for day, name in public_holidays(country, known).items()
    }
    near = {day + k * ONE for day in names for k in range(-BETWEEN_DAYS, BETWEEN_DAYS + 1)}
    found = {}
    for day in sorted(near):
        told = _kind(day, names, weekend)
        if told is not None and day.year == year:
            found[day] = _Day(*told, _like(day, names, weekend))
    return found


def _kind(day: date, names: dict[date, str], weekend: Weekend) -> tuple[Kind, str] | None:
    """What the day is in a country whose holidays have these names; None when ordinary."""
    if day in names:
        return ("great holiday" if (day.month, day.day) in GREAT else "holiday"), names[day]
    if day.weekday() in weekend:
        name = _holiday_of_block(day, names, weekend)
        return None if name is None else ("long weekend", name)
    return _kind_of_workday(day, names, weekend)


def _kind_of_workday(
    day: date, names: dict[date, str], weekend: Weekend
) -> tuple[Kind, str] | None:
    before, after = names.get(day - ONE), names.get(day + ONE)
    if after is not None and ((day + ONE).month, (day + ONE).day) in GREAT:
        return "festive eve", after
    rests = [at in names or at.weekday() in weekend for at in (day - ONE, day + ONE)]
    if all(rests) and (before or after):
        return "bridge", before or after or ""
    if after is not None:
        return "eve", after
    last = next((k for k in range(1, BETWEEN_DAYS) if day - k * ONE in names), BETWEEN_DAYS)
    if any(day + k * ONE in names for k in range(1, BETWEEN_DAYS - last + 1)):
        return "between", names[day - last * ONE]
    return None if before is None else ("after", before)


def _like(day: date, names: dict[date, str], weekend: Weekend) -> int:
    """The ordinary weekday that rests or works as this day and the next one do."""

    def rests(at: date) -> bool:
        told = _kind(at, names, weekend)
        return at.weekday() in weekend or (told is not None and told[0] in REST)

    # WEEKENDS are two neighbouring days that do not go round the week's end.
    first, last = min(weekend), max(weekend)
    if rests(day):
        return first if rests(day + ONE) else last
    if rests(day + ONE):
        return (first - 1) % 7
    return (last + 1) % 7 if rests(day - ONE) else day.weekday()


def _holiday_of_block(day: date, names: dict[date, str], weekend: Weekend) -> str | None:
    """The holiday in the run of days of rest around `day`, bridges counted in."""
    for step in (-ONE, ONE):
        at = day + step
        while at.weekday() in weekend and at not in names:
            at += step
        if at in names:
            return names[at]
        # A bridge: one workday, and the holiday behind it.
        if at + step in names:
            return names[at + step]
    return None


def touched_days(days: Days, countries: Sequence[str], weekend: Weekend) -> tuple[Touched, ...]:
    """The days that public holidays of the countries touch, in order of `days`."""
    if not countries or not len(days):
        return ()
    first, last = as_date(days[0]), as_date(days[-1])
    marked: dict[date, list[tuple[str, _Day]]] = {}
    for country in countries:
        for year in range(first.year, last.year + 1):
            for at, told in _touched_in(country, year, weekend).items():
                if first <= at <= last:
                    marked.setdefault(at, []).append((country, told))
    touched = []
    for at in sorted(marked):
        _, day = min(marked[at], key=lambda told: KINDS.index(told[1].kind))
        where = [country for country, told in marked[at] if told.kind == day.kind]
        share = len(where) / len(countries)
        row = (at - first).days
        touched.append(Touched(row, day.kind, day.name, day.like, frozenset(where), share))
    return tuple(touched)


def weekend_in(counts: Floats, weekday: Ints, countries: Sequence[str] = ()) -> Weekend:
    """The two neighbouring days of rest that set themselves apart in a series' weeks.

    counts  (days, slots), NaN where missing; a weekday without a single count is a day of rest

    The pair that best splits the week in two alike groups, by level and by shape of the day. The
    first market's calendar (Saturday and Sunday without one) holds unless another pair does
    clearly better.
    """
    usual = weekend_of(countries[0]) if countries else DEFAULT_WEEKEND
    usual = usual if usual in WEEKENDS else DEFAULT_WEEKEND
    parts = np.arange(0, counts.shape[1], max(1, counts.shape[1] // PARTS))
    seen = np.isfinite(counts)
    # Roots tame spikes and keep the silent parts of a day silent.
    roots = np.add.reduceat(np.sqrt(np.where(seen, counts, 0.0)), parts, axis=1)
    known = np.add.reduceat(seen.astype(float), parts, axis=1)
    alike = (weekday[:, None] == np.arange(7)).astype(float).T
    week = (alike @ roots) / np.maximum(alike @ known, 1.0)

    def left(pair: Weekend) -> float:
        rest = np.isin(np.arange(7), sorted(pair))
        return float(sum(((g - g.mean(axis=0)) ** 2).sum() for g in (week[rest], week[~rest])))

    best = min(WEEKENDS, key=left)
    return best if left(best) < WEEKEND_GAIN * left(usual) else usual
