"""What the rules of a contract count from day to day: the states of an agent.

A state is a row of numbers, a column for each thing that is counted. What no rule asks about stays
0, so that a rule that nobody has set tells no states apart.
"""

from __future__ import annotations

import numpy as np

from scheduling.rostering.law import WINDOW_OF_WEEKENDS, Past, Rules, new_periods
from scheduling.rostering.problem import Days, Flags, Ints

SUNDAY = 6
# Whether the running week holds its long rest: nothing worked, worked unrested, rested; unrested as
# the horizon found it, which is nobody's fault while nothing more is worked.
IDLE, UNRESTED, RESTED, FOUND_UNRESTED = range(4)

# Columns. WEEKENDS holds bits, the running weekend lowest; MONTHLY twice the weekends worked in the
# period, and whether the running one is among them; a column for each capped template from CAPS on.
RUN, OFF, EDGE, NIGHTS, DAYS, WEEK, PERIOD, HOLIDAYS, WEEKENDS, REST, BORNE, MONTHLY, CAPS = range(
    13
)
# A series of nights that has ended and is not rested from.
OWING = -1


class Law:
    """What of the rules of some days matters at all.

    rules          by day; None: nobody works
    burden         tasks that are counted over the horizon, up to `most_borne`
    weekly_rest    of the week of each day, the longest that any of its rules asks for
    longest        rest that any rule asks for
    """

    def __init__(
        self,
        rules: tuple[Rules | None, ...],
        days: Days,
        *,
        count_week: bool,
        count_period: bool,
        burden: Flags,
        most_borne: int,
    ) -> None:
        held = [r for r in rules if r is not None]
        self.rules = rules
        self.days = days
        self.new_period = new_periods(rules)
        self.burden = burden
        self.most_borne = most_borne
        self.min_run = max((r.min_run for r in held), default=1)
        self.min_off = max((r.min_off for r in held), default=1)
        self.most_nights = max((max(r.max_nights or 0, r.series) for r in held), default=0)
        self.least_series = min((r.series for r in held if r.series), default=0)
        self.nights = any(r.max_nights is not None or r.series for r in held)
        self.week_days = any(r.week_days is not None and r.week_days < 7 for r in held)
        self.week_paid = count_week or any(r.week_paid is not None for r in held)
        self.period_paid = count_period or any(r.period_paid is not None for r in held)
        self.holidays = any(r.max_holidays is not None for r in held) and any(days.holiday)
        weekends = any(days.weekend)
        self.weekends = weekends and any(
            r.max_weekends is not None and r.max_weekends < WINDOW_OF_WEEKENDS for r in held
        )
        self.monthly = weekends and any(r.period_weekends is not None for r in held)
        self.weekly_rest = _of_weeks(rules, days)
        self.rests_weekly = any(self.weekly_rest)
        self.caps = tuple(sorted({t for r in held for t, _ in r.caps}))
        self.forbids = frozenset(pair for r in held for pair in r.forbids)
        self.ranged = any(r.start_change is not None for r in held)
        self.longest = max((max(r.rest, r.rest_after, r.weekly_rest) for r in held), default=0)

    def state_of(self, past: Past) -> list[int]:
        """The state before the first day."""
        caps = dict(past.caps)
        bits = past.weekends * 2 + past.weekend
        off = 0 if past.run else (self.min_off if past.off < 0 else min(past.off, self.min_off))
        return [
            past.run,
            off,
            # A run that begins with the horizon may be the end of a longer one nobody knows of.
            int(past.off < 0 and not past.run and self.min_run > 1),
            past.nights if self.nights else 0,
            past.week[0] if self.week_days else 0,
            past.week[1] if self.week_paid else 0,
            past.period if self.period_paid else 0,
            past.holidays if self.holidays else 0,
            bits if self.weekends else 0,
            self._rested(past),
            0,
            past.period_weekends * 2 + past.weekend if self.monthly else 0,
            *(caps.get(t, 0) for t in self.caps),
        ]

    def _rested(self, past: Past) -> int:
        if not self.rests_weekly:
            return IDLE
        return FOUND_UNRESTED if past.rested == UNRESTED else past.rested


def _of_weeks(rules: tuple[Rules | None, ...], days: Days) -> list[int]:
    """The longest weekly rest of each day's week, so that a change of contract keeps both."""
    weeks = np.cumsum([d > 0 and weekday == 0 for d, weekday in enumerate(days.weekday)]).tolist()
    longest: dict[int, int] = {}
    for week, held in zip(weeks, rules, strict=True):
        longest[week] = max(longest.get(week, 0), held.weekly_rest if held else 0)
    return [longest[week] for week in weeks]


def at_dawn(law: Law, states: Ints, d: int) -> Ints:
    """The states with what a new week or period forgets."""
    now = states.copy()
    if d and law.days.weekday[d] == 0:
        now[:, [DAYS, WEEK, REST]] = 0
        now[:, WEEKENDS] = (now[:, WEEKENDS] & 7) << 1
        now[:, MONTHLY] &= ~1
    if law.new_period[d]:
        now[:, [PERIOD, HOLIDAYS, MONTHLY]] = 0
        now[:, CAPS:] = 0
    return now


def forgotten(law: Law, states: Ints, d: int, least_shift: int) -> Ints:
    """The states before day d with capped shifts counted only where the cap can still bind.

    A state keeps how many more of a template it allows, but never more than the shifts that can
    come at all: by the days left of the period and by the paid units left.

    least_shift  paid units of the shortest shift
    """
    days = len(law.days)
    left = next(n for n, begins in enumerate(law.new_period[d:]) if begins or d + n == days)
    limits = [r.period_paid for r in law.rules if r is not None]
    for n, template in enumerate(law.caps):
        caps = {most for r in law.rules if r for t, most in r.caps if t == template}
        if len(caps) > 1:  # what can still bind is another thing for each of the contracts
            continue
        (most,) = caps
        can = np.full(len(states), left, dtype=np.int64)
        if law.period_paid and least_shift and None not in limits:
            top = max(p for p in limits if p is not None)
            can = np.minimum(can, np.maximum(top - states[:, PERIOD], 0) // least_shift)
        allowed = np.maximum(most - states[:, CAPS + n], -1)
        states[:, CAPS + n] = most - np.minimum(allowed, can)
    return states
