"""Alternatives of an agent on a day, each tried: the rules it would break, and what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from scheduling.check import Violation
from scheduling.editing.changes import HOLE, Change, Segment, worked
from scheduling.editing.judging import broken_by_each
from scheduling.editing.laying import laid_best, missed
from scheduling.why.costs import Cost, Desk
from wfm.errors import RequestError
from wfm.people import ShiftTemplate
from wfm.rules import RULES


@dataclass(frozen=True)
class Broken:
    """A rule that an alternative would break: its name, the figures, what may be done about it."""

    rule: str
    detail: str
    cure: str


@dataclass(frozen=True)
class Option:
    """What an agent could have on a day, beside what they have.

    template, start_min  the shift, its start in local minutes; "" and None: a day off
    broken   rules that it would break and that are kept now
    cost     over what the agent has now, all else as it stands
    """

    template: str
    start_min: int | None
    broken: tuple[Broken, ...]
    cost: Cost

    @property
    def lawful(self) -> bool:
        return not self.broken


@dataclass(frozen=True)
class Trial:
    """A change of one agent's day, by a name of its own, and what it is a trial of."""

    name: str
    change: Change
    template: str = ""
    start_min: int | None = None


def shift_trials(
    desk: Desk, agent_id: str, day: date, templates: Iterable[ShiftTemplate]
) -> list[Trial]:
    """The agent's day given to each of the templates at each of their starts.

    Breaks go where they are missed least, the agent's present shift not counted. Starts that the
    clock skips on the day are left out.
    """
    lacks = desk.lacks_after([desk.to(agent_id, day, ())])
    group = desk.ground.set_number[desk.ground.skills[agent_id]]
    worth = missed(lacks, group)
    trials = []
    for template in templates:
        for minute in sorted(set(template.starts)):
            at = _start(desk, day, minute)
            if at is not None:
                shift = laid_best(template, at, worth, desk.ground)
                change = desk.to(agent_id, day, shift)
                name = f"{agent_id} {day} {template.name} {minute:04d}"
                trials.append(Trial(name, change, template.name, minute))
    return trials


def _start(desk: Desk, day: date, minute: int) -> datetime | None:
    try:
        return desk.ground.instant(day, minute)
    except RequestError:
        if day not in desk.ground.days:
            raise
        return None  # the clock skips it


def off_trial(desk: Desk, agent_id: str, day: date) -> Trial:
    """The agent's day off."""
    return Trial(f"{agent_id} {day} off", desk.to(agent_id, day, ()))


def tried(desk: Desk, trials: Sequence[Trial]) -> list[Option]:
    """Every trial with the rules it breaks and its cost, in their order."""
    broken = newly_broken(desk, trials)
    return [Option(t.template, t.start_min, broken[t.name], desk.cost([t.change])) for t in trials]


def newly_broken(desk: Desk, trials: Sequence[Trial]) -> Mapping[str, tuple[Broken, ...]]:
    """Rules that each trial breaks and that the roster as it stands keeps, by the trial's name."""
    ground = desk.ground
    clashes = {t.name: clash for t in trials if (clash := _clash(desk, t.change)) is not None}
    lines: dict[str, tuple[str, list[Segment]]] = {
        t.name: (t.change.agent_id, desk.line(t.change)) for t in trials if t.name not in clashes
    }
    for agent_id in sorted({t.change.agent_id for t in trials}):
        now = [s for _, day in sorted(desk.days(agent_id).items()) for s in day]
        lines[f"{agent_id} as it stands"] = (agent_id, now)
    found = broken_by_each(
        {name: (ground.by_id[agent_id], line) for name, (agent_id, line) in lines.items()}, ground
    )
    return {
        t.name: (clashes[t.name],)
        if t.name in clashes
        else _named(found[t.name], found[f"{t.change.agent_id} as it stands"])
        for t in trials
    }


def _clash(desk: Desk, change: Change) -> Broken | None:
    """The rule against a shift so near to the one before or after that both would seem one."""
    shift = worked(change.after)
    if not shift:
        return None
    for days, before in ((-1, True), (1, False)):
        other = worked(desk.on(change.agent_id, change.day + timedelta(days=days)))
        if not other:
            continue
        one, two = (other, shift) if before else (shift, other)
        rest = two[0].start - max(s.end for s in one)
        if rest < timedelta(0):
            return _broken("overlap", f"overlaps the shift of {change.day + timedelta(days=days)}")
        if rest < HOLE:
            contract = desk.ground.contract_of(change.agent_id, change.day)
            least = f", contract {contract.min_rest_h:g}" if contract else ""
            return _broken("rest", f"{rest.total_seconds() / 3600:g} h of rest{least}")
    return None


def _broken(rule: str, detail: str) -> Broken:
    return Broken(rule, detail, RULES[rule].cure)


def _named(after: Iterable[Violation], before: Iterable[Violation]) -> tuple[Broken, ...]:
    fresh = sorted((Counter(after) - Counter(before)).elements())
    # A rule that several days break is one reason; its first day tells the figures.
    first = {v.rule: v for v in reversed(fresh)}
    order = list(RULES)
    return tuple(
        _broken(v.rule, v.detail) for v in sorted(first.values(), key=lambda v: order.index(v.rule))
    )
