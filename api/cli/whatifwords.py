"""Scenarios in words, and the words for times that all `wfm whatif` commands use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from api.cli.rosterwords import counted, say_changes
from api.cli.shell import say
from api.planning.whatif.words import duration

if TYPE_CHECKING:
    from scheduling.whatif.scenario import Policy, Scenario, Surge


# -- times ---------------------------------------------------------------------------------------


def local(instant: datetime, zone: ZoneInfo) -> str:
    """A local time with its weekday and date, as "Tue 10 Mar 18:00"."""
    return f"{instant.astimezone(zone):%a %d %b %H:%M}"


def time_after(instant: datetime, since: datetime | None, zone: ZoneInfo) -> str:
    """A local time after `since`: of another day with its weekday, a week later with its date."""
    shown = instant.astimezone(zone)
    if since is None:
        return local(instant, zone)
    days = (shown.date() - since.astimezone(zone).date()).days
    if days == 0:
        return f"{shown:%H:%M}"
    return f"{shown:%a %H:%M}" if 0 < days < 7 else local(instant, zone)


def span(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """As "Tue 10 Mar 18:00 to 20:00"."""
    return f"{local(start, zone)} to {time_after(end, start, zone)}"


def named(names: Sequence[str], everything: str = "all queues") -> str:
    return ", ".join(names) if names else everything


def back_at(recovered_at: datetime | None, since: datetime | None, zone: ZoneInfo) -> str:
    """When it is on time again, as a cell of a table: "no", or "-" where it always was.

    since  when the scenario begins
    """
    if recovered_at is None:
        return "no"
    if since is not None and recovered_at <= since:
        return "-"
    return time_after(recovered_at, since, zone)


# -- a scenario ----------------------------------------------------------------------------------


def scenario_lines(scenario: Scenario, zone: ZoneInfo) -> Iterator[str]:
    """What is otherwise than planned, a line a part; its changes of the roster are only counted."""
    for surge in scenario.surges:
        yield f"{local(surge.start, zone)}, {duration(surge.length_min)}: {_surge(surge)}"
    for part in scenario.handling:
        yield (
            f"{span(part.start, part.end, zone)}: handling takes {part.factor:g} times as long "
            f"on {named(part.queues)}"
        )
    for absence in scenario.absences:
        away = [f"{absence.share:.0%} of the people"] if absence.share else []
        away += [", ".join(absence.agents)] if absence.agents else []
        yield f"{span(absence.start, absence.end, zone)}: away {' and '.join(away) or 'nobody'}"
    if scenario.shrinkage is not None:
        for what in ("planned", "unplanned"):
            share = getattr(scenario.shrinkage, what)
            if share is not None:
                yield f"all the time: {what} shrinkage {share:.0%}"
    for goal in scenario.goals:
        share = "" if goal.share is None else f" {goal.share:.1%}"
        within = "" if goal.threshold_s is None else f" within {duration(goal.threshold_s / 60)}"
        yield f"all the time: {goal.queue} promises{share}{within}"
    for policy in scenario.policies:
        yield f"{span(policy.start, policy.end, zone)}: {_policy(policy)} on {named(policy.queues)}"
    for extra in scenario.extra:
        more = "1 person more" if extra.heads == 1 else f"{extra.heads} people more"
        yield f"{span(extra.start, extra.end, zone)}: {more} on {named(extra.queues)}"
    for loan in scenario.loans:
        also = f"{named(loan.agents, 'nobody')} on {named(loan.queues)} too"
        yield f"{span(loan.start, loan.end, zone)}: {also}"
    if scenario.changes:
        yield f"{counted(len(scenario.changes), 'agent-day')} of the roster changed"
    if scenario.known_from is not None:
        yield f"known from {local(scenario.known_from, zone)} on"


def _surge(surge: Surge) -> str:
    of, parts = f" on {named(surge.queues)}", []
    if surge.factor != 1.0 or not surge.added:
        parts.append(f"{surge.factor:g} times the usual contacts")
    if surge.added:
        parts.append(f"{surge.added:,.0f} more contacts")
    risen = f", risen within {duration(surge.rise_min)}" if surge.rise_min else ""
    return f"{' and '.join(parts)}{of}{risen}, then halved every {duration(surge.half_life_min)}"


def _policy(policy: Policy) -> str:
    parts = []
    if policy.spike_mode is not None:
        parts.append(
            f"spike mode ({policy.reserve:.0%} for the late)"
            if policy.spike_mode
            else "no spike mode"
        )
    if policy.automatic:
        parts.append(f"{policy.automatic:.0%} answered automatically")
    if policy.put_off_min:
        parts.append(f"replies put off by {duration(policy.put_off_min)}")
    return ", ".join(parts) or "as always"


def say_scenario(scenario: Scenario, zone: ZoneInfo) -> None:
    """Its parts, indented, a line each, and its changes of the roster."""
    for line in scenario_lines(scenario, zone):
        say(line, "  ")
    say_changes(scenario.changes, zone)
