"""What changes of a roster do: the rules they break and mend, coverage, presence and paid hours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import pandas as pd

from scheduling.check import Violation, check_roster
from scheduling.editing.changes import Change, Segment, lines_after, lines_of, table_of
from scheduling.editing.coverage import coverage_of, heads_changed, heads_of
from scheduling.editing.ground import EditGround
from scheduling.editing.presence import presence_of
from scheduling.rostering.need import INTERVAL_H
from wfm.people import Agent

# Agent-hours below which a difference of coverage or hours is not worth a word.
NEGLIGIBLE_H = 0.05
# An agent and all their segments of the horizon, by a name of its own.
Trials = dict[str, tuple[Agent, Sequence[Segment]]]


@dataclass(frozen=True)
class Judgement:
    """What the changes do.

    broken    rules broken after them and not before, see `broken_anew`
    mended    rules broken before them and not after
    standing  rules of these agents that were broken before and still are, with the figures of after
    coverage  where heads on queue change: columns start, queue, need, heads_before, heads_after,
              before and after (agents short, parts of an agent included)
    presence  where the changes move a presence rule of the brand that lacks somebody before or
              after: columns start, presence, role, wanted, before, after (agents on queue)
    short_hours_*  agent-hours short in those intervals
    paid_hours_*   paid hours of the days that change
    """

    broken: tuple[Violation, ...]
    mended: tuple[Violation, ...]
    standing: tuple[Violation, ...]
    coverage: pd.DataFrame = field(repr=False)
    presence: pd.DataFrame = field(repr=False)
    short_hours_before: float
    short_hours_after: float
    paid_hours_before: float
    paid_hours_after: float

    @property
    def keeps_rules(self) -> bool:
        """Whether no rule breaks that was kept before."""
        return not self.broken

    @property
    def presences_lost(self) -> tuple[str, ...]:
        """Presence rules of the brand that lack more than before somewhere."""
        worse = self.presence[self.presence["after"] < self.presence["before"]]
        return tuple(dict.fromkeys(worse["presence"]))


def judged(roster: pd.DataFrame, changes: Sequence[Change], ground: EditGround) -> Judgement:
    """What the changes, not yet applied to the ROSTER, would do to it.

    Conflict when the changes do not fit the roster.
    """
    touched = {c.agent_id for c in changes}
    lines = lines_of(roster[roster["agent_id"].isin(touched)])
    before, after = _rules_of([lines, lines_after(lines, changes)], ground)
    changed = {(c.agent_id, c.day) for c in changes}
    broken = broken_anew(after, before, changed)
    coverage = coverage_of(heads_of(roster, ground), heads_changed(changes, ground), ground)
    short_before, short_after = (float(coverage[c].sum()) * INTERVAL_H for c in ("before", "after"))
    return Judgement(
        broken=broken,
        mended=broken_anew(before, after, changed),
        standing=tuple(sorted((Counter(after) - Counter(broken)).elements())),
        coverage=coverage,
        presence=presence_of(roster, changes, ground),
        short_hours_before=short_before,
        short_hours_after=short_after,
        paid_hours_before=sum(paid_hours(c.before, ground) for c in changes),
        paid_hours_after=sum(paid_hours(c.after, ground) for c in changes),
    )


def _rules_of(
    stages: Sequence[Mapping[str, Sequence[Segment]]], ground: EditGround
) -> list[list[Violation]]:
    """Rules broken at each stage of agents' segments; who is not known is not judged."""
    trials = {
        f"{agent_id} {stage}": (ground.by_id[agent_id], line)
        for stage, lines in enumerate(stages)
        for agent_id, line in lines.items()
        if agent_id in ground.by_id
    }
    found: list[list[Violation]] = [[] for _ in stages]
    for name, broken in broken_by_each(trials, ground).items():
        found[int(name.rpartition(" ")[2])].extend(broken)
    return found


def broken_anew(
    after: Iterable[Violation], before: Iterable[Violation], changed: Collection[tuple[str, date]]
) -> tuple[Violation, ...]:
    """The violations of `after` that are not among `before`.

    On the agent-days that were changed any other figure is a new violation. Elsewhere the figures
    do not count: where seven days in a row have become six of at most five, nothing new is broken.
    """

    def key(violation: Violation) -> object:
        place = violation.agent_id, violation.day
        return violation if place in changed else (*place, violation.rule)

    known = Counter(map(key, before))
    new = []
    for violation in sorted(after):
        known[key(violation)] -= 1
        if known[key(violation)] < 0:
            new.append(violation)
    return tuple(new)


def paid_hours(segments: Iterable[Segment], ground: EditGround) -> float:
    """Paid hours of the segments."""
    return sum(
        (s.end - s.start).total_seconds() / 3600
        for s in segments
        if s.activity in ground.activities and ground.activities[s.activity].paid
    )


def violations(
    roster: pd.DataFrame, agent_ids: Collection[str], ground: EditGround
) -> tuple[Violation, ...]:
    """Rules broken by the agents in the ROSTER; who is not known is not judged."""
    known = [a for a in agent_ids if a in ground.by_id]
    past = ground.past_of(known)
    return check_roster(
        roster,
        ground.brand,
        ground.agents,
        start=ground.start,
        end=ground.end,
        history=None if past.empty else past,
        only=known,
    )


def rules_told(broken: Iterable[Violation]) -> list[str]:
    """Each broken rule once in words, with its first figures."""
    first: dict[tuple[str, str], Violation] = {}
    for violation in sorted(broken):
        first.setdefault((violation.agent_id, violation.rule), violation)
    return [str(violation) for violation in first.values()]


def broken_by_each(trials: Trials, ground: EditGround) -> dict[str, tuple[Violation, ...]]:
    """Rules broken by each of many lines of work, in one go; several may be the same agent's."""
    own_past = lines_of(ground.past_of({agent.agent_id for agent, _ in trials.values()}))
    found = check_roster(
        table_of({name: line for name, (_, line) in trials.items()}),
        ground.brand,
        tuple(replace(agent, agent_id=name) for name, (agent, _) in trials.items()),
        start=ground.start,
        end=ground.end,
        history=table_of(
            {name: own_past.get(agent.agent_id, []) for name, (agent, _) in trials.items()}
        ),
    )
    broken: dict[str, list[Violation]] = {name: [] for name in trials}
    for violation in found:
        owner = trials[violation.agent_id][0].agent_id
        broken[violation.agent_id].append(replace(violation, agent_id=owner))
    return {name: tuple(found) for name, found in broken.items()}
