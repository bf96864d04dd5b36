"""Why an interval needs as many agents as it does, and what looser rules would spare.

Nothing here is guessed: for each rule that could be looser, the requirement of the whole plan was
made again (`looser.alternatives`), and the savings are read off it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import pandas as pd

from scheduling.looser import CLASSES, METRICS, Alternatives, days_of, length, percent
from scheduling.promise import hours_of
from wfm.brands import Brand, Queue
from wfm.frames import NEEDS
from wfm.sla import FOLLOW_UP_S

# The constraints in the order of NEEDS, in words.
NAMES: Mapping[str, str] = {
    "first": "goal of first replies",
    "follow_up": "goal of follow-ups",
    "occupancy": "occupancy cap",
    "minimum": "minimum staff",
}
# Agents below which a difference is the arithmetic's.
NOTHING = 0.05
# Relative difference from which a kept requirement is another one.
SAME = 1e-6
OTHER_RULES = (
    "the plan was made with other rules, or by another version, than there are now: its figures "
    "are shown as they were, and what looser rules spare is reckoned with those of now"
)


@dataclass(frozen=True)
class Relaxation:
    """A rule made looser, all else equal.

    what, change, eases  as in `Looser`
    agents_saved  at the interval; below 0 where work that may wait longer falls due there
    hours_saved   agent-hours of the queue over the plan
    """

    what: str
    change: str
    agents_saved: float
    hours_saved: float
    eases: str = ""


@dataclass(frozen=True)
class Explanation:
    """Why an interval of a queue needs its agents.

    workload, first_workload  erlangs expected, of all messages and of first replies
    factor         load of the day that is planned for over the expected one
    needs          agents that each constraint alone asks for: first, follow_up, occupancy, minimum
    binding        the constraint that decides, or "rehearsal"
    agents, agents_exact  whole and exact, before shrinkage
    attainment     first replies in time with `agents`, expected; low and high are P10 and P90 over
                   days, less and more with one agent fewer and one more; None while shut
    relaxations    largest saving at the interval first; none where nobody is needed
    sentence       all of it in words
    notes          what to know before relying on it
    """

    queue: str
    start: datetime
    workload: float
    first_workload: float
    factor: float
    needs: Mapping[str, float]
    binding: str
    agents: int
    agents_exact: float
    attainment: float | None
    low: float | None
    high: float | None
    less: float | None
    more: float | None
    relaxations: tuple[Relaxation, ...]
    sentence: str
    notes: tuple[str, ...] = ()


def explain(row: pd.Series, known: Alternatives) -> Explanation:
    """Why the interval of this row needs its agents.

    row    of REQUIREMENT, as the plan keeps it: rehearsals in
    known  the row's queue and plan
    """
    start, agents = pd.Timestamp(row["start"]).to_pydatetime(), int(row["agents"])
    own = _at(known.own, start)
    needs = {name: float(row[need]) for name, need in zip(NAMES, NEEDS, strict=True)}
    found = Explanation(
        queue=str(row["queue"]),
        start=start,
        workload=float(row["workload"]),
        first_workload=float(row["first_workload"]),
        factor=float(row["factor"]),
        needs=needs,
        binding=str(row["binding"]),
        agents=agents,
        agents_exact=float(row["agents_exact"]),
        attainment=_share(row["attainment"]),
        low=_share(row["attainment_low"]),
        high=_share(row["attainment_high"]),
        less=_share(row["attainment_less"]),
        more=_share(row["attainment_more"]),
        relaxations=_relaxations(known, own) if agents else (),
        sentence="",
        notes=() if _same(row, own) else (OTHER_RULES,),
    )
    return replace(found, sentence=in_words(found, known.brand))


def _share(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _relaxations(known: Alternatives, own: pd.Series) -> tuple[Relaxation, ...]:
    """What each looser rule spares at the interval of the row and over the plan."""
    found = (
        Relaxation(
            rule.what,
            rule.change,
            float(own["agents_exact"] - _at(table, own["start"])["agents_exact"]),
            hours_of(known.own) - hours_of(table),
            rule.eases,
        )
        for rule, table in known.looser
    )
    return tuple(sorted(found, key=lambda one: (-one.agents_saved, -one.hours_saved)))


def _at(table: pd.DataFrame, start: datetime) -> pd.Series:
    return table.iloc[int(table["start"].searchsorted(pd.Timestamp(start)))]


def _same(row: pd.Series, own: pd.Series) -> bool:
    """Whether the rules of today lead to what the plan was made with."""
    names = ["workload", "factor", *NEEDS]
    return all(math.isclose(row[name], own[name], rel_tol=SAME, abs_tol=SAME) for name in names)


def in_words(found: Explanation, brand: Brand) -> str:
    """The explanation as sentences; `brand` holds the one queue."""
    when = f"{found.start.astimezone(brand.tz):%a %d %b %H:%M}"
    if found.attainment is None and not found.agents:
        return f"{found.queue} is shut at {when}: it needs nobody."
    if not found.agents:
        return f"{found.queue} needs nobody at {when}: no work is expected."
    told = [f"{found.queue} needs {_count(found.agents)} at {when}."]
    if found.workload > 0:
        told.append(
            f"{found.workload:.1f} erlangs of work are expected, {found.first_workload:.1f} of "
            f"them first replies; staffed for is {days_of(brand.planning)}, "
            f"{found.factor:.2f} times that."
        )
    else:
        told.append("No work is expected.")
    told.append(_what_decides(found, brand))
    told += _what_would_spare(found)
    if found.attainment is not None and found.workload > 0:
        told.append(_one_more_or_fewer(found))
    return " ".join(told)


def _count(agents: int) -> str:
    return "1 agent" if agents == 1 else f"{agents} agents"


def _what_decides(found: Explanation, brand: Brand) -> str:
    (queue,) = brand.queues
    if found.binding == "rehearsal":
        asked, most = max((need, name) for name, need in found.needs.items())
        added = found.agents_exact - asked
        if added < 0:
            return (
                f"A rehearsal decides: the {NAMES[most]} asks for {asked:.2f}, but in the "
                f"simulation the promises are kept with {-added:.1f} fewer."
            )
        return (
            f"A rehearsal decides: with the {asked:.2f} that the {NAMES[most]} asks for, an hour "
            f"missed its goal in the simulation, and {added:.1f} was added."
        )
    need = found.needs[found.binding]
    others = max(value for name, value in found.needs.items() if name != found.binding)
    why = {
        "first": _goals_of(queue, "first"),
        "follow_up": _goals_of(queue, "follow_up"),
        "occupancy": f"at most {percent(brand.planning.occupancy_cap)} of the time handling",
        "minimum": "as set for the queue",
    }[found.binding]
    return (
        f"The {NAMES[found.binding]} decides, {why}: it asks for {need:.2f}, "
        f"everything else for {others:.2f}."
    )


def _goals_of(queue: Queue, kind: str) -> str:
    """The queue's goals of this class of messages, in words."""
    goals = [g for g in queue.goals if CLASSES[g.metric] == kind]
    told = [
        f"{METRICS[g.metric]} within {length(g.threshold_s)} for {percent(g.share)}" for g in goals
    ]
    if kind == "follow_up" and not any(g.metric == "next_reply" for g in goals):
        told.append(f"follow-ups within {length(FOLLOW_UP_S)} for {percent(queue.promise.share)}")
    return " and ".join(told)


def _what_would_spare(found: Explanation) -> list[str]:
    """What the decisive rule a step looser would spare, and any other that would spare more."""
    useful = [one for one in found.relaxations if one.agents_saved >= NOTHING]
    if not useful:
        return ["No rule made looser by a step spares anything here."] if found.relaxations else []
    first = next((one for one in useful if one.eases == found.binding), useful[0])
    hours = round(first.hours_saved, 1)
    told = (
        f"A step looser ({first.change}), {first.agents_saved:.1f} agents fewer would do here and "
        f"{abs(hours):,.1f} hours {'fewer' if hours >= 0 else 'more'} over the plan"
    )
    if useful[0].agents_saved >= first.agents_saved + 2 * NOTHING:
        told += f"; most is spared by {useful[0].change}: {useful[0].agents_saved:.1f}"
    return [f"{told}, before rehearsals." if found.binding == "rehearsal" else f"{told}."]


def _one_more_or_fewer(found: Explanation) -> str:
    parts = [f"With {_count(found.agents)} {found.attainment:.1%} of first replies are in time"]
    if found.low is not None and found.high is not None:
        parts[0] += f" (days P10-P90 {found.low:.1%}-{found.high:.1%})"
    if found.less is not None:
        parts.append(f"{found.less:.1%} with one fewer")
    if found.more is not None:
        parts.append(f"{found.more:.1%} with one more")
    return ", ".join(parts) + "."
