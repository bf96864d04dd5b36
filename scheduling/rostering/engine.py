"""The engine: a roster near the least cost, and a bound that says how near.

Everybody in turn first takes the best line given all others'. Then column generation over everybody
gives prices, a bound, and lines of which a dive fixes some at a time, generating more for whoever
is left. After that neighbourhoods are opened: a few people's lines are taken off and chosen again
together in the same way, where heads are missing more often than elsewhere. When nothing is gained
any more, another dive begins from the same lines. No step breaks a rule, and the best roster is
kept, so that the search can be stopped at any time.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from scheduling.rostering.columns import Found, Master, Prices, generate
from scheduling.rostering.crew import Crew, Line, Roster, lawful
from scheduling.rostering.problem import Floats, Ints, Problem
from wfm.errors import RuleConflict
from wfm.progress import Progress, silent

SURE = 0.999
CLOSE = 1e-5
# Share of a missing head's price that the first prices offer.
FIRST_OFFER = 0.25
# Rounds of column generation: over everybody, in a neighbourhood, after each fixing of lines. With
# too few of these, whoever is left has no line that fits what was fixed.
ROUNDS, FEW_ROUNDS, STEP_ROUNDS = 80, 25, 14
# Above so many people a dive is coarser; neighbourhoods make up for it.
MANY, MANY_STEP_ROUNDS, MANY_CLOSE = 100, 4, 2e-3
# Neighbourhoods without a gain, for each person, after which another dive begins.
PATIENCE = 2
# Part of the neighbourhoods that are opened anywhere, whatever is missing.
AT_RANDOM = 0.3
# Blocks that a task covers, above which lines are not chosen together.
LONG_TASKS = 8
# How much of what the guide says a head is worth is believed at first.
GUIDED = 0.5
# Sweeps at the end in which nobody is led anywhere.
LAST_SWEEPS = 2
# Times that breaks are laid anew in a roster to begin from; it is hardly better after that.
SETTLED = 2


@dataclass(frozen=True)
class EngineLimits:
    """How much work the engine may do; the wall limit is for safety.

    sweeps          times that everybody takes the best line before anything else
    whole           lines of everybody are chosen together by column generation where they have no
                    more entries in the master program
    guided          sweeps where tasks cover many blocks each, as on a floor of quarter-hours; the
                    rows of the program overlap so much there that its prices settle too late, and
                    a few people at a time choose again in turn instead
    share           part of the people whose lines a dive fixes at once; None: a tenth, or a
                    third of more than a hundred
    neighbourhoods  opened after the dive; None: 100, or one for three of
                    more than that many people, 60 at least
    size            people of a neighbourhood, at most
    turns           for each person, times that a few choose again in turn
    restarts        further dives when nothing is gained any more
    """

    sweeps: int = 2
    whole: int = 100_000
    guided: int = 12
    share: float | None = None
    neighbourhoods: int | None = None
    size: int = 12
    turns: int = 20
    restarts: int = 0
    wall_s: float = 600.0

    def opened(self, people: int) -> int:
        if self.neighbourhoods is not None:
            return self.neighbourhoods
        return 100 if people <= MANY else max(60, people // 3)

    def fixed(self, people: int) -> float:
        """Part of the people whose lines a dive fixes at once."""
        return (0.1 if people <= MANY else 0.35) if self.share is None else self.share


@dataclass(frozen=True)
class Solution:
    """A lawful roster and what is known of it.

    objective, bound  its cost; no roster costs less than `bound`
    prices            what one more head that counts for a cut is worth, shape (blocks, cuts)
    history           (seconds, objective) at each gain
    stopped_by_wall   the wall limit ended the search: another run may give another roster
    """

    roster: Roster = field(repr=False)
    objective: float
    bound: float
    prices: Floats = field(repr=False)
    history: tuple[tuple[float, float], ...] = field(repr=False)
    stopped_by_wall: bool

    @property
    def gap(self) -> float:
        """(objective - bound) / |objective|."""
        return max(0.0, self.objective - self.bound) / max(1.0, abs(self.objective))


def solve(
    problem: Problem,
    *,
    seed: int,
    guide: Floats | None = None,
    near: Ints | None = None,
    limits: EngineLimits | None = None,
    progress: Progress = silent,
) -> Solution:
    """The best roster found within the limits, and a bound that no roster is below.

    guide  what a head is thought to be worth, by block and group, where it is known beforehand
    near   tasks of a roster to begin from, -1 for a day off, shape (people, days); where a line of
           it is not lawful, the lawful one with most of its tasks

    The same problem and seed give the same roster unless the wall limit ended the search.

    Raises RuleConflict when some person has no lawful line at all.
    """
    limits = limits or EngineLimits()
    search = _Search(Crew(problem), np.random.default_rng(seed), limits.wall_s)
    people = len(problem.people)
    opened = limits.opened(people) if people > 1 else 0
    if near is not None:
        search.begin(_begun_near(search.crew, near))
        _take_turns(search, limits.turns * people, None, progress)
    elif people and float(problem.tasks.length.mean()) > LONG_TASKS:
        search.begin(_swept(search, limits.guided, guide, progress))
        _take_turns(search, limits.turns * people, guide, progress)
    else:
        search.begin(_swept(search, limits.sweeps, guide, progress))
        if people and _entries(search.crew) <= limits.whole:
            _dive_and_open(search, limits, opened, progress)
        else:
            _open_many(search, limits.size, opened, progress)
    return Solution(
        search.best,
        search.best_objective,
        min(search.bound, search.best_objective),
        search.prices.heads if search.prices else np.zeros(problem.floor.need.shape),
        tuple(search.history),
        search.out_of_time,
    )


def _entries(crew: Crew) -> float:
    """Entries that lines of everybody have in the master program, roughly, in each round."""
    floor = crew.problem.floor
    entries = crew.days * float(floor.touches.sum(axis=1).mean()) * len(crew)
    # A program with many rows is slow to solve, however few lines it has.
    return entries * max(1.0, floor.need.size / 1000)


def _take_turns(search: _Search, count: int, guide: Floats | None, progress: Progress) -> None:
    """Two people leave the floor and choose again, one after the other, so many times.

    What neither could gain alone is found so: hours handed over, two shifts that move together. The
    first is led away from its best line by a part of what the guide pays, each time another.
    """
    crew, rng = search.crew, search.rng
    for n in range(count if len(crew) > 1 else 0):
        if search.done:
            return
        one, two = _pair(search)
        roster = search.roster.copy()
        for i in (one, two):
            crew.take_off(roster, i)
        worth = crew.worth(roster, one)
        if guide is not None:
            lead = rng.uniform(0.0, GUIDED)
            worth = worth + lead * guide[:, crew.problem.people[one].group]
        crew.take_on(roster, one, best_answer(crew, one, worth))
        crew.take_on(roster, two, best_answer(crew, two, crew.worth(roster, two)))
        search.take(roster)
        progress(
            0.4 + 0.55 * n / count,
            f"two at a time, {n + 1} of {count}, cost {search.objective:,.0f}",
        )
    for n in range(LAST_SWEEPS):
        for i in rng.permutation(len(crew)).tolist():
            roster = search.roster.copy()
            crew.take_off(roster, i)
            crew.take_on(roster, i, best_answer(crew, i, crew.worth(roster, i)))
            search.take(roster)
        progress(0.95 + 0.05 * (n + 1) / LAST_SWEEPS, "everybody once more")


def _pair(search: _Search) -> tuple[int, int]:
    """Two people; where heads are missing, every other time the first could be there."""
    people = _neighbours(search, 4)
    if len(people) < 2:
        return people[0], (people[0] + 1) % len(search.crew)
    return people[0], people[1]


def _dive_and_open(search: _Search, limits: EngineLimits, opened: int, progress: Progress) -> None:
    """Dives for everybody, the first of which gives the bound, each followed by neighbourhoods."""
    crew, people = search.crew, len(search.crew)
    lines = lines_of(search.roster)
    for dives in range(limits.restarts + 1):
        roster = crew.nobody() if dives else search.roster.copy()
        for i in range(people):
            crew.take_off(roster, i)
        found, master = dive(
            search,
            roster,
            range(people),
            lines,
            rounds=ROUNDS,
            share=limits.fixed(people) / (1 + dives),
            noise=0.1 * (1 + dives),
            progress=progress,
        )
        lines = master.lines
        if not dives:
            search.prices, search.bound = found.prices, crew.problem.constant + found.bound
        search.begin(roster)
        _open_many(search, limits.size, opened - search.opened, progress)
        if search.done or search.opened >= opened:
            return


def _open_many(search: _Search, size: int, count: int, progress: Progress) -> None:
    """Opens neighbourhoods, so many or until nothing is gained any more."""
    idle, patience = 0, PATIENCE * max(len(search.crew), 20)
    for n in range(count):
        if search.done or idle >= patience:
            return
        idle = 0 if _open(search, size) else idle + 1
        search.opened += 1
        progress(
            0.4 + 0.6 * n / count,
            f"a few at a time, {n + 1} of {count}, cost {search.objective:,.0f}{search.above}",
        )


class _Search:
    """The search in progress: the roster it stands at, and the best one so far."""

    def __init__(self, crew: Crew, rng: np.random.Generator, wall_s: float) -> None:
        self.crew = crew
        self.rng = rng
        self.prices: Prices | None = None
        self.history: list[tuple[float, float]] = []
        self.best_objective = np.inf
        self.bound = -np.inf
        self.opened = 0
        self._least_gain = 1.0 - 1e-6 if _all_whole(crew.problem) else 1e-6
        self._began = time.perf_counter()
        self._ends = self._began + wall_s

    @property
    def out_of_time(self) -> bool:
        return time.perf_counter() > self._ends

    @property
    def above(self) -> str:
        """How far the best roster is above the bound, for people; nothing while none is known."""
        if not np.isfinite(self.bound):
            return ""
        return f", {self.best_objective - self.bound:,.0f} above the bound"

    @property
    def done(self) -> bool:
        """Whether time is up, or no better roster can be."""
        return self.out_of_time or self.best_objective - self.bound < self._least_gain

    def begin(self, roster: Roster) -> None:
        """Stands at this roster, better or worse."""
        self.roster, self.objective = roster, self.crew.objective(roster)
        self._remember()

    def take(self, roster: Roster) -> bool:
        """Stands at this roster if it is no worse; whether it is better."""
        objective = self.crew.objective(roster)
        better = objective < self.objective - 1e-7
        if objective <= self.objective + 1e-9:
            self.roster, self.objective = roster, objective
        if better:
            self._remember()
        return better

    def _remember(self) -> None:
        if self.objective < self.best_objective - 1e-9:
            self.best, self.best_objective = self.roster, self.objective
            self.history.append((time.perf_counter() - self._began, self.objective))


def _all_whole(problem: Problem) -> bool:
    """Whether every cost is a whole number, and so the cost of every roster."""
    floor = problem.floor
    parts = [floor.short, floor.surplus, np.array([problem.constant]), problem.fairness.price]
    parts += [person.costs for person in problem.people]
    # Hours beside a target are counted in parts.
    targets = any((person.wanted[:, :, 3] > 0).any() for person in problem.people)
    return not targets and all(bool((part == np.round(part)).all()) for part in parts)


def lines_of(roster: Roster, people: Iterable[int] | None = None) -> list[tuple[int, Line]]:
    """The lines that people have."""
    chosen = range(len(roster.costs)) if people is None else people
    return [
        (i, Line(roster.task[i].copy(), roster.breaks[i].copy(), float(roster.costs[i])))
        for i in chosen
    ]


def _swept(search: _Search, sweeps: int, guide: Floats | None, progress: Progress) -> Roster:
    """A roster in which everybody took the line that is worth most, in turn, given all others'.

    The guide adds to what a head is worth, in each sweep less.
    """
    crew = search.crew
    roster = crew.nobody()
    for n in range(sweeps):
        weight = GUIDED * (1 - n / max(1, sweeps - 1))
        for i in search.rng.permutation(len(crew)).tolist():
            crew.take_off(roster, i)
            worth = crew.worth(roster, i)
            if guide is not None and weight:
                worth = worth + weight * guide[:, crew.problem.people[i].group]
            crew.take_on(roster, i, best_answer(crew, i, worth))
        progress(0.4 * (n + 1) / sweeps, f"everybody in turn, sweep {n + 1}")
    return roster


def _begun_near(crew: Crew, near: Ints) -> Roster:
    """The roster, each line replaced by the lawful one that has most of its tasks and days off.

    Everybody's breaks are then laid anew, now that all others are there: else much of what the
    search gains would be breaks, and look as if shifts had to change for it.
    """
    roster = crew.nobody()
    for _ in range(1 + SETTLED):
        for i in range(len(crew)):
            crew.take_off(roster, i)
            line, value = crew.answer(i, crew.worth(roster, i), near=near[i])
            _must_be_lawful(crew, i, value)
            crew.take_on(roster, i, line)
    return roster


def _must_be_lawful(crew: Crew, i: int, value: float) -> None:
    if not lawful(value):
        names = crew.problem.names
        raise RuleConflict(f"{names[i] if names else f'person {i}'} has no lawful line", person=i)


def best_answer(crew: Crew, i: int, worth: Floats) -> Line:
    """The best line of a person, further burdens above the fair share at their full price.

    Raises RuleConflict when no line is lawful.
    """
    fair = crew.problem.fairness
    line, value = crew.answer(i, worth)
    _must_be_lawful(crew, i, value)
    above = crew.burdens_of(line.task) > fair.share[i, 1:]
    if not above.any():
        return line
    other, _ = crew.answer(i, worth, fair.price[1:] * above)
    heads = worth + crew.problem.floor.surplus  # which a line's cost holds already
    return max((line, other), key=lambda one: crew.earned(one, heads) - one.cost)


def _open(search: _Search, size: int) -> bool:
    """Takes some people's lines off and chooses them again together; whether that gained."""
    people = _neighbours(search, size)
    roster = search.roster.copy()
    lines = lines_of(roster, people)
    for i in people:
        search.crew.take_off(roster, i)
    dive(search, roster, people, lines, rounds=FEW_ROUNDS, share=0.0, noise=0.3)
    return search.take(roster)


def _neighbours(search: _Search, size: int) -> list[int]:
    """People to choose for again: where heads are missing, half of them could be there."""
    crew, rng = search.crew, search.rng
    most = min(size, len(crew))
    count = int(rng.integers(max(1, most // 2), most + 1))
    order: list[int] = rng.permutation(len(crew)).tolist()
    lacks = search.roster.lacks.max(axis=1, initial=0.0)
    short = np.flatnonzero(lacks > 1e-9)
    if not len(short) or rng.random() < AT_RANDOM:
        return order[:count]
    block = int(rng.choice(short))
    cut = int(search.roster.lacks[block].argmax())
    able = [i for i in order if crew.could_be_at(i, block, cut)][: count // 2 + 1]
    there = set(able)
    return (able + [i for i in order if i not in there])[:count]


def dive(
    search: _Search,
    roster: Roster,
    people: Iterable[int],
    lines: Iterable[tuple[int, Line]],
    *,
    rounds: int,
    share: float,
    noise: float,
    progress: Progress = silent,
) -> tuple[Found, Master]:
    """Gives people, who have no lines, lines that together cost little.

    lines  to begin with
    share  part of the people who are fixed at once, one at least
    noise  how much chance there is in who is fixed next

    Gives what the program over all of them found, before any line was fixed, and the pool.
    """
    crew = search.crew
    master = Master(crew, people, np.maximum(roster.lacks, 0.0))
    for i, line in lines:
        master.add(i, line)
    start = search.prices or _offer(crew)

    def told(value: float, bound: float) -> bool:
        progress(0.15, f"prices: {value:.0f}, no roster below {bound:.0f}")
        return search.out_of_time

    total = len(master.left)
    close = CLOSE if total <= MANY else MANY_CLOSE
    first = found = generate(master, start=start, rounds=rounds, close=close, enough=told)
    while True:
        for i, number in _surest(master, found, search.rng, share, noise):
            master.fix(i, number)
            crew.take_on(roster, i, master.lines[number][1])
        progress(0.4 - 0.2 * len(master.left) / max(total, 1), f"{len(master.left)} lines open")
        if not master.left:
            return first, master
        steps = MANY_STEP_ROUNDS if total > MANY else STEP_ROUNDS
        hurried = 1 if search.out_of_time else steps
        found = generate(master, start=found.prices, rounds=hurried, close=CLOSE)


def _offer(crew: Crew) -> Prices:
    floor = crew.problem.floor
    heads = FIRST_OFFER * floor.short[:, floor.layer] * (floor.need > 0)
    return Prices(heads, np.zeros((len(crew), max(0, len(crew.problem.fairness.price) - 1))))


def _surest(
    master: Master, found: Found, rng: np.random.Generator, share: float, noise: float
) -> list[tuple[int, int]]:
    """Whose line is fixed next, and its number: those that the program takes whole, or nearly."""
    chosen: dict[int, tuple[float, int]] = {}
    for number, ((i, _), taken) in enumerate(zip(master.lines, found.taken.tolist(), strict=True)):
        if master.open(i) and taken > chosen.get(i, (-1.0, -1))[0]:
            chosen[i] = (taken, number)
    chance = dict(zip(chosen, rng.random(len(chosen)).tolist(), strict=True))
    order = sorted(chosen, key=lambda i: -chosen[i][0] - noise * chance[i])
    sure = [i for i in order if chosen[i][0] > SURE]
    fixed = sure + [i for i in order if chosen[i][0] <= SURE]
    count = max(1, len(sure), int(np.ceil(share * len(order))))
    return [(i, chosen[i][1]) for i in fixed[:count]]
