"""A mix in whole agents is refined: never dearer, within what day, week and contracts allow."""

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from rosters import DAY4, DAY8, horizon, make_agent, make_brand, make_requirement

from scheduling.rostering.cover import Cover, CoverLimits, make_cover
from scheduling.rostering.need import Prices, need_of, skill_groups
from scheduling.rostering.refine import RefineLimits, presence
from scheduling.rostering.shifts import Shifts, expand_shifts
from scheduling.rostering.workers import begun_before, workers_of
from wfm.frames import ROSTER
from wfm.people import Contract

# Starts every four hours: few enough for a program of a blink.
FEW = tuple(range(0, 1440, 240))
DAY8, DAY4 = replace(DAY8, starts=FEW), replace(DAY4, starts=FEW)
LONG = Contract("long", ("day8",), 8.5, 24, max_days_per_week=3)
SHORT = Contract("short", ("day4",), 4.5, 12, max_days_per_week=3)


def mixed(refine: RefineLimits, *, days: int = 2, weekend: tuple[int, ...] = (5, 6)) -> Cover:
    return mixed_of(refine, days=days, weekend=weekend)[0]


def mixed_of(
    refine: RefineLimits, *, days: int = 2, weekend: tuple[int, ...] = (5, 6)
) -> tuple[Cover, Shifts]:
    start, end = horizon(days)
    brand = make_brand(queues=("x", "facebook"), templates=(DAY8, DAY4), contracts=(LONG, SHORT))
    agents = tuple(
        make_agent(f"a{n}", contract=contract, skills=skills)
        for n, (contract, skills) in enumerate(
            [("long", ("x",))] * 9 + [("short", ("x", "facebook"))] * 9
        )
    )
    wanted = np.tile(np.repeat([0, 1, 3, 4, 3, 2], 16), days)
    requirement = make_requirement({"x": wanted, "facebook": wanted // 2}, start, end)
    need = need_of(requirement, brand, start=start, end=end)
    shifts = expand_shifts(brand, start=start, end=end)
    groups = skill_groups(agents, need.queues)
    workers = workers_of(
        agents,
        groups,
        shifts=shifts,
        brand=brand,
        prices=Prices(),
        begun=begun_before(ROSTER.empty(), start),
        start=start,
    )
    cover = make_cover(
        workers,
        shifts,
        groups,
        need=need,
        given=np.zeros((shifts.intervals, len(groups.serves))),
        contracts={c.name: c for c in brand.contracts},
        prices=Prices(),
        weekend=weekend,
        seed=1,
        limits=CoverLimits(refine=refine),
    )
    return cover, shifts


def test_a_refined_mix_is_never_dearer_and_never_below_the_bound():
    rounded, refined = mixed(RefineLimits(passes=0)), mixed(RefineLimits(passes=2, gap=0.0))

    assert refined.bound - 1e-6 <= refined.objective <= rounded.objective
    assert refined.bound == rounded.bound


def test_a_mix_takes_no_more_of_a_contract_than_its_agents_can_give():
    cover, shifts = mixed_of(RefineLimits(gap=0.0), days=7)

    taken = Counter(shifts.templates[k].name for k in shifts.template[cover.units.shift])
    assert taken["day8"] <= 9 * 3
    assert taken["day4"] <= 9 * 3


def test_a_refinement_that_is_out_of_time_keeps_the_mix_and_says_so():
    stopped = mixed(RefineLimits(wall_s=0.0))

    assert stopped.stopped_by_wall
    assert "refining" in stopped.stopped_by
    assert stopped.objective == mixed(RefineLimits(passes=0)).objective


def test_weekends_are_the_days_that_the_brand_calls_so():
    usual, other = (mixed(RefineLimits(passes=0), days=5, weekend=w) for w in ((5, 6), (3, 4)))

    assert usual.bound <= other.bound + 1e-6


def test_chances_of_being_on_queue_add_up_to_the_hours_on_queue():
    _, shifts = mixed_of(RefineLimits(passes=0))
    for s in (0, len(shifts) // 3):
        breaks = shifts.breaks[shifts.template[s], :, 2].sum()
        chances = presence(shifts, s)
        assert chances.sum() == pytest.approx(shifts.length[s] - breaks)
        assert ((chances >= -1e-9) & (chances <= 1.0)).all()
