"""The shift mix and its bound, against a program that lists every shift with every break."""

import itertools
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, linprog, milp

sys.path.insert(0, str(Path(__file__).parents[1]))
from rosters import (
    horizon,
    make_agent,
    make_brand,
    make_requirement,
)

from scheduling.rostering import mixprogram, refine
from scheduling.rostering.capacity import merge_groups
from scheduling.rostering.cover import Cover, CoverLimits, make_cover
from scheduling.rostering.need import Prices, need_of, skill_groups
from scheduling.rostering.savings import dearest_hours, saving_in_words, savings
from scheduling.rostering.shifts import Shifts, expand_shifts
from scheduling.rostering.solver import CutShort, Outcome, Program
from scheduling.rostering.workers import begun_before, workers_of
from wfm.frames import ROSTER
from wfm.people import BreakRule, Contract, ShiftTemplate

PRICES = Prices(below_minimum=0.0)
SIX = ShiftTemplate(
    "six",
    360,
    (0, 360, 720, 1080),
    (BreakRule("break", 15, 60, 120), BreakRule("meal", 30, 180, 240)),
)
FOUR = ShiftTemplate("four", 240, (0, 240, 480, 720, 960, 1200), (BreakRule("break", 15, 75, 135),))
FREE = Contract("free", ("six", "four"), 12, 80, max_days_per_week=7)


def cover_of(demand: dict[str, object], agents: tuple, *, days: int = 1) -> tuple[Cover, Shifts]:
    start, end = horizon(days)
    brand = make_brand(queues=tuple(demand), templates=(SIX, FOUR), contracts=(FREE,))
    need = need_of(make_requirement(demand, start, end), brand, start=start, end=end)
    shifts = expand_shifts(brand, start=start, end=end)
    groups = skill_groups(agents, need.queues)
    workers = workers_of(
        agents,
        groups,
        shifts=shifts,
        brand=brand,
        prices=PRICES,
        begun=begun_before(ROSTER.empty(), start),
        start=start,
    )
    given_heads = np.zeros((shifts.intervals, len(groups.serves)))
    cover = make_cover(
        workers,
        shifts,
        groups,
        need=need,
        given=given_heads,
        contracts={"free": FREE},
        prices=PRICES,
        seed=1,
        limits=CoverLimits(),
    )
    return cover, shifts


def explicit_bound(wanted: np.ndarray, shifts: Shifts, *, whole: bool = False) -> float:
    """Optimum of set covering over every shift with every placement of its breaks.

    whole  with whole agents; without, a bound of that
    """
    columns, costs = [], []
    for s in range(len(shifts)):
        windows = [w for w in shifts.breaks[shifts.template[s]] if w[2]]
        for places in itertools.product(*(range(w[0], w[1] + 1) for w in windows)):
            column = np.zeros(shifts.intervals)
            column[shifts.start[s] : shifts.start[s] + shifts.length[s]] = 1
            for place, window in zip(places, windows, strict=True):
                column[shifts.start[s] + place : shifts.start[s] + place + window[2]] = 0
            columns.append(column)
            inside = shifts.inside[s]
            paid = PRICES.of_shift(shifts.paid[s] / 4, inside)
            costs.append(float(paid) + PRICES.surplus * column.sum() / 4)
    cover = np.column_stack([*columns, np.eye(shifts.intervals)])
    cost = np.array([*costs, *[(PRICES.short + PRICES.surplus) / 4] * shifts.intervals])
    if whole:
        integrality = np.r_[np.ones(len(costs)), np.zeros(shifts.intervals)]
        rule = LinearConstraint(cover, wanted, np.inf)
        optimum = milp(cost, constraints=rule, integrality=integrality).fun
    else:
        # What is lacking, taken straight between whole numbers of heads.
        above = np.ceil(wanted - 1e-9)
        part = np.where(above > wanted, wanted - above + 1, 1.0)[:, None]
        lacking = np.eye(shifts.intervals)
        between = np.column_stack([cover[:, : len(costs)] * part, lacking])
        rows = -np.vstack([cover, between])
        sides = -np.concatenate([wanted, part[:, 0] * above])
        optimum = linprog(cost, A_ub=rows, b_ub=sides, method="highs").fun
    return float(optimum - PRICES.surplus * wanted.sum() / 4)


def many(count: int, skills: tuple[str, ...] = ("x",)) -> tuple:
    return tuple(make_agent(f"{skills}{n}", contract="free", skills=skills) for n in range(count))


@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 6), min_size=12, max_size=12))
def test_the_bound_equals_that_of_explicit_set_covering(levels: list[int]):
    demand = np.repeat(levels, 8)
    cover, shifts = cover_of({"x": demand}, many(60))

    wanted = demand / make_brand().planning.availability
    assert cover.bound == pytest.approx(explicit_bound(wanted, shifts), abs=1e-3)
    assert cover.objective >= cover.bound - 1e-6


@pytest.mark.parametrize("levels", [[1, 3], [2, 0, 5, 1]])
def test_the_bound_is_below_the_optimum_in_whole_agents_and_close_to_it(levels: list[int]):
    demand = np.repeat(levels, 96 // len(levels))
    cover, shifts = cover_of({"x": demand}, many(60))

    optimum = explicit_bound(demand / make_brand().planning.availability, shifts, whole=True)
    assert 0.93 * optimum <= cover.bound <= optimum + 1e-6
    assert cover.objective >= optimum - 1e-6


def test_nobody_is_counted_for_two_queues_at_once():
    both = cover_of({"x": 3, "facebook": 3}, many(60, ("x", "facebook")))[0]
    one = cover_of({"x": 6}, many(60))[0]

    assert both.bound == pytest.approx(one.bound, abs=1e-3)


def test_separate_skills_cost_at_least_as_much_as_shared_ones():
    apart = cover_of({"x": 3, "facebook": 2}, many(40) + many(40, ("facebook",)))[0]
    shared = cover_of({"x": 3, "facebook": 2}, many(80, ("x", "facebook")))[0]

    assert apart.bound >= shared.bound - 1e-3
    assert sorted(apart.serves.tolist()) == [[False, True], [True, False]]


def test_the_mix_never_wants_more_agents_than_there_are():
    cover, _ = cover_of({"x": 9}, many(5), days=3)

    by_day = cover.mix.groupby("day")["agents"].sum()
    assert (by_day <= 5).all()
    assert cover.short_h > 0


def test_nothing_needed_means_no_shift_wanted():
    cover, _ = cover_of({"x": 0}, many(5))

    assert cover.mix.empty
    assert cover.objective == pytest.approx(0.0, abs=1e-6)
    assert cover.bound == pytest.approx(0.0, abs=1e-6)


def test_a_head_is_worth_something_exactly_where_the_floor_is_short():
    demand = np.repeat([0, 4], 48)
    cover, _ = cover_of({"x": demand}, many(2))

    assert cover.head_price[60:].min() > 1.0
    assert cover.head_price[:40].max() < 0.1


def test_what_an_hour_saves_is_told_by_interval_and_skills():
    agents = many(1) + many(1, ("x", "facebook"))
    cover, _ = cover_of({"x": np.repeat([0, 4], 48), "facebook": 0}, agents)
    start, _ = horizon(1)
    groups = skill_groups(agents, ("x", "facebook"))

    table = savings(cover, groups, ("x", "facebook"), start)

    assert table["queues"].tolist()[:3] == ["x", "x, facebook", "x"]
    assert table["start"].iloc[2] == pd.Timestamp(start) + pd.Timedelta(minutes=15)
    assert str(table["start"].dtype) == "datetime64[us, UTC]"
    last = table.iloc[-1]
    assert last["saves"] == cover.head_price[-1, 1]
    assert saving_in_words(last["queues"], last["saves"]).startswith("one more agent-hour on x, fa")


def test_the_dearest_hours_name_those_with_the_fewest_skills_who_would_save_as_much():
    start, _ = horizon(1)
    quarters = pd.date_range(start, periods=12, freq="15min", unit="us").repeat(2)
    both = {"x": [0.0] * 4 + [3.0] * 4 + [8.0, 0.0] * 2, "x, email": [0.0] * 4 + [3.0] * 8}
    saves = np.column_stack([both["x"], both["x, email"]]).ravel()
    table = pd.DataFrame({"start": quarters, "queues": ["x", "x, email"] * 12, "saves": saves})

    second, third = (start + pd.Timedelta(hours=n) for n in (1, 2))
    assert dearest_hours(table) == [(third, "x", 4.0), (second, "x", 3.0)]
    assert dearest_hours(table, most=1) == [(third, "x", 4.0)]


def test_a_week_whose_program_ran_out_of_time_still_gets_shifts(monkeypatch: pytest.MonkeyPatch):
    def out_of_time(program: Program, **_: object) -> Outcome:
        raise CutShort("too late")

    whole = cover_of({"x": 2}, many(20))[0]
    monkeypatch.setattr(mixprogram.Program, "solve", out_of_time)
    monkeypatch.setattr(refine, "contracts_cost", lambda units, floor: 0.0)
    cut = cover_of({"x": 2}, many(20))[0]

    assert "wall limit of 120 s" in cut.stopped_by
    assert cut.bound <= whole.bound
    assert not cut.mix.empty


def test_groups_are_merged_to_the_most_alike_when_there_are_too_many():
    agents = tuple(
        make_agent(str(n), skills=skills)
        for n, skills in enumerate([("x", "facebook"), ("x", "facebook", "email"), ("linkedin",)])
    )
    groups = skill_groups(agents, ("x", "facebook", "email", "linkedin"))

    assert merge_groups(groups, few=2).tolist() == [0, 0, 1]
    assert merge_groups(groups, few=1).tolist() == [0, 0, 1]  # nothing in common
    assert merge_groups(groups, few=1, most=1).tolist() == [0, 0, 0]
