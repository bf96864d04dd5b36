"""What stands in a roster's way before anything is solved: each reason by name, with the way out.

None of it is an error: whatever can be rostered is, and a doubt says what cannot and why. Only what
leaves nothing to plan (templates or contracts that contradict themselves) is refused elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import combinations

import numpy as np
import pandas as pd

from scheduling.check import check_roster
from scheduling.contracts import NOTHING_H, contract_faults
from scheduling.rostering.need import INTERVAL_H, Flags, Floats, Ints, need_of
from scheduling.rostering.shifts import Shifts, expand_shifts, takeable_by_each
from wfm.brands import Brand
from wfm.calendars import WEEKDAYS
from wfm.frames import ROSTER
from wfm.people import Agent, Contract
from wfm.timegrid import local_midnight

# Agent-days above which a roster takes minutes: 1,000 agents over four weeks.
LARGE = 28_000
# Agents named in one doubt; the rest is counted.
NAMED = 5
# Rules that more shifts may mend: pinned shifts alone do not break them for good.
MENDABLE = frozenset({"consecutive_shifts", "days_off", "weekly_rest"})


@dataclass(frozen=True)
class Doubt:
    """One reason why a roster cannot be as wished.

    reason  its name: no_agents, skill, role, uncovered, minimum, contracts, contract, pinned, large
    words   what is so, with the figures
    cure    the way out
    who     agents it is about, where it is about some
    """

    reason: str
    words: str
    cure: str
    who: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.words}; {self.cure}"


def roster_doubts(
    requirement: pd.DataFrame,
    brand: Brand,
    agents: tuple[Agent, ...],
    *,
    start: datetime,
    end: datetime,
    pinned: pd.DataFrame | None = None,
    history: pd.DataFrame | None = None,
) -> tuple[Doubt, ...]:
    """Every named reason that can be told before a roster over [start, end) is made.

    requirement  REQUIREMENT
    start, end   local midnights of the site's zone
    pinned       ROSTER of shifts that are to stand
    history      ROSTER of shifts that start before `start`

    RequestError for an instant that is no local midnight or a queue that the brand has not,
    DataError for templates that contradict themselves or a contract the brand does not know.
    """
    shifts = expand_shifts(brand, start=start, end=end)
    heads = need_of(requirement, brand, start=start, end=end).heads
    if not agents:
        hours = heads.sum() * INTERVAL_H
        return (
            Doubt(
                "no_agents",
                f"there are no agents, so all {hours:,.0f} agent-hours stay open",
                "import agents",
            ),
        )
    may = takeable_by_each(agents, shifts, brand)
    found = [*_of_contracts(brand, agents, shifts), *_of_terms(agents, shifts)]
    found += _of_cover(heads, brand, agents, shifts, may)
    found += _of_roles(brand, agents)
    found += _of_minimum(brand, agents, shifts, may)
    if pinned is not None and len(pinned):
        found += _of_pinned(pinned, brand, agents, start=start, end=end, history=history)
    found += _of_size(agents, len(shifts.days))
    return tuple(found)


def _of_contracts(brand: Brand, agents: tuple[Agent, ...], shifts: Shifts) -> Iterator[Doubt]:
    """Contracts that no line of work can keep."""
    held = {agent.contract_on(day) for agent in agents for day in shifts.days}
    for contract in brand.contracts:
        if contract.name in held:
            for fault, cure in contract_faults(contract, brand):
                yield Doubt("contract", f"contract {contract.name!r}: {fault}", cure)


def _of_terms(agents: tuple[Agent, ...], shifts: Shifts) -> Iterator[Doubt]:
    """Contract terms of one agent that hold on the same day."""
    first, last = shifts.days[0], shifts.days[-1]
    for agent in agents:
        for one, two in combinations(agent.terms, 2):
            since = max(one.since, two.since)
            until = min(one.until or date.max, two.until or date.max)
            if since <= until and since <= last and until >= first:
                to = "on" if until == date.max else f"to {until}"
                yield Doubt(
                    "contracts",
                    f"agent {agent.agent_id} holds contracts {one.contract!r} and "
                    f"{two.contract!r} at once from {since} {to}: the first is taken",
                    "end one of them before the other begins",
                    (agent.agent_id,),
                )


def _of_cover(
    heads: Floats,
    brand: Brand,
    agents: tuple[Agent, ...],
    shifts: Shifts,
    may: list[Flags],
) -> Iterator[Doubt]:
    """Queues that nobody serves, and hours that no template, or nobody skilled, reaches."""
    # Shifts of the day before the horizon reach into its first morning.
    eve = local_midnight(shifts.days[0] - timedelta(days=1), brand.tz)
    longer = expand_shifts(
        brand, start=eve, end=local_midnight(shifts.days[-1] + timedelta(days=1), brand.tz)
    )
    reached = _reached(longer, np.ones(len(longer), dtype=np.bool_))[-len(heads) :]
    lost = np.flatnonzero((heads.max(axis=1, initial=0.0) > 0) & ~reached)
    if len(lost):
        yield Doubt(
            "uncovered",
            f"no shift template reaches {_hours(lost, shifts)}, where "
            f"{heads[lost].sum() * INTERVAL_H:,.0f} agent-hours are needed",
            "add a template, or a start to one, that does",
        )
    for column, queue in enumerate(brand.queues):
        needed = heads[:, column]
        if not needed.any():
            continue
        skilled = [n for n, a in enumerate(agents) if any(s.queue == queue.name for s in a.skills)]
        if not skilled:
            yield Doubt(
                "skill",
                f"nobody has the skill for queue {queue.name}, which needs "
                f"{needed.sum() * INTERVAL_H:,.0f} agent-hours",
                "give the skill to some agents",
            )
            continue
        anybody = np.logical_or.reduce([may[n] for n in skilled])
        served = _reached(shifts, anybody)
        # What only the roster before can cover is no doubt about this one.
        begins = int(np.argmax(served)) if served.any() else 0
        lost = np.flatnonzero((needed > 0) & reached & ~served)
        lost = lost[lost >= begins]
        if len(lost):
            yield Doubt(
                "uncovered",
                f"nobody with the skill for queue {queue.name} may work "
                f"{_hours(lost, shifts)} by contract, availability, limits and time off, "
                f"where {needed[lost].sum() * INTERVAL_H:,.0f} agent-hours are needed",
                "widen availability or contracts of some who have the skill, or give it to others",
            )


def _reached(shifts: Shifts, of: Flags) -> Flags:
    """Intervals that some of the shifts span."""
    edges = np.zeros(shifts.intervals + 1, dtype=np.int64)
    np.add.at(edges, shifts.start[of], 1)
    np.add.at(edges, np.minimum(shifts.start[of] + shifts.length[of], shifts.intervals), -1)
    return np.asarray(edges.cumsum()[:-1] > 0)


def _hours(lost: Ints, shifts: Shifts) -> str:
    """Intervals as local hours, with their weekdays where those are not all alike."""
    day = np.searchsorted(shifts.midnights, lost, side="right") - 1
    quarter = lost - shifts.midnights[day]
    days_of: dict[int, set[int]] = {}
    for d, q in zip(day.tolist(), quarter.tolist(), strict=True):
        days_of.setdefault(q, set()).add(shifts.days[d].weekday())
    spans: list[tuple[int, int, set[int]]] = []
    for q, weekdays in sorted(days_of.items()):
        if spans and spans[-1][1] == q and spans[-1][2] == weekdays:
            spans[-1] = (spans[-1][0], q + 1, weekdays)
        else:
            spans.append((q, q + 1, weekdays))
    every = {d.weekday() for d in shifts.days}
    told = [
        f"{_clock(a)}-{_clock(b)}"
        + ("" if weekdays >= every else f" on {', '.join(WEEKDAYS[d] for d in sorted(weekdays))}")
        for a, b, weekdays in spans[:NAMED]
    ]
    more = len(spans) - len(told)
    return ", ".join(told) + (f" and {more} other spans" if more else "")


def _clock(quarter: int) -> str:
    return f"{quarter // 4:02d}:{quarter % 4 * 15:02d}"


def _of_roles(brand: Brand, agents: tuple[Agent, ...]) -> Iterator[Doubt]:
    """Roles that must be present and that too few have."""
    for presence in brand.presence:
        have = sum(not presence.role or presence.role in a.roles for a in agents)
        if have < presence.at_least:
            who = f"have the role {presence.role!r}" if presence.role else "are known"
            yield Doubt(
                "role",
                f"{presence.name!r} asks for {presence.at_least} agents at once, and {have} {who}",
                "give the role to more agents, or ask for fewer",
            )


def _of_minimum(
    brand: Brand, agents: tuple[Agent, ...], shifts: Shifts, may: list[Flags]
) -> Iterator[Doubt]:
    """Agents whose contract wants more hours a week than they may work."""
    contracts = {c.name: c for c in brand.contracts}
    short: list[tuple[float, str, str]] = []
    for agent, mine in zip(agents, may, strict=True):
        worst = max(_weeks_below(agent, mine, shifts, contracts), default=None)
        if worst is not None and worst[0] > NOTHING_H:
            short.append((worst[0], agent.agent_id, worst[1]))
    if short:
        short.sort(reverse=True)
        told = "; ".join(f"{agent_id} {words}" for _, agent_id, words in short[:NAMED])
        more = len(short) - NAMED
        yield Doubt(
            "minimum",
            f"{_agents(len(short))} cannot work the minimum of the contract: {told}"
            + (f"; and {more} more" if more > 0 else ""),
            "ask them for more hours of availability, or lower min_hours_per_week",
            tuple(agent_id for _, agent_id, _ in short),
        )


def _weeks_below(
    agent: Agent, mine: Flags, shifts: Shifts, contracts: dict[str, Contract]
) -> Iterator[tuple[float, str]]:
    """Hours missing to the minimum in each week of the horizon, at best, and the words for it."""
    most_paid = np.zeros(len(shifts.days))
    np.maximum.at(most_paid, shifts.day[mine], shifts.paid[mine] * INTERVAL_H)
    weeks: dict[date, list[int]] = {}
    for n, day in enumerate(shifts.days):
        weeks.setdefault(day - timedelta(days=day.weekday()), []).append(n)
    for monday, days in weeks.items():
        held = [(n, contracts.get(agent.contract_on(shifts.days[n]) or "")) for n in days]
        wanted = sum(
            c.min_hours_per_week / 7 for n, c in held if c and not agent.is_off(shifts.days[n])
        )
        in_force = [c for _, c in held if c]
        if wanted <= 0:
            continue
        caps = [c.max_hours_per_week for c in in_force] + [
            limit.hours
            for limit in agent.limits
            if limit.kind == "max_hours_per_week" and limit.holds_on(monday)
        ]
        days_worked = max(c.max_days_per_week for c in in_force)
        can = min(*caps, float(np.sort(most_paid[days])[::-1][:days_worked].sum()))
        yield wanted - can, f"{can:.1f} of {wanted:.1f} h in the week of {monday}"


def _of_pinned(
    pinned: pd.DataFrame,
    brand: Brand,
    agents: tuple[Agent, ...],
    *,
    start: datetime,
    end: datetime,
    history: pd.DataFrame | None,
) -> Iterator[Doubt]:
    """Pinned shifts that break a rule whatever is rostered around them: time off, contract ..."""
    table = ROSTER.check(pinned)
    for broken in check_roster(table, brand, agents, start=start, end=end, history=history):
        if broken.rule not in MENDABLE:
            yield Doubt(
                "pinned",
                f"a pinned shift of agent {broken.agent_id} on {broken.day} breaks a rule: "
                f"{broken.detail}",
                "take back the time off, or unpin the shift"
                if broken.rule == "time_off"
                else "unpin the shift, or put right what it breaks",
                (broken.agent_id,),
            )


def _of_size(agents: Iterable[Agent], days: int) -> Iterator[Doubt]:
    count = len(tuple(agents))
    if count * days > LARGE:
        yield Doubt(
            "large",
            f"{count:,} agents over {days} days are {count * days:,} agent-days: the roster takes "
            "minutes, and its bound longer",
            "plan fewer weeks at a time where that is too slow",
        )


def _agents(count: int) -> str:
    return "1 agent" if count == 1 else f"{count} agents"
