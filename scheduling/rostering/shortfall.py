"""Why a roster is short: the rule or limit behind each missing hour, as far as it can be told.

Read off the roster itself, whoever made it. One interval in depth, every rule tried:
`scheduling.why.gap`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from scheduling.rostering.need import INTERVAL_H, Flags, Floats, Ints, interval_of
from scheduling.rostering.shifts import Shifts, takeable_by_each
from scheduling.worked import shifts_worked
from wfm.brands import Brand
from wfm.people import Agent
from wfm.timegrid import INTERVAL

NEGLIGIBLE_H = 0.05
# Days before the horizon that the rules below look back to.
BACK = 28
LATER = 10**6
# Rules in the order they are looked at, and how they are told.
HELD: dict[str, str] = {
    "one_shift_a_day": "work another shift that day",
    "week_hours": "are at their maximum of hours or days of the week",
    "consecutive_days": "have worked their days in a row",
    "weekends": "have worked their weekends",
    "rest": "must rest between the shifts before and after",
    "line": "are held back by other rules, or a whole shift costs more than the gap",
}


@dataclass(frozen=True)
class Cause:
    """One reason for some hours of shortfall of a queue.

    rule   what binds, and in which week where that matters: hours are added up by queue and rule
    words  as told to the planner, with the figures of one interval
    """

    rule: str
    words: str


def reasons(
    short: Floats,
    queues: tuple[str, ...],
    roster: pd.DataFrame,
    brand: Brand,
    agents: tuple[Agent, ...],
    *,
    shifts: Shifts,
    start: datetime,
    history: pd.DataFrame | None = None,
) -> tuple[str, ...]:
    """One sentence for each queue and cause, most hours first; one in all if all are negligible.

    short    agents short, shape (intervals, queues)
    roster   ROSTER of the horizon; shifts: all that could be worked in it
    history  ROSTER of what was worked before
    """
    hours: dict[tuple[str, str], float] = {}
    worst: dict[tuple[str, str], tuple[float, int, str]] = {}
    gaps = np.argwhere(short > 0).tolist()
    if not gaps:
        return ()
    floor = _Floor(queues, roster, brand, agents, shifts=shifts, start=start, history=history)
    for t, q in gaps:
        cause = floor.cause(t, q)
        key = (queues[q], cause.rule)
        hours[key] = hours.get(key, 0.0) + float(short[t, q]) * INTERVAL_H
        worst[key] = max(worst.get(key, (0.0, 0, "")), (float(short[t, q]), -t, cause.words))
    told = []
    in_order = sorted(hours.items(), key=lambda item: (-item[1], item[0]))
    for key, missing in in_order:
        if missing < NEGLIGIBLE_H:
            break
        _, t, words = worst[key]
        at = (start - t * INTERVAL).astimezone(brand.tz)
        told.append(
            f"{key[0]} is short of {missing:.1f} agent-hours, most on {at:%a %d %b %H:%M}: {words}"
        )
    if not told:
        where = ", ".join(sorted({queue for queue, _ in hours}))
        told.append(
            f"short of {sum(hours.values()):.2f} agent-hours in all ({where}): fractions of a "
            f"head, each cause below {NEGLIGIBLE_H} hours and worth less than any shift"
        )
    return tuple(told)


class _Floor:
    """What the causes are read from, counted once.

    Days are numbered from BACK days before the horizon, weeks from the first Monday before them.
    """

    def __init__(
        self,
        queues: tuple[str, ...],
        roster: pd.DataFrame,
        brand: Brand,
        agents: tuple[Agent, ...],
        *,
        shifts: Shifts,
        start: datetime,
        history: pd.DataFrame | None,
    ) -> None:
        self._shifts, self._queues, self._brand = shifts, queues, brand
        skills = [{s.queue for s in a.skills} for a in agents]
        self._skilled = [
            np.array([i for i, have in enumerate(skills) if q in have], dtype=np.int64)
            for q in queues
        ]
        self._may = np.array(takeable_by_each(agents, shifts, brand), dtype=np.bool_)
        self._may = self._may.reshape(len(agents), len(shifts))
        first = shifts.days[0] - timedelta(days=BACK)
        days = BACK + len(shifts.days) + 1
        self._weekday = (first.weekday() + np.arange(days)) % 7
        self._week = (first.weekday() + np.arange(days)) // 7
        self._begins = np.full((len(agents), days), LATER, dtype=np.int64)
        self._ends = np.full((len(agents), days), -LATER, dtype=np.int64)
        self._paid = np.zeros((len(agents), days))
        tables = [roster] if history is None else [history[history["start"] < start], roster]
        number = {a.agent_id: i for i, a in enumerate(agents)}
        for table in tables:
            worked = shifts_worked(table[table["agent_id"].isin(number.keys())], brand)
            row = worked["agent_id"].map(number).to_numpy(dtype=np.int64)
            day = np.array([(d - first).days for d in worked["day"]], dtype=np.int64)
            near = (day >= 0) & (day < days)
            opens = interval_of(worked["start"], start)
            closes = interval_of(worked["end"], start)
            self._begins[row[near], day[near]] = opens[near]
            self._ends[row[near], day[near]] = closes[near]
            paid = self._paid_of(worked["template"])
            self._paid[row[near], day[near]] = paid[near]
        self._works = self._begins < LATER
        self._limits(agents)
        self._known: dict[bytes, dict[int, str]] = {}

    def _paid_of(self, templates: pd.Series[str]) -> Floats:
        """Paid hours of each shift, by its template."""
        activities = {a.code: a for a in self._brand.activities}
        hours = {t.name: t.paid_minutes(activities) / 60 for t in self._brand.templates}
        return np.array([hours.get(name, 0.0) for name in templates], dtype=np.float64)

    def _limits(self, agents: tuple[Agent, ...]) -> None:
        """By agent and day of the horizon, whether each rule stands against one shift more."""
        shifts, works = self._shifts, self._works
        contracts = {c.name: c for c in self._brand.contracts}
        shape = (len(agents), len(shifts.days))
        self._spent, self._run, self._weekend = (np.zeros(shape, dtype=np.bool_) for _ in range(3))
        self._rest = np.zeros(shape, dtype=np.int64)
        is_weekend = np.isin(self._weekday, self._brand.weekend)
        weeks = int(self._week[-1]) + 1
        least = np.where(self._may, shifts.paid * INTERVAL_H, np.inf).min(axis=1, initial=np.inf)
        for i, agent in enumerate(agents):
            days_worked, hours, weekends = (np.zeros(weeks) for _ in range(3))
            np.add.at(days_worked, self._week, works[i])
            np.add.at(hours, self._week, self._paid[i])
            np.maximum.at(weekends, self._week, works[i] & is_weekend)
            most = np.array([weekends[w : w + 4].sum() for w in range(weeks)])
            for d, day in enumerate(shifts.days):
                contract = contracts.get(agent.contract_on(day) or "")
                if contract is None:
                    continue
                n = d + BACK
                w = int(self._week[n])
                self._spent[i, d] = (
                    days_worked[w] >= contract.max_days_per_week
                    or hours[w] + least[i] > contract.max_hours_per_week + 1e-9
                )
                self._run[i, d] = _run_with(works[i], n) > contract.max_consecutive_days
                self._weekend[i, d] = (
                    is_weekend[n]
                    and not weekends[w]
                    and most[max(0, w - 3) : w + 1].max() >= contract.max_weekends_in_4
                )
                self._rest[i, d] = int(np.ceil(contract.min_rest_h / INTERVAL_H - 1e-9))

    def cause(self, t: int, q: int) -> Cause:  # noqa: PLR0911 - one return a cause
        """What keeps the queue short in the interval."""
        queue, skilled = self._queues[q], self._skilled[q]
        if not len(skilled):
            return Cause("skill", f"no agent with skill {queue} exists")
        shifts = self._shifts
        spanning = np.flatnonzero((shifts.start <= t) & (t < shifts.start + shifts.length))
        day = int(np.searchsorted(shifts.midnights, t, side="right")) - 1
        if not len(spanning):
            if day == 0:
                return Cause(
                    "first_night",
                    "no shift that starts on the first day reaches this hour; only the roster "
                    "before can cover it",
                )
            return Cause("template", "no shift template reaches this hour")
        able = skilled[self._may[np.ix_(skilled, spanning)].any(axis=1)]
        if not len(able):
            return Cause(
                "availability",
                f"no agent with skill {queue} is available then under contract, shift templates, "
                "availability and time off",
            )
        idle = able[~((self._begins[able] <= t) & (t < self._ends[able])).any(axis=1)]
        if not len(idle):
            return Cause(
                "agents", f"all {len(able)} agents with skill {queue} who can work then are at work"
            )
        # Intervals reached by the same shifts, of whatever queue, have the same answers.
        known = self._known.setdefault(spanning.tobytes(), {})
        for i in idle.tolist():
            if i not in known:
                known[i] = self._held(i, spanning)
        held = Counter(known[i] for i in idle.tolist())
        week = shifts.days[day].isocalendar().week
        if held["week_hours"] == len(idle):
            return Cause(
                f"week_hours_{week}",
                f"contract hours exhausted in week {week}: {len(idle)} agents with skill {queue} "
                "are not at work, all at their maximum of hours or days",
            )
        parts = [f"{held[rule]} {words}" for rule, words in HELD.items() if held[rule]]
        most = max(HELD, key=lambda rule: held[rule])
        return Cause(
            most if most in ("line", "one_shift_a_day", "rest") else f"{most}_{week}",
            f"of {len(idle)} agents with skill {queue} not at work, {'; '.join(parts)}",
        )

    def _held(self, i: int, spanning: Ints) -> str:
        """The first rule that stands against each of the shifts that are left of the agent's."""
        shifts = self._shifts
        left = spanning[self._may[i, spanning]]
        for rule, stands in (
            ("one_shift_a_day", self._works[i, BACK:]),
            ("week_hours", self._spent[i]),
            ("consecutive_days", self._run[i]),
            ("weekends", self._weekend[i]),
        ):
            left = left[~stands[shifts.day[left]]]
            if not len(left):
                return rule
        return "line" if self._rested(i, left).any() else "rest"

    def _rested(self, i: int, options: Ints) -> Flags:
        """Which shifts leave enough rest after the one before and before the one after."""
        shifts = self._shifts
        day = shifts.day[options]
        rest = self._rest[i, day]
        begins, ends = shifts.start[options], shifts.start[options] + shifts.length[options]
        before = np.maximum(self._ends[i, day + BACK - 1], self._ends[i, day + BACK - 2])
        return np.asarray(
            (begins - before >= rest) & (self._begins[i, day + BACK + 1] - ends >= rest)
        )


def _run_with(works: Flags, n: int) -> int:
    """Length of the run of days worked that the day would be part of."""
    first = last = n
    while first > 0 and works[first - 1]:
        first -= 1
    while last + 1 < len(works) and works[last + 1]:
        last += 1
    return last - first + 1
