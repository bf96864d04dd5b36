"""The independent checker: every rule of a roster, from the tables and the brand alone.

It shares no code with what makes rosters, so that a mistake there is found here. The rules are
named in `wfm.rules`; each is judged by the function of its name in `scheduling.checking`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import pandas as pd

from scheduling.checking import counts, oneshift, runs, table
from scheduling.checking.line import Judge, Line, Site, Violation, line_of, segments_of
from scheduling.checking.presence import Lack, check_presence
from wfm.brands import Brand
from wfm.frames import ROSTER
from wfm.people import Agent

__all__ = ["JUDGES", "Lack", "Violation", "check_presence", "check_roster"]

# The rules on one agent's line, by name. Apart from these, `unknown_agent` is about who has no
# line, and `presence` about all of them together.
JUDGES: dict[str, Judge] = {
    judge.__name__: judge
    for judge in (
        table.activity,
        table.grid,
        table.horizon,
        table.overlap,
        table.gap,
        table.breaks,
        table.one_shift_a_day,
        oneshift.skill,
        oneshift.availability,
        oneshift.time_off,
        oneshift.limits,
        oneshift.contract,
        oneshift.template,
        oneshift.day_hours,
        counts.week_hours,
        counts.week_days,
        counts.period_hours,
        counts.template_shifts,
        runs.consecutive_days,
        runs.consecutive_nights,
        runs.consecutive_shifts,
        runs.days_off,
        runs.rest,
        runs.weekly_rest,
        runs.rest_after_nights,
        counts.weekends,
        runs.sequence,
        runs.start_change,
        counts.holidays,
    )
}


def check_roster(
    roster: pd.DataFrame,
    brand: Brand,
    agents: tuple[Agent, ...],
    *,
    start: datetime,
    end: datetime,
    history: pd.DataFrame | None = None,
    only: Collection[str] | None = None,
) -> tuple[Violation, ...]:
    """Every broken rule of the ROSTER over [start, end), in order of agent and day.

    history  a ROSTER of shifts that start before `start`: they count for rest, runs of days, what
             is counted by week, period and weekend, but are not judged themselves
    only     ids of the agents to judge; None: all of them

    Who is on the floor together is for `check_presence`. FrameError when a table breaks its schema.
    """
    lines = segments_of(_rows(roster, only))
    past = {} if history is None else segments_of(_rows(history, only))
    known = {a.agent_id: a for a in agents if only is None or a.agent_id in only}
    site = Site(brand, start, end)
    found = [
        Violation(name, site.wall(segments[0].start).date(), "unknown_agent", f"no agent {name!r}")
        for name, segments in lines.items()
        if name not in known
    ]
    for name, agent in known.items():
        segments, before = lines.get(name, ()), past.get(name, ())
        if segments or before:
            found += _judged(line_of(agent, site, segments, before))
    return tuple(sorted(found))


def _rows(roster: pd.DataFrame, only: Collection[str] | None) -> pd.DataFrame:
    """The checked rows of the agents asked for."""
    if only is not None and "agent_id" in roster.columns:
        roster = roster[roster["agent_id"].isin(list(only))]
    return ROSTER.check(roster)


def _judged(line: Line) -> list[Violation]:
    return [
        Violation(line.agent.agent_id, day, rule, detail)
        for rule, judge in JUDGES.items()
        for day, detail in judge(line)
    ]
