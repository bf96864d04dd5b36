"""Whether a scenario fits a roster: within its days, its changes possible, the rules kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from api.planning.rostered import Rostered
from scheduling.editing.changes import Change, applied, by_day, difference, segments_of, told
from scheduling.editing.edits import Edit
from scheduling.editing.judging import judged, rules_told
from scheduling.editing.lines import refuse_pinned
from scheduling.editing.making import changes_of
from scheduling.whatif.scenario import Scenario, check_people, check_scenario
from scheduling.whatif.variants import NO_TEMPLATE
from wfm.errors import Conflict, RequestError, RuleConflict

# How many broken rules or changes an error names; the others are counted.
SHOWN = 5


def with_edits(scenario: Scenario, edits: Sequence[Edit], home: Rostered) -> Scenario:
    """The scenario with the edits made to its roster, one after the other, after its own changes.

    What they come to replaces `changes`. RequestError and Conflict of what cannot be done.
    """
    if not edits:
        return scenario
    roster = applied(home.roster, scenario.changes)
    for edit in edits:
        roster = applied(roster, changes_of(roster, edit, home.ground))
    return replace(scenario, changes=difference(home.roster, roster, home.ground.brand.tz))


def check_fits(scenario: Scenario, home: Rostered) -> None:
    """Raise what keeps the scenario from being one of this roster.

    RequestError of `check_scenario`, for a pinned shift and a change of more than a day; NotFound
    for a queue or an agent that is not known; Conflict for changes whose `before` is not there;
    RuleConflict for those that break a rule that was kept.
    """
    ground = home.ground
    check_scenario(scenario, ground.brand, start=home.plan.start, end=home.plan.end)
    check_people(scenario, ground)
    if not scenario.changes:
        return
    for change in scenario.changes:
        refuse_pinned(change)
    gone = misfits(home, scenario.changes)
    if gone:
        count = "a change does" if len(gone) == 1 else f"{len(gone)} changes do"
        raise Conflict(
            f"{count} not fit roster {home.name}, which has something else there: {shown(gone)}. "
            "Make them again on it",
            roster=home.name,
            changes=gone,
        )
    _refuse_mixed_days(home, scenario.changes)
    broken = [
        violation
        for violation in judged(home.roster, scenario.changes, ground).broken
        if violation.rule not in NO_TEMPLATE
    ]
    if broken:
        rules = rules_told(broken)
        raise RuleConflict(
            f"its changes of the roster break rules: {shown(rules)}. Leave them out, or change "
            "other shifts",
            violations=rules,
        )


def misfits(home: Rostered, changes: Sequence[Change]) -> list[str]:
    """The changes, in words, whose `before` is not what the agent has on the day."""
    zone = home.ground.brand.tz
    mine = home.roster[home.roster["agent_id"].isin({change.agent_id for change in changes})]
    days = {str(agent): by_day(segments_of(rows), zone) for agent, rows in mine.groupby("agent_id")}
    return [
        told(change, zone)
        for change in changes
        if Counter(change.before) != Counter(days.get(change.agent_id, {}).get(change.day, ()))
    ]


def _refuse_mixed_days(home: Rostered, changes: Sequence[Change]) -> None:
    """RequestError unless each change is all that an agent's day becomes, once a day."""
    zone = home.ground.brand.tz
    mine = home.roster[home.roster["agent_id"].isin({change.agent_id for change in changes})]
    came = {
        (one.agent_id, one.day): one.after for one in difference(mine, applied(mine, changes), zone)
    }
    for change in changes:
        if came.pop((change.agent_id, change.day), None) != tuple(sorted(change.after)):
            raise RequestError(
                f"the change of {change.agent_id} on {change.day} is not one of that day alone, "
                "comes twice, or runs into the shift beside it; give what the agent has on the "
                "day before and after, 3 hours from other shifts",
                agent=change.agent_id,
                day=change.day.isoformat(),
            )


def shown(texts: Sequence[str]) -> str:
    """The first few of the texts, and how many more there are."""
    more = f"; and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return "; ".join(texts[:SHOWN]) + more
