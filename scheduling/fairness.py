"""The fairness ledger: what each agent has carried of nights, weekends and the like, and owes.

A fair share is the skill group's total times the agent's part of its eligible days: days on which
the agent might have been given such a shift. Who may work no nights owes none, and who was away
owes fewer. Balances add up from week to week, so that what one roster could not share out evenly
the next ones do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property

import numpy as np
import pandas as pd

from scheduling.rostering.need import Floats, Ints
from scheduling.rostering.shifts import Shifts, expand_shifts, instants_of, takeable_by_each
from scheduling.worked import SHIFT_KINDS, Flags, kinds_of, shifts_worked
from wfm.brands import Brand
from wfm.errors import RequestError
from wfm.frames import NOT_NEGATIVE, ROSTER, TEXT, Column, TableSchema
from wfm.people import Agent
from wfm.timegrid import local_day, local_midnight

# Weeks of published rosters over which balances add up.
LEDGER_WEEKS = 12
# What is shared out: kinds of shifts, and shifts taken against a wish.
KINDS: tuple[str, ...] = (*SHIFT_KINDS, "declined")
DECLINED = KINDS.index("declined")

# had       shifts of the kind, or shifts taken against a wish
# eligible  days on which the agent might have been given one
# fair      the skill group's `had` times the agent's part of its `eligible`
# balance   had - fair: above 0 the agent carried more than their share
LEDGER = TableSchema(
    "ledger",
    ("agent_id", "kind"),
    {
        "agent_id": TEXT,
        "kind": TEXT,
        "had": NOT_NEGATIVE,
        "eligible": NOT_NEGATIVE,
        "fair": NOT_NEGATIVE,
        "balance": Column("float64"),
    },
)


@dataclass(frozen=True)
class Ledger:
    """What every agent carried so far: `table` is LEDGER, a row for each agent and kind."""

    table: pd.DataFrame = field(repr=False)

    @cached_property
    def debts(self) -> dict[str, dict[str, float]]:
        """By agent and kind, how many they still owe: fair - had, below 0 who carried more."""
        found: dict[str, dict[str, float]] = {}
        rows = self.table
        owed = (rows["fair"] - rows["had"]).tolist()
        for agent_id, kind, debt in zip(rows["agent_id"], rows["kind"], owed, strict=True):
            found.setdefault(agent_id, {})[kind] = debt
        return found


def ledger_of(
    rosters: pd.DataFrame,
    brand: Brand,
    agents: tuple[Agent, ...],
    *,
    start: datetime,
    end: datetime,
) -> Ledger:
    """What the agents carried over [start, end), shared out over the whole of it at once.

    rosters     ROSTER of what was worked; shifts that start outside, or of people who are not among
                `agents`, count for nobody
    start, end  local midnights of the site's zone

    Agents share with those who serve the same queues. Wishes and limits are those the agents have
    now. Where nobody of a group might have had what somebody had, it counts as that one's share.

    FrameError for a table that breaks its schema, RequestError for an instant that is no local
    midnight, DataError for an agent whose contract the brand does not know.
    """
    return _ledger(rosters, brand, agents, start=start, end=end, weekly=False)


def carried_ledger(
    rosters: pd.DataFrame,
    brand: Brand,
    agents: tuple[Agent, ...],
    *,
    until: datetime,
    weeks: int = LEDGER_WEEKS,
) -> Ledger:
    """The balances that the roster from `until` on begins with: those of the last weeks, added up.

    Each week, Monday to Sunday, is shared out on its own among those who were there in it, so that
    whoever joined later owes nothing of it. Arguments otherwise and errors as in `ledger_of`.
    """
    if weeks < 1:
        raise RequestError(f"the ledger reaches {weeks} weeks back; ask for 1 or more")
    start = ledger_start(brand, until=until, weeks=weeks)
    return _ledger(rosters, brand, agents, start=start, end=until, weekly=True)


def ledger_start(brand: Brand, *, until: datetime, weeks: int = LEDGER_WEEKS) -> datetime:
    """Where the rosters begin that `carried_ledger` reads: a Monday `weeks` weeks back."""
    first = local_day(until, brand.tz) - timedelta(weeks=weeks)
    return local_midnight(first - timedelta(days=first.weekday()), brand.tz)


def spread(table: pd.DataFrame) -> dict[str, float]:
    """Standard deviation of had - fair for each kind, over those who might have had any."""
    might = table[table["eligible"] > 0]
    return {
        kind: float(np.std(might.loc[might["kind"] == kind, "balance"].to_numpy()))
        if (might["kind"] == kind).any()
        else 0.0
        for kind in KINDS
    }


def fair_shares(total: Floats, eligible: Floats) -> Floats:
    """A group's total shared out by eligible days, shape (agents, kinds); 0 where there are none.

    total     of each kind, shape (kinds,)
    eligible  shape (agents, kinds)
    """
    of_all = eligible.sum(axis=0)
    part = np.divide(eligible, of_all, out=np.zeros_like(eligible), where=of_all > 0)
    return np.asarray(part * total)


def shift_kinds(shifts: Shifts, brand: Brand) -> Flags:
    """Of which SHIFT_KINDS the dated shifts are, shape (shifts, SHIFT_KINDS)."""
    return kinds_of(*instants_of(shifts, brand), brand)


def declines(agent: Agent, day: date, template: str) -> bool:
    """Whether a shift of the template on the day goes against a wish of the agent."""
    wishes = [w for w in agent.preferences if w.holds_on(day)]
    preferred = [w.value for w in wishes if w.kind == "prefer_template"]
    return (
        any(w.kind == "day_off" for w in wishes)
        or any(w.kind == "avoid_template" and w.value == template for w in wishes)
        or (bool(preferred) and template not in preferred)
    )


def eligible_days(
    agents: tuple[Agent, ...], shifts: Shifts, brand: Brand, kinds: Flags | None = None
) -> Flags:
    """Days on which each agent might be given a shift of each kind, each day on its own.

    kinds  of the shifts, as `shift_kinds` gives them

    Shape (agents, days, KINDS). What counts is what a shift must keep by itself: contract,
    template, availability, time off, limits, and a queue to serve.
    """
    of_shift = shift_kinds(shifts, brand) if kinds is None else kinds
    found = np.zeros((len(agents), len(shifts.days), len(KINDS)), dtype=np.bool_)
    each = takeable_by_each(agents, shifts, brand)
    for mine, agent, takes in zip(found, agents, each, strict=True):
        may = np.flatnonzero(takes)
        for kind in range(len(SHIFT_KINDS)):
            mine[shifts.day[may[of_shift[may, kind]]], kind] = True
        if agent.preferences:
            against = [
                [declines(agent, day, template.name) for template in shifts.templates]
                for day in shifts.days
            ]
            declined = np.array(against, dtype=np.bool_)[shifts.day[may], shifts.template[may]]
            mine[shifts.day[may[declined]], DECLINED] = True
    return found


def _ledger(
    rosters: pd.DataFrame,
    brand: Brand,
    agents: tuple[Agent, ...],
    *,
    start: datetime,
    end: datetime,
    weekly: bool,
) -> Ledger:
    table = ROSTER.check(rosters)
    shifts = expand_shifts(brand, start=start, end=end)
    monday = shifts.days[0] - timedelta(days=shifts.days[0].weekday())
    week_of = np.array([(day - monday).days // 7 for day in shifts.days], dtype=np.int64)
    had = _by_week(_had_days(table, brand, agents, shifts), week_of)
    eligible = _by_week(eligible_days(agents, shifts, brand).astype(np.float64), week_of)
    if not weekly:
        had, eligible = (counts.sum(axis=0, keepdims=True) for counts in (had, eligible))
    fair = np.zeros_like(had)
    for members in _skill_groups(agents, brand):
        for week in range(len(had)):
            mine, days = had[week, members], eligible[week, members]
            shared = fair_shares(mine.sum(axis=0), days)
            fair[week, members] = np.where(days.sum(axis=0) > 0, shared, mine)
    return Ledger(_table(agents, had.sum(axis=0), eligible.sum(axis=0), fair.sum(axis=0)))


def _skill_groups(agents: tuple[Agent, ...], brand: Brand) -> list[list[int]]:
    """Positions of the agents who serve the same queues."""
    queues = {q.name for q in brand.queues}
    groups: dict[frozenset[str], list[int]] = {}
    for n, agent in enumerate(agents):
        groups.setdefault(frozenset(s.queue for s in agent.skills) & queues, []).append(n)
    return list(groups.values())


def _had_days(
    table: pd.DataFrame, brand: Brand, agents: tuple[Agent, ...], shifts: Shifts
) -> Floats:
    """Shifts of each kind that each agent started on each day, shape (agents, days, KINDS)."""
    had = np.zeros((len(agents), len(shifts.days), len(KINDS)))
    position = {agent.agent_id: n for n, agent in enumerate(agents)}
    number = {day: n for n, day in enumerate(shifts.days)}
    worked = shifts_worked(table, brand)
    worked = worked[worked["agent_id"].isin(position.keys()) & worked["day"].isin(number.keys())]
    kinds = kinds_of(pd.DatetimeIndex(worked["start"]), pd.DatetimeIndex(worked["end"]), brand)
    for agent_id, day, template, flags in zip(
        worked["agent_id"], worked["day"], worked["template"], kinds, strict=True
    ):
        mine = had[position[agent_id], number[day]]
        mine[: len(SHIFT_KINDS)] += flags
        mine[DECLINED] += declines(agents[position[agent_id]], day, template)
    return had


def _by_week(days: Floats, week_of: Ints) -> Floats:
    """Counts of days added up by week: shape (weeks, agents, KINDS)."""
    counts = np.zeros((int(week_of[-1]) + 1, days.shape[0], days.shape[2]))
    for week, of_day in zip(week_of, days.swapaxes(0, 1), strict=True):
        counts[week] += of_day
    return counts


def _table(agents: tuple[Agent, ...], had: Floats, eligible: Floats, fair: Floats) -> pd.DataFrame:
    kinds = len(KINDS)
    return LEDGER.check(
        pd.DataFrame(
            {
                "agent_id": pd.Series(
                    [a.agent_id for a in agents for _ in range(kinds)], dtype="str"
                ),
                "kind": pd.Series(list(KINDS) * len(agents), dtype="str"),
                "had": had.ravel(),
                "eligible": eligible.ravel(),
                "fair": fair.ravel(),
                "balance": (had - fair).ravel(),
            }
        )
    )
