"""One agent's best line of work, against the independent checker and all lines there are."""

import itertools
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1]))
from checked import Rows, table
from rosters import horizon, make_agent, make_brand

from scheduling.check import check_roster
from scheduling.rostering.assign import days_of, tasks_of
from scheduling.rostering.crew import Crew, lawful
from scheduling.rostering.need import Prices, skill_groups
from scheduling.rostering.problem import Fairness, Floor, Person, Problem, nothing_wanted
from scheduling.rostering.shifts import expand_shifts
from scheduling.rostering.workers import begun_before, workers_of
from wfm.brands import Brand, Market
from wfm.frames import ROSTER
from wfm.people import Agent, Contract, ContractTerm, ShiftTemplate, TimeOff

EARLY = ShiftTemplate("early", 480, (480,))
LATE = ShiftTemplate("late", 480, (840,))
NIGHT = ShiftTemplate("night", 480, (1320,))
SHORT = ShiftTemplate("short", 240, (600,))
TEMPLATES = (EARLY, LATE, NIGHT, SHORT)
NAMES = [t.name for t in TEMPLATES]
BEFORE = 10  # days of history
# A line of work: position in the brand's templates by day, counted from the horizon's first.
Days = dict[int, int]


def maybe(values: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | st.none() | values


def law(name: str) -> st.SearchStrategy[Contract]:
    """Contracts in which every rule that follows or counts is there now and then."""
    few = st.integers(1, 3)
    rest = st.sampled_from([24.0, 35.0, 48.0, 60.0])
    fields = {
        "max_hours_per_week": st.sampled_from([24, 32, 48]),
        "max_days_per_week": st.integers(3, 7),
        "max_consecutive_days": st.integers(2, 6),
        "min_rest_h": st.sampled_from([8, 11, 16]),
        "max_weekends_in_4": st.integers(0, 4),
        "max_consecutive_nights": maybe(few),
        "min_consecutive_shifts": st.integers(1, 3),
        "min_consecutive_days_off": st.integers(1, 3),
        "weekly_rest_h": st.just(0.0) | rest,
        "rest_after_nights_h": st.just(0.0) | rest,
        "nights_in_series": few,
        "max_hours_per_period": maybe(st.sampled_from([30.0, 60.0])),
        "max_shifts": st.sampled_from([(), (("night", 1),), (("early", 2),)]),
        "forbidden_sequences": st.sampled_from(
            [(), (("night", "early"),), (("early", "early"), ("late", "short"))]
        ),
        "max_start_change_h": maybe(st.sampled_from([2.0, 6.0])),
        "max_holidays_per_period": maybe(st.integers(0, 1)),
    }
    return st.builds(
        Contract,
        name=st.just(name),
        templates=st.just(tuple(NAMES)),
        max_hours_per_day=st.just(24),
        **fields,
    )


def a_brand(templates: tuple[ShiftTemplate, ...], laws: tuple[Contract, ...], zone: str) -> Brand:
    names = {t.name for t in templates}
    fitting = tuple(
        replace(
            c,
            templates=tuple(t.name for t in templates),
            max_shifts=tuple(cap for cap in c.max_shifts if cap[0] in names),
        )
        for c in laws
    )
    brand = make_brand(templates=templates, contracts=fitting, zone=zone)
    return replace(brand, markets=(Market("IE", "IE", zone),))


def rows(agent_id: str, line: Days, brand: Brand, first: date) -> Rows:
    found = []
    for day, number in line.items():
        template = brand.templates[number]
        clock = time(template.starts[0] // 60)
        at = datetime.combine(first + timedelta(days=day), clock, brand.tz).astimezone(UTC)
        ends = at + timedelta(minutes=template.minutes)
        found.append((agent_id, at, ends, "on_queue", "", template.name, False))
    return found


class Alone:
    """One agent whose shifts cost what is drawn for them, and nothing else matters but nights."""

    def __init__(
        self, brand: Brand, agent: Agent, first: date, days: int, history: Days, seed: int
    ) -> None:
        start, end = horizon(days, first=first, zone=brand.zone)
        before = table(rows(agent.agent_id, history, brand, first)) if history else ROSTER.empty()
        self.shifts = shifts = expand_shifts(brand, start=start, end=end)
        (worker,) = workers_of(
            (agent,),
            skill_groups((agent,), ("x",)),
            shifts=shifts,
            brand=brand,
            prices=Prices(),
            begun=begun_before(before, start),
            start=start,
        )
        rng = np.random.default_rng(seed)
        self.costs = rng.normal(-1, 3, len(shifts))
        self.tasks = tasks_of(shifts, brand)
        self.share, self.price = float(rng.integers(3)), 2.0
        self.wanted = nothing_wanted(days)
        self.wanted[-1, 0] = (60, 0.5, 70, 0.1)
        self.worker = worker
        idle = np.zeros((shifts.intervals, 1))
        floor = Floor(
            idle, np.zeros(1, dtype=np.int64), np.ones((1, 1), dtype=bool), idle, idle[:, 0]
        )
        costs = self.costs[worker.options]
        person = Person(worker.rules, worker.past, 0, worker.options, costs, self.wanted)
        nights = self.tasks.night[None, :]
        fairness = Fairness(nights, np.array([[self.share]]), np.array([self.price]))
        self.crew = Crew(Problem(days_of(shifts, brand), self.tasks, floor, (person,), fairness))

    def best(self) -> tuple[Days, float] | None:
        """The engine's line and its cost; None where it finds none lawful."""
        line, worth = self.crew.answer(0, np.zeros(self.shifts.intervals))
        if not lawful(worth):
            return None
        taken = line.task[line.task >= 0]
        templates = self.tasks.template[taken].tolist()
        return dict(zip(self.tasks.day[taken].tolist(), templates, strict=True)), -worth

    def cost(self, line: Days) -> float:
        """By the words: costs drawn, nights above the share, paid units of the last week."""
        taken = [
            int(np.flatnonzero((self.shifts.day == d) & (self.shifts.template == n))[0])
            for d, n in line.items()
        ]
        monday = max([0, *(d for d in range(len(self.wanted)) if self._weekday(d) == 0)])
        paid = sum(self.shifts.paid[s] for s in taken if self.shifts.day[s] >= monday)
        if monday == 0 and self._weekday(0):
            paid += self.worker.past.week[1]
        above = max(0.0, sum(self.tasks.night[s] for s in taken) - self.share)
        hours = 0.5 * max(0.0, 60 - paid) + 0.1 * abs(70 - paid)
        return float(self.costs[taken].sum() + self.price * above + hours)

    def _weekday(self, d: int) -> int:
        return self.shifts.days[d].weekday()


histories = st.dictionaries(st.integers(-BEFORE, -1), st.integers(0, 1), max_size=7)
FIRSTS = (date(2026, 3, 5), date(2026, 3, 13), date(2026, 3, 20), date(2026, 10, 23))


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    laws=st.tuples(law("law"), law("later")),
    changes=st.sampled_from([None, None, 2]),
    pair=st.sampled_from([(EARLY, NIGHT), (EARLY, LATE), (NIGHT, SHORT)]),
    first=st.sampled_from(FIRSTS),
    history=histories,
    off=st.sampled_from([None, 0, 2]),
    seed=st.integers(0, 99),
)
def test_the_engines_line_is_the_best_of_all_lines_that_the_checker_finds_lawful(
    laws: tuple[Contract, Contract],
    changes: int | None,
    pair: tuple[ShiftTemplate, ShiftTemplate],
    first: date,
    history: Days,
    off: int | None,
    seed: int,
):
    days = 5
    brand = a_brand(pair, laws, "Europe/Berlin")
    agent = make_agent(contract="law")
    if changes is not None:
        when = first + timedelta(days=changes)
        terms = (
            ContractTerm("law", date(2020, 1, 1), when - timedelta(days=1)),
            ContractTerm("later", when),
        )
        agent = replace(agent, terms=terms)
    if off is not None:
        day = first + timedelta(days=off)
        agent = replace(agent, time_off=(TimeOff(day, day),))
    alone = Alone(brand, agent, first, days, history, seed)

    choices = itertools.product((-1, 0, 1), repeat=days)
    lines = {
        f"a{n:03}": {d: k for d, k in enumerate(line) if k >= 0} for n, line in enumerate(choices)
    }

    def everybody(work: dict[str, Days]) -> pd.DataFrame:
        return table(*(rows(name, line, brand, first) for name, line in work.items()))

    start, end = horizon(days, first=first, zone=brand.zone)
    broken = check_roster(
        everybody(lines),
        brand,
        tuple(replace(agent, agent_id=name) for name in lines),
        start=start,
        end=end,
        history=everybody(dict.fromkeys(lines, history)) if history else None,
    )
    unlawful = {v.agent_id for v in broken}
    allowed = [line for name, line in lines.items() if name not in unlawful]

    found = alone.best()

    if found is None:
        assert allowed == []
    else:
        line, cost = found
        assert line in allowed
        assert cost == pytest.approx(alone.cost(line))
        assert cost == pytest.approx(min(alone.cost(other) for other in allowed))


@settings(max_examples=8, deadline=None, derandomize=True)
@given(law=law("law"), history=histories, seed=st.integers(0, 99))
def test_the_best_line_of_four_weeks_breaks_no_rule(law: Contract, history: Days, seed: int):
    first, days = date(2026, 3, 14), 28  # Saint Patrick's Day, a new period, a clock change
    brand = a_brand(TEMPLATES, (law,), "Europe/Dublin")
    agent = make_agent(contract="law")

    found = Alone(brand, agent, first, days, history, seed).best()

    if found is not None:
        start, end = horizon(days, first=first, zone=brand.zone)
        before = table(rows("a1", history, brand, first)) if history else None
        roster = table(rows("a1", found[0], brand, first))
        assert check_roster(roster, brand, (agent,), start=start, end=end, history=before) == ()
