"""What a scenario can reach: which queues, and which hours. Nothing else is simulated again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from scheduling.queueing.erlang import Floats
from scheduling.whatif.playing import people, planning_under, work_of
from scheduling.whatif.scenario import Extra, Handling, Policy, Scenario, Surge
from scheduling.whatif.situation import Situation
from wfm.brands import Queue
from wfm.calendars import open_spans
from wfm.timegrid import INTERVAL, INTERVAL_S

# A window begins and ends on these hours, counted from the roster's start: a scenario that is moved
# a little keeps its baseline.
STEP = timedelta(hours=6)
# Promises are judged by the hour, so that a window holds whole ones.
HOUR = timedelta(hours=1)
# Before a scenario begins the queues fill for at least so long, and for as many mean times of
# thought as leave few customers from before who still write.
LEAD = timedelta(hours=6)
THOUGHTS = 3
MOST_LEAD = timedelta(hours=24)
# A queue that shuts is joined so long before it last shut: what waits for its opening comes then.
BEFORE_SHUTTING = timedelta(hours=2)
# What has waited for an opening is worked off so long after it.
AFTER_OPENING = timedelta(hours=2)
# After it should have worked off what it brought, a scenario is watched for so long.
TAIL = timedelta(hours=3)


@dataclass(frozen=True)
class Window:
    """The hours [start, end) and the queues, in the brand's order, that are simulated again."""

    start: datetime
    end: datetime
    queues: tuple[str, ...]


def window_of(
    situation: Situation, *scenarios: Scenario, repairs: Sequence[Scenario] = ()
) -> Window:
    """What any of the scenarios can reach, and each repair that may be joined to them.

    A scenario without a span of its own (another promise, say) reaches the whole roster.
    """
    queues = reached(situation, *scenarios, *repairs)
    spans = [span for scenario in scenarios for span in scenario.spans]
    if not spans:
        return Window(situation.start, situation.end, queues)
    of_repairs = [span for does in repairs for span in does.spans]
    begins = max(min(span[0] for span in (*spans, *of_repairs)), situation.start)
    felt = min(max(span[1] for span in spans), situation.end)
    of = [q for q in situation.brand.queues if q.name in queues]
    start = max(situation.start, _before(begins, of, situation))
    calm = max(worked_off(situation, scenario, queues, felt) for scenario in scenarios)
    # A repair brings no more work, so that nothing has to be worked off after it.
    ends = [_up(span[1] + TAIL, situation, HOUR) for span in of_repairs]
    last = max([_up(calm + TAIL, situation), *ends])
    return Window(start, min(last, situation.end), queues)


def longer(window: Window, situation: Situation) -> Window:
    """The window with half a day more, as far as the roster goes."""
    return Window(window.start, min(window.end + 2 * STEP, situation.end), window.queues)


def reached(situation: Situation, *scenarios: Scenario) -> tuple[str, ...]:
    """The queues that the scenarios change, and all that share agents with them, directly or not.

    In the brand's order; all of them where nothing is changed.
    """
    names = situation.queues
    touched = {queue for scenario in scenarios for queue in _touched(situation, scenario)}
    groups = {frozenset(text.split()) for text in situation.on_shift["queues"].unique()}
    skills = {a.agent_id: {s.queue for s in a.skills} for a in situation.agents}
    for scenario in scenarios:
        groups |= {frozenset(e.queues or names) for e in scenario.extra}
        for loan in scenario.loans:
            groups |= {frozenset(skills.get(a, set()).union(loan.queues)) for a in loan.agents}
    grown = True
    while grown:
        more = {q for group in groups if group & touched for q in group} - touched
        touched |= more
        grown = bool(more)
    return tuple(q for q in names if q in touched) or names


def _touched(situation: Situation, scenario: Scenario) -> Collection[str]:
    """The queues that the scenario itself changes."""
    names = situation.queues
    if scenario.shrinkage or any(absence.share > 0 for absence in scenario.absences):
        return names
    touched = {goal.queue for goal in scenario.goals}
    parts: tuple[Surge | Handling | Policy | Extra, ...] = (
        *scenario.surges, *scenario.handling, *scenario.policies, *scenario.extra
    )  # fmt: skip
    for part in parts:
        touched |= set(part.queues or names)
    skills = {a.agent_id: {s.queue for s in a.skills} for a in situation.agents}
    for loan in scenario.loans:
        touched |= set(loan.queues)
    moved = {change.agent_id for change in scenario.changes}
    moved |= {agent for absence in scenario.absences for agent in absence.agents}
    for agent in moved:
        touched |= skills.get(agent, set())
    return touched


def _before(at: datetime, queues: Iterable[Queue], situation: Situation) -> datetime:
    """When to begin so that the queues are at `at` as they would be."""
    lead = LEAD
    for queue in queues:
        if queue.work.continue_p > 0:
            lead = max(lead, timedelta(seconds=THOUGHTS * queue.work.think.mean_s))
    begin = at - min(lead, MOST_LEAD)
    for queue in queues:
        if not queue.window.is_always:
            begin = min(begin, _while_open(queue, begin))
    return situation.start + (begin - situation.start) // STEP * STEP


def _while_open(queue: Queue, begin: datetime) -> datetime:
    """`begin`, or shortly before the queue last shut where it is shut then or has just opened.

    Back by two weeks at most.
    """
    spans = list(open_spans(queue.window, begin - timedelta(days=14), begin + INTERVAL))
    if any(opens + AFTER_OPENING <= begin < closes for opens, closes in spans):
        return begin
    shut = [closes for _, closes in spans if closes <= begin]
    return max(shut) - BEFORE_SHUTTING if shut else begin


def _up(at: datetime, situation: Situation, step: timedelta = STEP) -> datetime:
    return situation.start - (situation.start - at) // step * step


def worked_off(
    situation: Situation, scenario: Scenario, queues: tuple[str, ...], felt: datetime
) -> datetime:
    """When the work of the scenario should be worked off again, after `felt`, by sums of hours.

    Work waits where more comes than the agents present can do; parts of them idle elsewhere.
    """
    before, after = (_waiting(situation, one, queues) for one in (Scenario(), scenario))
    first = situation.place(felt)
    late = np.flatnonzero(after[first:] > before[first:] + INTERVAL_S)
    place = first if late.size == 0 else first + int(late[-1]) + 1
    return situation.start + place * INTERVAL


def _waiting(situation: Situation, scenario: Scenario, queues: tuple[str, ...]) -> Floats:
    """Seconds of work waiting at the end of each interval, all queues together."""
    columns = [situation.queues.index(q) for q in queues]
    comes = work_of(situation, scenario)[:, columns].sum(axis=1)
    there = people(situation, scenario, situation.start, situation.end)
    serves = there["queues"].map(lambda text: bool(set(text.split()).intersection(queues)))
    heads = _heads(there[serves.astype(bool)], situation)
    planning = planning_under(situation.brand.planning, scenario)
    can = heads * planning.availability * INTERVAL_S
    # A backlog is a sum of what comes beyond what can be done, less its lowest so far.
    beyond = np.concatenate([[0.0], np.cumsum(comes - can)])
    return np.asarray((beyond - np.minimum.accumulate(beyond))[1:])


def _heads(on_shift: pd.DataFrame, situation: Situation) -> Floats:
    """Agents on queue by interval, each as likely there as they come."""
    edges = np.zeros(situation.intervals + 1)
    sure = 1.0 - on_shift["away"].to_numpy(dtype=np.float64)
    for column, sign in (("start", 1.0), ("end", -1.0)):
        since = (on_shift[column] - pd.Timestamp(situation.start)).dt.total_seconds()
        place = np.clip(since.to_numpy() // INTERVAL_S, 0, situation.intervals).astype(int)
        np.add.at(edges, place, sign * sure)
    return np.asarray(edges.cumsum()[:-1])
