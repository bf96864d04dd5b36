"""Scenarios as data: what is otherwise than planned. One that holds nothing changes nothing.

A scenario is made of parts, each with its own span and queues. A repair is made of the same parts,
so that a scenario and a repair joined are a scenario again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from scheduling.editing.changes import Change, Segment
from scheduling.editing.ground import EditGround
from scheduling.simulation.dispatch import claims_of
from wfm.brands import Brand
from wfm.campaigns import CATEGORIES, Campaign
from wfm.errors import RequestError
from wfm.order import LATE_RESERVE
from wfm.timegrid import format_instant

MAX_FACTOR = 100.0
MAX_ADDED = 1_000_000.0
DAY_MIN = 24 * 60
MAX_LENGTH_MIN = 7 * DAY_MIN
MAX_HEADS = 500
MAX_PARTS = 50
# How near a reserve lies to one claim of so many.
NEAR = 0.005
MAX_CHANGES = 2_000


@dataclass(frozen=True)
class Surge:
    """Contacts beside the usual: risen within `rise_min`, held until `length_min` after the start,
    then halved every half-life.

    queues  names; empty: all
    factor  the usual volume is multiplied by it while it lasts; below 1 there is less
    added   contacts that come beside that, in all, in the same shape; over several queues as their
            usual volumes are
    cause   a category of `wfm.campaigns`, or ""
    """

    start: datetime
    length_min: int
    queues: tuple[str, ...] = ()
    factor: float = 1.0
    added: float = 0.0
    rise_min: float = 0.0
    half_life_min: float = 60.0
    cause: str = ""

    @property
    def end(self) -> datetime:
        """When it begins to fade."""
        return self.start + timedelta(minutes=self.length_min)

    @property
    def over(self) -> datetime:
        """When less than a part in a hundred of it is left."""
        return self.end + timedelta(minutes=7 * self.half_life_min)

    def shape(self, instant: datetime) -> float:
        """Share of the full excess at `instant`, 0 to 1."""
        push = Campaign(
            "surge",
            self.start,
            self.end,
            self.queues,
            rise_min=self.rise_min,
            half_life_min=self.half_life_min,
        )
        return push.shape(instant)


@dataclass(frozen=True)
class Handling:
    """Handling times of what arrives in [start, end) are `factor` times the usual."""

    start: datetime
    end: datetime
    factor: float
    queues: tuple[str, ...] = ()


@dataclass(frozen=True)
class Absence:
    """In [start, end) each agent is away with chance `share`, and these agents for certain."""

    start: datetime
    end: datetime
    share: float = 0.0
    agents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shrinkage:
    """The brand's shrinkage, otherwise; None leaves it."""

    planned: float | None = None
    unplanned: float | None = None


@dataclass(frozen=True)
class Goal:
    """Another promise of first replies; None leaves it. The roster stays as it is."""

    queue: str
    share: float | None = None
    threshold_s: int | None = None


@dataclass(frozen=True)
class Policy:
    """How queues are worked in [start, end).

    spike_mode  cases that are lost come last, but for the share `reserve` of claims; None leaves it
    automatic   share of the new cases that an automatic answer resolves
    put_off_min messages that come then are due so much later in the order than was promised: what
                was promised stays
    """

    start: datetime
    end: datetime
    queues: tuple[str, ...] = ()
    spike_mode: bool | None = None
    reserve: float = LATE_RESERVE
    automatic: float = 0.0
    put_off_min: int = 0


@dataclass(frozen=True)
class Extra:
    """So many more people on these queues in [start, end), from outside the roster."""

    start: datetime
    end: datetime
    heads: int
    queues: tuple[str, ...] = ()


@dataclass(frozen=True)
class Loan:
    """Agents who serve these queues too in [start, end), wherever they are on queue."""

    start: datetime
    end: datetime
    agents: tuple[str, ...]
    queues: tuple[str, ...]


@dataclass(frozen=True)
class Scenario:
    """What is otherwise than planned.

    known_from  when people know of it and begin to act; None: when it begins
    changes     of the roster, agent-day by agent-day: breaks moved, overtime, people called in
    """

    name: str = ""
    surges: tuple[Surge, ...] = ()
    handling: tuple[Handling, ...] = ()
    absences: tuple[Absence, ...] = ()
    shrinkage: Shrinkage | None = None
    goals: tuple[Goal, ...] = ()
    policies: tuple[Policy, ...] = ()
    extra: tuple[Extra, ...] = ()
    loans: tuple[Loan, ...] = ()
    changes: tuple[Change, ...] = ()
    known_from: datetime | None = None

    @property
    def spans(self) -> Iterator[tuple[datetime, datetime]]:
        """From when until when each part that has a span is felt."""
        for surge in self.surges:
            yield surge.start, surge.over
        lasting: tuple[Handling | Absence | Policy | Extra | Loan, ...] = (
            *self.handling, *self.absences, *self.policies, *self.extra, *self.loans
        )  # fmt: skip
        yield from ((part.start, part.end) for part in lasting)
        yield from (span for change in self.changes if (span := _differing(change)))

    @property
    def begins(self) -> datetime | None:
        """When the first part that has a span is felt; None where none has one."""
        return min((start for start, _ in self.spans), default=None)

    @property
    def is_empty(self) -> bool:
        """Whether it holds no part at all."""
        return not any(getattr(self, name) for name in PARTS)


# Fields of a scenario that hold its parts; those that hold many of them.
MANY = ("surges", "handling", "absences", "goals", "policies", "extra", "loans", "changes")
PARTS = (*MANY, "shrinkage")


def joined(one: Scenario, other: Scenario) -> Scenario:
    """The scenario with the parts of another; name and `known_from` stay.

    RequestError where both change what an agent does on the same day.
    """
    days = {(c.agent_id, c.day) for c in one.changes}
    for change in other.changes:
        if (change.agent_id, change.day) in days:
            raise RequestError(
                f"both change what {change.agent_id} does on {change.day}; take one of them",
                agent=change.agent_id,
                day=change.day.isoformat(),
            )
    return replace(
        one,
        surges=(*one.surges, *other.surges),
        handling=(*one.handling, *other.handling),
        absences=(*one.absences, *other.absences),
        shrinkage=other.shrinkage or one.shrinkage,
        goals=(*one.goals, *other.goals),
        policies=(*one.policies, *other.policies),
        extra=(*one.extra, *other.extra),
        loans=(*one.loans, *other.loans),
        changes=(*one.changes, *other.changes),
    )


def _differing(change: Change) -> tuple[datetime, datetime] | None:
    """From when until when the agent does something else than before; None: never."""
    edges = sorted({at for s in (*change.before, *change.after) for at in (s.start, s.end)})
    felt = [
        (begins, ends)
        for begins, ends in pairwise(edges)
        if _doing(change.before, begins) != _doing(change.after, begins)
    ]
    return (felt[0][0], felt[-1][1]) if felt else None


def _doing(segments: Iterable[Segment], at: datetime) -> set[tuple[str, str]]:
    return {(s.activity, s.queue) for s in segments if s.start <= at < s.end}


def check_scenario(scenario: Scenario, brand: Brand, *, start: datetime, end: datetime) -> None:
    """RequestError naming every fault at once: what is out of range, unknown or outside
    [start, end), the roster's span; NotFound for an unknown queue where nothing else is wrong.
    """
    faults = list(_faults(scenario, start, end))
    if faults:
        raise RequestError("; ".join(faults), faults=faults)
    named = {q for part in _with_queues(scenario) for q in part.queues}
    for queue in sorted(named | {goal.queue for goal in scenario.goals}):
        brand.queue(queue)


def check_people(scenario: Scenario, ground: EditGround) -> None:
    """NotFound for an agent of absences, loans or changes of the roster who is not known."""
    parts: tuple[Absence | Loan, ...] = (*scenario.absences, *scenario.loans)
    named = {agent_id for part in parts for agent_id in part.agents}
    for agent_id in sorted(named | {change.agent_id for change in scenario.changes}):
        ground.agent(agent_id)


def _with_queues(scenario: Scenario) -> Iterator[Surge | Handling | Policy | Extra | Loan]:
    yield from scenario.surges
    yield from scenario.handling
    yield from scenario.policies
    yield from scenario.extra
    yield from scenario.loans


def _faults(scenario: Scenario, start: datetime, end: datetime) -> Iterator[str]:
    for name in MANY:
        count = len(getattr(scenario, name))
        most = MAX_CHANGES if name == "changes" else MAX_PARTS
        if count > most:
            yield f"there are {count} {name}; a scenario holds at most {most} of them"
    for surge in scenario.surges:
        if surge.cause and surge.cause not in CATEGORIES:
            yield f"the surge's cause is {surge.cause!r}; there are {', '.join(CATEGORIES)}"
    for policy in scenario.policies:
        if 0 < policy.reserve <= 1 and abs(1 / claims_of(policy.reserve) - policy.reserve) > NEAR:
            yield (
                f"reserve is {policy.reserve:g}; every so many claims one is kept for late cases, "
                "such as 0.1, 0.2, 0.25, 0.33, 0.5 or 1: choose one of these, or 0"
            )
    for what, begins, ends in _spans(scenario):
        if ends < begins:
            yield f"{what} ends at {format_instant(ends)}, before it starts"
        if not start <= begins < end:
            yield (
                f"{what} starts at {format_instant(begins)}, outside of the roster, which goes "
                f"from {format_instant(start)} to {format_instant(end)}"
            )
    for what, value, low, high in _figures(scenario):
        # A comparison with NaN is False, so that NaN is a fault too.
        if value is not None and not low <= value <= high:
            yield f"{what} is {value:g}; it lies between {low:g} and {high:g}"


def _spans(scenario: Scenario) -> Iterator[tuple[str, datetime, datetime]]:
    """Parts that must begin within the roster: name, begin, end."""
    for surge in scenario.surges:
        yield "the surge", surge.start, surge.start
    named = {"handling": "the handling time", "absences": "the absence", "policies": "the policy"}
    for field, what in {**named, "extra": "the extra people", "loans": "the loan"}.items():
        for part in getattr(scenario, field):
            yield what, part.start, part.end
    for change in scenario.changes:
        for begins, ends in filter(None, [_differing(change)]):
            yield f"the change of {change.agent_id} on {change.day}", begins, ends


def _figures(scenario: Scenario) -> Iterator[tuple[str, float | None, float, float]]:
    """Numbers that have a range: name, value, lowest, highest."""
    for surge in scenario.surges:
        yield "factor", surge.factor, 0, MAX_FACTOR
        yield "added contacts", surge.added, 0, MAX_ADDED
        yield "length, minutes,", surge.length_min, 1, MAX_LENGTH_MIN
        yield "rise, minutes,", surge.rise_min, 0, MAX_LENGTH_MIN
        yield "half-life, minutes,", surge.half_life_min, 1, MAX_LENGTH_MIN
    for part in scenario.handling:
        yield "factor of handling", part.factor, 0.05, 20
    for absence in scenario.absences:
        yield "share absent", absence.share, 0, 1
    if scenario.shrinkage:
        yield "planned shrinkage", scenario.shrinkage.planned, 0, 0.95
        yield "unplanned shrinkage", scenario.shrinkage.unplanned, 0, 0.95
    for goal in scenario.goals:
        yield f"share promised by {goal.queue}", goal.share, 0.01, 0.9999
        yield f"seconds promised by {goal.queue}", goal.threshold_s, 1, 7 * 86_400
    for policy in scenario.policies:
        yield "reserve", policy.reserve, 0, 1
        yield "share answered automatically", policy.automatic, 0, 1
        yield "minutes put off", policy.put_off_min, 0, MAX_LENGTH_MIN
    for extra in scenario.extra:
        yield "extra people", extra.heads, 1, MAX_HEADS
