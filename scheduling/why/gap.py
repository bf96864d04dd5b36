"""Why an interval of a queue is short: who is away, which rules keep them, what would cure it.

For everybody who serves the queue and is not at work, the shifts that reach the interval are tried
with all else as it stands. What is said to cure the gap was tried too.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np

from scheduling.editing.changes import Change, worked
from scheduling.editing.coverage import short_of
from scheduling.editing.laying import laid_best, missed
from scheduling.rostering.need import INTERVAL_H, Flags, Floats
from scheduling.rostering.shifts import Shifts, expand_shifts, takeable
from scheduling.why.conflict import rules_in_the_way
from scheduling.why.costs import Cost, Desk
from scheduling.why.looser import STEPS, WAIVERS, eased
from scheduling.why.trying import Broken, Trial, newly_broken
from scheduling.why.words import clock, dearer, of_day, rules_told
from wfm.errors import RequestError
from wfm.timegrid import INTERVAL, floor_interval, local_midnight

# People whose shifts are tried, those whose shift would cost least first, and shifts of each.
PEOPLE, SHIFTS_EACH = 40, 2
# Heads short that are the arithmetic's.
NOTHING = 0.005


@dataclass(frozen=True)
class Away:
    """Somebody who serves the queue and is not at work, with the best shift that reaches the gap.

    broken  rules that it would break; empty: they could come
    cost    over the roster as it stands
    """

    agent_id: str
    day: date
    template: str
    start_min: int
    broken: tuple[Broken, ...]
    cost: Cost


@dataclass(frozen=True)
class Looser:
    """A rule a step looser, and how many of those away could then come."""

    rule: str
    change: str
    agents: int


@dataclass(frozen=True)
class Gap:
    """Why a queue is short in an interval.

    need, heads, short  heads needed on queue, heads there, heads missing
    skilled   agents who serve the queue; on_queue, elsewhere (breaks, meetings) and away of them
    people    those away who were tried: who could come first, then by fewest rules and cost
    unreached those away of whom no shift reaches the interval under any contract of theirs
    rules     how many of those tried each rule keeps away, most first
    conflict  the fewest rules that together keep all of them away; empty when somebody could come
    repair    who would come at the least break of rules, or none broken; None when nobody is away
    looser    rules a step looser that bring somebody, most first
    more      further agents with the skill who would cure it, if they could work then
    sentence  all of it in words
    """

    queue: str
    start: datetime
    need: float
    heads: float
    short: float
    skilled: int
    on_queue: int
    elsewhere: int
    away: int
    people: tuple[Away, ...]
    unreached: int
    rules: tuple[tuple[str, int], ...]
    conflict: tuple[str, ...]
    repair: Away | None
    looser: tuple[Looser, ...]
    more: int
    sentence: str


def why_short(desk: Desk, queue: str, at: datetime) -> Gap:
    """Why the queue is short in the interval that `at` lies in, or that it is not.

    NotFound for an unknown queue, RequestError for an instant outside the roster.
    """
    ground = desk.ground
    ground.brand.queue(queue)
    at = floor_interval(at)
    if not ground.start <= at < ground.end:
        raise RequestError(
            f"{at.isoformat()} is not in the roster, which goes from {ground.start.isoformat()} "
            f"to {ground.end.isoformat()}"
        )
    t, q = int((at - ground.start) / INTERVAL), ground.need.queues.index(queue)
    split, short = short_of(desk.heads[[t]], ground, np.array([t]))
    skilled = [a for a, skills in ground.skills.items() if queue in skills]
    doing = _doing(desk, at)
    away = [a for a in skilled if a not in doing]
    on_queue = sum(doing.get(a) == "on_queue" for a in skilled)
    found = Gap(
        queue=queue,
        start=at,
        need=float(ground.need.heads[t, q]),
        heads=float(split[0, q]),
        short=float(short[0, q]),
        skilled=len(skilled),
        on_queue=on_queue,
        elsewhere=len(skilled) - len(away) - on_queue,
        away=len(away),
        people=(),
        unreached=0,
        rules=(),
        conflict=(),
        repair=None,
        looser=(),
        more=math.ceil(float(short[0, q]) - NOTHING) if short[0, q] > NOTHING else 0,
        sentence="",
    )
    if found.short > NOTHING and away:
        found = _with_people(found, desk, t, away)
    return replace(found, sentence=_in_words(found, desk))


def _doing(desk: Desk, at: datetime) -> dict[str, str]:
    """What everybody at work does at the instant."""
    rows = desk.roster[(desk.roster["start"] <= at) & (desk.roster["end"] > at)]
    rows = rows[~rows["activity"].isin(["time_off", "standby"])]
    return dict(zip(rows["agent_id"], rows["activity"], strict=True))


def _with_people(found: Gap, desk: Desk, t: int, away: Sequence[str]) -> Gap:
    trials, unreached = _trials(desk, t, away)
    broken = newly_broken(desk, trials)
    best: dict[str, tuple[Trial, Away]] = {}
    for trial in trials:
        agent_id = trial.change.agent_id
        one = Away(
            agent_id,
            trial.change.day,
            trial.template,
            trial.start_min or 0,
            broken[trial.name],
            desk.cost([trial.change]),
        )
        if agent_id not in best or _order(one) < _order(best[agent_id][1]):
            best[agent_id] = (trial, one)
    people = tuple(sorted((one for _, one in best.values()), key=_order))
    keeps = Counter(b.rule for one in people for b in one.broken)
    return replace(
        found,
        people=people,
        unreached=unreached,
        rules=tuple(sorted(keeps.items(), key=lambda item: (-item[1], item[0]))),
        conflict=rules_in_the_way([b.rule for b in broken[trial.name]] for trial in trials),
        repair=people[0] if people else None,
        looser=_looser(desk, best.values()),
    )


def _order(one: Away) -> tuple[int, float, str]:
    return (len(one.broken), one.cost.total, one.agent_id)


def _trials(desk: Desk, t: int, away: Sequence[str]) -> tuple[list[Trial], int]:
    """For each of those away the shifts over interval t that cover most for what they cost, and
    how many of them no shift reaches.
    """
    ground = desk.ground
    at = ground.start + t * INTERVAL
    today = at.astimezone(ground.brand.tz).date()
    days = [d for d in (today - timedelta(days=1), today) if d in ground.days]
    start, end = (
        local_midnight(d, ground.brand.tz) for d in (days[0], days[-1] + timedelta(days=1))
    )
    shifts = expand_shifts(ground.brand, start=start, end=end)
    here = int((at - start) / INTERVAL)
    spans = (shifts.start <= here) & (here < shifts.start + shifts.length)
    origin = t - here
    worth: dict[int, tuple[Floats, Floats]] = {}
    found: list[tuple[float, list[Trial]]] = []
    unreached = 0
    for agent_id in away:
        group = ground.set_number[ground.skills[agent_id]]
        if group not in worth:
            each = missed(desk.lacks, group)
            cured = ground.prices.short * INTERVAL_H * desk.lacks.cured(group)
            sums = np.concatenate([[0.0], np.cumsum(cured)])
            a = np.clip(shifts.start + origin, 0, len(cured))
            z = np.clip(shifts.start + origin + shifts.length, 0, len(cured))
            cost = ground.prices.paid * shifts.paid * INTERVAL_H
            worth[group] = (each, sums[z] - sums[a] - cost)
        each, value = worth[group]
        may = spans & takeable(ground.by_id[agent_id], shifts, ground.brand)
        # Nothing they may take on its own: the best shift tells which rule of their own stands.
        some = np.flatnonzero(may if may.any() else spans & _allowed(desk, agent_id, shifts))
        if not len(some):
            unreached += 1
            continue
        best = some[np.argsort(-value[some], kind="stable")][: SHIFTS_EACH if may.any() else 1]
        mine = []
        for s in best.tolist():
            template, day = shifts.templates[shifts.template[s]], shifts.days[shifts.day[s]]
            begins = start + int(shifts.start[s]) * INTERVAL
            shift = laid_best(template, begins, _without_break(each, t), ground)
            change: Change = desk.to(agent_id, day, shift)
            minute = int(shifts.wall_from[s])
            name = f"{agent_id} {day} {template.name} {minute}"
            if not any(seg.pinned for seg in worked(change.before)):
                mine.append(Trial(name, change, template.name, minute))
        if mine:
            found.append((-float(value[best].max()) + (0.0 if may.any() else math.inf), mine))
    found.sort(key=lambda one: one[0])
    return [trial for _, mine in found[:PEOPLE] for trial in mine], unreached


def _allowed(desk: Desk, agent_id: str, shifts: Shifts) -> Flags:
    """Shifts of the templates of the agent's contract; all of them on days without a contract."""
    held = [desk.ground.contract_of(agent_id, day) for day in shifts.days]
    table = [[c is None or t.name in c.templates for t in shifts.templates] for c in held]
    return np.asarray(np.array(table, dtype=np.bool_)[shifts.day, shifts.template])


def _without_break(each: Floats, t: int) -> Floats:
    """What a head is missed, so much at the gap itself that no break goes there if it need not."""
    worth = each.copy()
    worth[t] += 10.0
    return worth


def _looser(desk: Desk, best: Iterable[tuple[Trial, Away]]) -> tuple[Looser, ...]:
    """Rules that alone keep somebody away, a step looser: how many could then come."""
    alone: dict[str, list[Trial]] = {}
    for trial, one in best:
        if len(one.broken) == 1:
            alone.setdefault(one.broken[0].rule, []).append(trial)
    found = []
    for rule, trials in alone.items():
        if rule in STEPS:
            step = STEPS[rule]
            ground = replace(desk.ground, brand=eased(desk.ground.brand, step))
            change = step.change
        elif rule in WAIVERS:
            waiver = WAIVERS[rule]
            agents = tuple(waiver.waived(a) for a in desk.ground.agents)
            ground = replace(desk.ground, agents=agents)
            change = waiver.change
        else:
            continue
        broken = newly_broken(replace(desk, ground=ground), trials)
        freed = sum(not broken[trial.name] for trial in trials)
        if freed:
            found.append(Looser(rule, change, freed))
    return tuple(sorted(found, key=lambda one: (-one.agents, one.rule)))


def _in_words(found: Gap, desk: Desk) -> str:
    ground = desk.ground
    when = f"{found.start.astimezone(ground.brand.tz):%a %d %b %H:%M}"
    if found.short <= NOTHING:
        return (
            f"{found.queue} is not short on {when}: it needs {found.need:.2f} heads on queue and "
            f"has {found.heads:.2f}."
        )
    told = [
        f"{found.queue} is short of {found.short:.2f} heads on {when}: it needs {found.need:.2f} "
        f"on queue and has {found.heads:.2f}."
    ]
    if not found.skilled:
        return " ".join([*told, f"Nobody serves it; give the skill {found.queue} to some agents."])
    told.append(
        f"Of {found.skilled} agents who serve it, {found.on_queue} are on queue, "
        f"{found.elsewhere} at a break or other activity and {found.away} away."
    )
    if found.unreached:
        told.append(f"For {found.unreached} of them no shift template reaches the hour.")
    told += _people_told(found, desk)
    if found.looser:
        steps = "; ".join(f"{one.change} {one.agents}" for one in found.looser[:3])
        told.append(f"Could come with a rule a step looser: {steps}.")
    count = "1 more agent" if found.more == 1 else f"{found.more} more agents"
    told.append(f"{count} with skill {found.queue}, free to work then, would cure it.")
    return " ".join(told)


def _people_told(found: Gap, desk: Desk) -> list[str]:
    prices, best = desk.ground.prices, found.repair
    if best is None:
        return []
    shift = f"{best.agent_id} with {best.template} at {clock(best.start_min)} on {of_day(best.day)}"
    if not best.broken:
        free = sum(not one.broken for one in found.people)
        price = f"{dearer(best.cost.total, prices)} than the roster as it stands"
        if best.cost.total > 0:
            price += ", which is more than the gap costs"
        return [f"{free} could come without breaking a rule, best {shift}: {price}."]
    told = []
    if found.rules:
        told.append(
            "What keeps them away: "
            + ", ".join(f"{rule} {count}" for rule, count in found.rules[:5])
            + (
                f"; {found.conflict[0]} alone keeps everybody away."
                if len(found.conflict) == 1
                else f"; together {', '.join(found.conflict)} keep everybody away."
            )
        )
    told.append(f"Least would be broken by {shift}: {rules_told(best.broken)}.")
    return told
