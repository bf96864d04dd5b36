"""Why an agent has this shift on a day, or none, and why not another one.

Every alternative of the day is tried with all else as it stands: the rules it breaks, else what it
costs over what the agent has. So is giving the shift to each of the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from scheduling.editing.changes import Segment, worked
from scheduling.why.conflict import rules_in_the_way
from scheduling.why.costs import Cost, Desk
from scheduling.why.trying import (
    Broken,
    Option,
    Trial,
    newly_broken,
    off_trial,
    shift_trials,
    tried,
)
from scheduling.why.words import clock, dearer, of_day, parts_told, rules_told, shift_told
from wfm.errors import RequestError
from wfm.rules import RULES

# Others whose rules are tried at a time, and at most, cheapest first.
AT_ONCE, AT_MOST = 16, 64
# Alternatives told in a reason.
TOLD = 8


@dataclass(frozen=True)
class Forbidden:
    """A rule that stands against alternatives.

    shifts  alternatives of the day that would break it
    detail  the figures of one of them
    """

    rule: str
    shifts: int
    detail: str
    cure: str


@dataclass(frozen=True)
class Other:
    """Somebody else who could have the shift.

    swaps  the shift of theirs that the first agent would have instead; "" where that one is off
    cost   over the roster as it stands
    """

    agent_id: str
    swaps: str
    cost: Cost


@dataclass(frozen=True)
class Reason:
    """Why an agent's day is as it is.

    template, start_min  what the agent has; "" and None on a day off
    pinned       it stands whatever else would be better
    absent       an absence of the day, such as granted time off; "" without
    cost         of what the agent has, over a day off
    tried, kept  alternatives tried (the contract's templates at their starts, and the day off), and
                 how many of them keep all rules
    lawful       the cheapest of these, cheapest first: the first is the next best
    forbidden    the rules that stand against the rest, those against most first
    conflict     the fewest rules that together stand against every shift of the day; empty where
                 some may be worked
    next_agent   the cheapest of the others who may have the shift; None where nobody may
    others       how many serve a queue of the shift's agent and are not pinned that day
    sentence     all of it in words
    """

    agent_id: str
    day: date
    template: str
    start_min: int | None
    pinned: bool
    absent: str
    cost: Cost
    tried: int
    kept: int
    lawful: tuple[Option, ...]
    forbidden: tuple[Forbidden, ...]
    conflict: tuple[str, ...]
    next_agent: Other | None
    others: int
    sentence: str

    @property
    def next_best(self) -> Option | None:
        return self.lawful[0] if self.lawful else None


@dataclass(frozen=True)
class NotReason:
    """Why an agent does not have a shift that they might have had.

    broken    rules that it would break
    cost      over what the agent has, all else as it stands
    sentence  in words
    """

    agent_id: str
    day: date
    template: str
    start_min: int
    broken: tuple[Broken, ...]
    cost: Cost
    sentence: str


def why_shift(desk: Desk, agent_id: str, day: date) -> Reason:
    """Why the agent has what they have on the local day.

    NotFound for an agent who is not known, RequestError for a day outside the roster.
    """
    _check(desk, agent_id, day)
    ground = desk.ground
    has = desk.on(agent_id, day)
    shift = worked(has)
    contract = ground.contract_of(agent_id, day)
    allowed = [
        t for t in ground.brand.templates if contract is None or t.name in contract.templates
    ]
    trials = [t for t in shift_trials(desk, agent_id, day, allowed) if not _same(t, shift)]
    if shift:
        trials.append(off_trial(desk, agent_id, day))
    options = tried(desk, trials)
    lawful = sorted((o for o in options if o.lawful), key=lambda o: o.cost.total)
    off_now = desk.to(agent_id, day, ())
    found = Reason(
        agent_id=agent_id,
        day=day,
        template=shift[0].template if shift else "",
        start_min=_minute(shift[0].start, desk) if shift else None,
        pinned=any(s.pinned for s in has),
        absent=next((s.activity for s in has if s not in shift), _granted(desk, agent_id, day)),
        cost=_turned(desk.cost([off_now])),
        tried=len(options),
        kept=len(lawful),
        lawful=tuple(lawful[:TOLD]),
        forbidden=_forbidden(options),
        conflict=rules_in_the_way([b.rule for b in o.broken] for o in options if o.template),
        next_agent=None,
        others=0,
        sentence="",
    )
    if shift:
        others = _others(desk, agent_id, day, shift)
        found = replace(
            found, others=len(others), next_agent=_next_agent(desk, agent_id, day, shift, others)
        )
    return replace(found, sentence=_in_words(found, desk))


def why_not(desk: Desk, agent_id: str, day: date, template: str, start_min: int) -> NotReason:
    """Why the agent does not have the shift on the local day: rules it breaks, or what it costs.

    NotFound for an agent or a template that is not known; RequestError for a day outside the
    roster, a start that the template has not, or the shift that the agent has.
    """
    _check(desk, agent_id, day)
    ground = desk.ground
    kind = ground.template(template)
    if start_min not in kind.starts:
        raise RequestError(
            f"{template} does not start at {clock(start_min)}; it starts at "
            + ", ".join(clock(m) for m in sorted(kind.starts)),
            template=template,
        )
    ground.instant(day, start_min)
    one = replace(kind, starts=(start_min,))
    (trial,) = shift_trials(desk, agent_id, day, [one])
    if _same(trial, worked(desk.on(agent_id, day))):
        raise RequestError(
            f"{agent_id} has {template} at {clock(start_min)} on {day}; ask why instead",
            agent=agent_id,
        )
    (option,) = tried(desk, [trial])
    who = f"{agent_id} does not have {template} at {clock(start_min)} on {of_day(day)}"
    if option.broken:
        sentence = (
            f"{who}: it would break {rules_told(option.broken)}. "
            f"What may be done: {'; or '.join(b.cure for b in option.broken)}."
        )
    else:
        sentence = (
            f"{who} although it keeps every rule: it is "
            f"{dearer(option.cost.total, ground.prices)} than what {agent_id} has"
            f"{parts_told(option.cost, ground.prices)}."
        )
    return NotReason(agent_id, day, template, start_min, option.broken, option.cost, sentence)


def _check(desk: Desk, agent_id: str, day: date) -> None:
    desk.ground.agent(agent_id)
    days = desk.ground.days
    if day not in days:
        raise RequestError(
            f"{day} is not in the roster, which goes from {days[0]} to {days[-1]}",
            day=day.isoformat(),
        )


def _same(trial: Trial, shift: Sequence[Segment]) -> bool:
    """Whether the trial is of the shift that the agent has, wherever its breaks are."""
    new = worked(trial.change.after)
    return bool(shift) and (
        (new[0].start, new[0].template) == (shift[0].start, shift[0].template)
        and max(s.end for s in new) == max(s.end for s in shift)
    )


def _minute(at: datetime, desk: Desk) -> int:
    wall = at.astimezone(desk.ground.brand.tz)
    return wall.hour * 60 + wall.minute


def _granted(desk: Desk, agent_id: str, day: date) -> str:
    return "time_off" if desk.ground.by_id[agent_id].is_off(day) else ""


def _turned(cost: Cost) -> Cost:
    """What is there costs what taking it away would save."""
    return Cost(*(-value + 0.0 for value in vars(cost).values()))


def _forbidden(options: Sequence[Option]) -> tuple[Forbidden, ...]:
    count: Counter[str] = Counter()
    example: dict[str, Broken] = {}
    for option in options:
        for broken in option.broken:
            count[broken.rule] += 1
            example.setdefault(broken.rule, broken)
    order = list(RULES)
    return tuple(
        Forbidden(rule, shifts, example[rule].detail, example[rule].cure)
        for rule, shifts in sorted(count.items(), key=lambda c: (-c[1], order.index(c[0])))
    )


def _others(desk: Desk, agent_id: str, day: date, shift: Sequence[Segment]) -> list[str]:
    """Who could serve what the shift serves, and is not pinned that day."""
    ground = desk.ground
    named = {s.queue for s in shift if s.activity == "on_queue" and s.queue}
    wanted = named or ground.skills[agent_id]
    return [
        other
        for other, skills in ground.skills.items()
        if other != agent_id
        and (named <= skills if named else bool(wanted & skills))
        and not any(s.pinned for s in desk.on(other, day))
    ]


def _next_agent(
    desk: Desk, agent_id: str, day: date, shift: Sequence[Segment], others: Sequence[str]
) -> Other | None:
    """The cheapest of the others who may have the shift instead of the agent."""
    bare = tuple(replace(s, pinned=False) for s in shift)
    priced = []
    for other in others:
        theirs = worked(desk.on(other, day))
        if theirs and (theirs[0].start, theirs[0].template) == (shift[0].start, shift[0].template):
            continue  # the two are alike that day
        swap = [desk.to(other, day, bare), desk.to(agent_id, day, theirs)]
        priced.append((desk.cost(swap), other, theirs, swap))
    priced.sort(key=lambda p: (p[0].total, p[1]))
    for first in range(0, min(len(priced), AT_MOST), AT_ONCE):
        some = priced[first : first + AT_ONCE]
        broken = newly_broken(
            desk,
            [
                Trial(f"{other} {change.agent_id}", change)
                for _, other, _, swap in some
                for change in swap
            ],
        )
        for cost, other, theirs, _ in some:
            if not broken[f"{other} {other}"] and not broken[f"{other} {agent_id}"]:
                return Other(other, shift_told(theirs, desk.ground) if theirs else "", cost)
    return None


def _in_words(found: Reason, desk: Desk) -> str:
    prices = desk.ground.prices
    shift = worked(desk.on(found.agent_id, found.day))
    when = of_day(found.day)
    told = []
    if not shift:
        told.append(f"{found.agent_id} is off on {when}.")
        if found.absent:
            told.append(f"The day is {found.absent.replace('_', ' ')}.")
    else:
        told.append(
            f"{found.agent_id} has {shift_told(shift, desk.ground)} on {when}"
            + (", pinned." if found.pinned else ".")
        )
        told.append(
            f"It is {dearer(found.cost.total, prices)} than a day off"
            f"{parts_told(found.cost, prices)}."
        )
    best = found.next_best
    if best is not None:
        other = f"{best.template} at {clock(best.start_min)}" if best.template else "a day off"
        told.append(
            f"Next best for {found.agent_id} is {other}, "
            f"{dearer(best.cost.total, prices)}{parts_told(best.cost, prices)}."
        )
    if found.forbidden:
        against = "; ".join(f"{f.rule} {f.shifts} ({f.detail})" for f in found.forbidden[:3])
        how_many = (
            f"{found.tried - found.kept} of {found.tried} alternatives break"
            if found.kept
            else f"Each of the {found.tried} alternatives breaks"
        )
        told.append(f"{how_many} a rule: {against}.")
    if found.next_agent is not None:
        swap = f", who has {found.next_agent.swaps}" if found.next_agent.swaps else ""
        told.append(
            f"Next best for the shift is {found.next_agent.agent_id}{swap}: "
            f"{dearer(found.next_agent.cost.total, prices)}."
        )
    elif shift:
        told.append(
            f"None of the {found.others} others who serve such queues may have it."
            if found.others
            else "Nobody else serves its queues."
        )
    return " ".join(told)
