"""Why a roster is short: the rule or limit behind each missing hour, as far as it can be told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from scheduling.rostering.assign import Assignment, Worker
from scheduling.rostering.need import INTERVAL_H, Floats, Ints
from scheduling.rostering.shifts import Shifts
from wfm.timegrid import INTERVAL

SATURDAY = 5
NEGLIGIBLE_H = 0.05


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
    workers: list[Worker],
    now: Assignment,
    *,
    shifts: Shifts,
    zone: ZoneInfo,
    start: datetime,
) -> tuple[str, ...]:
    """One sentence for each queue and cause, most hours first; one in all if all are negligible.

    short  agents short, shape (intervals, queues)
    """
    hours: dict[tuple[str, str], float] = {}
    worst: dict[tuple[str, str], tuple[float, int, str]] = {}
    view = _Desk(queues, workers, now, shifts)
    for t, q in np.argwhere(short > 0).tolist():
        cause = view.cause(t, q)
        key = (queues[q], cause.rule)
        hours[key] = hours.get(key, 0.0) + float(short[t, q]) * INTERVAL_H
        worst[key] = max(worst.get(key, (0.0, 0, "")), (float(short[t, q]), -t, cause.words))
    told = []
    in_order = sorted(hours.items(), key=lambda item: (-item[1], item[0]))
    for key, missing in in_order:
        if missing < NEGLIGIBLE_H:
            break
        _, t, words = worst[key]
        at = (start - t * INTERVAL).astimezone(zone)
        told.append(
            f"{key[0]} is short of {missing:.1f} agent-hours, most on {at:%a %d %b %H:%M}: {words}"
        )
    if in_order and not told:
        where = ", ".join(sorted({queue for queue, _ in hours}))
        told.append(
            f"short of {sum(hours.values()):.2f} agent-hours in all ({where}): fractions of a "
            f"head, each cause below {NEGLIGIBLE_H} hours and worth less than any shift"
        )
    return tuple(told)


class _Desk:
    """What the causes are read from, counted once."""

    def __init__(
        self, queues: tuple[str, ...], workers: list[Worker], now: Assignment, shifts: Shifts
    ) -> None:
        self._shifts = shifts
        self._workers = workers
        self._now = now
        skills = [{s.queue for s in w.agent.skills} for w in workers]
        self._skilled = [[i for i, have in enumerate(skills) if q in have] for q in queues]
        self._queues = queues
        days = len(shifts.days)
        week = np.cumsum((shifts.weekdays == 0) & (np.arange(days) > 0))
        self._week = week
        worked = now.shift >= 0
        weeks = int(week[-1]) + 1
        self._days_worked = np.zeros((len(workers), weeks), dtype=np.int64)
        self._paid = np.zeros((len(workers), weeks), dtype=np.int64)
        for i, w in enumerate(workers):
            self._days_worked[i, 0] += w.past.week[0]
            self._paid[i, 0] += w.past.week[1]
            np.add.at(self._days_worked[i], week[worked[i]], 1)
            np.add.at(self._paid[i], week[worked[i]], shifts.paid[now.shift[i, worked[i]]])

    def cause(self, t: int, q: int) -> Cause:  # noqa: PLR0911 - one return a cause
        """What keeps the queue short in the interval."""
        queue = self._queues[q]
        skilled = self._skilled[q]
        if not skilled:
            return Cause("skill", f"no agent with skill {queue} exists")
        shifts = self._shifts
        spanning = (shifts.start <= t) & (t < shifts.start + shifts.length)
        day = int(np.searchsorted(shifts.midnights, t, side="right")) - 1
        if not spanning.any():
            if day == 0:
                return Cause(
                    "first_night",
                    "no shift that starts on the first day reaches this hour; only the roster "
                    "before can cover it",
                )
            return Cause("template", "no shift template reaches this hour")
        able = [i for i in skilled if spanning[self._workers[i].options].any()]
        if not able:
            return Cause(
                "availability",
                f"no agent with skill {queue} is available then under contract, shift templates, "
                "availability and time off",
            )
        idle = [i for i in able if not spanning[self._taken(i)].any()]
        if not idle:
            return Cause(
                "agents", f"all {len(able)} agents with skill {queue} who can work then are at work"
            )
        spent = [i for i in idle if self._spent(i, day)]
        week = shifts.days[day].isocalendar().week
        if len(spent) == len(idle):
            return Cause(
                f"hours_{week}",
                f"contract hours exhausted in week {week}: {len(spent)} agents with skill {queue} "
                "are not at work, all at their maximum of hours or days",
            )
        if shifts.weekdays[day] >= SATURDAY:
            used = [i for i in idle if i not in spent and self._weekends_used(i, day)]
            if len(spent) + len(used) == len(idle):
                return Cause(
                    f"weekends_{week}",
                    f"weekend limit: of {len(idle)} agents with skill {queue} not at work, "
                    f"{len(used)} have worked their weekends and {len(spent)} are at their maximum "
                    f"of hours or days of week {week}",
                )
        return Cause(
            "line",
            f"of {len(idle)} agents with skill {queue} not at work, {len(spent)} are at their "
            f"maximum of hours or days; the other {len(idle) - len(spent)} are held back by rest, "
            "days in a row, weekends or one shift a day, or a whole shift costs more than the gap",
        )

    def _taken(self, i: int) -> Ints:
        line = self._now.shift[i]
        return np.asarray(line[line >= 0])

    def _spent(self, i: int, day: int) -> bool:
        worker = self._workers[i]
        week = int(self._week[day])
        options = worker.options[worker.first[day] : worker.first[day + 1]]
        least = int(self._shifts.paid[options].min(initial=10**6))
        return bool(
            self._days_worked[i, week] >= worker.max_days[day]
            or self._paid[i, week] + least > worker.max_paid[day]
        )

    def _weekends_used(self, i: int, day: int) -> bool:
        weekdays, week = self._shifts.weekdays, int(self._week[day])
        worked = (self._now.shift[i] >= 0) & (weekdays >= SATURDAY)
        weekends = {int(w) for w in self._week[worked]}
        if week in weekends:
            return False
        past = {-k for k in (1, 2, 3) if self._workers[i].past.weekends >> (k - 1) & 1}
        around = [w for w in weekends | past if abs(w - week) < 4]
        return len(around) >= int(self._workers[i].max_weekends[day])
