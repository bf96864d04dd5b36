"""The rules of one agent's line of work, as the engine keeps them.

Times are in clock units of the caller's choice (the product's are intervals of 15 minutes), paid
time in units of its own. Names of rules: `wfm.rules`.
"""

from __future__ import annotations

from dataclasses import dataclass

WINDOW_OF_WEEKENDS = 4


@dataclass(frozen=True)
class Rules:
    """What holds for a shift that starts on a day, by the contract in force then; None: no limit.

    max_run, min_run    days worked in a row
    min_off             days off in a row between two days worked
    week_*, period_*    days and paid units of a week and of a period
    max_nights          nights in a row
    max_weekends        of any four weeks
    rest                clock units between the end of a shift and the next start
    series, rest_after  after so many nights in a row, the rest is `rest_after`
    weekly_rest         one shift of each week worked follows on a rest of this length
    caps                (template, most of it in a period)
    forbids             (template, template that must not follow on the next day)
    start_change        clock units by which starts of two days worked in a row may differ
    max_holidays        public holidays worked in a period
    period              number of the period that the day lies in
    period_weekends     weekends worked in a period
    """

    max_run: int
    min_run: int = 1
    min_off: int = 1
    week_days: int | None = None
    week_paid: int | None = None
    period_paid: int | None = None
    max_nights: int | None = None
    max_weekends: int | None = None
    rest: int = 0
    series: int = 0
    rest_after: int = 0
    weekly_rest: int = 0
    caps: tuple[tuple[int, int], ...] = ()
    forbids: frozenset[tuple[int, int]] = frozenset()
    start_change: int | None = None
    max_holidays: int | None = None
    period_weekends: int | None = None
    period: int = 0


def new_periods(rules: tuple[Rules | None, ...]) -> tuple[bool, ...]:
    """Whether a period begins with each day but the first; one more for the day after the last."""
    begins, running = [], None
    for n, held in enumerate(rules):
        number = running if held is None else held.period
        begins.append(n > 0 and running is not None and number != running)
        running = number
    return (*begins, True)


@dataclass(frozen=True)
class Past:
    """What an agent's days before the horizon leave to it.

    run, off    days worked, or days off, up to the day before; -1 off: long enough
    nights      of the run, the nights that end it; -1: a series that has not been rested from
    week        days and paid units worked this week
    period      paid units worked this period
    holidays    worked this period
    caps        shifts of each capped template in this period: (template, count)
    free_from   clock time at which the last shift ended; None: long ago
    last        template and start (clock units into its day) of a shift of the day before
    weekends    whether each of the last three weekends was worked (bits, the last one lowest)
    weekend     whether the running weekend was
    period_weekends  weekends worked this period, the running one too
    rested      of the running week: 0 nothing worked, 1 worked unrested, 2 rested
    """

    run: int = 0
    off: int = -1
    nights: int = 0
    week: tuple[int, int] = (0, 0)
    period: int = 0
    holidays: int = 0
    caps: tuple[tuple[int, int], ...] = ()
    free_from: int | None = None
    last: tuple[int, int] | None = None
    weekends: int = 0
    weekend: int = 0
    period_weekends: int = 0
    rested: int = 0
