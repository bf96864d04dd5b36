"""Rules that an agent's line breaks: the fewest shifts that conflict, and the repair."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import date, timedelta

from scheduling.check import JUDGES, Violation
from scheduling.checking.line import Segment as CheckedSegment
from scheduling.checking.line import Site, line_of
from scheduling.editing.changes import Segment, segments_of, worked
from scheduling.editing.judging import violations
from scheduling.why.conflict import smallest_conflict
from scheduling.why.costs import Cost, Desk
from scheduling.why.trying import Broken, Trial, newly_broken, off_trial, shift_trials
from scheduling.why.words import clock, dearer, of_day, shift_told
from wfm.rules import RULES

# Rules that ask for more work or more rest around a shift: fewer shifts may break them, too.
LEAST = frozenset({"consecutive_shifts", "days_off", "weekly_rest"})
# Conflicts told of one agent.
MOST = 8


@dataclass(frozen=True)
class Repair:
    """A change of one day that ends the conflict.

    template, start_min  what the day gets instead; "" and None: a day off
    pinned   the shift must be unpinned first
    broken   rules that it breaks in turn
    cost     over the roster as it stands
    """

    day: date
    template: str
    start_min: int | None
    pinned: bool
    broken: tuple[Broken, ...]
    cost: Cost


@dataclass(frozen=True)
class Conflict:
    """A rule that the agent's line breaks.

    day, detail  where, and the figures
    days         the fewest of the agent's shifts that break it together: without any of them, the
                 rest keeps it
    history      whether shifts before the roster have part in it
    repair       the cheapest that breaks the fewest rules in turn; None where no one day mends it
    sentence     all of it in words
    """

    agent_id: str
    rule: str
    day: date
    detail: str
    days: tuple[date, ...]
    history: bool
    repair: Repair | None
    sentence: str


def conflicts_of(desk: Desk, agent_id: str) -> tuple[Conflict, ...]:
    """The conflicts of the agent's line, in order of day: one for each rule and week, at most 8.

    Empty where the line keeps every rule. NotFound for an agent who is not known.
    """
    desk.ground.agent(agent_id)
    mine = desk.roster[desk.roster["agent_id"] == agent_id]
    found: list[Conflict] = []
    seen: set[tuple[str, date]] = set()
    for broken in violations(mine, [agent_id], desk.ground):
        monday = broken.day - timedelta(days=broken.day.weekday())
        if (broken.rule, monday) not in seen and len(found) < MOST:
            seen.add((broken.rule, monday))
            found.append(_conflict(desk, broken))
    return tuple(found)


def _conflict(desk: Desk, broken: Violation) -> Conflict:
    agent_id, rule = broken.agent_id, broken.rule
    days = [d for d, segments in sorted(desk.days(agent_id).items()) if worked(segments)]
    past = desk.ground.past
    before = segments_of(past[past["agent_id"] == agent_id])
    own = tuple(days)
    history = False
    if rule in LEAST:
        own = (broken.day,)
    else:
        # A rule is told at the shift that is one too many: later ones have no part in it.
        upto = [d for d in days if d <= broken.day]
        own = smallest_conflict(upto, lambda some: _breaks(desk, broken, some, before))
        history = bool(before) and not _breaks(desk, broken, own, [])
    repair = _repair(desk, broken, own)
    found = Conflict(agent_id, rule, broken.day, broken.detail, own, history, repair, "")
    return replace(found, sentence=_in_words(found, desk))


def _breaks(desk: Desk, broken: Violation, days: Iterable[date], before: Sequence[Segment]) -> bool:
    """Whether shifts of these days alone break the rule on the same day."""
    kept = desk.days(broken.agent_id)
    return broken.day in _broken_on(
        desk, broken, [segment for day in days for segment in kept[day]], before
    )


def _broken_on(
    desk: Desk, broken: Violation, line: Iterable[Segment], before: Iterable[Segment]
) -> set[date]:
    ground = desk.ground
    lines = [tuple(CheckedSegment(*astuple(s)[:5]) for s in some) for some in (line, before)]
    site = Site(ground.brand, ground.start, ground.end)
    found = line_of(ground.by_id[broken.agent_id], site, *lines)
    return {day for day, _ in JUDGES[broken.rule](found)}


def _repair(desk: Desk, broken: Violation, days: Sequence[date]) -> Repair | None:
    """The best of dropping one of the shifts, and of another shift on the day of the violation."""
    ground, agent_id = desk.ground, broken.agent_id
    contract = ground.contract_of(agent_id, broken.day)
    trials = [(day, off_trial(desk, agent_id, day)) for day in days]
    if contract is not None and broken.day in ground.days:
        allowed = [t for t in ground.brand.templates if t.name in contract.templates]
        trials += [(broken.day, t) for t in shift_trials(desk, agent_id, broken.day, allowed)]
    past = ground.past
    before = segments_of(past[past["agent_id"] == agent_id])
    mends = [
        (day, trial)
        for day, trial in trials
        if broken.day not in _broken_on(desk, broken, desk.line(trial.change), before)
    ]
    if not mends:
        return None
    fresh = newly_broken(desk, [trial for _, trial in mends])

    def price(one: tuple[date, Trial]) -> tuple[int, bool, float]:
        day, trial = one
        pinned = any(s.pinned for s in desk.on(agent_id, day))
        return len(fresh[trial.name]), pinned, desk.cost([trial.change]).total

    day, trial = min(mends, key=price)
    return Repair(
        day,
        trial.template,
        trial.start_min,
        any(s.pinned for s in desk.on(agent_id, day)),
        fresh[trial.name],
        desk.cost([trial.change]),
    )


def _in_words(found: Conflict, desk: Desk) -> str:
    ground = desk.ground
    told = [
        f"{found.agent_id} breaks {found.rule} on {of_day(found.day)}: {found.detail} "
        f"({RULES[found.rule].says})."
    ]
    shifts = [
        f"{of_day(day)} {shift_told(worked(desk.on(found.agent_id, day)), ground)}"
        for day in found.days
        if worked(desk.on(found.agent_id, day))
    ]
    if len(shifts) > 1 or found.history:
        also = " and the shifts before the roster" if found.history else ""
        told.append(f"These conflict: {', '.join(shifts)}{also}.")
    if found.repair is None:
        told.append(f"No change of one day mends it; {RULES[found.rule].cure}.")
        return " ".join(told)
    repair = found.repair
    instead = f"{repair.template} at {clock(repair.start_min)}" if repair.template else "a day off"
    told.append(
        f"Cheapest repair: {instead} on {of_day(repair.day)}"
        + (", unpinned first" if repair.pinned else "")
        + f", {dearer(repair.cost.total, ground.prices)}"
        + (f"; it breaks {', '.join(b.rule for b in repair.broken)}" if repair.broken else "")
        + f". Or: {RULES[found.rule].cure}."
    )
    return " ".join(told)
